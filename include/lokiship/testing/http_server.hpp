#ifndef LOKISHIP_TESTING_HTTP_SERVER_HPP
#define LOKISHIP_TESTING_HTTP_SERVER_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/testing/exchange.hpp>

#include <boost/algorithm/string/predicate.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/status.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/none.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// How an `http_server` listens and answers.
struct http_server_options {
    /// 0: a free one.
    std::uint16_t port = 0;
    /// Answer bodies go out in chunks of this size; 0: whole, with a Content-Length.
    std::size_t chunk_size = 0;
    /// Without it each connection takes one request, and the answer says `Connection: close`.
    bool keep_alive = true;
    /// Between two bytes of `fault::slow`.
    std::chrono::nanoseconds slow_pace{};
};

/// A real HTTP server on 127.0.0.1 around a `handler`, for tests and sandboxes.
///
/// Works on its executor, whose context somebody else runs and which outlives the object; handler and hook
/// are called there. Not thread-safe: use it on that one thread, or while the context does not run. As long
/// as it is not stopped, its accept keeps the context running. HTTP/1.1 with keep-alive, one request at a
/// time on a connection; requests other than GET and POST get 405 without the handler. What the handler
/// throws becomes a 500.
class http_server {
public:
    /// Decides what goes wrong with a request.
    using fault_hook = std::function<fault(const http::request&)>;

    /// Listens at once and accepts when the context runs. Throws `boost::system::system_error` where the port
    /// is taken.
    http_server(boost::asio::any_io_executor executor, handler h, http_server_options options = {})
        : state_(std::make_shared<state>(executor, std::move(h), options)) {
        boost::asio::co_spawn(executor, accept(state_), boost::asio::detached);
    }
    http_server(const http_server&) = delete;
    http_server& operator=(const http_server&) = delete;
    /// Stops.
    ~http_server() { stop(); }

    /// Asked once for each request that was read whole. Empty: no faults.
    void on_request(fault_hook hook) { state_->hook = std::move(hook); }
    /// Changes the options for the answers to come; the port stays.
    void options(const http_server_options& o) { state_->options = o; }

    std::uint16_t port() const noexcept { return state_->port; }
    /// `http://127.0.0.1:PORT`.
    std::string url() const { return "http://127.0.0.1:" + std::to_string(port()); }

    /// Connections accepted so far.
    std::size_t connections() const noexcept { return state_->connections; }
    /// Connections open now.
    std::size_t open_connections() const noexcept { return state_->open.size(); }
    /// Requests read whole so far, those with a fault included.
    std::size_t requests() const noexcept { return state_->requests; }

    /// Closes all connections; the server goes on accepting.
    void drop_connections() { state_->close_connections(); }
    /// Closes the port and all connections. Nothing keeps the context running any more. May be repeated.
    void stop() {
        error_code ignored;
        state_->acceptor.close(ignored);
        state_->close_connections();
    }

private:
    using tcp = boost::asio::ip::tcp;

    struct state {
        state(const boost::asio::any_io_executor& executor, handler h, const http_server_options& o)
            : acceptor(executor, tcp::endpoint(boost::asio::ip::address_v4::loopback(), o.port))
            , handle(std::move(h))
            , options(o)
            , port(acceptor.local_endpoint().port()) {}

        void close_connections() {
            error_code ignored;
            for (tcp::socket* s : open)
                s->close(ignored);
        }

        tcp::acceptor acceptor;
        handler handle;
        fault_hook hook;
        http_server_options options;
        std::uint16_t port;
        std::vector<tcp::socket*> open;
        std::size_t connections = 0;
        std::size_t requests = 0;
    };

    /// A connection that `stop` knows of.
    class session {
    public:
        session(std::shared_ptr<state> s, tcp::socket accepted)
            : owner(std::move(s))
            , socket(std::move(accepted)) {
            owner->open.push_back(&socket);
        }
        session(const session&) = delete;
        session& operator=(const session&) = delete;
        ~session() { std::erase(owner->open, &socket); }

        void reset() {
            error_code ignored;
            socket.set_option(tcp::socket::linger(true, 0), ignored);
            socket.close(ignored);
        }

        std::shared_ptr<state> owner;
        tcp::socket socket;
        boost::beast::flat_buffer buffer;
    };

    static constexpr auto token = boost::asio::as_tuple(boost::asio::use_awaitable);

    static boost::asio::awaitable<void> accept(std::shared_ptr<state> s) {
        while (s->acceptor.is_open()) {
            auto [ec, socket] = co_await s->acceptor.async_accept(token);
            // A connection may have come just before `stop`.
            if (ec || !s->acceptor.is_open())
                continue;
            ++s->connections;
            error_code ignored;
            socket.set_option(tcp::no_delay(true), ignored);
            auto one = std::make_unique<session>(s, std::move(socket));
            boost::asio::co_spawn(s->acceptor.get_executor(), serve(std::move(one)), boost::asio::detached);
        }
    }

    static boost::asio::awaitable<void> serve(std::unique_ptr<session> s) {
        bool more = true;
        while (more)
            more = co_await serve_one(*s);
    }

