#include <lokiship/error.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_SUITE(escape)

using lokiship::text::escape_for_log;

BOOST_AUTO_TEST_CASE(nothing_forges_a_log_line) {
    BOOST_TEST(escape_for_log("a\nb\r\tc\\\x1b[2J\x7f") == "a\\nb\\r\\tc\\\\\\x1b[2J\\x7f");
    BOOST_TEST(escape_for_log("\xc2\x9b[2J") == "\\u009b[2J");
    BOOST_TEST(escape_for_log("\xc2\x85|\xc2\xa0") == "\\u0085|\xc2\xa0");
    // Line and paragraph separator, and what turns the direction.
    BOOST_TEST(escape_for_log("\xe2\x80\xa8\xe2\x80\xa9") == "\\u2028\\u2029");
    BOOST_TEST(escape_for_log("\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xe2\x80\x8f") ==
               "\\u202e\\u2066\\u061c\\u200f");
    BOOST_TEST(escape_for_log("äöü €‰ 😀") == "äöü €‰ 😀");
}

BOOST_AUTO_TEST_CASE(long_texts_are_cut_between_characters) {
    BOOST_TEST(escape_for_log("abcdef", 3) == "abc…");
    BOOST_TEST(escape_for_log("abc", 3) == "abc");
    BOOST_TEST(escape_for_log("aé€", 2) == "aé…");
}

BOOST_AUTO_TEST_CASE(every_error_has_words) {
    using lokiship::errc;
    for (int i = 1; i != static_cast<int>(errc::end_of_list_); ++i) {
        const auto code = make_error_code(static_cast<errc>(i));
        BOOST_TEST(code.message() != "unknown lokiship error", i);
        BOOST_TEST(code.category().name() == std::string("lokiship"));
    }
    BOOST_TEST(make_error_code(errc::end_of_list_).message() == "unknown lokiship error");
}

BOOST_AUTO_TEST_CASE(what_is_no_utf8_is_cut_as_well) {
    BOOST_TEST(escape_for_log(std::string(1000, '\x80'), 10).size() < 60u);
    BOOST_TEST(escape_for_log("a\x9b[2J\xe9\xc3") == "a\\x9b[2J\\xe9\\xc3");
    BOOST_TEST(escape_for_log("\xe2\x82x") == "\\xe2\\x82x");
}

BOOST_AUTO_TEST_SUITE_END()
