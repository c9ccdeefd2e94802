#define BOOST_TEST_MODULE lokiship
#include <boost/test/unit_test.hpp>
