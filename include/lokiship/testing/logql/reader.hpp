#ifndef LOKISHIP_TESTING_LOGQL_READER_HPP
#define LOKISHIP_TESTING_LOGQL_READER_HPP

#include <lokiship/error.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::testing {

/// What the parsers of LogQL read tokens with. Blanks and comments, from `#` to the line's end, are skipped.
class logql_reader {
public:
    explicit logql_reader(std::string_view text)
        : text_(text) {}

    bool at_end() {
        skip();
        return at_ == text_.size();
    }
    /// What comes next, without taking it.
    bool sees(std::string_view token) {
        skip();
        return text_.substr(at_).starts_with(token);
    }
    bool take(std::string_view token) {
        if (!sees(token))
            return false;
        at_ += token.size();
        return true;
    }
    /// As `take`, where the word ends there.
    bool take_word(std::string_view word) {
        if (peek_name() != word)
            return false;
        at_ += word.size();
        return true;
    }
    /// The name that comes next, without taking it; empty where none does.
    std::string_view peek_name() {
        skip();
        std::size_t end = at_;
        while (end != text_.size() &&
               (is_letter(text_[end]) || (end != at_ && text_[end] >= '0' && text_[end] <= '9')))
            ++end;
        return text_.substr(at_, end - at_);
    }
    result<std::string> name(std::string_view what) {
        const auto found = peek_name();
        if (found.empty())
            return fail("expected " + std::string(what));
        at_ += found.size();
        return std::string(found);
    }
    bool sees_number() {
        skip();
        const auto rest = text_.substr(at_, 2);
        const auto first = rest.find_first_not_of("+-");
        return first < 2 && rest.find_first_of("0123456789.", first) == first;
    }
    /// A number with its sign; one with a unit, such as `5m` or `1KB`, is none.
    result<double> number() {
        if (!sees_number())
            return fail("expected a number");
        const bool negative = text_[at_] == '-';
        if (negative || text_[at_] == '+')
            ++at_;
        const std::string digits(text_.substr(at_, text_.find_first_not_of("0123456789.eE", at_) - at_));
        char* end = nullptr;
        const double value = std::strtod(digits.c_str(), &end);
        if (end == digits.c_str())
            return fail("expected a number");
        at_ += static_cast<std::size_t>(end - digits.c_str());
        if (at_ != text_.size() && is_letter(text_[at_]))
            return fail("numbers with a unit are not known here");
        return negative ? -value : value;
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
            } else if (const auto byte = hex_escape()) {
                out += static_cast<char>(*byte);
                at_ += 2;
            } else {
                return fail("unknown escape");
            }
        }
        return fail("literal not terminated");
    }
    /// The text up to a character, which is taken too.
    result<std::string> until(char stop) {
        const auto end = text_.find(stop, at_);
        if (end == text_.npos)
            return fail(std::string("expected ") + stop);
        std::string out(text_.substr(at_, end - at_));
        at_ = end + 1;
        return out;
    }

    static error failed(std::string what) {
        return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                "parse error : " + std::move(what)};
    }
    /// An error here.
    error fail(std::string what) const {
        const auto before = text_.substr(0, at_);
        const auto line_begin = before.rfind('\n') + 1; // 0 where there is none
        return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                "parse error at line " + std::to_string(std::count(before.begin(), before.end(), '\n') + 1) +
                    ", col " + std::to_string(at_ - line_begin + 1) + ": syntax error: " + std::move(what)};
    }

private:
    static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
    /// Of `\x41`, at the x.
    std::optional<unsigned char> hex_escape() const {
        unsigned char byte = 0;
        const auto digits = text_.substr(at_, 3);
        if (digits.size() != 3 || digits.front() != 'x' ||
            std::from_chars(digits.data() + 1, digits.data() + 3, byte, 16).ptr != digits.data() + 3)
            return std::nullopt;
        return byte;
    }
    void skip() {
        for (;;) {
            at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
            if (at_ == text_.size() || text_[at_] != '#')
                return;
            at_ = std::min(text_.find('\n', at_), text_.size());
        }
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

} // namespace lokiship::testing

#endif
