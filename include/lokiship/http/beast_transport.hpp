#ifndef LOKISHIP_HTTP_BEAST_TRANSPORT_HPP
#define LOKISHIP_HTTP_BEAST_TRANSPORT_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/fields.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/verb.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/none.hpp>
#include <boost/optional/optional.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace lokiship::http {

/// How a transport connects and reads.
struct transport_options {
    /// The longest that finding the address and connecting may take together. Zero: no limit of its own; the
    /// request's limits hold in any case.
    std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
    /// What is read at once, in bytes; each connection has a buffer of this size (at least 32 KiB).
    std::size_t read_buffer_size = 256 * 1024;
    /// Connections that are kept open between exchanges. More may be open while exchanges are under way.
    std::size_t max_idle_connections = 8;
    /// Sent as `User-Agent`, unless empty or among the request's fields.
    std::string user_agent = "lokiship";
};

namespace detail {

using steady_point = std::chrono::steady_clock::time_point;

/// `d` after `now`; never, where `d` is zero or leads beyond the clock's range.
inline steady_point deadline_after(steady_point now, std::chrono::nanoseconds d) noexcept {
    if (d.count() <= 0 || d >= steady_point::max() - now)
        return steady_point::max();
    return now + std::chrono::duration_cast<steady_point::duration>(d);
}

/// A duration for people, such as `30s` or `50ms`.
inline std::string duration_text(std::chrono::nanoseconds d) {
    const auto n = d.count();
    if (n % 1'000'000'000 == 0)
        return std::to_string(n / 1'000'000'000) + 's';
    if (n % 1'000'000 == 0)
        return std::to_string(n / 1'000'000) + "ms";
    if (n % 1000 == 0)
        return std::to_string(n / 1000) + "us";
    return std::to_string(n) + "ns";
}

/// RFC 4648, with padding.
inline std::string base64(std::string_view in) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < in.size(); i += 3) {
        const auto byte = [&](std::size_t at) {
            return at < in.size() ? static_cast<unsigned>(static_cast<unsigned char>(in[at])) : 0u;
        };
        const unsigned bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        out += digits[bits >> 18];
        out += digits[bits >> 12 & 63];
        out += i + 1 < in.size() ? digits[bits >> 6 & 63] : '=';
        out += i + 2 < in.size() ? digits[bits & 63] : '=';
    }
    return out;
}

/// The time limits of one exchange, attempts on several connections included.
struct time_limits {
    std::chrono::nanoseconds idle{};
    std::chrono::nanoseconds total{};
    steady_point total_at = steady_point::max();

    bool over() const noexcept {
        return total_at != steady_point::max() && std::chrono::steady_clock::now() >= total_at;
    }
    std::string over_text() const { return "the exchange took longer than " + duration_text(total); }
    /// Sets the limit of the stream's next operation.
    template <class Stream>
    void arm(Stream& stream) const {
        boost::beast::get_lowest_layer(stream).expires_at(
            std::min(deadline_after(std::chrono::steady_clock::now(), idle), total_at));
    }
};

/// A Beast body that hands what arrives to a `body_sink`, without a copy.
struct sink_body {
    struct value_type {
        const body_sink* sink = nullptr;
        /// The parser's own header, complete when the body starts.
        const boost::beast::http::response_header<>* header = nullptr;
        response_head head{};
        std::uint64_t received = 0;
        std::optional<error> failure{};

        /// Takes the head over; false, with `failure` set, where the body cannot be read.
        bool take_head() {
            head.status = header->result_int();
            for (const auto& f : *header) {
                const std::string_view name(f.name_string().data(), f.name_string().size());
                const std::string_view value(f.value().data(), f.value().size());
                if (f.name() == boost::beast::http::field::content_encoding && !value.empty() &&
                    !boost::algorithm::iequals(value, "identity"))
                    failure = error(errc::unsupported_content_encoding,
                                    "the answer has the Content-Encoding '" +
                                        text::escape_for_log(value, 40) + "', which was not asked for");
                head.fields.add(std::string(name), std::string(value));
            }
            return !failure;
        }
    };

