#include "printing.hpp"

#include <lokiship/ship/spool.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <vector>

BOOST_AUTO_TEST_SUITE(spool)

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

const timestamp start(std::chrono::seconds(1'700'000'000));

loki::labels stream(unsigned n) {
    return {{"job", "aoss"}, {"server_id", std::to_string(n)}};
}

struct step {
    unsigned stream = 0;
    timestamp time{};
    std::string line;
    aoss::step_key key{};
};

/// Executions with several steps each, newest first, as a page has them; `jumble` puts them in any order.
std::vector<step> history(std::size_t executions, unsigned streams, std::size_t line, bool jumble,
                          unsigned seed = 1) {
    std::mt19937 random(seed);
    std::vector<std::vector<step>> out;
    for (std::size_t i = 0; i != executions; ++i) {
        std::vector<step> e;
        const timestamp time = start - (i / 2) * 1s; // two executions a moment
        const auto s = static_cast<unsigned>(random() % streams);
        for (std::int64_t n = 1; n <= 3; ++n)
            e.push_back(
                {s, time, std::string(random() % line, 'x') + std::to_string(i), {random(), i, n, random()}});
        for (auto& st : e)
            st.key.execution_high = e[0].key.execution_high;
        out.push_back(std::move(e));
    }
    if (jumble)
        std::shuffle(out.begin(), out.end(), random);
    std::vector<step> flat;
    for (auto& e : out)
        for (auto& s : e)
            flat.push_back(std::move(s));
    return flat;
}

void fill(ship::spool& s, const std::vector<step>& steps) {
    for (const auto& e : steps)
        s.add(stream(e.stream), e.time, e.line, e.key);
    s.finish();
}

/// What the spool must give for a stream.
std::map<unsigned, std::vector<step>> sorted(const std::vector<step>& steps) {
    std::map<unsigned, std::vector<step>> out;
    for (const auto& e : steps)
        out[e.stream].push_back(e);
    for (auto& [n, list] : out) {
        // Those of one execution as they came.
        std::map<std::tuple<timestamp, std::uint64_t, std::uint64_t, std::size_t>, step> order;
        for (auto& e : list)
            order.emplace(std::tuple(e.time, e.key.execution_high, e.key.execution_low, order.size()), e);
        list.clear();
        for (auto& [rank, e] : order)
            list.push_back(std::move(e));
    }
    return out;
}

unsigned number(const ship::spool& s, std::uint32_t i) {
    return static_cast<unsigned>(std::stoul(std::string(s.streams()[i].labels.get("server_id"))));
}

void check(const ship::spool& s, const std::vector<step>& steps, std::size_t release_every = 0) {
    const auto expected = sorted(steps);
    BOOST_TEST_REQUIRE(s.streams().size() == expected.size());
    for (std::uint32_t i = 0; i != s.streams().size(); ++i) {
        const auto& list = expected.at(number(s, i));
        BOOST_TEST(s.streams()[i].entries == list.size());
        BOOST_TEST((s.streams()[i].oldest == list.front().time));
        BOOST_TEST((s.streams()[i].newest == list.back().time));
        std::uint64_t bytes = 0;
        auto cursor = s.read(i);
        ship::spooled_entry got;
        for (const auto& e : list) {
            // Once an entry takes long.
            if (!cursor.next(got) || got.time != e.time || got.line.read() != e.line || got.key != e.key ||
                got.stream != i)
                BOOST_FAIL("stream " << i << ", before " << cursor.position() << ": not the entry expected");
            bytes += e.line.size();
            if (release_every != 0 && cursor.position() % release_every == 0)
                cursor.release();
        }
        BOOST_TEST(!cursor.next(got));
        BOOST_TEST(cursor.position() == list.size());
        BOOST_TEST(s.streams()[i].bytes == bytes);
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(gives_each_stream_oldest_first_whatever_the_order_and_the_memory) {
    for (const bool jumble : {false, true})
        for (const std::size_t memory : {64u * 1024, 200u * 1024, 8u * 1024 * 1024}) {
            const auto steps = history(2000, 7, 400, jumble);
            ship::spool s({{}, memory});
            fill(s, steps);
            check(s, steps);
            check(s, steps, 3);
        }
}

BOOST_AUTO_TEST_CASE(lines_are_read_when_they_are_asked_for_in_any_order) {
    const auto steps = history(3000, 7, 400, false);
    ship::spool s({{}, 200 * 1024});
    fill(s, steps);
    std::map<aoss::step_key, std::string> lines;
    for (const auto& e : steps)
        lines[e.key] = e.line;
    std::vector<ship::spooled_entry> all;
    for (std::uint32_t i = 0; i != s.streams().size(); ++i) {
        auto cursor = s.read(i);
        for (ship::spooled_entry e; cursor.next(e);)
            all.push_back(e);
    }
    BOOST_TEST_REQUIRE(all.size() == steps.size());
    std::mt19937 random(1);
    for (int round = 0; round != 3; ++round) {
        for (const auto& e : all)
            if (e.line.size() != lines[e.key].size() || e.line.read() != lines[e.key] ||
                e.read() != loki::entry{e.time, lines[e.key]})
                BOOST_FAIL("round " << round << ": not the line expected");
        std::shuffle(all.begin(), all.end(), random);
    }
}

BOOST_AUTO_TEST_CASE(many_runs_are_merged_again_and_again) {
    const auto steps = history(40'000, 5, 100, true);
    ship::spool s({{}, 64 * 1024});
    fill(s, steps);
    // 12 MB in pieces of 64 KiB are some 190 runs.
    BOOST_TEST(s.runs() < 40u);
    check(s, steps);
}

BOOST_AUTO_TEST_CASE(many_streams_are_merged_before_their_places_fill_the_memory) {
    const auto steps = history(120'000, 60'000, 8, true);
    ship::spool s({{}, 2 * 1024 * 1024});
    fill(s, steps);
    BOOST_TEST(s.runs() < 5u);
    check(s, steps);
}

BOOST_AUTO_TEST_CASE(long_lines_and_empty_ones) {
    std::vector<step> steps;
    for (unsigned i = 0; i != 20; ++i)
        steps.push_back({i % 2, start + i * 1s, std::string(i % 3 == 0 ? 0 : i * 40'000, 'l'), {1, i, 1, 1}});
    ship::spool s({{}, 1024 * 1024});
    fill(s, steps);
    check(s, steps);
    BOOST_TEST(s.streams()[0].longest_line == 640'000u);

    ship::spool small({{}, 64 * 1024});
    BOOST_CHECK_THROW(small.add(stream(1), start, std::string(65 * 1024, 'l'), {}),
                      boost::system::system_error);
}

BOOST_AUTO_TEST_CASE(nothing_at_all) {
    ship::spool s;
    s.finish();
    BOOST_TEST(s.streams().empty());
    BOOST_TEST(s.size() == 0u);
}

BOOST_AUTO_TEST_CASE(one_order_for_all_streams) {
    const auto steps = history(500, 9, 300, true);
    ship::spool s({{}, 64 * 1024, true});
    fill(s, steps);
    auto cursor = s.read(0);
    ship::spooled_entry got;
    std::size_t n = 0;
    for (timestamp last = start - 24h; cursor.next(got); ++n) {
        BOOST_TEST_REQUIRE((got.time >= last));
        BOOST_TEST_REQUIRE(got.stream < s.streams().size());
        last = got.time;
    }
    BOOST_TEST(n == steps.size());
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_is_named) {
    const auto fails_with = [](const char* folder, const char* text) {
        try {
            ship::spool s({folder});
            fill(s, history(1, 1, 10, false));
            BOOST_ERROR("it did not fail");
        } catch (const boost::system::system_error& e) {
            BOOST_TEST(std::string(e.what()).find(text) == 0u, e.what());
        }
    };
    fails_with("/nowhere/at/all",
               "the spool in '/nowhere/at/all': a temporary file cannot be opened: No such file");
    fails_with("/dev/null", "the spool in '/dev/null': a temporary file cannot be opened: Not a directory");
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_named) {
    BOOST_CHECK_THROW(ship::spool({{}, 1000}), std::invalid_argument);
    BOOST_CHECK_THROW(ship::spool({{}, std::size_t{1} << 31}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(structured_metadata_lies_with_the_line) {
    const auto steps = history(900, 5, 300, true);
    const auto metadata_of = [](const aoss::step_key& k) -> loki::labels {
        if (k.content % 3 == 0)
            return {};
        return {{"step", std::to_string(k.step)}, {"x", std::string(k.content % 2'000, 'm')}};
    };
    ship::spool s({{}, 256 * 1024});
    for (const auto& e : steps)
        s.add(s.stream(stream(e.stream)), e.time, e.line, e.key, metadata_of(e.key));
    s.finish();
    check(s, steps); // the lines and their sizes are what they would be without
    for (const auto& [n, list] : sorted(steps))
        for (std::uint32_t i = 0; i != s.streams().size(); ++i) {
            if (number(s, i) != n)
                continue;
            auto cursor = s.read(i);
            ship::spooled_entry got;
            for (const auto& e : list) {
                BOOST_TEST_REQUIRE(cursor.next(got));
                const loki::entry whole = got.read();
                if (whole.line != e.line || whole.metadata != metadata_of(e.key))
                    BOOST_FAIL("not the entry expected");
                const auto bytes = loki::metadata_bytes(whole.metadata);
                BOOST_TEST((got.line.metadata_size() >= bytes && got.line.metadata_size() <= bytes + 8));
            }
        }

    ship::spool full;
    const auto number = full.stream(stream(1));
    const loki::labels most{{"n", std::string(65'535 - 5, 'm')}}, more{{"n", std::string(65'536 - 5, 'm')}};
    full.add(number, start, "l", {}, most);
    BOOST_CHECK_EXCEPTION(
        full.add(number, start, "l", {}, more), boost::system::system_error, [](const auto& e) {
            return e.code() == errc::page_field_too_long &&
                   std::string(e.what()).find(" and 65536 bytes is more than an entry may have") !=
                       std::string::npos;
        });
    std::vector<loki::label> names;
    for (int i = 100; i != 356; ++i)
        names.push_back({'n' + std::to_string(i), "v"});
    BOOST_CHECK_THROW(full.add(number, start, "l", {}, loki::labels::from_sorted(names)),
                      boost::system::system_error);
    names.pop_back();
    const auto many = loki::labels::from_sorted(names);
    full.add(number, start + 1s, "l", {}, many);
    full.finish();
    ship::spooled_entry got;
    auto cursor = full.read(0);
    BOOST_TEST_REQUIRE(cursor.next(got));
    BOOST_TEST((got.read().metadata == most && got.read().line == "l"));
    BOOST_TEST(got.line.metadata_labels() == 1u);
    BOOST_TEST_REQUIRE(cursor.next(got));
    BOOST_TEST((got.read().metadata == many && got.read().line == "l"));
    BOOST_TEST(got.line.metadata_labels() == 255u);
}

BOOST_AUTO_TEST_SUITE_END()
