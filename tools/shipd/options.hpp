#ifndef LOKISHIP_TOOLS_SHIPD_OPTIONS_HPP
#define LOKISHIP_TOOLS_SHIPD_OPTIONS_HPP

#include "common/loki_settings.hpp"
#include "common/settings.hpp"

#include <lokiship/ship/shipper_options.hpp>

#include <string>
#include <vector>

namespace lokiship::tools {

/// What `shipd --help` begins with.
extern const char* const shipd_description;

std::vector<setting> shipd_settings();

/// The settings of each backend, and its `name`: of those that the config file has, else of the one, `aoss`.
std::vector<values> backends_of(const values& v);

/// What the settings say of a shipper whose pushes are made like this, at a Loki with these settings; callbacks are left out.
ship::shipper_options to_shipper_options(const values& v, ship::delivery_options delivery,
                                         const loki_settings& loki);

/// The settings that differ and that only another start takes, as a user knows them, such as `--listen`.
std::vector<std::string> changed_for_next_start(const values& before, const values& after);

} // namespace lokiship::tools

#endif
