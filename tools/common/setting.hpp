#ifndef LOKISHIP_TOOLS_COMMON_SETTING_HPP
#define LOKISHIP_TOOLS_COMMON_SETTING_HPP

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
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
    /// `separator` parts the elements everywhere.
    bool list = false;
    char separator = ',';
    /// How a value, or an element of a list, is shown; empty: as `masked` has it.
    std::function<std::string(const std::string&)> mask{};
    /// There is no such option: the environment, `.env` and the config file set it. For what is secret as a whole.
    bool off_command_line = false;
    /// Each of several backends may have its own, in a table `[[backend]]` of the config file.
    bool per_backend = false;
};

/// The kinds of settings.
setting url_setting(std::string name, std::string environment, std::string default_value, std::string help);
setting count_setting(std::string name, std::uint64_t least, std::uint64_t most, std::string default_value,
                      std::string help);
setting duration_setting(std::string name, std::string least, std::string most, std::string default_value,
                         std::string help);
/// `off`, where it is allowed, need not lie between `least` and `most`.
setting size_setting(std::string name, std::string least, std::string most, std::string default_value,
                     std::string help, bool can_be_off = false);
/// `I/N`: the number of a part, from 0 on, and how many there are.
setting part_setting(std::string name, std::string default_value, std::string help);
/// Not given: nothing. The help gets an example of each form.
setting time_setting(std::string name, std::string help);
/// Not given: an empty list. `placeholder` and `check` are those of one element; without a check every one is good that
/// is not empty. The help says how to give several. `separator`: a comma or a line break.
setting list_setting(std::string name, std::string placeholder, std::string help,
                     std::function<std::optional<std::string>(const std::string&)> check = {},
                     std::function<std::string(const std::string&)> mask = {}, char separator = ',');
setting choice_setting(std::string name, std::vector<std::string> choices, std::string default_value,
                       std::string help);
/// Any text; without a check every one is good.
setting text_setting(std::string name, std::string placeholder, std::string default_value, std::string help,
                     std::function<std::optional<std::string>(const std::string&)> check = {});
/// A password or token, for which there is no option. Checked for control characters alone.
setting secret_setting(std::string name, std::string environment);
setting file_setting(std::string name, std::string help);
/// One that is on by default is turned off by `--no-` and its name.
setting flag_setting(std::string name, std::string help, bool by_default = false);

/// The environment variable that sets it.
std::string environment_name(const setting& s);

/// Whether a text may hold a password. An '@' is enough: a URL that does not parse can have one anywhere.
bool has_password(std::string_view text);
/// `scheme://user:****@host`, or `****` where it is not certain which part is the password.
std::string masked(const std::string& text);
/// An element of a list, or the value of another setting, as it may be shown.
std::string shown_element(const setting& s, const std::string& text);
/// A value as it may be shown.
std::string shown(const setting& s, const std::string& text);

} // namespace lokiship::tools

#endif
