#include "common/labels.hpp"

#include <lokiship/aoss/to_entry.hpp>

#include <optional>
#include <utility>

namespace lokiship::tools {

setting label_setting(std::string name, std::string help) {
    return list_setting(std::move(name), "NAME=VALUE", std::move(help),
                        [](const std::string& text) -> std::optional<std::string> {
                            const auto at = text.find('=');
                            if (at == text.npos || at + 1 == text.size())
                                return "is not NAME=VALUE";
                            return aoss::why_not_external({{text.substr(0, at), text.substr(at + 1)}});
                        });
}

loki::labels labels_of(const values& v, const std::string& name) {
    loki::labels out;
    for (const auto& text : v.list(name)) {
        const auto at = text.find('=');
        if (!out.get(text.substr(0, at)).empty())
            throw wrong_use_error(v.find(name)->second.origin + ": '" + text.substr(0, at) +
                                  "' is given twice");
        out.set(text.substr(0, at), text.substr(at + 1));
    }
    return out;
}

} // namespace lokiship::tools
