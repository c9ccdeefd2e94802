#include <lokiship/ship/dedup_window.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

BOOST_AUTO_TEST_SUITE(dedup_window)

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

constexpr aoss::step_key key(std::uint64_t n) {
    return {n, 0, 1, 0};
}
std::optional<timestamp> at(int second) {
    return timestamp(std::chrono::seconds(second));
}

/// A page with the steps `newest` down to `oldest`, created when `created` says, all settled then; whether it reaches far
/// enough.
template <class F>
bool page(ship::dedup_window& w, int newest, int oldest, F created) {
    w.begin_page();
    for (int s = newest; s >= oldest; --s) {
        const auto k = key(static_cast<std::uint64_t>(s));
        w.read(k, w.knows(k), created(s));
        w.settle(k);
    }
    return w.has_reached();
}
bool page(ship::dedup_window& w, int newest, int oldest) {
    return page(w, newest, oldest, at);
}

} // namespace

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
    const auto at_once = [](int) { return at(7); };
    w.begin_poll();
    page(w, 10, 1, at_once);
    w.end_poll();
    w.begin_poll();
    BOOST_TEST(!page(w, 20, 11, at_once));
    w.begin_poll();
    BOOST_TEST(!page(w, 20, 11, at_once));
    BOOST_TEST(page(w, 20, 10, at_once));
}

BOOST_AUTO_TEST_CASE(steps_of_no_known_time_count_once_they_were_read) {
    ship::dedup_window w(1000);
    const auto unknown = [](int) { return std::optional<timestamp>(); };
    w.begin_poll();
    page(w, 10, 1, unknown);
    w.end_poll();
    w.begin_poll();
    BOOST_TEST(!page(w, 20, 11, unknown));
    w.begin_poll();
    BOOST_TEST(page(w, 21, 20, unknown));
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
