#ifndef LOKISHIP_HTTP_DETAIL_CONNECT_HPP
#define LOKISHIP_HTTP_DETAIL_CONNECT_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/detail/route.hpp>
#include <lokiship/http/detail/time_limits.hpp>
#include <lokiship/http/url.hpp>

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
#include <boost/beast/core/tcp_stream.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::http::detail {

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

/// How long making one connection may take, from now on: the connection's own limit and the exchange's.
class connect_limit {
public:
    connect_limit(std::chrono::nanoseconds connect_timeout, const time_limits& limits)
        : limits_(limits)
        , allowed_(connect_timeout) {
        if (limits.idle.count() > 0 && (allowed_.count() <= 0 || limits.idle < allowed_))
            allowed_ = limits.idle;
        until_ = std::min(deadline_after(std::chrono::steady_clock::now(), allowed_), limits.total_at);
    }

    steady_point until() const noexcept { return until_; }
    error timed_out(const std::string& where, const std::string& step) const {
        return error(errc::timed_out,
                     where + ": " +
                         (limits_.over() ? limits_.over_text()
                                         : step + ": timed out after " + duration_text(allowed_)));
    }

private:
    const time_limits& limits_;
    std::chrono::nanoseconds allowed_;
    steady_point until_;
};

/// Finds the server's addresses and connects to the first that answers. Each gets an equal part of the time
/// that is left, so that one that swallows packets does not hide the next.
inline boost::asio::awaitable<result<void>> connect_tcp(boost::beast::tcp_stream& stream, const url& server,
                                                        const connect_limit& limit,
                                                        const std::string& where) {
    namespace asio = boost::asio;
    constexpr auto token = asio::as_tuple(asio::use_awaitable);
    std::vector<asio::ip::tcp::endpoint> endpoints;
    error_code no_address;
    const auto address = asio::ip::make_address(server.host, no_address);
    if (!no_address) {
        endpoints.emplace_back(address, server.port);
    } else {
        const auto resolving = std::make_shared<resolution>(stream.get_executor());
        start(resolving, server);
        resolving->finished.expires_at(limit.until());
        while (!resolving->done) {
            const auto [ec] = co_await resolving->finished.async_wait(token);
            if (resolving->done)
                break;
            resolving->resolver.cancel();
            if (ec)
                co_return error(asio::error::operation_aborted, where + ": cancelled");
            co_return limit.timed_out(where, "resolve");
        }
        if (resolving->failure)
            co_return error(resolving->failure, where + ": resolve: " + resolving->failure.message());
        endpoints = std::move(resolving->endpoints);
    }

    error_code failure = asio::error::host_not_found;
    for (std::size_t i = 0; i != endpoints.size(); ++i) {
        const auto now = std::chrono::steady_clock::now();
        if (now >= limit.until())
            co_return limit.timed_out(where, "connect");
        if (limit.until() == steady_point::max())
            stream.expires_never();
        else
            stream.expires_at(now + (limit.until() - now) / static_cast<long>(endpoints.size() - i));
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
        co_return limit.timed_out(where, "connect");
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

    stream_type make(const boost::asio::any_io_executor& executor) const { return stream_type(executor); }
    boost::asio::awaitable<result<void>> connect(stream_type& stream, const route& way,
                                                 const time_limits& limits) const {
        const connect_limit limit(connect_timeout, limits);
        co_return co_await connect_tcp(stream, way.next(), limit, way.where);
    }
    static bool usable(stream_type& stream) { return is_quiet(stream.socket()); }
    static std::string failure(stream_type&, const error_code& ec) { return ec.message(); }
    static std::string_view unmet(stream_type&) { return {}; }
};

} // namespace lokiship::http::detail

#endif
