#include <lokiship/ship/dedup_window.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

constexpr aoss::step_key key(std::uint64_t n) {
    return {n, 0, 1, 0};
}
constexpr timestamp at(int second) {
    return timestamp(std::chrono::seconds(second));
}

/// A page with the steps of seconds `newest` down to `oldest`; whether it reaches far enough.
bool page(ship::dedup_window& w, int newest, int oldest, bool settle = true) {
    w.begin_page();
    for (int s = newest; s >= oldest; --s) {
        const auto k = key(static_cast<std::uint64_t>(s));
        w.read(k, w.knows(k), at(s));
        if (settle)
            w.settle(k);
    }
    return w.has_reached();
}

} // namespace

BOOST_AUTO_TEST_SUITE(dedup_window)

BOOST_AUTO_TEST_CASE(a_poll_reaches_past_what_the_last_complete_one_read_first) {
    ship::dedup_window w(1000);
    BOOST_TEST(w.is_empty());
    w.begin_poll();
    BOOST_TEST(w.is_behind());
    page(w, 10, 1);
    w.end_poll();
    BOOST_TEST(!w.is_behind());
    BOOST_TEST(!w.is_empty());
    w.begin_poll();
    BOOST_TEST(!page(w, 20, 11));
    BOOST_TEST(page(w, 20, 10));
    w.end_poll();
    w.begin_poll();
    BOOST_TEST(!page(w, 30, 21));
    BOOST_TEST(page(w, 30, 19));
}

BOOST_AUTO_TEST_CASE(what_a_broken_off_poll_read_is_not_reached) {
    ship::dedup_window w(1000);
    w.begin_poll();
    page(w, 10, 1);
    w.end_poll();
    for (int again = 0; again != 3; ++again) {
        w.begin_poll();
        BOOST_TEST(!page(w, 30, 21));
        BOOST_TEST(w.is_behind());
    }
    w.begin_poll();
    BOOST_TEST(page(w, 30, 10));
}

BOOST_AUTO_TEST_CASE(a_gap_outlasts_a_restart_even_if_all_that_lies_behind_it_was_forgotten) {
    ship::dedup_window w(10);
    w.begin_poll();
    page(w, 10, 1);
    w.end_poll();
    w.begin_poll();
    BOOST_TEST(!page(w, 30, 21));
    ship::shipper_state s;
    w.save(s);
    BOOST_TEST(s.known.size() == 10u);
    ship::dedup_window next(10);
    next.restore(s);
    BOOST_TEST(!next.is_empty());
    next.begin_poll();
    BOOST_TEST(!page(next, 30, 21));
    BOOST_TEST(next.knows(key(30)));
    BOOST_TEST(page(next, 30, 9));
}

BOOST_AUTO_TEST_CASE(executions_that_were_created_at_once_are_told_apart) {
    ship::dedup_window w(1000);
    const auto read = [&w](std::uint64_t newest, std::uint64_t oldest) {
        w.begin_page();
        for (auto k = newest; k >= oldest; --k) {
            w.read(key(k), w.knows(key(k)), at(7));
            w.settle(key(k));
        }
        return w.has_reached();
    };
    w.begin_poll();
    read(10, 1);
    w.end_poll();
    w.begin_poll();
    BOOST_TEST(!read(20, 11));
    w.begin_poll();
    BOOST_TEST(!read(20, 11));
    BOOST_TEST(read(20, 10));
}

BOOST_AUTO_TEST_CASE(steps_of_no_known_time_count_once_they_were_read) {
    ship::dedup_window w(1000);
    const auto read = [&w](std::uint64_t newest, std::uint64_t oldest) {
        w.begin_page();
        for (auto k = newest; k >= oldest; --k) {
            w.read(key(k), w.knows(key(k)), std::nullopt);
            w.settle(key(k));
        }
        return w.has_reached();
    };
    w.begin_poll();
    read(10, 1);
    w.end_poll();
    w.begin_poll();
    BOOST_TEST(!read(20, 11));
    w.begin_poll();
    BOOST_TEST(read(21, 20));
}

BOOST_AUTO_TEST_CASE(after_an_empty_answer_everything_is_new) {
    ship::dedup_window w(1000);
    w.begin_poll();
    w.begin_page();
    w.end_poll();
    BOOST_TEST(!w.is_empty());
    w.begin_poll();
    BOOST_TEST(!page(w, 30, 1));
    w.end_poll();
    w.begin_poll();
    BOOST_TEST(page(w, 30, 29));
}

BOOST_AUTO_TEST_SUITE_END()
