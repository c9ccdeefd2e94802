#ifndef LOKISHIP_TOOLS_BACKFILL_OPTIONS_HPP
#define LOKISHIP_TOOLS_BACKFILL_OPTIONS_HPP

#include "common/settings.hpp"

#include <lokiship/ship/backfill.hpp>

#include <vector>

namespace lokiship::tools {

/// What `backfill --help` begins with.
extern const char* const backfill_description;

std::vector<setting> backfill_settings();

/// What the settings say of a backfill whose pushes are made like this, at a Loki that limits queries like that.
ship::backfill_options to_backfill_options(const values& v, ship::delivery_options delivery,
                                           const loki::query_limits& query);

} // namespace lokiship::tools

#endif
