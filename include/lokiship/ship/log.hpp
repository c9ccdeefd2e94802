#ifndef LOKISHIP_SHIP_LOG_HPP
#define LOKISHIP_SHIP_LOG_HPP

#include <lokiship/version.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::ship {

enum class severity {
    info,
    warning
};

/// Takes what the library has to say to the operator: one line without a line break, safe for a terminal.
/// Called on the shell's thread; must not throw. May be empty.
using log_function = std::function<void(severity, std::string_view)>;

/// Whether a server does what it is asked, so that an outage is said once when it begins and once when it is
/// over.
class endpoint_health {
public:
    explicit endpoint_health(std::string name)
        : name_(std::move(name)) {}

    /// The message to log, where this is news.
    std::optional<std::string> failed(std::string_view cause) {
        ++failures_;
        if (std::exchange(down_, true))
            return std::nullopt;
        return name_ + " does not answer as it should: " + std::string(cause) +
               "; trying again until it does";
    }
    /// The message to log, where this is news.
    std::optional<std::string> succeeded() {
        const auto failures = std::exchange(failures_, 0);
        if (!std::exchange(down_, false))
            return std::nullopt;
        return name_ + " is back after " + std::to_string(failures) + " failed " +
               (failures == 1 ? "attempt" : "attempts");
    }
    bool down() const noexcept { return down_; }

private:
    std::string name_;
    bool down_ = false;
    unsigned long failures_ = 0;
};

} // namespace lokiship::ship

#endif
