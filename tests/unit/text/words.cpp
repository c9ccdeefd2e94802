#include <lokiship/text/detail/words.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <string>

BOOST_AUTO_TEST_SUITE(words)

using namespace lokiship::text::detail;

BOOST_AUTO_TEST_CASE(texts_are_the_same_where_each_byte_is) {
    for (std::size_t n = 0; n != 40; ++n) {
        const std::string one(n, 'a');
        BOOST_TEST(same(one, std::string(n, 'a')));
        BOOST_TEST(!same(one, one + 'a'));
        for (std::size_t i = 0; i != n; ++i)
            for (const char c : {'b', '\0', '\xe1'}) {
                std::string other = one;
                other[i] = c;
                BOOST_TEST(!same(one, other), n << ", " << i);
            }
    }
}

BOOST_AUTO_TEST_CASE(the_first_byte_is_found_wherever_it_is) {
    for (std::size_t n = 0; n != 80; ++n) {
        std::string text(n, 'a');
        BOOST_TEST(find_first(text, not_ascii) == n);
        for (std::size_t i = n; i-- != 0;) {
            text[i] = '\x80';
            BOOST_TEST(find_first(text, not_ascii) == i, n);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
