#ifndef LOKISHIP_TESTING_LOGQL_HPP
#define LOKISHIP_TESTING_LOGQL_HPP

#include <lokiship/error.hpp>
#include <lokiship/loki/labels.hpp>

#include <boost/regex.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// A LogQL log query: a stream selector and line filters, `{job="aoss", status=~"F.*"} |= "nginx" !~ "x+"`.
///
/// Label regexes match the whole value, line regexes any part; regexes are Boost's Perl syntax, close to
/// Loki's RE2. An absent label matches as the empty text.
class log_query {
public:
    bool matches(const loki::labels& set) const {
        return matches(std::span<const loki::label>(set.begin(), set.end()));
    }
    bool matches(std::span<const loki::label> set) const {
        const auto value = [set](const std::string& name) -> std::string_view {
            for (const auto& l : set)
                if (l.name == name)
                    return l.value;
            return {};
        };
        for (const auto& m : selector_)
            if (!m.accepts(value(m.name), true))
                return false;
        return true;
    }
    bool matches(std::string_view line) const {
        for (const auto& f : filters_)
            if (!f.accepts(line, false))
                return false;
        return true;
    }

private:
    friend class log_query_parser;
    struct matcher {
        std::string name;
        bool negated = false;
        std::string text;
        std::optional<boost::regex> pattern;

        bool accepts(std::string_view value, bool whole) const {
            bool found;
            if (pattern)
                found = whole ? boost::regex_match(value.begin(), value.end(), *pattern)
                              : boost::regex_search(value.begin(), value.end(), *pattern);
            else
                found = whole ? value == text : value.find(text) != value.npos;
            return found != negated;
        }
    };
    std::vector<matcher> selector_, filters_;
};

/// Used by `parse_log_query`.
class log_query_parser {
public:
    explicit log_query_parser(std::string_view text)
        : text_(text) {}

    result<log_query> parse() {
        log_query out;
        if (!take("{"))
            return fail("unexpected text, expected {");
        if (!take("}"))
            do {
                auto m = label_matcher();
                if (!m)
                    return m.error();
                out.selector_.push_back(std::move(*m));
            } while (take(","));
        if (!out.selector_.empty() && !take("}"))
            return fail("expected , or }");
        bool selects = false;
        for (const auto& m : out.selector_)
            selects = selects || !m.accepts("", true);
        if (!selects)
            return failed(
                "queries require at least one regexp or equality matcher that does not have an "
                "empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but "
                "app=~\".+\" will");
        for (skip(); at_ != text_.size(); skip()) {
            auto f = line_filter();
            if (!f)
                return f.error();
            out.filters_.push_back(std::move(*f));
        }
        return out;
    }

private:
    using matcher = log_query::matcher;

    static error failed(std::string what) {
        return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                "parse error : " + std::move(what)};
    }
    error fail(std::string what) const {
        return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                "parse error at line 1, col " + std::to_string(at_ + 1) +
                    ": syntax error: " + std::move(what)};
    }
    void skip() {
        while (at_ != text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n'))
            ++at_;
    }
    bool take(std::string_view token) {
        skip();
        if (!text_.substr(at_).starts_with(token))
            return false;
        at_ += token.size();
        return true;
    }

    result<matcher> label_matcher() {
        matcher m;
        skip();
        const auto begin = at_;
        const auto letter = [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        };
        while (at_ != text_.size() &&
               (letter(text_[at_]) || (at_ != begin && text_[at_] >= '0' && text_[at_] <= '9')))
            ++at_;
        if (at_ == begin)
            return fail("expected a label name");
        m.name = text_.substr(begin, at_ - begin);
        bool regex = false;
        if (take("=~"))
            regex = true;
        else if (take("!~"))
            regex = m.negated = true;
        else if (take("!="))
            m.negated = true;
        else if (!take("="))
            return fail("expected =, !=, =~ or !~");
        return operand(std::move(m), regex);
    }
    result<matcher> line_filter() {
        matcher m;
        bool regex = false;
        if (take("|~"))
            regex = true;
        else if (take("!~"))
            regex = m.negated = true;
        else if (take("!="))
            m.negated = true;
        else if (!take("|="))
            return fail("expected |=, !=, |~ or !~");
        return operand(std::move(m), regex);
    }
    result<matcher> operand(matcher m, bool regex) {
        auto text = quoted();
        if (!text)
            return text.error();
        m.text = std::move(*text);
        if (regex) {
            boost::regex pattern(m.text, boost::regex::perl | boost::regex::no_except);
            if (pattern.status() != 0)
                return failed("error parsing regexp: " + m.text);
            m.pattern = std::move(pattern);
        }
        return m;
    }
    result<std::string> quoted() {
        skip();
        if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '`'))
            return fail("expected a string");
        const char end = text_[at_++];
        std::string out;
        for (; at_ != text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == end)
                return ++at_, out;
            if (c != '\\' || end == '`') {
                out += c;
                continue;
            }
            if (++at_ == text_.size())
                break;
            static constexpr std::string_view names = "abfnrtv\\\"'", values = "\a\b\f\n\r\t\v\\\"'";
            if (const auto n = names.find(text_[at_]); n != names.npos) {
                out += values[n];
            } else if (text_[at_] == 'x' && at_ + 2 < text_.size()) {
                out += static_cast<char>(std::stoi(std::string(text_.substr(at_ + 1, 2)), nullptr, 16));
                at_ += 2;
            } else {
                return fail("unknown escape");
            }
        }
        return fail("literal not terminated");
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

/// Reads a log query. The error's message is like Loki's: it begins with `parse error`.
inline result<log_query> parse_log_query(std::string_view text) {
    return log_query_parser(text).parse();
}

} // namespace lokiship::testing

#endif
