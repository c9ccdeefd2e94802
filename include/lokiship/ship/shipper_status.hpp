#ifndef LOKISHIP_SHIP_SHIPPER_STATUS_HPP
#define LOKISHIP_SHIP_SHIPPER_STATUS_HPP

#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/endpoint_health.hpp>
#include <lokiship/steady_time.hpp>
#include <lokiship/text/timestamp.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

namespace lokiship::ship {

/// How a shipper stands, for whoever watches it.
struct shipper_status {
    counters count{};
    /// About how many bytes what waits for Loki takes, and the streams that are remembered.
    std::size_t memory = 0;
    /// Streams with something pending, or whose window is remembered.
    std::size_t streams = 0;
    std::size_t dedup_keys = 0, dedup_capacity = 0;
    /// Pushes that are under way, and how many may be by now.
    std::size_t pushes_in_flight = 0, push_concurrency = 0;
    /// The newest time of a step that was read since the start, and the oldest of those that wait for Loki.
    std::optional<timestamp> newest_read{}, oldest_pending{};
    endpoint_status backend{}, loki{};
    /// When it last did something: began a turn, read a page, or had a push answered. Where that is longer ago than
    /// `shipper_options::longest_silence`, it hangs.
    steady_time last_activity{};

    /// How far Loki is behind what was read: zero where nothing waits.
    std::chrono::nanoseconds lag() const noexcept {
        if (!oldest_pending || !newest_read)
            return {};
        return std::max(*newest_read - *oldest_pending, std::chrono::nanoseconds(0));
    }
};

} // namespace lokiship::ship

#endif
