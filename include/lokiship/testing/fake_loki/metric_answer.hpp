#ifndef LOKISHIP_TESTING_FAKE_LOKI_METRIC_ANSWER_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_METRIC_ANSWER_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/fake_loki/answer_json.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/ingester.hpp>
#include <lokiship/testing/fake_loki/label_text.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>
#include <lokiship/testing/fake_loki/query.hpp>
#include <lokiship/testing/fake_loki/query_parameters.hpp>
#include <lokiship/testing/logql.hpp>
#include <lokiship/testing/logql/metric_evaluation.hpp>
#include <lokiship/text/timestamp.hpp>

#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <utility>

namespace lokiship::testing {

/// When a metric query is evaluated: at `start`, and every `step` from there to `end`.
struct evaluation_times {
    timestamp start{}, end{};
    std::chrono::nanoseconds step{};

    /// Of a query over a range: multiples of the step, from the last one before the range to the first one after it.
    static result<evaluation_times> of_range(const query_parameters& p, const loki_limits& limits,
                                             timestamp now) {
        const auto bounds = read_range_bounds(p, now);
        if (!bounds)
            return bounds.error();
        const auto step = read_step(p, *bounds);
        if (!step)
            return step.error();
        if (auto r = check_length(*bounds, limits.max_query_length); !r)
            return r.error();
        const auto whole = std::chrono::floor<std::chrono::milliseconds>(*step);
        if (whole.count() == 0)
            return detail::bad_query("a step below a millisecond is not known here");
        evaluation_times out{bounds->start, bounds->end, whole};
        out.start -= out.start.time_since_epoch() % out.step;
        if (const auto rest = out.end.time_since_epoch() % out.step; rest.count() != 0)
            out.end += out.step - rest;
        return out;
    }
    /// Of a query at an instant: once.
    static result<evaluation_times> of_instant(const query_parameters& p, timestamp now) {
        const auto time = detail::time_parameter("time", detail::parameter(p, "time"), now);
        if (!time)
            return time.error();
        return evaluation_times{*time, *time, {}};
    }
};

namespace detail {

inline void append_sample(std::string& out, timestamp t, double value) {
    out += '[' + go::model_time(t) + ",\"";
    if (std::isnan(value))
        out += "NaN";
    else if (std::isinf(value))
        out += value > 0 ? "+Inf" : "-Inf";
    else {
        char text[400];
        out.append(text, std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr);
    }
    out += "\"]";
}

inline std::string too_many_series(const loki_limits& limits) {
    const std::string most = " (" + std::to_string(limits.max_query_series) + ") reached for a single query";
    return limits.version == loki_version::v2_9
               ? "maximum of series" + most
               : "maximum number of series" + most +
                     "; consider reducing query cardinality by adding more specific stream selectors, "
                     "reducing the "
                     "time range, or aggregating results with functions like sum(), count() or topk()";
}

} // namespace detail

/// The body of the answer to a metric query: a matrix, or at an instant a vector. The error's message is the text of the 400.
inline result<std::string> answer_metric_query(const metric_query& query, const evaluation_times& times,
                                               const std::map<std::string, stored_stream>& streams,
                                               const loki_limits& limits, timestamp now) {
    // 2.9 leaves out what lies exactly at the end.
    const bool with_end = limits.version == loki_version::v3;
    const metric_evaluation evaluation(query, [&](const metric_query& range) {
        metric_samples out;
        for_each_found(
            range.logs, streams, limits, now,
            [&](timestamp t) {
                return t > times.start - range.range && (with_end ? t <= times.end : t < times.end);
            },
            [&](const std::string&, const stored_stream&, const stored_entry& e, const label_list&,
                const queried_line& line) { out[line.labels()].push_back({e.time, line.text.size()}); });
        return out;
    });
    const bool instant = times.step.count() == 0;
    std::map<label_list, std::string> series;
    for (timestamp t = times.start; t <= times.end; t += times.step) {
        const auto values = evaluation.at(t);
        if (!values)
            return values.error();
        for (const auto& [labels, value] : *values) {
            auto& text = series[labels];
            if (!text.empty())
                text += ',';
            detail::append_sample(text, t, value);
        }
        if (series.size() > limits.max_query_series)
            return detail::bad_query(detail::too_many_series(limits));
        if (instant)
            break;
    }
    std::string out = R"({"status":"success","data":{"resultType":")";
    out += instant ? R"(vector","result":[)" : R"(matrix","result":[)";
    for (const auto& [labels, text] : series) {
        out += out.back() == '[' ? R"({"metric":)" : R"(,{"metric":)";
        detail::append_json_object(out, labels);
        out += instant ? R"(,"value":)" + text + '}' : R"(,"values":[)" + text + "]}";
    }
    return out + R"(],"stats":{}}})";
}

} // namespace lokiship::testing

#endif
