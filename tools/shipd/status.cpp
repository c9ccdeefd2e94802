#include "shipd/status.hpp"

#include <lokiship/loki/push_reply.hpp>
#include <lokiship/version.hpp>

#include <boost/json/array.hpp>

#include <optional>
#include <utility>

namespace lokiship::tools {

namespace {

using seconds = std::chrono::duration<double>;

boost::json::value time_json(std::optional<timestamp> t) {
    return t ? boost::json::value(text::format_rfc3339(*t)) : boost::json::value(nullptr);
}

boost::json::object endpoint_json(const std::string& url, const ship::endpoint_status& e) {
    return {{"url", url},
            {"up", e.up},
            {"failures", e.failures},
            {"last_success", time_json(e.last_success)},
            {"last_failure", time_json(e.last_failure)},
            {"last_error", e.last_error}};
}

boost::json::object counters_json(const ship::counters& c) {
    boost::json::object by_reason;
    for (std::size_t i = 0; i != c.rejected_by_reason.size(); ++i)
        if (c.rejected_by_reason[i] != 0)
            by_reason[loki::to_string(static_cast<loki::reject_reason>(i))] = c.rejected_by_reason[i];
    return {{"fetched", c.fetched},
            {"shipped", c.shipped},
            {"duplicate", c.duplicate},
            {"rejected", c.rejected},
            {"rejected_by_reason", std::move(by_reason)},
            {"pending", c.pending},
            {"of_other_shards", c.of_other_shards},
            {"redacted", c.redacted},
            {"restamped", c.restamped},
            {"timestamps_replaced", c.timestamps_replaced},
            {"labels_changed", c.labels_changed},
            {"verified", c.verified},
            {"lost", c.lost},
            {"pages", c.pages},
            {"pages_failed", c.pages_failed},
            {"pushes", c.pushes},
            {"pushes_failed", c.pushes_failed}};
}

void add_down(std::vector<std::string>& out, const std::string& who, const ship::endpoint_status& e) {
    if (!e.up)
        out.push_back(who + " does not answer as it should: " + e.last_error);
}

} // namespace

std::vector<std::string> why_not_healthy(const status& s) {
    std::vector<std::string> out;
    for (const auto& l : s.lanes)
        if (l.silence > l.longest_silence)
            out.push_back(
                "the shipper of backend " + l.name + " has done nothing for " +
                std::to_string(std::chrono::duration_cast<std::chrono::seconds>(l.silence).count()) + " s");
    return out;
}

std::vector<std::string> why_not_ready(const status& s) {
    std::vector<std::string> out = why_not_healthy(s);
    for (const auto& l : s.lanes) {
        const std::string backend = "backend " + l.name + " (" + l.server + ')';
        if (l.shipper.backend.up && !l.shipper.backend.last_success)
            out.push_back(backend + " has not answered yet");
        add_down(out, backend, l.shipper.backend);
        add_down(out, "Loki (" + s.loki + "), for backend " + l.name + ",", l.shipper.loki);
    }
    return out;
}

boost::json::object to_json(const status& s) {
    boost::json::array lanes;
    for (const auto& l : s.lanes) {
        const ship::shipper_status& p = l.shipper;
        lanes.push_back({{"name", l.name},
                         {"backend", endpoint_json(l.server, p.backend)},
                         {"loki", endpoint_json(s.loki, p.loki)},
                         {"entries", counters_json(p.count)},
                         {"lag_seconds", seconds(p.lag()).count()},
                         {"newest_read", time_json(p.newest_read)},
                         {"oldest_pending", time_json(p.oldest_pending)},
                         {"memory_bytes", p.memory},
                         {"streams", p.streams},
                         {"dedup_keys", p.dedup_keys},
                         {"dedup_capacity", p.dedup_capacity},
                         {"pushes_in_flight", p.pushes_in_flight},
                         {"push_concurrency", p.push_concurrency},
                         {"idle_seconds", seconds(l.silence).count()}});
    }
    const auto texts = [](const std::vector<std::string>& from) {
        return boost::json::array(from.begin(), from.end());
    };
    return {{"version", LOKISHIP_VERSION_STRING},       {"now", time_json(s.now)},
            {"started", time_json(s.started)},          {"not_ready", texts(why_not_ready(s))},
            {"not_healthy", texts(why_not_healthy(s))}, {"reloads", s.reloads},
            {"reloads_failed", s.reloads_failed},       {"lanes", std::move(lanes)}};
}

} // namespace lokiship::tools
