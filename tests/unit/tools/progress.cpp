#include "backfill/progress.hpp"

#include <boost/test/unit_test.hpp>

#include <spdlog/sinks/ostream_sink.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(output)

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

ship::counters counted(std::uint64_t shipped, std::uint64_t rejected, std::uint64_t pending) {
    ship::counters out;
    out.fetched = shipped + rejected + pending;
    out.shipped = shipped;
    out.rejected = rejected;
    out.pending = pending;
    return out;
}

struct fixture {
    std::ostringstream bar, log;
    std::shared_ptr<spdlog::logger> logger =
        std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_st>(log));
    fixture() { logger->set_pattern("%v"); }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_text_tells_share_rates_time_left_and_what_went_wrong) {
    const auto text = [](const tools::progress_state& state, const tools::progress_rates& rates) {
        return tools::progress_text(state, rates);
    };
    BOOST_TEST(text({counted(1040, 0, 960)}, {5200, 2.34e6}) ==
               "pushing 1040/2000 entries  52 %  5200/s  2.3 MB/s  ETA 0:00:01");
    auto troubled = counted(1033, 7, 960);
    troubled.pushes_failed = 3;
    BOOST_TEST(text({troubled}, {5200, 2.34e6}) ==
               "pushing 1040/2000 entries  52 %  5200/s  2.3 MB/s  ETA 0:00:01  retries 3  rejected 7");
    BOOST_TEST(text({counted(1, 0, 7200)}, {1, {}}) == "pushing 1/7201 entries  0 %  1/s  ETA 2:00:00");
    BOOST_TEST(text({counted(0, 0, 5)}, {}) == "pushing 0/5 entries  0 %  ETA unknown");
    BOOST_TEST(text({counted(2, 0, 3)}, {0, 0}) == "pushing 2/5 entries  40 %  0/s  0.0 MB/s  ETA unknown");
    BOOST_TEST(text({counted(0, 0, 0)}, {}) == "pushing 0/0 entries  100 %  ETA 0:00:00");
    BOOST_TEST(text({counted(5, 0, 0)}, {0, {}}) == "pushing 5/5 entries  100 %  0/s  ETA 0:00:00");
}

BOOST_AUTO_TEST_CASE(each_phase_tells_what_is_known_of_it) {
    using enum tools::phase;
    auto c = counted(1000, 7, 500);
    c.verified = 300;
    const auto text = [&](tools::phase at, std::chrono::seconds unchanged = {}) {
        return tools::progress_text({c, {}, at, {300, 120, 17}, unchanged}, {5, {}});
    };
    BOOST_TEST(text(starting) == "starting");
    BOOST_TEST(text(reading) == "reading 1507 entries");
    BOOST_TEST(text(looking) == "looking at 120/300 streams  compared 17/300  22 %");
    BOOST_TEST(text(pushing) == "pushing 1007/1507 entries  66 %  5/s  ETA 0:01:40  rejected 7");
    BOOST_TEST(text(verifying) == "verifying 300/1000 entries  30 %");
    BOOST_TEST(text(verifying, 4s) == "verifying 300/1000 entries  30 %");
    BOOST_TEST(text(verifying, 5s) == "verifying 300/1000 entries  30 %  nothing new for 0:00:05");
    BOOST_TEST(text(pushing, 75s) ==
               "pushing 1007/1507 entries  66 %  nothing new for 0:01:15  5/s  ETA 0:01:40  rejected 7");
    // A bar needs to know how much there is.
    const auto line = [&](tools::phase at) { return tools::progress_line({c, {}, at, {4, 4, 0}}, {}, 200); };
    BOOST_TEST(line(reading) == "reading 1507 entries");
    BOOST_TEST(line(looking).starts_with("[###############               ]  looking"));
}

