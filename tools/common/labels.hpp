#ifndef LOKISHIP_TOOLS_COMMON_LABELS_HPP
#define LOKISHIP_TOOLS_COMMON_LABELS_HPP

#include "common/settings.hpp"

#include <lokiship/loki/labels.hpp>

#include <string>

namespace lokiship::tools {

/// A list of labels beside those that each entry has.
setting label_setting(std::string name, std::string help);

/// What such a setting says. Throws `wrong_use_error` where a label is given twice.
loki::labels labels_of(const values& v, const std::string& name);

} // namespace lokiship::tools

#endif
