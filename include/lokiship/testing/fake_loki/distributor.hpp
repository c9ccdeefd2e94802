#ifndef LOKISHIP_TESTING_FAKE_LOKI_DISTRIBUTOR_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_DISTRIBUTOR_HPP

#include <lokiship/testing/fake_loki/field_detection.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/label_text.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>
#include <lokiship/testing/fake_loki/push_body.hpp>
#include <lokiship/text/utf8.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// A stream on its way to the ingester.
struct valid_stream {
    label_list labels{};
    std::vector<pushed_entry> entries{};
};

/// How many entries were discarded, by the reasons of `loki_discarded_samples_total`.
using discarded_entries = std::map<std::string, std::size_t, std::less<>>;

/// In bytes, as Loki counts them; `detected_level` does not count.
inline std::size_t metadata_size(const label_list& metadata) {
    std::size_t n = 0;
    for (const auto& l : metadata)
        if (l.name != detected_level_name)
            n += l.name.size() + l.value.size();
    return n;
}

/// What rate limits count: the line, and since 3.0 the metadata.
inline std::size_t entry_size(const pushed_entry& e, loki_version version) {
    return e.line.size() + (version == loki_version::v3 ? metadata_size(e.metadata) : 0);
}

/// The size of a push as protobuf, as the distributor sends it to the ingester.
inline std::size_t protobuf_size(const std::vector<valid_stream>& streams) {
    const auto varint = [](std::size_t n) {
        std::size_t size = 1;
        for (; n >= 128; n >>= 7)
            ++size;
        return size;
    };
    const auto field = [&](std::size_t size) { return 1 + varint(size) + size; };
    std::size_t out = 0;
    for (const auto& s : streams) {
        std::size_t stream = field(to_text(s.labels).size()) + 1 + 10; // the hash
        for (const auto& e : s.entries) {
            std::size_t entry = field(6 + 6) + (e.line.empty() ? 0 : field(e.line.size()));
            for (const auto& l : e.metadata)
                entry += field(field(l.name.size()) + field(l.value.size()));
            stream += field(entry);
        }
        out += field(stream);
    }
    return out;
}

/// The labels that mark what was pushed with the header `X-Loki-Backfill-Shard`.
inline constexpr std::string_view backfill_label = "__backfill__";
inline constexpr std::string_view backfill_shard_label = "__backfill_shard__";

/// What is wrong with that header's value; empty: nothing.
inline std::string backfill_shard_error(std::string_view value) {
    static constexpr std::size_t most = 128;
    const std::string what = "invalid X-Loki-Backfill-Shard header";
    if (value.size() > most)
        return what + ": value length " + std::to_string(value.size()) + " exceeds limit of " +
               std::to_string(most);
    if (!text::is_valid_utf8(value))
        return what + ' ' + go::quote(value) + ": must be a valid label value";
    return {};
}

/// What the distributor makes of a push, without the limits that need to remember earlier ones.
class distribution {
public:
    distribution(const loki_limits& limits, std::string_view tenant, timestamp now,
                 discarded_entries& discarded)
        : limits_(limits)
        , tenant_(tenant)
        , now_(now)
        , discarded_(discarded) {}

    /// All or nothing: labels that do not parse, and names of metadata that cannot be, fail the whole push.
    /// The error's value tells the status: 400 for the one, 500 for the other.
    struct failure {
        unsigned status;
        std::string text;
    };
    /// `backfill_shard`: the header's value; empty where it is absent or not known.
    std::optional<failure> add(std::vector<pushed_stream> pushed, std::string_view backfill_shard = {}) {
        std::vector<label_list> labels;
        for (const auto& s : pushed) {
            auto parsed = parse_labels(s.labels, limits_.version);
            if (!parsed)
                return failure{400, "couldn't parse labels: " + parsed.error().message};
            if (limits_.backfill_shard_header)
                for (const auto reserved : {backfill_label, backfill_shard_label})
                    if (!value_of(*parsed, reserved).empty())
                        return failure{400, "streams must not contain the reserved labels __backfill__ or "
                                            "__backfill_shard__; set the X-Loki-Backfill-Shard header to "
                                            "mark a push as backfill data"};
            discover_service_name(*parsed, limits_.discover_service_name);
            if (!backfill_shard.empty()) {
                parsed->push_back({std::string(backfill_label), "true"});
                parsed->push_back({std::string(backfill_shard_label), std::string(backfill_shard)});
                std::sort(parsed->begin(), parsed->end());
            }
            labels.push_back(std::move(*parsed));
        }
        for (std::size_t i = 0; i != pushed.size(); ++i)
            if (!pushed[i].entries.empty())
                if (auto f = add_stream(std::move(pushed[i]), std::move(labels[i])))
                    return f;
        return std::nullopt;
    }

