#include <lokiship/text/stable_hash.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <set>
#include <string>

BOOST_AUTO_TEST_SUITE(stable_hash_)

using lokiship::text::stable_hash;

BOOST_AUTO_TEST_CASE(each_byte_and_the_size_count) {
    std::set<std::uint64_t> seen;
    std::size_t texts = 0;
    for (std::size_t size = 0; size != 100; ++size) {
        std::string text(size, '\0');
        seen.insert(stable_hash(7, text));
        ++texts;
        for (std::size_t i = 0; i != size; ++i) {
            text[i] = 1;
            seen.insert(stable_hash(7, text));
            ++texts;
            text[i] = 0;
        }
    }
    BOOST_TEST(seen.size() == texts);
    BOOST_TEST(stable_hash(7, std::string("a")) != stable_hash(8, std::string("a")));
}

BOOST_AUTO_TEST_CASE(files_depend_on_it) {
    std::string text;
    for (char c = 'a'; c <= 'z'; ++c)
        text += std::string(3, c);
    BOOST_TEST(stable_hash(0, std::string()) == 0xa706dd2f4d197e6fu);
    BOOST_TEST(stable_hash(1, std::string("lokiship")) == 0x2719e37f8482c3bfu);
    BOOST_TEST(stable_hash(2, text) == 0x9dba3081b897a172u);
}

BOOST_AUTO_TEST_SUITE_END()
