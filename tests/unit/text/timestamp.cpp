#include "printing.hpp"

#include <lokiship/text/timestamp.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(timestamp)

namespace chrono = std::chrono;
using lokiship::errc;
using lokiship::text::format_rfc3339;
using lokiship::text::from_unix_nanoseconds;
using lokiship::text::parse_timestamp;
using lokiship::text::to_unix_nanoseconds;

namespace {

constexpr std::int64_t first = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t last = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t second = 1'000'000'000;

std::string digits(std::int64_t n, std::size_t width) {
    const auto s = std::to_string(n);
    return s.size() < width ? std::string(width - s.size(), '0') + s : s;
}

void check_error(std::string_view text, errc code) {
    const auto t = parse_timestamp(text);
    BOOST_TEST_REQUIRE(t.has_error());
    BOOST_TEST(t.error().code == code, t.error().message);
}

} // namespace

BOOST_AUTO_TEST_CASE(reads_every_form) {
    const struct {
        std::string_view text;
        std::int64_t ns;
    } table[] = {
        // Python: every timespec, naive and aware, every kind of offset
        {"2026-11-23T13", 1795438800 * second},
        {"2026-11-23T13:12", 1795439520 * second},
        {"2026-11-23T13:12:03", 1795439523 * second},
        {"2026-11-23T13:12:03.237", 1795439523'237'000'000},
        {"2026-11-23T13:12:03.237230", 1795439523'237'230'000},
        {"2026-11-23T13+00:00", 1795438800 * second},
        {"2026-11-23T13:12+00:00", 1795439520 * second},
        {"2026-11-23T13:12:03+00:00", 1795439523 * second},
        {"2026-11-23T13:12:03.237230+00:00", 1795439523'237'230'000},
        {"2026-11-23 13:12:03.237230+00:00", 1795439523'237'230'000},
        {"2026-11-23t13:12:03.237230+00:00", 1795439523'237'230'000},
        {"2026-11-23_13:12:03.237230+00:00", 1795439523'237'230'000},
        {"2026-11-23-13:12:03.237230-00:00", 1795439523'237'230'000},
        {"2026-11-23T13:12:03.237230+05:30", 1795439523'237'230'000 - 19800 * second},
        {"2026-11-23T13:12:03.237230-03:00", 1795439523'237'230'000 + 10800 * second},
        {"2026-11-23T13:12:03+00:00:00.000001", 1795439522'999'999'000},
        {"2026-11-23T13:12:03-00:00:00.000001", 1795439523'000'001'000},
        {"2026-11-23T13:12:03.237230-23:59:59.999999", 1795439523'237'230'000 + 86399'999'999'000},
        {"2026-11-23T13:12:03.237230+23:59:59.999999", 1795439523'237'230'000 - 86399'999'999'000},
        // PostgreSQL
        {"2026-11-23 13:12:03.23723+00", 1795439523'237'230'000},
        {"2026-11-23 13:12:03+05:30", 1795439523 * second - 19800 * second},
        {"2026-11-23 13:12:03-03", 1795439523 * second + 10800 * second},
        {"1890-01-01 00:19:32+00:19:32", -2524521600 * second},
        {"2026-11-23 13:12:03", 1795439523 * second},
        // others
        {"2026-11-23T13:12:03Z", 1795439523 * second},
        {"2026-11-23T13:12:03z", 1795439523 * second},
        {"2026-11-23T13:12:03,5Z", 1795439523'500'000'000},
        {"2026-11-23T13:12:03.123456789Z", 1795439523'123'456'789},
        {"2026-11-23T13:12:03.1234567899999999999999999999999999Z", 1795439523'123'456'789},
        {"2026-11-23T13:12:03.000000001Z", 1795439523'000'000'001},
        {"2026-11-23T13:12:03.0000000009Z", 1795439523'000'000'000},
        {"2026-11-23T23:59:59.999999999Z", 1795478399'999'999'999},
        // the epoch, and what is before it
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01T00:00:00.000000001Z", 1},
        {"1969-12-31T23:59:59.999999999Z", -1},
        {"1969-12-31T23:59:59.25Z", -750'000'000},
        {"1969-12-31T23:59:59.0000000019Z", -999'999'999},
        {"1969-12-31T23:59:58.5Z", -1'500'000'000},
        {"1970-01-01T00:00:00.5+00:00:01", -500'000'000},
        {"1969-12-31T23:59:59.5-00:00:01", 500'000'000},
        {"1970-01-01T00:00:00+00:00:00.000000001", -1},
        {"1969-12-31T23:59:59.999999999-00:00:00.000000002", 1},
        {"1970-01-01T00:00:00.2+00:00:00.3", -100'000'000},
        // leap years
        {"2024-02-29T00:00:00Z", 1709164800 * second},
        {"2000-02-29T12:00:00Z", 951825600 * second},
        {"1900-02-28T23:59:59Z", -2203891201 * second},
        {"1900-03-01T00:00:00Z", -2203891200 * second},
        // the first and the last nanosecond, from both sides
        {"1677-09-21T00:12:43.145224192Z", first},
        {"1677-09-21T00:12:43.145224193Z", first + 1},
        {"1677-09-20T00:12:44.145224192-23:59:59", first},
        {"1677-09-21T00:12:43.1452241929Z", first},
        {"1677-09-21T00:12:43.145224193+00:00:00.000000001", first},
        {"2262-04-11T23:47:16.854775807Z", last},
        {"2262-04-11T23:47:16.854775806Z", last - 1},
        {"2262-04-11T23:47:16.8547758079999Z", last},
        {"2262-04-12T23:47:15.854775807+23:59:59", last},
        {"2262-04-11T23:47:16.854775808+00:00:00.000000001", last},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.text) {
            const auto parsed = parse_timestamp(t.text);
            BOOST_TEST_REQUIRE(parsed.has_value(), parsed.error().message);
            BOOST_TEST(to_unix_nanoseconds(*parsed) == t.ns);
        }
}

BOOST_AUTO_TEST_CASE(tells_what_does_not_fit) {
    for (std::string_view text : {
             "1677-09-21T00:12:43.145224191Z",
             "1677-09-21T00:12:43.145224192+00:00:00.000000001",
             "1677-09-21T00:12:43.1452241919Z",
             "1677-09-21T00:12:43Z",
             "1677-09-21T00:12:42.999999999Z",
             "1677-09-20T23:59:59Z",
             "1677-01-01T00:00:00Z",
             "2262-04-11T23:47:16.854775808Z",
             "2262-04-11T23:47:16.854775807-00:00:00.000000001",
             "2262-04-11T23:47:17Z",
             "2262-04-12T00:00:00Z",
             "2262-12-31T23:59:59.999999999Z",
             "1676-12-31T23:59:59Z",
             "2263-01-01T00:00:00Z",
             "0001-01-01T00:00:00",
             "0000-02-29T00:00:00",
             "9999-12-31T23:59:59.999999+00:00",
             "9999-12-31T23:59:59-23:59",
             "10000-01-01 00:00:00+00",
             "294276-12-31 23:59:59.999999+00",
             "32768-02-29 00:00:00+00",
             "0044-03-15 12:00:00+00 BC",
             "0044-03-15T12:00:00 BC",
             "0001-02-29 00:00:00+00 BC",
             "4713-01-01 00:00:00+00 BC",
             "2026-11-23 13:12:03+00 BC",
             "infinity",
             "-infinity",
         })
        BOOST_TEST_CONTEXT(text) {
            check_error(text, errc::timestamp_out_of_range);
        }
}

BOOST_AUTO_TEST_CASE(names_what_is_wrong) {
    const struct {
        std::string_view text, part;
    } table[] = {
        {"", "expected a year of four to six digits at character 1"},
        {"yesterday", "expected a year of four to six digits at character 1"},
        {"-2026-11-23T13:12:03Z", "expected a year of four to six digits at character 1"},
        {"+2026-11-23T13:12:03Z", "expected a year of four to six digits at character 1"},
        {"026-11-23T13:12:03Z", "expected a year of four to six digits at character 1"},
        {"0000-11-23 13:12:03+00 BC", "expected a year of four to six digits at character 1"},
        {" BC", "expected a year of four to six digits at character 1"},
        {"1795439523", "expected '-' at character 7"},
        {"2026/11/23T13:12:03Z", "expected '-' at character 5"},
        {"20261123T131203Z", "expected '-' at character 7"},
        {"2026", "expected '-' at character 5"},
        {"2026-", "expected a month from 01 to 12 at character 6"},
        {"2026-1-23T13:12:03Z", "expected a month from 01 to 12 at character 6"},
        {"2026-00-23T13:12:03Z", "expected a month from 01 to 12 at character 6"},
        {"2026-13-23T13:12:03Z", "expected a month from 01 to 12 at character 6"},
        {"2026-11", "expected '-' at character 8"},
        {"2026-11-", "expected a day from 01 to 31 at character 9"},
        {"2026-11-00T13:12:03Z", "expected a day from 01 to 31 at character 9"},
        {"2026-12-32T13:12:03Z", "expected a day from 01 to 31 at character 9"},
        {"2026-11-31T13:12:03Z", "the month has no such day at character 9"},
        {"2026-02-29T13:12:03Z", "the month has no such day at character 9"},
        {"2024-02-30T13:12:03Z", "the month has no such day at character 9"},
        {"1900-02-29T13:12:03Z", "the month has no such day at character 9"},
        {"2100-02-29T13:12:03Z", "the month has no such day at character 9"},
        {"12026-02-29 13:12:03+00", "the month has no such day at character 10"},
        {"0004-02-29 13:12:03+00 BC", "the month has no such day at character 9"},
        {"2026-11-23", "expected 'T' or a space at character 11"},
        {"2026-11-231", "expected 'T' or a space at character 11"},
        {"2026-11-23\n13:12:03Z", "expected 'T' or a space at character 11"},
        {"2026-11-23T", "expected an hour from 00 to 23 at character 12"},
        {"2026-11-23  13:12:03Z", "expected an hour from 00 to 23 at character 12"},
        {"2026-11-23T1:12:03Z", "expected an hour from 00 to 23 at character 12"},
        {"2026-11-23T24:00:00Z", "expected an hour from 00 to 23 at character 12"},
        {"2026-11-23T13:", "expected a minute from 00 to 59 at character 15"},
        {"2026-11-23T13:60:00Z", "expected a minute from 00 to 59 at character 15"},
        {"2026-11-23T13:12:", "expected a second from 00 to 59 at character 18"},
        {"2026-11-23T13:12:60Z", "expected a second from 00 to 59 at character 18"},
        {"2026-11-23T13:12:3Z", "expected a second from 00 to 59 at character 18"},
        {"2026-11-23T13:12:03.", "expected a digit of the fraction at character 21"},
        {"2026-11-23T13:12:03.Z", "expected a digit of the fraction at character 21"},
        {"2026-11-23T13:12.5Z", "expected an offset or the end at character 17"},
        {"2026-11-23T1312", "expected an offset or the end at character 14"},
        {"2026-11-23T13:12:03 +00", "expected an offset or the end at character 20"},
        {"2026-11-23T13:12:03 UTC", "expected an offset or the end at character 20"},
        {"2026-11-23T13:12:03Z ", "expected the end at character 21"},
        {"2026-11-23T13:12:03ZZ", "expected the end at character 21"},
        {"2026-11-23T13:12:03Z+00", "expected the end at character 21"},
        {"2026-11-23T13:12:03+", "expected an hour from 00 to 23 at character 21"},
        {"2026-11-23T13:12:03+24:00", "expected an hour from 00 to 23 at character 21"},
        {"2026-11-23T13:12:03+00:60", "expected a minute from 00 to 59 at character 24"},
        {"2026-11-23T13:12:03+00:00:60", "expected a second from 00 to 59 at character 27"},
        {"2026-11-23T13:12:03+00:00:00.", "expected a digit of the fraction at character 30"},
        {"2026-11-23T13:12:03+0000", "expected the end at character 23"},
        {" 2026-11-23T13:12:03Z", "expected a year of four to six digits at character 1"},
        {"Infinity", "expected a year of four to six digits at character 1"},
        {"2026-11-23T13:12:03Z BC BC", "expected the end at character 21"},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.text) {
            const auto parsed = parse_timestamp(t.text);
            BOOST_TEST_REQUIRE(parsed.has_error());
            BOOST_TEST(parsed.error().code == errc::invalid_timestamp);
            BOOST_TEST(parsed.error().message.ends_with(t.part), parsed.error().message);
        }
    BOOST_TEST(
        parse_timestamp("\x1b[2J'\n").error().message.starts_with("'\\x1b[2J'\\n' is not a timestamp"));
    BOOST_TEST(parse_timestamp(std::string(100'000, '1')).error().message.size() < 200u);
}

// Each character in turn left out, doubled or replaced by each byte: no form of it reads beyond the text, and
// what is accepted after all is the same time or a different one of the same shape.
BOOST_AUTO_TEST_CASE(survives_garbage_at_every_position) {
    for (std::string_view good :
         {"2026-11-23T13:12:03.237230+05:30", "2026-11-23 13:12:03.23723-03", "0044-03-15 12:00:00+00 BC",
          "1677-09-21T00:12:43.145224192Z", "infinity", "2026-11-23T13:12:03-23:59:59.999999"})
        for (std::size_t i = 0; i <= good.size(); ++i) {
            // On the heap in its exact size, so that a sanitizer sees one step too far.
            const auto parse = [](const std::string& text) {
                const std::vector<char> exact(text.begin(), text.end());
                const auto parsed = parse_timestamp({exact.data(), exact.size()});
                if (parsed.has_error() && parsed.error().message.empty())
                    BOOST_TEST(false, text);
                return parsed.has_value();
            };
            parse(std::string(good.substr(0, i)));
            parse(std::string(good.substr(i)));
            if (i == good.size())
                break;
            parse(std::string(good.substr(0, i)).append(good.substr(i + 1)));
            parse(std::string(good.substr(0, i + 1)).append(good.substr(i)));
            const bool digit = good[i] >= '0' && good[i] <= '9';
            for (int c = 0; c != 256; ++c) {
                std::string text(good);
                text[i] = static_cast<char>(c);
                if (parse(text) && digit)
                    BOOST_TEST((c >= '0' && c <= '9'), text);
            }
        }
}

// Every day that the range holds, counted with a calendar of its own and compared with std::chrono's as well.
BOOST_AUTO_TEST_CASE(agrees_with_the_calendar_on_every_day) {
    std::int64_t day = chrono::sys_days(chrono::year(1677) / 9 / 22).time_since_epoch().count();
    BOOST_TEST(day == -106751);
    int year = 1677, month = 9, of_month = 22;
    std::int64_t wrong = 0, days = 0;
    for (; year < 2262 || month < 4 || of_month < 11; ++day, ++days) {
        const std::int64_t of_day = day * 7919 % 86400 < 0 ? day * 7919 % 86400 + 86400 : day * 7919 % 86400;
        const std::int64_t ns = (days * 104'729'123) % second;
        const std::int64_t offset = day * 31 % 86400; // from -23:59:59 to +23:59:59
        const std::int64_t distance = offset < 0 ? -offset : offset;
        const auto date = digits(year, 4) + "-" + digits(month, 2) + "-" + digits(of_month, 2);
        const auto local = date + "T" + digits(of_day / 3600, 2) + ":" + digits(of_day / 60 % 60, 2) + ":" +
                           digits(of_day % 60, 2) + "." + digits(ns, 9);
        const auto zone = (offset < 0 ? "-" : "+") + digits(distance / 3600, 2) + ":" +
                          digits(distance / 60 % 60, 2) + ":" + digits(distance % 60, 2);
        const auto expected =
            chrono::sys_days(chrono::days(day)) + chrono::seconds(of_day) + chrono::nanoseconds(ns);
        const auto utc = parse_timestamp(local);
        wrong += !utc || *utc != expected || format_rfc3339(*utc) != local + "Z";
        if (days > 1) {
            const auto zoned = parse_timestamp(local + zone);
            wrong += !zoned || *zoned != expected - chrono::seconds(offset);
        }

        const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        const int length = month == 2                                              ? 28 + leap
                           : month == 4 || month == 6 || month == 9 || month == 11 ? 30
                                                                                   : 31;
        if (++of_month > length) {
            wrong += !parse_timestamp(digits(year, 4) + "-" + digits(month, 2) + "-" + digits(of_month, 2) +
                                      "T00:00:00Z")
                          .has_error();
            of_month = 1;
            if (++month > 12) {
                month = 1;
                ++year;
            }
        }
    }
    BOOST_TEST(days == 213'502);
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(writes_what_it_reads) {
    BOOST_TEST(format_rfc3339(from_unix_nanoseconds(0)) == "1970-01-01T00:00:00.000000000Z");
    BOOST_TEST(format_rfc3339(from_unix_nanoseconds(-1)) == "1969-12-31T23:59:59.999999999Z");
    BOOST_TEST(format_rfc3339(from_unix_nanoseconds(first)) == "1677-09-21T00:12:43.145224192Z");
    BOOST_TEST(format_rfc3339(from_unix_nanoseconds(last)) == "2262-04-11T23:47:16.854775807Z");
    std::uint64_t bits = 0;
    for (int i = 0; i != 100'000; ++i) {
        bits = bits * 6364136223846793005u + 1442695040888963407u;
        const auto t = from_unix_nanoseconds(static_cast<std::int64_t>(bits));
        const auto text = format_rfc3339(t);
        const auto parsed = parse_timestamp(text);
        if (!parsed || *parsed != t)
            BOOST_TEST(false, text);
    }
}

BOOST_AUTO_TEST_SUITE_END()