    class reader {
    public:
        template <bool IsRequest, class Fields>
        reader(boost::beast::http::header<IsRequest, Fields>&, value_type& value)
            : value_(value) {}
        void init(const boost::optional<std::uint64_t>&, error_code& ec) {
            ec = {};
            if (!value_.take_head())
                ec = boost::asio::error::operation_aborted;
        }
        template <class Buffers>
        std::size_t put(const Buffers& buffers, error_code& ec) {
            ec = {};
            std::size_t taken = 0;
            for (auto at = boost::asio::buffer_sequence_begin(buffers);
                 at != boost::asio::buffer_sequence_end(buffers); ++at) {
                const boost::asio::const_buffer b = *at;
                if (b.size() == 0)
                    continue;
                value_.received += b.size();
                if (*value_.sink) {
                    const std::string_view chunk(static_cast<const char*>(b.data()), b.size());
                    if (const auto r = (*value_.sink)(value_.head, chunk); !r) {
                        value_.failure = r.error();
                        ec = boost::asio::error::operation_aborted;
                        return taken;
                    }
                }
                taken += b.size();
            }
            return taken;
        }
        void finish(error_code& ec) { ec = {}; }

    private:
        value_type& value_;
    };
};

using request_message = boost::beast::http::request<boost::beast::http::span_body<const char>>;

/// One connection to the server, and what was read ahead of its parser.
template <class Stream>
struct connection {
    explicit connection(Stream s)
        : stream(std::move(s)) {}
    Stream stream;
    boost::beast::flat_buffer buffer;
};

/// What became of one exchange on one connection.
struct outcome {
    result<response_head> answer;
    /// The connection can take another exchange.
    bool reusable = false;
    /// The connection failed before the first byte of an answer: as an idle one does that was closed.
    bool unanswered = false;
};

/// Sends `message` and reads its answer. Every message of an error starts with `where`.
template <class Stream>
boost::asio::awaitable<outcome> exchange(connection<Stream>& c, const request_message& message,
                                         const body_sink& sink, std::uint64_t max_response_size,
                                         std::size_t read_buffer_size, const time_limits& limits,
                                         const std::string& where) {
    namespace asio = boost::asio;
    namespace beast = boost::beast;
    namespace wire = boost::beast::http;
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    const auto timed_out = [&](const std::string& silence) {
        return outcome{error(errc::timed_out, where + ": " + (limits.over() ? limits.over_text() : silence))};
    };
    const auto cancelled = [&] {
        return outcome{error(asio::error::operation_aborted, where + ": cancelled")};
    };

    // A server may answer and close before it has read all; then sending fails, and the answer counts.
    error_code send_error;
    wire::request_serializer<wire::span_body<const char>> serializer(message);
    while (!serializer.is_done()) {
        if (limits.over())
            co_return timed_out({});
        limits.arm(c.stream);
        const auto [ec, n] = co_await wire::async_write_some(c.stream, serializer, token);
        if (ec == beast::error::timeout)
            co_return timed_out("the server took nothing for " + duration_text(limits.idle));
        if (ec == asio::error::operation_aborted)
            co_return cancelled();
        if (ec) {
            send_error = ec;
            break;
        }
    }

    std::optional<wire::response_parser<sink_body>> parser;
    const std::size_t capacity = std::max<std::size_t>(read_buffer_size, 32 * 1024);
    bool answered = false;
    for (;;) {
        if (!parser) {
            parser.emplace();
            parser->eager(true);
            parser->header_limit(16 * 1024);
            if (max_response_size != 0)
                parser->body_limit(max_response_size);
            else
                parser->body_limit(boost::none);
            parser->get().body().sink = &sink;
            parser->get().body().header = &parser->get().base();
        }
        auto& body = parser->get().body();
        error_code parse_error;
        bool ended = false;
        if (c.buffer.size() == 0 || answered) {
            if (limits.over())
                co_return timed_out({});
            if (c.buffer.size() >= capacity)
                co_return outcome{error(errc::unexpected_answer, where + ": the answer is malformed")};
            limits.arm(c.stream);
            const auto [ec, n] =
                co_await c.stream.async_read_some(c.buffer.prepare(capacity - c.buffer.size()), token);
            c.buffer.commit(n);
            answered = answered || n != 0;
            const std::string so_far = " after " + std::to_string(body.received) + " bytes";
            if (ec == beast::error::timeout) {
                co_return timed_out(parser->is_header_done()
                                        ? "the answer stopped" + so_far + " for " + duration_text(limits.idle)
                                        : "no answer for " + duration_text(limits.idle));
            } else if (ec == asio::error::operation_aborted) {
                co_return cancelled();
            } else if (ec == asio::error::eof && parser->got_some()) {
                parser->put_eof(parse_error);
                ended = true;
            } else if (ec && n == 0) {
                if (answered)
                    co_return outcome{
                        error(ec, where + ": the answer broke off" + so_far + ": " + ec.message())};
                std::string why = send_error ? "send: " + send_error.message()
                                  : ec == asio::error::eof
                                      ? "the server closed the connection without an answer"
                                      : "no answer: " + ec.message();
                co_return outcome{error(send_error ? send_error : ec, where + ": " + why), false, true};
            }
        }
        if (!ended)
            c.buffer.consume(parser->put(c.buffer.data(), parse_error));
        answered = true;
        if (body.failure) {
            if (body.failure->code == errc::unsupported_content_encoding && body.received == 0)
                body.failure->message = where + ": " + body.failure->message;
            co_return outcome{std::move(*body.failure)};
        }
        if (parse_error == wire::error::need_more)
            parse_error = {};
        if (parse_error == wire::error::body_limit)
            co_return outcome{
                error(errc::response_too_large,
                      where + ": the answer is larger than " + std::to_string(max_response_size) + " bytes")};
        if (parse_error == wire::error::partial_message)
            co_return outcome{error(parse_error, where + ": the answer broke off after " +
                                                     std::to_string(body.received) + " bytes")};
        if (parse_error)
            co_return outcome{
                error(errc::unexpected_answer, where + ": no valid HTTP answer: " + parse_error.message())};
        if (!parser->is_done())
            continue;
        // 100 Continue and its like announce the answer.
        if (parser->get().result_int() / 100 == 1 && parser->get().result_int() != 101) {
            parser.reset();
            answered = c.buffer.size() == 0;
            continue;
        }
        if (body.head.status == 0)
            static_cast<void>(body.take_head());
        const bool reusable = parser->keep_alive() && c.buffer.size() == 0 && !send_error && !ended;
        boost::beast::get_lowest_layer(c.stream).expires_never();
        co_return outcome{std::move(body.head), reusable};
    }
}

/// Shared with the callback of a resolution, which cannot be interrupted and may outlive who waits for it.
struct resolution {
    explicit resolution(const boost::asio::any_io_executor& executor)
        : resolver(executor)
        , finished(executor) {}
    boost::asio::ip::tcp::resolver resolver;
    boost::asio::steady_timer finished;
    bool done = false;
    error_code failure;
    std::vector<boost::asio::ip::tcp::endpoint> endpoints;
};

inline void start(const std::shared_ptr<resolution>& r, const url& server) {
    r->resolver.async_resolve(
        server.host, std::to_string(server.port),
        [r](const error_code& ec, const boost::asio::ip::tcp::resolver::results_type& found) {
            r->done = true;
            r->failure = ec;
            for (const auto& entry : found)
                r->endpoints.push_back(entry.endpoint());
            r->finished.cancel();
        });
}

/// Finds the server's addresses and connects to the first that answers. Each gets an equal part of the time
/// that is left, so that one that swallows packets does not hide the next.
inline boost::asio::awaitable<result<void>> connect_tcp(boost::beast::tcp_stream& stream, const url& server,
                                                        std::chrono::nanoseconds connect_timeout,
                                                        const time_limits& limits, const std::string& where) {
    namespace asio = boost::asio;
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    std::chrono::nanoseconds allowed = connect_timeout;
    if (limits.idle.count() > 0 && (allowed.count() <= 0 || limits.idle < allowed))
        allowed = limits.idle;
    const auto until = std::min(deadline_after(std::chrono::steady_clock::now(), allowed), limits.total_at);
    const auto timed_out = [&](const char* what) {
        return error(errc::timed_out,
                     where + ": " +
                         (limits.over() ? limits.over_text()
                                        : what + (": timed out after " + duration_text(allowed))));
    };

    std::vector<asio::ip::tcp::endpoint> endpoints;
    error_code no_address;
    const auto address = asio::ip::make_address(server.host, no_address);
    if (!no_address) {
        endpoints.emplace_back(address, server.port);
    } else {
        const auto resolving = std::make_shared<resolution>(stream.get_executor());
        start(resolving, server);
        resolving->finished.expires_at(until);
        while (!resolving->done) {
            const auto [ec] = co_await resolving->finished.async_wait(token);
            if (resolving->done)
                break;
            resolving->resolver.cancel();
            if (ec)
                co_return error(asio::error::operation_aborted, where + ": cancelled");
            co_return timed_out("resolve");
        }
        if (resolving->failure)
            co_return error(resolving->failure, where + ": resolve: " + resolving->failure.message());
        endpoints = std::move(resolving->endpoints);
    }

    error_code failure = asio::error::host_not_found;
    for (std::size_t i = 0; i != endpoints.size(); ++i) {
        const auto now = std::chrono::steady_clock::now();
        if (now >= until)
            co_return timed_out("connect");
        if (until == steady_point::max())
            stream.expires_never();
        else
            stream.expires_at(now + (until - now) / static_cast<long>(endpoints.size() - i));
        const auto [ec] = co_await stream.async_connect(endpoints[i], token);
        failure = ec;
        if (!ec) {
            error_code ignored;
            stream.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
            co_return result<void>();
        }
        if (ec == asio::error::operation_aborted)
            co_return error(ec, where + ": cancelled");
        stream.close();
    }
    if (failure == boost::beast::error::timeout)
        co_return timed_out("connect");
    co_return error(failure, where + ": connect: " + failure.message());
}

/// True where the peer of an idle connection has neither closed it nor said anything.
inline bool is_quiet(boost::asio::ip::tcp::socket& socket) {
    error_code ec;
    socket.non_blocking(true, ec);
    if (ec)
        return false;
    char c = 0;
    socket.receive(boost::asio::buffer(&c, 1), boost::asio::socket_base::message_peek, ec);
    return ec == boost::asio::error::would_block || ec == boost::asio::error::try_again;
}

/// How `pooled_transport` makes connections without TLS.
struct plain_connector {
    using stream_type = boost::beast::tcp_stream;