    /// True where the connection can take another request.
    static boost::asio::awaitable<bool> serve_one(session& s) {
        namespace wire = boost::beast::http;
        wire::request_parser<wire::string_body> parser;
        parser.body_limit(boost::none);
        parser.header_limit(64 * 1024);
        const auto [head_error, n] = co_await wire::async_read_header(s.socket, s.buffer, parser, token);
        if (head_error)
            co_return false;
        if (boost::algorithm::iequals(parser.get()[wire::field::expect], "100-continue")) {
            static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
            const bool sent = co_await write(s, go_on);
            if (!sent)
                co_return false;
        }
        const auto [body_error, m] = co_await wire::async_read(s.socket, s.buffer, parser, token);
        if (body_error)
            co_return false;
        state& owner = *s.owner;
        ++owner.requests;
        const wire::verb verb = parser.get().method();
        const bool keep = parser.keep_alive() && owner.options.keep_alive;
        const http::request request = convert(parser.release());
        const fault what = owner.hook ? owner.hook(request) : fault::none;
        if (what == fault::refuse || what == fault::reset_before) {
            s.reset();
            co_return false;
        }
        if (what == fault::hang) {
            co_await hang(s);
            co_return false;
        }
        reply answer{405, {{"Content-Type", "text/plain"}}, "Method Not Allowed"};
        if (what == fault::proxy_html)
            answer = proxy_error();
        else if (verb == wire::verb::get || verb == wire::verb::post)
            answer = call(owner.handle, request);
        if (what == fault::reset_after) {
            s.reset();
            co_return false;
        }
        const bool broken = what == fault::truncate || what == fault::stall;
        const std::string text = to_wire(answer, owner.options.chunk_size, keep, broken);
        bool sent = true;
        if (what == fault::slow)
            sent = co_await write_slowly(s, text, owner.options.slow_pace);
        else
            sent = co_await write(s, text);
        if (what == fault::stall)
            co_await hang(s);
        if (!sent || broken || !keep) {
            error_code ignored;
            s.socket.shutdown(tcp::socket::shutdown_send, ignored);
            co_return false;
        }
        co_return true;
    }

    static boost::asio::awaitable<bool> write(session& s, std::string_view text) {
        const auto [ec, n] =
            co_await boost::asio::async_write(s.socket, boost::asio::buffer(text.data(), text.size()), token);
        co_return !ec;
    }

    static boost::asio::awaitable<bool> write_slowly(session& s, std::string_view text,
                                                     std::chrono::nanoseconds pace) {
        boost::asio::steady_timer timer(s.socket.get_executor());
        for (std::size_t i = 0; i != text.size(); ++i) {
            if (pace.count() > 0) {
                timer.expires_after(pace);
                const auto [waited] = co_await timer.async_wait(token);
                if (waited)
                    co_return false;
            }
            const bool sent = co_await write(s, text.substr(i, 1));
            if (!sent)
                co_return false;
        }
        co_return true;
    }

    /// Until the client, or `stop`, closes the connection.
    static boost::asio::awaitable<void> hang(session& s) {
        char unused[512];
        bool open = true;
        while (open) {
            const auto [ec, n] =
                co_await s.socket.async_read_some(boost::asio::buffer(unused, sizeof unused), token);
            open = !ec;
        }
    }

    static reply call(const handler& h, const http::request& r) {
        try {
            return h(r);
        } catch (const std::exception& e) {
            return {500, {{"Content-Type", "text/plain"}}, e.what()};
        }
    }

    static http::request convert(boost::beast::http::request<boost::beast::http::string_body> m) {
        http::request out;
        out.verb = m.method() == boost::beast::http::verb::post ? http::method::post : http::method::get;
        out.target = std::string(m.target().data(), m.target().size());
        for (const auto& f : m)
            out.fields.add(std::string(f.name_string().data(), f.name_string().size()),
                           std::string(f.value().data(), f.value().size()));
        out.body = std::move(m.body());
        return out;
    }

    /// The answer as it goes out; where `broken`, only the half of its body.
    static std::string to_wire(const reply& r, std::size_t chunk_size, bool keep, bool broken) {
        const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(r.status));
        std::string out =
            "HTTP/1.1 " + std::to_string(r.status) + ' ' + std::string(reason.data(), reason.size()) + "\r\n";
        for (const auto& [name, value] : r.fields)
            out += name + ": " + value + "\r\n";
        if (!keep)
            out += "Connection: close\r\n";
        const bool bodiless = r.status / 100 == 1 || r.status == 204 || r.status == 304;
        if (bodiless) {
            if (!broken)
                out += "\r\n";
            return out;
        }
        const std::size_t size = broken ? r.body.size() / 2 : r.body.size();
        if (chunk_size == 0) {
            out += "Content-Length: " + std::to_string(r.body.size()) + "\r\n";
            // Without a body to break, the head breaks.
            if (!broken || !r.body.empty())
                out += "\r\n";
            out.append(r.body, 0, size);
            return out;
        }
        out += "Transfer-Encoding: chunked\r\n\r\n";
        for (std::size_t at = 0; at < size; at += chunk_size) {
            const std::size_t part = std::min(chunk_size, size - at);
            char length[24];
            std::snprintf(length, sizeof length, "%zx\r\n", part);
            out += length;
            out.append(r.body, at, part);
            out += "\r\n";
        }
        if (!broken)
            out += "0\r\n\r\n";
        return out;
    }

    std::shared_ptr<state> state_;
};

} // namespace lokiship::testing

#endif
