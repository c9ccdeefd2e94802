// How failed comparisons print our types; for tests only.
#ifndef LOKISHIP_TESTS_UNIT_PRINTING_HPP
#define LOKISHIP_TESTS_UNIT_PRINTING_HPP

#include <lokiship/error.hpp>

#include <ostream>

namespace lokiship {

inline std::ostream& operator<<(std::ostream& out, errc e) {
    return out << make_error_code(e).message();
}

} // namespace lokiship

#endif
