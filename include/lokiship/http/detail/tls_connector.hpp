#ifndef LOKISHIP_HTTP_DETAIL_TLS_CONNECTOR_HPP
#define LOKISHIP_HTTP_DETAIL_TLS_CONNECTOR_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/detail/connect.hpp>
#include <lokiship/http/detail/time_limits.hpp>
#include <lokiship/http/detail/tls_context.hpp>
#include <lokiship/http/detail/tls_failure.hpp>
#include <lokiship/http/detail/tunnel.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/ssl/stream_base.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/core/tcp_stream.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace lokiship::http::detail {

/// Makes OpenSSL check the certificate for `host`, and names the host to the server (SNI, which is for names
/// alone). False where `host` cannot be a name.
inline bool expect_host(SSL* ssl, std::string host) {
    error_code no_address;
    const auto address = boost::asio::ip::make_address(host, no_address);
    if (!no_address && address.is_v4()) {
        const auto bytes = address.to_v4().to_bytes();
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), bytes.data(), bytes.size()) == 1;
    }
    if (!no_address) {
        const auto bytes = address.to_v6().to_bytes();
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(ssl), bytes.data(), bytes.size()) == 1;
    }
    // The dot of an absolute name is no part of it in a certificate.
    if (host.ends_with('.'))
        host.pop_back();
    // OpenSSL would take the empty one for no check, and the other for what precedes its zero.
    if (host.empty() || host.find('\0') != std::string::npos)
        return false;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
}

/// How `pooled_transport` makes connections with TLS.
struct tls_connector {
    using stream_type = boost::asio::ssl::stream<boost::beast::tcp_stream>;

    static constexpr bool tls = true;
    std::chrono::nanoseconds connect_timeout;
    std::shared_ptr<tls_context> context;

    stream_type make(const boost::asio::any_io_executor& executor) const {
        return stream_type(executor, *context->current());
    }

    boost::asio::awaitable<result<void>> connect(stream_type& stream, const route& way,
                                                 const time_limits& limits) const {
        namespace asio = boost::asio;
        constexpr auto token = asio::as_tuple(asio::use_awaitable);
        const connect_limit limit(connect_timeout, limits);
        const std::string& where = way.where;
        result<void> connected = co_await connect_tcp(stream.next_layer(), way.next(), limit, where);
        if (connected && way.proxy)
            connected = co_await open_tunnel(stream.next_layer(), way, limit);
        if (!connected)
            co_return connected.error();
        if (!expect_host(stream.native_handle(), way.server.host))
            co_return error(asio::error::invalid_argument, where + ": TLS: the host is not a name");
        const auto refusal = std::make_shared<std::string>();
        error_code ignored;
        stream.set_verify_callback(keep_refusal{way.server.host, refusal}, ignored);
        stream.next_layer().expires_at(limit.until());
        const auto [ec] = co_await stream.async_handshake(asio::ssl::stream_base::client, token);
        if (ec == boost::beast::error::timeout)
            co_return limit.timed_out(where, "TLS handshake");
        if (ec == asio::error::operation_aborted)
            co_return error(ec, where + ": cancelled");
        if (ec)
            co_return error(ec, where + ": TLS: " + handshake_failure(stream.native_handle(), ec, *refusal));
        co_return result<void>();
    }

    static std::string failure(stream_type& stream, const error_code& ec) {
        return tls_failure(stream.native_handle(), ec);
    }
    static std::string_view unmet(stream_type& stream) {
        return lacks_certificate(stream.native_handle()) ? certificate_wanted : std::string_view();
    }

    static bool usable(stream_type& stream) {
        if (!is_quiet(stream.next_layer().socket()))
            return false;
        // What came with the last answer waits in OpenSSL, not in the socket.
        char c = 0;
        ERR_clear_error();
        const int n = SSL_peek(stream.native_handle(), &c, 1);
        return n <= 0 && SSL_get_error(stream.native_handle(), n) == SSL_ERROR_WANT_READ;
    }
};

} // namespace lokiship::http::detail

#endif
