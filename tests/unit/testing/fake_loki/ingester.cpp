#include <lokiship/testing/fake_loki/ingester.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(ingester_)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

const timestamp start(1'795'439'523s);
const label_list a{{"a", "1"}};

struct fixture {
    loki_limits limits;
    ingester loki;
    discarded_entries discarded;

    unsigned push(std::vector<pushed_entry> entries, timestamp now) {
        return loki.push({{a, std::move(entries)}}, limits, "fake", now, discarded).status;
    }
    const stored_stream& stream() const { return loki.streams().at("{a=\"1\"}"); }
    std::size_t flushed() const {
        std::size_t n = 0;
        for (const auto& e : stream().entries)
            n += e.flushed;
        return n;
    }
};

} // namespace

BOOST_FIXTURE_TEST_CASE(an_idle_stream_is_flushed_and_then_forgotten, fixture) {
    BOOST_TEST(push({{start, "new"}}, start) == 0u);
    loki.sweep(limits, start + 30min, false);
    BOOST_TEST(flushed() == 0u);
    loki.sweep(limits, start + 30min + 1ns, false);
    BOOST_TEST(flushed() == 1u);
    // Flushed, but not forgotten.
    BOOST_TEST(push({{start - 2h, "old"}}, start) == 400u);
    loki.sweep(limits, start + 31min, false);
    BOOST_TEST(push({{start - 2h, "old"}}, start) == 0u);
    BOOST_TEST(stream().entries.size() == 2u);
    BOOST_TEST(discarded.at("too_far_behind") == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_push_between_flush_and_sweep_keeps_the_stream_in_mind, fixture) {
    push({{start, "new"}}, start);
    loki.sweep(limits, start, true);
    push({{start + 1s, "newer"}}, start);
    BOOST_TEST(flushed() == 1u);
    loki.sweep(limits, start + 30s, false);
    BOOST_TEST(push({{start - 2h, "old"}}, start) == 400u);
}

BOOST_FIXTURE_TEST_CASE(a_chunk_that_spans_more_than_two_hours_is_flushed, fixture) {
    push({{start - 2h, "1"}, {start, "2"}}, start);
    loki.sweep(limits, start + 30s, false);
    BOOST_TEST(flushed() == 0u);
    push({{start + 1ns, "3"}}, start);
    loki.sweep(limits, start + 60s, false);
    BOOST_TEST(flushed() == 3u);
}

BOOST_FIXTURE_TEST_CASE(each_time_an_entry_comes_is_counted, fixture) {
    for (int i = 0; i != 3; ++i)
        push({{start, "x"}, {start, "y"}}, start);
    push({{start, "y"}}, start); // equal to the last appended one
    BOOST_TEST(loki.received() == 7u);
    BOOST_TEST_REQUIRE(stream().entries.size() == 2u);
    BOOST_TEST(stream().entries[0].times_received == 3u);
    BOOST_TEST(stream().entries[1].times_received == 4u);
}

BOOST_FIXTURE_TEST_CASE(the_entry_that_repeats_the_last_one_does_not_count_against_the_rate, fixture) {
    limits.per_stream_rate_limit = limits.per_stream_rate_limit_burst = 10;
    BOOST_TEST(push({{start, "0123456789"}}, start) == 0u);
    BOOST_TEST(push({{start, "0123456789"}}, start) == 0u);
    BOOST_TEST(push({{start, "x"}}, start) == 429u);
    BOOST_TEST(push({{start, "x"}}, start + 100ms) == 0u);
    BOOST_TEST(discarded.at("per_stream_rate_limit") == 1u);
}

BOOST_FIXTURE_TEST_CASE(the_status_is_that_of_the_last_failed_entry, fixture) {
    limits.per_stream_rate_limit_burst = 10;
    push({{start, "new"}}, start);
    BOOST_TEST(push({{start, "0123456789"}, {start - 2h, "x"}}, start) == 400u);
    BOOST_TEST(push({{start - 2h, "x"}, {start, "0123456789"}}, start) == 429u);
}

BOOST_FIXTURE_TEST_CASE(times_at_the_edge_of_the_range, fixture) {
    limits.reject_old_samples = false;
    BOOST_TEST(push({{timestamp::min(), "first"}, {timestamp::min() + 1min, "x"}, {timestamp::max(), "last"}},
                    start) == 0u);
    loki.sweep(limits, start, false);
    BOOST_TEST(flushed() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
