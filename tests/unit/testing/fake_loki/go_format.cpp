#include <lokiship/testing/fake_loki/go_format.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

BOOST_AUTO_TEST_SUITE(go_format)

namespace go = lokiship::testing::go;
using lokiship::timestamp;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(times) {
    const timestamp t(1'795'439'523s);
    BOOST_TEST(go::rfc3339(t + 999ms) == "2026-11-23T13:12:03Z");
    BOOST_TEST(go::rfc3339(timestamp(-1ns)) == "1969-12-31T23:59:59Z");
    BOOST_TEST(go::rfc3339(go::no_time) == "0001-01-01T00:00:00Z");
    BOOST_TEST(go::default_time(t) == "2026-11-23 13:12:03 +0000 UTC");
    BOOST_TEST(go::default_time(t - 3s) == "2026-11-23 13:12:00 +0000 UTC");
    BOOST_TEST(go::default_time(t + 870'867'210ns) == "2026-11-23 13:12:03.87086721 +0000 UTC");
}

BOOST_AUTO_TEST_CASE(sizes_and_durations) {
    BOOST_TEST(go::byte_size(0) == "0B");
    BOOST_TEST(go::byte_size(3001) == "3001B");
    BOOST_TEST(go::byte_size(1536 << 10) == "1536KB");
    BOOST_TEST(go::byte_size(3 << 20) == "3MB");
    BOOST_TEST(go::duration(2h + 36min) == "2h36m0s");
    BOOST_TEST(go::duration(30min) == "30m0s");
    BOOST_TEST(go::duration(498750h + 15min + 7089ms) == "498750h15m7.089s");
    BOOST_TEST(go::duration(0ns) == "0s");
    BOOST_TEST(go::model_duration(168h) == "1w");
    BOOST_TEST(go::model_duration(721h) == "30d1h");
    BOOST_TEST(go::model_duration(10min) == "10m");
    BOOST_TEST(go::model_duration(0ns) == "0s");
    BOOST_TEST(go::model_duration(1500ms) == "1s500ms");
}

BOOST_AUTO_TEST_CASE(times_of_prometheus) {
    const std::pair<std::int64_t, std::string_view> table[] = {{0, "0"},
                                                               {999'999, "0"},
                                                               {1'500'000'000, "1.5"},
                                                               {-500'000'000, "-0.5"},
                                                               {1'767'571'199'999'999'999, "1767571199.999"},
                                                               {-6'000'000'000'000'000'000, "-6000000000"}};
    for (const auto& [ns, out] : table)
        BOOST_TEST(go::model_time(lokiship::text::from_unix_nanoseconds(ns)) == out);
    BOOST_TEST(go::model_time(go::no_time) == "-6795364578.871");
}

BOOST_AUTO_TEST_CASE(quotes) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {"", R"("")"},
        {"a\"b\\c", R"("a\"b\\c")"},
        {"\a\b\f\n\r\t\v", R"("\a\b\f\n\r\t\v")"},
        {std::string_view("\0\x1f\x7f", 3), R"("\x00\x1f\x7f")"},
        {"\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80", "\"\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80\""},
        {"\xc2\x85\xc2\xa0\xe2\x80\x8b\xef\xbb\xbf", R"("\u0085\u00a0\u200b\ufeff")"},
        {"\xff\xc3", R"("\xff\xc3")"}};
    for (const auto& [in, out] : table)
        BOOST_TEST(go::quote(in) == out);
}

BOOST_AUTO_TEST_CASE(texts_that_are_taken_for_formats) {
    const std::pair<std::string_view, std::string_view> table[] = {{"plain", "plain"},
                                                                   {"100%", "100%!(NOVERB)"},
                                                                   {"%%", "%"},
                                                                   {"% %d", "%d"},
                                                                   {"%d", "%!d(MISSING)"},
                                                                   {"%5.1s!", "%!s(MISSING)!"},
                                                                   {"%\xc3\xa9", "%!\xc3\xa9(MISSING)"}};
    for (const auto& [in, out] : table)
        BOOST_TEST(go::printf_without_arguments(in) == out);
}

BOOST_AUTO_TEST_SUITE_END()
