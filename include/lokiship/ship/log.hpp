#ifndef LOKISHIP_SHIP_LOG_HPP
#define LOKISHIP_SHIP_LOG_HPP

#include <lokiship/version.hpp>

#include <functional>
#include <string_view>

namespace lokiship::ship {

enum class severity {
    info,
    warning
};

/// Takes what the library has to say to the operator: one line without a line break, safe for a terminal.
/// Called on the shell's thread; must not throw. May be empty.
using log_function = std::function<void(severity, std::string_view)>;

} // namespace lokiship::ship

#endif
