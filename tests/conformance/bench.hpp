// What a scenario is written in.
#ifndef LOKISHIP_TESTS_CONFORMANCE_BENCH_HPP
#define LOKISHIP_TESTS_CONFORMANCE_BENCH_HPP

#include "bodies.hpp"
#include "targets.hpp"

#include <lokiship/http/url.hpp>
#include <lokiship/testing/exchange.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/regex.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <set>
#include <source_location>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace lokiship::conformance {

/// The text, to stand in a regex for itself.
inline std::string literally(const std::string& text) {
    return boost::regex_replace(text, boost::regex(R"([.^$|()\[\]{}*+?\\])"), R"(\\$&)");
}

/// `2026-11-23T08:44:51Z`
inline std::string rfc3339(timestamp t) {
    return text::format_rfc3339(t).substr(0, 19) + 'Z';
}
/// Any such time.
inline constexpr const char* some_time = R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)";

/// An answer to be checked. A failure names the line of the scenario.
class answer {
public:
    answer(testing::reply r, std::source_location where)
        : reply_(std::move(r))
        , where_(where) {}

    const answer& is(unsigned status) const {
        BOOST_TEST_CONTEXT(where()) {
            BOOST_TEST(reply_.status == status, text());
        }
        return *this;
    }
    /// The body without the newline that ends it, compared with the whole regex.
    const answer& says(const std::string& pattern) const {
        BOOST_TEST_CONTEXT(where() << " expected: " << pattern) {
            std::string body = reply_.body;
            if (!body.empty() && body.back() == '\n')
                body.pop_back();
            BOOST_TEST(boost::regex_match(body, boost::regex(pattern)), text());
        }
        return *this;
    }
    const answer& has(const std::string& name, const std::string& value) const {
        BOOST_TEST_CONTEXT(where()) {
            BOOST_TEST(reply_.fields.get(name) == value);
        }
        return *this;
    }
    const testing::reply& reply() const { return reply_; }
    boost::json::value json() const {
        BOOST_TEST_CONTEXT(where()) {
            BOOST_TEST_REQUIRE(reply_.status == 200u, text());
        }
        return boost::json::parse(reply_.body);
    }

private:
    std::string where() const { return "scenarios.cpp:" + std::to_string(where_.line()); }
    std::string text() const {
        return "answer: " + std::to_string(reply_.status) + ' ' + reply_.body.substr(0, 3000);
    }

    testing::reply reply_;
    std::source_location where_;
};

/// One run of one scenario. `id` is new in each: a stream that is pushed with `labels` belongs to this run
/// alone, and nothing is left over from an earlier one.
class bench {
public:
    using location = std::source_location;

    bench(target& t, testing::loki_version v, bool auth, bool backfill_header, std::string run_id)
        : v3(v == testing::loki_version::v3)
        , auth_enabled(auth)
        , backfill_shard_header(backfill_header)
        , id(std::move(run_id))
        , now(t.now())
        , tenant(auth ? "tenant-" + id : "fake")
        , target_(t) {}

    const bool v3;
    const bool auth_enabled;
    /// Whether the header `X-Loki-Backfill-Shard` is known.
    const bool backfill_shard_header;
    const std::string id;
    /// When the scenario began.
    const timestamp now;
    /// Under this name pushes go, where Loki wants one.
    std::string tenant;

    /// These and one that tells the run.
    label_map labels(label_map more = {}) const {
        more["run"] = id;
        return more;
    }
    /// As Loki shows them: 3.x adds a service name.
    label_map shown(label_map set) const {
        std::erase_if(set, [](const auto& l) { return l.second.empty(); });
        if (v3 && !set.contains("service_name"))
            set["service_name"] = "unknown_service";
        return set;
    }
    /// How texts name such a stream, to stand in a regex.
    std::string named(const label_map& set) const { return literally(label_text(shown(set))); }

    answer send(http::request r, location where = location::current()) {
        if (auth_enabled && !tenant.empty())
            r.fields.add("X-Scope-OrgID", tenant);
        return {target_.send(r), where};
    }
    answer get(std::string target, location where = location::current()) {
        http::request r;
        r.target = std::move(target);
        return send(std::move(r), where);
    }
    answer post(std::string target, http::headers fields, std::string body,
                location where = location::current()) {
        http::request r;
        r.verb = http::method::post;
        r.target = std::move(target);
        r.fields = std::move(fields);
        r.body = std::move(body);
        return send(std::move(r), where);
    }
    answer push_body(std::string body, http::headers fields = {{"Content-Type", "application/json"}},
                     location where = location::current()) {
        return post("/loki/api/v1/push", std::move(fields), std::move(body), where);
    }
    answer push(const std::vector<stream>& streams, location where = location::current()) {
        return push_body(conformance::json(streams), {{"Content-Type", "application/json"}}, where);
    }
    answer push_backfill(const std::string& shard, const std::vector<stream>& streams,
                         location where = location::current()) {
        return push_body(conformance::json(streams),
                         {{"Content-Type", "application/json"}, {"X-Loki-Backfill-Shard", shard}}, where);
    }
    answer push_protobuf(const std::vector<std::pair<std::string, std::vector<entry>>>& streams,
                         location where = location::current()) {
        return push_body(protobuf(streams), {{"Content-Type", "application/x-protobuf"}}, where);
    }
    /// Waits where that makes sense; false where another attempt does not.
    bool try_again(int attempt) { return target_.try_again(attempt); }
    void flush() { post("/flush", {}, {}).is(204); }

