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
    /// What was acknowledged, from when to when, and when.
    struct memory {
        timestamp oldest{}, newest{};
        /// Loki took an entry of this time after `newest`, or would have.
        timestamp bar{};
        steady_time at{};
    };

    stream_window() = default;
    /// Goes on from what was known elsewhere.
    explicit stream_window(const memory& known)
        : known_(known) {}

    /// Entries from `oldest` to `newest` were acknowledged at `now`.
    void stored(timestamp oldest, timestamp newest, steady_time now, const ingester_limits& limits) {
        // Loki took the oldest, so its bar was no higher; then the newest may have raised it.
        const timestamp raised = newest - limits.window();
        const timestamp shown = std::max(oldest, raised);
        if (!is_fresh(now, limits)) {
            known_ = memory{oldest, newest, shown, now};
            return;
        }
        known_->bar = std::min(shown, std::max(known_->bar, raised));
        known_->oldest = std::min(known_->oldest, oldest);
        known_->newest = std::max(known_->newest, newest);
        known_->at = now;
    }

    /// All that is known, where anything is.
    const std::optional<memory>& known() const noexcept { return known_; }
    /// The newest entry that Loki acknowledged, where there was one.
    std::optional<timestamp> newest() const noexcept {
        return known_ ? std::optional(known_->newest) : std::nullopt;
    }

    /// What Loki acknowledged proves that it takes an entry of this time, as long as nobody else writes to the stream.
    bool is_proven(timestamp time) const noexcept { return known_ && time >= known_->bar; }

    /// Entries older than this are certain to be refused at `now`. Empty: nothing is certain, ask Loki.
    std::optional<timestamp> oldest_acceptable(steady_time now, const ingester_limits& limits) const {
        if (!limits.known || !is_fresh(now, limits) || known_->newest - known_->oldest > limits.max_chunk_age)
            return std::nullopt;
        return known_->newest - limits.window();
    }

    /// Whether Loki cannot have forgotten the stream for its idleness.
    bool is_fresh(steady_time now, const ingester_limits& limits) const {
        return known_ && now - known_->at < limits.chunk_idle_period;
    }

private:
    std::optional<memory> known_;
};

} // namespace lokiship::loki

#endif
