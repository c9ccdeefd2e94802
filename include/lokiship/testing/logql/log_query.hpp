#ifndef LOKISHIP_TESTING_LOGQL_LOG_QUERY_HPP
#define LOKISHIP_TESTING_LOGQL_LOG_QUERY_HPP

#include <lokiship/error.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/testing/logql/label_filter.hpp>
#include <lokiship/testing/logql/line_format.hpp>
#include <lokiship/testing/logql/line_pattern.hpp>
#include <lokiship/testing/logql/queried_line.hpp>
#include <lokiship/testing/logql/reader.hpp>
#include <lokiship/testing/logql/text_matcher.hpp>

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace lokiship::testing {

/// A LogQL log query: a stream selector and stages, `{job="aoss", status=~"F.*"} |= "nginx" | pattern "STEP: <step> |"`.
///
/// The stages are line filters, `pattern`, label filters and `line_format`.
class log_query {
public:
    /// Whether a stream has what the selector wants. An absent label matches as the empty text.
    bool matches(std::span<const loki::label> set) const {
        const auto value = [set](const std::string& name) -> std::string_view {
            for (const auto& l : set)
                if (l.name == name)
                    return l.value;
            return {};
        };
        return std::all_of(selector_.begin(), selector_.end(),
                           [&](const auto& m) { return m.second.accepts_whole(value(m.first)); });
    }
    bool matches(const loki::labels& set) const {
        return matches(std::span<const loki::label>(set.begin(), set.end()));
    }
    /// Takes a line through the stages; false where one drops it.
    bool accepts(queried_line& line) const {
        return std::all_of(stages_.begin(), stages_.end(), [&](const stage& s) {
            return std::visit([&](const auto& x) { return run(x, line); }, s);
        });
    }

    /// The labels that any stream of the selector has: those of which it names the value.
    std::vector<loki::label> named_labels() const {
        std::vector<loki::label> out;
        for (const auto& [name, m] : selector_) {
            const auto same = [&wanted = name](const auto& other) { return other.first == wanted; };
            const bool once = std::count_if(selector_.begin(), selector_.end(), same) == 1;
            if (const auto value = m.only_value(); once && value && !value->empty())
                out.push_back({name, *value});
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    /// Whether a label filter wants that label to be something.
    bool filters_by(std::string_view name) const {
        return std::any_of(stages_.begin(), stages_.end(), [&](const stage& s) {
            const auto* f = std::get_if<label_filter>(&s);
            return f && f->wants(name);
        });
    }

    /// Reads a query as far as it goes.
    static result<log_query> read(logql_reader& in) {
        log_query out;
        if (!in.take("{"))
            return in.fail("unexpected text, expected {");
        if (!in.take("}")) {
            do {
                auto name = in.name("a label name");
                if (!name)
                    return name.error();
                auto m = text_matcher::read_label(in);
                if (!m)
                    return m.error();
                out.selector_.emplace_back(std::move(*name), std::move(*m));
            } while (in.take(","));
            if (!in.take("}"))
                return in.fail("expected , or }");
        }
        if (std::all_of(out.selector_.begin(), out.selector_.end(),
                        [](const auto& m) { return m.second.accepts_whole(""); }))
            return logql_reader::failed(
                "queries require at least one regexp or equality matcher that does not have an "
                "empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but "
                "app=~\".+\" will");
        if (auto r = out.read_stages(in); !r)
            return r.error();
        return out;
    }
    /// Adds the stages that come next.
    result<void> read_stages(logql_reader& in) {
        while (in.sees("|") || in.sees("!")) {
            auto s = read_stage(in);
            if (!s)
                return s.error();
            // Loki's versions differ in which of two captures of one name wins.
            if (const auto* p = std::get_if<line_pattern>(&*s))
                for (const auto& name : p->names())
                    if (!captures_.insert(name).second)
                        return in.fail("two patterns with the capture " + name + " are not known here");
            stages_.push_back(std::move(*s));
        }
        return {};
    }

private:
    using stage = std::variant<text_matcher, line_pattern, label_filter, line_format>;

    static bool run(const text_matcher& filter, queried_line& line) { return filter.accepts_part(line.text); }
    static bool run(const line_pattern& pattern, queried_line& line) {
        for (auto& [name, value] : pattern.match(line.text))
            line.extract(std::move(name), std::move(value));
        return true;
    }
    static bool run(const label_filter& filter, queried_line& line) { return filter.accepts(line); }
    static bool run(const line_format& format, queried_line& line) { return format.apply(line), true; }

    static result<stage> read_stage(logql_reader& in) {
        if (in.sees("|>") || in.sees("!>"))
            return in.fail("pattern line filters are not known here");
        if (in.take("|~"))
            return stage_of(text_matcher::read(in, true, false));
        if (in.take("!~"))
            return stage_of(text_matcher::read(in, true, true));
        if (in.take("!="))
            return stage_of(text_matcher::read(in, false, true));
        if (in.take("|="))
            return stage_of(text_matcher::read(in, false, false));
        if (!in.take("|"))
            return in.fail("expected |=, !=, |~, !~ or |");
        if (in.take_word("pattern"))
            return read_operand<line_pattern>(in);
        if (in.take_word("line_format"))
            return read_operand<line_format>(in);
        return stage_of(label_filter::read(in));
    }
    template <class Stage>
    static result<stage> read_operand(logql_reader& in) {
        const auto text = in.quoted();
        if (!text)
            return text.error();
        return stage_of(Stage::parse(*text));
    }
    template <class Stage>
    static result<stage> stage_of(result<Stage> s) {
        if (!s)
            return s.error();
        return stage(std::move(*s));
    }

    std::vector<std::pair<std::string, text_matcher>> selector_;
    std::vector<stage> stages_;
    /// The names in its patterns.
    std::set<std::string> captures_;
};

} // namespace lokiship::testing

#endif
