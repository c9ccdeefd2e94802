#ifndef LOKISHIP_TESTING_FAKE_LOKI_INGESTER_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_INGESTER_HPP

#include <lokiship/testing/fake_loki/distributor.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/label_text.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>
#include <lokiship/testing/fake_loki/token_bucket.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// An entry that Loki holds.
struct stored_entry {
    timestamp time{};
    std::string line{};
    /// Structured metadata, sorted.
    label_list metadata{};
    /// How often it was taken; it is shown once.
    std::size_t times_received = 1;
    /// Whether its chunk is in the store, where queries of any age look.
    bool flushed = false;
};

/// What the ingester gathers of a stream before it goes to the store.
struct open_chunk {
    timestamp first{}, last{}, updated = timestamp::min();
    /// Of a size of 0, nothing is shown and nothing is kept.
    std::size_t size = 0;
    bool flushed = false;
};

/// A stream of one tenant.
struct stored_stream {
    label_list labels{};
    /// By time; those of the same time in the order of arrival.
    std::vector<stored_entry> entries{};

    /// Without it the ingester knows nothing of the stream; the store may.
    std::optional<open_chunk> open{};
    /// The newest time that was taken.
    std::optional<timestamp> highest{};
    std::optional<pushed_entry> last_appended{};
    token_bucket rate{};
};

/// `t - d`, or the earliest time where that would be before it.
inline timestamp saturated_difference(timestamp t, std::chrono::nanoseconds d) {
    return t < timestamp::min() + d ? timestamp::min() : t - d;
}

/// The ingester and the store behind it, of one tenant.
class ingester {
public:
    /// What a push comes to. A status of 0: fine.
    struct verdict {
        unsigned status = 0;
        std::string text{};
    };

    /// Each stream overwrites the verdict of those before it, success included: Loki's masking.
    verdict push(std::vector<valid_stream> streams, const loki_limits& limits, const std::string& tenant,
                 timestamp now, discarded_entries& discarded) {
        verdict out;
        for (auto& s : streams) {
            if (!in_memory(s)) {
                out = creation(s, limits, tenant, discarded);
                if (out.status != 0)
                    continue;
            }
            stored_stream& to = streams_[to_text(s.labels)];
            to.labels = s.labels;
            if (!to.open)
                to.open.emplace();
            out = append(to, std::move(s.entries), limits, tenant, now, discarded);
        }
        return out;
    }

    /// Flushes the chunks that are due, or all of them, and forgets the streams whose chunk was flushed
    /// before.
    void sweep(const loki_limits& limits, timestamp now, bool all) {
        for (auto& [name, s] : streams_) {
            if (!s.open)
                continue;
            auto& chunk = *s.open;
            if (chunk.flushed) {
                s.open.reset();
                s.highest.reset();
                s.last_appended.reset();
                s.rate = {};
            } else if (all || chunk.first < saturated_difference(chunk.last, limits.max_chunk_age) ||
                       chunk.updated < now - limits.chunk_idle_period) {
                if (chunk.size == 0)
                    std::erase_if(s.entries, [](const stored_entry& e) { return !e.flushed; });
                for (auto& e : s.entries)
                    e.flushed = true;
                chunk.flushed = true;
            }
        }
    }

    /// By the text of their labels; those of which nothing was kept included.
    const std::map<std::string, stored_stream>& streams() const noexcept { return streams_; }
    /// How many entries were taken, repeated ones included.
    std::size_t received() const noexcept { return received_; }

private:
    bool in_memory(const valid_stream& s) const {
        const auto found = streams_.find(to_text(s.labels));
        return found != streams_.end() && found->second.open;
    }
    /// Whether a stream may begin with these entries.
    verdict creation(const valid_stream& s, const loki_limits& limits, const std::string& tenant,
                     discarded_entries& discarded) const {
        const auto active = std::count_if(streams_.begin(), streams_.end(),
                                          [](const auto& x) { return x.second.open.has_value(); });
        if (limits.max_global_streams_per_user != 0 &&
            static_cast<std::size_t>(active) >= limits.max_global_streams_per_user) {
            discarded["stream_limit"] += s.entries.size();
            const std::string help = ", reduce the number of active streams (reduce labels or reduce label "
                                     "values), or contact your Loki administrator to see if the limit can be "
                                     "increased, user: '" +
                                     tenant + '\'';
            return {429, limits.version == loki_version::v2_9
                             ? "Maximum active stream limit exceeded" + help
                             : "maximum active stream limit exceeded when trying to create stream " +
                                   to_text(s.labels) + help};
        }
        const auto oldest =
            std::min_element(s.entries.begin(), s.entries.end(),
                             [](const pushed_entry& x, const pushed_entry& y) { return x.time < y.time; });
        if (limits.schema_start && oldest != s.entries.end() && oldest->time < *limits.schema_start)
            return {
                500,
                "rpc error: code = Unknown desc = failed to create stream: no schema config found for time " +
                    go::model_time(oldest->time)};
        return {};
    }

    struct failed_entry {
        timestamp time;
        unsigned status;
        std::string why;
    };

