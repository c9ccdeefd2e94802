#include <lokiship/loki/push_reply.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>

using namespace lokiship;
using loki::push_reply;
using loki::reject_reason;
using verdict = push_reply::verdict;

namespace lokiship::loki {
inline std::ostream& operator<<(std::ostream& out, reject_reason r) {
    return out << to_string(r);
}
inline std::ostream& operator<<(std::ostream& out, push_reply::verdict v) {
    return out << static_cast<int>(v);
}
} // namespace lokiship::loki

BOOST_AUTO_TEST_SUITE(push_reply_)

namespace {

push_reply read(unsigned status, std::string_view body = {}, http::headers fields = {}) {
    return loki::read_push_reply({status, std::move(fields)}, body);
}

constexpr std::string_view too_far_behind =
    "entry with timestamp 2026-11-23 08:44:51.870867217 +0000 UTC ignored, reason: 'entry too far behind, "
    "entry timestamp "
    "is: 2026-11-23T08:44:51Z, oldest acceptable timestamp is: 2026-11-23T12:44:51Z',\n"
    "user 'fake', total ignored: 12 out of 400 for stream: {job=\"aoss\"}\n";

} // namespace

BOOST_AUTO_TEST_CASE(only_200_and_204_mean_stored) {
    BOOST_TEST(read(204).what == verdict::delivered);
    BOOST_TEST(read(200).what == verdict::delivered);
    BOOST_TEST(read(200, "<html>Grafana</html>").what == verdict::blocked);
    for (unsigned status : {201u, 202u, 206u, 226u, 260u, 299u, 301u, 302u, 304u})
        BOOST_TEST(read(status).what == verdict::blocked, status);
}

BOOST_AUTO_TEST_CASE(status_decides_what_to_do) {
    for (unsigned status : {408u, 425u, 500u, 502u, 503u, 504u, 599u})
        BOOST_TEST(read(status, "x").what == verdict::retry, status);
    BOOST_TEST(read(429, "x").what == verdict::rate_limited);
    for (unsigned status : {401u, 403u, 404u, 405u, 407u, 410u})
        BOOST_TEST(read(status, "no org id\n").what == verdict::blocked, status);
    for (unsigned status : {400u, 422u})
        BOOST_TEST(read(status, "x").what == verdict::rejected, status);
    BOOST_TEST(read(413, "<html>").what == verdict::split);
    BOOST_TEST(
        read(500,
             "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (4401131 vs. "
             "4194304)\n")
            .what == verdict::split);
    BOOST_TEST(read(503, "empty ring\n").text == "503: empty ring");
    BOOST_TEST(read(502, "<html>\r\n\x1b[2J").text == "502: <html>\\r\\n\\x1b[2J");
}

BOOST_AUTO_TEST_CASE(what_proves_that_nothing_is_stored) {
    BOOST_TEST(read(413).nothing_stored);
    BOOST_TEST(read(401).nothing_stored);
    const auto tenant =
        read(429, "Ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting");
    BOOST_TEST(tenant.nothing_stored);
    BOOST_TEST(tenant.whole_tenant);
    const auto stream = read(
        429, "entry with timestamp … ignored, reason: 'Per stream rate limit exceeded (limit: 3MB/sec)'");
    BOOST_TEST(!stream.nothing_stored);
    BOOST_TEST(!stream.whole_tenant);
    BOOST_TEST(!read(500, "empty ring").nothing_stored);
    BOOST_TEST(!read(503).nothing_stored);
}

