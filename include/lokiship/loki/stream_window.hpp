#ifndef LOKISHIP_LOKI_STREAM_WINDOW_HPP
#define LOKISHIP_LOKI_STREAM_WINDOW_HPP

#include <lokiship/steady_time.hpp>
#include <lokiship/text/timestamp.hpp>

#include <algorithm>
#include <chrono>
#include <optional>

namespace lokiship::loki {

/// The settings of Loki's ingesters on which it depends how late an entry may come; the defaults are Loki's.
struct ingester_limits {
    /// `ingester.max_chunk_age`, greater than zero. Half of it is how far behind its stream's newest an entry may be.
    std::chrono::nanoseconds max_chunk_age = std::chrono::hours(2);
    /// `ingester.chunk_idle_period`: a stream that gets nothing for so long is flushed and forgotten.
    std::chrono::nanoseconds chunk_idle_period = std::chrono::minutes(30);
    /// These are Loki's own settings, not a guess: then what they say is certain to be refused need not be sent.
    bool known = false;

    std::chrono::nanoseconds window() const noexcept { return max_chunk_age / 2; }
};

/// What is known of how late an entry of one stream may come, from the entries that Loki acknowledged. Pure.
///
/// Loki refuses an entry that is older than the newest of its stream less the window, until it has flushed all chunks
/// of the stream and forgets it: when it was idle, or when a chunk spans more than `max_chunk_age`.
class stream_window {
public:
    /// Entries from `oldest` to `newest` were acknowledged at `now`.
    void stored(timestamp oldest, timestamp newest, steady_time now, const ingester_limits& limits) {
        if (!is_fresh(now, limits))
            oldest_ = newest_ = bar_ = std::nullopt;
        // Loki took the oldest, so its bar was no higher; then the newest may have raised it.
        const timestamp raised = newest - limits.window();
        const timestamp shown = std::max(oldest, raised);
        bar_ = bar_ ? std::min(shown, std::max(*bar_, raised)) : shown;
        oldest_ = std::min(oldest_.value_or(oldest), oldest);
        newest_ = std::max(newest_.value_or(newest), newest);
        at_ = now;
    }

    /// The newest entry that Loki acknowledged, where there was one.
    std::optional<timestamp> newest() const noexcept { return newest_; }

    /// What Loki acknowledged proves that it takes an entry of this time, as long as nobody else writes to the stream.
    bool is_proven(timestamp time) const noexcept { return bar_ && time >= *bar_; }

    /// Entries older than this are certain to be refused at `now`. Empty: nothing is certain, ask Loki.
    std::optional<timestamp> oldest_acceptable(steady_time now, const ingester_limits& limits) const {
        if (!limits.known || !is_fresh(now, limits) || *newest_ - *oldest_ > limits.max_chunk_age)
            return std::nullopt;
        return *newest_ - limits.window();
    }

    /// Whether Loki cannot have forgotten the stream for its idleness.
    bool is_fresh(steady_time now, const ingester_limits& limits) const {
        return newest_ && now - at_ < limits.chunk_idle_period;
    }

private:
    std::optional<timestamp> oldest_, newest_, bar_;
    steady_time at_{};
};

} // namespace lokiship::loki

#endif
