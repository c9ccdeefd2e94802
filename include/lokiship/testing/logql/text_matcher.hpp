#ifndef LOKISHIP_TESTING_LOGQL_TEXT_MATCHER_HPP
#define LOKISHIP_TESTING_LOGQL_TEXT_MATCHER_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/logql/reader.hpp>

#include <boost/regex.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::testing {

/// An operator and a string, as label matchers (`=`, `!=`, `=~`, `!~`) and line filters (`|=`, `!=`, `|~`, `!~`) have them.
///
/// Regexes are Boost's Perl syntax, close to Loki's RE2: a dot is no line break, and `^` and `$` are the ends of the text.
class text_matcher {
public:
    /// Reads the string behind the operator.
    static result<text_matcher> read(logql_reader& in, bool regex, bool negated) {
        auto text = in.quoted();
        if (!text)
            return text.error();
        text_matcher out;
        out.negated_ = negated;
        out.text_ = std::move(*text);
        if (regex) {
            using rx = boost::regex;
            // These two Loki replaces by what has no regex, so that line breaks count as well.
            const bool anything = out.text_ == ".*" || out.text_ == ".+";
            rx pattern(out.text_,
                       rx::perl | rx::no_except | rx::no_mod_m | (anything ? rx::perl : rx::no_mod_s));
            if (pattern.status() != 0)
                return logql_reader::failed("error parsing regexp: " + out.text_);
            out.pattern_ = std::move(pattern);
        }
        return out;
    }
    /// Reads what comes behind a label's name.
    static result<text_matcher> read_label(logql_reader& in) {
        if (in.take("=~"))
            return read(in, true, false);
        if (in.take("!~"))
            return read(in, true, true);
        if (in.take("!="))
            return read(in, false, true);
        if (!in.take("="))
            return in.fail("expected =, !=, =~ or !~");
        return read(in, false, false);
    }

    /// Of a label's value: the whole of it.
    bool accepts_whole(std::string_view value) const {
        const bool found =
            pattern_ ? boost::regex_match(value.begin(), value.end(), *pattern_) : value == text_;
        return found != negated_;
    }
    /// Of a line: any part of it.
    bool accepts_part(std::string_view line) const {
        const bool found = pattern_ ? boost::regex_search(line.begin(), line.end(), *pattern_)
                                    : line.find(text_) != line.npos;
        return found != negated_;
    }
    /// The string, or the regex.
    const std::string& text() const noexcept { return text_; }
    /// What the value must be, where only one will do.
    std::optional<std::string> only_value() const {
        return pattern_ || negated_ ? std::nullopt : std::optional(text_);
    }

private:
    std::string text_;
    bool negated_ = false;
    std::optional<boost::regex> pattern_;
};

} // namespace lokiship::testing

#endif
