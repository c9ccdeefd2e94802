#include "common/dotenv.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

BOOST_AUTO_TEST_SUITE(dotenv)

using lokiship::tools::parse_dotenv;

BOOST_AUTO_TEST_CASE(reads_what_people_write) {
    const auto got = parse_dotenv("\xef\xbb\xbf# comment\r\nA=1\r\n\n export B = two words # why\nC='a # "
                                  "\"b\\n'\nD=\"x\\n\\t\\\"\\\\\" # y\nE=\n"
                                  "F=a#b\nA=2\nG=#x\nH= # y");
    BOOST_TEST_REQUIRE(got.has_value(), got.error().message);
    const struct {
        std::string_view name, value;
        std::size_t line;
    } expected[] = {{"A", "1", 2},         {"B", "two words", 4}, {"C", "a # \"b\\n", 5},
                    {"D", "x\n\t\"\\", 6}, {"E", "", 7},          {"F", "a#b", 8},
                    {"A", "2", 9},         {"G", "#x", 10},       {"H", "", 11}};
    BOOST_TEST_REQUIRE(got->size() == std::size(expected));
    for (std::size_t i = 0; i != std::size(expected); ++i) {
        BOOST_TEST((*got)[i].name == expected[i].name);
        BOOST_TEST((*got)[i].value == expected[i].value);
        BOOST_TEST((*got)[i].line == expected[i].line);
    }
}

BOOST_AUTO_TEST_CASE(names_the_line_and_not_the_value) {
    const struct {
        std::string_view text, message;
    } table[] = {
        {"A=1\nsecret", ".env:2: expected NAME=value"},
        {"\n\n1A=secret", ".env:3: what stands before '=' is no variable name"},
        {"=secret", ".env:1: what stands before '=' is no variable name"},
        {"A='secret", ".env:1: the closing quote is missing"},
        {"A=\"secret\\", ".env:1: the closing quote is missing"},
        {"A=\"secret\" x", ".env:1: there is text behind the closing quote"},
        {"A=\"secret\\q\"", ".env:1: unknown escape in a double-quoted value; allowed are \\n \\t \\\" \\\\"},
    };
    for (const auto& t : table) {
        const auto got = parse_dotenv(t.text);
        BOOST_TEST_REQUIRE(got.has_error());
        BOOST_TEST(got.error().message == t.message);
    }
}

BOOST_AUTO_TEST_SUITE_END()
