#ifndef LOKISHIP_TESTING_FAKE_LOKI_STATUS_PAGES_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_STATUS_PAGES_HPP

#include <lokiship/testing/fake_loki/distributor.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>

#include <cstddef>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

namespace lokiship::testing {

/// The settings as `/config` shows them: YAML, in the order and the units of the version.
inline std::string config_page(const loki_limits& l) {
    const bool v3 = l.version == loki_version::v3;
    const std::string indent(v3 ? 4 : 2, ' ');
    std::string out = "target: all\n";
    const auto put = [&](int depth, std::string_view name, const std::string& value) {
        for (int i = 0; i != depth; ++i)
            out += indent;
        out.append(name).append(value.empty() ? ":" : ": ").append(value).append("\n");
    };
    const auto flag = [](bool b) { return std::string(b ? "true" : "false"); };
    const auto number = [](double n) {
        char text[32];
        std::snprintf(text, sizeof text, "%g", n);
        return std::string(text);
    };
    if (l.auth_enabled)
        put(0, "auth_enabled", "true");
    put(0, "server", "");
    put(1, "grpc_server_max_recv_msg_size", std::to_string(l.grpc_server_max_recv_msg_size));
    put(0, "ingester", "");
    put(1, "flush_check_period", go::duration(l.flush_check_period));
    put(1, "chunk_idle_period", go::duration(l.chunk_idle_period));
    put(1, "max_chunk_age", go::duration(l.max_chunk_age));
    put(1, "max_returned_stream_errors", std::to_string(l.max_returned_stream_errors));
    put(1, "query_store_max_look_back_period", go::duration(l.query_store_max_look_back_period));
    if (l.schema_start) {
        put(0, "schema_config", "");
        put(1, "configs", "");
        out += indent + "- from: \"" + go::rfc3339(*l.schema_start).substr(0, 10) + "\"\n";
    }
    put(0, "limits_config", "");
    put(1, "ingestion_rate_mb", number(l.ingestion_rate_mb));
    put(1, "ingestion_burst_size_mb", number(l.ingestion_burst_size_mb));
    put(1, "max_label_name_length", std::to_string(l.max_label_name_length));
    put(1, "max_label_value_length", std::to_string(l.max_label_value_length));
    put(1, "max_label_names_per_series", std::to_string(l.max_label_names_per_series));
    put(1, "reject_old_samples", flag(l.reject_old_samples));
    put(1, "reject_old_samples_max_age", go::model_duration(l.reject_old_samples_max_age));
    put(1, "creation_grace_period", go::model_duration(l.creation_grace_period));
    put(1, "max_line_size", go::byte_size(l.max_line_size));
    put(1, "max_line_size_truncate", flag(l.max_line_size_truncate));
    put(1, "increment_duplicate_timestamp", flag(l.increment_duplicate_timestamp));
    if (v3) {
        put(1, "discover_service_name", l.discover_service_name.empty() ? "[]" : "");
        for (const auto& name : l.discover_service_name)
            out += indent + indent + "- " + name + '\n';
        put(1, "discover_log_levels", flag(l.discover_log_levels));
    }
    put(1, "max_global_streams_per_user", std::to_string(l.max_global_streams_per_user));
    put(1, "per_stream_rate_limit", go::byte_size(l.per_stream_rate_limit));
    put(1, "per_stream_rate_limit_burst", go::byte_size(l.per_stream_rate_limit_burst));
    put(1, "max_query_series", std::to_string(l.max_query_series));
    put(1, "max_query_length", go::model_duration(l.max_query_length));
    put(1, "max_entries_limit_per_query", std::to_string(l.max_entries_limit_per_query));
    put(1, "shard_streams", "");
    put(2, "enabled", flag(l.shard_streams_enabled));
    put(2, "desired_rate", go::byte_size(l.shard_streams_desired_rate));
    // 2.9 shows it only where it is true.
    if (v3 || l.allow_structured_metadata)
        put(1, "allow_structured_metadata", flag(l.allow_structured_metadata));
    if (v3) {
        put(1, "max_structured_metadata_size", go::byte_size(l.max_structured_metadata_size));
        put(1, "max_structured_metadata_entries_count",
            std::to_string(l.max_structured_metadata_entries_count));
        put(1, "block_ingestion_until",
            l.block_ingestion_until ? go::rfc3339(*l.block_ingestion_until) : "\"0\"");
        put(1, "block_ingestion_status_code", std::to_string(l.block_ingestion_status_code));
    }
    return out;
}

/// The answer of `/loki/api/v1/status/buildinfo`, without the newline at its end.
inline std::string build_info(const loki_limits& l) {
    const char* version = l.version == loki_version::v2_9 ? "2.9.4"
                          : l.backfill_shard_header       ? "main-65e30f8488"
                                                          : "3.7.6";
    return std::string(R"({"version":")") + version +
           R"(","revision":"","branch":"HEAD","buildUser":"","buildDate":"","goVersion":""})";
}

/// The discarded entries of each tenant as Prometheus reads them.
inline std::string metrics_page(const std::map<std::string, discarded_entries>& tenants) {
    std::string out = "# HELP loki_discarded_samples_total The total number of samples that were discarded.\n"
                      "# TYPE loki_discarded_samples_total counter\n";
    for (const auto& [tenant, reasons] : tenants)
        for (const auto& [reason, n] : reasons)
            out += "loki_discarded_samples_total{reason=" + go::quote(reason) +
                   ",tenant=" + go::quote(tenant) + "} " + std::to_string(n) + '\n';
    return out;
}

} // namespace lokiship::testing

#endif
