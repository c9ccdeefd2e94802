#ifndef LOKISHIP_HTTP_TRANSPORT_OPTIONS_HPP
#define LOKISHIP_HTTP_TRANSPORT_OPTIONS_HPP

#include <chrono>
#include <cstddef>
#include <string>

namespace lokiship::http {

/// How a transport connects and reads.
struct transport_options {
    /// The longest that finding the address, connecting and the TLS handshake may take together. Zero: no
    /// limit of its own; the request's limits hold in any case.
    std::chrono::nanoseconds connect_timeout = std::chrono::seconds(5);
    /// What is read at once, in bytes; each connection has a buffer of this size (at least 32 KiB).
    std::size_t read_buffer_size = 256 * 1024;
    /// Connections that are kept open between exchanges. More may be open while exchanges are under way.
    std::size_t max_idle_connections = 8;
    /// Sent as `User-Agent`, unless empty or among the request's fields.
    std::string user_agent = "lokiship";
};

} // namespace lokiship::http

#endif