    /// A range query for everything of this run, or for `query`.
    answer query(const std::string& parameters = {}, const std::string& query = {},
                 location where = location::current()) {
        return get("/loki/api/v1/query_range?query=" +
                       http::encode_query_value(query.empty() ? selector() : query) + parameters,
                   where);
    }
    /// A query at an instant.
    answer instant(const std::string& query, timestamp time, location where = location::current()) {
        return get("/loki/api/v1/query?query=" + http::encode_query_value(query) +
                       "&time=" + std::to_string(text::to_unix_nanoseconds(time)),
                   where);
    }
    std::string selector() const { return "{run=\"" + id + "\"}"; }
    static std::string between(timestamp start, timestamp end) {
        return "&start=" + std::to_string(text::to_unix_nanoseconds(start)) +
               "&end=" + std::to_string(text::to_unix_nanoseconds(end));
    }
    std::string last_week() const {
        return between(now - std::chrono::hours(200), now + std::chrono::hours(1));
    }

    /// The lines of a query's answer: of stream after stream, in order.
    static std::vector<std::string> lines(const answer& a) {
        std::vector<std::string> out;
        const auto answered = a.json();
        for (const auto& s : answered.at("data").at("result").as_array())
            for (const auto& v : s.at("values").as_array())
                out.emplace_back(v.as_array()[1].as_string());
        return out;
    }

    /// Everything that can be read of this run is exactly these streams, metadata left out: at once, or after
    /// a while where Loki needs it.
    void reads(const std::vector<stream>& expected, location where = location::current()) {
        const auto want = lines_of(expected);
        std::set<line> have = read();
        for (int attempt = 1; have != want && target_.try_again(attempt); ++attempt)
            have = read();
        check(want, have, where);
    }
    /// As `reads`, right now.
    void reads_now(const std::vector<stream>& expected, location where = location::current()) {
        check(lines_of(expected), read(), where);
    }

private:
    using line = std::tuple<label_map, std::string, std::string>;

    std::set<line> lines_of(const std::vector<stream>& streams) const {
        std::set<line> out;
        for (const auto& s : streams)
            for (const auto& e : s.entries)
                out.emplace(shown(s.labels), std::to_string(text::to_unix_nanoseconds(e.time)), e.line);
        return out;
    }
    std::set<line> read() {
        http::request r;
        r.target = "/loki/api/v1/query_range?query=" + http::encode_query_value(selector()) + last_week() +
                   "&limit=5000&direction=forward";
        r.fields.add("X-Loki-Response-Encoding-Flags", "categorize-labels");
        std::set<line> out;
        const auto answered = send(std::move(r)).json();
        for (const auto& s : answered.at("data").at("result").as_array()) {
            label_map set;
            for (const auto& [name, value] : s.at("stream").as_object())
                set[std::string(name)] = std::string(value.as_string());
            for (const auto& v : s.at("values").as_array())
                out.emplace(set, std::string(v.as_array()[0].as_string()),
                            std::string(v.as_array()[1].as_string()));
        }
        return out;
    }
    static void check(const std::set<line>& want, const std::set<line>& have, location where) {
        std::vector<line> missing, extra;
        std::set_difference(want.begin(), want.end(), have.begin(), have.end(), std::back_inserter(missing));
        std::set_difference(have.begin(), have.end(), want.begin(), want.end(), std::back_inserter(extra));
        BOOST_TEST_CONTEXT("scenarios.cpp:" << where.line()) {
            BOOST_TEST(missing.empty(), missing.size() << " missing, for example " << shown_line(missing));
            BOOST_TEST(extra.empty(), extra.size() << " too many, for example " << shown_line(extra));
        }
    }
    static std::string shown_line(const std::vector<line>& list) {
        if (list.empty())
            return {};
        const auto& [labels, time, text] = list.front();
        return label_text(labels) + ' ' + time + ' ' + text.substr(0, 200);
    }

    target& target_;
};

/// Which versions a scenario is about.
enum class applies {
    both,
    to_2_9,
    to_3
};

struct scenario {
    std::string name;
    void (*run)(bench&);
    applies versions = applies::both;
    /// What the Loki must have that is no default; nothing where the defaults do.
    void (*settings)(testing::loki_limits&) = nullptr;
};

/// The table.
const std::vector<scenario>& scenarios();

} // namespace lokiship::conformance

#endif
