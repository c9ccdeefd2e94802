#include <lokiship/http/url.hpp>
#include <lokiship/loki/json_encoder.hpp>
#include <lokiship/testing/fake_loki.hpp>

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(fake_loki_)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

// What it shares with a real Loki is tested in tests/conformance; here is what only a double has.
struct fixture {
    timestamp now{1'795'439'523s};
    fake_loki loki{loki_limits::v2_9(), [this] { return now; }};

    using stream = std::pair<loki::labels, std::vector<loki::entry>>;
    reply push(const std::vector<stream>& streams) {
        loki::json_encoder e;
        for (const auto& [labels, entries] : streams) {
            e.begin_stream(labels);
            for (const auto& x : entries)
                e.add(x.time, x.line);
        }
        return raw(e.finish());
    }
    reply raw(std::string body, std::string type = "application/json") {
        http::request r;
        r.verb = http::method::post;
        r.target = "/loki/api/v1/push";
        r.fields.add("Content-Type", std::move(type));
        r.body = std::move(body);
        return loki(r);
    }
    reply get(std::string target) {
        http::request r;
        r.target = std::move(target);
        return loki(r);
    }
    std::size_t found(const std::string& query) {
        const auto r = get("/loki/api/v1/query_range?limit=5000&start=1794700000&end=1795500000&query=" +
                           http::encode_query_value(query));
        BOOST_TEST_REQUIRE(r.status == 200u, r.body);
        std::size_t n = 0;
        const auto answer = boost::json::parse(r.body);
        for (const auto& s : answer.at("data").at("result").as_array())
            n += s.at("values").as_array().size();
        return n;
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(an_answer_to_the_byte, fixture) {
    BOOST_TEST(push({{{{"a", "1"}}, {{now - 1ns, "x"}, {now - 2ns, "y"}}}}).status == 204u);
    const auto r = get("/loki/api/v1/query_range?query=%7Ba%3D%221%22%7D");
    BOOST_TEST(
        r.body ==
        "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[{\"stream\":{\"a\":\"1\"},"
        "\"values\":[[\"1795439522999999999\",\"x\"],[\"1795439522999999998\",\"y\"]]}],\"stats\":{}}}\n");
}

BOOST_FIXTURE_TEST_CASE(what_was_received_and_what_is_stored, fixture) {
    for (int i = 0; i != 3; ++i)
        BOOST_TEST(push({{{{"a", "1"}}, {{now, "x"}, {now - 1ns, "y"}}}}).status == 204u);
    BOOST_TEST(push({{{{"a", "2"}}, {{now - 200h, "old"}, {now, "x"}}}}).status == 400u);
    BOOST_TEST(loki.pushes() == 4u);
    BOOST_TEST(loki.size() == 3u);
    BOOST_TEST(loki.received_entries() == 7u);
    BOOST_TEST(loki.streams().at("{a=\"1\"}").entries.at(1).times_received == 3u);
    BOOST_TEST((loki.lines() == std::set<fake_loki::line>{{{{"a", "1"}}, now - 1ns, "y"},
                                                          {{{"a", "1"}}, now, "x"},
                                                          {{{"a", "2"}}, now, "x"}}));
    const std::vector<loki::entry> first{{now - 1ns, "y"}, {now, "x"}};
    BOOST_TEST((loki.stored().at({{"a", "1"}}) == first));
    BOOST_TEST((loki.discarded() == discarded_entries{{"greater_than_max_sample_age", 1}}));
    BOOST_TEST(loki.stored("nobody").empty());
    BOOST_TEST(loki.discarded("nobody").empty());
}

BOOST_FIXTURE_TEST_CASE(time_flushes_and_forgets, fixture) {
    const loki::labels a{{"a", "1"}};
    push({{a, {{now - 5h, "old"}, {now, "new"}}}});
    // The chunk spans more than two hours: the next look at it flushes it, the one after forgets the stream.
    BOOST_TEST(found("{a=\"1\"}") == 1u);
    now += 29s;
    BOOST_TEST(found("{a=\"1\"}") == 1u);
    now += 1s;
    BOOST_TEST(found("{a=\"1\"}") == 2u);
    BOOST_TEST(push({{a, {{now - 4h, "behind"}}}}).status == 400u);
    now += 30s;
    BOOST_TEST(push({{a, {{now - 4h, "after"}}}}).status == 204u);
    // Idle.
    BOOST_TEST(found("{a=\"1\"}") == 2u);
    now += 31min;
    BOOST_TEST(found("{a=\"1\"}") == 3u);
}

BOOST_FIXTURE_TEST_CASE(two_flushes_forget, fixture) {
    const loki::labels a{{"a", "1"}};
    push({{a, {{now, "new"}}}});
    loki.flush();
    BOOST_TEST(push({{a, {{now - 2h, "old"}}}}).status == 400u);
    loki.flush();
    BOOST_TEST(push({{a, {{now - 2h, "old"}}}}).status == 204u);
}

BOOST_FIXTURE_TEST_CASE(everything_is_visible_at_once_where_that_is_wanted, fixture) {
    loki.limits() = loki.limits().visible_at_once();
    push({{{{"a", "1"}}, {{now - 100h, "old"}}}});
    BOOST_TEST(found("{a=\"1\"}") == 1u);
}

BOOST_FIXTURE_TEST_CASE(limits_may_change, fixture) {
    const std::vector<stream> one{{{{"a", "1"}}, {{now, "x"}}}};
    loki.limits() = loki_limits::v3();
    loki.limits().block_ingestion_until = now + 1h;
    BOOST_TEST(push(one).status == 260u);
    loki.limits().block_ingestion_status_code = 200;
    BOOST_TEST(push(one).status == 204u);
    BOOST_TEST(loki.size() == 0u);
    BOOST_TEST(loki.discarded().at("blocked_ingestion") == 2u);
    now += 1h;
    BOOST_TEST(push(one).status == 204u);
    BOOST_TEST(loki.size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(not_being_ready_stops_no_push, fixture) {
    loki.ready(false);
    BOOST_TEST(get("/ready").status == 503u);
    BOOST_TEST(push({{{{"a", "1"}}, {{now, "x"}}}}).status == 204u);
    loki.ready(true);
    BOOST_TEST(get("/ready").body == "ready\n");
}

BOOST_FIXTURE_TEST_CASE(a_sharded_stream_shows_what_was_sent_again_twice, fixture) {
    loki.limits() = loki_limits::v3();
    loki.limits().shard_streams_desired_rate = 100;
    std::vector<loki::entry> entries;
    for (int i = 0; i != 20; ++i)
        entries.push_back({now + i * 1ns, std::string(50, static_cast<char>('a' + i))});
    for (int i = 0; i != 4; ++i, now += 1s)
        BOOST_TEST(push({{{{"a", "1"}}, entries}}).status == 204u);
    BOOST_TEST(loki.received_entries() == 80u);
    BOOST_TEST(found("{a=\"1\"}") > 20u);
    BOOST_TEST(found("{__stream_shard__=~\".+\"}") > 0u);
}

BOOST_FIXTURE_TEST_CASE(other_bodies_need_a_decoder, fixture) {
    BOOST_TEST(raw("{}", "application/x-protobuf").body == "snappy: corrupt input\n");
    loki.decode_others_with([this](std::string_view body) -> result<std::vector<pushed_stream>> {
        return std::vector<pushed_stream>{{"{a=\"1\"}", {{now, std::string(body), {}}}}};
    });
    BOOST_TEST(raw("line", "application/x-protobuf").status == 204u);
    BOOST_TEST(loki.lines().count({{{"a", "1"}}, now, "line"}) == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_target_that_is_no_path, fixture) {
    BOOST_TEST(get("no path").status == 400u);
}

BOOST_AUTO_TEST_SUITE_END()
