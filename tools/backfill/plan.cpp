#include "backfill/plan.hpp"

#include "backfill/progress.hpp"

#include <boost/json/array.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace lokiship::tools {

namespace {

using loki::reject_reason;

std::string bytes_text(std::uint64_t n) {
    if (n < 1'000'000)
        return fmt::format("{:.1f} kB", static_cast<double>(n) / 1e3);
    return n < 1'000'000'000 ? fmt::format("{:.1f} MB", static_cast<double>(n) / 1e6)
                             : fmt::format("{:.2f} GB", static_cast<double>(n) / 1e9);
}

std::string month(timestamp t) {
    return text::format_rfc3339(t).substr(0, 7);
}

/// How long the pushes take at least; 0 where no rate limits them.
std::uint64_t least_seconds(const planned& p) {
    if (p.options.delivery.rate == 0 || p.plan.entries == 0)
        return 0;
    // The mean line stands for those that are left.
    const double bytes = static_cast<double>(p.plan.bytes) / static_cast<double>(p.plan.entries) *
                         static_cast<double>(p.plan.to_ship());
    return static_cast<std::uint64_t>(bytes / static_cast<double>(p.options.delivery.rate) + 0.5);
}

bool has_label(const planned& p) {
    return !p.options.labels.empty();
}

} // namespace

std::string remedy(reject_reason reason, const planned& p) {
    switch (reason) {
    case reject_reason::greater_than_max_sample_age: {
        // A day more than now, since it goes on.
        const auto age = p.plan.oldest ? std::chrono::floor<std::chrono::seconds>(p.now) -
                                             std::chrono::floor<std::chrono::seconds>(*p.plan.oldest)
                                       : std::chrono::seconds(0);
        const auto hours = std::chrono::ceil<std::chrono::hours>(age).count() + 24;
        return fmt::format(
            "older than limits_config.reject_old_samples_max_age ({}h); set it to {}h, or "
            "limits_config.reject_old_samples to false",
            std::chrono::duration_cast<std::chrono::hours>(p.options.limits.reject_old_samples_max_age)
                .count(),
            hours);
    }
    case reject_reason::too_far_in_future:
        return "in the future by more than limits_config.creation_grace_period; look at the clocks";
    case reject_reason::line_too_long:
        return fmt::format("longer than limits_config.max_line_size ({} bytes); raise it",
                           p.options.limits.max_line_size);
    case reject_reason::no_schema_config:
        return "older than the first period of schema_config (" +
               text::format_rfc3339(*p.options.limits.schema_start) + "); add one that begins earlier";
    case reject_reason::too_far_behind:
        return fmt::format(
            "{} streams are shipped live, and Loki takes nothing that is {} minutes behind their "
            "newest; use --label backfill={}, which puts history into streams of its own, or "
            "raise ingester.max_chunk_age",
            p.plan.live_streams,
            std::chrono::duration_cast<std::chrono::minutes>(p.options.delivery.ingester.window()).count(),
            month(p.now));
    default:
        return "see Loki's log";
    }
}