    verdict append(stored_stream& s, std::vector<pushed_entry> entries, const loki_limits& limits,
                   const std::string& tenant, timestamp now, discarded_entries& discarded) {
        const auto rate_limited = [&](const pushed_entry& e) {
            return failed_entry{
                e.time, 429,
                "Per stream rate limit exceeded (limit: " + go::byte_size(limits.per_stream_rate_limit) +
                    "/sec) while attempting to ingest for stream '" + to_text(s.labels) + "' totaling " +
                    go::byte_size(entry_size(e, limits.version)) +
                    ", consider splitting a stream via additional labels or contact your Loki "
                    "administrator to see if the limit can be increased"};
        };
        const auto take = [&](std::size_t n) {
            return s.rate.take(n, limits.per_stream_rate_limit, limits.per_stream_rate_limit_burst, now);
        };
        // Where streams are sharded, a push's stream is within the rate or not as a whole.
        const bool whole = limits.shard_streams_enabled;
        const std::size_t total = entries.size();
        std::vector<failed_entry> failed;
        std::vector<pushed_entry> good;
        auto highest = s.highest;
        auto last = s.last_appended;
        std::size_t good_size = 0;
        for (auto& e : entries) {
            if (last && same(*last, e, limits)) {
                count_again(s, e, limits);
                continue;
            }
            const std::size_t size = entry_size(e, limits.version);
            if (!whole && !take(size)) {
                failed.push_back(rate_limited(e));
                continue;
            }
            const timestamp cutoff =
                highest ? saturated_difference(*highest, limits.max_chunk_age / 2) : timestamp::min();
            if (e.time < cutoff) {
                std::string why = "entry too far behind, ";
                if (limits.version == loki_version::v3)
                    why += "entry timestamp is: " + go::rfc3339(e.time) + ", ";
                why += "oldest acceptable timestamp is: " + go::rfc3339(cutoff);
                failed.push_back({e.time, 400, std::move(why)});
                continue;
            }
            highest = std::max(highest.value_or(e.time), e.time);
            last = e;
            good_size += size;
            good.push_back(std::move(e));
        }
        if (whole && !take(good_size)) {
            failed.clear();
            for (const auto& e : good)
                failed.push_back(rate_limited(e));
            good.clear();
        } else {
            s.highest = highest;
            s.last_appended = last;
        }
        for (auto& e : good)
            store(s, std::move(e), limits, now);
        for (const auto& f : failed)
            ++discarded[f.status == 429 ? "per_stream_rate_limit" : "too_far_behind"];
        return report(failed, total, s.labels, limits, tenant);
    }

    static bool same(const pushed_entry& a, const pushed_entry& b, const loki_limits& limits) {
        return a.time == b.time && a.line == b.line &&
               (limits.version == loki_version::v2_9 || a.metadata == b.metadata);
    }
    static auto find(stored_stream& s, const pushed_entry& e, const loki_limits& limits) {
        auto at = std::lower_bound(s.entries.begin(), s.entries.end(), e.time,
                                   [](const stored_entry& x, timestamp t) { return x.time < t; });
        while (at != s.entries.end() && at->time == e.time &&
               !same({at->time, at->line, at->metadata}, e, limits))
            ++at;
        return at;
    }
    void count_again(stored_stream& s, const pushed_entry& e, const loki_limits& limits) {
        ++received_;
        const auto at = find(s, e, limits);
        if (at != s.entries.end() && at->time == e.time)
            ++at->times_received;
    }

    void store(stored_stream& s, pushed_entry e, const loki_limits& limits, timestamp now) {
        if (s.open->flushed)
            s.open.emplace();
        auto& chunk = *s.open;
        const bool first = chunk.updated == timestamp::min();
        chunk.first = first ? e.time : std::min(chunk.first, e.time);
        chunk.last = first ? e.time : std::max(chunk.last, e.time);
        chunk.updated = now;
        ++received_;
        const auto at = find(s, e, limits);
        const bool known = at != s.entries.end() && at->time == e.time;
        if (!known || at->flushed)
            chunk.size += e.line.size() + (limits.version == loki_version::v3 ? 8 * e.metadata.size() : 0);
        if (known)
            ++at->times_received;
        else
            s.entries.insert(at, {e.time, std::move(e.line), std::move(e.metadata)});
    }

    static verdict report(const std::vector<failed_entry>& failed, std::size_t total,
                          const label_list& labels, const loki_limits& limits, const std::string& tenant) {
        if (failed.empty())
            return {};
        verdict out{failed.back().status, {}};
        const std::size_t listed = limits.max_returned_stream_errors == 0
                                       ? failed.size()
                                       : std::min(failed.size(), limits.max_returned_stream_errors);
        for (std::size_t i = 0; i != listed; ++i)
            out.text += "entry with timestamp " + go::default_time(failed[i].time) + " ignored, reason: '" +
                        failed[i].why + "',\n";
        out.text += "user '" + tenant + "', total ignored: " + std::to_string(failed.size()) + " out of " +
                    std::to_string(total) + " for stream: " + to_text(labels);
        return out;
    }

    std::map<std::string, stored_stream> streams_;
    std::size_t received_ = 0;
};

} // namespace lokiship::testing

#endif
