#include <lokiship/text/detail/literal_filter.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <random>
#include <string>
#include <string_view>

BOOST_AUTO_TEST_SUITE(literal_filter_)

using lokiship::text::detail::literal_filter;

BOOST_AUTO_TEST_CASE(what_is_there_is_found_wherever_it_is) {
    for (const std::string_view literal :
         {"pwd", "PassWord", "://", "-----", "AKIA", "authorization", "b_p"}) {
        literal_filter filter;
        filter.add(literal);
        for (std::size_t before = 0; before != 20; ++before)
            for (std::size_t behind = 0; behind != 20; ++behind) {
                std::string text = std::string(before, '.') + std::string(literal) + std::string(behind, '.');
                BOOST_TEST(filter.may_find(text), text);
                for (char& c : text)
                    c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
                BOOST_TEST(filter.may_find(text), text);
                text.erase(before + 1, 1);
                BOOST_TEST((!filter.may_find(text) || literal == "-----"), text);
            }
    }
    const literal_filter none;
    BOOST_TEST(!none.may_find("anything"));
}

BOOST_AUTO_TEST_CASE(among_others_it_finds_what_each_alone_does) {
    std::mt19937 random(1);
    const auto word = [&](std::size_t size) {
        std::string out;
        for (std::size_t i = 0; i != size; ++i)
            out += "abcAB-:\xc3\xa9"[random() % 9];
        return out;
    };
    for (int round = 0; round != 200; ++round) {
        literal_filter all;
        std::string literals[5];
        for (auto& l : literals) {
            l = word(3 + random() % 4);
            for (char& c : l)
                c = static_cast<char>(static_cast<unsigned char>(c) & 0x7f);
            all.add(l);
        }
        const std::string text = word(random() % 40);
        bool found = false;
        for (const auto& l : literals)
            found |= text.find(l) != std::string::npos;
        BOOST_TEST((!found || all.may_find(text)), text);
    }
}

BOOST_AUTO_TEST_SUITE_END()