BOOST_FIXTURE_TEST_CASE(what_stands_still_is_told_too, fixture) {
    tools::progress p(tools::progress_style::lines, bar, logger);
    for (int i = 0; i != 3; ++i)
        p.show({counted(0, 0, 7), {}, tools::phase::reading}, steady_time(i * 1s));
    for (int i = 3; i != 18; ++i)
        p.show({counted(0, 0, 8), {}, tools::phase::reading}, steady_time(i * 1s));
    p.show({counted(0, 0, 9), {}, tools::phase::reading}, steady_time(20s));
    BOOST_TEST(log.str() == "reading 8 entries\n"
                            "reading 8 entries  nothing new for 0:00:07\n"
                            "reading 8 entries  nothing new for 0:00:12\n"
                            "reading 9 entries\n");

    tools::progress json(tools::progress_style::json, bar, logger);
    for (int i = 0; i != 4; ++i)
        json.show({counted(0, 0, 7)}, steady_time(i * 1s));
    for (const char* n : {"0", "1", "2", "3"})
        BOOST_TEST(bar.str().find("\"unchanged_seconds\":" + std::string(n)) != std::string::npos, bar.str());
}

BOOST_AUTO_TEST_CASE(the_time_left_is_rounded_up) {
    const auto left = [](std::uint64_t pending, double rate) {
        return tools::seconds_left({counted(1, 0, pending)}, {rate, {}});
    };
    BOOST_CHECK(left(950, 10) == 95);
    BOOST_CHECK(left(951, 10) == 96);
    BOOST_CHECK(left(3, 0.1) == 30); // 3 / 0.1 is a bit more
    BOOST_CHECK(left(0, 0) == 0);
    BOOST_CHECK(!left(1, 0).has_value());
    BOOST_CHECK(!left(UINT64_MAX / 2, 1e-9).has_value());
}

BOOST_AUTO_TEST_CASE(a_rate_is_that_of_the_last_ten_seconds) {
    tools::rate_estimate rate;
    BOOST_CHECK(!rate.per_second().has_value());
    const auto at = [](auto d) { return steady_time(d); };
    rate.add(at(5s), 1000);
    rate.add(at(5s), 2000);
    BOOST_CHECK(!rate.per_second().has_value());
    rate.add(at(5s + 500ms), 1050);
    BOOST_TEST(rate.per_second().value() == 100.0);

    // A slow minute, then a fast one, many steps a second.
    tools::rate_estimate steps;
    std::uint64_t n = 0;
    auto now = at(0s);
    const auto run = [&](std::chrono::seconds time, std::uint64_t step) {
        for (const auto end = now + time; now < end; now += 10ms)
            steps.add(now, n += step);
    };
    run(60s, 1);
    BOOST_TEST(steps.per_second().value() == 100.0, boost::test_tools::tolerance(0.001));
    run(5s, 10);
    BOOST_TEST(steps.per_second().value() == 550.0, boost::test_tools::tolerance(0.05));
    run(6s, 10);
    BOOST_TEST(steps.per_second().value() == 1000.0, boost::test_tools::tolerance(0.001));
    run(11s, 0);
    BOOST_TEST(steps.per_second().value() == 0.0);

    // After a long silence it counts since the last sign of life; what shrinks stands still.
    steps.add(now + 100s, n + 1000);
    BOOST_TEST(steps.per_second().value() == 10.0, boost::test_tools::tolerance(0.15));
    steps.add(now + 101s, 0);
    BOOST_TEST(steps.per_second().value() == 0.0);
}

BOOST_AUTO_TEST_CASE(json_has_all_of_it) {
    auto c = counted(1033, 7, 960);
    c.pushes_failed = 3;
    c.duplicate = 2;
    BOOST_TEST(
        tools::progress_json({c}, {5200.4, 2.3e6}) ==
        R"({"event":"progress","phase":"pushing","settled":1040,"entries":2000,"percent":52,)"
        R"("entries_per_second":5200,"bytes_per_second":2300000,"eta_seconds":1,"unchanged_seconds":0,)"
        R"("streams":0,"streams_asked":0,"streams_compared":0,"retries":3,"rejected":7,"shipped":1033,)"
        R"("verified":0,"duplicate":2,"pending":960})");
    BOOST_TEST(
        tools::progress_json({counted(0, 0, 1), {}, tools::phase::looking, {8, 3, 1}, 7s}, {}) ==
        R"({"event":"progress","phase":"looking","settled":0,"entries":1,"percent":25,)"
        R"("entries_per_second":null,"bytes_per_second":null,"eta_seconds":null,"unchanged_seconds":7,)"
        R"("streams":8,"streams_asked":3,"streams_compared":1,"retries":0,"rejected":0,"shipped":0,)"
        R"("verified":0,"duplicate":0,"pending":1})");
    // While it reads nobody knows how much there is.
    const auto reading = tools::progress_json({{}, {}, tools::phase::reading}, {});
    BOOST_TEST(reading.find(R"("phase":"reading","settled":0,"entries":0,"percent":null,)") != reading.npos,
               reading);
    BOOST_TEST(reading.find(R"("eta_seconds":null)") != reading.npos, reading);
}

