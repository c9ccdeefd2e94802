#ifndef LOKISHIP_LOKI_ENTRY_HPP
#define LOKISHIP_LOKI_ENTRY_HPP

#include <lokiship/loki/labels.hpp>
#include <lokiship/text/timestamp.hpp>

#include <compare>
#include <cstddef>
#include <string>

namespace lokiship::loki {

/// One log line at its time. What identifies it to Loki is the stream's labels, `time` and `line` together, and since 3.7 the
/// structured metadata as well; here it is compared without.
struct entry {
    timestamp time{};
    /// UTF-8; any content, newlines included.
    std::string line;

    /// Structured metadata, which Loki takes from 3.0 on: it is shown like labels and makes no stream.
    labels metadata{};

    friend bool operator==(const entry& a, const entry& b) noexcept {
        return a.time == b.time && a.line == b.line;
    }
    friend std::strong_ordering operator<=>(const entry& a, const entry& b) noexcept {
        const auto by_time = a.time <=> b.time;
        return by_time != 0 ? by_time : a.line <=> b.line;
    }
};

/// How many bytes names and values of structured metadata have: Loki 3 counts them as it counts the line.
inline std::size_t metadata_bytes(const labels& metadata) noexcept {
    std::size_t out = 0;
    for (const auto& l : metadata)
        out += l.name.size() + l.value.size();
    return out;
}

} // namespace lokiship::loki

#endif
