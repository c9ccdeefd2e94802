#ifndef LOKISHIP_TESTING_FAKE_LOKI_QUERY_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_QUERY_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/fake_loki/answer_json.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/ingester.hpp>
#include <lokiship/testing/fake_loki/label_text.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>
#include <lokiship/testing/fake_loki/query_parameters.hpp>
#include <lokiship/testing/logql.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/algorithm/string/case_conv.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// Whether a query sees the entry.
inline bool is_visible(const stored_stream& s, const stored_entry& e, const loki_limits& limits,
                       timestamp now) {
    if (e.flushed)
        return true;
    const auto look_back = limits.query_store_max_look_back_period;
    return s.open && s.open->size != 0 && (look_back.count() < 0 || e.time >= now - look_back);
}

/// The metadata under the names they have in an answer.
inline label_list shown_metadata(const stored_stream& s, const stored_entry& e) {
    label_list out = e.metadata;
    for (auto& l : out)
        if (!value_of(s.labels, l.name).empty())
            l.name += "_extracted";
    return out;
}

/// Calls `use(name of the stream, stream, entry, metadata, queried_line)` with each entry that is visible, that `within(time)`,
/// and that the query accepts.
template <class Within, class Use>
void for_each_found(const log_query& query, const std::map<std::string, stored_stream>& streams,
                    const loki_limits& limits, timestamp now, Within within, Use use) {
    for (const auto& [name, s] : streams) {
        if (!query.matches(s.labels))
            continue;
        for (const auto& e : s.entries) {
            if (!within(e.time) || !is_visible(s, e, limits, now))
                continue;
            const auto metadata = shown_metadata(s, e);
            queried_line line(s.labels, metadata, e.line);
            if (query.accepts(line))
                use(name, s, e, metadata, line);
        }
    }
}

/// A log query over a time range.
class range_query {
public:
    /// The error's message is the text of the 400.
    static result<range_query> read(const query_parameters& p, const loki_limits& limits, timestamp now) {
        range_query out;
        const auto bounds = read_range_bounds(p, now);
        if (!bounds)
            return bounds.error();
        out.bounds_ = *bounds;
        if (auto r = out.read_limit(detail::parameter(p, "limit"), limits); !r)
            return r.error();
        const std::string direction = detail::parameter(p, "direction");
        const std::string upper = boost::algorithm::to_upper_copy(direction);
        if (!upper.empty() && upper != "FORWARD" && upper != "BACKWARD")
            return detail::bad_query("invalid direction '" + direction + '\'');
        out.forward_ = upper == "FORWARD";
        if (auto r = read_step(p, out.bounds_); !r)
            return r.error();
        auto query = parse_log_query(detail::parameter(p, "query"));
        if (!query)
            return query.error();
        out.query_ = std::move(*query);
        if (out.limit_ > limits.max_entries_limit_per_query)
            return detail::bad_query(
                std::string("max entries limit per query exceeded, limit > max_entries_limit") +
                (limits.version == loki_version::v3 ? "_per_query (" : " (") + std::to_string(out.limit_) +
                " > " + std::to_string(limits.max_entries_limit_per_query) + ')');
        if (auto r = check_length(out.bounds_, limits.max_query_length); !r)
            return r.error();
        return out;
    }

