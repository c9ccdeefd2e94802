#ifndef LOKISHIP_TEXT_ESCAPE_HPP
#define LOKISHIP_TEXT_ESCAPE_HPP

#include <lokiship/text/utf8.hpp>
#include <lokiship/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace lokiship::text {

/// Whether a terminal, or who reads line by line, could take this code point beyond ASCII for more than text: C1 controls,
/// Unicode's line breaks, and what turns the direction of the text.
constexpr bool is_control_beyond_ascii(char32_t c) noexcept {
    return (c >= 0x80 && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/// Makes a foreign text fit for one line of our own log: control characters (terminal escapes, line breaks) and
/// what is no UTF-8 become `\n`, `\r`, `\t`, `\xNN` or `\uNNNN`, a backslash is doubled, and what follows `max_size` bytes is
/// replaced by `…`.
inline std::string escape_for_log(std::string_view foreign, std::size_t max_size = 300) {
    static constexpr char hex[] = "0123456789abcdef";
    std::string out;
    for (std::size_t i = 0; i != foreign.size(); ++i) {
        const auto c = static_cast<unsigned char>(foreign[i]);
        // Cut between code points only: a continuation byte is never the first one left out.
        if (i >= max_size && ((c & 0xc0) != 0x80 || i >= max_size + 3)) {
            out += "…";
            break;
        }
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c == '\\') {
            out += "\\\\";
        } else if (c < 0x20 || c == 0x7f) {
            out += "\\x";
            out += hex[c >> 4];
            out += hex[c & 15];
        } else if (c < 0x80) {
            out += foreign[i];
        } else {
            // As far as it is a code point; else byte by byte.
            const std::size_t size = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
            const auto point = foreign.substr(i, size);
            if (point.size() == size && is_valid_utf8(point)) {
                const char32_t value = detail::decode_utf8(point);
                if (is_control_beyond_ascii(value)) {
                    out += "\\u";
                    for (int shift = 12; shift >= 0; shift -= 4)
                        out += hex[value >> shift & 15];
                } else {
                    out += point;
                }
                i += size - 1;
            } else {
                out += "\\x";
                out += hex[c >> 4];
                out += hex[c & 15];
            }
        }
    }
    return out;
}

} // namespace lokiship::text

#endif
