#ifndef LOKISHIP_TOOLS_BACKFILL_OPTIONS_HPP
#define LOKISHIP_TOOLS_BACKFILL_OPTIONS_HPP

#include "common/loki_settings.hpp"
#include "common/settings.hpp"

#include <lokiship/ship/backfill.hpp>

#include <string>
#include <vector>

namespace lokiship::tools {

/// What `backfill --help` begins with.
extern const char* const backfill_description;

std::vector<setting> backfill_settings();

/// What the settings say of a backfill whose pushes are made like this, at a Loki with these settings. The servers are as
/// `transport::server` names them. Throws `wrong_use_error`.
ship::backfill_options to_backfill_options(const values& v, ship::delivery_options delivery,
                                           const loki_settings& loki, const std::string& backend_server,
                                           const std::string& loki_server, timestamp now);

} // namespace lokiship::tools

#endif
