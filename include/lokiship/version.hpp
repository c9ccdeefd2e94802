#ifndef LOKISHIP_VERSION_HPP
#define LOKISHIP_VERSION_HPP

#if __cplusplus < 202002L
#error "lokiship needs C++20: compile with -std=c++20 or later"
#endif

/// The library's version, equal to the version in `meson.build` (a test compares them).
#define LOKISHIP_VERSION_MAJOR 0
#define LOKISHIP_VERSION_MINOR 1
#define LOKISHIP_VERSION_PATCH 0
#define LOKISHIP_VERSION_STRING "0.1.0"

#endif
