#ifndef LOKISHIP_TESTING_LOGQL_METRIC_EVALUATION_HPP
#define LOKISHIP_TESTING_LOGQL_METRIC_EVALUATION_HPP

#include <lokiship/error.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/testing/fake_loki/label_text.hpp>
#include <lokiship/testing/logql/label_filter.hpp>
#include <lokiship/testing/logql/metric_query.hpp>
#include <lokiship/text/timestamp.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// The series of one time, by their labels.
using instant_vector = std::map<std::vector<loki::label>, double>;

/// A line that a log query found.
struct metric_sample {
    timestamp time;
    /// Of the line, as the query's stages left it.
    std::size_t bytes;
};
/// The lines that a log query found, by labels.
using metric_samples = std::map<std::vector<loki::label>, std::vector<metric_sample>>;

/// Gives a metric query's series, time after time.
class metric_evaluation {
public:
    /// `find` is called once for each log query in the metric query. The query must stay for as long as this does.
    metric_evaluation(const metric_query& query,
                      const std::function<metric_samples(const metric_query& range)>& find)
        : query_(query) {
        find_all(query, find);
    }

    /// The error's message is the text of the 400.
    result<instant_vector> at(timestamp t) const { return value(query_, t); }

private:
    using kind = metric_query::kind;
    using one_series = std::pair<label_list, double>;

    static error failed(std::string text) {
        return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument), std::move(text)};
    }
    void find_all(const metric_query& q,
                  const std::function<metric_samples(const metric_query& range)>& find) {
        if (q.type == kind::range) {
            auto& found = samples_[&q] = find(q);
            for (auto& [labels, list] : found)
                std::sort(list.begin(), list.end(),
                          [](const auto& a, const auto& b) { return a.time < b.time; });
        }
        for (const auto& operand : q.operands)
            find_all(operand, find);
    }

    result<instant_vector> value(const metric_query& q, timestamp t) const {
        switch (q.type) {
        case kind::range:
            return range(q, t);
        case kind::aggregation:
            return aggregation(q, t);
        case kind::binary:
            return binary(q, t);
        default:
            return instant_vector{{{}, q.number}};
        }
    }

    /// Of what lies after `t - range`, `t` included.
    result<instant_vector> range(const metric_query& q, timestamp t) const {
        instant_vector out;
        const auto later = [](timestamp a, const metric_sample& b) { return a < b.time; };
        for (const auto& [labels, list] : samples_.at(&q)) {
            const auto begin = std::upper_bound(list.begin(), list.end(), t - q.range, later);
            const auto end = std::upper_bound(begin, list.end(), t, later);
            if (begin == end)
                continue;
            if (const auto error = value_of(labels, "__error__"); !error.empty())
                return failed(pipeline_error(std::string(error), labels));
            double sum = static_cast<double>(end - begin);
            if (q.operation.starts_with("bytes")) {
                sum = 0;
                std::for_each(begin, end, [&](const auto& s) { sum += static_cast<double>(s.bytes); });
            }
            if (q.operation.ends_with("rate"))
                sum /= std::chrono::duration<double>(q.range).count();
            out.emplace(labels, sum);
        }
        if (q.operation != "absent_over_time")
            return out;
        if (!out.empty())
            return instant_vector();
        return instant_vector{{q.logs.named_labels(), 1}};
    }
    static std::string pipeline_error(const std::string& error, const label_list& labels) {
        return "pipeline error: '" + error + "' for series: '" + to_text(labels) +
               "'.\nUse a label filter to intentionally skip this error. (e.g | __error__!=\"" + error +
               "\").\nTo skip all potential errors you can match empty errors.(e.g __error__=\"\")\n"
               "The label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" "
               ")\n";
    }

    result<instant_vector> aggregation(const metric_query& q, timestamp t) const {
        const auto inner = value(q.operands.front(), t);
        if (!inner)
            return inner;
        std::map<label_list, std::vector<one_series>> groups;
        for (const auto& one : *inner)
            groups[group_of(q, one.first)].emplace_back(one);
        instant_vector out;
        for (auto& [labels, group] : groups) {
            if (q.operation != "topk" && q.operation != "bottomk") {
                out.emplace(labels, fold(q.operation, group));
                continue;
            }
            const bool largest = q.operation == "topk";
            // Among equal values by labels, where Loki takes any.
            std::sort(group.begin(), group.end(), [&](const auto& a, const auto& b) {
                if (a.second != b.second)
                    return largest ? a.second > b.second : a.second < b.second;
                return a.first < b.first;
            });
            group.resize(std::min(group.size(), static_cast<std::size_t>(q.number)));
            out.insert(group.begin(), group.end());
        }
        return out;
    }
    static label_list group_of(const metric_query& q, const label_list& labels) {
        label_list out;
        for (const auto& l : labels)
            if ((std::find(q.grouping.begin(), q.grouping.end(), l.name) != q.grouping.end()) != q.without)
                out.push_back(l);
        return out;
    }
    static double fold(std::string_view operation, const std::vector<one_series>& group) {
        double sum = 0, least = group.front().second, most = least;
        for (const auto& [labels, v] : group) {
            sum += v;
            least = std::min(least, v);
            most = std::max(most, v);
        }
        const auto size = static_cast<double>(group.size());
        if (operation == "count")
            return size;
        return operation == "sum" ? sum : operation == "avg" ? sum / size : operation == "min" ? least : most;
    }

    result<instant_vector> binary(const metric_query& q, timestamp t) const {
        const auto &left_query = q.operands[0], &right_query = q.operands[1];
        auto left = value(left_query, t), right = value(right_query, t);
        if (!left || !right)
            return left ? right : left;
        instant_vector out;
        if (q.operation == "or") {
            left->merge(*right);
            return left;
        }
        for (const auto& [labels, v] : left_query.type == kind::number ? *right : *left) {
            const bool numbers = left_query.type == kind::number || right_query.type == kind::number;
            const auto other = right->find(labels);
            if (q.operation == "unless" || q.operation == "and") {
                if ((other != right->end()) == (q.operation == "and"))
                    out.emplace(labels, v);
                continue;
            }
            if (!numbers && other == right->end())
                continue;
            const double a = left_query.type == kind::number ? left_query.number : v,
                         b = left_query.type == kind::number ? v
                             : numbers                       ? right_query.number
                                                             : other->second;
            if (const auto holds = compare_numbers(a, q.operation, b)) {
                if (q.returns_bool || *holds)
                    out.emplace(labels, q.returns_bool ? double(*holds) : v);
            } else {
                out.emplace(labels, calculate(a, q.operation.front(), b));
            }
        }
        return out;
    }
    static double calculate(double a, char operation, double b) {
        switch (operation) {
        case '+':
            return a + b;
        case '-':
            return a - b;
        case '*':
            return a * b;
        default:
            // Loki divides nothing by zero.
            if (b == 0)
                return std::numeric_limits<double>::quiet_NaN();
            return operation == '/' ? a / b : std::fmod(a, b);
        }
    }

    const metric_query& query_;
    std::map<const metric_query*, metric_samples> samples_;
};

} // namespace lokiship::testing

#endif
