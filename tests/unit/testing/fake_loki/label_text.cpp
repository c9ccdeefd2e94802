#include <lokiship/testing/fake_loki/label_text.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>

BOOST_AUTO_TEST_SUITE(label_text)

using namespace lokiship::testing;

BOOST_AUTO_TEST_CASE(labels_come_out_sorted_and_quoted) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {"", "{}"},
        {"{}", "{}"},
        {"{b=\"2\",a=\"1\"}", "{a=\"1\", b=\"2\"}"},
        {"{b=\"2\", # b\n a='1' ,}", "{a=\"1\", b=\"2\"}"},
        {"{a=\"\", b=`\\n`}", "{b=\"\\\\n\"}"},
        {"{a=\"2\",a=\"1\"}", "{a=\"1\", a=\"2\"}"},
        {R"({a="\x41\101\u0041\U00000041\a\'"})", "bad"},
        {R"({a="\x41\101\u0041\U00000041\a"})", "{a=\"AAAA\\a\"}"},
        {"x{a=\"1\"}", "{__name__=\"x\", a=\"1\"}"}};
    for (const auto& [in, out] : table)
        for (const auto v : {loki_version::v2_9, loki_version::v3}) {
            const auto parsed = parse_labels(in, v);
            BOOST_TEST((parsed ? to_text(*parsed) : "bad") == out, in);
        }
}

BOOST_AUTO_TEST_CASE(errors_name_the_line_and_the_column) {
    const auto text = [](std::string_view in) {
        return parse_labels(in, loki_version::v2_9).error().message;
    };
    BOOST_TEST(text("{a=\"1\",\n b-c=\"2\"}") == "2:3: parse error: unexpected character inside braces: '-'");
    BOOST_TEST(text("{a=\"\\u00\"}").starts_with("1:4: parse error: unknown escape sequence"));
    BOOST_TEST(text("{a=\"\\ud800\"}").starts_with("1:4: parse error: escape sequence is"));
    BOOST_TEST(text("}") == "1:1: parse error: unexpected \"}\"");
    BOOST_TEST(text("{a=\"1\\") == "1:4: parse error: unknown escape sequence");
}

BOOST_AUTO_TEST_CASE(quoted_names_are_for_3_alone) {
    BOOST_TEST(to_text(*parse_labels(R"({"a.b"="1","c"})", loki_version::v3)) ==
               R"({__name__="c", "a.b"="1"})");
    BOOST_TEST(parse_labels(R"({"a"="1"})", loki_version::v2_9).has_error());
}

BOOST_AUTO_TEST_SUITE_END()
