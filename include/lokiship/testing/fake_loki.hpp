#ifndef LOKISHIP_TESTING_FAKE_LOKI_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_HPP

#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/json_encoder.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/testing/exchange.hpp>
#include <lokiship/testing/logql.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// What a fake Loki takes; the defaults are those of Loki 2.9.4.
struct loki_limits {
    /// False: entries of any time and order are taken.
    bool enforce_time = true;
    /// Half of it is how far behind its stream's newest entry an entry may be.
    std::chrono::nanoseconds max_chunk_age = std::chrono::hours(2);
    /// Older than this before now is refused.
    std::chrono::nanoseconds reject_old_samples_max_age = std::chrono::hours(168);
    /// Further than this after now is refused.
    std::chrono::nanoseconds creation_grace_period = std::chrono::minutes(10);
    /// In bytes; 0 is no limit.
    std::size_t max_line_size = 0;
    std::size_t max_label_names = 30;
    /// The largest `limit` of a query.
    std::size_t max_entries_limit = 5000;
};

/// A Loki in memory, single tenant: takes JSON pushes and answers log queries, with the order of checks, the
/// texts and the partial storage of Loki 2.9.4.
///
/// As in Loki, an entry that is behind its stream's window or outside of the accepted ages is refused while
/// the others of the push are stored, the reply to a push of several streams tells of the last one only, and
/// an entry that equals a stored one in stream, time and line is taken and shown once. Everything is visible
/// at once. Give it to a transport by reference: `std::ref(loki)`. Not thread-safe.
class fake_loki {
public:
    explicit fake_loki(loki_limits limits = {}, std::function<timestamp()> now = real_now)
        : limits_(limits)
        , now_(std::move(now)) {}
    fake_loki(const fake_loki&) = delete;
    fake_loki& operator=(const fake_loki&) = delete;

    /// What is stored, without duplicates: entries by time, those of the same time in the order of their
    /// arrival.
    const std::map<loki::labels, std::vector<loki::entry>>& stored() const noexcept { return streams_; }
    /// How many entries are stored.
    std::size_t size() const noexcept {
        std::size_t n = 0;
        for (const auto& [labels, entries] : streams_)
            n += entries.size();
        return n;
    }
    /// How many entries were taken, repeated ones included.
    std::size_t received_entries() const noexcept { return received_; }
    /// How many pushes were made.
    std::size_t pushes() const noexcept { return pushes_; }

    /// Answers one request.
    reply operator()(const http::request& r) {
        const auto target = boost::urls::parse_origin_form(r.target);
        if (!target)
            return text(400, "400 Bad Request");
        const std::string path(target->encoded_path());
        const std::map<std::string, std::string> query = parameters(*target);
        if (path == "/loki/api/v1/push")
            return r.verb == http::method::post ? push(r) : reply{405, {}, {}};
        if (path == "/ready")
            return text(200, "ready\n");
        if (path == "/loki/api/v1/labels" || path == "/loki/api/v1/label")
            return names({}, query);
        constexpr std::string_view label = "/loki/api/v1/label/", values = "/values";
        if (path.starts_with(label) && path.ends_with(values) && path.size() > label.size() + values.size())
            return names(path.substr(label.size(), path.size() - label.size() - values.size()), query);
        if (path == "/loki/api/v1/query_range" || path == "/loki/api/v1/query")
            return log_query_reply(query, path.ends_with("query"));
        return text(404, "404 page not found\n");
    }

private:
    struct pushed_stream {
        loki::labels labels;
        std::vector<loki::entry> entries;
    };
    struct bad_request {
        std::string text;
    };

    static timestamp real_now() {
        return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
    }
    static reply text(unsigned status, std::string body) {
        return {status,
                {{"Content-Type", "text/plain; charset=utf-8"}, {"X-Content-Type-Options", "nosniff"}},
                std::move(body)};
    }
    static reply json(std::string body) {
        return {200, {{"Content-Type", "application/json; charset=UTF-8"}}, std::move(body) + '\n'};
    }
    static std::map<std::string, std::string> parameters(const boost::urls::url_view& target) {
        std::map<std::string, std::string> out;
        for (const auto& p : target.params())
            out[std::string(p.key)] = p.value;
        return out;
    }

