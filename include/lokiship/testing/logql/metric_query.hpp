#ifndef LOKISHIP_TESTING_LOGQL_METRIC_QUERY_HPP
#define LOKISHIP_TESTING_LOGQL_METRIC_QUERY_HPP

#include <lokiship/testing/logql/log_query.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace lokiship::testing {

/// A LogQL metric query, `sum by (server_tag) (count_over_time({job="aoss"} |= "nginx" [5m])) > 0`.
///
/// It is made of `count_over_time`, `rate`, `bytes_over_time`, `bytes_rate` and `absent_over_time`; of `sum`, `avg`, `min`,
/// `max`, `count`, `topk` and `bottomk`, with `by` or `without`; of comparisons, also with `bool`, and `+ - * / %` between
/// series of the same labels or with a number; of `and`, `or` and `unless`; and of `vector`.
struct metric_query {
    enum class kind {
        /// `operation` of what `logs` find within `range`.
        range,
        /// `operation` of the operand's series.
        aggregation,
        /// `operation` between two operands.
        binary,
        /// `number` as a series without labels.
        vector,
        /// `number`, an operand of `binary`.
        number
    };
    kind type = kind::number;
    std::string operation{};
    std::vector<metric_query> operands{};
    log_query logs{};
    std::chrono::nanoseconds range{};
    /// Of an aggregation: the labels to keep, or to drop.
    std::vector<std::string> grouping{};
    bool without = false;
    /// Of a comparison: it gives 1 or 0 instead of what it holds for.
    bool returns_bool = false;
    /// Of `topk` and `bottomk`, how many.
    double number = 0;
};

} // namespace lokiship::testing

#endif
