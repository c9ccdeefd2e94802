#include "common/service_manager.hpp"

#include <systemd/sd-daemon.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace lokiship::tools {

service_manager::service_manager()
    : listens_(std::getenv("NOTIFY_SOCKET") != nullptr) {
    std::uint64_t microseconds = 0;
    if (listens_ && sd_watchdog_enabled(0, &microseconds) > 0)
        watchdog_ = std::chrono::microseconds(microseconds);
}

void service_manager::ready() const {
    sd_notify(0, "READY=1");
}

void service_manager::reloading() const {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const auto microseconds = std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
    sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds)).c_str());
}

void service_manager::stopping() const {
    sd_notify(0, "STOPPING=1");
}

void service_manager::alive() const {
    sd_notify(0, "WATCHDOG=1");
}

void service_manager::status(const std::string& text) const {
    sd_notify(0, ("STATUS=" + text).c_str());
}

} // namespace lokiship::tools
