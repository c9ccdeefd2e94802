#include <lokiship/aoss/step_key.hpp>
#include <lokiship/ship/recent_keys.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <random>

BOOST_AUTO_TEST_SUITE(recent_keys_)

using lokiship::ship::recent_keys;

BOOST_AUTO_TEST_CASE(keeps_ten_thousand_by_default) {
    recent_keys<int> keys;
    for (int i = 0; i != 10'000; ++i)
        keys.insert(i);
    BOOST_TEST(keys.size() == 10'000u);
    BOOST_TEST(keys.contains(0));
    keys.insert(10'000);
    BOOST_TEST(keys.size() == 10'000u);
    BOOST_TEST(!keys.contains(0));
    BOOST_TEST(keys.contains(1));
    BOOST_TEST(keys.contains(10'000));
}

BOOST_AUTO_TEST_CASE(a_key_seen_again_is_fresh) {
    recent_keys<int> keys(3);
    keys.insert(1);
    keys.insert(2);
    keys.insert(3);
    BOOST_TEST(keys.refresh(1));
    BOOST_TEST(!keys.refresh(9));
    keys.insert(4); // 2 was seen longest ago
    BOOST_TEST(keys.contains(1));
    BOOST_TEST(!keys.contains(2));
    keys.insert(3); // an insert of a known key refreshes too
    keys.insert(5); // 1 leaves
    BOOST_TEST(!keys.contains(1));
    BOOST_TEST(keys.contains(3));
    BOOST_TEST(keys.contains(4));
    BOOST_TEST(keys.contains(5));
}

BOOST_AUTO_TEST_CASE(behaves_as_a_list_does) {
    for (std::size_t capacity : {1u, 2u, 3u, 17u, 64u}) {
        std::mt19937 random(static_cast<unsigned>(capacity));
        recent_keys<int> keys(capacity);
        std::deque<int> model; // oldest first
        for (int round = 0; round != 20'000; ++round) {
            const int key = static_cast<int>(random() % (capacity * 2 + 1));
            const auto at = std::find(model.begin(), model.end(), key);
            const bool known = at != model.end();
            BOOST_TEST_REQUIRE(keys.contains(key) == known);
            if (known)
                model.erase(at);
            if (random() % 2 != 0) {
                BOOST_TEST_REQUIRE(keys.refresh(key) == known);
                if (known)
                    model.push_back(key);
            } else {
                keys.insert(key);
                if (model.size() == capacity)
                    model.pop_front();
                model.push_back(key);
            }
            BOOST_TEST_REQUIRE(keys.size() == model.size());
        }
    }
}

BOOST_AUTO_TEST_CASE(growing_keeps_keys_and_order) {
    recent_keys<int> keys(3);
    for (int i : {1, 2, 3, 1})
        keys.insert(i);
    keys.grow(2); // no effect
    BOOST_TEST(keys.capacity() == 3u);
    keys.grow(4);
    keys.insert(4);
    BOOST_TEST(keys.size() == 4u);
    keys.insert(5);
    BOOST_TEST(!keys.contains(2));
    BOOST_TEST(keys.contains(1));
}

BOOST_AUTO_TEST_CASE(a_key_costs_at_most_64_bytes_and_no_allocation_once_full) {
    using lokiship::aoss::step_key;
    for (std::size_t capacity : {1'000u, 8'192u, 10'000u, 16'383u}) {
        recent_keys<step_key> keys(capacity);
        const auto before = keys.memory();
        BOOST_TEST(before <= 64 * capacity);
        for (std::size_t i = 0; i != 3 * capacity; ++i)
            keys.insert({i, i * 7, 1, i * 13});
        BOOST_TEST(keys.memory() == before);
    }
}

BOOST_AUTO_TEST_SUITE_END()
