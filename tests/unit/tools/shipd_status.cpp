#include "shipd/metrics.hpp"
#include "shipd/status.hpp"

#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

BOOST_AUTO_TEST_SUITE(shipd_status)

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

tools::status well() {
    tools::status s;
    s.now = timestamp(1'795'000'000s);
    s.started = s.now - 1h;
    s.loki = "http://loki:3100";
    tools::lane_status l;
    l.name = "aoss";
    l.server = "http://backend:8000";
    l.longest_silence = 10min;
    auto& p = l.shipper;
    p.count.fetched = 20;
    p.count.shipped = 12;
    p.count.duplicate = 3;
    p.count.reject(loki::reject_reason::too_far_behind, 2);
    p.count.pending = 3;
    p.newest_read = s.now - 5s;
    p.oldest_pending = s.now - 65s;
    p.backend.last_success = p.loki.last_success = s.now - 2s;
    s.lanes.push_back(l);
    return s;
}

bool has(const std::string& text, const std::string& line) {
    return ('\n' + text).find('\n' + line + '\n') != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_keeps_entries_from_loki_is_named) {
    tools::status s = well();
    BOOST_TEST(why_not_ready(s).empty());
    s.lanes[0].shipper.loki.up = false;
    s.lanes[0].shipper.loki.last_error = "connection refused";
    BOOST_TEST_REQUIRE(why_not_ready(s).size() == 1u);
    BOOST_TEST(why_not_ready(s)[0] ==
               "Loki (http://loki:3100), for backend aoss, does not answer as it should: connection refused");
    BOOST_TEST(why_not_healthy(s).empty());
    s = well();
    s.lanes[0].shipper.backend = {};
    BOOST_TEST_REQUIRE(why_not_ready(s).size() == 1u);
    BOOST_TEST(why_not_ready(s)[0] == "backend aoss (http://backend:8000) has not answered yet");
    s.lanes[0].silence = 11min;
    BOOST_TEST_REQUIRE(why_not_healthy(s).size() == 1u);
    BOOST_TEST(why_not_healthy(s)[0] == "the shipper of backend aoss has done nothing for 660 s");
    BOOST_TEST(why_not_ready(s).size() == 2u);
}

BOOST_AUTO_TEST_CASE(metrics_say_what_the_status_says) {
    tools::metrics m;
    const auto push = m.pushes("aoss");
    const auto poll = m.polls("aoss");
    push({http::method::post, "/loki/api/v1/push", 204, 1000, 0, 20ms});
    push({http::method::post, "/loki/api/v1/push", 0, 500, 0, 10s});
    push({http::method::get, "/loki/api/v1/query_range", 200, 0, 5000, 1s}); // no push
    poll({http::method::get, "/api/monitoring/logs", 200, 0, 7000, 30ms});
    const std::string text = m.text(well());
    for (const char* line : {
             R"(lokiship_entries_fetched_total{backend="aoss"} 20)",
             R"(lokiship_entries_total{backend="aoss",outcome="shipped",reason=""} 12)",
             R"(lokiship_entries_total{backend="aoss",outcome="duplicate",reason=""} 3)",
             R"(lokiship_entries_total{backend="aoss",outcome="rejected",reason="too_far_behind"} 2)",
             R"(lokiship_entries_total{backend="aoss",outcome="rejected",reason="line_too_long"} 0)",
             R"(lokiship_entries_pending{backend="aoss"} 3)",
             R"(lokiship_lag_seconds{backend="aoss"} 60)",
             R"(lokiship_loki_up{backend="aoss"} 1)",
             R"(lokiship_last_push_success_timestamp_seconds{backend="aoss"} 1794999998)",
             R"(lokiship_pushes_total{backend="aoss",status="204"} 1)",
             R"(lokiship_pushes_total{backend="aoss",status="none"} 1)",
             R"(lokiship_push_bytes_total{backend="aoss"} 1500)",
             R"(lokiship_push_duration_seconds_bucket{backend="aoss",le="0.025"} 1)",
             R"(lokiship_push_duration_seconds_count{backend="aoss"} 2)",
             R"(lokiship_polls_total{backend="aoss",status="200"} 1)",
             R"(lokiship_poll_bytes_total{backend="aoss"} 7000)",
             R"(lokiship_config_reloads_total{outcome="failed"} 0)",
             R"(process_start_time_seconds 1794996400)",
             "# TYPE lokiship_push_duration_seconds histogram",
             "# TYPE lokiship_entries_total counter",
         })
        BOOST_TEST(has(text, line), line << "\n" << text);
    // What is taken back when it does not show does not let a counter go down.
    tools::status lost = well();
    auto& count = lost.lanes[0].shipper.count;
    count.shipped -= 3;
    count.lost += 2;
    count.reject(loki::reject_reason::not_stored, 1);
    BOOST_TEST(has(m.text(lost), R"(lokiship_entries_total{backend="aoss",outcome="shipped",reason=""} 12)"));
    tools::status fresh = well();
    fresh.lanes[0].shipper.loki.last_success.reset();
    BOOST_TEST(m.text(fresh).find("lokiship_last_push_success_timestamp_seconds") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(json_has_what_the_page_shows) {
    const auto read = to_json(well());
    const auto& lane = read.at("lanes").as_array().at(0).as_object();
    BOOST_TEST(lane.at("name").as_string() == "aoss");
    BOOST_TEST(lane.at("lag_seconds").as_double() == 60.);
    BOOST_TEST(lane.at("entries").as_object().at("rejected_by_reason").as_object().at("too_far_behind") == 2);
    BOOST_TEST(lane.at("backend").as_object().at("url").as_string() == "http://backend:8000");
    BOOST_TEST(read.at("not_ready").as_array().empty());
    // What the page takes from it is there.
    const std::string text = boost::json::serialize(read);
    for (const char* key :
         {"version", "now", "started", "not_ready", "lanes", "oldest_pending", "memory_bytes", "streams",
          "dedup_keys", "dedup_capacity", "pushes_in_flight", "push_concurrency", "last_success",
          "last_failure", "last_error", "failures", "pages_failed"})
        BOOST_TEST(text.find('"' + std::string(key) + "\":") != text.npos, key);
    BOOST_TEST(tools::status_page().find("<script src") == std::string_view::npos);
    BOOST_TEST(tools::status_page().find("innerHTML") == std::string_view::npos);
}

BOOST_AUTO_TEST_SUITE_END()
