#ifndef LOKISHIP_TESTING_LOGQL_LABEL_FILTER_HPP
#define LOKISHIP_TESTING_LOGQL_LABEL_FILTER_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/logql/queried_line.hpp>
#include <lokiship/testing/logql/reader.hpp>
#include <lokiship/testing/logql/text_matcher.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// How two numbers compare, by LogQL's operator; nothing where it is none.
inline std::optional<bool> compare_numbers(double a, std::string_view op, double b) {
    if (op == "==" || op == "=")
        return a == b;
    if (op == "!=")
        return a != b;
    if (op == ">")
        return a > b;
    if (op == ">=")
        return a >= b;
    if (op == "<")
        return a < b;
    if (op == "<=")
        return a <= b;
    return std::nullopt;
}

/// The operand of a stage that filters by labels: `exit_code != "0" and (step > 3 or command =~ "nginx.*")`.
///
/// A string is compared with an absent label as with the empty one. A number drops a line without the label; a line whose label
/// is no number stays, with the label `__error__`.
class label_filter {
public:
    static result<label_filter> read(logql_reader& in) {
        auto out = read_conjunction(in);
        while (out && in.take_word("or"))
            out = join("or", std::move(*out), read_conjunction(in));
        return out;
    }

    bool accepts(queried_line& line) const {
        if (!operands_.empty()) {
            const bool left = operands_[0].accepts(line);
            if (op_ == "or" && left)
                return true;
            const bool right = operands_[1].accepts(line);
            return op_ == "or" ? right : left && right;
        }
        if (text_)
            return text_->accepts_whole(line.value(name_));
        const auto found = line.find(name_);
        if (!found)
            return false;
        const std::string value(*found);
        char* end = nullptr;
        const double n = std::strtod(value.c_str(), &end);
        if (value.empty() || *end != '\0' || std::isspace(static_cast<unsigned char>(value.front()))) {
            line.failed("LabelFilterErr",
                        "strconv.ParseFloat: parsing " + go::quote(value) + ": invalid syntax");
            return true;
        }
        return *compare_numbers(n, op_, number_);
    }

    /// Whether it has a condition on that label other than that it be empty.
    bool wants(std::string_view name) const {
        return std::any_of(operands_.begin(), operands_.end(),
                           [&](const label_filter& f) { return f.wants(name); }) ||
               (name_ == name && !(text_ && text_->only_value() == ""));
    }

private:
    static result<label_filter> read_conjunction(logql_reader& in) {
        auto out = read_condition(in);
        while (out && in.take_word("and"))
            out = join("and", std::move(*out), read_condition(in));
        return out;
    }
    static result<label_filter> read_condition(logql_reader& in) {
        if (in.take("(")) {
            auto out = read(in);
            if (out && !in.take(")"))
                return in.fail("expected ), and or or");
            return out;
        }
        label_filter out;
        auto name = in.name("a stage: pattern, line_format or a label filter");
        if (!name)
            return name.error();
        out.name_ = std::move(*name);
        for (const std::string_view op : {"=~", "!~", "==", "!=", ">=", "<=", "=", ">", "<"}) {
            if (!in.take(op))
                continue;
            out.op_ = op;
            if (in.sees_number() && op != "=~" && op != "!~") {
                const auto n = in.number();
                if (!n)
                    return n.error();
                out.number_ = *n;
                return out;
            }
            if (op == "==" || op.starts_with('>') || op.starts_with('<'))
                return in.fail("expected a number");
            auto text = text_matcher::read(in, op.ends_with('~'), op.starts_with('!'));
            if (!text)
                return text.error();
            if (op.ends_with('~') && !matches_as_a_whole(text->text()))
                return in.fail("of regexes in label filters only words with distinct first letters, .+ and "
                               ".* are known here");
            out.text_ = std::move(*text);
            return out;
        }
        return in.fail("stage " + out.name_ + " is not known here; as a label it would have an operator");
    }
    /// Loki compares some regexes with any part of the value, such as `1.*` and `1|127`: with these it does not.
    static bool matches_as_a_whole(std::string_view regex) {
        if (regex == ".+" || regex == ".*")
            return true;
        std::string first_letters;
        for (;;) {
            const auto word = regex.substr(0, regex.find('|'));
            if (word.empty() || word.find_first_of("\\.+*?()[]{}^$") != word.npos ||
                first_letters.find(word.front()) != first_letters.npos)
                return false;
            first_letters += word.front();
            if (word.size() == regex.size())
                return true;
            regex.remove_prefix(word.size() + 1);
        }
    }
    static result<label_filter> join(std::string op, label_filter left, result<label_filter> right) {
        if (!right)
            return right.error();
        label_filter out;
        out.op_ = std::move(op);
        out.operands_ = {std::move(left), std::move(*right)};
        return out;
    }

    /// Of both operands where it has some, else of the label.
    std::string op_;
    std::vector<label_filter> operands_;
    std::string name_;
    std::optional<text_matcher> text_;
    double number_ = 0;
};

} // namespace lokiship::testing

#endif
