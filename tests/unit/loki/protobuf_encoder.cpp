#include <lokiship/loki/protobuf_encoder.hpp>
#include <lokiship/testing/fake_loki/protobuf_push.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(protobuf_encoder_)

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

std::string uncompressed(const std::string& body) {
    std::string out;
    BOOST_TEST_REQUIRE(snappy::Uncompress(body.data(), body.size(), &out));
    return out;
}

std::vector<testing::pushed_stream> decoded(const std::string& body) {
    const auto out = testing::decode_protobuf_push(body);
    BOOST_TEST_REQUIRE(out.has_value());
    return *out;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_golden_vector) {
    // Seen to be taken by real Lokis.
    loki::protobuf_encoder e;
    e.begin_stream({{"a", "b"}});
    e.add(timestamp(1s + 5ns), "hello");
    const std::string expected("\x0a\x18\x0a\x07{a=\"b\"}\x12\x0d\x0a\x04\x08\x01\x10\x05\x12\x05hello", 26);
    BOOST_TEST(e.size() >= expected.size());
    BOOST_TEST(uncompressed(e.finish()) == expected);
    BOOST_TEST(uncompressed(e.finish()) == "");
    BOOST_TEST(e.content_type() == "application/x-protobuf");
    BOOST_TEST(e.content_encoding() == "");
}

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
    loki::protobuf_encoder e;
    const std::string every("\0\x01\n\"\\ äöü €😀", 20);
    const std::vector<timestamp> times{timestamp{},
                                       timestamp(-1ns),
                                       timestamp(-1s),
                                       timestamp(1s),
                                       timestamp(999'999'999ns),
                                       timestamp(9'223'372'035s),
                                       timestamp(-9'223'372'036s)};
    const loki::labels metadata{{"original_timestamp", every}, {"b", "2"}};
    for (int round = 0; round != 2; ++round) {
        for (const std::size_t size : {0u, 1u, 127u, 128u, 20'000u}) {
            e.begin_stream({{"job", "aoss"}, {"size", std::to_string(size)}, {"v", every}});
            for (const auto t : times) {
                e.add(t, std::string(size, 'x'));
                e.add(t, every, metadata);
                e.add(t, "undone");
                e.undo();
            }
        }
        e.begin_stream({{"empty", "1"}});
        const auto size = e.size();
        const std::string body = e.finish();
        BOOST_TEST(uncompressed(body).size() <= size);
        const auto streams = decoded(body);
        BOOST_TEST_REQUIRE(streams.size() == 6u);
        BOOST_TEST(streams[0].labels == loki::to_string({{"job", "aoss"}, {"size", "0"}, {"v", every}}));
        BOOST_TEST(streams[5].labels == R"({empty="1"})");
        BOOST_TEST(streams[5].entries.empty());
        std::size_t i = 0;
        for (const std::size_t length : {0u, 1u, 127u, 128u, 20'000u}) {
            const auto& entries = streams[i++].entries;
            BOOST_TEST_REQUIRE(entries.size() == 2 * times.size());
            for (std::size_t n = 0; n != times.size(); ++n) {
                BOOST_TEST((entries[2 * n].time == times[n]));
                BOOST_TEST(entries[2 * n].line == std::string(length, 'x'));
                BOOST_TEST(entries[2 * n].metadata.empty());
                BOOST_TEST(entries[2 * n + 1].line == every);
                BOOST_TEST_REQUIRE(entries[2 * n + 1].metadata.size() == 2u);
                BOOST_TEST(entries[2 * n + 1].metadata[1].value == every);
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
