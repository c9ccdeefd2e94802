#ifndef LOKISHIP_LOKI_ENTRY_FATES_HPP
#define LOKISHIP_LOKI_ENTRY_FATES_HPP

#include <lokiship/loki/push_reply.hpp>
#include <lokiship/text/timestamp.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace lokiship::loki {

/// What is known of one entry of a push.
struct entry_fate {
    enum class kind {
        /// Loki has it.
        stored,
        /// Loki does not want it, for `reason`.
        refused,
        /// Something of the push was refused, and the reply does not tell whether this is it.
        unknown
    };
    kind what = kind::stored;
    reject_reason reason = reject_reason::other;

    friend bool operator==(const entry_fate&, const entry_fate&) = default;
};

/// What the fate of an entry depends on.
struct pushed_entry {
    timestamp time{};
    /// Of the line, in bytes.
    std::size_t size = 0;
    /// An earlier push of this entry had an outcome that is not known, and Loki would have taken it then.
    bool sent_before = false;
    /// It was pushed with structured metadata.
    bool with_metadata = false;
};

namespace detail {

using fates = std::vector<entry_fate>;

/// A stream's entries that an ingester took move the bar for what it takes later; a batch that is sent again after
/// it was stored meets its own newest entry. Then the cutoff that Loki states is the time of an entry that was sent
/// before, less the window.
inline bool is_own_cutoff(std::chrono::sys_seconds cutoff, std::span<const pushed_entry> batch,
                          std::optional<timestamp> newest_stored, std::chrono::nanoseconds window) {
    const auto gives = [&](timestamp t) {
        return std::chrono::floor<std::chrono::seconds>(t - window) == cutoff;
    };
    return (newest_stored && gives(*newest_stored)) ||
           std::any_of(batch.begin(), batch.end(),
                       [&](const pushed_entry& e) { return e.sent_before && gives(e.time); });
}

/// Marks what one refusal concerns; false where it does not fit to the entries.
inline bool mark(const refusal& r, std::span<const pushed_entry> entries, fates& out) {
    const std::size_t n = entries.size();
    /// False where one of them is refused already: Loki refuses each for one reason.
    const auto refuse = [&](std::size_t first, std::size_t count) {
        const auto part = std::span(out).subspan(first, count);
        const bool were_stored = std::all_of(
            part.begin(), part.end(), [](const entry_fate& f) { return f.what == entry_fate::kind::stored; });
        std::fill(part.begin(), part.end(), entry_fate{entry_fate::kind::refused, r.reason});
        return were_stored;
    };
    /// Those of which this is true; false where they are not as many. What is looked at first refuses an entry for good.
    const auto refuse_each = [&](const auto& concerns) {
        std::size_t found = 0;
        for (std::size_t i = 0; i != n; ++i)
            if (out[i].what == entry_fate::kind::stored && concerns(entries[i])) {
                refuse(i, 1);
                ++found;
            }
        return found == r.entries;
    };
    const auto second_of = [&](std::size_t i) {
        return std::chrono::floor<std::chrono::seconds>(entries[i].time);
    };
    if (r.entries == 0 || r.entries > n)
        return false;
    switch (r.reason) {
    case reject_reason::too_far_behind:
    case reject_reason::greater_than_max_sample_age: {
        // What is too old are the oldest. The cutoff is cut to the second, so its second stays open.
        if (!r.oldest_acceptable || second_of(r.entries - 1) > *r.oldest_acceptable ||
            (r.entries != n && second_of(r.entries) < *r.oldest_acceptable))
            return false;
        return refuse(0, r.entries);
    }
    case reject_reason::too_far_in_future:
        return refuse(n - r.entries, r.entries);
    case reject_reason::line_too_long:
        return r.max_line_size &&
               refuse_each([&](const pushed_entry& e) { return e.size > *r.max_line_size; });
    case reject_reason::disallowed_structured_metadata:
    case reject_reason::structured_metadata_too_large:
    case reject_reason::structured_metadata_too_many:
        return refuse_each([](const pushed_entry& e) { return e.with_metadata; });
    default:
        return false;
    }
}

} // namespace detail

/// What became of each of a batch's first `n` entries, which were pushed, as far as the reply tells. Pure.
///
/// Preconditions: the verdict is `delivered` or `rejected`; the batch is of one stream, oldest first; `1 <= n <=
/// batch.size()`. `newest_stored` is the newest entry of the stream that Loki is known to have, and `window` is how
/// far behind its stream's newest an entry may be (half of `max_chunk_age`).
///
/// Where the reply names exactly who is refused, the others are stored. An entry that was sent before and is now too
/// far behind the newest that we sent ourselves was stored then. Where the reply leaves open who is refused, all are
/// `unknown`: send them again in smaller pushes; Loki drops those that it has. One entry alone is never `unknown`; where
/// a proxy ate the text, it is refused as `other`, although Loki may have it and find its copy too far behind.
inline std::vector<entry_fate> entry_fates(const push_reply& reply, std::span<const pushed_entry> batch,
                                           std::size_t n, std::optional<timestamp> newest_stored,
                                           std::chrono::nanoseconds window) {
    using kind = entry_fate::kind;
    const auto entries = batch.first(n);
    std::vector<entry_fate> out(n);
    if (reply.what == push_reply::verdict::delivered)
        return out;
    const auto all = [&](entry_fate f) { std::fill(out.begin(), out.end(), f); };
    bool certain = !reply.refusals.empty() && (!reply.out_of || *reply.out_of == n);
    if (n == 1 || (certain && concerns_labels(reply.reason))) {
        all({kind::refused, reply.reason});
    } else {
        // In Loki's order: age, future, size, metadata.
        std::vector<refusal> refusals = reply.refusals;
        std::sort(refusals.begin(), refusals.end(),
                  [](const refusal& a, const refusal& b) { return a.reason < b.reason; });
        for (const auto& r : refusals)
            certain = certain && detail::mark(r, entries, out);
        if (!certain) {
            all({kind::unknown, reply.reason});
            return out;
        }
    }
    for (const auto& r : reply.refusals)
        if (r.reason == reject_reason::too_far_behind && r.oldest_acceptable &&
            detail::is_own_cutoff(*r.oldest_acceptable, batch, newest_stored, window))
            for (std::size_t i = 0; i != n; ++i)
                if (entries[i].sent_before && out[i] == entry_fate{kind::refused, r.reason})
                    out[i] = {};
    return out;
}

} // namespace lokiship::loki

#endif
