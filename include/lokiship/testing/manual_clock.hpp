#ifndef LOKISHIP_TESTING_MANUAL_CLOCK_HPP
#define LOKISHIP_TESTING_MANUAL_CLOCK_HPP

#include <lokiship/clock.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

namespace lokiship::testing {

/// A clock that stands still until it is told to go on. Copies are the same clock.
///
/// Not thread-safe. All sleepers must run on the thread that advances it.
class manual_clock {
public:
    /// Starts at `wall`; the steady time starts at zero.
    explicit manual_clock(timestamp wall = timestamp(std::chrono::seconds(1'700'000'000)))
        : state_(std::make_shared<state>(state{wall, {}, {}})) {}

    timestamp wall_now() const { return state_->wall; }
    steady_time steady_now() const { return state_->steady; }

    boost::asio::awaitable<void> sleep_for(std::chrono::nanoseconds d) {
        const auto held = state_;
        const auto wake = held->steady + d;
        if (d.count() <= 0)
            co_return;
        boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor, steady_time::max());
        const sleeper guard(*held, wake, timer);
        co_await timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
        if (held->steady < wake)
            throw boost::system::system_error(boost::asio::error::operation_aborted);
    }

    /// Lets both clocks go on by `d` and wakes who is due. The sleepers run when their executor does.
    void advance(std::chrono::nanoseconds d) {
        state_->wall += d;
        state_->steady += d;
        for (const auto& s : state_->sleepers)
            if (s.wake <= state_->steady)
                s.timer->cancel();
    }

    /// Makes the time of day jump, as an operator or NTP does; the steady time stays.
    void set_wall(timestamp wall) { state_->wall = wall; }

    /// When the next sleeper is due, if there is one.
    std::optional<steady_time> next_wake() const {
        const auto at = std::min_element(state_->sleepers.begin(), state_->sleepers.end(),
                                         [](const entry& a, const entry& b) { return a.wake < b.wake; });
        return at == state_->sleepers.end() ? std::nullopt : std::optional(at->wake);
    }

    /// Runs `context`, advancing the clock whenever nothing else is left to do, until `duration` has passed
    /// or nobody sleeps any more. No real time is waited for, so everything on `context` must hang on this
    /// clock.
    void run_for(boost::asio::io_context& context, std::chrono::nanoseconds duration) {
        const auto end = state_->steady + duration;
        for (;;) {
            context.restart();
            while (context.poll() != 0) {
            }
            const auto wake = next_wake();
            if (!wake || *wake > end)
                break;
            advance(*wake - state_->steady);
        }
        if (state_->steady < end && next_wake())
            advance(end - state_->steady);
    }

private:
    struct entry {
        steady_time wake;
        boost::asio::steady_timer* timer;
    };
    struct state {
        timestamp wall;
        steady_time steady;
        std::vector<entry> sleepers;
    };
    class sleeper {
    public:
        sleeper(state& s, steady_time wake, boost::asio::steady_timer& timer)
            : state_(s)
            , timer_(&timer) {
            s.sleepers.push_back({wake, &timer});
        }
        sleeper(const sleeper&) = delete;
        sleeper& operator=(const sleeper&) = delete;
        ~sleeper() {
            std::erase_if(state_.sleepers, [this](const entry& e) { return e.timer == timer_; });
        }

    private:
        state& state_;
        boost::asio::steady_timer* timer_;
    };

    std::shared_ptr<state> state_;
};

static_assert(clock<manual_clock>);

} // namespace lokiship::testing

#endif
