#include "common/dotenv.hpp"

#include <boost/system/errc.hpp>

#include <utility>

namespace lokiship::tools {

namespace {

constexpr std::string_view blank = " \t";

std::string_view trim(std::string_view s) {
    const auto begin = s.find_first_not_of(blank);
    if (begin == s.npos)
        return {};
    return s.substr(begin, s.find_last_not_of(blank) - begin + 1);
}

error wrong(std::size_t line, std::string what) {
    return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
            ".env:" + std::to_string(line) + ": " + std::move(what)};
}

bool is_name(std::string_view s) {
    if (s.empty() || (s[0] >= '0' && s[0] <= '9'))
        return false;
    for (char c : s)
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'))
            return false;
    return true;
}

/// `s` is all that follows the '='.
result<std::string> parse_value(std::string_view s, std::size_t line) {
    if (const auto t = trim(s); t.empty() || (t[0] != '\'' && t[0] != '"')) {
        for (std::size_t i = 1; i < s.size(); ++i)
            if (s[i] == '#' && blank.find(s[i - 1]) != blank.npos)
                return std::string(trim(s.substr(0, i)));
        return std::string(t);
    }
    s = trim(s);
    const char quote = s[0];
    std::string out;
    for (std::size_t i = 1; i != s.size(); ++i) {
        if (s[i] == quote) {
            const auto rest = trim(s.substr(i + 1));
            if (!rest.empty() && rest[0] != '#')
                return wrong(line, "there is text behind the closing quote");
            return out;
        }
        if (quote == '"' && s[i] == '\\') {
            if (++i == s.size())
                break;
            constexpr std::string_view names = "nt\"\\", values = "\n\t\"\\";
            const auto n = names.find(s[i]);
            if (n == names.npos)
                return wrong(line, "unknown escape in a double-quoted value; allowed are \\n \\t \\\" \\\\");
            out += values[n];
        } else {
            out += s[i];
        }
    }
    return wrong(line, "the closing quote is missing");
}

} // namespace

result<std::vector<dotenv_entry>> parse_dotenv(std::string_view text) {
    std::vector<dotenv_entry> out;
    if (text.starts_with("\xef\xbb\xbf"))
        text.remove_prefix(3);
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (line.ends_with('\r'))
            line.remove_suffix(1);
        line = trim(line);
        if (line.empty() || line[0] == '#')
            continue;
        if (line.starts_with("export ") || line.starts_with("export\t"))
            line = trim(line.substr(7));
        const auto equals = line.find('=');
        if (equals == line.npos)
            return wrong(number, "expected NAME=value");
        const auto name = trim(line.substr(0, equals));
        if (!is_name(name))
            return wrong(number, "what stands before '=' is no variable name");
        auto value = parse_value(line.substr(equals + 1), number);
        if (!value)
            return value.error();
        out.push_back({std::string(name), std::move(*value), number});
    }
    return out;
}

} // namespace lokiship::tools
