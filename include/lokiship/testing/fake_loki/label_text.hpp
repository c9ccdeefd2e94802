#ifndef LOKISHIP_TESTING_FAKE_LOKI_LABEL_TEXT_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_LABEL_TEXT_HPP

#include <lokiship/error.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/limits.hpp>
#include <lokiship/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// A stream's labels as they came: sorted by name, but a name may be there twice.
using label_list = std::vector<loki::label>;

/// The value of the first label of that name, or an empty view.
inline std::string_view value_of(const label_list& list, std::string_view name) {
    for (const auto& l : list)
        if (l.name == name)
            return l.value;
    return {};
}

/// Whether a label name needs no quotes.
inline bool is_plain_label_name(std::string_view name) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    return !name.empty() && letter(name.front()) &&
           std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); });
}

/// `{a="1", b="2"}`, as Loki names a stream.
inline std::string to_text(const label_list& list) {
    std::string out = "{";
    for (const auto& l : list) {
        if (out.size() != 1)
            out += ", ";
        out += is_plain_label_name(l.name) ? l.name : go::quote(l.name);
        out += '=' + go::quote(l.value);
    }
    return out += '}';
}

namespace detail {

class label_text_parser {
public:
    label_text_parser(std::string_view text, loki_version version)
        : text_(text)
        , version_(version) {}

    result<label_list> parse() {
        next();
        if (token_.type == kind::name) {
            add("__name__", token_.text);
            next();
        }
        if (token_.type == kind::open) {
            inside_ = true;
            next();
            if (auto r = items(); !r)
                return r.error();
        }
        if (token_.type != kind::end)
            return unexpected("", "");
        std::erase_if(out_, [](const loki::label& l) { return l.value.empty(); });
        std::sort(out_.begin(), out_.end());
        return std::move(out_);
    }

private:
    enum class kind {
        name,
        string,
        equal,
        other_operator,
        comma,
        open,
        close,
        end,
        bad
    };
    struct token {
        kind type = kind::end;
        std::size_t at = 0;
        /// As written; of `bad` what is wrong.
        std::string text{};
        /// Of a string.
        std::string value{};
    };

    result<void> items() {
        while (token_.type != kind::close) {
            const bool quoted = token_.type == kind::string && version_ == loki_version::v3;
            if (token_.type != kind::name && !quoted)
                return unexpected(" in label set", "identifier or \"}\"");
            std::string name = quoted ? token_.value : token_.text;
            next();
            if (quoted && (token_.type == kind::comma || token_.type == kind::close)) {
                add("__name__", std::move(name));
            } else {
                if (token_.type != kind::equal)
                    return unexpected(" in label set", "\"=\"");
                next();
                if (token_.type != kind::string)
                    return unexpected(" in label set", "string");
                add(std::move(name), token_.value);
                next();
            }
            if (token_.type == kind::comma)
                next();
            else if (token_.type != kind::close)
                return unexpected(" in label set", "\",\" or \"}\"");
        }
        inside_ = false;
        next();
        return {};
    }

    void add(std::string name, std::string value) { out_.push_back({std::move(name), std::move(value)}); }

