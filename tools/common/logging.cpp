#include "common/logging.hpp"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <utility>

namespace lokiship::tools {

std::shared_ptr<spdlog::logger> make_logger(const std::string& name, const std::string& level) {
    auto out =
        std::make_shared<spdlog::logger>(name, std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    out->set_formatter(std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v",
                                                                   spdlog::pattern_time_type::utc));
    out->set_level(spdlog::level::from_str(level));
    out->flush_on(spdlog::level::trace);
    return out;
}

ship::log_function log_to(std::shared_ptr<spdlog::logger> logger) {
    return [logger = std::move(logger)](ship::severity s, std::string_view text) {
        logger->log(s == ship::severity::warning ? spdlog::level::warn : spdlog::level::info, "{}", text);
    };
}

} // namespace lokiship::tools
