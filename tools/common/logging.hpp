#ifndef LOKISHIP_TOOLS_COMMON_LOGGING_HPP
#define LOKISHIP_TOOLS_COMMON_LOGGING_HPP

#include <lokiship/ship/log.hpp>

#include <spdlog/logger.h>

#include <memory>
#include <string>

namespace lokiship::tools {

/// A logger to standard error: `2026-11-24T00:00:00.000Z info  text`, coloured on a terminal. `level` is one
/// of the names that `--log-level` takes.
std::shared_ptr<spdlog::logger> make_logger(const std::string& name, const std::string& level);

/// Hands what the library says to a logger, which it keeps.
ship::log_function log_to(std::shared_ptr<spdlog::logger> logger);

} // namespace lokiship::tools

#endif
