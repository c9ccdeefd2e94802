#ifndef LOKISHIP_SHIP_INTAKE_HPP
#define LOKISHIP_SHIP_INTAKE_HPP

#include <lokiship/aoss/execution_record.hpp>
#include <lokiship/aoss/step_key.hpp>
#include <lokiship/aoss/to_entry.hpp>
#include <lokiship/error.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/backfill_options.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/plan.hpp>
#include <lokiship/ship/recent_keys.hpp>
#include <lokiship/ship/spool.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

namespace lokiship::ship {

/// Makes entries of what is read of a history, and puts them into a spool, once each; the counters and the plan tell. All
/// that it is given must outlive it. Not thread-safe.
///
/// Throws `system_error`: what the spool throws, and `errc::page_too_large` where the streams, `backfill_plan::streams` by
/// now, take more than `backfill_options::max_stream_memory`.
class intake {
public:
    intake(spool& to, const backfill_options& options, counters& count, backfill_plan& plan)
        : spool_(to)
        , options_(options)
        , count_(count)
        , plan_(plan)
        , map_(options.redact, options.external_labels, options.structured_metadata)
        , recent_(recent_steps) {}

    /// A record, in whose texts is redacted; `now` gives the time.
    template <std::invocable Now>
    void take(aoss::execution_record& record, Now now) {
        const auto stream_before = std::exchange(stream_, std::nullopt);
        const aoss::mapped_step& step = map_(record, now);
        if (step.same_labels)
            stream_ = stream_before;
        const bool wanted = options_.query.matches(record, step.entry.time);
        aoss::step_key seen = step.key;
        if (!wanted)
            seen.content = ~seen.content; // it may be wanted when it comes again, with another status
        const bool fresh = recent_.insert(seen);
        if (fresh) {
            ++plan_.records;
            if (record.execution_id != last_execution_) {
                last_execution_ = record.execution_id;
                ++plan_.executions;
            }
        }
        if (!wanted) {
            plan_.filtered += fresh;
            return;
        }
        if (!put(fresh, step.labels, stream_, step.entry, step.key))
            return;
        count_.timestamps_replaced += step.time_replaced;
        count_.labels_changed += step.labels_changed;
        count_.redacted += step.redacted;
    }

    /// An entry; false where it was there a moment ago.
    bool add(const loki::labels& labels, const loki::entry& entry, const aoss::step_key& key) {
        std::optional<std::uint32_t> stream;
        return put(recent_.insert(key), labels, stream, entry, key);
    }

private:
    /// `stream`: which of the spool's, where that is known; it is then.
    bool put(bool fresh, const loki::labels& labels, std::optional<std::uint32_t>& stream,
             const loki::entry& entry, const aoss::step_key& key) {
        ++count_.fetched;
        if (!fresh) {
            ++count_.duplicate;
            return false;
        }
        // It counts before it is written: where that fails, it is what was not shipped.
        ++count_.pending;
        if (!stream)
            stream = spool_.stream(labels);
        spool_.add(*stream, entry.time, entry.line, key, entry.metadata);
        ++plan_.entries;
        plan_.bytes += entry.line.size();
        plan_.oldest = std::min(plan_.oldest.value_or(entry.time), entry.time);
        plan_.newest = std::max(plan_.newest.value_or(entry.time), entry.time);
        if (std::exchange(plan_.streams, spool_.streams().size()) != spool_.streams().size())
            bound(labels);
        return true;
    }

    /// Entries lie on disk, but of each stream, such as this new one, something stays in memory.
    void bound(const loki::labels& added) {
        stream_memory_ += stream_overhead;
        for (const auto& l : added)
            stream_memory_ += 2 * l.value.size();
        if (stream_memory_ > options_.max_stream_memory)
            throw boost::system::system_error(make_error_code(errc::page_too_large));
    }

    /// What overlapping pages repeat is found among so many.
    static constexpr std::size_t recent_steps = 20'000;
    static constexpr std::size_t stream_overhead = 1500;

    spool& spool_;
    const backfill_options& options_;
    counters& count_;
    backfill_plan& plan_;
    aoss::step_mapper map_;
    /// Of the step that was mapped last, where it is known.
    std::optional<std::uint32_t> stream_;
    recent_keys<aoss::step_key> recent_;
    /// The execution that was counted last.
    std::string last_execution_;
    std::size_t stream_memory_ = 0;
};

} // namespace lokiship::ship

#endif