    static constexpr bool tls = false;
    std::chrono::nanoseconds connect_timeout;

    stream_type make(const boost::asio::any_io_executor& executor, const url&) const {
        return stream_type(executor);
    }
    boost::asio::awaitable<result<void>> connect(stream_type& stream, const url& server,
                                                 const time_limits& limits, const std::string& where) const {
        return connect_tcp(stream, server, connect_timeout, limits, where);
    }
    static bool usable(stream_type& stream) { return is_quiet(stream.socket()); }
};

/// A pool of connections and the exchanges over it, for any kind of stream.
///
/// `Connector` has `stream_type`, `tls`, `make(executor, url)`, `connect(stream, url, limits, where)` giving
/// `awaitable<result<void>>`, and `usable(stream)`, which tells whether an idle connection is still good. The
/// exchanges under way share the object's ownership.
template <class Connector>
class pooled_transport : public std::enable_shared_from_this<pooled_transport<Connector>> {
public:
    pooled_transport(boost::asio::any_io_executor executor, url server, transport_options options,
                     Connector connector)
        : executor_(std::move(executor))
        , server_(std::move(server))
        , options_(std::move(options))
        , connector_(std::move(connector))
        , where_(server_.display()) {}

    const std::string& where() const noexcept { return where_; }
    std::size_t idle() const noexcept { return idle_.size(); }
    void close_idle() noexcept { idle_.clear(); }

