#ifndef LOKISHIP_TOOLS_BACKFILL_PLAN_HPP
#define LOKISHIP_TOOLS_BACKFILL_PLAN_HPP

#include <lokiship/ship/backfill.hpp>

#include <boost/json/object.hpp>

#include <string>

namespace lokiship::tools {

/// What a plan is about.
struct planned {
    const ship::backfill_plan& plan;
    const ship::backfill_options& options;
    timestamp now{};
};

/// The plan for people: what will be shipped, what Loki will refuse and why, and which of its settings to change. Ends
/// with a line break.
std::string plan_text(const planned& p);

/// The same for scripts.
boost::json::object plan_json(const planned& p);

/// What is known of a plan where Loki was not asked: what was read.
boost::json::object read_json(const ship::backfill_plan& plan);

/// What a person can do so that Loki takes what it would refuse for this reason.
std::string remedy(loki::reject_reason reason, const planned& p);

} // namespace lokiship::tools

#endif
