#ifndef LOKISHIP_SHIP_ACKNOWLEDGED_WINDOW_HPP
#define LOKISHIP_SHIP_ACKNOWLEDGED_WINDOW_HPP

#include <lokiship/loki/stream_window.hpp>
#include <lokiship/steady_time.hpp>
#include <lokiship/text/timestamp.hpp>

#include <algorithm>
#include <chrono>

namespace lokiship::ship {

/// What Loki acknowledged last of a stream, as it outlives the process: `loki::stream_window::memory`, with the time of day.
struct acknowledged_window {
    timestamp oldest{}, newest{}, bar{}, at{};

    acknowledged_window() = default;
    acknowledged_window(timestamp from, timestamp to, timestamp lowest, timestamp when)
        : oldest(from)
        , newest(to)
        , bar(lowest)
        , at(when) {}
    /// The two times are the same moment.
    acknowledged_window(const loki::stream_window::memory& m, timestamp wall, steady_time now)
        : acknowledged_window(m.oldest, m.newest, m.bar, wall - (now - m.at)) {}

    /// What was acknowledged after `wall`, by a clock that went back, was acknowledged just now.
    loki::stream_window::memory memory(timestamp wall, steady_time now) const {
        // A file may say any time.
        const timestamp earliest = text::saturating_add(wall, -std::chrono::years(100));
        return {oldest, newest, bar, now - (wall - std::clamp(at, earliest, wall))};
    }

    friend bool operator==(const acknowledged_window&, const acknowledged_window&) = default;
};

} // namespace lokiship::ship

#endif
