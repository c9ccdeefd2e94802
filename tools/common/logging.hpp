#ifndef LOKISHIP_TOOLS_COMMON_LOGGING_HPP
#define LOKISHIP_TOOLS_COMMON_LOGGING_HPP

#include <lokiship/ship/log.hpp>

#include <spdlog/formatter.h>
#include <spdlog/logger.h>

#include <memory>
#include <string>

namespace lokiship::tools {

/// How `--log-format` says that a message is written: `text`, `2026-11-24T00:00:00.000Z info    text`, coloured on a
/// terminal; `logfmt`, `ts=2026-11-24T00:00:00.000Z level=info tool=shipd msg="text"`; or `json`, an object a line with these
/// keys.
std::unique_ptr<spdlog::formatter> make_formatter(const std::string& format);

/// A logger to standard error. `level` and `format` are what `--log-level` and `--log-format` take. A message that
/// repeats itself at once is counted, and said again once a minute.
std::shared_ptr<spdlog::logger> make_logger(const std::string& name, const std::string& level,
                                            const std::string& format);
/// Lets a logger go on with these.
void update_logger(spdlog::logger& logger, const std::string& level, const std::string& format);

/// Hands what the library says to a logger, which it keeps. `prefix` comes before each message.
ship::log_function log_to(std::shared_ptr<spdlog::logger> logger, std::string prefix = {});

} // namespace lokiship::tools

#endif
