#include <lokiship/ship/push_concurrency.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>

BOOST_AUTO_TEST_SUITE(push_concurrency_)

using namespace lokiship;
using namespace std::chrono_literals;
using ship::push_concurrency;

namespace {

constexpr steady_time start{};

/// So many rounds of as many pushes as may be, each taking so long.
steady_time rounds(push_concurrency& c, int n, std::chrono::nanoseconds takes, steady_time from = start) {
    for (; n != 0; --n) {
        const std::size_t under_way = c.limit();
        for (std::size_t i = 0; i != under_way; ++i)
            c.succeeded(from, from + takes);
        from += takes;
        c.waited(takes, true, from);
    }
    return from;
}

} // namespace

BOOST_AUTO_TEST_CASE(it_trebles_each_round_until_it_was_too_many) {
    push_concurrency c(100);
    BOOST_TEST(c.limit() == 4u);
    auto now = rounds(c, 1, 10ms);
    BOOST_TEST(c.limit() == 12u);
    now = rounds(c, 1, 10ms, now);
    BOOST_TEST(c.limit() == 36u);
    c.failed(now, now + 10ms);
    BOOST_TEST(c.limit() == 18u);
    now = rounds(c, 10, 10ms, now + 10ms);
    BOOST_TEST(c.limit() >= 26u);
    BOOST_TEST(c.limit() <= 28u);
    rounds(c, 100, 10ms, now);
    BOOST_TEST(c.limit() == 100u);
    BOOST_TEST(push_concurrency(1).limit() == 1u);
}

BOOST_AUTO_TEST_CASE(few_pushes_tell_nothing_of_many) {
    push_concurrency c(20);
    for (int i = 0; i != 100; ++i) {
        c.succeeded(start, start + 10ms);
        c.waited(10ms, false, start + 10ms);
    }
    c.waited(10ms, true, start + 10ms);
    BOOST_TEST(c.limit() == 4u);
    c.succeeded(start, start + 10ms);
    c.waited(10ms, true, start + 10ms);
    BOOST_TEST(c.limit() == 6u);
}

BOOST_AUTO_TEST_CASE(what_was_under_way_when_it_was_full_tells_of_it_later) {
    push_concurrency c(20);
    c.waited(10ms, true, start + 10ms);
    c.succeeded(start + 5ms, start + 20ms);
    c.waited(10ms, false, start + 20ms);
    BOOST_TEST(c.limit() == 6u);
    c.succeeded(start + 15ms, start + 30ms);
    c.waited(10ms, false, start + 30ms);
    BOOST_TEST(c.limit() == 6u);
}

BOOST_AUTO_TEST_CASE(answers_that_come_at_once_need_no_company) {
    push_concurrency c(20);
    auto now = rounds(c, 100, 900us);
    BOOST_TEST(c.limit() == 4u);
    rounds(c, 1, 4ms, now);
    BOOST_TEST(c.limit() == 12u);
}

BOOST_AUTO_TEST_CASE(a_failure_halves_it_once_for_all_that_were_under_way) {
    push_concurrency c(64);
    auto now = rounds(c, 100, 10ms);
    BOOST_TEST_REQUIRE(c.limit() == 64u);
    for (int i = 0; i != 30; ++i)
        c.failed(now, now + 10ms);
    BOOST_TEST(c.limit() == 32u);
    now += 10ms;
    c.failed(now, now + 1ms);
    BOOST_TEST(c.limit() == 16u);
    for (int i = 0; i != 30; ++i) {
        now += 1s;
        c.failed(now, now + 1ms);
    }
    BOOST_TEST(c.limit() == 1u);
    rounds(c, 200, 10ms, now);
    BOOST_TEST(c.limit() > 10u);
}

BOOST_AUTO_TEST_CASE(it_shrinks_where_answers_take_longer_the_more_there_are) {
    // Each of more than ten waits for the others.
    push_concurrency c(200);
    auto now = start;
    std::size_t highest = 0;
    for (int i = 0; i != 500; ++i) {
        const auto under_way = c.limit();
        const auto takes = 10ms * static_cast<int>(std::max<std::size_t>(under_way, 10)) / 10 * 2;
        now = rounds(c, 1, takes, now);
        highest = std::max(highest, c.limit());
    }
    BOOST_TEST(highest < 60u);
    BOOST_TEST(c.limit() >= 10u);
}

BOOST_AUTO_TEST_CASE(what_was_not_loki_s_doing_does_not_count_against_it) {
    push_concurrency c(40);
    rounds(c, 60, 10ms);
    BOOST_TEST_REQUIRE(c.limit() == 40u);
    // It answered at once, and nobody looked for half a second.
    const auto later = start + 1h;
    c.succeeded(later, later + 510ms, 500ms);
    BOOST_TEST(c.limit() == 40u);
    c.succeeded(later, later + 510ms, 300ms);
    BOOST_TEST(c.limit() == 36u);
}

BOOST_AUTO_TEST_CASE(a_server_that_has_become_slower_for_good_is_not_held_for_busy) {
    push_concurrency c(40);
    auto now = rounds(c, 60, 10ms);
    BOOST_TEST_REQUIRE(c.limit() == 40u);
    now = rounds(c, 10, 500ms, now);
    BOOST_TEST(c.limit() < 20u);
    now = rounds(c, 300, 500ms, now);
    BOOST_TEST(c.limit() == 40u);
}

BOOST_AUTO_TEST_SUITE_END()
