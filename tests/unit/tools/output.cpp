#include "backfill/output.hpp"

#include <boost/test/unit_test.hpp>

#include <spdlog/sinks/ostream_sink.h>

#include <sstream>

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

BOOST_AUTO_TEST_SUITE(output)

BOOST_AUTO_TEST_CASE(a_text_tells_share_rate_and_time_left) {
    BOOST_TEST(tools::progress_text(1040, 2000, 200ms) == "1040/2000 entries  52 %  5200/s  ETA 0:00:00");
    BOOST_TEST(tools::progress_text(1, 7201, 1s) == "1/7201 entries  0 %  1/s  ETA 2:00:00");
    BOOST_TEST(tools::progress_text(0, 5, 9s) == "0/5 entries  0 %  ETA unknown");
    BOOST_TEST(tools::progress_text(0, 0, 0s) == "0/0 entries  100 %  0/s  ETA 0:00:00");
    BOOST_TEST(tools::progress_text(5, 5, 0s) == "5/5 entries  100 %  0/s  ETA 0:00:00");
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
        BOOST_CHECK(tools::style_of("auto", terminal) == (terminal ? bar : lines));
    }
}

BOOST_FIXTURE_TEST_CASE(a_bar_is_drawn_ten_times_a_second_at_most_and_at_the_end, fixture) {
    tools::progress p(tools::progress_style::bar, bar, logger);
    const auto at = [](auto d) { return steady_time(d); };
    p.show(counted(0, 0, 4), at(1s));
    p.show(counted(1, 0, 3), at(1s + 99ms));
    p.show(counted(1, 1, 2), at(1s + 100ms));
    p.show(counted(3, 1, 0), at(1s + 101ms));
    p.clear();
    p.clear();
    const std::string text = bar.str();
    BOOST_TEST(text.find("0/4 entries") != text.npos);
    BOOST_TEST(text.find("1/4 entries") == text.npos);
    BOOST_TEST(text.find("2/4 entries") != text.npos);
    BOOST_TEST(text.find("4/4 entries") != text.npos);
    BOOST_TEST(text.ends_with("\r\x1b[K"));
    BOOST_TEST(log.str().empty());
}

BOOST_FIXTURE_TEST_CASE(elsewhere_a_line_every_five_seconds, fixture) {
    tools::progress p(tools::progress_style::lines, bar, logger);
    for (int i = 0; i != 120; ++i)
        p.show(counted(static_cast<std::uint64_t>(i), 0, static_cast<std::uint64_t>(1000 - i)),
               steady_time(i * 100ms));
    BOOST_TEST(bar.str().empty());
    BOOST_TEST(log.str() ==
               "50/1000 entries  5 %  10/s  ETA 0:01:35\n100/1000 entries  10 %  10/s  ETA 0:01:30\n");
}

BOOST_FIXTURE_TEST_CASE(never_is_silent, fixture) {
    tools::progress p(tools::progress_style::none, bar, logger);
    for (int i = 0; i != 100; ++i)
        p.show(counted(1, 0, 1), steady_time(i * 1s));
    p.clear();
    BOOST_TEST(bar.str().empty());
    BOOST_TEST(log.str().empty());
}

BOOST_AUTO_TEST_SUITE_END()
