#ifndef LOKISHIP_TESTING_EXCHANGE_HPP
#define LOKISHIP_TESTING_EXCHANGE_HPP

#include <lokiship/http/message.hpp>

#include <functional>
#include <string>

namespace lokiship::testing {

/// What a double answers.
struct reply {
    unsigned status = 200;
    http::headers fields{};
    std::string body{};
};

/// A server as a function: `fake_backend` and `fake_loki` are such, and `fake_http` and `http_server` call
/// one.
using handler = std::function<reply(const http::request&)>;

/// What goes wrong with one exchange.
enum class fault {
    /// Nothing.
    none,
    /// The connection is refused (`http_server`, which has accepted already, resets it); the handler is not
    /// called.
    refuse,
    /// The request is taken and never answered; the handler is not called.
    hang,
    /// The connection is reset before the handler is called.
    reset_before,
    /// The handler is called, so a push is stored, and the connection is reset before the answer.
    reset_after,
    /// The handler is called and its answer breaks off in the middle of the body.
    truncate,
    /// The handler is called and its answer stops for ever in the middle of the body.
    stall,
    /// The handler is called and its answer comes byte by byte.
    slow,
    /// A proxy in between answers with `proxy_error`; the handler is not called.
    proxy_html
};

/// What nginx says when the server behind it is away.
inline reply proxy_error() {
    return {502,
            {{"Server", "nginx"}, {"Content-Type", "text/html"}},
            "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad "
            "Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"};
}

} // namespace lokiship::testing

#endif
