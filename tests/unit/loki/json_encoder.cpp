#include <lokiship/loki/json_encoder.hpp>

#include <boost/json/parse.hpp>
#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>

BOOST_AUTO_TEST_SUITE(json_encoder_)

using namespace lokiship;

BOOST_AUTO_TEST_CASE(writes_streams_and_values) {
    loki::json_encoder e;
    e.begin_stream({{"job", "aoss"}, {"a", "1"}});
    e.add(text::from_unix_nanoseconds(1'700'000'000'000'000'001), "one");
    e.add(text::from_unix_nanoseconds(-1), "");
    e.begin_stream({{"b", "2"}});
    e.add(text::from_unix_nanoseconds(9'223'372'036'854'775'807), "x\n\"\\");
    BOOST_TEST(
        e.finish() ==
        R"({"streams":[{"stream":{"a":"1","job":"aoss"},"values":[["1700000000000000001","one"],["-1",""]]},)"
        R"({"stream":{"b":"2"},"values":[["9223372036854775807","x\n\"\\"]]}]})");
    BOOST_TEST(e.finish() == R"({"streams":[]})");
    e.begin_stream({});
    BOOST_TEST(e.finish() == R"({"streams":[{"stream":{},"values":[]}]})");
}

BOOST_AUTO_TEST_CASE(every_string_survives) {
    std::string every;
    for (int c = 0; c != 128; ++c)
        every += static_cast<char>(c);
    every += "äöü €😀\u2028\u0085";
    for (const std::string& text :
         {every, std::string(), std::string(1, '\0'), std::string("\\"), std::string("\"\"")}) {
        loki::json_encoder e;
        e.begin_stream({{"v", text}});
        e.add({}, text);
        const auto parsed = boost::json::parse(e.finish());
        const auto& s = parsed.at("streams").at(0);
        if (!text.empty())
            BOOST_TEST(std::string(s.at("stream").at("v").as_string()) == text);
        BOOST_TEST(std::string(s.at("values").at(0).at(1).as_string()) == text);
    }
}

BOOST_AUTO_TEST_CASE(a_body_that_comes_back_serves_for_the_next_one) {
    const auto write = [](loki::json_encoder& e, const std::string& line) {
        e.begin_stream({{"a", "1"}});
        e.add({}, line);
        return e.finish();
    };
    loki::json_encoder e;
    std::string body = write(e, std::string(1000, 'x'));
    const void* const memory = body.data();
    e.reuse(std::move(body));
    e.reuse("a short one does not take its place, and is gone");
    // One that is short has memory of its own, and leaves the rest to those that need it.
    const std::string small = write(e, "small");
    BOOST_TEST(small.capacity() < 500u);
    const std::string large = write(e, std::string(1000, 'y'));
    BOOST_TEST(static_cast<const void*>(large.data()) == memory);
    for (const auto& line : {std::string("small"), std::string(1000, 'y'), std::string(3000, 'z')}) {
        loki::json_encoder fresh;
        BOOST_TEST(write(e, line) == write(fresh, line));
    }
    loki::json_encoder fresh;
    BOOST_TEST((small == write(fresh, "small") && large == write(fresh, std::string(1000, 'y'))));
}

BOOST_AUTO_TEST_CASE(utf8_goes_out_raw) {
    std::string out;
    loki::append_json_string(out, "é/\x7f\x01\b\f\r\t");
    BOOST_TEST(out == "\"é/\x7f\\u0001\\b\\f\\r\\t\"");
}

BOOST_AUTO_TEST_SUITE_END()