    std::vector<valid_stream>& streams() { return streams_; }
    /// Of the valid entries.
    std::size_t lines() const { return lines_; }
    std::size_t bytes() const { return bytes_; }
    /// The text of the refusals, or nothing.
    std::string errors() const {
        std::string out;
        for (const auto& [text, n] : errors_) {
            if (!out.empty())
                out += "; ";
            if (errors_.size() > 1 || n > 1)
                out += std::to_string(n) + " errors like: ";
            out += text;
        }
        return out;
    }
    /// The text of the blocking, or nothing.
    const std::string& blocked() const { return blocked_; }

private:
    bool is_v3() const { return limits_.version == loki_version::v3; }

    std::optional<failure> add_stream(pushed_stream pushed, label_list labels) {
        if (limits_.max_line_size_truncate && limits_.max_line_size != 0)
            for (auto& e : pushed.entries)
                e.line.resize(std::min(e.line.size(), limits_.max_line_size));
        if (auto why = label_error(labels, is_v3() ? to_text(labels) : pushed.labels); !why.empty()) {
            ++errors_[std::move(why)];
            discard("invalid_labels", pushed.entries.size());
            return std::nullopt;
        }
        if (is_v3() && limits_.block_ingestion_until && now_ < *limits_.block_ingestion_until) {
            discard("blocked_ingestion", pushed.entries.size());
            if (limits_.block_ingestion_status_code != 200)
                blocked_ = "ingestion blocked for user '" + std::string(tenant_) + "' until '" +
                           go::rfc3339(*limits_.block_ingestion_until) + "' with status code '" +
                           std::to_string(limits_.block_ingestion_status_code) + '\'';
            return std::nullopt;
        }
        valid_stream out{std::move(labels), {}};
        const std::string name = to_text(out.labels);
        std::optional<timestamp> previous;
        for (auto& e : pushed.entries) {
            if (auto why = entry_error(out.labels, name, e); !why.empty()) {
                ++errors_[std::move(why)];
                continue;
            }
            if (is_v3()) {
                if (auto r = normalise_metadata(e.metadata); !r)
                    return failure{500, r.error().message};
                if (limits_.allow_structured_metadata && limits_.discover_log_levels)
                    detect_level(out.labels, e);
            }
            if (!previous)
                previous = pushed.entries.front().time;
            if (limits_.increment_duplicate_timestamp && !out.entries.empty()) {
                const pushed_entry& before = out.entries.back();
                if (before.line != e.line && (e.time == *previous || e.time == before.time))
                    e.time = before.time + std::chrono::nanoseconds(1);
                else
                    previous = e.time;
            }
            ++lines_;
            bytes_ += entry_size(e, limits_.version);
            out.entries.push_back(std::move(e));
        }
        // 2.9 sends a stream on that has nothing left.
        if (!out.entries.empty() || !is_v3())
            streams_.push_back(std::move(out));
        return std::nullopt;
    }

