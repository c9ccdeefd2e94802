#ifndef LOKISHIP_AOSS_LOGS_API_HPP
#define LOKISHIP_AOSS_LOGS_API_HPP

#include <lokiship/http/message.hpp>

#include <cstdint>
#include <string>

namespace lokiship::aoss {

/// `GET /api/monitoring/logs?limit=N`: the newest `limit` executions, newest first. One execution gives as
/// many records as it has steps. The backend builds the whole answer before its first byte, so a large limit
/// means long silence.
inline http::request logs_request(std::uint64_t limit) {
    http::request out;
    out.target = "/api/monitoring/logs?limit=" + std::to_string(limit);
    out.fields.add("Accept", "application/json");
    return out;
}

} // namespace lokiship::aoss

#endif
