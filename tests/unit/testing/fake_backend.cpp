#include <lokiship/testing/fake_backend.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(fake_backend_)

namespace http = lokiship::http;
namespace json = boost::json;
using lokiship::timestamp;
using lokiship::testing::execution;
using lokiship::testing::fake_backend;
using namespace std::chrono_literals;

namespace {

const timestamp start(std::chrono::seconds(1'795'439'523));

http::request get(std::string target) {
    http::request r;
    r.target = std::move(target);
    return r;
}

execution planned(std::string id, timestamp created) {
    execution e;
    e.id = std::move(id);
    e.server_id = "s1";
    e.server_tag = "web";
    e.status = "Planned";
    e.created = created;
    return e;
}

/// `id/step` of each entry, in order.
std::string steps(fake_backend& backend, std::string_view query) {
    const auto answer = backend(get("/api/monitoring/logs" + std::string(query)));
    BOOST_TEST_REQUIRE(answer.status == 200u);
    BOOST_TEST(answer.fields.get("content-type") == "application/json");
    std::string out;
    const auto page = json::parse(answer.body);
    for (const auto& v : page.at("logs").as_array())
        out += std::string(v.at("execution_id").as_string()) + '/' + json::serialize(v.at("step")) + ' ';
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_time_is_written_as_python_does) {
    const auto text = [](std::chrono::nanoseconds d) {
        return lokiship::testing::python_isoformat(timestamp(d));
    };
    BOOST_TEST(text(0s) == "1970-01-01T00:00:00+00:00");
    BOOST_TEST(text(1'795'439'523s) == "2026-11-23T13:12:03+00:00");
    BOOST_TEST(text(1'795'439'523s + 237'230us + 999ns) == "2026-11-23T13:12:03.237230+00:00");
    BOOST_TEST(text(999ns) == "1970-01-01T00:00:00+00:00");
    BOOST_TEST(text(1us) == "1970-01-01T00:00:00.000001+00:00");
    BOOST_TEST(text(-1ns) == "1969-12-31T23:59:59.999999+00:00");
}

BOOST_AUTO_TEST_CASE(an_execution_has_a_placeholder_until_it_has_results) {
    fake_backend backend;
    backend.add(planned("a", start));
    const auto page = json::parse(backend(get("/api/monitoring/logs")).body);
    BOOST_TEST(json::serialize(page) ==
               R"({"total_executions":1,"total_log_entries":1,"logs":[{"timestamp":)"
               R"("2026-11-23T13:12:03+00:00","execution_id":"a","user_id":"","server_id":"s1",)"
               R"("server_tag":"web","server_ip":"10.0.0.1","agent_type":"general","query":"","step":0,)"
               R"("command":"","status":"Planned","exit_code":null,"stdout":"","stderr":"",)"
               R"("execution_status":"Planned","agent_summary":null}]})");
    execution* const e = backend.find("a");
    BOOST_TEST_REQUIRE(e != nullptr);
    e->status = "Failed";
    e->agent_summary = "No.";
    e->results = {{1, "ls", "Success", 0, "a\tb\n\x1b[0m", ""}, {{}, "rm", "Failed", -9, "", "ü"}};
    const auto later = json::parse(backend(get("/api/monitoring/logs")).body);
    BOOST_TEST(later.at("total_executions").as_int64() == 1);
    BOOST_TEST(later.at("total_log_entries").as_int64() == 2);
    const auto& logs = later.at("logs").as_array();
    BOOST_TEST_REQUIRE(logs.size() == 2u);
    BOOST_TEST(logs[0].at("timestamp") == page.at("logs").at(0).at("timestamp"));
    BOOST_TEST(logs[0].at("stdout").as_string() == "a\tb\n\x1b[0m");
    BOOST_TEST(logs[0].at("exit_code").as_int64() == 0);
    BOOST_TEST(logs[0].at("status").as_string() == "Success");
    BOOST_TEST(logs[0].at("execution_status").as_string() == "Failed");
    BOOST_TEST(logs[0].at("agent_summary").as_string() == "No.");
    BOOST_TEST(logs[1].at("step").is_null());
    BOOST_TEST(logs[1].at("exit_code").as_int64() == -9);
    BOOST_TEST(logs[1].at("stderr").as_string() == "ü");
}

BOOST_AUTO_TEST_CASE(the_newest_comes_first_and_the_limit_counts_executions) {
    fake_backend backend;
    backend.add(planned("new", start + 2s));
    backend.add(planned("old", start));
    backend.add(planned("tie1", start + 1s));
    backend.add(planned("tie2", start + 1s + 1ns));
    backend.add(planned("tie3", start + 1s));
    backend.find("new")->results.resize(2);
    backend.find("new")->results[1].step = 2;
    BOOST_TEST(steps(backend, "") == "new/null new/2 tie3/0 tie2/0 tie1/0 old/0 ");
    BOOST_TEST(steps(backend, "?limit=2") == "new/null new/2 tie3/0 ");
    BOOST_TEST(backend.last_limit() == 2u);
    BOOST_TEST(steps(backend, "?limit=0") == "");
    // The text of the time has no part in the order.
    backend.find("old")->created_at = "2030-01-01T00:00:00+05:00";
    BOOST_TEST(steps(backend, "?limit=1") == "new/null new/2 ");
    BOOST_TEST(backend(get("/api/monitoring/logs")).body.find("2030-01-01T00:00:00+05:00") !=
               std::string::npos);
    backend.find("old")->created_at = "";
    BOOST_TEST(backend(get("/api/monitoring/logs")).body.find("\"timestamp\":null") != std::string::npos);
    // Added anew, it wins the tie.
    backend.add(planned("tie1", start + 1s));
    BOOST_TEST(backend.size() == 5u);
    BOOST_TEST(steps(backend, "?limit=2&x=1") == "new/null new/2 tie1/0 ");
    BOOST_TEST(backend.erase("new"));
    BOOST_TEST(!backend.erase("new"));
    BOOST_TEST((backend.find("new") == nullptr));
    BOOST_TEST(steps(backend, "?limit=1") == "tie1/0 ");
    for (int i = 0; i != 120; ++i)
        backend.add(planned(std::to_string(i), start));
    BOOST_TEST(json::parse(backend(get("/api/monitoring/logs")).body).at("total_executions").as_int64() ==
               100);
    BOOST_TEST(backend.last_limit() == 100u);
}

BOOST_AUTO_TEST_CASE(the_filters_keep_what_is_equal) {
    fake_backend backend;
    backend.add(planned("a", start));
    backend.add(planned("b", start));
    backend.add(planned("c", start));
    backend.find("b")->server_id = "s 2&ü";
    backend.find("c")->status = "Success";
    BOOST_TEST(steps(backend, "?server_id=s1") == "c/0 a/0 ");
    BOOST_TEST(steps(backend, "?server_id=s%202%26%C3%BC") == "b/0 ");
    BOOST_TEST(steps(backend, "?status=Planned") == "b/0 a/0 ");
    BOOST_TEST(steps(backend, "?status=Planned&server_id=s1&limit=5") == "a/0 ");
    BOOST_TEST(steps(backend, "?server_id=none") == "");
}

BOOST_AUTO_TEST_CASE(a_bad_request_is_refused) {
    fake_backend backend(10);
    const lokiship::testing::handler h = std::ref(backend);
    const struct {
        std::string_view target;
        unsigned status;
    } table[] = {
        {"/api/monitoring/logs?limit=x", 422},
        {"/api/monitoring/logs?limit=", 422},
        {"/api/monitoring/logs?limit=1.5", 422},
        {"/api/monitoring/logs?limit=99999999999999999999", 422},
        {"/api/monitoring/logs?limit=11", 422},
        {"/api/monitoring/logs", 422},
        {"/api/monitoring/logs?limit=-1", 500},
        {"/api/monitoring/logs?limit=10", 200},
        {"/api/monitoring", 404},
        {"/", 404},
        {"no target", 400},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.target) {
            const auto answer = h(get(std::string(t.target)));
            BOOST_TEST(answer.status == t.status);
            if (t.status != 200 && t.status != 500)
                BOOST_TEST(json::parse(answer.body).as_object().contains("detail"));
        }
    BOOST_TEST(h(get("/x")).body == R"({"detail":"Not Found"})");
    auto post = get("/api/monitoring/logs");
    post.verb = http::method::post;
    BOOST_TEST(backend.writes_refused() == 0u);
    BOOST_TEST(h(post).status == 405u);
    BOOST_TEST(backend.writes_refused() == 1u);
    BOOST_TEST(backend.requests() == 13u);
    backend.max_limit(0);
    BOOST_TEST(h(get("/api/monitoring/logs?limit=100000")).status == 200u);
    BOOST_TEST(backend.last_limit() == 100000u);
}

BOOST_AUTO_TEST_SUITE_END()
