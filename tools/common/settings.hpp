#ifndef LOKISHIP_TOOLS_COMMON_SETTINGS_HPP
#define LOKISHIP_TOOLS_COMMON_SETTINGS_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/text/timestamp.hpp>

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
    /// The value is a list: on the command line the option can be repeated, in TOML it can be an array of strings.
    /// Commas part the elements everywhere.
    bool list = false;
};

/// A setting's value and where it comes from, as messages name it: `--loki`, `.env:3 LOKI_URL`, `default`.
struct value {
    std::string text;
    std::string origin;
};

/// The settings by name. The accessors' precondition: the setting exists, and its check made sure of the
/// type.
struct values : std::map<std::string, value, std::less<>> {
    using map::size;
    const std::string& text(std::string_view name) const { return find(name)->second.text; }
    bool flag(std::string_view name) const { return text(name) == "true"; }
    std::uint64_t count(std::string_view name) const;
    std::chrono::nanoseconds duration(std::string_view name) const;
    /// Bytes; 0 for `off`.
    std::uint64_t size(std::string_view name) const;
    /// Nothing where the text is empty.
    std::optional<timestamp> time(std::string_view name, timestamp now) const;
    /// The elements in the order in which they were given; none where the text is empty.
    std::vector<std::string> list(std::string_view name) const;
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
/// Bytes: `500KB` (or `kB`; a KB, MB, GB or TB is a power of 1000), `64MiB` (KiB, MiB, GiB, TiB: powers of 1024), or a
/// plain number; `off` is zero.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// A time as in RFC 3339, `2026-11-01T00:00:00Z`, a day for its midnight in UTC, `2026-11-01`, or a duration before
/// `now`, `7d`.
std::optional<timestamp> parse_time(std::string_view text, timestamp now);

/// Settings that several tools have.
setting url_setting(std::string name, std::string environment, std::string default_value, std::string help);
setting count_setting(std::string name, std::uint64_t least, std::uint64_t most, std::string default_value,
                      std::string help);
setting duration_setting(std::string name, std::string least, std::string most, std::string default_value,
                         std::string help);
/// `off`, where it is allowed, need not lie between `least` and `most`.
setting size_setting(std::string name, std::string least, std::string most, std::string default_value,
                     std::string help, bool can_be_off = false);
/// Not given: nothing. The help gets an example of each form.
setting time_setting(std::string name, std::string help);
/// Not given: an empty list. `placeholder` and `check` are those of one element; without a check every one is good that
/// is not empty. The help says how to give several.
setting list_setting(std::string name, std::string placeholder, std::string help,
                     std::function<std::optional<std::string>(const std::string&)> check = {});
setting choice_setting(std::string name, std::vector<std::string> choices, std::string default_value,
                       std::string help);
/// Any text; without a check every one is good.
setting text_setting(std::string name, std::string placeholder, std::string default_value, std::string help,
                     std::function<std::optional<std::string>(const std::string&)> check = {});
setting file_setting(std::string name, std::string help);
setting flag_setting(std::string name, std::string help);

} // namespace lokiship::tools

#endif
