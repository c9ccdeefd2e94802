#include "common/logging.hpp"

#include <lokiship/text/timestamp.hpp>
#include <lokiship/text/utf8.hpp>

#include <boost/json/serialize.hpp>
#include <boost/json/string_view.hpp>

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/dup_filter_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

namespace lokiship::tools {

namespace {

/// A JSON string.
std::string quote(std::string_view text) {
    std::string valid;
    text::append_valid(valid, text);
    return boost::json::serialize(boost::json::string_view(valid.data(), valid.size()));
}

/// For programs that read logs.
class field_formatter : public spdlog::formatter {
public:
    explicit field_formatter(bool json)
        : json_(json) {}

    void format(const spdlog::details::log_msg& m, spdlog::memory_buf_t& out) override {
        const auto since_epoch =
            std::chrono::duration_cast<std::chrono::milliseconds>(m.time.time_since_epoch());
        auto level = spdlog::level::to_string_view(m.level);
        const std::pair<std::string_view, std::string> fields[] = {
            {"ts", milliseconds(text::format_rfc3339(timestamp(since_epoch)))},
            {"level", m.level == spdlog::level::warn ? "warn" : std::string(level.data(), level.size())},
            {"tool", std::string(m.logger_name.data(), m.logger_name.size())},
            {"msg", std::string(m.payload.data(), m.payload.size())}};
        std::string line;
        for (const auto& [name, value] : fields) {
            line += line.empty() ? (json_ ? "{" : "") : (json_ ? "," : " ");
            line += json_ ? quote(name) + ':' : std::string(name) + '=';
            // logfmt needs quotes where a value has blanks; texts always get them, so that they look alike.
            line += json_ || name == "msg" ? quote(value) : value;
        }
        line += json_ ? "}\n" : "\n";
        out.append(line.data(), line.data() + line.size());
    }
    std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<field_formatter>(*this);
    }

private:
    /// Always three digits, so that lines sort.
    static std::string milliseconds(std::string time) {
        const auto point = time.find('.');
        if (point == time.npos)
            return time.substr(0, time.size() - 1) + ".000Z";
        return (time.substr(0, time.size() - 1) + "000").substr(0, point + 4) + 'Z';
    }

    bool json_;
};

} // namespace

std::unique_ptr<spdlog::formatter> make_formatter(const std::string& format) {
    if (format != "text")
        return std::make_unique<field_formatter>(format == "json");
    return std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%S.%eZ %^%-7l%$ %v",
                                                       spdlog::pattern_time_type::utc);
}

std::shared_ptr<spdlog::logger> make_logger(const std::string& name, const std::string& level,
                                            const std::string& format) {
    const auto once = std::make_shared<spdlog::sinks::dup_filter_sink_mt>(std::chrono::minutes(1));
    once->add_sink(std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    auto out = std::make_shared<spdlog::logger>(name, once);
    update_logger(*out, level, format);
    out->flush_on(spdlog::level::trace);
    return out;
}

void update_logger(spdlog::logger& logger, const std::string& level, const std::string& format) {
    logger.set_formatter(make_formatter(format));
    logger.set_level(spdlog::level::from_str(level));
}

ship::log_function log_to(std::shared_ptr<spdlog::logger> logger, std::string prefix) {
    return [logger = std::move(logger), prefix = std::move(prefix)](ship::severity s, std::string_view text) {
        logger->log(s == ship::severity::warning ? spdlog::level::warn : spdlog::level::info, "{}{}", prefix,
                    text);
    };
}

} // namespace lokiship::tools
