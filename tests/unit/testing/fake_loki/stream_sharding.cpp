#include <lokiship/testing/fake_loki/stream_sharding.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <set>
#include <string>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(stream_sharding_)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(a_fast_stream_is_split_in_turn_once_its_rate_is_known) {
    loki_limits limits = loki_limits::v3();
    limits.shard_streams_desired_rate = 1000;
    stream_sharding sharding;
    timestamp now(1'795'439'523s);
    const auto push = [&] {
        valid_stream s{{{"a", "1"}}, {}};
        for (int i = 0; i != 10; ++i)
            s.entries.push_back({now, std::string(300, 'x'), {}});
        return sharding.split({std::move(s)}, limits, now);
    };
    BOOST_TEST(push().size() == 1u);
    BOOST_TEST(push().size() == 1u); // in the same second nothing is known yet
    std::set<std::string> names;
    for (int i = 0; i != 3; ++i) {
        now += 1s;
        const auto shards = push();
        BOOST_TEST(shards.size() > 1u);
        std::size_t entries = 0;
        for (const auto& s : shards) {
            names.insert(to_text(s.labels));
            entries += s.entries.size();
        }
        BOOST_TEST(entries == 10u);
    }
    BOOST_TEST(names.count(R"({__stream_shard__="0", a="1"})") == 1u);
    BOOST_TEST(names.size() > 3u);
    now += 10min;
    BOOST_TEST(push().size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_slow_stream_is_left_alone) {
    stream_sharding sharding;
    timestamp now(1'795'439'523s);
    for (int i = 0; i != 20; ++i, now += 200ms) {
        const auto out = sharding.split({{{{"a", "1"}}, {{now, "x", {}}}}}, loki_limits::v3(), now);
        BOOST_TEST_REQUIRE(out.size() == 1u);
        BOOST_TEST(out[0].labels.size() == 1u);
    }
}

BOOST_AUTO_TEST_SUITE_END()
