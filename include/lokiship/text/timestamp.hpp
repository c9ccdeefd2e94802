#ifndef LOKISHIP_TEXT_TIMESTAMP_HPP
#define LOKISHIP_TEXT_TIMESTAMP_HPP

#include <lokiship/error.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace lokiship {

/// A moment in UTC with nanosecond resolution: 1677-09-21T00:12:43.145224192Z to
/// 2262-04-11T23:47:16.854775807Z.
using timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

namespace text {

/// Nanoseconds since 1970-01-01T00:00:00Z, the form in which Loki takes a time.
inline std::int64_t to_unix_nanoseconds(timestamp t) noexcept {
    return t.time_since_epoch().count();
}

/// The timestamp that lies `ns` nanoseconds after 1970-01-01T00:00:00Z (before it, where negative).
inline timestamp from_unix_nanoseconds(std::int64_t ns) noexcept {
    return timestamp(std::chrono::nanoseconds(ns));
}

} // namespace text
} // namespace lokiship

#endif
