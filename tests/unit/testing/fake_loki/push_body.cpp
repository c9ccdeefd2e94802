#include <lokiship/testing/fake_loki/protobuf_push.hpp>
#include <lokiship/testing/fake_loki/push_body.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>

BOOST_AUTO_TEST_SUITE(push_body)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::string_literals;

namespace {

result<std::vector<pushed_stream>> decode(std::string body, http::headers fields,
                                          loki_version v = loki_version::v2_9) {
    http::request r;
    r.fields = std::move(fields);
    r.body = std::move(body);
    return decode_push(r, v, decode_protobuf_push);
}

std::string error_of(std::string body, http::headers fields) {
    const auto r = decode(std::move(body), std::move(fields));
    return r ? "none" : r.error().message;
}

} // namespace

BOOST_AUTO_TEST_CASE(json_becomes_the_label_text_that_loki_makes_of_it) {
    const std::string body =
        R"({"streams":[{"stream":{"b":"\"","a":"1"},"values":[["-5","x",{"k":"\n","k":"2"}]]}]})";
    const auto old = decode(body, {{"Content-Type", "application/json"}}).value();
    BOOST_TEST_REQUIRE(old.size() == 1u);
    BOOST_TEST(old[0].labels == R"({a="1", b="\\\""})");
    BOOST_TEST_REQUIRE(old[0].entries.size() == 1u);
    BOOST_TEST((old[0].entries[0].time == text::from_unix_nanoseconds(-5)));
    BOOST_TEST_REQUIRE(old[0].entries[0].metadata.size() == 2u);
    BOOST_TEST(old[0].entries[0].metadata[0].value == "\\n");
    const auto now = decode(body, {{"Content-Type", "application/json"}}, loki_version::v3).value();
    BOOST_TEST(now[0].labels == R"({a="1", b="\""})");
    BOOST_TEST(now[0].entries[0].metadata[0].value == "\n");
}

BOOST_AUTO_TEST_CASE(the_reference_vector_of_the_native_encoding) {
    const std::string body =
        "\x1a\x64\x0a\x18\x0a\x07{a=\"b\"}\x12\x0d\x0a\x04\x08\x01\x10\x05\x12\x05hello"s;
    const auto streams = decode(body, {{"Content-Type", "application/x-protobuf"}}).value();
    BOOST_TEST_REQUIRE(streams.size() == 1u);
    BOOST_TEST(streams[0].labels == "{a=\"b\"}");
    BOOST_TEST_REQUIRE(streams[0].entries.size() == 1u);
    BOOST_TEST((streams[0].entries[0].time == text::from_unix_nanoseconds(1'000'000'005)));
    BOOST_TEST(streams[0].entries[0].line == "hello");
}

BOOST_AUTO_TEST_CASE(native_bodies_that_are_wrong) {
    const auto plain = [](const std::string& message) {
        return error_of(std::string(1, static_cast<char>(message.size())) +
                            static_cast<char>((message.size() - 1) << 2) + message,
                        {{"Content-Type", "application/x-protobuf"}});
    };
    // Unknown fields are skipped, an hour of nanoseconds and the year 10000 are not.
    BOOST_TEST(plain("\x0a\x04\x18\x01\x20\x01"s) == "none");
    BOOST_TEST(plain("\x0a\x0a\x12\x08\x0a\x06\x10\x80\x94\xeb\xdc\x03"s) == "unexpected EOF");
    BOOST_TEST(plain("\x0a\x0b\x12\x09\x0a\x07\x08\x80\x80\x80\x80\x80\x40"s) == "unexpected EOF");
    BOOST_TEST(plain("\x0a\x05\x01"s) == "unexpected EOF");
}

BOOST_AUTO_TEST_CASE(compressed_bodies_that_are_wrong) {
    const auto with = [](const char* encoding, std::string body) {
        return error_of(std::move(body),
                        {{"Content-Type", "application/json"}, {"Content-Encoding", encoding}});
    };
    BOOST_TEST(with("deflate", "\x01\x02\0\xfd\xff{}"s) == "none");
    BOOST_TEST(with("deflate", "\x01\x02\0\xfd\xff{"s) == "unexpected EOF");
    BOOST_TEST(with("deflate", "") == "unexpected EOF");
    BOOST_TEST(with("gzip", "") == "gzip: invalid header");
    BOOST_TEST(with("br", "{}") == "Content-Encoding \"br\" not supported");
}

BOOST_AUTO_TEST_SUITE_END()
