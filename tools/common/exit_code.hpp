#ifndef LOKISHIP_TOOLS_COMMON_EXIT_CODE_HPP
#define LOKISHIP_TOOLS_COMMON_EXIT_CODE_HPP

namespace lokiship::tools {

/// What shipd and backfill exit with; the README and `--help` say when.
enum exit_code : int {
    all_shipped = 0,
    internal_error = 1,
    wrong_use = 2,
    some_rejected = 3,
    backend_failed = 4,
    loki_failed = 5,
    interrupted = 6,
    entries_missing = 7,
    entries_not_visible = 8,
    disk_failed = 9
};

} // namespace lokiship::tools

#endif
