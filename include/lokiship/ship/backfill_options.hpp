#ifndef LOKISHIP_SHIP_BACKFILL_OPTIONS_HPP
#define LOKISHIP_SHIP_BACKFILL_OPTIONS_HPP

#include <lokiship/aoss/record_scanner.hpp>
#include <lokiship/aoss/to_entry.hpp>
#include <lokiship/error.hpp>
#include <lokiship/loki/ingestion_limits.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/backoff.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/delivery_options.hpp>
#include <lokiship/ship/detail/require.hpp>
#include <lokiship/ship/history.hpp>
#include <lokiship/ship/log.hpp>
#include <lokiship/ship/read_back.hpp>
#include <lokiship/ship/spool.hpp>
#include <lokiship/text/utf8.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

namespace lokiship::ship {

/// What a backfill does. A value outside its range makes the constructor throw `std::invalid_argument`.
struct backfill_options {
    history_query query{};
    spool_options spool{};
    /// Applied to what is read, before anything is made of it: what it replaces is neither shipped nor kept. A step in which
    /// it replaces something is another step than without it. Entries that `add` takes are left as they are.
    aoss::redact_function redact{};
    /// Labels that each entry gets beside its own, as with `shipper_options`; entries that `add` takes are left as they are.
    loki::labels external_labels{};
    /// Each entry has structured metadata, as with `shipper_options`; entries that `add` takes have their own.
    bool structured_metadata = false;
    /// Makes what reads pages faster, such as a `simdjson_scanner`; empty: nothing does.
    aoss::make_scanner_function make_scanner{};
    /// The longest silence of the backend that is borne; an answer may take sixty times as long in all. Zero: no limit. A
    /// large answer is built before its first byte.
    std::chrono::nanoseconds fetch_timeout = std::chrono::minutes(5);
    /// About how many bytes the streams may take, a kilobyte and a half each and their labels. A history with more is not
    /// shipped.
    std::size_t max_stream_memory = 128 * 1024 * 1024;
    /// Added to the labels of each stream, so that history does not meet what is shipped live. What is younger than Loki's
    /// window less ten minutes goes to the stream itself all the same: whoever ships live will ship it too, and Loki drops
    /// what comes twice.
    loki::labels labels{};
    delivery_options delivery{};
    /// What Loki takes, to plan by. Where `known`, what it is certain to refuse is not pushed, unless
    /// `delivery.push_refused` is set.
    loki::ingestion_limits limits{};
    /// The file from which an interrupted backfill goes on, and to which it is saved before each push; empty: none.
    std::string checkpoint{};
    /// What the checkpoint must be of: whatever makes it another backfill, such as both addresses and the query.
    std::string job{};
    backoff_options backoff{};
    /// How many rounds in a row may bring nothing forward until the backfill gives up; at least 1.
    unsigned max_attempts = 5;
    /// Reads back what was shipped, and sends again, once, what Loki acknowledged and does not show.
    bool verify = false;
    read_back_options read_back{};
    /// How long to wait for entries that are older than `query_ingesters_within` to show; Loki shows them when it has
    /// flushed their chunks. After that each entry is looked for once at the most, and where 5000 take Loki more than half
    /// a minute then, what is left is not looked for.
    std::chrono::nanoseconds verify_wait = std::chrono::minutes(2);
    log_function log{};
    /// Called whenever the counters have changed; they balance then. May be empty.
    std::function<void(const counters&)> on_counters{};

    /// Throws `std::invalid_argument`, naming the field, where one is out of its range.
    void validate() const {
        detail::require(query.shard.index < query.shard.count,
                        "query.shard.index must be less than its count");
        detail::require(max_attempts >= 1, "max_attempts must be at least 1");
        detail::require(text::is_valid_utf8(job), "job must be UTF-8");
        if (const auto wrong = aoss::why_not_external(external_labels))
            throw std::invalid_argument("external_labels " + *wrong);
        for (const auto& l : labels)
            detail::require(text::is_valid_utf8(l.name) && text::is_valid_utf8(l.value),
                            "labels must be UTF-8");
        delivery.validate();
        backoff.validate();
    }
};

/// How a backfill ended.
struct backfill_result {
    /// The history could not be read; nothing was shipped.
    std::optional<error> read_failure{};
    /// The backend gave no more than `executions`, although it has more: why.
    std::optional<error> incomplete{};
    /// The checkpoint cannot be used; nothing was read or shipped.
    std::optional<error> checkpoint_failure{};
    /// The spool or the checkpoint could not be written; what `counters::pending` says was not shipped.
    std::optional<error> disk_failure{};
    /// Loki did not take what `counters::pending` says.
    std::optional<error> ship_failure{};
    std::uint64_t executions = 0;
    /// What was shipped could not be read back.
    std::optional<error> verify_failure{};
    /// How many entries Loki does not show yet, which may be because it has not flushed their chunks.
    std::uint64_t not_visible = 0;
    /// How many entries may be there or not: they were not looked for in `verify_wait`, or have another time than their
    /// record and were too many to keep, or Loki has more of their nanosecond than it shows.
    std::uint64_t not_verified = 0;

    bool failed() const noexcept {
        return read_failure || checkpoint_failure || disk_failure || ship_failure || verify_failure;
    }
};

} // namespace lokiship::ship

#endif
