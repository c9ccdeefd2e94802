#ifndef LOKISHIP_TESTING_FAKE_LOKI_GO_FORMAT_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_GO_FORMAT_HPP

#include <lokiship/text/timestamp.hpp>
#include <lokiship/text/utf8.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

/// How Loki's language writes values into texts.
namespace lokiship::testing::go {

/// The time of an entry that has none, which Go takes as the year 1.
inline constexpr timestamp no_time = timestamp::min();

/// `2026-11-23T08:44:51Z`
inline std::string rfc3339(timestamp t) {
    return t == no_time ? "0001-01-01T00:00:00Z" : text::format_rfc3339(t).substr(0, 19) + 'Z';
}

/// `2026-11-23 08:44:51.87 +0000 UTC`: trailing zeros of the fraction are left out.
inline std::string default_time(timestamp t) {
    std::string out = text::format_rfc3339(t);
    out[10] = ' ';
    out.pop_back();
    out.erase(out.find_last_not_of('0') + 1);
    if (out.back() == '.')
        out.pop_back();
    return out + " +0000 UTC";
}

/// `3MB`: in the largest unit, of 1024, that leaves no remainder.
inline std::string byte_size(std::size_t n) {
    static constexpr std::string_view units[] = {"B", "KB", "MB", "GB", "TB"};
    std::size_t unit = 0;
    for (; n != 0 && n % 1024 == 0 && unit != 4; ++unit)
        n /= 1024;
    return std::to_string(n) + std::string(units[unit]);
}

/// `1h2m3.5s`
inline std::string duration(std::chrono::nanoseconds d) {
    const auto ns = d.count();
    std::string out;
    if (const auto hours = ns / 3'600'000'000'000; hours != 0)
        out += std::to_string(hours) + 'h';
    if (const auto minutes = ns / 60'000'000'000; minutes != 0)
        out += std::to_string(minutes % 60) + 'm';
    std::string fraction = std::to_string(1'000'000'000 + ns % 1'000'000'000).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    out += std::to_string(ns / 1'000'000'000 % 60);
    if (!fraction.empty())
        out += '.' + fraction;
    return out + 's';
}

/// `1w`, `30d1h`, `10m`: Prometheus' form, which the configuration has.
inline std::string model_duration(std::chrono::nanoseconds d) {
    auto ms = d.count() / 1'000'000;
    if (ms == 0)
        return "0s";
    static constexpr struct {
        std::string_view name;
        std::int64_t ms;
        bool whole;
    } units[] = {{"y", 31'536'000'000, true},
                 {"w", 604'800'000, true},
                 {"d", 86'400'000, false},
                 {"h", 3'600'000, false},
                 {"m", 60'000, false},
                 {"s", 1000, false},
                 {"ms", 1, false}};
    std::string out;
    for (const auto& u : units)
        if (ms >= u.ms && (!u.whole || ms % u.ms == 0)) {
            out += std::to_string(ms / u.ms) + std::string(u.name);
            ms %= u.ms;
        }
    return out;
}

/// What `model_duration` writes; nothing where it is none.
inline std::optional<std::chrono::nanoseconds> parse_model_duration(std::string_view text) {
    static constexpr std::pair<std::string_view, std::int64_t> units[] = {
        {"y", 31'536'000'000}, {"w", 604'800'000}, {"d", 86'400'000}, {"h", 3'600'000}, {"ms", 1},
        {"m", 60'000},         {"s", 1000}};
    if (text == "0")
        return std::chrono::nanoseconds(0);
    std::int64_t ms = 0;
    for (bool any = false; !text.empty() || !any; any = true) {
        std::int64_t n = 0;
        const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
        if (ec != std::errc() || text.starts_with('-'))
            return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        const auto unit = std::find_if(std::begin(units), std::end(units),
                                       [&](const auto& u) { return text.starts_with(u.first); });
        if (unit == std::end(units))
            return std::nullopt;
        text.remove_prefix(unit->first.size());
        ms += n * unit->second;
    }
    return std::chrono::milliseconds(ms);
}

/// `1767571199.999`: Prometheus' form of a time, seconds cut to milliseconds.
inline std::string model_time(timestamp t) {
    // The year 1 does not fit into nanoseconds, and this is what is left of it.
    const auto ms = t == no_time ? -6'795'364'578'871 : text::to_unix_nanoseconds(t) / 1'000'000;
    const auto size = ms < 0 ? -ms : ms;
    std::string out = (ms < 0 ? "-" : "") + std::to_string(size / 1000);
    std::string fraction = std::to_string(1000 + size % 1000).substr(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    return fraction.empty() ? out : out + '.' + fraction;
}

namespace detail {

/// Whether Go prints a code point as it is; the large blocks of what it does not.
inline bool printable(char32_t c) {
    if (c < 0x20 || (c >= 0x7f && c <= 0xa0) || c == 0xad)
        return false;
    if ((c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f))
        return false;
    return c != 0x3000 && c != 0xfeff && !(c >= 0xe000 && c <= 0xf8ff) && !(c >= 0xfff0 && c <= 0xfffb) &&
           c < 0xe0000;
}

inline char32_t code_point(std::string_view one) {
    const auto byte = [one](std::size_t i) { return static_cast<unsigned char>(one[i]); };
    if (one.size() == 1)
        return byte(0);
    char32_t c = byte(0) & (0xffu >> (one.size() + 1));
    for (std::size_t i = 1; i != one.size(); ++i)
        c = c << 6 | (byte(i) & 0x3fu);
    return c;
}

inline void append_hex(std::string& out, char32_t c, unsigned digits) {
    for (unsigned i = digits; i-- != 0;)
        out += "0123456789abcdef"[c >> (4 * i) & 15];
}

} // namespace detail

/// The text in double quotes, as `strconv.Quote` writes it.
inline std::string quote(std::string_view in) {
    static constexpr std::string_view plain = "\a\b\f\n\r\t\v\\\"", letters = "abfnrtv\\\"";
    std::string out = "\"";
    while (!in.empty()) {
        const auto step = text::detail::next_utf8(in);
        const std::string_view one = in.substr(0, step.valid ? step.size : 1);
        in.remove_prefix(one.size());
        const char32_t c = detail::code_point(one);
        if (const auto at = plain.find(one.front()); one.size() == 1 && at != plain.npos) {
            out += '\\';
            out += letters[at];
        } else if (step.valid && detail::printable(c)) {
            out += one;
        } else if (!step.valid || c < 0x80) {
            out += "\\x";
            detail::append_hex(out, static_cast<unsigned char>(one.front()), 2);
        } else {
            out += c < 0x10000 ? "\\u" : "\\U";
            detail::append_hex(out, c, c < 0x10000 ? 4 : 8);
        }
    }
    return out += '"';
}

/// What `Sprintf(format)` makes of a text that was not meant as a format.
inline std::string printf_without_arguments(std::string_view format) {
    std::string out;
    for (std::size_t i = 0; i != format.size();) {
        if (format[i] != '%') {
            out += format[i++];
            continue;
        }
        i = std::min(format.find_first_not_of("+-# 0123456789.", i + 1), format.size());
        if (i == format.size())
            return out + "%!(NOVERB)";
        const std::string_view verb = format.substr(i, text::detail::next_utf8(format.substr(i)).size);
        i += verb.size();
        if (verb == "%")
            out += '%';
        else
            out.append("%!").append(verb).append("(MISSING)");
    }
    return out;
}

} // namespace lokiship::testing::go

#endif