BOOST_AUTO_TEST_CASE(the_limit_that_a_429_names) {
    const auto limit = [](const std::string& text) { return read(429, text).rate_limit.value_or(1); };
    BOOST_TEST(
        limit("ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting to "
              "ingest '1' lines totaling '400' bytes, reduce") == 4'194'304u);
    const auto of_stream = [&](const std::string& text) {
        return limit(
            "entry with timestamp … ignored, reason: 'Per stream rate limit exceeded (limit: " + text +
            ") while attempting to ingest for stream '{a=\"(limit: 7MB/sec)\"}' totaling 1000B, consider");
    };
    BOOST_TEST(of_stream("3MB/sec") == 3u << 20);
    BOOST_TEST(of_stream("500KB/sec") == 500u << 10);
    BOOST_TEST(of_stream("1000B/sec") == 1000u);
    BOOST_TEST(of_stream("0B/sec") == 0u);
    BOOST_TEST(of_stream("2GB/sec") == std::size_t{2} << 30);
    for (const char* unknown : {"", "fast", "3", "3MB", "3 MB/sec", "3PB/sec", "-3MB/sec",
                                "99999999999999999999MB/sec", "18446744073709551615KB/sec"})
        BOOST_TEST(of_stream(unknown) == 1u, unknown);
    BOOST_TEST(limit("slow down (limit: 3MB/sec)") == 1u);
    BOOST_TEST(limit("") == 1u);
    BOOST_TEST(
        !read(503, "ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec)").rate_limit);
}

BOOST_AUTO_TEST_CASE(labels_behind_lokis_words_do_not_change_the_reason) {
    const auto r = read(
        400, "max entry size '100' bytes exceeded for stream '{server_tag=\"missing required labels tenant "
             "ID\"}' while adding an entry with length '200' bytes");
    BOOST_TEST(r.what == verdict::rejected);
    BOOST_TEST(r.reason == reject_reason::line_too_long);
}

BOOST_AUTO_TEST_CASE(retry_after_is_honoured_within_an_hour) {
    using namespace std::chrono_literals;
    BOOST_TEST((read(429, "", {{"retry-after", "7"}}).retry_after == 7s));
    BOOST_TEST((read(503, "", {{"Retry-After", "99999999"}}).retry_after == 3600s));
    BOOST_TEST((read(503, "", {{"Retry-After", "0"}}).retry_after == 0s));
    BOOST_TEST(!read(503, "", {{"Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"}}).retry_after.has_value());
    BOOST_TEST(!read(503).retry_after.has_value());
}

BOOST_AUTO_TEST_CASE(a_refusal_says_how_many_and_why) {
    const struct {
        std::string_view body;
        reject_reason reason;
        std::size_t rejected; // 0: not told
    } table[] = {
        {too_far_behind, reject_reason::too_far_behind, 12},
        {"entry for stream '{a=\"b\"}' has timestamp too old: 2026-11-01T00:00:00Z, oldest acceptable "
         "timestamp is: 2026-11-17T00:00:00Z\n",
         reject_reason::greater_than_max_sample_age, 1},
        {"3 errors like: entry for stream '{}' has timestamp too old: 2026-11-01T00:00:00Z, oldest "
         "acceptable timestamp "
         "is: 2026-11-17T00:00:00Z; 2 errors like: entry for stream '{}' has timestamp too old: "
         "2025-11-01T00:00:00Z, "
         "oldest acceptable timestamp is: 2026-11-17T00:00:00Z\n",
         reject_reason::greater_than_max_sample_age, 5},
        {"entry for stream '{a=\"9 errors like: x\"}' has timestamp too new: 2027-01-01T00:00:00Z",
         reject_reason::too_far_in_future, 1},
        {"2 errors like: entry for stream '{a=\"9 errors like: x\"}' has timestamp too new: "
         "2027-01-01T00:00:00Z",
         reject_reason::too_far_in_future, 2},
        {"Max entry size '262144' bytes exceeded for stream '{}' while adding an entry with length '300000' "
         "bytes\n",
         reject_reason::line_too_long, 1},
        {"max entry size '262144' bytes exceeded for stream '{}' while adding an entry with length '300000' "
         "bytes\n",
         reject_reason::line_too_long, 1},
        {"entry for stream '{}' has 31 label names; limit 30\n", reject_reason::max_label_names_per_series,
         1},
        {"stream '{}' has label value too long: 'x'\n", reject_reason::label_value_too_long, 1},
        {"couldn't parse labels: 1:3: parse error", reject_reason::invalid_labels, 1},
        {"missing required labels 'team' for user 'fake' for stream '{}' (policy: '')",
         reject_reason::missing_enforced_labels, 1},
        {"<html>400 Bad Request</html>", reject_reason::other, 0},
        {"", reject_reason::other, 0},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.body) {
            const auto r = read(400, t.body);
            BOOST_TEST(r.what == verdict::rejected);
            BOOST_TEST(r.reason == t.reason);
            BOOST_TEST(r.refusals.size() == (t.rejected == 0 ? 0u : 1u));
            if (!r.refusals.empty()) {
                BOOST_TEST(r.refusals[0].reason == t.reason);
                BOOST_TEST(r.refusals[0].entries == t.rejected);
            }
        }
}