    error unexpected(std::string_view where, std::string_view expected) const {
        std::string what = token_.text;
        if (token_.type != kind::bad) {
            what = "unexpected " + described() + std::string(where);
            if (!expected.empty())
                what += ", expected " + std::string(expected);
        }
        return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument),
                position() + ": parse error: " + what};
    }
    std::string position() const {
        const auto before = text_.substr(0, token_.at);
        const auto line = std::count(before.begin(), before.end(), '\n') + 1;
        const auto last = before.rfind('\n');
        return std::to_string(line) + ':' +
               std::to_string(token_.at + 1 - (last == before.npos ? 0 : last + 1));
    }
    std::string described() const {
        switch (token_.type) {
        case kind::name:
            return "identifier " + go::quote(token_.text);
        case kind::string:
            return "string " + go::quote(token_.text);
        case kind::other_operator:
            return "<op:" + token_.text + '>';
        case kind::end:
            return "end of input";
        default:
            return '"' + token_.text + '"';
        }
    }

    void next() {
        for (;;) {
            at_ = std::min(text_.find_first_not_of(" \t\n\r", at_), text_.size());
            if (at_ == text_.size() || text_[at_] != '#')
                break;
            at_ = std::min(text_.find('\n', at_), text_.size());
        }
        token_ = {kind::end, at_};
        if (at_ == text_.size()) {
            if (inside_)
                bad("unexpected end of input inside braces");
            return;
        }
        std::size_t end = at_;
        while (end != text_.size() && is_plain_label_name(text_.substr(at_, end + 1 - at_)))
            ++end;
        const char c = text_[at_];
        if (end != at_)
            take(kind::name, end - at_);
        else if (c == '"' || c == '\'' || c == '`')
            string(c);
        else if (text_.substr(at_, 2) == "=~" || text_.substr(at_, 2) == "!~" || text_.substr(at_, 2) == "!=")
            take(kind::other_operator, 2);
        else if (c == '=')
            take(kind::equal, 1);
        else if (c == ',')
            take(kind::comma, 1);
        else if (c == '{' && inside_)
            bad("unexpected left brace '{'");
        else if (c == '{' || c == '}')
            take(c == '{' ? kind::open : kind::close, 1);
        else
            bad("unexpected character" + std::string(inside_ ? " inside braces" : "") + ": '" +
                std::string(text_.substr(at_, text::detail::next_utf8(text_.substr(at_)).size)) + '\'');
    }
    void take(kind type, std::size_t size) {
        token_.type = type;
        token_.text = text_.substr(at_, size);
        at_ += size;
    }
    void bad(std::string what) {
        token_.type = kind::bad;
        token_.text = std::move(what);
    }

    void string(char quote) {
        std::string value;
        std::size_t i = at_ + 1;
        while (i != text_.size() && text_[i] != quote && (text_[i] != '\n' || quote == '`')) {
            if (text_[i] == '\\' && quote != '`') {
                if (!escape(value, ++i, quote))
                    return;
                continue;
            }
            const auto step = text::detail::next_utf8(text_.substr(i));
            const std::string_view one = text_.substr(i, step.size);
            if (!step.valid || one == text::detail::replacement_character)
                return bad("invalid UTF-8 rune");
            value += one;
            i += step.size;
        }
        if (i == text_.size() || text_[i] != quote)
            return bad("unterminated quoted string");
        take(kind::string, i + 1 - at_);
        token_.value = std::move(value);
    }
    /// `i` stands behind the backslash and is moved behind the escape.
    bool escape(std::string& value, std::size_t& i, char quote) {
        static constexpr std::string_view letters = "abfnrtv\\", values = "\a\b\f\n\r\t\v\\";
        const char c = i == text_.size() ? '\0' : text_[i];
        if (c == quote || letters.find(c) != letters.npos) {
            value += c == quote ? c : values[letters.find(c)];
            ++i;
            return true;
        }
        const bool octal = c >= '0' && c <= '7';
        const std::size_t digits = octal ? 3 : c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
        const std::string_view number = text_.substr(std::min(i + (octal ? 0 : 1), text_.size()), digits);
        if (digits == 0 || number.size() != digits ||
            number.find_first_not_of(octal ? "01234567" : "0123456789abcdefABCDEF") != number.npos) {
            bad("unknown escape sequence");
            return false;
        }
        i += digits + (octal ? 0 : 1);
        const auto n = static_cast<char32_t>(std::stoul(std::string(number), nullptr, octal ? 8 : 16));
        if (octal || c == 'x') {
            value += static_cast<char>(n);
            return true;
        }
        if (n > 0x10ffff || (n >= 0xd800 && n < 0xe000)) {
            bad("escape sequence is an invalid Unicode code point");
            return false;
        }
        text::append_code_point(value, n);
        return true;
    }

    std::string_view text_;
    loki_version version_;
    std::size_t at_ = 0;
    bool inside_ = false;
    token token_;
    label_list out_;
};

} // namespace detail

/// Reads a stream's labels as they stand in a push, `{a="1", b="2"}`. Empty values are left out. The error's
/// message begins like Loki's, `1:3: parse error: `.
inline result<label_list> parse_labels(std::string_view text, loki_version version) {
    return detail::label_text_parser(text, version).parse();
}

} // namespace lokiship::testing

#endif
