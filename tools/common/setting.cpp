#include "common/setting.hpp"

#include "common/parse.hpp"

#include <lokiship/http/credentials.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/text/escape.hpp>

#include <algorithm>
#include <utility>

namespace lokiship::tools {

std::string environment_name(const setting& s) {
    if (!s.environment.empty())
        return s.environment;
    std::string out = "LOKISHIP_" + s.name;
    for (char& c : out)
        c = c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return out;
}

bool has_password(std::string_view text) {
    return text.find('@') != text.npos;
}

std::string masked(const std::string& text) {
    if (!has_password(text))
        return text;
    const auto u = http::parse_url(text);
    return u && !u->userinfo.empty() ? u->display() : "****";
}

std::string shown_element(const setting& s, const std::string& text) {
    return s.mask ? s.mask(text) : masked(text);
}

std::string shown(const setting& s, const std::string& text) {
    if (!s.list)
        return shown_element(s, text);
    if (shown_element(s, text) == text)
        return text;
    auto elements = split_list(text, s.separator);
    for (auto& e : elements)
        e = shown_element(s, e);
    return join_list(elements, s.separator);
}

setting url_setting(std::string name, std::string environment, std::string default_value, std::string help) {
    return {std::move(name),
            "URL",
            std::move(default_value),
            std::move(help),
            [](const std::string& text) -> std::optional<std::string> {
                const auto u = http::parse_url(text);
                if (!u) {
                    // The URL itself is quoted already, by whoever shows this.
                    const std::string& m = u.error().message;
                    return m.substr(m.starts_with('\'') ? m.find("': ") + 3
                                                        : std::string_view("URL: ").size());
                }
                return std::nullopt;
            },
            std::move(environment),
            true};
}

setting count_setting(std::string name, std::uint64_t least, std::uint64_t most, std::string default_value,
                      std::string help) {
    return {std::move(name), "N", std::move(default_value), std::move(help),
            [least, most](const std::string& text) -> std::optional<std::string> {
                const auto n = parse_count(text);
                if (n && *n >= least && *n <= most)
                    return std::nullopt;
                return "is not a whole number from " + std::to_string(least) + " to " + std::to_string(most);
            }};
}

setting duration_setting(std::string name, std::string least, std::string most, std::string default_value,
                         std::string help) {
    return {std::move(name), "DURATION", std::move(default_value), std::move(help),
            [least, most](const std::string& text) -> std::optional<std::string> {
                const auto d = parse_duration(text);
                if (d && *d >= *parse_duration(least) && *d <= *parse_duration(most))
                    return std::nullopt;
                return "is not a duration from " + least + " to " + most +
                       ", such as 500ms, 30s, 5m, 2h or 1d";
            }};
}

setting size_setting(std::string name, std::string least, std::string most, std::string default_value,
                     std::string help, bool can_be_off) {
    return {std::move(name), "SIZE", std::move(default_value), std::move(help),
            [least, most, can_be_off](const std::string& text) -> std::optional<std::string> {
                const auto n = parse_size(text);
                if (text == "off" ? can_be_off : n && *n >= *parse_size(least) && *n <= *parse_size(most))
                    return std::nullopt;
                return (can_be_off ? "is neither off nor a size from " : "is not a size from ") + least +
                       " to " + most + ", such as 500KB or 64MiB (a KB has 1000 bytes, a KiB 1024)";
            }};
}

setting part_setting(std::string name, std::string default_value, std::string help) {
    return {std::move(name), "I/N", std::move(default_value), std::move(help),
            [](const std::string& text) -> std::optional<std::string> {
                if (parse_part(text))
                    return std::nullopt;
                return "is not I/N, such as 0/3, 1/3 and 2/3, with at most 1000 parts";
            }};
}

setting time_setting(std::string name, std::string help) {
    return {
        std::move(name), "TIME", "",
        std::move(help) + " (2026-11-01T00:00:00Z; 2026-11-01: its midnight in UTC; 7d: so long ago)",
        [](const std::string& text) -> std::optional<std::string> {
            if (text.empty() || parse_time(text, timestamp()))
                return std::nullopt;
            return "is neither a time, such as 2026-11-01T00:00:00Z or 2026-11-01, nor so long ago, such as "
                   "36h or 7d";
        }};
}

setting list_setting(std::string name, std::string placeholder, std::string help,
                     std::function<std::optional<std::string>(const std::string&)> check,
                     std::function<std::string(const std::string&)> mask, char separator) {
    if (!mask)
        mask = masked;
    setting out{
        std::move(name), std::move(placeholder), "",
        std::move(help) + " (several: repeat it, or part them by " +
            (separator == ',' ? "commas)" : "line breaks)"),
        [check = std::move(check), mask, separator](const std::string& text) -> std::optional<std::string> {
            const auto elements = split_list(text, separator);
            for (const auto& e : elements) {
                if (e.empty())
                    return "has an empty element";
                if (const auto wrong = check ? check(e) : std::nullopt)
                    return elements.size() == 1
                               ? *wrong
                               : "has the element '" + text::escape_for_log(mask(e)) + "', which " + *wrong;
            }
            return std::nullopt;
        }};
    out.list = true;
    out.separator = separator;
    out.mask = std::move(mask);
    return out;
}

setting choice_setting(std::string name, std::vector<std::string> choices, std::string default_value,
                       std::string help) {
    std::string list;
    for (const auto& c : choices)
        list += (list.empty() ? "" : "|") + c;
    return {std::move(name), list, std::move(default_value), std::move(help),
            [choices = std::move(choices), list](const std::string& text) -> std::optional<std::string> {
                if (std::find(choices.begin(), choices.end(), text) != choices.end())
                    return std::nullopt;
                return "is not one of " + list;
            }};
}

setting text_setting(std::string name, std::string placeholder, std::string default_value, std::string help,
                     std::function<std::optional<std::string>(const std::string&)> check) {
    if (!check)
        check = [](const std::string&) { return std::optional<std::string>(); };
    return {std::move(name), std::move(placeholder), std::move(default_value), std::move(help),
            std::move(check)};
}

setting secret_setting(std::string name, std::string environment) {
    setting out = text_setting(std::move(name), "TEXT", "", "", [](const std::string& text) {
        return http::secret::control_character(text) == text.npos
                   ? std::nullopt
                   : std::optional<std::string>("has a control character, such as a line break");
    });
    out.environment = std::move(environment);
    out.mask = [](const std::string& text) { return std::string(text.empty() ? "" : "****"); };
    out.off_command_line = true;
    return out;
}

setting file_setting(std::string name, std::string help) {
    return text_setting(std::move(name), "FILE", "", std::move(help));
}

setting flag_setting(std::string name, std::string help, bool by_default) {
    return {std::move(name), "", by_default ? "true" : "false", std::move(help),
            [](const std::string& text) -> std::optional<std::string> {
                return text == "true" || text == "false" ? std::nullopt
                                                         : std::optional<std::string>("is not true or false");
            }};
}

} // namespace lokiship::tools
