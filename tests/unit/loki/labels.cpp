#include <lokiship/loki/labels.hpp>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(labels_)

using lokiship::loki::labels;

BOOST_AUTO_TEST_CASE(are_sorted_and_hold_each_name_once) {
    labels l{{"b", "1"}, {"a", "2"}, {"b", "3"}, {"c", ""}};
    BOOST_TEST(to_string(l) == R"({a="2", b="3"})");
    l.set("a", "");
    BOOST_TEST(to_string(l) == R"({b="3"})");
    BOOST_TEST(l.get("b") == "3");
    BOOST_TEST(l.get("a") == "");
    BOOST_TEST((l == labels{{"b", "3"}}));
    BOOST_TEST(to_string(labels{}) == "{}");
}

BOOST_AUTO_TEST_CASE(are_escaped_as_in_go) {
    BOOST_TEST(to_string(labels{{"a", "x\"y\\z\nü\t\x7f"}}) == R"({a="x\"y\\z\nü\x09\x7f"})");
}

BOOST_AUTO_TEST_SUITE_END()
