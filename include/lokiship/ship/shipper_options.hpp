#ifndef LOKISHIP_SHIP_SHIPPER_OPTIONS_HPP
#define LOKISHIP_SHIP_SHIPPER_OPTIONS_HPP

#include <lokiship/aoss/record_scanner.hpp>
#include <lokiship/aoss/step_key.hpp>
#include <lokiship/aoss/to_entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/backoff.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/delivery_options.hpp>
#include <lokiship/ship/detail/require.hpp>
#include <lokiship/ship/log.hpp>
#include <lokiship/ship/read_back.hpp>
#include <lokiship/ship/recent_keys.hpp>
#include <lokiship/ship/shard.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>

namespace lokiship::ship {

/// What a shipper does. A value outside its range makes the constructor throw `std::invalid_argument`.
struct shipper_options {
    /// From the start of one poll to the start of the next; greater than zero.
    std::chrono::nanoseconds poll_interval = std::chrono::seconds(30);
    /// How many executions a poll asks for; at least 1.
    std::uint64_t batch_size = 100;
    /// How many steps are remembered as shipped; at least 1. Grows where one page holds more.
    std::size_t dedup_capacity = recent_keys<aoss::step_key>::default_capacity;
    /// No page is read while this many entries wait for Loki; at least 1. A page may go beyond it.
    std::size_t max_pending = 100'000;
    /// About how many bytes what waits for Loki may take; at least 64 KiB. What a page holds beyond it is read with a later
    /// poll.
    std::size_t max_pending_memory = 32 * 1024 * 1024;
    /// How many steps a page may have; at least 1. Where `dedup_capacity` is more, so many. A page with more is none.
    std::size_t max_page_steps = 1'000'000;
    /// The longest silence of the backend that is borne; a page may take six times as long in all. Zero: no limit.
    std::chrono::nanoseconds fetch_timeout = std::chrono::seconds(60);
    /// Applied to what is read, before anything is made of it: what it replaces is neither shipped nor kept. A step in which
    /// it replaces something is another step than without it.
    aoss::redact_function redact{};
    /// Of the backend's servers, these; what is others' is read and left.
    ship::shard shard{};
    /// Labels that each entry gets beside its own, such as where the backend stands; with another name than those. A step keeps
    /// its identity with others.
    loki::labels external_labels{};
    /// Each entry has structured metadata (`aoss::to_metadata`), by which an execution is found without a label of its own. For
    /// Loki 3; see `delivery.allow_structured_metadata`.
    bool structured_metadata = false;
    /// Makes what reads pages faster, such as a `simdjson_scanner`; empty: nothing does.
    aoss::make_scanner_function make_scanner{};
    delivery_options delivery{};
    backoff_options backoff{};
    /// After `stop`: how long pushes in flight may take until they are abandoned.
    std::chrono::nanoseconds stop_timeout = std::chrono::seconds(5);
    /// How often the entries that were shipped are read back; what Loki acknowledged and does not show is sent again,
    /// once. Entries older than `query_ingesters_within`, which Loki may not show yet, are left out. Zero: never.
    std::chrono::nanoseconds verify_interval{};
    read_back_options read_back{};
    /// The file that lets it go on after a restart, or a crash at any moment, as if there had been none; empty: none. Written
    /// after something new was read or acknowledged, at most once a second, and at the end.
    std::string state_file{};
    /// Where there is no state to go on from: asks Loki for the newest entry that it has, and reads back as far as that less
    /// Loki's window, since not all streams are equally far.
    bool resume_from_loki = false;
    log_function log{};
    /// Called on the shell's thread whenever the counters have changed; they balance then. May be empty.
    std::function<void(const counters&)> on_counters{};

    /// How long a shipper that works may go without a sign of it (`shipper_status::last_activity`), waiting for a server to
    /// answer or for the next turn. Meaningless where a timeout is zero: no limit. Reading back, which asks for more than one
    /// answer, is left out.
    std::chrono::nanoseconds longest_silence() const noexcept {
        return poll_interval + 6 * (fetch_timeout + delivery.push_timeout) + backoff.maximum;
    }

    /// Throws `std::invalid_argument`, naming the field, where one is out of its range.
    void validate() const {
        detail::require(poll_interval.count() > 0, "poll_interval must be greater than zero");
        detail::require(batch_size >= 1, "batch_size must be at least 1");
        detail::require(dedup_capacity >= 1, "dedup_capacity must be at least 1");
        detail::require(max_pending >= 1, "max_pending must be at least 1");
        detail::require(max_pending_memory >= 64 * 1024, "max_pending_memory must be at least 64 KiB");
        detail::require(max_page_steps >= 1, "max_page_steps must be at least 1");
        detail::require(shard.index < shard.count, "shard.index must be less than shard.count");
        if (const auto wrong = aoss::why_not_external(external_labels))
            throw std::invalid_argument("external_labels " + *wrong);
        delivery.validate();
        backoff.validate();
    }
};

} // namespace lokiship::ship

#endif
