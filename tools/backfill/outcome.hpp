#ifndef LOKISHIP_TOOLS_BACKFILL_OUTCOME_HPP
#define LOKISHIP_TOOLS_BACKFILL_OUTCOME_HPP

#include "backfill/phase.hpp"
#include "backfill/plan.hpp"
#include "common/exit_code.hpp"
#include "common/ndjson.hpp"

#include <lokiship/ship/backfill.hpp>
#include <lokiship/ship/counters.hpp>

#include <boost/json/object.hpp>

#include <spdlog/logger.h>

#include <fstream>
#include <ostream>
#include <string>
#include <string_view>

namespace lokiship::tools {

/// How a backfill ended.
struct outcome {
    const ship::counters& count;
    const ship::backfill_result& result;
    /// By a signal.
    bool stopped = false;
    /// With `--plan`: nothing was to be pushed.
    bool plan_only = false;
    /// What it did last.
    phase at = phase::verifying;
};

/// What the process exits with.
exit_code exit_code_of(const outcome& o, const ship::backfill_plan& plan);

/// What became of the history, in one line, and each reason for which Loki refused entries in a line of its
/// own.
std::string summary_text(const outcome& o);

/// The same for scripts.
boost::json::object summary_json(const outcome& o, exit_code code);

/// Logs what went wrong, and how to go on.
void explain(spdlog::logger& log, const outcome& o, const ship::backfill_options& options);

/// Writes a text, or, where `json` is set, a line `{"event":name,…}`.
void print(std::ostream& out, bool json, std::string_view name, const boost::json::object& object,
           const std::string& text);

/// All entries as NDJSON, oldest first: `{"labels":{…},"ts":"<ns>","line":"…"}`.
template <class Backfill>
void print_entries(std::ostream& out, Backfill& fill) {
    fill.visit([&out](const loki::labels& labels, const loki::entry& e) { out << to_ndjson(labels, e); });
    out.flush();
}

/// The file of `--report`. Opened at once, since a report that cannot be written must not show after hours of work.
class report {
public:
    /// An empty path: there is none. Throws `wrong_use_error`.
    explicit report(const std::string& path);
    void write(const boost::json::object& content);

private:
    std::ofstream file_;
};

} // namespace lokiship::tools

#endif
