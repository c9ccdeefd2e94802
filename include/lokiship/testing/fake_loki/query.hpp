#ifndef LOKISHIP_TESTING_FAKE_LOKI_QUERY_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_QUERY_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/ingester.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>
#include <lokiship/testing/logql.hpp>
#include <lokiship/text/timestamp.hpp>
#include <lokiship/text/utf8.hpp>

#include <boost/algorithm/string/case_conv.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// The parameters of a query, decoded; a name may come several times.
using query_parameters = std::multimap<std::string, std::string>;

/// The time range of a query: `start` inclusive, `end` exclusive.
struct query_bounds {
    timestamp start{}, end{};
};

namespace detail {

inline std::string parameter(const query_parameters& p, const std::string& name) {
    const auto at = p.find(name);
    return at == p.end() ? std::string() : at->second;
}

inline error bad_query(std::string text) {
    return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument), std::move(text)};
}

/// Prometheus' form, `1h30m`; nothing where it is none.
inline std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    static constexpr std::pair<std::string_view, std::int64_t> units[] = {
        {"y", 31'536'000'000}, {"w", 604'800'000}, {"d", 86'400'000}, {"h", 3'600'000}, {"ms", 1},
        {"m", 60'000},         {"s", 1000}};
    if (text == "0")
        return std::chrono::nanoseconds(0);
    std::int64_t ms = 0;
    for (bool any = false; !text.empty() || !any; any = true) {
        std::int64_t n = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
        if (ec != std::errc() || text.starts_with('-'))
            return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const auto unit = std::find_if(std::begin(units), std::end(units),
                                       [&](const auto& u) { return text.starts_with(u.first); });
        if (unit == std::end(units))
            return std::nullopt;
        text.remove_prefix(unit->first.size());
        ms += n * unit->second;
    }
    return std::chrono::milliseconds(ms);
}

/// Integers of up to ten digits are seconds, longer ones nanoseconds; with a point, seconds to the
/// millisecond; otherwise RFC 3339.
inline result<timestamp> time_parameter(const std::string& name, const std::string& text,
                                        timestamp otherwise) {
    if (text.empty())
        return otherwise;
    char* end = nullptr;
    if (text.find('.') != text.npos) {
        double whole = 0;
        const double seconds = std::strtod(text.c_str(), &end);
        const double fraction = std::round(std::modf(seconds, &whole) * 1000) / 1000;
        if (*end == '\0' && std::abs(whole) < 9e9)
            return text::from_unix_nanoseconds(static_cast<std::int64_t>(whole) * 1'000'000'000 +
                                               static_cast<std::int64_t>(fraction * 1e9));
    }
    std::int64_t n = 0;
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec == std::errc() && stop == text.data() + text.size())
        return text::from_unix_nanoseconds(text.size() <= 10 ? n * 1'000'000'000 : n);
    if (const auto parsed = text::parse_timestamp(text))
        return *parsed;
    return bad_query("could not parse '" + name + "' parameter: strconv.ParseInt: parsing " +
                     go::quote(text) + ": invalid syntax");
}

/// The line as it stands in an answer.
inline void append_go_json(std::string& out, std::string_view in) {
    std::string valid;
    text::append_valid(valid, in);
    out += '"';
    for (const char c : valid) {
        static constexpr std::string_view plain = "\"\\\n\r\t", letters = "\"\\nrt";
        if (const auto at = plain.find(c); at != plain.npos) {
            out += '\\';
            out += letters[at];
        } else if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
            out += "\\u";
            go::detail::append_hex(out, static_cast<unsigned char>(c), 4);
        } else {
            out += c;
        }
    }
    out += '"';
}

/// A later label of the same name wins.
inline void append_json_object(std::string& out, const label_list& labels) {
    const std::map<std::string, std::string> merged = [&] {
        std::map<std::string, std::string> m;
        for (const auto& l : labels)
            m[l.name] = l.value;
        return m;
    }();
    out += '{';
    for (const auto& [name, value] : merged) {
        if (out.back() != '{')
            out += ',';
        append_go_json(out, name);
        out += ':';
        append_go_json(out, value);
    }
    out += '}';
}

} // namespace detail

/// Reads `start`, `end` and `since`.
inline result<query_bounds> read_bounds(const query_parameters& p, timestamp now) {
    std::chrono::nanoseconds since = std::chrono::hours(1);
    if (const auto text = detail::parameter(p, "since"); !text.empty()) {
        const auto given = detail::parse_duration(text);
        if (!given)
            return detail::bad_query("could not parse 'since' parameter: not a valid duration string: " +
                                     go::quote(text));
        since = *given;
    }
    const auto end = detail::time_parameter("end", detail::parameter(p, "end"), now);
    if (!end)
        return end.error();
    const auto start =
        detail::time_parameter("start", detail::parameter(p, "start"), std::min(*end, now) - since);
    if (!start)
        return start.error();
    return query_bounds{*start, *end};
}

