#ifndef LOKISHIP_TOOLS_BACKFILL_PHASE_HPP
#define LOKISHIP_TOOLS_BACKFILL_PHASE_HPP

#include <string_view>

namespace lokiship::tools {

/// What a backfill does, in this order. Reading waits for the backend, what comes before and after it for Loki.
enum class phase {
    starting,
    reading,
    looking,
    pushing,
    verifying
};

constexpr std::string_view to_string(phase p) noexcept {
    constexpr std::string_view names[] = {"starting", "reading", "looking", "pushing", "verifying"};
    return names[static_cast<int>(p)];
}

} // namespace lokiship::tools

#endif
