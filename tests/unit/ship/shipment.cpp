#include <lokiship/ship/shipment.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(shipment_)

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t line_size = 1000;
std::string line(std::string_view stream, std::int64_t n) {
    std::string out = std::string(stream) + ' ' + std::to_string(n) + ' ';
    out.resize(line_size, 'x');
    return out;
}

/// So many streams of as many kilobytes each, at the same times.
struct history {
    history(int streams, int lines, const ship::shipment::options& o)
        : history(std::vector<int>(static_cast<std::size_t>(streams), lines), o) {}
    /// Streams of different sizes.
    history(const std::vector<int>& lines, const ship::shipment::options& o)
        : out(spool, box, count, o, [](const auto&, const auto&) { return std::nullopt; }) {
        for (int n = 0; n != *std::max_element(lines.begin(), lines.end()); ++n)
            for (std::size_t s = 0; s != lines.size(); ++s) {
                if (n >= lines[s])
                    continue;
                aoss::step_key key;
                key.execution_low = ++added;
                key.step = n;
                const std::string stream = std::to_string(s);
                spool.add({{"stream", stream}}, timestamp(1s * n), line(stream, n), key);
            }
        spool.finish();
        for (std::uint32_t i = 0; i != spool.streams().size(); ++i) {
            ship::shipment_part part;
            part.stream = i;
            part.labels = spool.streams()[i].labels;
            out.add(std::move(part));
        }
        count.fetched = count.pending = added;
    }
    /// Settles what is in the outbox, of one stream or all.
    void settle(const char* stream = nullptr) {
        box.visit_lanes([&](ship::outbox::lane& l) {
            if (stream && l.labels.get("stream") != stream)
                return;
            for (; !l.queue.empty(); l.queue.pop_front()) {
                out.settled(l.queue.front(), std::nullopt);
                box.settled(l.queue.front());
                ++settled;
            }
        });
    }

    std::uint64_t added = 0, settled = 0;
    ship::spool spool{ship::spool_options{}};
    ship::outbox box;
    ship::counters count;
    ship::shipment out;
};

ship::shipment::options limits(std::size_t streams, std::size_t max_memory) {
    ship::shipment::options out;
    out.streams = streams;
    out.max_entries = 100'000;
    out.max_memory = max_memory;
    out.with_lines = true;
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_there_is_room_for_is_shared_by_all_streams) {
    history h(8, 2000, limits(20, 4'000'000));
    h.out.top_up({});
    BOOST_TEST(h.box.ready() == 8u);
    BOOST_TEST(h.box.memory() > 3'000'000u);
    BOOST_TEST(h.box.memory() < 5'000'000u);
    while (!h.out.empty()) {
        h.settle();
        h.out.top_up({});
        BOOST_TEST_REQUIRE(h.box.memory() < 5'000'000u);
    }
    BOOST_TEST(h.settled == h.added);
}

BOOST_AUTO_TEST_CASE(each_stream_gets_its_share_of_the_room) {
    // Each is through after as many pushes as the others.
    auto options = limits(20, 3'500'000);
    options.max_bytes = 100'000'000;
    history h({4000, 2000, 1000}, options);
    const auto brought = [&](const char* stream) {
        return static_cast<double>(h.box.find_stream({{"stream", stream}})->queue.size());
    };
    int rounds = 0;
    for (; !h.out.empty(); ++rounds) {
        h.out.top_up({});
        if (rounds == 0) {
            BOOST_TEST(brought("0") / brought("1") == 2, boost::test_tools::tolerance(0.05));
            BOOST_TEST(brought("1") / brought("2") == 2, boost::test_tools::tolerance(0.05));
        }
        h.settle();
    }
    BOOST_TEST(rounds <= 4);
    BOOST_TEST(h.settled == h.added);
}

BOOST_AUTO_TEST_CASE(a_stream_that_is_ahead_gets_less) {
    auto options = limits(20, 3'500'000);
    options.max_bytes = 100'000'000;
    history h({4000, 4000}, options);
    const auto brought = [&] {
        return static_cast<double>(h.box.find_stream({{"stream", "0"}})->queue.size());
    };
    h.out.top_up({});
    const double first = brought();
    h.settle("0");
    h.out.top_up({});
    BOOST_TEST(brought() / first == 2 * (4000 - first) / (8000 - first), boost::test_tools::tolerance(0.05));
}

