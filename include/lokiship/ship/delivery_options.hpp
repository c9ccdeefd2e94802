#ifndef LOKISHIP_SHIP_DELIVERY_OPTIONS_HPP
#define LOKISHIP_SHIP_DELIVERY_OPTIONS_HPP

#include <lokiship/loki/push_encoder.hpp>
#include <lokiship/loki/stream_window.hpp>
#include <lokiship/ship/detail/require.hpp>
#include <lokiship/ship/rejection.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

namespace lokiship::ship {

/// How large a push may be.
struct batch_limits {
    /// At least 1.
    std::size_t max_entries = 1000;
    /// Of the body, in bytes before compression; one larger entry goes alone. Loki refuses more than 4 MiB of protobuf for ever, and
    /// shards a stream by itself when pushes are large, so the default is well below.
    std::size_t max_bytes = 1024 * 1024;

    /// About what a line adds to a body.
    static std::size_t body_bytes(std::size_t line) noexcept { return line + 32; }
};

/// What becomes of an entry that is too late: older than its stream's newest less Loki's window.
enum class late_entries {
    /// It is rejected as `too_far_behind`, as Loki does.
    reject,
    /// It is sent with the oldest time that Loki takes. Its own time is kept: as structured metadata
    /// `original_timestamp` where Loki takes that, else at the end of the line, ` | ORIGINAL_TIMESTAMP: …`.
    restamp
};

/// How pushes are made.
struct delivery_options {
    batch_limits batch{};
    /// Makes what writes the bodies. Empty: JSON, as it is.
    std::function<std::unique_ptr<loki::push_encoder>()> make_encoder{};
    /// How many streams are pushed at the same time at most, at least 1; fewer while Loki does not bear so many
    /// (`push_concurrency`). Within a stream there is one push at a time.
    std::size_t concurrency = 16;
    /// The most bytes that the bodies of the pushes take that are under way at the same time; one push may always be.
    std::size_t max_bytes_in_flight = 16 * 1024 * 1024;
    /// The longest silence of Loki that is borne; a push may take six times as long in all. Zero: no limit.
    std::chrono::nanoseconds push_timeout = std::chrono::seconds(10);
    /// The most bytes a second that are pushed to one stream. Loki 3 splits a stream above 1.5 MiB/s, and then hides
    /// refusals and stores a repeated entry again. Zero: no limit.
    std::size_t stream_rate = 1'400'000;
    /// The most bytes of lines a second that are pushed in all, below Loki's `ingestion_rate_mb`. Zero: no limit.
    std::size_t rate = 0;
    /// Where a 429 of Loki names a lower limit than `rate` or `stream_rate`, stays just below that from then on.
    bool learn_rates = true;
    late_entries late = late_entries::reject;
    /// Loki's own, with `known` set, or a guess.
    loki::ingester_limits ingester{};
    /// Loki takes structured metadata (3.0 and later, its own `allow_structured_metadata`). Where not, or where Loki answers that it
    /// does not, or not so much, entries are sent without theirs. Before 2.9 it ignores what is sent in protobuf.
    bool allow_structured_metadata = true;
    /// About how many bytes the streams may take that have nothing pending and are known only so that less is refused. Where
    /// they are more, they are forgotten.
    std::size_t max_idle_memory = 16 * 1024 * 1024;
    /// Sends also what is certain to be refused.
    bool push_refused = false;
    /// Called for each entry that Loki refuses for good, before the counters tell. May be empty; must not throw.
    std::function<void(const rejection&)> on_rejected{};

    /// Throws `std::invalid_argument`, naming the field, where one is out of its range.
    void validate() const {
        detail::require(batch.max_entries >= 1, "delivery.batch.max_entries must be at least 1");
        detail::require(concurrency >= 1, "delivery.concurrency must be at least 1");
        detail::require(ingester.max_chunk_age.count() > 0,
                        "delivery.ingester.max_chunk_age must be greater than zero");
    }
};

} // namespace lokiship::ship

#endif
