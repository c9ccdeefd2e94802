#ifndef LOKISHIP_SHIP_PUSH_PACING_HPP
#define LOKISHIP_SHIP_PUSH_PACING_HPP

#include <lokiship/loki/push_reply.hpp>
#include <lokiship/ship/delivery_options.hpp>
#include <lokiship/steady_time.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace lokiship::ship {

/// When pushes may go so that all together, and each stream by itself, stay below their rates. Pure.
class push_pacing {
public:
    /// Takes `rate`, `stream_rate` and `learn_rates`.
    explicit push_pacing(const delivery_options& options)
        : rate_(options.rate)
        , stream_rate_(options.stream_rate)
        , learns_(options.learn_rates) {}

    /// Whether there is a rate for all streams together.
    bool is_limited() const noexcept { return rate_ != 0; }
    /// When lines of so many bytes may go, which can be a moment ago. They are taken to go then.
    steady_time reserve(std::size_t bytes, steady_time now) {
        // What was missed a moment ago is made up for.
        const steady_time at = std::max(now - most_late, next_);
        next_ = at + time_of(bytes, rate_);
        return at;
    }
    /// When the stream to which so many bytes go at `now` may get more.
    steady_time after(std::size_t bytes, steady_time now) const { return now + time_of(bytes, stream_rate_); }

    /// Loki refused a push for its rate.
    void refused(const loki::push_reply& reply) {
        if (!learns_ || reply.rate_limit.value_or(0) == 0)
            return;
        std::size_t& known = reply.whole_tenant ? rate_ : stream_rate_;
        const std::size_t below = below_limit(*reply.rate_limit);
        known = known == 0 ? below : std::min(known, below);
    }

    /// A rate with which Loki does not yet come to its limit, though clocks and counts differ a little.
    static std::size_t below_limit(std::size_t limit) noexcept {
        return std::max<std::size_t>(limit - limit / 50, 1);
    }

private:
    static constexpr std::chrono::milliseconds most_late{50};

    static std::chrono::nanoseconds time_of(std::size_t bytes, std::size_t rate) {
        return std::chrono::nanoseconds(rate == 0 ? 0 : bytes * 1'000'000'000ull / rate);
    }

    std::size_t rate_, stream_rate_;
    bool learns_;
    steady_time next_{};
};

} // namespace lokiship::ship

#endif