BOOST_AUTO_TEST_CASE(a_refusal_for_several_reasons_tells_of_each) {
    const auto r = read(
        400, "2 errors like: Max entry size '100' bytes exceeded for stream '{}' while adding an entry with "
             "length '200' bytes; 7 errors like: entry for stream '{}' has timestamp too old: "
             "2026-11-01T00:00:00Z, oldest acceptable timestamp is: 2026-11-17T00:00:03Z; 1 errors like: "
             "Max entry size '100' bytes exceeded for stream '{}' while adding an entry with length '300' "
             "bytes");
    BOOST_TEST_REQUIRE(r.refusals.size() == 2u);
    BOOST_TEST(r.refusals[0].reason == reject_reason::line_too_long);
    BOOST_TEST(r.refusals[0].entries == 3u);
    BOOST_TEST(r.refusals[0].max_line_size.value() == 100u);
    BOOST_TEST(r.refusals[1].entries == 7u);
    BOOST_TEST((r.refusals[1].oldest_acceptable ==
                std::chrono::sys_days(std::chrono::year(2026) / 11 / 17) + std::chrono::seconds(3)));
    BOOST_TEST(!r.out_of.has_value());
}

BOOST_AUTO_TEST_CASE(numbers_that_nobody_can_mean_do_not_wrap) {
    const auto r =
        read(400, "18446744073709551615 errors like: entry for stream '{}' has timestamp too new: x; "
                  "2 errors like: entry for stream '{}' has timestamp too new: x");
    BOOST_TEST_REQUIRE(r.refusals.size() == 1u);
    BOOST_TEST(r.refusals[0].entries == 18446744073709551615u);
}

BOOST_AUTO_TEST_CASE(an_ingesters_list_tells_how_many_came_to_it) {
    const auto r = read(400, too_far_behind);
    BOOST_TEST(r.out_of.value() == 400u);
    BOOST_TEST_REQUIRE(r.refusals.size() == 1u);
    BOOST_TEST((r.refusals[0].oldest_acceptable == std::chrono::sys_days(std::chrono::year(2026) / 11 / 23) +
                                                       std::chrono::seconds(12 * 3600 + 44 * 60 + 51)));
}

BOOST_AUTO_TEST_CASE(a_text_that_was_cut_tells_no_numbers) {
    const auto r = loki::read_push_reply(
        {400, {}}, "3 errors like: entry for stream '{}' has timestamp too new: 20", false);
    BOOST_TEST(r.what == verdict::rejected);
    BOOST_TEST(r.reason == reject_reason::too_far_in_future);
    BOOST_TEST(r.refusals.empty());
}

BOOST_AUTO_TEST_CASE(a_500_that_no_retry_can_cure_refuses) {
    const auto r = read(
        500,
        "rpc error: code = Unknown desc = failed to create stream: no schema config found for time 1.2\n");
    BOOST_TEST(r.what == verdict::rejected);
    BOOST_TEST(r.reason == reject_reason::no_schema_config);
    BOOST_TEST(r.refusals.empty());
}

BOOST_AUTO_TEST_CASE(every_reason_has_a_name_of_its_own) {
    for (std::size_t a = 0; a != loki::reject_reason_count; ++a) {
        BOOST_TEST(!to_string(static_cast<reject_reason>(a)).empty());
        for (std::size_t b = 0; b != a; ++b)
            BOOST_TEST(to_string(static_cast<reject_reason>(a)) != to_string(static_cast<reject_reason>(b)));
    }
}

BOOST_AUTO_TEST_CASE(a_redirection_says_where_to) {
    const auto got = loki::read_push_reply({302, {{"Location", "http://else\x1b/"}}}, "moved\n");
    BOOST_TEST((got.what == verdict::blocked));
    BOOST_TEST(got.text == "302 (a redirection to 'http://else\\x1b/', which is not followed): moved");
}

BOOST_AUTO_TEST_SUITE_END()