    /// `self` keeps the pool alive for as long as the coroutine needs it.
    static boost::asio::awaitable<result<response_head>> send(std::shared_ptr<pooled_transport> self,
                                                              const request& r, const body_sink& sink) {
        if (self->server_.tls() != Connector::tls)
            co_return error(errc::tls_not_supported,
                            self->where_ + ": this transport does not support " + self->server_.scheme);
        time_limits limits;
        limits.idle = r.idle_timeout;
        limits.total = r.total_timeout;
        limits.total_at = deadline_after(std::chrono::steady_clock::now(), r.total_timeout);
        request_message message;
        if (auto made = self->fill(message, r); !made)
            co_return made.error();
        connection_ptr c = self->take();
        if (c) {
            outcome o = co_await exchange(*c, message, sink, r.max_response_size,
                                          self->options_.read_buffer_size, limits, self->where_);
            if (!o.unanswered) {
                if (o.reusable)
                    self->give_back(std::move(c));
                co_return std::move(o.answer);
            }
        }
        c = std::make_unique<connection<stream_type>>(self->connector_.make(self->executor_, self->server_));
        const result<void> connected =
            co_await self->connector_.connect(c->stream, self->server_, limits, self->where_);
        if (!connected)
            co_return connected.error();
        outcome o = co_await exchange(*c, message, sink, r.max_response_size, self->options_.read_buffer_size,
                                      limits, self->where_);
        if (o.reusable)
            self->give_back(std::move(c));
        co_return std::move(o.answer);
    }

private:
    using stream_type = typename Connector::stream_type;
    using connection_ptr = std::unique_ptr<connection<stream_type>>;

    static bool breaks_a_line(std::string_view text) {
        return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos;
    }

