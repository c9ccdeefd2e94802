#ifndef LOKISHIP_TESTING_LOGQL_METRIC_QUERY_PARSER_HPP
#define LOKISHIP_TESTING_LOGQL_METRIC_QUERY_PARSER_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/logql/log_query.hpp>
#include <lokiship/testing/logql/metric_query.hpp>
#include <lokiship/testing/logql/reader.hpp>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// Used by `parse_metric_query`.
class metric_query_parser {
public:
    explicit metric_query_parser(std::string_view text)
        : in_(text) {}

    result<metric_query> parse() {
        auto out = binary(0);
        if (!out)
            return out;
        if (!in_.at_end())
            return in_.fail("unexpected text behind the query");
        if (out->type == metric_query::kind::number)
            return in_.fail("a number alone is not known here");
        return out;
    }

private:
    using kind = metric_query::kind;
    using list = std::span<const std::string_view>;

    /// Operators by precedence, those that bind least first.
    static constexpr std::string_view or_[] = {"or"}, and_[] = {"and", "unless"},
                                      comparisons_[] = {"==", "!=", ">=", "<=", ">", "<"},
                                      sums_[] = {"+", "-"}, products_[] = {"*", "/", "%"};
    static constexpr list levels_[] = {or_, and_, comparisons_, sums_, products_};
    static constexpr std::string_view ranges_[] = {"count_over_time", "rate", "bytes_over_time", "bytes_rate",
                                                   "absent_over_time"},
                                      aggregations_[] = {"sum",   "avg",  "min",    "max",
                                                         "count", "topk", "bottomk"};

    result<metric_query> binary(std::size_t level) {
        if (level == std::size(levels_))
            return operand();
        auto out = binary(level + 1);
        while (out) {
            const auto op = take_one_of(levels_[level]);
            if (op.empty())
                break;
            metric_query both;
            both.type = kind::binary;
            both.operation = op;
            const bool compares = level == 2;
            if (in_.take_word("bool")) {
                if (!compares)
                    return in_.fail("bool modifier can only be used on comparison operators");
                both.returns_bool = true;
            }
            for (const std::string_view word : {"on", "ignoring"})
                if (in_.peek_name() == word)
                    return in_.fail(std::string(word) + " is not known here");
            auto right = binary(level + 1);
            if (!right)
                return right;
            const bool number = out->type == kind::number || right->type == kind::number;
            if (number && level < 2)
                return in_.fail("unexpected number in logical/set binary operation (" + both.operation + ')');
            if (out->type == kind::number && right->type == kind::number)
                return in_.fail("operations between two numbers are not known here");
            both.operands.push_back(std::move(*out));
            both.operands.push_back(std::move(*right));
            out = std::move(both);
        }
        return out;
    }
    std::string take_one_of(list operators) {
        for (const auto op : operators)
            if (op.front() >= 'a' ? in_.take_word(op) : in_.take(op))
                return std::string(op);
        return {};
    }

    result<metric_query> operand() {
        metric_query out;
        if (in_.sees_number()) {
            const auto n = in_.number();
            if (!n)
                return n.error();
            out.number = *n;
            return out;
        }
        if (in_.take("(")) {
            auto inner = binary(0);
            if (inner && !in_.take(")"))
                return in_.fail("expected )");
            return inner;
        }
        auto name = in_.name("a query, an aggregation or a number");
        if (!name)
            return name.error();
        out.operation = std::move(*name);
        const auto is_one_of = [&](list names) {
            return std::find(names.begin(), names.end(), out.operation) != names.end();
        };
        if (is_one_of(ranges_))
            return range(std::move(out));
        if (is_one_of(aggregations_))
            return aggregation(std::move(out));
        if (out.operation != "vector")
            return in_.fail("function " + out.operation + " is not known here");
        out.type = kind::vector;
        if (!in_.take("("))
            return in_.fail("expected (");
        const auto n = in_.number();
        if (!n)
            return n.error();
        out.number = *n;
        if (!in_.take(")"))
            return in_.fail("expected )");
        return out;
    }

    /// Behind its name.
    result<metric_query> range(metric_query out) {
        out.type = kind::range;
        if (!in_.take("("))
            return in_.fail("expected (");
        const bool inner = in_.take("(");
        auto logs = log_query::read(in_);
        if (!logs)
            return logs.error();
        if (inner && !in_.take(")"))
            return in_.fail("expected )");
        if (!in_.take("["))
            return in_.fail("expected a range such as [5m]");
        const auto text = in_.until(']');
        if (!text)
            return text.error();
        const auto length = go::parse_model_duration(*text);
        if (!length || length->count() == 0)
            return in_.fail("not a valid duration string: \"" + *text + '"');
        out.range = *length;
        if (in_.peek_name() == "offset")
            return in_.fail("offset is not known here");
        if (auto r = logs->read_stages(in_); !r)
            return r.error();
        // Loki then keeps the error as a label, or not.
        if (logs->filters_by("__error__"))
            return in_.fail("a metric query of lines with errors is not known here");
        out.logs = std::move(*logs);
        if (!in_.take(")"))
            return in_.fail("expected )");
        if (in_.peek_name() == "by" || in_.peek_name() == "without")
            return in_.fail("grouping not allowed for " + out.operation + " aggregation");
        return out;
    }

    /// Behind its name.
    result<metric_query> aggregation(metric_query out) {
        out.type = kind::aggregation;
        const auto early = grouping(out);
        if (!early)
            return early.error();
        if (!in_.take("("))
            return in_.fail("expected (");
        if (out.operation == "topk" || out.operation == "bottomk") {
            const auto n = in_.number();
            if (!n)
                return n.error();
            if (!(*n >= 1 && *n <= 1e6) || *n != static_cast<int>(*n))
                return in_.fail("invalid parameter (must be greater than 0) " + out.operation);
            out.number = *n;
            if (!in_.take(","))
                return in_.fail("expected ,");
        }
        auto inner = binary(0);
        if (!inner)
            return inner;
        if (inner->type == kind::number)
            return in_.fail("unexpected number in aggregation");
        out.operands.push_back(std::move(*inner));
        if (!in_.take(")"))
            return in_.fail("expected )");
        if (!*early)
            if (const auto late = grouping(out); !late)
                return late.error();
        return out;
    }
    /// Whether there is one.
    result<bool> grouping(metric_query& to) {
        if (in_.take_word("without"))
            to.without = true;
        else if (!in_.take_word("by"))
            return false;
        if (!in_.take("("))
            return in_.fail("expected (");
        while (!in_.take(")")) {
            if (!to.grouping.empty() && !in_.take(","))
                return in_.fail("expected , or )");
            auto name = in_.name("a label name");
            if (!name)
                return name.error();
            to.grouping.push_back(std::move(*name));
        }
        return true;
    }

    logql_reader in_;
};

} // namespace lokiship::testing

#endif
