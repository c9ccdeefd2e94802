#ifndef LOKISHIP_SHIP_REFUSAL_FORECAST_HPP
#define LOKISHIP_SHIP_REFUSAL_FORECAST_HPP

#include <lokiship/loki/backfill_shard.hpp>
#include <lokiship/loki/ingestion_limits.hpp>
#include <lokiship/ship/delivery_options.hpp>
#include <lokiship/ship/shipment.hpp>
#include <lokiship/text/timestamp.hpp>

#include <optional>
#include <string>

namespace lokiship::ship {

/// Which entries Loki will refuse, as its settings and what it holds stand. Pure.
class refusal_forecast {
public:
    refusal_forecast() = default;
    refusal_forecast(const loki::ingestion_limits& limits, const delivery_options& delivery, timestamp now)
        : limits_(limits)
        , may_withhold_(!delivery.push_refused)
        , window_known_(delivery.ingester.known)
        , rejects_late_(delivery.late == late_entries::reject)
        , now_(now) {}

    /// For what reason Loki will refuse an entry, were its settings as they are taken to be.
    std::optional<loki::reject_reason> likely(const shipment_part& p, const spooled_entry& e) const {
        auto limits = limits_;
        if (!p.labels.get(loki::backfill_shard_label).empty())
            limits.reject_old_samples = false;
        if (const auto reason = loki::refused_for(limits, now_, e.time, e.line.size()))
            return reason;
        if (p.live_bar && e.time < *p.live_bar && rejects_late_)
            return loki::reject_reason::too_far_behind;
        return std::nullopt;
    }

    /// The same where it is certain, for good, and need not be tried.
    std::optional<loki::reject_reason> certain(const shipment_part& p, const spooled_entry& e) const {
        using loki::reject_reason;
        const auto reason = may_withhold_ ? likely(p, e) : std::nullopt;
        // What is in the future need only wait.
        if (!reason || *reason == reject_reason::too_far_in_future)
            return std::nullopt;
        const bool known = *reason == reject_reason::too_far_behind ? window_known_ : limits_.known;
        return known ? reason : std::nullopt;
    }

    /// Why such an entry is not sent, for people. Precondition: `certain` gave this reason.
    std::string why(const shipment_part& p, loki::reject_reason reason) const {
        using loki::reject_reason;
        switch (reason) {
        case reject_reason::greater_than_max_sample_age:
            return "not sent, since Loki takes nothing older than " +
                   text::format_rfc3339(now_ - limits_.reject_old_samples_max_age) +
                   " (reject_old_samples_max_age)";
        case reject_reason::line_too_long:
            return "not sent, since Loki takes no line above " + std::to_string(limits_.max_line_size) +
                   " bytes (max_line_size)";
        case reject_reason::no_schema_config:
            return "not sent, since Loki's schema_config begins at " +
                   text::format_rfc3339(*limits_.schema_start);
        default:
            return "not sent, since the stream is shipped live, and its window starts at " +
                   text::format_rfc3339(*p.live_bar);
        }
    }

private:
    loki::ingestion_limits limits_{};
    bool may_withhold_ = false, window_known_ = false, rejects_late_ = true;
    timestamp now_{};
};

} // namespace lokiship::ship

#endif
