#ifndef LOKISHIP_TOOLS_COMMON_PARSE_HPP
#define LOKISHIP_TOOLS_COMMON_PARSE_HPP

#include <lokiship/text/timestamp.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lokiship::tools {

/// `500ms`, `30s`, `5m`, `2h`, `7d`: a whole number and its unit; `off` is zero.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
/// A whole number without a sign.
std::optional<std::uint64_t> parse_count(std::string_view text);
/// Bytes: `500KB` (or `kB`; a KB, MB, GB or TB is a power of 1000), `64MiB` (KiB, MiB, GiB, TiB: powers of 1024), or a
/// plain number; `off` is zero.
std::optional<std::uint64_t> parse_size(std::string_view text);
/// A time as in RFC 3339, `2026-11-01T00:00:00Z`, a day for its midnight in UTC, `2026-11-01`, or a duration before
/// `now`, `7d`.
std::optional<timestamp> parse_time(std::string_view text, timestamp now);

/// The elements of a list; those that commas part are without the blanks around them.
std::vector<std::string> split_list(std::string_view text, char separator = ',');
std::string join_list(const std::vector<std::string>& elements, char separator = ',');

/// `I/N`, where I < N and N <= 1000: a part and how many there are.
struct part {
    std::uint32_t index = 0, count = 1;
};
std::optional<part> parse_part(std::string_view text);

} // namespace lokiship::tools

#endif
