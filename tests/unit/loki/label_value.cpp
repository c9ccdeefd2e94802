#include <lokiship/loki/label_value.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(label_value)

using namespace lokiship;

namespace {

std::string made(std::string_view value, bool changed) {
    std::string out = "before ";
    BOOST_TEST(loki::append_label_value(out, value) == changed, value);
    BOOST_TEST_REQUIRE(out.starts_with("before "));
    return out.substr(7);
}

} // namespace

BOOST_AUTO_TEST_CASE(good_values_stay) {
    for (const char* value : {"", "prod-web-01", "büro-東京 🚀", "a\"b\\c\n"})
        BOOST_TEST(made(value, false) == value);
    BOOST_TEST(made(std::string(2048, 'x'), false) == std::string(2048, 'x'));
}

BOOST_AUTO_TEST_CASE(what_loki_refuses_becomes_a_question_mark) {
    BOOST_TEST(made("a\xff"
                    "b",
                    true) == "a?b");
    BOOST_TEST(made("a\xef\xbf\xbd"
                    "b",
                    true) == "a?b");
    BOOST_TEST(made("\xe2\x82", true) == "?");
}

BOOST_AUTO_TEST_CASE(a_long_value_is_cut_between_code_points) {
    BOOST_TEST(made(std::string(2049, 'x'), true) == std::string(2045, 'x') + "...");
    std::string umlauts;
    for (int i = 0; i != 1100; ++i)
        umlauts += "ä";
    const std::string cut = made(umlauts, true);
    BOOST_TEST(cut.size() == 2047u); // 1022 of them and the mark
    BOOST_TEST(text::is_valid_utf8(cut));
}

BOOST_AUTO_TEST_SUITE_END()
