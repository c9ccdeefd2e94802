#ifndef LOKISHIP_HTTP_TRANSPORT_HPP
#define LOKISHIP_HTTP_TRANSPORT_HPP

#include <lokiship/http/message.hpp>

#include <boost/asio/awaitable.hpp>

#include <concepts>
#include <string>

namespace lokiship::http {

/// A way to exchange HTTP messages with one server.
///
/// If the compiler sends you here, your type `T` lacks one of these, where `t` is a `T&`, `ct` a `const T&`, `r` a
/// `const request&` and `s` a `const body_sink&`:
///
/// - `t.send(r, s)`, an `asio::awaitable<result<response_head>>`: sends `r` and hands the answer's body to `s` in
///   chunks, in order. Completes after the last one.
/// - `ct.server()`, convertible to `std::string`: the server's URL for messages, without secrets.
///
/// `send` gives an `error` for everything that is no complete answer: no connection, a time limit passed, a
/// broken body, or the sink's own error. Any status is an answer. `r` and `s` live until it completes.
/// Several exchanges may be under way at once, all on one thread. When the awaiting coroutine is cancelled,
/// the exchange is abandoned; what the server did is then unknown. A `send` that failed may be repeated: all
/// requests of this library are idempotent.
template <class T>
concept transport = requires(T& t, const T& ct, const request& r, const body_sink& s) {
    { t.send(r, s) } -> std::same_as<boost::asio::awaitable<result<response_head>>>;
    { ct.server() } -> std::convertible_to<std::string>;
};

} // namespace lokiship::http

#endif