BOOST_AUTO_TEST_CASE(a_line_fits) {
    auto c = counted(1000, 0, 1000);
    c.pushes_failed = 3;
    const tools::progress_rates rates{5200, 2.3e6};
    const auto line = [&](std::size_t width) { return tools::progress_line({c}, rates, width); };
    const std::string text = tools::progress_text({c}, rates);
    BOOST_TEST(line(200) == tools::progress_bar(1, 2, 30) + "  " + text);
    BOOST_TEST(line(text.size() + 14) == "[#####     ]  " + text);
    BOOST_TEST(line(text.size() + 9) == "[##   ]  " + text);
    BOOST_TEST(line(text.size() + 8) == text);
    BOOST_TEST(line(text.size() - 1) == "pushing 1000/2000 entries  50 %  5200/s  2.3 MB/s  ETA 0:00:01");
    BOOST_TEST(line(30) == "pushing 1000/2000 entries");
    BOOST_TEST(line(4) == "push");
    for (std::size_t width = 0; width != 120; ++width)
        BOOST_TEST(line(width).size() <= width);
}

BOOST_AUTO_TEST_CASE(what_is_no_terminal_is_80_wide) {
    BOOST_TEST(tools::terminal_width(-1) == 80u);
}

BOOST_AUTO_TEST_CASE(a_bar_fills_from_the_left) {
    BOOST_TEST(tools::progress_bar(0, 10, 10) == "[          ]");
    BOOST_TEST(tools::progress_bar(5, 10, 10) == "[#####     ]");
    BOOST_TEST(tools::progress_bar(10, 10, 10) == "[##########]");
    BOOST_TEST(tools::progress_bar(0, 0, 4) == "[####]");
}

BOOST_AUTO_TEST_CASE(the_style_depends_on_the_terminal_only_where_nothing_is_said) {
    using enum tools::progress_style;
    for (bool terminal : {false, true}) {
        BOOST_CHECK(tools::style_of("always", terminal) == bar);
        BOOST_CHECK(tools::style_of("never", terminal) == none);
        BOOST_CHECK(tools::style_of("json", terminal) == json);
        BOOST_CHECK(tools::style_of("auto", terminal) == (terminal ? bar : lines));
    }
}

BOOST_FIXTURE_TEST_CASE(a_bar_is_drawn_ten_times_a_second_at_most_and_at_the_end, fixture) {
    tools::progress p(tools::progress_style::bar, bar, logger);
    const auto at = [](auto d) { return steady_time(d); };
    p.show({counted(0, 0, 4)}, at(1s));
    p.show({counted(1, 0, 3)}, at(1s + 99ms));
    p.show({counted(1, 1, 2)}, at(1s + 100ms));
    p.show({counted(3, 1, 0)}, at(1s + 101ms));
    p.clear();
    p.clear();
    const std::string text = bar.str();
    BOOST_TEST(text.find("pushing 0/4 entries") != text.npos);
    BOOST_TEST(text.find("pushing 1/4 entries") == text.npos);
    BOOST_TEST(text.find("pushing 2/4 entries") != text.npos);
    BOOST_TEST(text.find("pushing 4/4 entries") != text.npos);
    BOOST_TEST(text.ends_with("\r\x1b[K"));
    BOOST_TEST(log.str().empty());
}

