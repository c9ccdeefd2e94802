#include <lokiship/http/gzip.hpp>
#include <lokiship/loki/gzip_encoder.hpp>
#include <lokiship/loki/json_encoder.hpp>

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>

BOOST_AUTO_TEST_SUITE(gzip_encoder_)

using namespace lokiship;

BOOST_AUTO_TEST_CASE(it_is_what_the_other_writes) {
    loki::json_encoder plain;
    loki::gzip_encoder packed(std::make_unique<loki::json_encoder>());
    for (const std::size_t lines : {0u, 1u, 5000u, 2u}) {
        for (loki::push_encoder* e :
             {static_cast<loki::push_encoder*>(&plain), static_cast<loki::push_encoder*>(&packed)}) {
            e->begin_stream({{"job", "aoss"}});
            for (std::size_t i = 0; i != lines; ++i) {
                e->add({}, "line " + std::to_string(i), loki::labels{{"a", "b"}});
                e->add({}, "undone");
                e->undo();
            }
        }
        BOOST_TEST(packed.size() == plain.size());
        const std::string expected = plain.finish(), body = packed.finish();
        const auto unpacked = http::gunzip(body, expected.size());
        BOOST_TEST_REQUIRE(unpacked.has_value());
        BOOST_TEST(*unpacked == expected);
        BOOST_TEST((lines < 5000 || body.size() < expected.size() / 4));
    }
    BOOST_TEST(packed.content_type() == "application/json");
    BOOST_TEST(packed.content_encoding() == "gzip");
    BOOST_TEST(plain.content_encoding() == "");
}

BOOST_AUTO_TEST_SUITE_END()
