#include <lokiship/testing/fake_loki/token_bucket.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>

BOOST_AUTO_TEST_SUITE(token_bucket)

using namespace lokiship;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(it_is_full_at_first_and_fills_at_its_rate) {
    lokiship::testing::token_bucket b;
    const timestamp t(1'795'439'523s);
    BOOST_TEST(!b.take(21, 10, 20, t));
    BOOST_TEST(b.take(20, 10, 20, t));
    BOOST_TEST(b.take(0, 10, 20, t));
    BOOST_TEST(!b.take(1, 10, 20, t));
    BOOST_TEST(!b.take(6, 10, 20, t + 500ms));
    BOOST_TEST(b.take(5, 10, 20, t + 500ms));
    BOOST_TEST(!b.take(21, 10, 20, t + 1h));
    BOOST_TEST(b.take(20, 10, 20, t + 1h));
    // A clock that goes back gives nothing.
    BOOST_TEST(!b.take(1, 10, 20, t));
}

BOOST_AUTO_TEST_SUITE_END()
