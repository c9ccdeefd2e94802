#ifndef LOKISHIP_TOOLS_COMMON_SERVICE_MANAGER_HPP
#define LOKISHIP_TOOLS_COMMON_SERVICE_MANAGER_HPP

#include <chrono>
#include <string>

namespace lokiship::tools {

/// Tells systemd (`Type=notify`) how a service does; without systemd it does nothing.
class service_manager {
public:
    /// Takes what systemd says in the environment.
    service_manager();

    /// Whether anybody listens.
    bool listens() const noexcept { return listens_; }
    /// Within which time `alive` must be called again, or systemd kills the service; zero: it need not be.
    std::chrono::microseconds watchdog() const noexcept { return watchdog_; }

    void ready() const;
    void reloading() const;
    void stopping() const;
    void alive() const;
    /// One line, shown by `systemctl status`.
    void status(const std::string& text) const;

private:
    bool listens_;
    std::chrono::microseconds watchdog_{};
};

} // namespace lokiship::tools

#endif
