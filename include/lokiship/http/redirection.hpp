#ifndef LOKISHIP_HTTP_REDIRECTION_HPP
#define LOKISHIP_HTTP_REDIRECTION_HPP

#include <lokiship/http/message.hpp>
#include <lokiship/text/escape.hpp>

#include <string>

namespace lokiship::http {

/// For people, behind the status of an answer that is a redirection: where to. Empty where it is none. Nobody follows it,
/// since credentials and logs are for the server that was named.
inline std::string redirection(const response_head& head) {
    if (head.status / 100 != 3 || !head.fields.contains("Location"))
        return {};
    return " (a redirection to '" + text::escape_for_log(head.fields.get("Location"), 200) +
           "', which is not followed)";
}

} // namespace lokiship::http

#endif
