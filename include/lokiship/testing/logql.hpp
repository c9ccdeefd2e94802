#ifndef LOKISHIP_TESTING_LOGQL_HPP
#define LOKISHIP_TESTING_LOGQL_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/logql/log_query.hpp>
#include <lokiship/testing/logql/metric_query.hpp>
#include <lokiship/testing/logql/metric_query_parser.hpp>
#include <lokiship/testing/logql/reader.hpp>

#include <string_view>

namespace lokiship::testing {

/// Reads a log query. The error's message is like Loki's: it begins with `parse error`.
inline result<log_query> parse_log_query(std::string_view text) {
    logql_reader in(text);
    auto out = log_query::read(in);
    if (out && !in.at_end())
        return in.fail("unexpected text, expected |=, !=, |~, !~ or | and a stage");
    return out;
}

/// Reads a metric query. The error's message is like Loki's, but says `not known here` of what only Loki knows.
inline result<metric_query> parse_metric_query(std::string_view text) {
    return metric_query_parser(text).parse();
}

/// Whether a text is meant as a log query: it begins with a stream selector.
inline bool is_log_query(std::string_view text) {
    return logql_reader(text).sees("{");
}

} // namespace lokiship::testing

#endif
