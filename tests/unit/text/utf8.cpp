#include <lokiship/text/utf8.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>
#include <string_view>

BOOST_AUTO_TEST_SUITE(utf8)

using namespace lokiship;

BOOST_AUTO_TEST_CASE(ill_formed_bytes_are_replaced) {
    const std::string r = "\xef\xbf\xbd";
    const struct {
        std::string in, out;
    } table[] = {
        {"", ""},
        {"aé€😀", "aé€😀"},
        {std::string("\0", 1), std::string("\0", 1)},
        {"\x80", r},
        {"\xff\xfe", r + r},
        {"\xc0\xaf", r + r}, // overlong
        {"\xc1\xbf", r + r},
        {"\xe0\x80\x80", r + r + r}, // overlong
        {"\xf0\x80\x80\x80", r + r + r + r},
        {"\xed\xa0\x80", r + r + r}, // surrogate
        {"\xed\x9f\xbf", "\xed\x9f\xbf"},
        {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
        {"\xf4\x90\x80\x80", r + r + r + r}, // beyond U+10FFFF
        {"\xf5\x80", r + r},
        {"\xe2\x82", r}, // cut short: one replacement
        {"\xe2\x82x", r + "x"},
        {"\xf0\x9f\x98", r},
        {"\xf0\x9f\x98\xf0\x9f\x98\x80", r + "😀"},
        {"\xc3", r},
        {"a\xc3z", "a" + r + "z"},
    };
    for (const auto& t : table) {
        std::string out = "<";
        text::append_valid(out, t.in);
        BOOST_TEST(out == "<" + t.out);
        BOOST_TEST(text::is_valid_utf8(t.in) == (t.in == t.out));
        BOOST_TEST(text::is_valid_utf8(out));
    }
}

BOOST_AUTO_TEST_CASE(cuts_between_code_points) {
    for (const std::string character : {"a", "é", "€", "😀", "\xff"})
        for (std::size_t n : {0u, 1u, 299u, 300u, 301u, 600u}) {
            std::string in, whole;
            for (std::size_t i = 0; i != n; ++i) {
                in += character;
                if (i < 300)
                    text::append_valid(whole, character);
            }
            std::string out;
            BOOST_TEST(text::append_truncated(out, in, 300) == (n > 300));
            BOOST_TEST(out == whole + (n > 300 ? "..." : ""));
        }
}

BOOST_AUTO_TEST_CASE(cuts_at_every_place) {
    const std::string_view in = "aé€😀\xff_é";
    const char* heads[] = {"", "a", "aé", "aé€", "aé€😀", "aé€😀\xef\xbf\xbd", "aé€😀\xef\xbf\xbd_"};
    for (std::size_t n = 0; n != 7; ++n) {
        std::string out;
        BOOST_TEST(text::append_truncated(out, in, n));
        BOOST_TEST(out == std::string(heads[n]) + "...");
    }
    std::string out;
    BOOST_TEST(!text::append_truncated(out, in, 7));
}

BOOST_AUTO_TEST_SUITE_END()
