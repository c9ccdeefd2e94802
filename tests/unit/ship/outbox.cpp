#include <lokiship/ship/outbox.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

BOOST_AUTO_TEST_SUITE(outbox_)

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

bool add(outbox& box, const aoss::mapped_step& s) {
    return box.add(s.labels, s.entry, s.key);
}

std::string lines(outbox& box) {
    std::string out;
    box.visit([&](const loki::labels& l, const loki::entry& e) {
        out += std::string(l.get("stream")) + e.line + ' ';
    });
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(each_stream_is_oldest_first_and_equal_times_stay_as_they_came) {
    outbox box;
    // Newest first, the steps of an execution in order, as a page has them.
    for (int time : {9, 5, 5, 1, 7})
        for (const char* stream : {"a", "b"})
            BOOST_TEST(add(box, step(stream, time, box.size())));
    BOOST_TEST(lines(box) == "a6 a2 a4 a8 a0 b7 b3 b5 b9 b1 ");
    BOOST_TEST(box.ready() == 2u);
    BOOST_TEST(!add(box, step("a", 3, 4)));
    BOOST_TEST(box.size() == 10u);
    // A key that is pending changes nothing, in another stream neither.
    const auto memory = box.memory();
    BOOST_TEST(!add(box, step("c", 3, 4)));
    BOOST_TEST(box.find_stream({{"stream", "c"}}) == nullptr);
    BOOST_TEST(box.memory() == memory);
}

BOOST_AUTO_TEST_CASE(what_comes_later_does_not_get_between_what_is_on_its_way) {
    outbox box;
    for (int time : {1, 3})
        add(box, step("a", time, box.size()));
    outbox::lane& lane = *box.next();
    lane.batch.swap(lane.queue);
    add(box, step("a", 2, 2));
    add(box, step("a", 0, 3));
    BOOST_TEST(lines(box) == "a0 a1 a3 a2 ");
    BOOST_TEST(box.next() == &lane);
}

BOOST_AUTO_TEST_CASE(the_stream_with_the_oldest_entry_is_next_and_a_busy_or_postponed_one_is_left_out) {
    outbox box;
    add(box, step("a", 5, 0));
    add(box, step("a", 2, 1));
    add(box, step("b", 3, 2));
    add(box, step("c", 1, 3));
    const auto next = [&] {
        const auto* lane = box.next();
        return lane ? std::string(lane->labels.get("stream")) : "none";
    };
    BOOST_TEST(next() == "c");
    box.next()->in_flight = true; // c
    BOOST_TEST(next() == "a");
    auto* a = box.next();
    a->batch.push_back(a->queue.front());
    a->queue.pop_front();
    BOOST_TEST(next() == "a");
    a->postponed = true;
    BOOST_TEST(next() == "b");
    box.next()->postponed = true; // b
    BOOST_TEST(next() == "none");
    box.new_round();
    BOOST_TEST(next() == "a"); // c is still in flight
    // What failed comes last.
    box.next()->failed = 7;
    BOOST_TEST(next() == "b");
    box.next()->failed = 5;
    BOOST_TEST(next() == "b");
    box.next()->failed = 8;
    BOOST_TEST(next() == "a");
}

BOOST_AUTO_TEST_CASE(a_key_is_pending_until_it_is_settled) {
    outbox box;
    for (std::uint64_t i = 0; i != 3; ++i)
        add(box, step("a", static_cast<int>(i), i));
    BOOST_TEST(box.contains(step("a", 0, 1).key));
    outbox::lane& lane = *box.next();
    box.settled(lane.queue.front());
    lane.queue.pop_front();
    BOOST_TEST(box.size() == 2u);
    BOOST_TEST(!box.contains(step("a", 0, 0).key));
    BOOST_TEST(add(box, step("a", 5, 0)));
    while (!lane.queue.empty()) {
        box.settled(lane.queue.front());
        lane.queue.pop_front();
    }
    BOOST_TEST(box.empty());
    BOOST_TEST(!box.next());
}

BOOST_AUTO_TEST_CASE(a_stream_is_forgotten_when_loki_may_have_forgotten_it) {
    using namespace std::chrono_literals;
    const loki::ingester_limits limits;
    outbox box;
    const auto forgotten = [&] {
        const auto s = step("a", 9, 1);
        add(box, s);
        outbox::lane& lane = *box.next();
        const bool out = !lane.window.newest();
        box.settled(lane.queue.front());
        lane.queue.clear();
        return out;
    };
    BOOST_TEST(forgotten());
    add(box, step("a", 1, 2));
    outbox::lane& lane = *box.next();
    lane.window.stored(timestamp(), timestamp(1s), steady_time(), limits);
    box.forget_idle(steady_time(1h), limits, 1 << 20); // it has something pending
    box.settled(lane.queue.front());
    lane.queue.clear();
    box.forget_idle(steady_time(29min), limits, 1 << 20);
    BOOST_TEST(!forgotten());
    box.forget_idle(steady_time(30min), limits, 1 << 20);
    BOOST_TEST(forgotten());
}

BOOST_AUTO_TEST_CASE(its_memory_is_known) {
    outbox box;
    const loki::ingester_limits limits;
    BOOST_TEST(box.memory() == 0u);
    auto big = step("a", 0, 0);
    big.entry.line = std::string(10'000, 'x');
    add(box, big);
    BOOST_TEST(box.memory() > 10'000u);
    BOOST_TEST(box.memory() < 15'000u);
    // Structured metadata takes some too, whether it is sent or not.
    const auto before = box.memory();
    auto described = step("a", 1, 1);
    described.entry.metadata = {{"user_id", std::string(5'000, 'u')}};
    add(box, described);
    BOOST_TEST(box.memory() > before + 5'000u);
    auto& last = box.next()->queue.back();
    last.leave_out_metadata();
    box.settled(last);
    box.next()->queue.pop_back();
    BOOST_TEST(box.memory() == before);
    outbox::lane& lane = *box.next();
    // What is added to a line for its own time does not count, and is not taken off.
    lane.queue.front().entry.line += "more";
    lane.queue.front().suffix_size = 4;
    box.settled(lane.queue.front());
    lane.queue.clear();
    const auto idle = box.memory();
    BOOST_TEST(idle > 0u);
    BOOST_TEST(idle < 3'000u);
    lane.window.stored(timestamp(), timestamp(), steady_time(), limits);
    box.forget_idle(steady_time(), limits, idle);
    BOOST_TEST(box.memory() == idle);
    box.forget_idle(steady_time(), limits, idle - 1);
    BOOST_TEST(box.memory() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
