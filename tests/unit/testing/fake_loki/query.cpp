#include <lokiship/testing/fake_loki/query.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <string>

BOOST_AUTO_TEST_SUITE(query)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

const timestamp now(1'795'439'523s);

std::string bounds(const query_parameters& p) {
    const auto r = read_bounds(p, now);
    if (!r)
        return r.error().message;
    return std::to_string((now - r->start) / 1ms) + ' ' + std::to_string((now - r->end) / 1ms);
}

} // namespace

BOOST_AUTO_TEST_CASE(the_range_of_a_query) {
    BOOST_TEST(bounds({}) == "3600000 0");
    BOOST_TEST(bounds({{"since", "1d2h3m4s5ms"}}) == "93784005 0");
    BOOST_TEST(bounds({{"end", "1795439503"}}) == "3620000 20000");
    // The default start is counted from now where the end is later.
    BOOST_TEST(bounds({{"end", "1795439623"}}) == "3600000 -100000");
    BOOST_TEST(bounds({{"start", "1795439522.4996"}}) == "500 0");
    BOOST_TEST(bounds({{"start", "2026-11-23T13:12:02Z"}}) == "1000 0");
    BOOST_TEST(bounds({{"start", "1795439522000"}}).starts_with("1795437727")); // milliseconds mean 1970
    for (const char* bad : {"", "h", "1", "-1h", "1h2", "1x"})
        if (*bad)
            BOOST_TEST(bounds({{"since", bad}}).starts_with("could not parse 'since' parameter: "), bad);
    BOOST_TEST(bounds({{"end", "tomorrow"}}).starts_with("could not parse 'end' parameter: "));
}

BOOST_AUTO_TEST_CASE(lines_stand_in_an_answer_as_go_writes_them) {
    std::string out;
    lokiship::testing::detail::append_go_json(out, "<a>&\"\\\n\r\t\x01 \xff \xc3\xa9");
    BOOST_TEST(out == "\"\\u003ca\\u003e\\u0026\\\"\\\\\\n\\r\\t\\u0001 \xef\xbf\xbd \xc3\xa9\"");
}

BOOST_AUTO_TEST_SUITE_END()
