#include <lokiship/ship/outbox.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

using namespace lokiship;
using ship::outbox;

namespace {

/// A step of stream `stream` at second `time`; `id` tells it from others.
aoss::mapped_step step(std::string stream, int time, std::uint64_t id, std::size_t length = 1) {
    aoss::mapped_step out;
    out.labels.set("stream", stream);
    out.entry.time = timestamp(std::chrono::seconds(time));
    out.entry.line = std::to_string(id);
    out.entry.line.resize(length, '.');
    out.key.content = id;
    return out;
}

std::string lines(const outbox& box) {
    std::string out;
    box.visit([&](const loki::labels& l, const loki::entry& e) {
        out += std::string(l.get("stream")) + e.line + ' ';
    });
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(outbox_)

BOOST_AUTO_TEST_CASE(each_stream_is_oldest_first_and_equal_times_stay_as_they_came) {
    outbox box;
    // Newest first, the steps of an execution in order, as a page has them.
    for (int time : {9, 5, 5, 1, 7})
        for (const char* stream : {"a", "b"})
            BOOST_TEST(box.add(step(stream, time, box.size())));
    BOOST_TEST(lines(box) == "a6 a2 a4 a8 a0 b7 b3 b5 b9 b1 ");
    BOOST_TEST(box.streams() == 2u);
    BOOST_TEST(!box.add(step("a", 3, 4)));
    BOOST_TEST(box.size() == 10u);
}

BOOST_AUTO_TEST_CASE(a_batch_keeps_both_limits) {
    outbox box;
    for (std::uint64_t i = 0; i != 6; ++i)
        box.add(step("a", static_cast<int>(i), i, 10));
    outbox::lane& lane = *box.next();
    const struct {
        ship::batch_limits limits;
        std::size_t lane_limit, expected;
    } table[] = {
        {{100, 1000}, 0, 6}, {{6, 1000}, 0, 6}, {{5, 1000}, 0, 5}, {{1, 1000}, 0, 1}, {{100, 60}, 0, 6},
        {{100, 59}, 0, 5},   {{100, 9}, 0, 1},  {{100, 0}, 0, 1},  {{5, 1000}, 2, 2}, {{2, 1000}, 5, 2},
    };
    for (const auto& t : table) {
        lane.max_entries = t.lane_limit;
        BOOST_TEST(outbox::batch_size(lane, t.limits) == t.expected);
    }
}

BOOST_AUTO_TEST_CASE(streams_take_turns_and_a_busy_or_postponed_one_is_left_out) {
    outbox box;
    for (const char* stream : {"a", "b", "c"})
        box.add(step(stream, 0, box.size()));
    const auto next = [&] {
        const auto* lane = box.next();
        return lane ? std::string(lane->labels.get("stream")) : "none";
    };
    for (const char* expected : {"a", "b", "c", "a"})
        BOOST_TEST(next() == expected);
    box.next()->in_flight = true; // b
    for (const char* expected : {"c", "a", "c"})
        BOOST_TEST(next() == expected);
    box.next()->postponed = true; // a
    BOOST_TEST(next() == "c");
    box.next()->postponed = true; // c
    BOOST_TEST(next() == "none");
    box.new_round();
    BOOST_TEST(next() == "a"); // b is still in flight
}

BOOST_AUTO_TEST_CASE(what_is_settled_is_gone) {
    outbox box;
    for (std::uint64_t i = 0; i != 3; ++i)
        box.add(step("a", static_cast<int>(i), i), 7 + i);
    BOOST_TEST_REQUIRE(box.find(step("a", 0, 1).key));
    BOOST_TEST(*box.find(step("a", 0, 1).key) == 8u);
    std::string settled;
    box.settle(*box.next(), 2, [&](const outbox::pending_entry& p) {
        BOOST_TEST(box.find(p.key)); // told before it leaves
        settled += p.entry.line;
    });
    BOOST_TEST(settled == "01");
    BOOST_TEST(lines(box) == "a2 ");
    BOOST_TEST(!box.find(step("a", 0, 1).key));
    box.settle(*box.next(), 1, [](const outbox::pending_entry&) {});
    BOOST_TEST(box.empty());
    BOOST_TEST(box.streams() == 0u);
    BOOST_TEST(!box.next());
}

BOOST_AUTO_TEST_SUITE_END()