std::string plan_text(const planned& p) {
    const auto& plan = p.plan;
    std::string out = fmt::format("plan: {} executions, {} entries ({}) in {} streams", plan.executions,
                                  plan.entries, bytes_text(plan.bytes), plan.streams);
    if (plan.oldest)
        out += ", from " + text::format_rfc3339(*plan.oldest) + " to " + text::format_rfc3339(*plan.newest);
    out += '\n';
    const auto line = [&](std::uint64_t n, const std::string& what) {
        if (n != 0)
            out += fmt::format("plan: {} {}\n", n, what);
    };
    line(plan.filtered, "records are left out, as --since, --until, --server-id and --status say");
    line(plan.resumed, "entries were settled before, by the checkpoint");
    line(plan.resumed_rejected, "of these were rejected then; to try them again, remove the checkpoint");
    line(plan.already_there, "entries are in Loki already");
    const bool guess = !p.options.limits.known;
    for (std::size_t i = 0; i != plan.refused_by_reason.size(); ++i)
        line(plan.refused_by_reason[i],
             fmt::format("entries {} ({}): {}",
                         guess ? "may be refused by Loki, were its settings its defaults"
                         : p.options.delivery.push_refused ? "will be refused by Loki"
                                                           : "are not sent, since Loki will refuse them",
                         to_string(static_cast<reject_reason>(i)), remedy(static_cast<reject_reason>(i), p)));
    if (!guess && !p.options.delivery.push_refused && plan.refused() != 0)
        out += "plan: /config does not show a tenant's own limits; --push-refused sends these entries "
               "nevertheless\n";
    line(plan.maybe_too_late,
         fmt::format(
             "entries lie far behind what their streams have already; Loki refuses them "
             "where a stream got something within chunk_idle_period ({}m); --label "
             "backfill={} puts them into streams of their own",
             std::chrono::duration_cast<std::chrono::minutes>(p.options.delivery.ingester.chunk_idle_period)
                 .count(),
             month(p.now)));
    line(plan.nearly_too_old, "entries will be too old in less than ten minutes");
    if (const auto most = p.options.limits.max_global_streams_per_user; most != 0 && plan.streams > most)
        out += fmt::format("plan: {} streams are more than Loki keeps active; raise "
                           "limits_config.max_global_streams_per_user ({})\n",
                           plan.streams, most);
    if (plan.live_streams != 0 && has_label(p))
        out += fmt::format(
            "plan: {} streams are shipped live; what they still take goes there, the rest into "
            "streams of its own; what was shipped and is older than {} minutes does not show before Loki "
            "has flushed it, and is shipped again\n",
            plan.live_streams,
            std::chrono::duration_cast<std::chrono::minutes>(p.options.read_back.limits.shows_at_once())
                .count());
    if (plan.unseen)
        out += "plan: Loki does not say what it has already; what it has is sent again\n";
    if (guess)
        out += "plan: Loki does not show its settings (/config); taking its defaults\n";
    out += fmt::format("plan: {} entries to ship", guess || p.options.delivery.push_refused
                                                       ? plan.to_ship() + plan.refused()
                                                       : plan.to_ship());
    if (const auto rate = p.options.delivery.rate; rate != 0) {
        out += fmt::format(", at {} a second at most", bytes_text(rate));
        if (const auto seconds = least_seconds(p); seconds > 1)
            out += ": " + duration_text(seconds);
        if (least_seconds(p) > 600)
            out += " (limits_config.ingestion_rate_mb)";
    }
    return out + '\n';
}

boost::json::object read_json(const ship::backfill_plan& plan) {
    const auto time = [](const std::optional<timestamp>& t) {
        return t ? boost::json::value(text::format_rfc3339(*t)) : boost::json::value(nullptr);
    };
    return {{"executions", plan.executions}, {"records", plan.records},    {"filtered", plan.filtered},
            {"entries", plan.entries},       {"bytes", plan.bytes},        {"streams", plan.streams},
            {"oldest", time(plan.oldest)},   {"newest", time(plan.newest)}};
}

boost::json::object plan_json(const planned& p) {
    const auto& plan = p.plan;
    boost::json::array refused;
    for (std::size_t i = 0; i != plan.refused_by_reason.size(); ++i)
        if (const auto n = plan.refused_by_reason[i]; n != 0)
            refused.push_back(boost::json::object{{"reason", to_string(static_cast<reject_reason>(i))},
                                                  {"entries", n},
                                                  {"remedy", remedy(static_cast<reject_reason>(i), p)}});
    boost::json::object out = read_json(plan);
    for (auto& [name, value] : boost::json::object{{"resumed", plan.resumed},
                                                   {"resumed_rejected", plan.resumed_rejected},
                                                   {"already_there", plan.already_there},
                                                   {"refused", std::move(refused)},
                                                   {"certain", plan.certain},
                                                   {"maybe_too_late", plan.maybe_too_late},
                                                   {"nearly_too_old", plan.nearly_too_old},
                                                   {"live_streams", plan.live_streams},
                                                   {"to_ship", plan.to_ship()},
                                                   {"unseen", plan.unseen},
                                                   {"bytes_per_second", p.options.delivery.rate},
                                                   {"least_seconds", least_seconds(p)}})
        out.emplace(name, std::move(value));
    return out;
}

} // namespace lokiship::tools
