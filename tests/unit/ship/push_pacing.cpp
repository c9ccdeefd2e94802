#include <lokiship/ship/push_pacing.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

BOOST_AUTO_TEST_SUITE(push_pacing_)

using namespace lokiship;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_turn_that_was_missed_by_little_is_made_up_for) {
    ship::delivery_options o;
    o.rate = 1000;
    ship::push_pacing pacing(o);
    const steady_time first = pacing.reserve(100, steady_time(100s));
    BOOST_TEST((first <= steady_time(100s)));
    BOOST_TEST((pacing.reserve(100, first + 130ms) == first + 100ms));
    BOOST_TEST((pacing.reserve(100, first + 130ms) == first + 200ms));
    // By much it is not: all at once would be more than Loki takes.
    BOOST_TEST((pacing.reserve(100, first + 10s) == first + 10s - 50ms));
    BOOST_TEST((pacing.reserve(100, first + 10s) == first + 10s + 50ms));
}

BOOST_AUTO_TEST_CASE(without_a_rate_all_go_at_once) {
    ship::delivery_options o;
    o.rate = o.stream_rate = 0;
    ship::push_pacing pacing(o);
    BOOST_TEST(!pacing.is_limited());
    for (int i = 0; i != 3; ++i)
        BOOST_TEST((pacing.reserve(1'000'000, steady_time(1s)) <= steady_time(1s)));
    BOOST_TEST((pacing.after(1'000'000, steady_time(1s)) == steady_time(1s)));
}

BOOST_AUTO_TEST_SUITE_END()
