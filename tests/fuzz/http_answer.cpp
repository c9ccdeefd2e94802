// An answer gives the same head, body and error however it arrives, and no more than is allowed. The real
// transport, over a stream in memory.
#include "fuzz.hpp"

#include <lokiship/http/detail/pooled_transport.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace lokiship;
using fuzz::cutter;
using fuzz::require;
namespace asio = boost::asio;

namespace {

/// Takes what is written and gives a text, then its end.
class answering_stream {
public:
    using executor_type = asio::any_io_executor;

    answering_stream(executor_type executor, std::string_view text, cutter::way way)
        : executor_(std::move(executor))
        , left_(text, way) {}
    executor_type get_executor() const noexcept { return executor_; }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return complete({}, asio::buffer_size(buffers), token);
    }
    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        if (piece_.empty() && !left_.done())
            piece_ = left_.next();
        const std::size_t n = asio::buffer_copy(buffers, asio::buffer(piece_));
        piece_.remove_prefix(n);
        return complete(n == 0 ? asio::error::eof : error_code(), n, token);
    }
    void expires_at(http::detail::steady_point) noexcept {}
    void expires_never() noexcept {}
    /// Nothing was sent unasked.
    bool is_quiet() const noexcept { return piece_.empty() && left_.done(); }

private:
    template <class Token>
    auto complete(error_code ec, std::size_t n, Token& token) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this, ec, n](auto handler) {
                asio::post(executor_, boost::beast::bind_front_handler(std::move(handler), ec, n));
            },
            token);
    }

    executor_type executor_;
    cutter left_;
    std::string_view piece_;
};

/// `pooled_transport` says what it must have.
struct connector {
    using stream_type = answering_stream;

    static constexpr bool tls = false;
    std::string_view text;
    cutter::way way;

    stream_type make(const asio::any_io_executor& executor) const { return {executor, text, way}; }
    asio::awaitable<result<void>> connect(stream_type&, const http::detail::route&,
                                          const http::detail::time_limits&) const {
        co_return result<void>();
    }
    static bool usable(stream_type& s) { return s.is_quiet(); }
    static std::string failure(stream_type&, const error_code& ec) { return ec.message(); }
    static std::string_view unmet(stream_type&) { return {}; }
};

using pool = http::detail::pooled_transport<connector>;

constexpr std::size_t most = 2000;

struct outcome {
    std::optional<result<http::response_head>> head{};
    std::string body{};
    std::size_t fields_at_body = 0;
};

void check(const outcome& o) {
    require(o.body.size() <= most, "no more of a body is handed on than is allowed");
    if (!*o.head) {
        require(o.head->error().message.starts_with("http://h"), "a message begins with the server");
        return;
    }
    const auto& head = **o.head;
    require(head.status >= 101 && head.status <= 999, "a status has three digits");
    require(o.body.empty() || head.fields.size() == o.fields_at_body, "the body is handed on with the head");
}

/// An answer may have two faults, and which is met first depends on how it comes: the last bytes of one that broke off may
/// not be looked at; and what is decoded at once may be damaged before it is handed on, and is too large.
bool alike(const error& a, const error& b) {
    const auto hides = [](const error& broken, const error& e) {
        return broken.code == boost::beast::http::error::partial_message &&
               (e.code == errc::unexpected_answer || e.code == errc::corrupt_content_encoding ||
                e.code == errc::unsupported_content_encoding || e.code == errc::response_too_large);
    };
    const auto precedes = [](const error& large, const error& damaged) {
        return large.code == errc::response_too_large && damaged.code == errc::corrupt_content_encoding;
    };
    return a.code == b.code || hides(a, b) || hides(b, a) || precedes(a, b) || precedes(b, a);
}

/// `ways_differ`: they came otherwise.
bool same(const outcome& a, const outcome& b, bool ways_differ) {
    if (a.head->has_value() != b.head->has_value())
        return false;
    if (!*a.head)
        return (ways_differ ? alike(a.head->error(), b.head->error())
                            : a.head->error().code == b.head->error().code) &&
               (a.body.starts_with(b.body) || b.body.starts_with(a.body));
    return (*a.head)->status == (*b.head)->status && a.body == b.body &&
           std::equal((*a.head)->fields.begin(), (*a.head)->fields.end(), (*b.head)->fields.begin(),
                      (*b.head)->fields.end());
}

std::string told(const outcome& o) {
    return *o.head ? std::to_string((*o.head)->status) + " with " + std::to_string(o.body.size()) + " bytes"
                   : o.head->error().message;
}

asio::awaitable<void> send(std::shared_ptr<pool> to, outcome& out) {
    http::request r;
    r.max_response_size = most;
    const http::body_sink sink = [&out](const http::response_head& head,
                                        std::string_view chunk) -> result<void> {
        out.fields_at_body = head.fields.size();
        out.body += chunk;
        return {};
    };
    out.head = co_await pool::send(to, r, sink);
}

/// Asks twice.
std::vector<outcome> exchange(std::string_view text, cutter::way way) {
    asio::io_context context(1);
    http::transport_options options;
    options.read_buffer_size = 0;
    const auto to =
        std::make_shared<pool>(context.get_executor(), http::url{.host = "h"}, options, connector{text, way});
    std::vector<outcome> out(2);
    for (auto& o : out) {
        asio::co_spawn(context, send(to, o),
                       [](const std::exception_ptr& e) { require(!e, "nothing is thrown"); });
        context.restart();
        context.run();
        require(o.head.has_value(), "an exchange ends");
        check(o);
    }
    require(same(out[0], out[1], false), "a second exchange is as the first",
            told(out[0]) + " / " + told(out[1]));
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::view(data, size);
    const auto whole = exchange(text, cutter::way::whole);
    for (const auto way : {cutter::way::bytes, cutter::way::pieces}) {
        const auto cut = exchange(text, way);
        require(same(cut[0], whole[0], true), "the outcome does not depend on the pieces",
                told(whole[0]) + " / " + told(cut[0]));
    }
    return 0;
}
