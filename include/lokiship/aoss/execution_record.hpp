#ifndef LOKISHIP_AOSS_EXECUTION_RECORD_HPP
#define LOKISHIP_AOSS_EXECUTION_RECORD_HPP

#include <lokiship/version.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace lokiship::aoss {

/// One entry of the answer to `GET /api/monitoring/logs`: a step of an execution, or the placeholder (step 0)
/// of an execution without results. Holds the fields that are shipped. A text that was null or absent is
/// empty; a number that was null or absent is `nullopt`.
struct execution_record {
    /// The execution's `created_at`, ISO 8601, the same for all of its steps.
    std::string timestamp;
    std::string execution_id;
    /// Where the backend gives a number, its text; where it gives what is neither, empty.
    std::string user_id;
    std::string server_id;
    std::string server_tag;
    std::string agent_type;
    std::optional<std::int64_t> step;
    std::string command;
    /// Of this step.
    std::string status;
    std::optional<std::int64_t> exit_code;
    std::string standard_output;
    std::string standard_error;
    /// Of the whole execution; changes while it goes on.
    std::string execution_status;

    friend bool operator==(const execution_record&, const execution_record&) = default;
};

} // namespace lokiship::aoss

#endif
