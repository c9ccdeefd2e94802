#ifndef LOKISHIP_SHIP_PUSH_CONCURRENCY_HPP
#define LOKISHIP_SHIP_PUSH_CONCURRENCY_HPP

#include <lokiship/clock.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <utility>

namespace lokiship::ship {

/// How many pushes may be under way, found out by trying: three times as many after a round of pushes that went well, until it
/// was too many for the first time, and one more from then on; half as many after one that Loki had no room for (429, 5xx,
/// silence), a tenth less where answers take much longer than they did. Pure.
///
/// What was under way when it was lowered tells nothing of the lower number, and does not lower it again.
class push_concurrency {
public:
    /// At least 1; it begins there, or at four where that is less.
    explicit push_concurrency(std::size_t most)
        : most_(static_cast<double>(most))
        , limit_(std::min(most_, 4.0)) {
        BOOST_ASSERT(most >= 1);
    }

    /// From 1 to the most.
    std::size_t limit() const noexcept { return static_cast<std::size_t>(limit_); }

    /// For `idle`, nothing could be done but to wait for answers, until `now`; `full`: as many were under way as may be. Call it
    /// after each such wait.
    void waited(std::chrono::nanoseconds idle, bool full, steady_time now) noexcept {
        const double answered = std::exchange(answered_, 0);
        // Fewer tell nothing of what it bears, and where answers come at once, more gain nothing. Under a
        // rate it is full for a moment only, and those that were under way then tell of it.
        const bool was_full = std::exchange(answered_when_full_, false) || full;
        if (full)
            last_full_ = now;
        if (was_full && idle >= worth_it)
            limit_ = std::min(limit_ + (lowered_ ? answered / limit_ : 2 * answered), most_);
    }
    /// A push was answered that began at `begun`. For `busy` of the time since, nobody could have seen its answer.
    void succeeded(steady_time begun, steady_time now, std::chrono::nanoseconds busy = {}) {
        const auto took = std::chrono::duration<double>(now - begun).count();
        if (const double usual = usual_.value_or(took); took <= usual)
            usual_ = took;
        else if (limit_ < few)
            // Not our own doing: it has become slower.
            usual_ = usual + (took - usual) / 10;
        if (took - std::chrono::duration<double>(busy).count() > 2 * *usual_ + slack)
            lower(0.9, begun, now);
        else
            ++answered_;
        answered_when_full_ = answered_when_full_ || (last_full_ && begun <= *last_full_);
    }
    /// Loki had no room for it, or did not answer.
    void failed(steady_time begun, steady_time now) { lower(0.5, begun, now); }

private:
    void lower(double factor, steady_time begun, steady_time now) {
        if (lowered_ && begun < *lowered_)
            return;
        lowered_ = now;
        answered_ = 0;
        limit_ = std::max(limit_ * factor, 1.0);
    }

    static constexpr std::chrono::milliseconds worth_it{1};
    /// Seconds by which answers may differ.
    static constexpr double slack = 0.02;
    static constexpr double few = 3;

    double most_, limit_;
    /// How long an answer takes, in seconds.
    std::optional<double> usual_;
    std::optional<steady_time> lowered_, last_full_;
    /// Since the last wait one was answered that was under way when it was full.
    bool answered_when_full_ = false;
    /// How many went well since the last wait.
    double answered_ = 0;
};

} // namespace lokiship::ship

#endif
