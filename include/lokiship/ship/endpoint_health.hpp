#ifndef LOKISHIP_SHIP_ENDPOINT_HEALTH_HPP
#define LOKISHIP_SHIP_ENDPOINT_HEALTH_HPP

#include <lokiship/text/timestamp.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::ship {

/// How a server has done what it was asked.
struct endpoint_status {
    /// The last attempt was answered as it should be; true before the first.
    bool up = true;
    /// Attempts that failed since the last that did not.
    std::uint64_t failures = 0;
    std::optional<timestamp> last_success{}, last_failure{};
    /// Why the last one failed that did: one line, safe for a terminal. Empty: none did.
    std::string last_error{};
};

/// Whether a server does what it is asked, so that an outage is said once when it begins and once when it is
/// over.
class endpoint_health {
public:
    explicit endpoint_health(std::string name)
        : name_(std::move(name)) {}

    /// The message to log, where this is news.
    std::optional<std::string> failed(std::string_view cause, timestamp now) {
        ++status_.failures;
        status_.last_failure = now;
        status_.last_error = cause;
        if (!std::exchange(status_.up, false))
            return std::nullopt;
        return name_ + " does not answer as it should: " + status_.last_error +
               "; trying again until it does";
    }
    /// The message to log, where this is news.
    std::optional<std::string> succeeded(timestamp now) {
        const auto failures = std::exchange(status_.failures, 0);
        status_.last_success = now;
        if (std::exchange(status_.up, true))
            return std::nullopt;
        return name_ + " is back after " + std::to_string(failures) + " failed " +
               (failures == 1 ? "attempt" : "attempts");
    }
    /// Something succeeded, while something else may still fail.
    void progressed(timestamp now) noexcept { status_.last_success = now; }

    const endpoint_status& status() const noexcept { return status_; }

private:
    std::string name_;
    endpoint_status status_;
};

} // namespace lokiship::ship

#endif
