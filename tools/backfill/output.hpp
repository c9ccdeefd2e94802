#ifndef LOKISHIP_TOOLS_BACKFILL_OUTPUT_HPP
#define LOKISHIP_TOOLS_BACKFILL_OUTPUT_HPP

#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/outbox.hpp>

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>

namespace lokiship::tools {

/// One line that shows how far a backfill is: `[#####     ]  52 %  1040/2000 entries  5200/s  ETA 0:00:01`.
class progress_bar {
public:
    /// `when` is `auto`, `always` or `never`; `auto` shows it where standard error is a terminal.
    progress_bar(const std::string& when, std::ostream& out);
    /// Draws anew, at most ten times a second.
    void show(const ship::counters& c);
    /// Removes the line, so that other output can follow.
    void clear();

private:
    std::ostream& out_;
    bool enabled_;
    bool drawn_ = false;
    std::chrono::steady_clock::time_point started_{}, last_{};
};

/// The line's text for so many settled entries of `all` after `elapsed`.
std::string progress_text(std::uint64_t settled, std::uint64_t all, std::chrono::nanoseconds elapsed);

/// All entries as NDJSON, oldest first: `{"labels":{…},"ts":"<ns>","line":"…"}`.
void print_entries(std::ostream& out, ship::outbox& box);

/// What became of the history, in one line, and each reason for which Loki refused entries in a line of its
/// own.
void print_summary(std::ostream& out, const ship::counters& c, std::uint64_t executions);

} // namespace lokiship::tools

#endif
