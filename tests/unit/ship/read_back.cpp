// What a Loki has of several streams, asked for by queries that select many.
#include "ship/world.hpp"

#include <lokiship/http/url.hpp>
#include <lokiship/loki/json_encoder.hpp>
#include <lokiship/ship/read_back.hpp>

#include <boost/url/parse.hpp>

#include <algorithm>
#include <map>

BOOST_AUTO_TEST_SUITE(read_back_)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

using streams = std::map<loki::labels, std::vector<loki::entry>>;

/// A Loki that shows at once what it has, of any age.
struct fixture {
    explicit fixture(loki_limits limits = loki_limits::v2_9())
        : w(any_age(limits)) {}
    static loki_limits any_age(const loki_limits& limits) {
        loki_limits out = limits.visible_at_once();
        out.reject_old_samples = false;
        out.ingestion_rate_mb = out.ingestion_burst_size_mb = 1000;
        return out;
    }

    timestamp at(std::chrono::nanoseconds age) const { return w.time.wall_now() - age; }
    void push(const streams& all, const loki::labels& metadata = {}) {
        for (const auto& [labels, entries] : all) {
            loki::json_encoder e;
            e.begin_stream(labels);
            for (const auto& x : entries)
                e.add(x.time, x.line, metadata);
            http::request r;
            r.verb = http::method::post;
            r.target = "/loki/api/v1/push";
            r.fields.add("Content-Type", "application/json");
            r.body = e.finish();
            const auto answer = w.loki(r);
            BOOST_TEST_REQUIRE(answer.status == 204u, answer.body);
        }
    }

    /// What is not there, by stream, and what is in doubt.
    struct found {
        streams missing, in_doubt;
        std::size_t queries = 0;
        std::optional<error> failure{};
        std::size_t failures = 0;
    };
    found look(const streams& all, bool may_fail = false) {
        std::vector<ship::sought_entries> sought;
        for (const auto& [labels, entries] : all) {
            ship::sought_entries s{&labels, {}};
            for (const auto& e : entries)
                s.entries.push_back(&e);
            sought.push_back(std::move(s));
        }
        const auto before = w.loki_http.requests().size();
        ship::read_back reader(std::move(sought), options);
        found out;
        while (!reader.done() && out.failures != 3) {
            const auto failed = w.complete(reader.ask(w.loki_http));
            out.failures += failed.has_value();
            out.failure = failed ? failed : out.failure;
        }
        if (out.failure && !may_fail)
            BOOST_ERROR(out.failure->message);
        out.queries = w.loki_http.requests().size() - before;
        for (const auto& s : reader.sought()) {
            BOOST_TEST((out.failure || s.looked_for == s.entries.size()));
            for (const auto i : s.missing)
                out.missing[*s.stream].push_back(*s.entries[i]);
            for (const auto i : s.in_doubt)
                out.in_doubt[*s.stream].push_back(*s.entries[i]);
        }
        return out;
    }
    /// The selectors that were asked for.
    std::vector<std::string> selectors() const {
        std::vector<std::string> out;
        for (const auto& r : w.loki_http.requests()) {
            const auto target = boost::urls::parse_origin_form(r.target);
            for (const auto& p : target->params())
                if (p.key == "query")
                    out.push_back(p.value);
        }
        return out;
    }

    world w;
    ship::read_back_options options{};
};

/// Like that of server `n`, of a stream for each of its states.
loki::labels server(unsigned n, const char* status = "Success") {
    return {{"job", "aoss"},
            {"server_id", uuid(n)},
            {"server_tag", "prod-web-" + std::to_string(n)},
            {"status", status}};
}