/// Whether a query sees the entry.
inline bool is_visible(const stored_stream& s, const stored_entry& e, const loki_limits& limits,
                       timestamp now) {
    if (e.flushed)
        return true;
    const auto look_back = limits.query_store_max_look_back_period;
    return s.open && s.open->size != 0 && (look_back.count() < 0 || e.time >= now - look_back);
}

/// A log query over a time range.
class range_query {
public:
    /// The error's message is the text of the 400.
    static result<range_query> read(const query_parameters& p, const loki_limits& limits, timestamp now) {
        range_query out;
        const auto bounds = read_bounds(p, now);
        if (!bounds)
            return bounds.error();
        out.bounds_ = *bounds;
        if (out.bounds_.end < out.bounds_.start)
            return detail::bad_query("end timestamp must not be before or equal to start time");
        if (auto r = out.read_limit(detail::parameter(p, "limit"), limits); !r)
            return r.error();
        const std::string direction = detail::parameter(p, "direction");
        const std::string upper = boost::algorithm::to_upper_copy(direction);
        if (!upper.empty() && upper != "FORWARD" && upper != "BACKWARD")
            return detail::bad_query("invalid direction '" + direction + '\'');
        out.forward_ = upper == "FORWARD";
        const auto length = out.bounds_.end - out.bounds_.start;
        if (auto r = read_step(detail::parameter(p, "step"), length); !r)
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
        if (limits.max_query_length.count() != 0 && length > limits.max_query_length)
            return detail::bad_query("the query time range exceeds the limit (query length: " +
                                     go::duration(std::chrono::floor<std::chrono::milliseconds>(length)) +
                                     ", limit: " + go::model_duration(limits.max_query_length) + ')');
        return out;
    }

    /// The answer's body, without the newline at its end. The error's message is the text of the 500 that
    /// Loki has for streams whose label names need quotes.
    result<std::string> run(const std::map<std::string, stored_stream>& streams, const loki_limits& limits,
                            timestamp now, bool categorize_labels) const {
        std::vector<hit> hits = find(streams, limits, now);
        // Of the same time in the order of arrival, and backward all the other way round.
        std::sort(hits.begin(), hits.end(), [](const hit& a, const hit& b) {
            return std::tie(a.entry->time, a.order) < std::tie(b.entry->time, b.order);
        });
        if (!forward_)
            std::reverse(hits.begin(), hits.end());
        hits.resize(std::min(hits.size(), limit_));

        const bool v3 = limits.version == loki_version::v3, apart = v3 && categorize_labels;
        std::map<std::string, std::pair<label_list, std::vector<hit>>> found;
        for (const auto& h : hits) {
            if (!v3 || apart) {
                auto& [shown, of_stream] = found[*h.name];
                if (shown.empty())
                    shown = h.stream->labels;
                of_stream.push_back(h);
                continue;
            }
            label_list labels = h.stream->labels;
            for (auto& l : extracted(h))
                labels.insert(std::upper_bound(labels.begin(), labels.end(), l), std::move(l));
            auto& [shown, of_stream] = found[to_text(labels)];
            shown = std::move(labels);
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
                out += std::to_string(text::to_unix_nanoseconds(h.entry->time)) + "\",";
                detail::append_go_json(out, h.entry->line);
                if (apart) {
                    out += h.entry->metadata.empty() ? ",{" : R"(,{"structuredMetadata":)";
                    if (!h.entry->metadata.empty())
                        detail::append_json_object(out, extracted(h));
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
        const stored_entry* entry;
        std::size_t order;
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
    static result<void> read_step(const std::string& text, std::chrono::nanoseconds length) {
        if (text.empty())
            return {};
        char* end = nullptr;
        const double seconds = std::strtod(text.c_str(), &end);
        const auto duration = detail::parse_duration(text);
        if (*end != '\0' && !duration)
            return detail::bad_query("cannot parse " + go::quote(text) + " to a valid duration");
        const double step = *end == '\0' ? seconds * 1e9 : static_cast<double>(duration->count());
        if (step < 1)
            return detail::bad_query(
                "zero or negative query resolution step widths are not accepted. Try a positive integer");
        if (std::floor(static_cast<double>(length.count()) / step) > 11000)
            return detail::bad_query("exceeded maximum resolution of 11,000 points per time series. Try "
                                     "increasing the value of the step parameter");
        return {};
    }

    std::vector<hit> find(const std::map<std::string, stored_stream>& streams, const loki_limits& limits,
                          timestamp now) const {
        std::vector<hit> out;
        for (const auto& [name, s] : streams)
            if (query_.matches(s.labels))
                for (const auto& e : s.entries)
                    if (e.time >= bounds_.start && e.time < bounds_.end && query_.matches(e.line) &&
                        is_visible(s, e, limits, now))
                        out.push_back({&name, &s, &e, out.size()});
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
    /// The metadata under the names they have in an answer.
    static label_list extracted(const hit& h) {
        label_list out = h.entry->metadata;
        for (auto& l : out)
            if (!value_of(h.stream->labels, l.name).empty())
                l.name += "_extracted";
        return out;
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