    result<void> fill(request_message& m, const request& r) const {
        namespace wire = boost::beast::http;
        const auto bad = [&](const std::string& what) {
            return error(boost::asio::error::invalid_argument,
                         where_ + ": " + what + " holds a line break or a zero byte");
        };
        std::string target = server_.path + r.target;
        if (breaks_a_line(target))
            return bad("the target");
        m.version(11);
        m.method(r.verb == method::get ? wire::verb::get : wire::verb::post);
        m.target(target);
        const auto add = [&](std::string_view name, const std::string& value) {
            if (!value.empty() && r.fields.get(name).empty())
                m.insert(boost::beast::string_view(name.data(), name.size()), value);
        };
        add("Host", server_.host_header());
        add("User-Agent", options_.user_agent);
        if (!server_.userinfo.empty())
            add("Authorization", "Basic " + base64(server_.userinfo));
        for (const auto& [name, value] : r.fields) {
            if (breaks_a_line(name) || breaks_a_line(value))
                return bad("the field " + text::escape_for_log(name, 60));
            m.insert(name, value);
        }
        if (breaks_a_line(options_.user_agent))
            return bad("the user agent");
        m.body() = {r.body.data(), r.body.size()};
        if (r.verb == method::post || !r.body.empty())
            m.content_length(r.body.size());
        return {};
    }

    connection_ptr take() {
        while (!idle_.empty()) {
            connection_ptr c = std::move(idle_.back());
            idle_.pop_back();
            if (Connector::usable(c->stream))
                return c;
        }
        return {};
    }
    void give_back(connection_ptr c) {
        if (idle_.size() < options_.max_idle_connections)
            idle_.push_back(std::move(c));
    }

    boost::asio::any_io_executor executor_;
    url server_;
    transport_options options_;
    Connector connector_;
    std::string where_;
    std::vector<connection_ptr> idle_;
};

} // namespace detail

/// A `transport` over plain HTTP/1.1, made of Boost alone.
///
/// Connections are kept open and used again; several exchanges at once take one each. The answer's body goes
/// to the sink in pieces of at most `read_buffer_size`, whether it comes with a length, in chunks, or until
/// the connection closes; it is never held whole.
///
/// Not thread-safe: all of it belongs on the one thread, or the strand, of `executor`. The object may be
/// destroyed while exchanges are under way; they go on. Objects are moved, not copied; a moved-from one may
/// only be destroyed or assigned to.
class beast_transport {
public:
    /// Connects to nothing yet. `executor`'s context outlives the object.
    beast_transport(boost::asio::any_io_executor executor, url server, transport_options options = {})
        : pool_(std::make_shared<pool>(std::move(executor), std::move(server), options,
                                       detail::plain_connector{options.connect_timeout})) {}
    beast_transport(beast_transport&&) noexcept = default;
    beast_transport& operator=(beast_transport&&) noexcept = default;
    beast_transport(const beast_transport&) = delete;
    beast_transport& operator=(const beast_transport&) = delete;
    ~beast_transport() = default;

    /// Sends `r`, whose target follows the URL's path, and hands the answer's body to `sink`; an empty `sink`
    /// drops it. Both live until it completes. `Host`, `User-Agent` and, where the URL has a user,
    /// `Authorization` are sent besides the request's fields, of which one of these names takes precedence.
    ///
    /// Errors, whose messages start with the server's URL:
    /// - `errc::tls_not_supported`: the URL is an `https` one.
    /// - `errc::timed_out`: a limit of the request or of the options passed; the message says which.
    /// - `errc::response_too_large`, at once where the length is announced, else after as many bytes.
    /// - `errc::unsupported_content_encoding`: nothing of the body went to the sink.
    /// - `errc::unexpected_answer`: no HTTP, or a head of more than 16 KiB.
    /// - `boost::beast::http::error::partial_message`: the connection closed within the answer.
    /// - `boost::asio::error::invalid_argument`: the target or a field would break the head.
    /// - `boost::asio::error::operation_aborted`: the coroutine was cancelled.
    /// - the system's code: no address, no connection, connection lost.
    /// - the sink's own error, unchanged. What the sink throws is thrown on.
    ///
    /// A connection on which anything fails is closed. A kept one that fails before the first byte of an
    /// answer is replaced by a new one, once, and the request sent again.
    ///
    /// Terminal cancellation of the awaiting coroutine abandons the exchange and closes its connection; what
    /// the server did is then unknown. A resolution under way goes on in Asio's thread, and keeps the context
    /// running, until the system's resolver gives up.
    boost::asio::awaitable<result<response_head>> send(const request& r, const body_sink& sink) {
        return pool::send(pool_, r, sink);
    }

    /// The server's URL without its password.
    std::string server() const { return pool_->where(); }

    /// The number of connections that wait for their next exchange; some may have been closed by the server.
    std::size_t idle_connections() const noexcept { return pool_->idle(); }
    /// Closes the connections that wait for their next exchange.
    void close_idle_connections() noexcept { pool_->close_idle(); }

private:
    using pool = detail::pooled_transport<detail::plain_connector>;

    std::shared_ptr<pool> pool_;
};

static_assert(transport<beast_transport>);

} // namespace lokiship::http

#endif
