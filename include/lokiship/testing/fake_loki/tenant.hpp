#ifndef LOKISHIP_TESTING_FAKE_LOKI_TENANT_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_TENANT_HPP

#include <lokiship/testing/fake_loki/limits.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace lokiship::testing {

/// Why a request has no tenant.
struct no_tenant {
    unsigned status;
    std::string text;
    /// There are several, which a push may not have.
    bool several = false;
};

/// The tenant that a value of `X-Scope-OrgID` names.
inline std::variant<std::string, no_tenant> read_tenant(std::string_view header, loki_version version) {
    static constexpr std::string_view others = "!-_.*'()";
    if (header.empty())
        return no_tenant{401, "no org id"};
    if (version == loki_version::v2_9) {
        if (header == "." || header == ".." || header.find_first_of("/\\") != header.npos)
            return no_tenant{400, "invalid tenant ID"};
        return std::string(header);
    }
    std::string first;
    bool several = false;
    for (std::string_view rest = header; rest.data();) {
        const auto bar = rest.find('|');
        std::string id(rest.substr(0, std::min(bar, rest.find(':'))));
        rest = bar == rest.npos ? std::string_view() : rest.substr(bar + 1);
        for (const char c : id)
            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  others.find(c) != others.npos))
                return no_tenant{400, "tenant ID '" + id + "' contains unsupported character '" + c + '\''};
        if (id.size() > 150)
            return no_tenant{400, "tenant ID is too long: max 150 characters"};
        if (id == "." || id == "..")
            return no_tenant{400, "tenant ID is '.' or '..'"};
        several = several || (!first.empty() && id != first);
        if (first.empty())
            first = std::move(id);
    }
    if (several)
        return no_tenant{400, "multiple org IDs present", true};
    return first;
}

} // namespace lokiship::testing

#endif
