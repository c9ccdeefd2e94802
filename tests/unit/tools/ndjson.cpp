#include "common/ndjson.hpp"

#include "common/settings.hpp"

#include <boost/test/unit_test.hpp>

#include <sstream>
#include <string>

BOOST_AUTO_TEST_SUITE(ndjson)

using namespace lokiship;

namespace {

aoss::step_key key_of(const loki::labels& labels, const loki::entry& entry) {
    aoss::execution_record r;
    r.execution_id = "795b929e-9a9a-40fd-aa7b-5bf55eb561a4";
    r.step = 3;
    r.status = std::string(labels.get("status"));
    return aoss::make_step_key(r, entry.line);
}

const loki::labels labels{{"job", "aoss"}, {"status", "Failed"}, {"server_tag", "a \"quoted\" tag\n"}};
const loki::entry entry{text::from_unix_nanoseconds(1'700'000'000'000'000'001), "line \\ with \x01 and ü"};

} // namespace

BOOST_AUTO_TEST_CASE(an_entry_is_a_line) {
    BOOST_TEST(
        tools::to_ndjson(labels, entry) ==
        R"({"labels":{"job":"aoss","server_tag":"a \"quoted\" tag\n","status":"Failed"},"ts":"1700000000000000001",)"
        R"("line":"line \\ with \u0001 and ü"})"
        "\n");
}

BOOST_AUTO_TEST_CASE(a_terminal_obeys_nothing_in_it) {
    BOOST_TEST(tools::to_ndjson({{"a", "\x7f\xc2\x9b"}}, {entry.time, "\xe2\x80\xa8\xe2\x80\xae\x1b€"}) ==
               "{\"labels\":{\"a\":\"\\u007f\\u009b\"},\"ts\":\"1700000000000000001\",\"line\":"
               "\"\\u2028\\u202e\\u001b€\"}\n");
}

BOOST_AUTO_TEST_CASE(structured_metadata_stands_behind_the_labels) {
    BOOST_TEST(tools::to_ndjson({{"a", "b"}}, {entry.time, "l", {{"step", "3"}, {"user_id", "\x1b"}}}) ==
               R"({"labels":{"a":"b"},"structured_metadata":{"step":"3","user_id":"\u001b"},)"
               R"("ts":"1700000000000000001","line":"l"})"
               "\n");
}

BOOST_AUTO_TEST_CASE(a_rejection_can_be_read_back) {
    loki::entry rejected = entry;
    rejected.metadata = {{"execution_id", "e"}, {"step", "3"}};
    const auto key = key_of(labels, rejected);
    const std::string line =
        tools::to_ndjson({labels, rejected, key, loki::reject_reason::too_far_behind, "400"});
    BOOST_TEST(line.starts_with(
        R"({"reason":"too_far_behind","execution_id":"795b929e-9a9a-40fd-aa7b-5bf55eb561a4","step":3,"labels":)"));
    std::istringstream in(line + "\n \r\n" + line);
    std::vector<tools::rejected_entry> got;
    BOOST_TEST(
        tools::parse_rejects(in, "f", [&](const tools::rejected_entry& e) { got.push_back(e); }).has_value());
    BOOST_TEST_REQUIRE(got.size() == 2u);
    for (const auto& e : got) {
        BOOST_CHECK(e.labels == labels);
        BOOST_CHECK(e.entry == rejected);
        BOOST_CHECK(e.entry.metadata == rejected.metadata);
        BOOST_CHECK(e.key == key);
    }
}

BOOST_AUTO_TEST_CASE(a_bad_line_is_named) {
    const auto key = key_of(labels, entry);
    const std::string good = tools::to_ndjson({labels, entry, key, loki::reject_reason::other, ""});
    const auto replace = [&](std::string_view what, std::string_view by) {
        std::string out = good;
        const auto at = out.find(what);
        BOOST_TEST_REQUIRE(at != out.npos);
        return out.replace(at, what.size(), by);
    };
    const struct {
        std::string text;
        std::string_view message;
    } table[] = {
        {"x", "f:2: the line is no JSON: "},
        {good.substr(0, 40), "f:2: the line is no JSON: "},
        {"[]", "f:2: the line is no object"},
        {"{}", "f:2: the line must have labels"},
        {replace("\"step\":3", "\"step\":\"3\""), "f:2: the line must have labels"},
        {replace("\"1700000000000000001\"", "17"), "f:2: the line must have labels"},
        {replace("\"1700000000000000001\"", "\"1x\""), "f:2: the line has a ts that is no integer"},
        {replace("\"aoss\"", "1"), "f:2: the line has a label that is no string"},
        {replace("\"ts\"", "\"structured_metadata\":{\"\":\"x\"},\"ts\""),
         "f:2: the line has structured_metadata that Loki does not take"},
        {replace("\"ts\"", "\"structured_metadata\":{\"___\":\"x\"},\"ts\""),
         "f:2: the line has structured_metadata that Loki does not take"},
        {replace("\"ts\"", "\"structured_metadata\":{\"a\":\"" + std::string(66'000, 'x') + "\"},\"ts\""),
         "f:2: the line has structured_metadata that Loki does not take"},
        {replace("\"ts\"", "\"structured_metadata\":[],\"ts\""),
         "f:2: the line has structured_metadata that is no object"},
        {replace("\"ts\"", "\"structured_metadata\":{\"a\":1},\"ts\""),
         "f:2: the line has structured_metadata that is no"},
    };
    for (const auto& t : table) {
        std::istringstream in(good + t.text);
        std::size_t n = 0;
        const auto got = tools::parse_rejects(in, "f", [&](const tools::rejected_entry&) { ++n; });
        BOOST_TEST(n == 1u);
        BOOST_TEST_REQUIRE(got.has_error());
        BOOST_TEST(got.error().message.starts_with(t.message), got.error().message);
    }
    BOOST_CHECK_THROW(tools::read_rejects("/nowhere/at/all", [](const auto&) {}), tools::wrong_use_error);
}

BOOST_AUTO_TEST_SUITE_END()