/// So many servers, each with an execution every six days in turn, oldest first.
streams sparse(const fixture& f, unsigned servers) {
    streams out;
    for (unsigned week = 5; week-- != 0;)
        for (unsigned n = 0; n != servers; ++n)
            out[server(n)].push_back({f.at(week * 140h + 12h - n * 2min), "ran " + std::to_string(n)});
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(sparse_streams_are_looked_for_in_few_queries) {
    for (const auto& limits : {loki_limits::v2_9(), loki_limits::v3()}) {
        fixture f(limits);
        auto all = sparse(f, 300);
        f.push(all);
        auto r = f.look(all);
        BOOST_TEST(!r.failure);
        BOOST_TEST(r.missing.empty());
        BOOST_TEST(r.queries == 10u); // of thirty streams
        for (const auto& s : f.selectors())
            BOOST_TEST(s.size() <= 1500u);
        // What is missing is found in the middle, and at both ends.
        streams missing;
        for (const unsigned n : {0u, 77u, 299u}) {
            auto& entries = all[server(n)];
            for (const std::size_t i : {5u, 3u, 0u})
                entries.insert(entries.begin() + static_cast<std::ptrdiff_t>(i),
                               {i == 0 ? f.at(600h) : entries[i - 1].time + 1ns, "lost"});
            for (const auto& e : entries)
                if (e.line == "lost")
                    missing[server(n)].push_back(e);
        }
        r = f.look(all);
        BOOST_TEST((r.missing == missing));
        BOOST_TEST(r.queries < 20u);
    }
}

BOOST_AUTO_TEST_CASE(what_another_stream_has_is_missing_in_this_one) {
    fixture f;
    auto all = sparse(f, 10);
    f.push(all);
    // Both at the same time with the same line; only one is there.
    const loki::entry twin{f.at(1h), "twin"};
    all[server(3)].push_back(twin);
    f.push({{server(3), {twin}}});
    all[server(4)].push_back(twin);
    const auto r = f.look(all);
    BOOST_TEST((r.missing == streams{{server(4), {twin}}}));
    BOOST_TEST(r.queries == 1u);
}

BOOST_AUTO_TEST_CASE(a_stream_with_fewer_labels_is_asked_for_apart) {
    fixture f;
    const loki::entry e{f.at(1h), "x"}, other{f.at(2h), "y"};
    const loki::labels few{{"job", "aoss"}};
    const streams all{
        {few, {e}}, {server(1), {e}}, {server(2), {other}}, {{{"a", "b"}, {"job", "aoss"}}, {e}}};
    f.push({{few, {e}}, {server(2), {other}}});
    const auto r = f.look(all);
    BOOST_TEST(r.queries == 3u);
    BOOST_TEST((r.missing == streams{{server(1), {e}}, {{{"a", "b"}, {"job", "aoss"}}, {e}}}));
}

BOOST_AUTO_TEST_CASE(a_foreign_stream_that_a_selector_matches_does_not_disturb) {
    for (const std::size_t limit : {100u, 1000u, 5000u}) {
        fixture f;
        streams all;
        for (unsigned n = 0; n != 30; ++n)
            for (const char* status : {"Failed", "Success"})
                if (n != 7 || *status == 'F')
                    for (unsigned day = 20; day-- != 0;)
                        all[server(n, status)].push_back({f.at(day * 24h + 1h + n * 47min), status});
        f.push(all);
        // In the one combination that is not sought: also at the times that are.
        streams foreign;
        for (unsigned i = 6000; i-- != 0;)
            foreign[server(7, "Success")].push_back(
                {f.at(std::chrono::nanoseconds(20 * 24h) / 6000 * i + 1h), "Failed"});
        for (const unsigned n : {6u, 7u, 8u})
            for (unsigned i = 0; i != 500; ++i)
                foreign[server(7, "Success")].push_back({f.at(1h + n * 47min), std::to_string(i)});
        for (auto& [labels, entries] : foreign)
            std::sort(entries.begin(), entries.end());
        f.push(foreign);
        f.options.limits.max_entries = limit;

        auto missing = all.at(server(7, "Failed"))[10];
        missing.line = "lost";
        all[server(7, "Failed")].insert(all[server(7, "Failed")].begin() + 10, missing);
        const auto r = f.look(all);
        BOOST_TEST((r.missing == streams{{server(7, "Failed"), {missing}}}));
        BOOST_TEST(r.in_doubt.empty());
        // Those that it mixes with are soon asked for without it: 12, 2 and 1 are needed for what is sought.
        BOOST_TEST(r.queries < (limit == 100 ? 40u : 20u));
    }
}

BOOST_AUTO_TEST_CASE(any_value_is_found) {
    for (const auto& limits : {loki_limits::v2_9(), loki_limits::v3()}) {
        fixture f(limits);
        streams all, others;
        unsigned n = 0;
        for (const char* value : {"a.b", "a+b|c", "(x)", "[z]{2}^$*?", "back\\slash", "quo\"te", "two\nlines",
                                  "\x7f", "a-b/c d#", "ü€", "日本.語", "\\d", "\\", "|", "a", "b"})
            all[{{"job", "aoss"}, {"value", value}}].push_back({f.at(1h - 1min * n++), value});
        for (const char* value : {"axb", "aab|c", "x", "zz", "c", "", "A"})
            others[{{"job", "aoss"}, {"value", value}}].push_back({f.at(1h - 1min * n++), value});
        f.push(all);
        f.push(others);
        auto r = f.look(all);
        BOOST_TEST(r.missing.empty());
        BOOST_TEST(r.queries <= 3u);
        // And none for another.
        for (auto& [labels, entries] : all)
            entries.front().line += '!';
        r = f.look(all);
        BOOST_TEST((r.missing == all));
    }
}

BOOST_AUTO_TEST_CASE(what_loki_adds_to_the_labels_is_not_compared) {
    fixture f(loki_limits::v3());
    streams all;
    for (unsigned n = 0; n != 5; ++n)
        for (const char* line : {"level=error", "level=info", "what"})
            all[server(n)].push_back({f.at(1h), line});
    f.push(all, {{"original_timestamp", "1"}, {"status", "of the metadata"}});
    const auto r = f.look(all);
    BOOST_TEST(r.missing.empty());
    BOOST_TEST(r.queries == 1u);
    const auto raw = f.w.loki(f.w.loki_http.requests().back());
    for (const char* added : {"detected_level", "service_name", "original_timestamp", "status_extracted"})
        BOOST_TEST(raw.body.find(added) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_limit_that_cuts_within_a_nanosecond_of_several_streams_loses_none) {
    for (const std::size_t limit : {3u, 4u, 7u, 10u, 29u, 30u, 31u, 60u}) {
        fixture f;
        streams all, missing;
        for (const auto age : {3h, 2h, 1h})
            for (unsigned n = 0; n != 10; ++n)
                for (const char* line : {"a", "b", "c"})
                    all[server(n)].push_back({f.at(age), line});
        f.push(all);
        for (const unsigned n : {0u, 5u, 9u})
            missing[server(n)] = {{f.at(3h), "d"}, {f.at(1h), "d"}};
        for (const auto& [labels, entries] : missing) {
            all[labels].insert(all[labels].begin() + 3, entries[0]);
            all[labels].push_back(entries[1]);
        }
        f.options.limits.max_entries = limit;
        const auto r = f.look(all);
        // With three, an answer that holds all there is looks like one that is cut.
        BOOST_TEST((limit == 3 ? r.in_doubt : r.missing) == missing);
        BOOST_TEST((limit == 3 ? r.missing : r.in_doubt).empty());
    }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_seen_in_full_is_in_doubt) {
    fixture f;
    streams all;
    for (const char* line : {"a", "b", "c", "d", "e"})
        all[server(1)].push_back({f.at(1h), line});
    all[server(1)].push_back({f.at(30min), "later"});
    f.push(all);
    f.options.limits.max_entries = 3;
    const auto r = f.look(all);
    BOOST_TEST(r.missing.empty());
    BOOST_TEST(r.in_doubt.at(server(1)).size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_lot_whose_selector_would_be_too_long_is_split) {
    fixture f;
    streams all;
    for (unsigned n = 0; n != 16; ++n)
        all[{{"job", "aoss"}, {"path", std::string(320, '/') + std::to_string(100 + n)}}] = {
            {f.at(1h), std::to_string(n)}};
    all[{{"job", "aoss"}, {"path", std::string(2000, '/')}}] = {{f.at(1h), "alone"}};
    f.push(all);
    const auto r = f.look(all);
    BOOST_TEST(r.missing.empty());
    BOOST_TEST(r.queries >= 5u);
    BOOST_TEST(r.queries <= 7u);
    for (const auto& s : f.selectors())
        BOOST_TEST((s.size() <= 1500u || s.find("=~") == s.npos));
}

BOOST_AUTO_TEST_CASE(a_stream_that_fills_answers_by_itself_is_asked_for_alone) {
    fixture f;
    auto all = sparse(f, 10);
    for (unsigned i = 250; i-- != 0;)
        all[server(4, "Failed")].push_back({f.at(2h * i + 1h), "x"});
    f.push(all);
    f.options.limits.max_entries = 100;
    const auto r = f.look(all);
    BOOST_TEST(r.missing.empty());
    BOOST_TEST(r.queries == 4u);
    for (const auto& s : f.selectors())
        BOOST_TEST((s.find("Failed") == s.npos || s.find("=~") == s.npos));
}

BOOST_AUTO_TEST_CASE(where_loki_refuses_a_query_for_many_it_is_asked_for_fewer) {
    fixture f;
    const auto all = sparse(f, 16);
    f.push(all);
    fake_transport strict(
        [&](const http::request& r) -> reply {
            const auto bars = r.target.find("%7C");
            return bars != r.target.npos && r.target.find("%7C", bars + 1) != r.target.npos
                       ? reply{400, {}, "the query would read too many bytes"}
                       : f.w.loki(r);
        },
        f.w.time, "http://strict");
    std::swap(f.w.loki_http, strict);
    const auto r = f.look(all);
    BOOST_TEST(!r.failure);
    BOOST_TEST(r.missing.empty());
    BOOST_TEST(r.queries == 15u); // one of sixteen, two of eight, four of four, eight of two
}

BOOST_AUTO_TEST_CASE(where_loki_is_silent_it_is_not_asked_again) {
    fixture f;
    const auto all = sparse(f, 16);
    f.push(all);
    f.w.loki_http.always(fault::hang);
    const auto r = f.look(all, true);
    BOOST_TEST_REQUIRE(r.failure.has_value());
    BOOST_TEST(r.failure->code == errc::timed_out);
    BOOST_TEST(r.failures == 3u);
    BOOST_TEST(r.queries == 3u);
}

BOOST_AUTO_TEST_CASE(the_last_moment_of_all_cannot_be_asked_for) {
    world w;
    unsigned queries = 0;
    fake_transport http(
        [&queries](const http::request&) {
            ++queries;
            reply out;
            out.body = R"({"status":"success","data":{"resultType":"streams","result":[]}})";
            return out;
        },
        w.time, "http://loki");
    const loki::labels labels{{"a", "b"}};
    const loki::entry before{timestamp::max() - 1s, "x"}, last{timestamp::max(), "y"};
    ship::read_back asking({ship::sought_entries{&labels, {&before, &last}}}, {});
    const auto all = [&]() -> boost::asio::awaitable<int> {
        while (!asking.done() && queries < 10)
            co_await asking.ask(http);
        co_return 0;
    };
    w.complete(all());
    BOOST_TEST(asking.done());
    BOOST_TEST((asking.sought()[0].missing == std::vector<std::size_t>{0}));
    BOOST_TEST((asking.sought()[0].in_doubt == std::vector<std::size_t>{1}));
}

BOOST_AUTO_TEST_CASE(entries_with_structured_metadata_are_asked_for_as_the_streams_that_they_come_as) {
    const loki::labels long_labels{{"server_tag", std::string(2'000, 't')}};
    const auto limit = [&](loki::labels metadata) {
        fixture f;
        f.look({{long_labels, {{f.at(1h), "line", std::move(metadata)}}}});
        const std::string& target = f.w.loki_http.requests().front().target;
        return std::stoul(target.substr(target.find("limit=") + 6));
    };
    BOOST_TEST(limit({}) == 5'000u);
    // Each has its own labels and those of the stream with it.
    const auto most = limit({{"user_id", std::string(2'000, 'u')}});
    BOOST_TEST(most < 16u * 1024 * 1024 / 8 / 4'000);
    BOOST_TEST(most > 400u);
}

BOOST_AUTO_TEST_SUITE_END()
