#include <lokiship/ship/backoff.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

BOOST_AUTO_TEST_SUITE(backoff_)

using namespace lokiship::ship;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(doubles_up_to_the_maximum_and_starts_anew) {
    backoff b({1s, 10s});
    for (auto expected : {500ms, 1000ms, 2000ms, 4000ms, 5000ms, 5000ms})
        BOOST_TEST((b.failed(0.0) == expected));
    b.succeeded();
    BOOST_TEST((b.failed(0.0) == 500ms));
    BOOST_TEST((b.failed(0.5) == 1500ms));
}

BOOST_AUTO_TEST_CASE(a_servers_wish_is_a_lower_bound) {
    backoff b({1s, 10s});
    BOOST_TEST((b.failed(0.0, 7s) == 7s));
    BOOST_TEST((b.failed(0.0, 0s) == 1s));
}

BOOST_AUTO_TEST_CASE(never_more_than_the_maximum_even_where_doubling_would_overflow) {
    backoff b({24h * 36500, std::chrono::nanoseconds::max()});
    for (int i = 0; i != 100; ++i) {
        const auto wait = b.failed(0.999);
        BOOST_TEST(wait.count() > 0);
    }
}

BOOST_AUTO_TEST_SUITE_END()
