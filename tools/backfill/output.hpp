#ifndef LOKISHIP_TOOLS_BACKFILL_OUTPUT_HPP
#define LOKISHIP_TOOLS_BACKFILL_OUTPUT_HPP

#include "common/exit_code.hpp"

#include <lokiship/clock.hpp>
#include <lokiship/ship/backfill.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/outbox.hpp>

#include <spdlog/logger.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace lokiship::tools {

/// How progress is shown: not at all, as a bar that is drawn over and over, or as a log line every five
/// seconds.
enum class progress_style {
    none,
    bar,
    lines
};

/// `when` is `always` (a bar), `never`, or `auto`: a bar on a terminal, else lines.
progress_style style_of(std::string_view when, bool on_terminal);

/// Shows how far a backfill is; a bar goes to `out`, lines go to `logger`.
class progress {
public:
    progress(progress_style style, std::ostream& out, std::shared_ptr<spdlog::logger> logger);
    /// Tells of the counters as they are at `now`, unless it did a moment ago.
    void show(const ship::counters& c, steady_time now);
    /// Removes the bar, so that other output can follow.
    void clear();

private:
    std::ostream& out_;
    std::shared_ptr<spdlog::logger> logger_;
    progress_style style_;
    bool drawn_ = false;
    std::optional<steady_time> started_, next_;
};

/// `1040/2000 entries  52 %  5200/s  ETA 0:00:01`, for so many settled entries of `all` after `elapsed`.
std::string progress_text(std::uint64_t settled, std::uint64_t all, std::chrono::nanoseconds elapsed);

/// `[#####     ]`, `width` characters between the brackets.
std::string progress_bar(std::uint64_t settled, std::uint64_t all, std::size_t width);

/// All entries as NDJSON, oldest first: `{"labels":{…},"ts":"<ns>","line":"…"}`.
void print_entries(std::ostream& out, ship::outbox& box);

/// What became of the history, in one line, and each reason for which Loki refused entries in a line of its
/// own.
void print_summary(std::ostream& out, const ship::counters& c, const ship::backfill_result& r);

/// Says what went wrong with reading, and gives the exit code for it.
exit_code read_outcome(spdlog::logger& log, const ship::backfill_result& r);

/// Prints the summary, says what went wrong, and gives the exit code. `stopped`: by a signal.
exit_code conclude(std::ostream& out, spdlog::logger& log, const ship::counters& c,
                   const ship::backfill_result& r, bool stopped);

} // namespace lokiship::tools

#endif
