#include <lokiship/http/url.hpp>
#include <lokiship/testing/fake_loki.hpp>

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

const timestamp now = timestamp(1'795'439'523s);

struct fixture {
    fake_loki loki{loki_limits{}, [] { return now; }};

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
        if (!type.empty())
            r.fields.add("Content-Type", std::move(type));
        r.body = std::move(body);
        return loki(r);
    }
    reply get(std::string target) {
        http::request r;
        r.target = std::move(target);
        return loki(r);
    }
    std::size_t found(const std::string& query, const std::string& more = {}) {
        const auto r = get("/loki/api/v1/query_range?query=" + http::encode_query_value(query) + more);
        BOOST_TEST_REQUIRE(r.status == 200u, r.body);
        std::size_t n = 0;
        const auto answer = boost::json::parse(r.body);
        for (const auto& s : answer.at("data").at("result").as_array())
            n += s.at("values").as_array().size();
        return n;
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(fake_loki_, fixture)

BOOST_AUTO_TEST_CASE(stores_exact_nanoseconds_and_answers_queries) {
    BOOST_TEST(push({{{{"a", "1"}}, {{now - 1ns, "x"}, {now - 2ns, "y"}}}}).status == 204u);
    const auto r = get("/loki/api/v1/query_range?query=%7Ba%3D%221%22%7D");
    BOOST_TEST(
        r.body ==
        "{\"status\":\"success\",\"data\":{\"resultType\":\"streams\",\"result\":[{\"stream\":{\"a\":\"1\"},"
        "\"values\":[[\"1795439522999999999\",\"x\"],[\"1795439522999999998\",\"y\"]]}],\"stats\":{}}}\n");
    // The end is exclusive, the start inclusive.
    BOOST_TEST(found("{a=\"1\"}", "&start=1795439522999999998&end=1795439522999999999") == 1u);
    BOOST_TEST(found("{a=\"1\"}", "&limit=1") == 1u);
}

BOOST_AUTO_TEST_CASE(duplicates_are_stored_once) {
    for (int i = 0; i != 3; ++i)
        BOOST_TEST(push({{{{"a", "1"}}, {{now, "x"}, {now, "y"}}}}).status == 204u);
    BOOST_TEST(loki.size() == 2u);
    BOOST_TEST(loki.received_entries() == 6u);
    BOOST_TEST(push({{{{"a", "2"}}, {{now, "x"}}}}).status == 204u);
    BOOST_TEST(loki.size() == 3u);
}

BOOST_AUTO_TEST_CASE(the_window_is_an_hour_behind_the_streams_newest) {
    const loki::labels a{{"a", "1"}};
    BOOST_TEST(push({{a, {{now, "n"}, {now - 1h, "edge"}}}}).status == 204u);
    const auto r = push({{a, {{now - 1h - 1ns, "old"}, {now - 30min, "fine"}}}});
    BOOST_TEST(r.status == 400u);
    BOOST_TEST(
        r.body ==
        "entry with timestamp 2026-11-23 12:12:02.999999999 +0000 UTC ignored, reason: 'entry too far "
        "behind, oldest acceptable timestamp is: 2026-11-23T12:12:03Z',\nuser 'fake', total ignored: 1 out "
        "of 2 for stream: {a=\"1\"}\n");
    BOOST_TEST(loki.size() == 3u);
    // Oldest first, any span.
    BOOST_TEST(push({{{{"b", "1"}}, {{now - 100h, "1"}, {now - 50h, "2"}, {now, "3"}}}}).status == 204u);
    // Newest first, all but one is refused; ten are listed.
    std::vector<loki::entry> newest_first;
    for (int i = 0; i != 20; ++i)
        newest_first.push_back({now - 2h * i, "x"});
    const auto many = push({{{{"c", "1"}}, newest_first}});
    BOOST_TEST(many.body.find("total ignored: 19 out of 20") != std::string::npos);
    std::size_t listed = 0;
    for (auto at = many.body.find("entry with"); at != many.body.npos;
         at = many.body.find("entry with", at + 1))
        ++listed;
    BOOST_TEST(listed == 10u);
}

BOOST_AUTO_TEST_CASE(the_last_streams_verdict_hides_the_others) {
    const loki::labels a{{"a", "1"}}, b{{"b", "1"}};
    push({{a, {{now, "n"}}}});
    BOOST_TEST(push({{a, {{now - 2h, "lost"}}}, {b, {{now, "ok"}}}}).status == 204u);
    BOOST_TEST(push({{b, {{now, "ok"}}}, {a, {{now - 2h, "lost"}}}}).status == 400u);
    BOOST_TEST(loki.size() == 2u);
}

BOOST_AUTO_TEST_CASE(ages_are_checked_and_the_rest_is_stored) {
    const auto r = push({{{{"a", "1"}},
                          {{now - 168h - 1ns, "old"},
                           {now - 168h, "edge"},
                           {now + 10min, "edge"},
                           {now + 10min + 1ns, "new"}}}});
    BOOST_TEST(r.status == 400u);
    BOOST_TEST(
        r.body ==
        "1 errors like: entry for stream '{a=\"1\"}' has timestamp too new: 2026-11-23T13:22:03Z; 1 errors "
        "like: entry for stream '{a=\"1\"}' has timestamp too old: 2026-11-16T13:12:02Z, oldest acceptable "
        "timestamp is: 2026-11-16T13:12:03Z\n");
    BOOST_TEST(loki.size() == 2u);
}

BOOST_AUTO_TEST_CASE(one_bad_entry_refuses_the_whole_request) {
    const std::string good = R"({"stream":{"a":"1"},"values":[["1795439523000000000","x"]]})";
    for (const char* bad :
         {R"({"stream":{"b":"1"},"values":[[1795439523000000000,"x"]]})",
          R"({"stream":{"b":"1"},"values":[["1.5","x"]]})", R"({"stream":{"b":"1"},"values":[["1",5]]})",
          R"({"stream":{"b-c":"1"},"values":[]})", R"({"stream":{"b":1},"values":[]})",
          R"({"stream":{},"values":[]})", "5"}) {
        BOOST_TEST(raw("{\"streams\":[" + good + ',' + bad + "]}").status == 400u, bad);
        BOOST_TEST(loki.size() == 0u);
    }
    BOOST_TEST(raw("").body == "EOF\n");
    BOOST_TEST(raw("{}", "").body == "mime: no media type\n");
    BOOST_TEST(raw("{}", "text/plain").body == "snappy: corrupt input\n");
    BOOST_TEST(raw("{}").status == 204u);
    BOOST_TEST(raw("{\"streams\":[]}", "Application/JSON; charset=utf-8").status == 204u);
}

BOOST_AUTO_TEST_CASE(other_endpoints) {
    BOOST_TEST(get("/ready").body == "ready\n");
    BOOST_TEST(get("/nowhere").status == 404u);
    BOOST_TEST(get("/loki/api/v1/push").status == 405u);
    BOOST_TEST(get("/loki/api/v1/label/x/values").body == "{\"status\":\"success\"}\n");
    push({{{{"x", "2"}, {"y", "1"}}, {{now, ""}}}, {{{"x", "1"}}, {{now, ""}}}});
    BOOST_TEST(get("/loki/api/v1/labels").body == "{\"status\":\"success\",\"data\":[\"x\",\"y\"]}\n");
    BOOST_TEST(get("/loki/api/v1/label/x/values").body ==
               "{\"status\":\"success\",\"data\":[\"1\",\"2\"]}\n");
    BOOST_TEST(get("/loki/api/v1/query_range?query={}").status == 400u);
    BOOST_TEST(get("/loki/api/v1/query_range?query=%7Bx%3D%221%22%7D&limit=5001").body ==
               "max entries limit per query exceeded, limit > max_entries_limit (5001 > 5000)");
    BOOST_TEST(get("/loki/api/v1/query_range?query=%7Bx%3D%221%22%7D&limit=0").status == 400u);
}

BOOST_AUTO_TEST_SUITE_END()
