#include "common/reference.hpp"

#include "common/parse.hpp"

#include <algorithm>
#include <utility>

namespace lokiship::tools {

namespace {

std::string replaced(std::string_view text, const std::vector<std::pair<char, std::string_view>>& by) {
    std::string out;
    for (const char c : text) {
        const auto found = std::find_if(by.begin(), by.end(), [c](const auto& b) { return b.first == c; });
        if (found == by.end())
            out += c;
        else
            out += found->second;
    }
    return out;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
    std::string out;
    for (const auto& w : words)
        out.append(out.empty() ? "" : between).append(w);
    return out;
}

/// Words that can stand for the value as they are.
std::vector<std::string> choices(const reference::option& o) {
    std::vector<std::string> out;
    if (o.placeholder.find('|') == std::string::npos)
        return out;
    for (auto& word : split_list(o.placeholder, '|'))
        if (std::none_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; }))
            out.push_back(std::move(word));
    return out;
}

/// The description before what it says of exit codes, and that, with a line for a line.
std::pair<std::string, std::string> parted(const std::string& description) {
    constexpr std::string_view mark = "Exit codes: ";
    const auto at = description.find(mark);
    if (at == std::string::npos)
        return {description, ""};
    return {description.substr(0, at), description.substr(at + mark.size())};
}

/// In roff a hyphen is no minus, and a line that begins with a dot or an apostrophe is a request. A line break is a
/// blank.
std::string roff(std::string_view text) {
    std::string out = replaced(text, {{'\\', "\\e"}, {'-', "\\-"}, {'\n', " "}});
    while (out.ends_with(' '))
        out.pop_back();
    return (out.starts_with('.') || out.starts_with('\'') ? "\\&" : "") + out;
}

std::string bold(std::string_view text) {
    return "\\fB" + roff(text) + "\\fR";
}

std::string italic(std::string_view text) {
    return "\\fI" + roff(text) + "\\fR";
}

/// Quoted for a shell; fish reads a backslash within single quotes.
std::string quoted(std::string_view text) {
    return '\'' + replaced(text, {{'\'', "'\\''"}, {'\n', " "}}) + '\'';
}

std::string quoted_for_fish(std::string_view text) {
    return '\'' + replaced(text, {{'\'', "\\'"}, {'\\', "\\\\"}, {'\n', " "}}) + '\'';
}

} // namespace

std::string man_page(const reference& of) {
    std::string upper = of.tool;
    for (char& c : upper)
        c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    const auto [what, exit_codes] = parted(of.description);
    std::string purpose = what.substr(0, what.find('.'));
    if (!purpose.empty() && purpose[0] >= 'A' && purpose[0] <= 'Z')
        purpose[0] = static_cast<char>(purpose[0] - 'A' + 'a');

    std::string out = ".TH " + upper + " 1 \"\" \"lokiship " + of.version + "\" \"User Commands\"\n";
    out += ".SH NAME\n" + of.tool + " \\- " + roff(purpose) + '\n';
    out += ".SH SYNOPSIS\n.B " + of.tool + "\n[\\fIOPTION\\fR]...\n";
    out += ".SH DESCRIPTION\n" + roff(what) + "\n.PP\n" + roff(of.footer) + '\n';
    out += ".SH OPTIONS\n";
    for (const auto& o : of.options) {
        std::vector<std::string> names;
        for (const auto& n : o.names)
            names.push_back(bold(n));
        out += ".TP\n" + joined(names, ", ") + (o.placeholder.empty() ? "" : ' ' + italic(o.placeholder)) +
               '\n' + roff(o.help) + '\n';
    }
    if (!exit_codes.empty())
        out += ".SH EXIT STATUS\n" + roff(exit_codes) + '\n';
    out += ".SH ENVIRONMENT\nThe variable in brackets behind an option sets the same.\n";
    if (!of.variables.empty()) {
        std::vector<std::string> names;
        for (const auto& v : of.variables)
            names.push_back(bold(v));
        out += "These have no option, since others can read command lines: " + joined(names, ", ") + ".\n";
    }
    return out;
}

std::string bash_completion(const reference& of) {
    std::vector<std::string> all, files, folders, free;
    std::string out = "# bash completion for " + of.tool + "\n_" + of.tool + "() {\n" +
                      R"(    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    # `--name=value` comes as three words.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    case $prev in
)";
    const auto when = [&out](const std::vector<std::string>& names, std::string_view then) {
        if (!names.empty())
            out.append("        ").append(joined(names, "|")).append(") ").append(then).append(" ;;\n");
    };
    for (const auto& o : of.options) {
        all.insert(all.end(), o.names.begin(), o.names.end());
        if (const auto words = choices(o); !words.empty())
            when(o.names, "mapfile -t COMPREPLY < <(compgen -W " + quoted(joined(words, " ")) +
                              " -- \"$cur\"); return");
        else if (!o.placeholder.empty()) {
            auto& same = o.placeholder == "FILE" ? files : o.placeholder == "DIRECTORY" ? folders : free;
            same.insert(same.end(), o.names.begin(), o.names.end());
        }
    }
    when(files, "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$cur\"); return");
    when(folders, "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$cur\"); return");
    when(free, "return");
    return out + "    esac\n    mapfile -t COMPREPLY < <(compgen -W " + quoted(joined(all, " ")) +
           " -- \"$cur\")\n}\ncomplete -F _" + of.tool + ' ' + of.tool + '\n';
}

std::string zsh_completion(const reference& of) {
    std::string out = "#compdef " + of.tool + "\n_arguments";
    for (const auto& o : of.options)
        for (const auto& name : o.names) {
            std::string spec = (o.repeatable ? "*" : "") + name;
            const bool with_value = !o.placeholder.empty();
            if (with_value)
                spec += '=';
            spec += '[' + replaced(o.help, {{'\\', "\\\\"}, {'[', "\\["}, {']', "\\]"}}) + ']';
            if (with_value) {
                const auto words = choices(o);
                spec += ':' + replaced(o.placeholder, {{':', "\\:"}}) + ':';
                spec += !words.empty()                 ? '(' + joined(words, " ") + ')'
                        : o.placeholder == "FILE"      ? "_files"
                        : o.placeholder == "DIRECTORY" ? "_directories"
                                                       : "";
            }
            out += " \\\n    " + quoted(spec);
        }
    return out + '\n';
}

std::string fish_completion(const reference& of) {
    std::string out = "complete -c " + of.tool + " -f\n";
    for (const auto& o : of.options) {
        out += "complete -c " + of.tool;
        for (const auto& name : o.names)
            out += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
        if (const auto words = choices(o); !words.empty())
            out += " -x -a " + quoted_for_fish(joined(words, " "));
        else if (o.placeholder == "FILE")
            out += " -r -F";
        else if (o.placeholder == "DIRECTORY")
            out += " -x -a '(__fish_complete_directories)'";
        else if (!o.placeholder.empty())
            out += " -x";
        out += " -d " + quoted_for_fish(o.help) + '\n';
    }
    return out;
}

std::optional<std::string> in_format(std::string_view format, const reference& of) {
    constexpr std::pair<std::string_view, std::string (*)(const reference&)> formats[] = {
        {"man", man_page}, {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};
    for (const auto& [name, write] : formats)
        if (name == format)
            return write(of);
    return std::nullopt;
}

} // namespace lokiship::tools
