#include <lokiship/testing/fake_loki/json_value.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

BOOST_AUTO_TEST_SUITE(json_value_)

using namespace lokiship::testing;

BOOST_AUTO_TEST_CASE(values_keep_their_bytes_and_their_order) {
    const std::string text =
        " {\"b\":[1, -2.5e+3 ,{ }],\"a\\n\":\"\\u00e9\\\"\",\"b\":null, \"c\":true} rest";
    const auto v = read_json_value(text);
    BOOST_TEST_REQUIRE(v.has_value());
    BOOST_TEST_REQUIRE(v->names.size() == 4u);
    BOOST_TEST(v->names[1] == "a\n");
    BOOST_TEST(v->items[1].raw == R"(\u00e9\")");
    BOOST_TEST(v->items[0].items[1].raw == "-2.5e+3");
    BOOST_TEST(v->items[0].items[2].raw == "{ }");
    BOOST_TEST((v->find("b")->type == json_value::kind::null));
    BOOST_TEST(v->find("x") == nullptr);
}

BOOST_AUTO_TEST_CASE(what_is_no_json) {
    for (const std::string_view text :
         {"",   " ",      "nul",      "tru",         "-",        "1.",    "1e",
          "+1", "[1,]",   "[1 2]",    "{\"a\"}",     "{\"a\":}", "{a:1}", "{\"a\":1,}",
          "\"", "\"\\\"", "\"a\tb\"", "{\"\\q\":1}", "[",        "{"})
        BOOST_TEST(!read_json_value(text).has_value(), text);
    BOOST_TEST(!read_json_value(std::string(100'000, '[')).has_value());
}

BOOST_AUTO_TEST_CASE(escapes) {
    BOOST_TEST(decode_json_string(R"(\"\\\/\b\f\n\r\t\u00e9\u65E5\ud83d\ude00)").value() ==
               "\"\\/\b\f\n\r\t\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80");
    for (const std::string_view bad : {R"(\q)", R"(\)", R"(\u12)", R"(\u12g4)", R"(\ud800)", R"(\ud800x)",
                                       R"(\ud800\u0041)", R"(\ude00)", R"(\ud800\ud)"})
        BOOST_TEST(!decode_json_string(bad).has_value(), bad);
}

BOOST_AUTO_TEST_SUITE_END()
