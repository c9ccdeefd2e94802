#include "common/settings.hpp"

#include "common/dotenv.hpp"
#include "common/parse.hpp"
#include "common/reference.hpp"

#include <lokiship/text/escape.hpp>

#include <CLI/CLI.hpp>
#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <utility>

namespace lokiship::tools {

namespace {

/// A value of a config file as text; nothing where it has none of the types that the setting takes. `separator`: of a
/// list's elements.
std::optional<std::string> text_of(const toml::node& node, std::optional<char> separator) {
    std::ostringstream out;
    if (const auto* s = node.as_string())
        out << s->get();
    else if (node.is_integer() || node.is_boolean() || node.is_date() || node.is_date_time())
        node.visit([&](const auto& n) { out << n; });
    else if (const auto* elements = separator ? node.as_array() : nullptr) {
        std::vector<std::string> texts;
        for (const auto& e : *elements) {
            auto text = text_of(e, std::nullopt);
            if (!text)
                return std::nullopt;
            texts.push_back(std::move(*text));
        }
        return join_list(texts, *separator);
    } else
        return std::nullopt;
    return out.str();
}

exit_message usage_error(std::string text) {
    return {2, std::move(text)};
}

/// What a config file says. What is wrong is thrown.
class config_file {
public:
    config_file(const std::string& path, const std::vector<setting>& settings)
        : path_(text::escape_for_log(path))
        , settings_(settings) {}

    values read(const std::string& text) {
        values out;
        for (const auto& [key, node] : toml::parse(text, path_)) {
            const setting* const s = find(name_of(key));
            if (s && s->name == "backend" && node.is_array_of_tables()) {
                if (!s->per_backend)
                    fail(node, key.str(), "[[backend]] is for shipd alone");
                for (const auto& table : *node.as_array())
                    out.backends.push_back(read_backend(*table.as_table(), out.backends));
                continue;
            }
            if (!s)
                fail(node, key.str(), "is no setting of this tool");
            put(out, *s, key.str(), node);
        }
        return out;
    }

private:
    static std::string name_of(const toml::key& key) {
        std::string out(key.str());
        std::replace(out.begin(), out.end(), '_', '-');
        return out;
    }
    const setting* find(const std::string& name) const {
        const auto at = std::find_if(settings_.begin(), settings_.end(),
                                     [&](const setting& s) { return s.name == name; });
        return at == settings_.end() ? nullptr : &*at;
    }
    std::string where(const toml::node& node, std::string_view key) const {
        return path_ + ':' + std::to_string(node.source().begin.line) + ' ' + text::escape_for_log(key);
    }
    [[noreturn]] void fail(const toml::node& node, std::string_view key, const std::string& what) const {
        throw wrong_use_error(where(node, key) + ": " + what);
    }
    void put(values& out, const setting& s, std::string_view key, const toml::node& node) const {
        const auto written = text_of(node, s.list ? std::optional(s.separator) : std::nullopt);
        if (!written)
            fail(node, key,
                 s.list ? "must be a string or an array of strings"
                        : "must be a string, a whole number or a boolean");
        if (!out.emplace(s.name, value{*written, where(node, key)}).second)
            fail(node, key, "is given twice");
    }
    values read_backend(const toml::table& table, const std::vector<values>& others) const {
        values out;
        for (const auto& [key, node] : table) {
            const std::string name = name_of(key);
            if (name == "name") {
                read_name(out, node, others);
                continue;
            }
            const setting* s = find(name == "url" ? "backend" : "backend-" + name);
            s = s ? s : find(name);
            if (!s || !s->per_backend || name.starts_with("backend"))
                fail(node, key.str(), "is no setting of a backend");
            put(out, *s, key.str(), node);
        }
        for (const auto& [name, key] : {std::pair("name", "name"), std::pair("backend", "url")})
            if (!out.contains(name))
                fail(table, "backend", std::string("has no ") + key);
        return out;
    }
    void read_name(values& out, const toml::node& node, const std::vector<values>& others) const {
        const std::string text = text_of(node, std::nullopt).value_or("");
        const bool word = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                   c == '_';
        });
        if (!word)
            fail(node, "name",
                 '\'' + text::escape_for_log(text) + "' is not a word of letters, digits, '-' and '_'");
        for (const auto& other : others)
            if (other.text("name") == text)
                fail(node, "name", '\'' + text + "' is the name of another backend");
        out.emplace("name", value{text, where(node, "name")});
    }

