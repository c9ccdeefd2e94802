#include "shipd/metrics.hpp"

#include "common/process_figures.hpp"

#include <lokiship/loki/push_reply.hpp>
#include <lokiship/version.hpp>

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <cstddef>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

namespace lokiship::tools {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using labels = std::vector<ClientMetric::Label>;

double in_seconds(std::chrono::nanoseconds d) {
    return std::chrono::duration<double>(d).count();
}

/// What the status says, as families.
class status_families {
public:
    explicit status_families(const status& s)
        : status_(s) {}

    std::vector<MetricFamily> collect() {
        start("lokiship_build_info", "The version that runs.", MetricType::Gauge);
        add({{"version", LOKISHIP_VERSION_STRING}}, 1);
        entries();
        lanes();
        start("lokiship_config_reloads_total", "How often the settings were read again.",
              MetricType::Counter);
        add({{"outcome", "succeeded"}}, static_cast<double>(status_.reloads));
        add({{"outcome", "failed"}}, static_cast<double>(status_.reloads_failed));
        process();
        return std::move(out_);
    }

private:
    void start(std::string name, std::string help, MetricType type) {
        out_.push_back({std::move(name), std::move(help), type, {}});
    }
    void add(labels l, double value) {
        ClientMetric m;
        m.label = std::move(l);
        (out_.back().type == MetricType::Counter ? m.counter.value : m.gauge.value) = value;
        out_.back().metric.push_back(std::move(m));
    }
    /// One metric of each lane; left out where there is no value.
    template <class F>
    void lanes(const char* name, const char* help, MetricType type, F value) {
        start(name, help, type);
        for (const auto& l : status_.lanes)
            if (const std::optional<double> v = value(l.shipper))
                add({{"backend", l.name}}, *v);
        if (out_.back().metric.empty())
            out_.pop_back();
    }
    template <class F>
    void count(const char* name, const char* help, F value) {
        lanes(name, help, MetricType::Counter,
              [&value](const ship::shipper_status& s) { return static_cast<double>(value(s.count)); });
    }
    template <class F>
    void gauge(const char* name, const char* help, F value) {
        lanes(name, help, MetricType::Gauge,
              [&value](const ship::shipper_status& s) { return static_cast<double>(value(s)); });
    }
    template <class F>
    void time(const char* name, const char* help, F value) {
        lanes(name, help, MetricType::Gauge,
              [&value](const ship::shipper_status& s) -> std::optional<double> {
                  const std::optional<timestamp> t = value(s);
                  return t ? std::optional(in_seconds(t->time_since_epoch())) : std::nullopt;
              });
    }

