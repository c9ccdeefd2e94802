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
    slow
};

} // namespace lokiship::testing

#endif
