#ifndef LOKISHIP_TOOLS_SHIPD_CHECK_HPP
#define LOKISHIP_TOOLS_SHIPD_CHECK_HPP

#include "common/settings.hpp"

#include <lokiship/error.hpp>

#include <string>
#include <string_view>

namespace lokiship::tools {

/// Looks whether shipd could ship with these settings: asks each backend for its newest execution, and Loki for its settings,
/// pushes one line into a stream of its own, `{job="lokiship_check"}`, and reads it back. Prints to standard output what was
/// found and, where something is wrong, what cures it. What to exit with: `all_shipped`, `backend_failed` or `loki_failed`.
int check(const values& v);

/// What cures a failure to get an answer from a server: `backend` or `loki`.
std::string remedy_of(const error& failure, std::string_view side);
/// The same for an answer with a status that is no success, and its text.
std::string remedy_of(unsigned status, std::string_view text, std::string_view side);

} // namespace lokiship::tools

#endif
