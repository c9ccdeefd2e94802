#ifndef LOKISHIP_STEADY_TIME_HPP
#define LOKISHIP_STEADY_TIME_HPP

#include <lokiship/version.hpp>

#include <chrono>

namespace lokiship {

/// Time on a clock that only goes forward, counted from a moment of its own; for deadlines and durations.
using steady_time = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

} // namespace lokiship

#endif
