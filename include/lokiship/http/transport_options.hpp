#ifndef LOKISHIP_HTTP_TRANSPORT_OPTIONS_HPP
#define LOKISHIP_HTTP_TRANSPORT_OPTIONS_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/http/url.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lokiship::http {

/// Gives the value of a request's `Authorization` field, as it is now; empty: no such field.
using authorization_source = std::function<result<std::string>()>;

/// How a transport connects, what it sends with each request, and how it reads.
struct transport_options {
    /// The longest that finding the address, connecting and the TLS handshake may take together. Zero: no
    /// limit of its own; the request's limits hold in any case.
    std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
    /// What is read at once, in bytes; each connection has a buffer of this size (at least 32 KiB).
    std::size_t read_buffer_size = 256 * 1024;
    /// Connections that are kept open between exchanges. More may be open while exchanges are under way.
    std::size_t max_idle_connections = 128;
    /// Sent as `User-Agent`, unless empty or among the request's fields.
    std::string user_agent = "lokiship";
    /// Sent with each request, but for those that the request has itself.
    headers fields{};
    /// Asked before each request, such as `basic_authorization`; takes precedence over the URL's user. Where it gives
    /// an error, its last value is sent again and `warn` is told; without one, the error is the exchange's. Empty:
    /// nobody is asked.
    authorization_source authorization{};
    /// The proxy by which the server is reached, such as `proxy_for` finds; an `http` URL, whose user is sent to it. Nothing:
    /// none. For an `https` server it passes on what it cannot read (CONNECT); the server's name is left to it to find.
    std::optional<url> proxy{};
    /// Told, for a person, of what should be known but stops no exchange: once, until it is well again.
    std::function<void(std::string_view)> warn{};
};

} // namespace lokiship::http

#endif
