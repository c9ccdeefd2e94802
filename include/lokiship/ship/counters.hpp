#ifndef LOKISHIP_SHIP_COUNTERS_HPP
#define LOKISHIP_SHIP_COUNTERS_HPP

#include <lokiship/loki/push_reply.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace lokiship::ship {

/// What happened to the entries. `fetched == shipped + duplicate + rejected + pending` holds whenever they
/// can be seen.
struct counters {
    /// Records read from the backend.
    std::uint64_t fetched = 0;
    /// Entries that Loki acknowledged.
    std::uint64_t shipped = 0;
    /// Records of steps that were shipped, rejected or pending already when they were read.
    std::uint64_t duplicate = 0;
    /// Entries that Loki refused for good, in all and by reason.
    std::uint64_t rejected = 0;
    std::array<std::uint64_t, loki::reject_reason_count> rejected_by_reason{};
    /// Entries that wait to be shipped.
    std::uint64_t pending = 0;

    /// Records of servers that other shippers ship (`shard`); no part of `fetched`.
    std::uint64_t of_other_shards = 0;
    /// Records whose timestamp was missing or unreadable, so that their entry got the time at which they were
    /// read.
    std::uint64_t timestamps_replaced = 0;
    /// Records with a label value that was missing, or that Loki does not take, so that it was replaced.
    std::uint64_t labels_changed = 0;
    /// Records in which the option `redact` replaced something.
    std::uint64_t redacted = 0;
    /// Entries that were too late and got the oldest time that Loki takes (`late_entries::restamp`).
    std::uint64_t restamped = 0;
    /// Entries that were read back from Loki, and entries that Loki had acknowledged and did not show; the latter were
    /// sent again.
    std::uint64_t verified = 0, lost = 0;
    /// Answers read from the backend, and attempts that gave none or a broken one.
    std::uint64_t pages = 0, pages_failed = 0;
    /// Pushes that Loki answered by storing or refusing entries, and attempts that must be repeated.
    std::uint64_t pushes = 0, pushes_failed = 0;

    friend bool operator==(const counters&, const counters&) = default;

    bool balanced() const noexcept { return fetched == shipped + duplicate + rejected + pending; }

    void reject(loki::reject_reason reason, std::uint64_t n) noexcept {
        rejected += n;
        rejected_by_reason[static_cast<std::size_t>(reason)] += n;
    }
};

} // namespace lokiship::ship

#endif
