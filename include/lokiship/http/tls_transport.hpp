#ifndef LOKISHIP_HTTP_TLS_TRANSPORT_HPP
#define LOKISHIP_HTTP_TLS_TRANSPORT_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/detail/connect.hpp>
#include <lokiship/http/detail/pooled_transport.hpp>
#include <lokiship/http/detail/tls_connector.hpp>
#include <lokiship/http/detail/tls_context.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/http/tls_options.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/http/transport_options.hpp>
#include <lokiship/http/url.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace lokiship::http {

/// A `transport` over HTTP/1.1 for `https` URLs, and for `http` ones too, so that a program needs only this
/// type. Needs OpenSSL; neither `lokiship.hpp` nor `beast.hpp` includes it.
///
/// For an `http` URL it does what `beast_transport` does. For an `https` one it speaks TLS 1.2 or later and
/// sends a request only after it has checked the server's certificate: a trusted authority, dates, and the
/// URL's host among the names or addresses (the subject's common name does not count). Whether it was revoked
/// is not checked. The files of `tls_options` may change at any time: new connections go by what they hold then, or, where
/// that cannot be used, by what they held before, and `transport_options::warn` is told.
///
/// Connections, bodies, threads and lifetime are as with `beast_transport`.
class tls_transport {
public:
    /// Connects to nothing yet. `executor`'s context outlives the object. `tls` is for an `https` URL.
    ///
    /// Throws `boost::system::system_error` (`errc::unusable_credentials`), with a message that names the file, where one
    /// of `tls` cannot be read or does not hold what it should, or certificate and key do not belong together.
    tls_transport(boost::asio::any_io_executor executor, url server, transport_options options = {},
                  const tls_options& tls = {})
        : pool_(make_pool(std::move(executor), std::move(server), std::move(options), tls)) {}
    tls_transport(tls_transport&&) noexcept = default;
    tls_transport& operator=(tls_transport&&) noexcept = default;
    tls_transport(const tls_transport&) = delete;
    tls_transport& operator=(const tls_transport&) = delete;
    ~tls_transport() = default;

    /// Sends `r` and hands the answer's body to `sink`, as `beast_transport::send` does.
    ///
    /// Errors are those of `beast_transport::send`, without `errc::tls_not_supported`, and
    /// `errc::proxy_refused` where the proxy does not connect. The handshake belongs
    /// to connecting, and to `transport_options::connect_timeout`; where it fails, the message has `TLS: `,
    /// the cause and what cures it behind the URL, such as `https://h:1: TLS: the server's certificate expired on …`,
    /// and the code is OpenSSL's or the system's. Where the server wants a client certificate and there is none, the
    /// message says so; where only the status of an answer does (400, 401, 403), `transport_options::warn` is told. A
    /// connection that closes without TLS's own farewell has closed too early:
    /// `boost::asio::ssl::error::stream_truncated` where it is not known by a length that the answer was
    /// complete.
    boost::asio::awaitable<result<response_head>> send(const request& r, const body_sink& sink) {
        return std::visit([&](const auto& pool) { return pool->send(pool, r, sink); }, pool_);
    }

    /// The server's URL without its password.
    std::string server() const {
        return std::visit([](const auto& pool) { return pool->server(); }, pool_);
    }

    /// The number of connections that wait for their next exchange; some may have been closed by the server.
    std::size_t idle_connections() const noexcept {
        return std::visit([](const auto& pool) { return pool->idle(); }, pool_);
    }
    /// Closes the connections that wait for their next exchange.
    void close_idle_connections() noexcept {
        std::visit([](const auto& pool) { pool->close_idle(); }, pool_);
    }

private:
    using plain_pool = detail::pooled_transport<detail::plain_connector>;
    using tls_pool = detail::pooled_transport<detail::tls_connector>;
    using any_pool = std::variant<std::shared_ptr<plain_pool>, std::shared_ptr<tls_pool>>;

    static any_pool make_pool(boost::asio::any_io_executor executor, url server, transport_options options,
                              const tls_options& tls) {
        const auto timeout = options.connect_timeout;
        if (!server.tls())
            return std::make_shared<plain_pool>(std::move(executor), std::move(server), std::move(options),
                                                detail::plain_connector{timeout});
        auto context = std::make_shared<detail::tls_context>(tls, server.display(), options.warn);
        return std::make_shared<tls_pool>(std::move(executor), std::move(server), std::move(options),
                                          detail::tls_connector{timeout, std::move(context)});
    }

    any_pool pool_;
};

static_assert(transport<tls_transport>);

} // namespace lokiship::http

#endif
