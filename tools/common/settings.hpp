#ifndef LOKISHIP_TOOLS_COMMON_SETTINGS_HPP
#define LOKISHIP_TOOLS_COMMON_SETTINGS_HPP

#include "common/parse.hpp"
#include "common/setting.hpp"

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

/// A setting's value and where it comes from, as messages name it: `--loki`, `.env:3 LOKI_URL`, `default`.
struct value {
    std::string text;
    std::string origin;
};

/// The settings by name. The accessors' precondition: the setting exists, and its check made sure of the
/// type.
struct values : std::map<std::string, value, std::less<>> {
    using map::size;
    /// Where the config file has several backends, the settings of each, and `name`.
    std::vector<values> backends{};

    const std::string& text(std::string_view name) const { return find(name)->second.text; }
    bool flag(std::string_view name) const { return text(name) == "true"; }
    std::uint64_t count(std::string_view name) const;
    std::chrono::nanoseconds duration(std::string_view name) const;
    /// Bytes; 0 for `off`.
    std::uint64_t size(std::string_view name) const;
    tools::part part(std::string_view name) const;
    /// Nothing where the text is empty.
    std::optional<timestamp> time(std::string_view name, timestamp now) const;
    /// The elements in the order in which they were given; none where the text is empty.
    std::vector<std::string> list(std::string_view name, char separator = ',') const;
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

/// The process's own; nothing where it is not set.
std::optional<std::string> environment_variable(const std::string& name);

/// The process's own: its arguments, environment and files.
surroundings real_surroundings(int argc, char** argv);

/// Resolves the settings: command line, then environment, then `.env`, then the file that `--config` names
/// (TOML), then the defaults. An empty variable counts as not set; of two lines in `.env` the later counts.
/// Adds `--config` (also `LOKISHIP_CONFIG`), `--print-config`, `--help` and `--version`. Every value that is
/// used has passed its check. A password in a URL is refused on the command line, where others can read it,
/// and shown nowhere: a value with an `@` is masked in every message, and `--print-config` leaves its line as
/// a comment.
///
/// Where a setting `backend` is `per_backend`, the file may have tables `[[backend]]`, each with a `name`, `url` for `backend`, and
/// whatever else is `per_backend`, a leading `backend-` left out. They take the place of all that says how one backend is reached.
std::variant<values, exit_message> resolve(std::string_view tool, std::string_view description,
                                           std::vector<setting> settings, const surroundings& around);

} // namespace lokiship::tools

#endif
