#include <lokiship/version.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

BOOST_AUTO_TEST_CASE(the_version_stands_in_one_place_twice_the_same) {
    BOOST_TEST(std::string(LOKISHIP_VERSION_STRING) == PROJECT_VERSION);
    BOOST_TEST(std::string(LOKISHIP_VERSION_STRING) == std::to_string(LOKISHIP_VERSION_MAJOR) + '.' +
                                                           std::to_string(LOKISHIP_VERSION_MINOR) + '.' +
                                                           std::to_string(LOKISHIP_VERSION_PATCH));
}