    void entries() {
        start("lokiship_entries_total",
              "Entries by what became of them. shipped: acknowledged by Loki, once or again, also what did "
              "not show when it "
              "was read back.",
              MetricType::Counter);
        for (const auto& l : status_.lanes) {
            const ship::counters& c = l.shipper.count;
            const auto one = [&](const char* outcome, std::string_view reason, std::uint64_t n) {
                add({{"backend", l.name}, {"outcome", outcome}, {"reason", std::string(reason)}},
                    static_cast<double>(n));
            };
            // What is taken back when it does not show must not let a counter go down.
            one("shipped", "",
                c.shipped + c.lost +
                    c.rejected_by_reason[static_cast<std::size_t>(loki::reject_reason::not_stored)]);
            one("duplicate", "", c.duplicate);
            for (std::size_t i = 0; i != c.rejected_by_reason.size(); ++i)
                one("rejected", loki::to_string(static_cast<loki::reject_reason>(i)),
                    c.rejected_by_reason[i]);
        }
    }
    void lanes() {
        using ship::counters;
        using ship::shipper_status;
        count("lokiship_entries_fetched_total", "Records that were read from the backend.",
              [](const counters& c) { return c.fetched; });
        count("lokiship_records_of_other_shards_total", "Records of servers that other shippers ship.",
              [](const counters& c) { return c.of_other_shards; });
        gauge("lokiship_entries_pending", "Entries that wait for Loki.",
              [](const shipper_status& s) { return s.count.pending; });
        gauge("lokiship_pending_bytes", "Memory that they and the streams that are remembered take.",
              [](const shipper_status& s) { return s.memory; });
        count("lokiship_entries_redacted_total", "Entries in which a secret was replaced.",
              [](const counters& c) { return c.redacted; });
        count("lokiship_entries_restamped_total",
              "Entries that were late and got the oldest time that Loki takes.",
              [](const counters& c) { return c.restamped; });
        count("lokiship_timestamps_replaced_total", "Records without a time that can be read.",
              [](const counters& c) { return c.timestamps_replaced; });
        count("lokiship_labels_changed_total",
              "Records with a label value that is missing or that Loki does not take.",
              [](const counters& c) { return c.labels_changed; });
        count("lokiship_entries_verified_total", "Entries that were read back from Loki.",
              [](const counters& c) { return c.verified; });
        count("lokiship_entries_lost_total",
              "Entries that Loki had acknowledged and did not show, so that they were sent again.",
              [](const counters& c) { return c.lost; });
        gauge("lokiship_pushes_in_flight", "Pushes that are under way.",
              [](const shipper_status& s) { return s.pushes_in_flight; });
        gauge("lokiship_push_concurrency_limit", "Pushes that may be under way, adapted to what Loki bears.",
              [](const shipper_status& s) { return s.push_concurrency; });
        gauge("lokiship_dedup_keys", "Steps that are remembered as shipped.",
              [](const shipper_status& s) { return s.dedup_keys; });
        gauge("lokiship_dedup_capacity_keys", "Steps that can be remembered as shipped.",
              [](const shipper_status& s) { return s.dedup_capacity; });
        gauge("lokiship_streams", "Streams of Loki that are remembered.",
              [](const shipper_status& s) { return s.streams; });
        gauge(
            "lokiship_lag_seconds",
            "Newest execution that was read, minus the oldest entry that waits for Loki; 0 where none waits.",
            [](const shipper_status& s) { return in_seconds(s.lag()); });
        time("lokiship_newest_seen_timestamp_seconds", "Time of the newest execution that was read.",
             [](const shipper_status& s) { return s.newest_read; });
        time("lokiship_last_poll_success_timestamp_seconds", "When the backend last answered a poll.",
             [](const shipper_status& s) { return s.backend.last_success; });
        time("lokiship_last_push_success_timestamp_seconds",
             "When Loki last answered a push with what became of its entries.",
             [](const shipper_status& s) { return s.loki.last_success; });
        gauge("lokiship_backend_up", "1, or 0 while the backend does not answer as it should.",
              [](const shipper_status& s) { return s.backend.up; });
        gauge("lokiship_loki_up", "1, or 0 while Loki does not answer as it should.",
              [](const shipper_status& s) { return s.loki.up; });
    }
    void process() {
        start("process_start_time_seconds", "When the process was started.", MetricType::Gauge);
        add({}, in_seconds(status_.started.time_since_epoch()));
        const process_figures p = read_process_figures();
        start("process_cpu_seconds_total", "User and system time of the processor.", MetricType::Counter);
        add({}, p.cpu_seconds);
        const auto figure = [this](const char* name, const char* help, std::optional<std::uint64_t> value) {
            if (!value)
                return;
            start(name, help, MetricType::Gauge);
            add({}, static_cast<double>(*value));
        };
        figure("process_resident_memory_bytes", "Memory that is not swapped out.", p.resident_bytes);
        figure("process_open_fds", "Descriptors that are open.", p.open_descriptors);
        figure("process_max_fds", "Descriptors that may be open.", p.max_descriptors);
    }

    const status& status_;
    std::vector<MetricFamily> out_;
};

} // namespace

metrics::metrics()
    : polls_(exchange_families("poll", "Requests to the backend", "Bytes of the backend's answers, decoded."))
    , pushes_(
          exchange_families("push", "Pushes to Loki", "Bytes of the bodies of pushes, as they were sent.")) {}

metrics::exchanges metrics::exchange_families(const std::string& what, const std::string& help,
                                              const std::string& bytes) {
    const std::string prefix = "lokiship_" + what;
    return {prometheus::BuildCounter()
                .Name(prefix + (what == "push" ? "es_total" : "s_total"))
                .Help(help + ", by HTTP status; none: without a whole answer.")
                .Register(registry_),
            prometheus::BuildCounter().Name(prefix + "_bytes_total").Help(bytes).Register(registry_),
            prometheus::BuildHistogram()
                .Name(prefix + "_duration_seconds")
                .Help(help + ": from the start to the end of the answer.")
                .Register(registry_)};
}

metrics::observer metrics::observe(const exchanges& families, const std::string& backend, bool sent,
                                   std::string path) {
    static const prometheus::Histogram::BucketBoundaries bounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
                                                                1,     2.5,  5,     10,   30,  60};
    auto& bytes = families.bytes.Add({{"backend", backend}});
    auto& duration = families.duration.Add({{"backend", backend}}, bounds);
    return [&total = families.total, &bytes, &duration, backend, sent,
            path = std::move(path)](const http::exchange_report& r) {
        if (!path.empty() && r.path != path)
            return;
        total.Add({{"backend", backend}, {"status", r.status == 0 ? "none" : std::to_string(r.status)}})
            .Increment();
        bytes.Increment(static_cast<double>(sent ? r.sent_bytes : r.received_bytes));
        duration.Observe(in_seconds(r.duration));
    };
}

metrics::observer metrics::polls(const std::string& backend) {
    return observe(polls_, backend, false, {});
}

metrics::observer metrics::pushes(const std::string& backend) {
    return observe(pushes_, backend, true, "/loki/api/v1/push");
}

std::string metrics::text(const status& s) const {
    std::vector<MetricFamily> all = status_families(s).collect();
    auto gathered = registry_.Collect();
    std::move(gathered.begin(), gathered.end(), std::back_inserter(all));
    return prometheus::TextSerializer().Serialize(all);
}

} // namespace lokiship::tools
