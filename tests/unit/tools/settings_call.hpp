// A made-up tool's settings, and a call of it.
#ifndef LOKISHIP_TESTS_UNIT_TOOLS_SETTINGS_CALL_HPP
#define LOKISHIP_TESTS_UNIT_TOOLS_SETTINGS_CALL_HPP

#include "common/settings.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lokiship::tools {

inline std::vector<setting> some() {
    return {url_setting("loki", "LOKI_URL", "http://localhost:3100", "Loki"),
            count_setting("batch-size", 1, 100, "10", "Size"),
            duration_setting("poll-interval", "100ms", "1d", "30s", "Interval"),
            choice_setting("progress", {"auto", "never"}, "auto", "Bar"), flag_setting("once", "Once")};
}

inline std::vector<setting> more() {
    const auto lower_case = [](const std::string& text) -> std::optional<std::string> {
        return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == text.npos
                   ? std::nullopt
                   : std::optional<std::string>("is not in lower case");
    };
    return {list_setting("server-id", "ID", "Servers"),
            list_setting("word", "WORD", "Words", lower_case),
            time_setting("since", "Not older than this"),
            size_setting("max-bytes", "1KiB", "1GiB", "64MiB", "Most"),
            size_setting("cache", "1MB", "1TB", "off", "Cache", true),
            flag_setting("colour", "In colour", true),
            list_setting("pattern", "RE", "Patterns", {}, {}, '\n')};
}

struct call {
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::string> files;
    std::string unreadable{};
    std::vector<setting> (*settings)() = some;

    std::variant<values, exit_message> operator()() const {
        const auto in = [](const auto& table) {
            return [&table](const std::string& key) -> std::optional<std::string> {
                const auto at = table.find(key);
                return at == table.end() ? std::nullopt : std::optional(at->second);
            };
        };
        const auto exists = [this](const std::string& name) {
            return files.contains(name) || name == unreadable;
        };
        return resolve("tool", "Does it.", settings(), {arguments, in(environment), in(files), exists});
    }
    values all() const {
        auto r = (*this)();
        if (const auto* m = std::get_if<exit_message>(&r))
            BOOST_TEST_REQUIRE(false, m->text);
        return std::get<values>(std::move(r));
    }
    value get(std::string_view name) const { return all().find(name)->second; }
    exit_message message() const {
        const auto r = (*this)();
        BOOST_TEST_REQUIRE(std::holds_alternative<exit_message>(r));
        return std::get<exit_message>(r);
    }
};

inline call with_more(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {},
                      std::map<std::string, std::string> files = {}) {
    return {std::move(arguments), std::move(environment), std::move(files), {}, more};
}

} // namespace lokiship::tools

#endif