    reply push(const http::request& r) {
        ++pushes_;
        const std::string type(r.fields.get("Content-Type"));
        if (type.empty())
            return text(400, "mime: no media type\n");
        if (!boost::algorithm::istarts_with(type, "application/json"))
            return text(400, "snappy: corrupt input\n");
        std::vector<pushed_stream> streams;
        try {
            streams = decode(r.body);
        } catch (const bad_request& e) {
            return text(400, e.text + '\n');
        }
        std::map<std::string, std::size_t> distributor; // text -> how often
        std::string ingester;
        for (auto& s : streams) {
            validate(s, distributor);
            if (!s.entries.empty())
                ingester = ingest(s); // the last stream's verdict wins, success included
        }
        if (!ingester.empty())
            return text(400, ingester + '\n');
        if (distributor.empty())
            return {204, {}, {}};
        if (distributor.size() == 1 && distributor.begin()->second == 1)
            return text(400, distributor.begin()->first + '\n');
        std::string all;
        for (const auto& [what, n] : distributor)
            all += (all.empty() ? "" : "; ") + std::to_string(n) + " errors like: " + what;
        return text(400, all + '\n');
    }

    static std::vector<pushed_stream> decode(const std::string& body) {
        boost::system::error_code ec;
        const auto root = boost::json::parse(body, ec);
        if (ec)
            throw bad_request{body.empty() ? "EOF" : "loghttp.PushRequest: " + ec.message()};
        std::vector<pushed_stream> out;
        if (root.is_null())
            return out;
        for (const auto& s : array(root, "streams")) {
            pushed_stream stream;
            if (!s.is_object())
                throw bad_request{"loghttp.PushRequest.Streams: expected an object"};
            if (const auto* labels = s.as_object().if_contains("stream")) {
                if (!labels->is_object())
                    throw bad_request{"loghttp.PushRequest.Streams: expected labels"};
                for (const auto& [name, value] : labels->as_object())
                    stream.labels.set(label_name(name), string(value));
            }
            if (stream.labels.empty())
                throw bad_request{"error at least one label pair is required per stream"};
            for (const auto& v : array(s, "values"))
                stream.entries.push_back(entry(v));
            out.push_back(std::move(stream));
        }
        return out;
    }
    static const boost::json::array& array(const boost::json::value& in, std::string_view key) {
        static const boost::json::array none;
        if (!in.is_object())
            throw bad_request{"loghttp.PushRequest: expected an object"};
        const auto* found = in.as_object().if_contains(key);
        if (!found || found->is_null())
            return none;
        if (!found->is_array())
            throw bad_request{"loghttp.PushRequest: expected an array"};
        return found->as_array();
    }
    static std::string string(const boost::json::value& v) {
        if (!v.is_string())
            throw bad_request{"loghttp.PushRequest: expected a string"};
        return std::string(v.as_string());
    }
    static std::string label_name(std::string_view name) {
        for (std::size_t i = 0; i != name.size() || i == 0; ++i) {
            const char c = name.empty() ? '\0' : name[i];
            if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                  (i != 0 && c >= '0' && c <= '9')))
                throw bad_request{"couldn't parse labels: 1:" + std::to_string(i + 2) +
                                  ": parse error: unexpected character inside braces"};
        }
        return std::string(name);
    }
    static loki::entry entry(const boost::json::value& v) {
        if (!v.is_array() || v.as_array().size() < 2)
            throw bad_request{"loghttp.PushRequest: expected an entry"};
        const std::string time = string(v.as_array()[0]);
        std::int64_t ns = 0;
        const auto [end, ec] = std::from_chars(time.data(), time.data() + time.size(), ns);
        if (ec != std::errc() || end != time.data() + time.size())
            throw bad_request{"loghttp.PushRequest: a time is no integer"};
        return {text::from_unix_nanoseconds(ns), string(v.as_array()[1])};
    }

    /// What the distributor checks, entry by entry; drops what it refuses.
    void validate(pushed_stream& s, std::map<std::string, std::size_t>& errors) const {
        const std::string name = to_string(s.labels);
        if (s.labels.size() > limits_.max_label_names) {
            ++errors["entry for stream '" + name + "' has " + std::to_string(s.labels.size()) +
                     " label names; limit " + std::to_string(limits_.max_label_names)];
            s.entries.clear();
            return;
        }
        const auto now = now_();
        std::erase_if(s.entries, [&](const loki::entry& e) {
            std::string why;
            if (limits_.enforce_time && e.time < now - limits_.reject_old_samples_max_age)
                why =
                    "entry for stream '" + name + "' has timestamp too old: " + rfc3339(e.time) +
                    ", oldest acceptable timestamp is: " + rfc3339(now - limits_.reject_old_samples_max_age);
            else if (limits_.enforce_time && e.time > now + limits_.creation_grace_period)
                why = "entry for stream '" + name + "' has timestamp too new: " + rfc3339(e.time);
            else if (limits_.max_line_size != 0 && e.line.size() > limits_.max_line_size)
                why = "Max entry size '" + std::to_string(limits_.max_line_size) +
                      "' bytes exceeded for stream '" + name + "' while adding an entry with length '" +
                      std::to_string(e.line.size()) + "' bytes";
            if (why.empty())
                return false;
            ++errors[why];
            return true;
        });
    }

    /// Stores what the stream's window allows; the ingester's text where something was refused.
    std::string ingest(const pushed_stream& s) {
        std::string list;
        std::size_t failed = 0;
        auto& stored = streams_[s.labels];
        auto& highest = highest_[s.labels];
        for (const auto& e : s.entries) {
            const auto cutoff = highest ? *highest - limits_.max_chunk_age / 2 : timestamp::min();
            if (limits_.enforce_time && e.time < cutoff) {
                if (++failed <= 10)
                    list += "entry with timestamp " + go_time(e.time) +
                            " ignored, reason: 'entry too far behind, oldest acceptable timestamp is: " +
                            rfc3339(cutoff) + "',\n";
                continue;
            }
            highest = std::max(highest.value_or(e.time), e.time);
            ++received_;
            // Behind those of the same time; not at all where it is there already.
            auto at = std::upper_bound(stored.begin(), stored.end(), e.time,
                                       [](timestamp t, const loki::entry& x) { return t < x.time; });
            bool known = false;
            for (auto i = at; !known && i != stored.begin() && std::prev(i)->time == e.time; --i)
                known = std::prev(i)->line == e.line;
            if (!known)
                stored.insert(at, e);
        }
        if (stored.empty())
            streams_.erase(s.labels);
        if (failed == 0)
            return {};
        return list + "user 'fake', total ignored: " + std::to_string(failed) + " out of " +
               std::to_string(s.entries.size()) + " for stream: " + to_string(s.labels);
    }

    /// `2026-11-23T08:44:51Z`
    static std::string rfc3339(timestamp t) {
        std::string out = go_time(std::chrono::floor<std::chrono::seconds>(t));
        out[10] = 'T';
        return out.substr(0, 19) + 'Z';
    }
    /// `2026-11-23 08:44:51.870867217 +0000 UTC`, trailing zeros of the fraction left out.
    static std::string go_time(timestamp t) {
        const auto day = std::chrono::floor<std::chrono::days>(t);
        const std::chrono::year_month_day date(day);
        const std::chrono::hh_mm_ss<std::chrono::nanoseconds> time(t - day);
        const auto digits = [](auto n, std::size_t width) {
            std::string s = std::to_string(n);
            return std::string(width - std::min(width, s.size()), '0') + s;
        };
        std::string out =
            digits(static_cast<int>(date.year()), 4) + '-' + digits(static_cast<unsigned>(date.month()), 2) +
            '-' + digits(static_cast<unsigned>(date.day()), 2) + ' ' + digits(time.hours().count(), 2) + ':' +
            digits(time.minutes().count(), 2) + ':' + digits(time.seconds().count(), 2);
        if (const auto fraction = time.subseconds().count(); fraction != 0) {
            out += '.' + digits(fraction, 9);
            out.erase(out.find_last_not_of('0') + 1);
        }
        return out + " +0000 UTC";
    }

    /// Integers of up to ten digits are seconds, longer ones nanoseconds; otherwise RFC 3339.
    static std::optional<timestamp> time_parameter(const std::string& s) {
        std::int64_t n = 0;
        const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), n);
        if (ec == std::errc() && end == s.data() + s.size())
            return text::from_unix_nanoseconds(s.size() <= 10 ? n * 1'000'000'000 : n);
        const auto parsed = text::parse_timestamp(s);
        return parsed ? std::optional(*parsed) : std::nullopt;
    }

    reply names(const std::string& label, const std::map<std::string, std::string>&) const {
        std::set<std::string> found;
        for (const auto& [labels, entries] : streams_)
            for (const auto& l : labels)
                if (label.empty())
                    found.insert(l.name);
                else if (l.name == label)
                    found.insert(l.value);
        std::string out = R"({"status":"success")";
        if (!found.empty()) {
            out += R"(,"data":[)";
            for (const auto& f : found) {
                if (out.back() != '[')
                    out += ',';
                loki::append_json_string(out, f);
            }
            out += ']';
        }
        return json(out + '}');
    }

    reply log_query_reply(const std::map<std::string, std::string>& query, bool instant) const {
        const auto parameter = [&](const char* name) {
            const auto at = query.find(name);
            return at == query.end() ? std::string() : at->second;
        };
        const auto parsed = parse_log_query(parameter("query"));
        if (!parsed)
            return text(400, parsed.error().message);
        std::size_t limit = 100;
        if (const auto given = parameter("limit"); !given.empty()) {
            const auto [end, ec] = std::from_chars(given.data(), given.data() + given.size(), limit);
            if (ec != std::errc() || end != given.data() + given.size() || limit == 0)
                return text(400, "limit must be a positive value");
            if (limit > limits_.max_entries_limit)
                return text(400, "max entries limit per query exceeded, limit > max_entries_limit (" + given +
                                     " > " + std::to_string(limits_.max_entries_limit) + ')');
        }
        timestamp end = now_();
        if (const auto given = parameter(instant ? "time" : "end"); !given.empty()) {
            const auto t = time_parameter(given);
            if (!t)
                return text(400, "could not parse 'end' parameter: " + given);
            end = *t;
        }
        timestamp start = std::min(end, now_()) - std::chrono::hours(1);
        if (const auto given = parameter("start"); !instant && !given.empty()) {
            const auto t = time_parameter(given);
            if (!t)
                return text(400, "could not parse 'start' parameter: " + given);
            start = *t;
        }
        if (end < start)
            return text(400, "end timestamp must not be before or equal to start time");
        const bool forward = boost::algorithm::iequals(parameter("direction"), "forward");

        struct hit {
            const loki::labels* labels;
            const loki::entry* entry;
            std::size_t order;
        };
        std::vector<hit> hits;
        for (const auto& [labels, entries] : streams_)
            if (parsed->matches(labels))
                for (const auto& e : entries)
                    if (e.time >= start && e.time < end && parsed->matches(e.line))
                        hits.push_back({&labels, &e, hits.size()});
        // Of the same time in the order of arrival, and backward all the other way round.
        std::sort(hits.begin(), hits.end(), [forward](const hit& a, const hit& b) {
            const bool before = std::tie(a.entry->time, a.order) < std::tie(b.entry->time, b.order);
            return a.order != b.order && before == forward;
        });
        hits.resize(std::min(hits.size(), limit));
        std::map<std::string, std::vector<hit>> by_stream;
        for (const auto& h : hits)
            by_stream[to_string(*h.labels)].push_back(h);

        std::string out = R"({"status":"success","data":{"resultType":"streams","result":[)";
        for (const auto& [name, found] : by_stream) {
            loki::json_encoder encoder;
            encoder.begin_stream(*found.front().labels);
            for (const auto& h : found)
                encoder.add(h.entry->time, h.entry->line);
            // A stream stands in a result as it does in a push.
            constexpr std::string_view head = R"({"streams":[)", tail = "]}";
            const std::string one = encoder.finish();
            if (out.back() != '[')
                out += ',';
            out.append(one, head.size(), one.size() - head.size() - tail.size());
        }
        return json(out + R"(],"stats":{}}})");
    }

    loki_limits limits_;
    std::function<timestamp()> now_;
    std::map<loki::labels, std::vector<loki::entry>> streams_;
    std::map<loki::labels, std::optional<timestamp>> highest_;
    std::size_t received_ = 0, pushes_ = 0;
};

} // namespace lokiship::testing

#endif
