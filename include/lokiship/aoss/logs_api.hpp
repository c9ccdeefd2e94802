#ifndef LOKISHIP_AOSS_LOGS_API_HPP
#define LOKISHIP_AOSS_LOGS_API_HPP

#include <lokiship/http/message.hpp>
#include <lokiship/http/url.hpp>

#include <cstdint>
#include <string>

namespace lokiship::aoss {

/// What to ask the backend for.
struct logs_query {
    /// How many executions, the newest first.
    std::uint64_t limit = 100;
    /// Only executions on this server, and of this status; empty: all.
    std::string server_id{};
    std::string status{};
    /// A parameter that the documented backend does not have, such as `offset`, and its value; empty: none.
    std::string extra{};
    std::uint64_t extra_value = 0;
};

/// `GET /api/monitoring/logs`: the newest `limit` executions, newest first. One execution gives as many records as it has
/// steps. The backend builds the whole answer before its first byte, so a large limit means long silence.
inline http::request logs_request(const logs_query& q) {
    http::request out;
    out.target = "/api/monitoring/logs?limit=" + std::to_string(q.limit);
    if (!q.server_id.empty())
        out.target += "&server_id=" + http::encode_query_value(q.server_id);
    if (!q.status.empty())
        out.target += "&status=" + http::encode_query_value(q.status);
    if (!q.extra.empty())
        out.target += '&' + q.extra + '=' + std::to_string(q.extra_value);
    out.fields.add("Accept", "application/json");
    return out;
}

} // namespace lokiship::aoss

#endif
