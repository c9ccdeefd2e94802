#include "common/parse.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <regex>
#include <utility>

namespace lokiship::tools {

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
    if (text == "off")
        return std::chrono::nanoseconds(0);
    using namespace std::chrono;
    static const std::pair<std::string_view, nanoseconds> units[] = {
        {"ms", 1ms}, {"s", 1s}, {"m", 1min}, {"h", 1h}, {"d", 24h}};
    const auto digits = text.find_first_not_of("0123456789");
    const auto n = parse_count(text.substr(0, digits));
    if (!n || digits == text.npos)
        return std::nullopt;
    for (const auto& [name, unit] : units)
        if (text.substr(digits) == name && *n <= static_cast<std::uint64_t>(nanoseconds::max() / unit))
            return unit * static_cast<nanoseconds::rep>(*n);
    return std::nullopt;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
    std::uint64_t out = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return ec == std::errc() && end == text.data() + text.size() ? std::optional(out) : std::nullopt;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    if (text == "off")
        return 0;
    static constexpr std::pair<std::string_view, std::uint64_t> units[] = {{"", 1},
                                                                           {"B", 1},
                                                                           {"kB", 1'000},
                                                                           {"KB", 1'000},
                                                                           {"MB", 1'000'000},
                                                                           {"GB", 1'000'000'000},
                                                                           {"TB", 1'000'000'000'000},
                                                                           {"KiB", 1ull << 10},
                                                                           {"MiB", 1ull << 20},
                                                                           {"GiB", 1ull << 30},
                                                                           {"TiB", 1ull << 40}};
    const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto n = parse_count(text.substr(0, digits));
    if (!n)
        return std::nullopt;
    for (const auto& [name, unit] : units)
        if (text.substr(digits) == name && *n <= std::numeric_limits<std::uint64_t>::max() / unit)
            return *n * unit;
    return std::nullopt;
}

std::optional<timestamp> parse_time(std::string_view text, timestamp now) {
    if (const auto age = text == "off" ? std::nullopt : parse_duration(text))
        return now.time_since_epoch() < timestamp::min().time_since_epoch() + *age ? timestamp::min()
                                                                                   : now - *age;
    // More strict than `parse_timestamp`: a person who leaves out the offset may not mean UTC.
    std::string shape(text);
    for (char& c : shape)
        c = c >= '0' && c <= '9' ? '0' : c;
    static const std::regex allowed("0000-00-00([Tt ]00:00:00(\\.0{1,9})?([Zz]|[+-]00:00))?");
    if (!std::regex_match(shape, allowed))
        return std::nullopt;
    const auto time =
        text::parse_timestamp(text.size() == 10 ? std::string(text) + "T00" : std::string(text));
    return time ? std::optional(*time) : std::nullopt;
}

std::vector<std::string> split_list(std::string_view text, char separator) {
    const std::string_view blanks = separator == ',' ? " \t" : "";
    std::vector<std::string> out;
    while (!text.empty()) {
        const auto end = std::min(text.find(separator), text.size());
        auto element = text.substr(0, end);
        element.remove_prefix(std::min(element.find_first_not_of(blanks), element.size()));
        out.emplace_back(element.substr(0, element.find_last_not_of(blanks) + 1));
        text.remove_prefix(end);
        if (text.size() == 1)
            out.emplace_back();
        text.remove_prefix(std::min<std::size_t>(1, text.size()));
    }
    return out;
}

std::string join_list(const std::vector<std::string>& elements, char separator) {
    std::string out;
    for (const auto& e : elements) {
        if (&e != elements.data())
            out += separator;
        out += e;
    }
    return out;
}

std::optional<part> parse_part(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == text.npos)
        return std::nullopt;
    const auto index = parse_count(text.substr(0, slash)), count = parse_count(text.substr(slash + 1));
    if (!index || !count || *count > 1000 || *index >= *count)
        return std::nullopt;
    return part{static_cast<std::uint32_t>(*index), static_cast<std::uint32_t>(*count)};
}

} // namespace lokiship::tools
