#include "common/http_service.hpp"

#include <lokiship/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <set>
#include <tuple>
#include <utility>

namespace lokiship::tools {

namespace wire = boost::beast::http;
using boost::asio::ip::tcp;

namespace {

constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);
constexpr std::chrono::seconds patience{10};
constexpr std::size_t max_request = 8 * 1024, max_connections = 64;

} // namespace

struct http_service::state {
    state(const boost::asio::any_io_executor& executor, const endpoint& at, handler h)
        : acceptor(executor)
        , again(executor)
        , answer(std::move(h)) {
        acceptor.open(at.protocol());
        acceptor.set_option(tcp::acceptor::reuse_address(true));
        acceptor.bind(at);
        acceptor.listen();
    }

    /// A connection that `stop` knows of.
    struct session {
        session(std::shared_ptr<state> s, tcp::socket accepted)
            : owner(std::move(s))
            , stream(std::move(accepted)) {
            owner->open.insert(this);
        }
        session(const session&) = delete;
        session& operator=(const session&) = delete;
        ~session() { owner->open.erase(this); }

        std::shared_ptr<state> owner;
        boost::beast::tcp_stream stream;
        boost::beast::flat_buffer buffer{max_request};
    };

    wire::response<wire::string_body> respond(const wire::request<wire::empty_body>& r) const {
        wire::response<wire::string_body> out;
        out.version(r.version());
        service_answer a{405, {}, "only GET and HEAD\n"};
        if (r.method() == wire::verb::get || r.method() == wire::verb::head) {
            const std::string_view target(r.target().data(), r.target().size());
            const auto accept = r[wire::field::accept];
            try {
                a = answer({target.substr(0, target.find('?')), {accept.data(), accept.size()}});
            } catch (const std::exception& e) {
                a = {500, service_answer().content_type, std::string(e.what()) + '\n'};
            }
        } else {
            a.content_type = service_answer().content_type;
            out.set(wire::field::allow, "GET, HEAD");
        }
        out.result(a.status);
        out.set(wire::field::content_type, a.content_type);
        out.set(wire::field::cache_control, "no-store");
        out.set("X-Content-Type-Options", "nosniff");
        // The page has its script and style in it, and asks nobody else.
        out.set(
            "Content-Security-Policy",
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
            "frame-ancestors 'none'; base-uri 'none'; form-action 'none'");
        out.keep_alive(r.keep_alive());
        out.content_length(a.body.size());
        if (r.method() != wire::verb::head)
            out.body() = std::move(a.body);
        return out;
    }

    static boost::asio::awaitable<void> serve(std::unique_ptr<session> s) {
        for (bool more = true; more;) {
            wire::request_parser<wire::empty_body> parser;
            parser.header_limit(max_request);
            s->stream.expires_after(patience);
            const auto [read, n] = co_await wire::async_read_header(s->stream, s->buffer, parser, token);
            if (read)
                co_return;
            // A body is not read: nothing that is answered has one.
            wire::response<wire::string_body> answer = s->owner->respond(parser.get());
            more = answer.keep_alive() && parser.is_done();
            answer.keep_alive(more);
            wire::response_serializer<wire::string_body> serializer(answer);
            s->stream.expires_after(patience);
            std::size_t m = 0;
            error_code written;
            if (parser.get().method() == wire::verb::head)
                std::tie(written, m) = co_await wire::async_write_header(s->stream, serializer, token);
            else
                std::tie(written, m) = co_await wire::async_write(s->stream, serializer, token);
            if (written)
                co_return;
        }
        error_code ignored;
        s->stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
    }

    static boost::asio::awaitable<void> accept(std::shared_ptr<state> s) {
        while (s->acceptor.is_open()) {
            auto [ec, socket] = co_await s->acceptor.async_accept(token);
            if (!s->acceptor.is_open())
                co_return;
            if (ec) {
                // No descriptor is left, say; at once it would be the same.
                s->again.expires_after(std::chrono::seconds(1));
                co_await s->again.async_wait(token);
                continue;
            }
            if (s->open.size() >= max_connections)
                continue;
            auto one = std::make_unique<session>(s, std::move(socket));
            boost::asio::co_spawn(s->acceptor.get_executor(), serve(std::move(one)), boost::asio::detached);
        }
    }

    tcp::acceptor acceptor;
    boost::asio::steady_timer again;
    handler answer;
    std::set<session*> open;
};

http_service::http_service(boost::asio::any_io_executor executor, const endpoint& at, handler answer)
    : state_(std::make_shared<state>(executor, at, std::move(answer))) {}

http_service::~http_service() {
    stop();
}

void http_service::start() {
    boost::asio::co_spawn(state_->acceptor.get_executor(), state::accept(state_), boost::asio::detached);
}

void http_service::stop() {
    error_code ignored;
    state_->acceptor.close(ignored);
    state_->again.cancel();
    for (auto* s : state_->open)
        s->stream.close();
}

std::string http_service::url() const {
    const auto at = state_->acceptor.local_endpoint();
    const std::string host = at.address().to_string();
    return "http://" + (at.address().is_v6() ? '[' + host + ']' : host) + ':' + std::to_string(at.port());
}

std::optional<http_service::endpoint> parse_listen_address(const std::string& text) {
    const auto colon = text.rfind(':');
    if (colon == text.npos)
        return std::nullopt;
    std::string host = text.substr(0, colon);
    const std::string port = text.substr(colon + 1);
    if (host.starts_with('[') && host.ends_with(']'))
        host = host.substr(1, host.size() - 2);
    else if (host.find(':') != host.npos)
        return std::nullopt;
    if (host == "localhost")
        host = "127.0.0.1";
    error_code ec;
    const auto address = boost::asio::ip::make_address(host, ec);
    if (ec || port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != port.npos ||
        std::stoul(port) > 65535)
        return std::nullopt;
    return http_service::endpoint(address, static_cast<unsigned short>(std::stoul(port)));
}

} // namespace lokiship::tools
