#include <lokiship/loki/selector.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(selector)

using namespace lokiship;

namespace {

std::optional<std::string> selector_of(const std::vector<loki::labels>& streams,
                                       const loki::selector_limits& limits = {}) {
    std::vector<const loki::labels*> all;
    for (const auto& s : streams)
        all.push_back(&s);
    return loki::selector(all, limits);
}

} // namespace

BOOST_AUTO_TEST_CASE(it_leaves_out_what_loki_2_9_stores_otherwise) {
    BOOST_TEST(loki::selector({{"a", "x"}, {"b", "y\\z"}, {"c", "\n"}, {"d", "\""}}) == R"({a="x"})");
    BOOST_TEST(loki::selector({{"b", "y\\z"}}) == R"({b="y\\z"})");
}

BOOST_AUTO_TEST_CASE(one_for_several_streams_names_what_they_share_once) {
    BOOST_TEST(selector_of({{{"a", "1"}, {"b", "x"}}}).value() == R"({a="1", b="x"})");
    BOOST_TEST(selector_of({{{"a", "1"}, {"b", "x"}}, {{"a", "1"}, {"b", "x"}}}).value() ==
               R"({a="1", b="x"})");
    BOOST_TEST(selector_of({{{"a", "1"}, {"b", "x"}}, {{"a", "1"}, {"b", "y"}}}).value() ==
               R"({a="1", b=~"x|y"})");
    BOOST_TEST(
        selector_of({{{"a", "2"}, {"b", "x"}}, {{"a", "1"}, {"b", "x"}}, {{"a", "1"}, {"b", "y"}}}).value() ==
        R"({a=~"1|2", b=~"x|y"})");
}

BOOST_AUTO_TEST_CASE(values_stand_for_themselves) {
    BOOST_TEST(loki::quote_regex("a-b/c d#ü<>") == "a-b/c d#ü<>");
    BOOST_TEST(loki::quote_regex(R"(\.+*?()|[]{}^$)") == R"(\\\.\+\*\?\(\)\|\[\]\{\}\^\$)");
    BOOST_TEST(selector_of({{{"a", "1.5"}}, {{"a", "b|c"}}}).value() == R"({a=~"1\\.5|b\\|c"})");
    BOOST_TEST(selector_of({{{"a", "\"\\\n"}}, {{"a", "ü"}}}).value() == R"({a=~"\"\\\\\n|ü"})");
}

BOOST_AUTO_TEST_CASE(of_labels_that_stand_for_one_another_the_shortest_is_named) {
    BOOST_TEST(
        selector_of({{{"id", "0001"}, {"j", "x"}, {"tag", "p"}}, {{"id", "0002"}, {"j", "x"}, {"tag", "q"}}})
            .value() == R"({j="x", tag=~"p|q"})");
    BOOST_TEST(
        selector_of(
            {{{"id", "0001"}, {"tag", "p"}}, {{"id", "0002"}, {"tag", "p"}}, {{"id", "0003"}, {"tag", "q"}}})
            .value() == R"({id=~"0001|0002|0003", tag=~"p|q"})");
}

BOOST_AUTO_TEST_CASE(there_is_none_beyond_the_limits) {
    std::vector<loki::labels> streams;
    for (std::size_t i = 0; i != 4; ++i)
        streams.push_back({{"a", std::string(1, static_cast<char>('a' + i))}});
    BOOST_TEST(selector_of(streams, {100, 1}).value() == R"({a=~"a|b|c|d"})");
    BOOST_TEST(selector_of(streams, {14, 1}).has_value());
    BOOST_TEST(!selector_of(streams, {13, 1}));

    // Sixteen combinations of five streams.
    for (std::size_t i = 0; i != 4; ++i)
        streams[i].set("b", std::string(1, static_cast<char>('a' + i)));
    streams.push_back({{"a", "a"}, {"b", "b"}});
    BOOST_TEST(!selector_of(streams, {100, 3}));
    BOOST_TEST(selector_of(streams, {100, 4}).value() == R"({a=~"a|b|c|d", b=~"a|b|c|d"})");

    // One stream has a selector always.
    BOOST_TEST(selector_of({{{"a", std::string(200, 'x')}}}, {10, 1}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