    std::string label_error(const label_list& labels, const std::string& name) {
        if (labels.empty()) {
            discard("missing_labels", 1);
            return "error at least one label pair is required per stream";
        }
        const std::size_t counted = labels.size() - (is_v3() && !value_of(labels, "service_name").empty());
        if (counted > limits_.max_label_names_per_series) {
            discard("max_label_names_per_series", 1);
            return "entry for stream '" + name + "' has " + std::to_string(counted) + " label names; limit " +
                   std::to_string(limits_.max_label_names_per_series);
        }
        std::string_view last;
        for (const auto& l : labels) {
            const auto wrong = [&](const char* reason, const char* what, const std::string& which) {
                discard(reason, 1);
                return "stream '" + name + "' has " + what + ": '" + which + '\'';
            };
            if (l.name.size() > limits_.max_label_name_length)
                return wrong("label_name_too_long", "label name too long", l.name);
            if (l.value.size() > limits_.max_label_value_length)
                return wrong("label_value_too_long", "label value too long", l.value);
            if (l.name == last)
                return wrong("duplicate_label_names", "duplicate label name", l.name);
            last = l.name;
        }
        return {};
    }

    std::string entry_error(const label_list& labels, const std::string& name, const pushed_entry& e) {
        const std::string stream = '\'' + name + '\'';
        const auto oldest = now_ - limits_.reject_old_samples_max_age;
        const bool any_age = !limits_.reject_old_samples ||
                             (limits_.backfill_shard_header && !value_of(labels, backfill_label).empty());
        if (!any_age && e.time < oldest) {
            discard("greater_than_max_sample_age", 1);
            return "entry for stream " + stream + " has timestamp too old: " + go::rfc3339(e.time) +
                   ", oldest acceptable timestamp is: " + go::rfc3339(oldest);
        }
        if (e.time > now_ + limits_.creation_grace_period) {
            discard("too_far_in_future", 1);
            return "entry for stream " + stream + " has timestamp too new: " + go::rfc3339(e.time);
        }
        if (limits_.max_line_size != 0 && e.line.size() > limits_.max_line_size) {
            discard("line_too_long", 1);
            return std::string(is_v3() ? "m" : "M") + "ax entry size '" +
                   std::to_string(limits_.max_line_size) + "' bytes exceeded for stream " + stream +
                   " while adding an entry with length '" + std::to_string(e.line.size()) + "' bytes";
        }
        return e.metadata.empty() ? std::string() : metadata_error(stream, e.metadata);
    }
    std::string metadata_error(const std::string& stream, const label_list& metadata) {
        const std::string help = " or contact your Loki administrator to ";
        if (!limits_.allow_structured_metadata) {
            discard("disallowed_structured_metadata", 1);
            return "stream " + stream +
                   " includes structured metadata, but this feature is disallowed. Please see "
                   "`limits_config." +
                   (is_v3() ? "allow_" : "") + "structured_metadata`" + help + "enable it" +
                   (is_v3() ? "" : ".");
        }
        const std::size_t size = metadata_size(metadata);
        if (limits_.max_structured_metadata_size != 0 && size > limits_.max_structured_metadata_size) {
            discard("structured_metadata_too_large", 1);
            return "stream " + stream + " has structured metadata too large: '" + std::to_string(size) +
                   "' bytes, limit: '" + std::to_string(limits_.max_structured_metadata_size) +
                   "' bytes. Please see `limits_config.max_structured_metadata_size`" + help + "increase it";
        }
        const std::size_t most = limits_.max_structured_metadata_entries_count;
        if (most != 0 && metadata.size() > most) {
            discard("structured_metadata_too_many", 1);
            return "stream " + stream + " has too many structured metadata labels: '" +
                   std::to_string(metadata.size()) + "', limit: '" + std::to_string(most) +
                   "'. Please see `limits_config.max_structured_metadata_entries_count`" + help +
                   "increase it";
        }
        return {};
    }

    void discard(std::string_view reason, std::size_t n) { discarded_[std::string(reason)] += n; }

    const loki_limits& limits_;
    std::string_view tenant_;
    timestamp now_;
    discarded_entries& discarded_;
    std::vector<valid_stream> streams_;
    std::size_t lines_ = 0, bytes_ = 0;
    std::map<std::string, std::size_t> errors_;
    std::string blocked_;
};

} // namespace lokiship::testing

#endif
