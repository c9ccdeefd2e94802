#ifndef LOKISHIP_TOOLS_COMMON_SETTINGS_HPP
#define LOKISHIP_TOOLS_COMMON_SETTINGS_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/url.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lokiship::tools {

/// One option of a tool.
struct setting {
    /// The long flag without its dashes, also the key in a config file.
    std::string name;
    /// What stands for the value in `--help`; empty for a flag, whose value is `true` or `false`.
    std::string placeholder;
    std::string default_value;
    std::string help;
    /// The message for a bad value, without option and value: `is not …`. Empty result: the value is good.
    std::function<std::optional<std::string>(const std::string&)> check;
    /// The environment variable; empty: `LOKISHIP_` and the name in upper case.
    std::string environment{};
    /// The value can hold a password and is then refused on the command line.
    bool secret = false;
};

/// A setting's value and where it comes from, as messages name it: `--loki`, `.env:3 LOKI_URL`, `default`.
struct value {
    std::string text;
    std::string origin;
};

/// The settings by name. The accessors' precondition: the setting exists, and its check made sure of the
/// type.
struct values : std::map<std::string, value, std::less<>> {
    const std::string& text(std::string_view name) const { return find(name)->second.text; }
    bool flag(std::string_view name) const { return text(name) == "true"; }
    std::uint64_t count(std::string_view name) const;
    std::chrono::nanoseconds duration(std::string_view name) const;
};

/// What to print before exiting: help, version, the configuration (code 0), or an error (code 2).
struct exit_message {
    int code = 0;
    std::string text;
};

/// Wrong use that shows only when a setting is put to use, such as a file that cannot be opened.
struct wrong_use_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What the tool was called with, and what it may look at.
struct surroundings {
    /// Without the program's name.
    std::vector<std::string> arguments;
    std::function<std::optional<std::string>(const std::string&)> environment;
    /// The text of a file, or nothing where it cannot be read.
    std::function<std::optional<std::string>(const std::string&)> read_file;
    /// Whether there is a file of that name, readable or not.
    std::function<bool(const std::string&)> exists;
};

/// The text of a file, or nothing where it cannot be read.
std::optional<std::string> read_file(const std::string& path);

/// The process's own: its arguments, environment and files.
surroundings real_surroundings(int argc, char** argv);

/// Resolves the settings: command line, then environment, then `.env`, then the file that `--config` names
/// (TOML), then the defaults. An empty variable counts as not set; of two lines in `.env` the later counts.
/// Adds `--config` (also `LOKISHIP_CONFIG`), `--print-config`, `--help` and `--version`. Every value that is
/// used has passed its check. A password in a URL is refused on the command line, where others can read it,
/// and shown nowhere: a value with an `@` is masked in every message, and `--print-config` leaves its line as
/// a comment.
std::variant<values, exit_message> resolve(std::string_view tool, std::string_view description,
                                           std::vector<setting> settings, const surroundings& around);

/// `500ms`, `30s`, `5m`, `2h`, `7d`: a whole number and its unit; `off` is zero.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
/// A whole number without a sign.
std::optional<std::uint64_t> parse_count(std::string_view text);

/// Settings that several tools have.
setting url_setting(std::string name, std::string environment, std::string default_value, std::string help);
setting count_setting(std::string name, std::uint64_t least, std::uint64_t most, std::string default_value,
                      std::string help);
setting duration_setting(std::string name, std::string least, std::string most, std::string default_value,
                         std::string help);
setting choice_setting(std::string name, std::vector<std::string> choices, std::string default_value,
                       std::string help);
setting file_setting(std::string name, std::string help);
setting flag_setting(std::string name, std::string help);

} // namespace lokiship::tools

#endif
