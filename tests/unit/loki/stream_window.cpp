#include <lokiship/loki/stream_window.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(stream_window_)

using namespace lokiship;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(knows_only_what_loki_acknowledged_and_cannot_have_forgotten) {
    const loki::ingester_limits limits{.known = true};
    const timestamp t(1'000'000h);
    const steady_time now(5h);
    loki::stream_window w;
    BOOST_TEST(!w.newest().has_value());
    BOOST_TEST(!w.oldest_acceptable(now, limits).has_value());
    w.stored(t, t + 10min, now, limits);
    BOOST_CHECK(w.newest() == t + 10min);
    BOOST_CHECK(w.oldest_acceptable(now, limits) == t - 50min);
    BOOST_CHECK(w.oldest_acceptable(now + 30min - 1ns, limits) == t - 50min);
    // Idle for so long, the stream is flushed and forgotten.
    BOOST_TEST(!w.oldest_acceptable(now + 30min, limits).has_value());
    BOOST_TEST(!w.is_fresh(now + 30min, limits));
}

BOOST_AUTO_TEST_CASE(the_newest_counts_whatever_comes_later) {
    const loki::ingester_limits limits{.known = true};
    const timestamp t(1'000'000h);
    loki::stream_window w;
    w.stored(t, t + 10min, steady_time(), limits);
    w.stored(t - 20min, t - 20min, steady_time(20min), limits);
    BOOST_CHECK(w.newest() == t + 10min);
    BOOST_CHECK(w.oldest_acceptable(steady_time(49min), limits) == t - 50min);
}

BOOST_AUTO_TEST_CASE(a_chunk_that_spans_too_much_is_flushed_at_any_moment) {
    const loki::ingester_limits limits{.known = true};
    const timestamp t(1'000'000h);
    loki::stream_window w;
    w.stored(t, t + 2h, steady_time(), limits);
    BOOST_CHECK(w.oldest_acceptable(steady_time(), limits) == t + 1h);
    w.stored(t + 2h, t + 2h + 1ns, steady_time(), limits);
    BOOST_TEST(!w.oldest_acceptable(steady_time(), limits).has_value());
    // After a pause it is another stream to Loki.
    w.stored(t, t, steady_time(31min), limits);
    BOOST_CHECK(w.oldest_acceptable(steady_time(31min), limits) == t - 1h);
}

BOOST_AUTO_TEST_CASE(what_was_taken_proves_what_is_taken) {
    const loki::ingester_limits limits;
    const timestamp t(1'000'000h);
    loki::stream_window w;
    BOOST_TEST(!w.is_proven(t));
    w.stored(t, t + 10min, steady_time(), limits);
    BOOST_TEST(w.is_proven(t));
    BOOST_TEST(!w.is_proven(t - 1ns)); // another writer may have put the bar right there
    // An older one that was taken shows that the bar is lower.
    w.stored(t - 40min, t - 40min, steady_time(), limits);
    BOOST_TEST(w.is_proven(t - 40min));
    // A newer one raises it.
    w.stored(t + 2h, t + 2h, steady_time(), limits);
    BOOST_TEST(!w.is_proven(t + 1h - 1ns));
    BOOST_TEST(w.is_proven(t + 1h));
    // A guess of Loki's settings makes nothing certain.
    BOOST_TEST(!w.oldest_acceptable(steady_time(), limits).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