BOOST_AUTO_TEST_CASE(few_streams_get_one_push_each_at_a_time) {
    history h(1, 5000, limits(20, 100'000'000));
    h.out.top_up({});
    // A mebibyte, as a body.
    BOOST_TEST(h.box.size() > 950u);
    BOOST_TEST(h.box.size() < 1048u);
}

BOOST_AUTO_TEST_CASE(where_there_are_many_a_load_is_worth_a_push) {
    history h(200, 200, limits(400, 4'000'000));
    h.out.top_up({});
    BOOST_TEST(h.box.ready() > 20u);
    BOOST_TEST(h.box.ready() < 40u);
    BOOST_TEST(h.box.size() / h.box.ready() >= 100u);
    BOOST_TEST(h.box.memory() < 5'000'000u);
    // More when there is much room again.
    BOOST_TEST(!h.out.needs_more());
    const auto before = h.box.size();
    h.out.top_up({});
    BOOST_TEST(h.box.size() == before);
    h.settle();
    BOOST_TEST(h.out.needs_more());
}

BOOST_AUTO_TEST_CASE(lines_stay_in_the_spool_until_they_are_asked_for) {
    auto options = limits(20, 4'000'000);
    options.with_lines = false;
    history h(8, 900, options);
    h.out.top_up({});
    BOOST_TEST(h.box.size() == h.added);
    BOOST_TEST(h.box.memory() < h.added * 300);
    h.box.visit_lanes([](ship::outbox::lane& l) {
        for (const auto& p : l.queue) {
            BOOST_TEST_REQUIRE(p.entry.line.empty());
            BOOST_TEST_REQUIRE(p.line_size() == line_size);
            BOOST_TEST_REQUIRE(p.line() == line(l.labels.get("stream"), p.key.step));
            BOOST_TEST_REQUIRE(p.original().line == p.line());
        }
    });
    h.settle();
    BOOST_TEST(h.out.bytes_settled() == h.added * line_size);
}

BOOST_AUTO_TEST_CASE(what_a_history_has_twice_is_brought_once) {
    ship::spool spool{ship::spool_options{}};
    ship::outbox box;
    ship::counters count;
    ship::shipment out(spool, box, count, limits(20, 4'000'000),
                       [](const auto&, const auto&) { return std::nullopt; });
    // As pages that overlap by more than the intake remembers bring them.
    for (int again = 0; again != 3; ++again)
        for (std::int64_t execution = 0; execution != 3; ++execution)
            for (std::int64_t step = 0; step != 200; ++step)
                spool.add({{"a", "b"}}, timestamp(1s * (execution / 2)), "x",
                          {1, static_cast<std::uint64_t>(execution), step, 7});
    spool.finish();
    count.fetched = count.pending = 1800;
    ship::shipment_part part;
    part.labels = {{"a", "b"}};
    out.add(std::move(part));
    out.top_up({});
    BOOST_TEST(box.size() == 600u);
    BOOST_TEST(count.duplicate == 1200u);
    BOOST_TEST(count.pending == 600u);
    BOOST_TEST(!box.contains({1, 0, 0, 7}));
    while (box.size() != 0) {
        out.settled(box.next()->queue.front(), std::nullopt);
        box.settled(box.next()->queue.front());
        box.next()->queue.pop_front();
    }
    BOOST_TEST(box.memory() < 3000u);
    BOOST_TEST(out.empty());
}

BOOST_AUTO_TEST_CASE(no_more_is_brought_than_can_be_pushed) {
    history h(20, 200, limits(20, 100'000'000));
    h.out.limit_ready(4);
    h.out.top_up({});
    BOOST_TEST(h.box.ready() == 4u);
    // Those that have to wait are in nobody's way.
    h.box.next()->postponed = true;
    BOOST_TEST(!h.out.needs_more());
    h.box.next()->postponed = true;
    BOOST_TEST(h.out.needs_more());
    h.out.top_up({});
    BOOST_TEST(h.box.ready() == 4u);
    while (!h.out.empty()) {
        h.settle();
        h.out.top_up({});
    }
    BOOST_TEST(h.settled == h.added);
}

BOOST_AUTO_TEST_SUITE_END()