BOOST_FIXTURE_TEST_CASE(elsewhere_a_line_every_five_seconds, fixture) {
    tools::progress p(tools::progress_style::lines, bar, logger);
    for (int i = 0; i != 120; ++i)
        p.show({counted(static_cast<std::uint64_t>(i), 0, static_cast<std::uint64_t>(1000 - i))},
               steady_time(i * 100ms));
    BOOST_TEST(bar.str().empty());
    BOOST_TEST(log.str() == "pushing 50/1000 entries  5 %  10/s  ETA 0:01:35\npushing 100/1000 entries  10 % "
                            " 10/s  ETA 0:01:30\n");
}

BOOST_FIXTURE_TEST_CASE(a_bar_follows_the_width_of_the_terminal, fixture) {
    std::size_t width = 40;
    tools::progress p(tools::progress_style::bar, bar, logger, [&] { return width; });
    for (; width != 0; --width) {
        bar.str("");
        p.show({counted(3, 0, 1), 7}, steady_time(1s * (50 - static_cast<int>(width))));
        const std::string text = bar.str();
        BOOST_TEST(text.starts_with("\r\x1b[K"));
        BOOST_TEST(text.size() - 4 <= std::max<std::size_t>(width - 1, 1), text);
    }
}

BOOST_FIXTURE_TEST_CASE(json_comes_every_second_and_at_the_end, fixture) {
    tools::progress p(tools::progress_style::json, bar, logger);
    for (int i = 0; i <= 25; ++i) {
        const auto n = static_cast<std::uint64_t>(i);
        p.show({counted(n, 0, 25 - n), n * 100'000}, steady_time(i * 100ms));
        p.clear(); // as other output does
    }
    p.finish();
    p.finish();
    std::istringstream lines(bar.str());
    std::vector<std::string> got;
    for (std::string line; std::getline(lines, line);)
        got.push_back(line);
    BOOST_TEST_REQUIRE(got.size() == 4u, bar.str());
    for (std::size_t i = 0; i != 4; ++i)
        BOOST_TEST(got[i].starts_with(R"({"event":"progress","phase":"pushing","settled":)" +
                                      std::to_string(i == 3 ? 25 : i * 10) + R"(,"entries":25,)"),
                   got[i]);
    BOOST_TEST(got[3].find(R"("entries_per_second":10,"bytes_per_second":1000000,"eta_seconds":0,)") !=
                   std::string::npos,
               got[3]);
    BOOST_TEST(log.str().empty());
}

BOOST_FIXTURE_TEST_CASE(a_rate_begins_with_shipping, fixture) {
    tools::progress p(tools::progress_style::lines, bar, logger);
    for (unsigned i = 0; i != 8; ++i)
        p.show({counted(0, 0, i * 100), 0, tools::phase::reading}, steady_time(i * 1s));
    p.show({counted(100, 0, 600), 5'000'000}, steady_time(8s));
    p.show({counted(300, 0, 400), 15'000'000}, steady_time(10s));
    BOOST_TEST(log.str() == "reading 500 entries\n"
                            "pushing 300/700 entries  42 %  100/s  5.0 MB/s  ETA 0:00:04\n");
}

BOOST_FIXTURE_TEST_CASE(what_is_not_counted_is_not_shown, fixture) {
    tools::progress p(tools::progress_style::lines, bar, logger);
    p.show({counted(0, 0, 9)}, steady_time(0s));
    p.show({counted(5, 0, 4)}, steady_time(5s));
    p.show({counted(5, 0, 4), 1'000'000}, steady_time(6s));
    p.show({counted(6, 0, 3), 9'000'000}, steady_time(10s));
    BOOST_TEST(log.str() == "pushing 5/9 entries  55 %  1/s  ETA 0:00:04\npushing 6/9 entries  66 %  1/s  "
                            "2.0 MB/s  ETA 0:00:05\n");
}

BOOST_FIXTURE_TEST_CASE(never_is_silent, fixture) {
    tools::progress p(tools::progress_style::none, bar, logger);
    for (int i = 0; i != 100; ++i)
        p.show({counted(1, 0, 1)}, steady_time(i * 1s));
    p.finish();
    BOOST_TEST(bar.str().empty());
    BOOST_TEST(log.str().empty());
}

BOOST_AUTO_TEST_SUITE_END()