    /// The answer's body, without the newline at its end. The error's message is the text of the 500 that
    /// Loki has for streams whose label names need quotes.
    result<std::string> run(const std::map<std::string, stored_stream>& streams, const loki_limits& limits,
                            timestamp now, bool categorize_labels) const {
        std::vector<hit> hits = find(streams, limits, now);
        // Of the same time in the order of arrival, and backward all the other way round.
        std::sort(hits.begin(), hits.end(), [](const hit& a, const hit& b) {
            return std::tie(a.time, a.order) < std::tie(b.time, b.order);
        });
        if (!forward_)
            std::reverse(hits.begin(), hits.end());
        hits.resize(std::min(hits.size(), limit_));

        const bool v3 = limits.version == loki_version::v3, apart = v3 && categorize_labels;
        std::map<std::string, std::pair<label_list, std::vector<hit>>> found;
        for (const auto& h : hits) {
            auto& [shown, of_stream] = found[apart ? *h.name : to_text(h.all)];
            shown = apart ? h.stream->labels : h.all;
            of_stream.push_back(h);
        }
        using group = std::pair<label_list, std::vector<hit>>;
        std::vector<const group*> groups;
        for (const auto& [name, one] : found) {
            if (auto r = readable_names(one.first); !r)
                return r.error();
            groups.push_back(&one);
        }
        // 2.9 splits a query at the half hours and turns the streams round when it puts the answers together.
        const auto half_hour = [](timestamp t) {
            return std::chrono::floor<std::chrono::minutes>(t).time_since_epoch() / std::chrono::minutes(30);
        };
        if (!v3 && !forward_ &&
            half_hour(bounds_.start) != half_hour(bounds_.end - std::chrono::nanoseconds(1)))
            std::reverse(groups.begin(), groups.end());
        std::string out = R"({"status":"success","data":{"resultType":"streams",)";
        out += apart ? R"("encodingFlags":["categorize-labels"],"result":[)" : R"("result":[)";
        for (const group* one : groups) {
            out += out.back() == '[' ? R"({"stream":)" : R"(,{"stream":)";
            detail::append_json_object(out, one->first);
            out += R"(,"values":[)";
            for (const auto& h : one->second) {
                out += out.back() == '[' ? "[\"" : ",[\"";
                out += std::to_string(text::to_unix_nanoseconds(h.time)) + "\",";
                detail::append_go_json(out, h.line);
                if (apart) {
                    out += ",{";
                    if (!h.metadata.empty())
                        detail::append_json_object(out += R"("structuredMetadata":)", h.metadata);
                    if (!h.parsed.empty())
                        detail::append_json_object(
                            out += h.metadata.empty() ? R"("parsed":)" : R"(,"parsed":)", h.parsed);
                    out += '}';
                }
                out += ']';
            }
            out += "]}";
        }
        return out + R"(],"stats":{}}})";
    }

private:
    struct hit {
        const std::string* name;
        const stored_stream* stream;
        timestamp time;
        std::size_t order;
        std::string line;
        label_list metadata, parsed, all;
    };

    result<void> read_limit(const std::string& text, const loki_limits& limits) {
        std::int64_t n = 100;
        if (!text.empty()) {
            const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
            if (ec != std::errc() || end != text.data() + text.size())
                return detail::bad_query("strconv.Atoi: parsing " + go::quote(text) + ": invalid syntax");
        }
        if (n <= 0)
            return detail::bad_query("limit must be a positive value");
        if (n > 0xffffffff && limits.version == loki_version::v3)
            return detail::bad_query("limit value " + text + " is out of range [0, 4294967295]");
        limit_ = static_cast<std::uint32_t>(n);
        return {};
    }

    std::vector<hit> find(const std::map<std::string, stored_stream>& streams, const loki_limits& limits,
                          timestamp now) const {
        std::vector<hit> out;
        for_each_found(
            query_, streams, limits, now, [&](timestamp t) { return t >= bounds_.start && t < bounds_.end; },
            [&](const std::string& name, const stored_stream& s, const stored_entry& e,
                const label_list& metadata, const queried_line& line) {
                out.push_back(
                    {&name, &s, e.time, out.size(), line.text, metadata, line.parsed(), line.labels()});
            });
        return out;
    }
    static result<void> readable_names(const label_list& labels) {
        for (const auto& l : labels)
            if (!is_plain_label_name(l.name))
                return detail::bad_query(
                    "could not write JSON response: " +
                    parse_labels('{' + l.name + "=\"\"}", loki_version::v2_9).error().message);
        return {};
    }

    query_bounds bounds_;
    std::size_t limit_ = 100;
    bool forward_ = false;
    log_query query_;
};

/// Which streams a query for labels sees: those of the ingester at any time, and those of the store that have
/// an entry in the range.
inline std::vector<const stored_stream*> streams_with_labels(const std::map<std::string, stored_stream>& all,
                                                             const query_bounds& bounds,
                                                             const loki_limits& limits, timestamp now) {
    std::vector<const stored_stream*> out;
    const auto look_back = limits.query_store_max_look_back_period;
    for (const auto& [name, s] : all) {
        const bool in_store = std::any_of(s.entries.begin(), s.entries.end(), [&](const stored_entry& e) {
            return e.flushed && e.time >= bounds.start && e.time <= bounds.end;
        });
        if (in_store || (s.open && (look_back.count() < 0 || bounds.end >= now - look_back)))
            out.push_back(&s);
    }
    return out;
}

/// Which streams have a visible entry in the range.
inline std::vector<const stored_stream*> streams_with_entries(const std::map<std::string, stored_stream>& all,
                                                              const query_bounds& bounds,
                                                              const loki_limits& limits, timestamp now) {
    std::vector<const stored_stream*> out;
    for (const auto& [name, s] : all)
        if (std::any_of(s.entries.begin(), s.entries.end(), [&](const stored_entry& e) {
                return e.time >= bounds.start && e.time <= bounds.end && is_visible(s, e, limits, now);
            }))
            out.push_back(&s);
    return out;
}

} // namespace lokiship::testing

#endif
