#ifndef LOKISHIP_TESTING_FAKE_LOKI_LIMITS_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_LIMITS_HPP

#include <lokiship/text/timestamp.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace lokiship::testing {

/// Whose behaviour a fake Loki shows.
enum class loki_version {
    /// 2.9.4.
    v2_9,
    /// 3.x; where its versions differ, the newest.
    v3
};

/// The settings of a fake Loki, by the names that Loki's configuration has. Sizes are in bytes, rates in
/// bytes a second, and 0 is no limit where nothing else is said.
///
/// A value-initialised object is a Loki 2.9 with its defaults, as a single binary; see `v3` for the other.
struct loki_limits {
    loki_version version = loki_version::v2_9;
    /// False: there is one tenant, `fake`. True: each request names its own in `X-Scope-OrgID`.
    bool auth_enabled = false;

    /// False: entries of any age are taken. The window of a stream stays (`max_chunk_age`).
    bool reject_old_samples = true;
    /// Older than this before now is refused.
    std::chrono::nanoseconds reject_old_samples_max_age = std::chrono::hours(168);
    /// Further than this after now is refused.
    std::chrono::nanoseconds creation_grace_period = std::chrono::minutes(10);
    std::size_t max_line_size = 0;
    /// Longer lines are cut to `max_line_size` instead of refused.
    bool max_line_size_truncate = false;
    std::size_t max_label_name_length = 1024;
    std::size_t max_label_value_length = 2048;
    std::size_t max_label_names_per_series = 30;
    bool allow_structured_metadata = false;
    std::size_t max_structured_metadata_size = 0;
    std::size_t max_structured_metadata_entries_count = 0;
    /// Labels whose value becomes the label `service_name` where that is absent. Empty: none is added.
    std::vector<std::string> discover_service_name{};
    /// Adds the metadata `detected_level` where structured metadata is allowed.
    bool discover_log_levels = false;
    /// Entries of one push that have the same time and distinct lines are moved apart by a nanosecond.
    bool increment_duplicate_timestamp = false;

    /// Of a tenant, in units of 1024 * 1024 bytes.
    double ingestion_rate_mb = 4;
    double ingestion_burst_size_mb = 6;
    std::size_t per_stream_rate_limit = 3 << 20;
    std::size_t per_stream_rate_limit_burst = 15 << 20;
    std::size_t max_global_streams_per_user = 5000;
    /// Splits a stream above `shard_streams_desired_rate` by the label `__stream_shard__`; also, an exceeded
    /// `per_stream_rate_limit` refuses all of a push's stream instead of what does not fit.
    bool shard_streams_enabled = false;
    std::size_t shard_streams_desired_rate = 3 << 20;
    /// Knows the request header `X-Loki-Backfill-Shard`, as the builds of Loki's main branch do since the summer of
    /// 2026, while no release does (the newest is 3.7.6); no setting of Loki's, and not in `/config`. 3.x only. A push
    /// with the header may have entries of any age, and each of its streams gets the labels `__backfill__` and
    /// `__backfill_shard__`, which no push may have by itself: each value of the header is a stream, and a window, of
    /// its own.
    ///
    /// A client can tell without storing anything: to a stream without entries and a header that is longer than 128
    /// bytes such a Loki answers 400, any other 204. So it does to one that has such a label, which also shows through
    /// a proxy that drops headers.
    bool backfill_shard_header = false;
    /// Until then all is refused with `block_ingestion_status_code`. 3.x only.
    std::optional<timestamp> block_ingestion_until{};
    unsigned block_ingestion_status_code = 260;

    /// The largest `limit` of a query.
    std::size_t max_entries_limit_per_query = 5000;
    /// How many series a metric query may give.
    std::size_t max_query_series = 500;
    std::chrono::nanoseconds max_query_length = std::chrono::hours(721);

    /// Half of it is how far behind its stream's newest entry an entry may be. A chunk that spans more is
    /// flushed.
    std::chrono::nanoseconds max_chunk_age = std::chrono::hours(2);
    /// A stream that got nothing for so long is flushed and forgotten, its newest entry with it.
    std::chrono::nanoseconds chunk_idle_period = std::chrono::minutes(30);
    /// How often chunks are looked at.
    std::chrono::nanoseconds flush_check_period = std::chrono::seconds(30);
    /// Entries older than this before now are invisible until their chunk is flushed, as in a single binary.
    /// Negative: all is visible at once.
    std::chrono::nanoseconds query_store_max_look_back_period = std::chrono::minutes(161);
    /// The earliest `from` in `schema_config`, a day: a push that would begin a stream before it is a 500. Empty: any
    /// time will do, and `/config` shows no `schema_config`.
    std::optional<timestamp> schema_start{};
    /// How many refused entries an ingester's text lists.
    std::size_t max_returned_stream_errors = 10;
    /// Of a push as uncompressed protobuf.
    std::size_t grpc_server_max_recv_msg_size = 4 << 20;

    /// The defaults of 2.9.
    static loki_limits v2_9() { return {}; }
    /// The defaults of 3.x.
    static loki_limits v3() {
        loki_limits out;
        out.version = loki_version::v3;
        out.max_line_size = 256 << 10;
        out.max_label_names_per_series = 15;
        out.allow_structured_metadata = true;
        out.max_structured_metadata_size = 64 << 10;
        out.max_structured_metadata_entries_count = 128;
        out.discover_service_name = {"service",
                                     "app",
                                     "application",
                                     "app_name",
                                     "name",
                                     "app_kubernetes_io_name",
                                     "container",
                                     "container_name",
                                     "k8s_container_name",
                                     "component",
                                     "workload",
                                     "job",
                                     "k8s_job_name"};
        out.discover_log_levels = true;
        out.shard_streams_enabled = true;
        out.shard_streams_desired_rate = 1536 << 10;
        return out;
    }
    /// The same without `query_store_max_look_back_period`: whatever was taken can be queried at once.
    loki_limits visible_at_once() const {
        loki_limits out = *this;
        out.query_store_max_look_back_period = std::chrono::nanoseconds(-1);
        return out;
    }
};

} // namespace lokiship::testing

#endif