    std::string path_;
    const std::vector<setting>& settings_;
};

/// The config file's values, or a message.
std::variant<values, exit_message> read_config(const value& config, const std::vector<setting>& settings,
                                               const surroundings& around) {
    const auto text = around.read_file(config.text);
    const std::string path = text::escape_for_log(config.text);
    if (!text)
        return usage_error(config.origin + ": '" + path + "' cannot be read");
    try {
        return config_file(config.text, settings).read(*text);
    } catch (const wrong_use_error& e) {
        return usage_error(e.what());
    } catch (const toml::parse_error& e) {
        return usage_error(path + ':' + std::to_string(e.source().begin.line) + ": " +
                           text::escape_for_log(e.description()));
    }
}

/// Of the settings of one backend those that say how it is reached.
bool is_of_one_backend(const setting& s) {
    return s.name.starts_with("backend") && s.name != "backend-timeout";
}

/// The settings of each backend, where the file has several: what it says of that one, else what all have.
std::optional<exit_message> resolve_backends(values& all, const std::vector<values>& tables,
                                             const std::vector<setting>& settings) {
    for (const auto& table : tables) {
        values one = all;
        one.backends.clear();
        one.emplace("name", table.find("name")->second);
        for (const auto& s : settings) {
            if (!s.per_backend)
                continue;
            value& v = one.find(s.name)->second;
            const auto own = table.find(s.name);
            if (is_of_one_backend(s)) {
                if (v.origin != "default")
                    return usage_error(v.origin + ": cannot be used together with [[backend]] in " +
                                       table.find("name")->second.origin);
                // A credential of systemd's is not for all of them.
                v.text = s.placeholder == "FILE" ? "" : s.default_value;
            }
            if (own == table.end())
                continue;
            if (const auto wrong = s.check(own->second.text))
                return usage_error(own->second.origin + ": '" +
                                   text::escape_for_log(shown(s, own->second.text)) + "' " + *wrong);
            v = own->second;
        }
        all.backends.push_back(std::move(one));
    }
    return std::nullopt;
}

/// On one line, with escapes: of several toml++ loses a line break at the beginning, and they would end a comment.
void print_string(std::ostream& out, const std::string& text) {
    using toml::format_flags;
    const toml::value<std::string> node(text);
    auto flags = toml::toml_formatter::default_flags;
    if (text.find_first_of("\r\n") != text.npos)
        flags &= ~(format_flags::allow_multi_line_strings | format_flags::allow_literal_strings);
    out << toml::toml_formatter(node, flags);
}

void print_setting(std::string& out, const setting& s, const std::string& name, const value& v) {
    std::ostringstream text;
    if (s.placeholder.empty())
        text << v.text;
    else if (s.list) {
        const char* before = "[";
        for (const auto& e : split_list(v.text, s.separator)) {
            text << std::exchange(before, ", ");
            print_string(text, shown_element(s, e));
        }
        text << (*before == '[' ? "[]" : "]");
    } else
        print_string(text, shown_element(s, v.text));
    // As a comment, so that nobody's password becomes `****` when this is read again.
    out += (shown(s, v.text) != v.text ? "# " : "") + name + " = " + text.str() + " # " + v.origin + '\n';
}

/// What `--help` shows.
reference reference_of(const CLI::App& app, const std::vector<setting>& settings) {
    reference out{app.get_name(), LOKISHIP_VERSION_STRING, app.get_description(), app.get_footer(), {}, {}};
    for (const auto* o : app.get_options()) {
        if (o->get_group().empty()) // hidden
            continue;
        reference::option option{{}, o->get_type_name(), o->get_description()};
        for (const auto& name : o->get_snames())
            option.names.push_back('-' + name);
        for (const auto& name : o->get_lnames())
            if (!o->check_fname(name))
                option.names.push_back("--" + name);
        option.repeatable = o->get_multi_option_policy() == CLI::MultiOptionPolicy::TakeAll;
        const std::string name = option.names.back();
        out.options.push_back(std::move(option));
        for (const auto& off : o->get_fnames())
            out.options.push_back({{"--" + off}, "", "Turn " + name + " off"});
    }
    for (const auto& s : settings)
        if (s.off_command_line)
            out.variables.push_back(environment_name(s));
    return out;
}

