#ifndef LOKISHIP_TOOLS_COMMON_PROCESS_FIGURES_HPP
#define LOKISHIP_TOOLS_COMMON_PROCESS_FIGURES_HPP

#include <cstdint>
#include <optional>

namespace lokiship::tools {

/// What this process has taken so far; what the system does not tell is left out.
struct process_figures {
    double cpu_seconds = 0;
    std::optional<std::uint64_t> resident_bytes{}, open_descriptors{}, max_descriptors{};
};

process_figures read_process_figures();

} // namespace lokiship::tools

#endif
