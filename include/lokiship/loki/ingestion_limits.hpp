#ifndef LOKISHIP_LOKI_INGESTION_LIMITS_HPP
#define LOKISHIP_LOKI_INGESTION_LIMITS_HPP

#include <lokiship/loki/push_reply.hpp>
#include <lokiship/text/timestamp.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

namespace lokiship::loki {

/// The settings of Loki's distributors (`limits_config`, unless said) on which it depends what they take; the defaults
/// are Loki's. Sizes are in bytes, rates in bytes a second.
struct ingestion_limits {
    /// These are Loki's own settings, not a guess.
    bool known = false;
    bool reject_old_samples = true;
    /// Older than this before now is refused.
    std::chrono::nanoseconds reject_old_samples_max_age = std::chrono::hours(168);
    /// Further than this after now is refused.
    std::chrono::nanoseconds creation_grace_period = std::chrono::minutes(10);
    /// Longer lines are refused; 0: none is. The default is that of 3.x; 2.9 has no limit.
    std::size_t max_line_size = 256 * 1024;
    /// Longer lines are cut instead.
    bool max_line_size_truncate = false;
    /// How many labels a stream may have; 30 in 2.9.
    std::size_t max_label_names_per_series = 15;
    /// Of a tenant's lines, `ingestion_rate_mb`.
    std::size_t ingestion_rate = 4 * 1024 * 1024;
    /// Of one stream's lines.
    std::size_t per_stream_rate_limit = 3 * 1024 * 1024;
    /// How many streams may be active; 0: no limit.
    std::size_t max_global_streams_per_user = 5000;
    /// The earliest `from` in `schema_config`: older entries are a 500 that no retry cures. Empty: unknown.
    std::optional<timestamp> schema_start{};
};

/// Why Loki refuses an entry at `now`, as far as that is decided before its stream is looked at. Pure.
inline std::optional<reject_reason> refused_for(const ingestion_limits& limits, timestamp now, timestamp time,
                                                std::size_t line_size) noexcept {
    // Loki's order; a schema is asked for last, when the entry is stored.
    if (limits.reject_old_samples && time < now - limits.reject_old_samples_max_age)
        return reject_reason::greater_than_max_sample_age;
    if (time > now + limits.creation_grace_period)
        return reject_reason::too_far_in_future;
    if (limits.max_line_size != 0 && line_size > limits.max_line_size && !limits.max_line_size_truncate)
        return reject_reason::line_too_long;
    if (limits.schema_start && time < *limits.schema_start)
        return reject_reason::no_schema_config;
    return std::nullopt;
}

} // namespace lokiship::loki

#endif