std::string print_config(const std::vector<setting>& settings, const values& resolved) {
    std::string out;
    for (const auto& s : settings)
        if (resolved.backends.empty() || !is_of_one_backend(s))
            print_setting(out, s, s.name, resolved.at(s.name));
    for (const auto& one : resolved.backends) {
        out += "\n[[backend]]\nname = \"" + one.text("name") + "\"\n";
        for (const auto& s : settings) {
            if (!s.per_backend)
                continue;
            const std::string name = s.name == "backend"              ? "url"
                                     : s.name.starts_with("backend-") ? s.name.substr(8)
                                                                      : s.name;
            print_setting(out, s, name, one.at(s.name));
        }
    }
    return out;
}

} // namespace

std::optional<std::string> read_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in)
        return std::nullopt;
    try {
        return std::string{std::istreambuf_iterator<char>(in), {}};
    } catch (const std::ios_base::failure&) { // a directory, for one
        return std::nullopt;
    }
}

std::optional<std::string> environment_variable(const std::string& name) {
    const char* found = std::getenv(name.c_str());
    return found ? std::optional<std::string>(found) : std::nullopt;
}

surroundings real_surroundings(int argc, char** argv) {
    return {{argv + 1, argv + argc}, environment_variable, read_file, [](const std::string& path) {
                std::error_code ec;
                const auto kind = std::filesystem::symlink_status(path, ec).type();
                return kind != std::filesystem::file_type::not_found &&
                       kind != std::filesystem::file_type::directory;
            }};
}

