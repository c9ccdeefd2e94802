#ifndef LOKISHIP_LOKI_ENTRY_HPP
#define LOKISHIP_LOKI_ENTRY_HPP

#include <lokiship/text/timestamp.hpp>

#include <compare>
#include <string>

namespace lokiship::loki {

/// One log line at its time. What identifies it to Loki is the stream's labels, `time` and `line` together.
struct entry {
    timestamp time{};
    /// UTF-8; any content, newlines included.
    std::string line;

    friend auto operator<=>(const entry&, const entry&) = default;
};

} // namespace lokiship::loki

#endif
