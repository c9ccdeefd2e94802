#ifndef LOKISHIP_TEXT_UTF8_HPP
#define LOKISHIP_TEXT_UTF8_HPP

#include <lokiship/text/detail/words.hpp>
#include <lokiship/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace lokiship::text {

namespace detail {

/// One step through UTF-8: how many bytes belong together, and whether they are a code point. Ill-formed
/// bytes belong together as the Unicode standard recommends (a maximal subpart is one replacement).
/// Precondition: `s` is not empty.
struct utf8_step {
    std::size_t size;
    bool valid;
};
inline utf8_step next_utf8(std::string_view s) noexcept {
    const auto byte = [s](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const unsigned char lead = byte(0);
    if (lead < 0x80)
        return {1, true};
    if (lead < 0xc2 || lead > 0xf4)
        return {1, false};
    const std::size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    // The second byte's range keeps out overlong forms, surrogates and what lies beyond U+10FFFF.
    unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (std::size_t i = 1; i != length; ++i) {
        if (i == s.size() || byte(i) < low || byte(i) > high)
            return {i, false};
        low = 0x80;
        high = 0xbf;
    }
    return {length, true};
}

/// The code point that these bytes are. Precondition: they are one.
constexpr char32_t decode_utf8(std::string_view s) noexcept {
    const auto lead = static_cast<unsigned char>(s.front());
    char32_t out = s.size() == 1 ? lead : lead & (0xffu >> (s.size() + 1));
    for (const char next : s.substr(1))
        out = out << 6 | (static_cast<unsigned char>(next) & 0x3f);
    return out;
}

inline constexpr std::string_view replacement_character = "\xef\xbf\xbd";

/// Appends code points until `max_code_points` were appended; what is left of `in`.
inline std::string_view append_code_points(std::string& out, std::string_view in,
                                           std::size_t max_code_points) {
    // Whole runs of well-formed text are copied at once.
    std::size_t copied = 0, i = 0;
    for (std::size_t n = 0; i != in.size() && n != max_code_points; ++n) {
        if (static_cast<unsigned char>(in[i]) < 0x80) {
            const auto ascii = find_first(in.substr(i, max_code_points - n), not_ascii);
            i += ascii;
            n += ascii - 1;
            continue;
        }
        const auto step = detail::next_utf8(in.substr(i));
        if (!step.valid) {
            out.append(in, copied, i - copied);
            out += replacement_character;
            copied = i + step.size;
        }
        i += step.size;
    }
    out.append(in, copied, i - copied);
    return in.substr(i);
}

} // namespace detail

/// How many bytes at the end are the beginning of a code point that is cut off there.
inline std::size_t unfinished_code_point(std::string_view s) noexcept {
    for (std::size_t n = 1; n <= 3 && n <= s.size(); ++n) {
        const auto lead = static_cast<unsigned char>(s[s.size() - n]);
        if (lead >= 0xc0) {
            const auto step = detail::next_utf8(s.substr(s.size() - n));
            return !step.valid && step.size == n ? n : 0;
        }
        if (lead < 0x80)
            return 0;
    }
    return 0;
}

/// Whether the bytes are well-formed UTF-8.
inline bool is_valid_utf8(std::string_view in) noexcept {
    while (!in.empty()) {
        if (static_cast<unsigned char>(in.front()) < 0x80) {
            in.remove_prefix(detail::find_first(in, detail::not_ascii));
            continue;
        }
        const auto step = detail::next_utf8(in);
        if (!step.valid)
            return false;
        in.remove_prefix(step.size);
    }
    return true;
}

/// Appends the code point as UTF-8. Precondition: it is one, no surrogate and not beyond U+10FFFF.
inline void append_code_point(std::string& out, char32_t c) {
    const auto put = [&out](char32_t bits) { out += static_cast<char>(bits); };
    if (c < 0x80)
        return put(c);
    if (c < 0x800) {
        put(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            put(0xe0 | c >> 12);
        } else {
            put(0xf0 | c >> 18);
            put(0x80 | (c >> 12 & 0x3f));
        }
        put(0x80 | (c >> 6 & 0x3f));
    }
    put(0x80 | (c & 0x3f));
}

/// Appends `in`, each ill-formed sequence (a maximal subpart, as Unicode recommends) replaced by U+FFFD.
inline void append_valid(std::string& out, std::string_view in) {
    detail::append_code_points(out, in, in.size());
}

/// As `append_valid`, but at most `max_code_points` code points, counted after replacement; then `...` where
/// something was left out. Returns whether that was so.
inline bool append_truncated(std::string& out, std::string_view in, std::size_t max_code_points) {
    const bool cut = !detail::append_code_points(out, in, max_code_points).empty();
    if (cut)
        out += "...";
    return cut;
}

} // namespace lokiship::text

#endif