std::variant<values, exit_message> resolve(std::string_view tool, std::string_view description,
                                           std::vector<setting> settings, const surroundings& around) {
    CLI::App app{std::string(description), std::string(tool)};
    app.set_version_flag("--version", std::string(tool) + ' ' + LOKISHIP_VERSION_STRING);
    app.footer("Values come from, in this order: the command line, the environment, .env in the working "
               "directory, the file "
               "that --config names, the defaults.");
    std::map<std::string, std::string> given;
    std::map<std::string, bool> flags;
    bool print = false;
    for (const auto& s : settings) {
        if (s.off_command_line)
            continue;
        const std::string help =
            s.help +
            (s.default_value.empty() || s.placeholder.empty() ? "" : " (default " + s.default_value + ')') +
            " [" + environment_name(s) + ']';
        if (s.placeholder.empty())
            app.add_flag("--" + s.name + (s.default_value == "true" ? ",!--no-" + s.name : ""), flags[s.name],
                         help);
        else if (s.list)
            app.add_option(
                   "--" + s.name,
                   [&given, name = s.name, separator = s.separator](const std::vector<std::string>& v) {
                       given[name] = join_list(v, separator);
                       return true;
                   },
                   help)
                ->type_name(s.placeholder)
                ->expected(1, std::numeric_limits<int>::max())
                ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
                ->allow_extra_args(false);
        else
            app.add_option_function<std::string>(
                   "--" + s.name, [&given, name = s.name](const std::string& v) { given[name] = v; }, help)
                ->type_name(s.placeholder)
                ->multi_option_policy(CLI::MultiOptionPolicy::Throw);
    }
    app.add_option_function<std::string>(
           "--config", [&given](const std::string& v) { given["config"] = v; },
           "Read settings from a TOML file; its keys are the names of these options [LOKISHIP_CONFIG]")
        ->type_name("FILE");
    app.add_flag("--print-config", print, "Print the settings in use and where each comes from, then exit");
    // For packages: the man page and completions, made from what is above. Without a group it is not shown.
    std::string format;
    app.add_option("--help-format", format)->group("");
    // Such an option would be unknown, and quoted.
    for (const auto& s : settings)
        for (const auto& argument : around.arguments)
            if (s.off_command_line && argument.substr(0, argument.find('=')) == "--" + s.name)
                return usage_error(
                    "--" + s.name +
                    ": there is no such option: what it says on the command line can be read by others "
                    "on this machine; set " +
                    environment_name(s) + " in the environment or in .env, or name a file with --" + s.name +
                    "-file");
    try {
        // CLI11 wants them in reverse.
        app.parse(std::vector<std::string>(around.arguments.rbegin(), around.arguments.rend()));
    } catch (const CLI::ParseError& e) {
        std::ostringstream out, err;
        const int code = app.exit(e, out, err);
        if (code == 0)
            return exit_message{0, out.str()};
        if (has_password(e.what()))
            return usage_error(
                "an argument is unknown or has a bad value; it is not shown, since it may hold a password");
        return usage_error(text::escape_for_log(e.what()));
    }
    for (const auto& [name, on] : flags)
        if (app.count("--" + name) != 0)
            given[name] = on ? "true" : "false";
    if (app.count("--help-format") != 0) {
        auto text = in_format(format, reference_of(app, settings));
        return text ? exit_message{0, std::move(*text)}
                    : usage_error("--help-format: '" + text::escape_for_log(format) +
                                  "' is not one of man|bash|zsh|fish");
    }

    std::vector<dotenv_entry> dotenv;
    if (const auto text = around.read_file(".env")) {
        auto parsed = parse_dotenv(*text);
        if (!parsed)
            return usage_error(parsed.error().message);
        dotenv = std::move(*parsed);
    } else if (around.exists(".env")) {
        return usage_error(".env: cannot be read");
    }

    // What the command line, the environment or .env says of a setting.
    const auto find = [&](const std::string& name, const std::string& variable) -> std::optional<value> {
        if (const auto flag = given.find(name); flag != given.end())
            return value{flag->second, "--" + name};
        if (const auto found = around.environment(variable); found && !found->empty())
            return value{*found, variable + " (environment)"};
        const auto line = std::find_if(dotenv.rbegin(), dotenv.rend(),
                                       [&](const dotenv_entry& e) { return e.name == variable; });
        if (line != dotenv.rend() && !line->value.empty())
            return value{line->value, ".env:" + std::to_string(line->line) + ' ' + variable};
        return std::nullopt;
    };
    values from_file;
    if (const auto config = find("config", "LOKISHIP_CONFIG")) {
        auto read = read_config(*config, settings, around);
        if (auto* failed = std::get_if<exit_message>(&read))
            return *failed;
        from_file = std::get<values>(std::move(read));
    }

    values out;
    for (const auto& s : settings) {
        value v{s.default_value, "default"};
        const std::string variable = environment_name(s);
        if (auto found = find(s.name, variable))
            v = std::move(*found);
        else if (const auto at = from_file.find(s.name); at != from_file.end())
            v = at->second;
        if (s.secret && given.contains(s.name) && has_password(v.text))
            return usage_error(
                v.origin + ": a password on the command line can be read by others on this machine; set " +
                variable + " in the environment or in .env instead");
        if (const auto wrong = s.check(v.text))
            return usage_error(v.origin + ": '" + text::escape_for_log(shown(s, v.text)) + "' " + *wrong);
        out.emplace(s.name, std::move(v));
    }
    if (auto wrong = resolve_backends(out, from_file.backends, settings))
        return *wrong;
    if (print)
        return exit_message{0, print_config(settings, out)};
    return out;
}

std::uint64_t values::count(std::string_view name) const {
    return parse_count(text(name)).value();
}

std::chrono::nanoseconds values::duration(std::string_view name) const {
    return parse_duration(text(name)).value();
}

std::uint64_t values::size(std::string_view name) const {
    return parse_size(text(name)).value();
}

part values::part(std::string_view name) const {
    return parse_part(text(name)).value();
}

std::optional<timestamp> values::time(std::string_view name, timestamp now) const {
    const std::string& written = text(name);
    return written.empty() ? std::nullopt : parse_time(written, now);
}

std::vector<std::string> values::list(std::string_view name, char separator) const {
    return split_list(text(name), separator);
}

} // namespace lokiship::tools
