#ifndef LOKISHIP_SHIP_PLAN_HPP
#define LOKISHIP_SHIP_PLAN_HPP

#include <lokiship/loki/push_reply.hpp>
#include <lokiship/text/timestamp.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace lokiship::ship {

/// What a backfill is going to do, as it stands before the first push.
struct backfill_plan {
    /// Read from the backend: executions, and records in all. What overlapping pages repeat counts once.
    std::uint64_t executions = 0, records = 0;
    /// Records that the query leaves out.
    std::uint64_t filtered = 0;
    /// Distinct entries, their lines' bytes, their streams, and their times.
    std::uint64_t entries = 0, bytes = 0, streams = 0;
    std::optional<timestamp> oldest{}, newest{};

    /// Of the entries: settled by an earlier run, by its checkpoint.
    std::uint64_t resumed = 0;
    /// Of these: what was rejected then, and is not tried again.
    std::uint64_t resumed_rejected = 0;
    /// Of the others: what Loki shows already.
    std::uint64_t already_there = 0;
    /// Of the others: what Loki will refuse, by reason.
    std::array<std::uint64_t, loki::reject_reason_count> refused_by_reason{};
    std::uint64_t refused() const noexcept {
        std::uint64_t n = 0;
        for (const auto r : refused_by_reason)
            n += r;
        return n;
    }
    /// Of the others: how many lie far behind what their stream has already. Loki refuses them unless it has flushed and
    /// forgotten the stream.
    std::uint64_t maybe_too_late = 0;
    /// Of the others: how many will be too old in ten minutes.
    std::uint64_t nearly_too_old = 0;
    /// What is left to ship.
    std::uint64_t to_ship() const noexcept { return entries - resumed - already_there - refused(); }

    /// Streams in which somebody else ships: Loki holds newer entries of the last minutes.
    std::uint64_t live_streams = 0;
    /// The refusals are computed from the settings that Loki shows, and the entries are not pushed. They are certain unless
    /// the tenant has limits of its own, which Loki does not show.
    bool certain = false;
    /// Loki could not be asked what it has.
    bool unseen = false;
};

} // namespace lokiship::ship

#endif
