#ifndef LOKISHIP_BOOST_SRC_HPP
#define LOKISHIP_BOOST_SRC_HPP

/// Compiles the parts of Boost.JSON and Boost.URL that are not header-only. Include it in exactly one source
/// file of a program that does not link `boost_json` and `boost_url`.
#include <boost/json/src.hpp>
#include <boost/url/src.hpp>

#endif
