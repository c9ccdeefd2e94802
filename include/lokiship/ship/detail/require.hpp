#ifndef LOKISHIP_SHIP_DETAIL_REQUIRE_HPP
#define LOKISHIP_SHIP_DETAIL_REQUIRE_HPP

#include <lokiship/version.hpp>

#include <stdexcept>
#include <string>

namespace lokiship::ship::detail {

/// Configuration mistakes are the program's, so they throw: `rule` names the option and what it must be.
inline void require(bool ok, const char* rule) {
    if (!ok)
        throw std::invalid_argument(std::string("lokiship: ") + rule);
}

} // namespace lokiship::ship::detail

#endif
