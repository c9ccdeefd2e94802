#ifndef LOKISHIP_CLOCK_HPP
#define LOKISHIP_CLOCK_HPP

#include <lokiship/steady_time.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>
#include <concepts>

namespace lokiship {

/// The time that the shells see. Nothing else in the library reads a clock.
///
/// If the compiler sends you here, your type `T` lacks one of these, where `c` is a `T&` and `d` are nanoseconds:
///
/// - `c.wall_now()`, a `timestamp`: the time of day. May jump. Used only for entries without a time of their own.
/// - `c.steady_now()`, a `steady_time`: never goes back.
/// - `c.sleep_for(d)`, an `asio::awaitable<void>`: completes `d` later, at once where `d <= 0`. Throws
///   `system_error` (`operation_aborted`) when cancelled.
template <class T>
concept clock = requires(T& c, std::chrono::nanoseconds d) {
    { c.wall_now() } -> std::same_as<timestamp>;
    { c.steady_now() } -> std::same_as<steady_time>;
    { c.sleep_for(d) } -> std::same_as<boost::asio::awaitable<void>>;
};

/// The clock of the machine. Stateless: all objects are the same clock.
class system_clock {
public:
    timestamp wall_now() const {
        return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
    }
    steady_time steady_now() const { return std::chrono::steady_clock::now(); }
    boost::asio::awaitable<void> sleep_for(std::chrono::nanoseconds d) const {
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, d);
        co_await timer.async_wait(boost::asio::use_awaitable);
    }
};

static_assert(clock<system_clock>);

} // namespace lokiship

#endif
