#ifndef LOKISHIP_TOOLS_SHIPD_STATUS_HPP
#define LOKISHIP_TOOLS_SHIPD_STATUS_HPP

#include <lokiship/ship/shipper_status.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/json/object.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace lokiship::tools {

/// How one backend's shipper stands.
struct lane_status {
    std::string name, server;
    ship::shipper_status shipper{};
    /// How long ago it last did something, and how long that may be.
    std::chrono::nanoseconds silence{}, longest_silence{};
};

/// How shipd stands.
struct status {
    timestamp now{}, started{};
    /// Loki's URL, without a password.
    std::string loki;
    /// Settings that were read again, and those that could not be used.
    std::uint64_t reloads = 0, reloads_failed = 0;
    std::vector<lane_status> lanes{};
};

/// Why shipd hangs and had better be started again; empty: it does not. What servers do is no reason.
std::vector<std::string> why_not_healthy(const status& s);
/// Why entries do not reach Loki now; empty: they do.
std::vector<std::string> why_not_ready(const status& s);

/// All of it, for programs.
boost::json::object to_json(const status& s);
/// A page for a browser that shows that, and goes on doing so.
std::string_view status_page();

} // namespace lokiship::tools

#endif
