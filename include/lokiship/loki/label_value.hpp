#ifndef LOKISHIP_LOKI_LABEL_VALUE_HPP
#define LOKISHIP_LOKI_LABEL_VALUE_HPP

#include <lokiship/text/utf8.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace lokiship::loki {

/// The longest label value that Loki takes by default (`max_label_value_length`), in bytes.
inline constexpr std::size_t max_label_value_size = 2048;

/// Appends a label value, made so that Loki takes it. Returns whether it had to be changed.
///
/// Loki refuses a whole push for a value that is no UTF-8, and also for U+FFFD, by which others replace such bytes: each
/// ill-formed sequence and each U+FFFD becomes `?`. A value that is longer than `max_label_value_size` is cut between
/// code points and ends with `...`.
inline bool append_label_value(std::string& out, std::string_view value) {
    bool changed = false;
    const std::size_t begin = out.size();
    while (!value.empty()) {
        const auto step = text::detail::next_utf8(value);
        const auto character = value.substr(0, step.size);
        value.remove_prefix(step.size);
        if (!step.valid || character == text::detail::replacement_character) {
            out += '?';
            changed = true;
        } else {
            out += character;
        }
    }
    if (out.size() - begin <= max_label_value_size)
        return changed;
    constexpr std::string_view mark = "...";
    std::size_t end = begin + max_label_value_size - mark.size();
    while ((static_cast<unsigned char>(out[end]) & 0xc0) == 0x80)
        --end;
    out.resize(end);
    out += mark;
    return true;
}

} // namespace lokiship::loki

#endif
