#ifndef LOKISHIP_TESTING_FAKE_LOKI_JSON_VALUE_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_JSON_VALUE_HPP

#include <lokiship/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lokiship::testing {

/// A JSON text as it stands: Boost.JSON decodes strings and merges members, and what Loki makes of a push
/// depends on both. Bytes that are no UTF-8 are allowed. Refers to the text that it was read from.
struct json_value {
    enum class kind {
        null,
        boolean,
        number,
        string,
        array,
        object
    };

    kind type = kind::null;
    /// The value's bytes; of a string those between the quotes.
    std::string_view raw{};
    /// Of an object: the members' names, decoded, in the order of `items`. The same name can come again.
    std::vector<std::string> names{};
    /// Elements or members.
    std::vector<json_value> items{};

    /// The last member of that name, or null.
    const json_value* find(std::string_view name) const {
        for (std::size_t i = names.size(); i-- != 0;)
            if (names[i] == name)
                return &items[i];
        return nullptr;
    }
};

/// What a string's raw bytes stand for; nothing where an escape is wrong, a lone surrogate included.
inline std::optional<std::string> decode_json_string(std::string_view raw) {
    static constexpr std::string_view letters = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
    const auto hex = [raw](std::size_t at) -> std::optional<char32_t> {
        char32_t c = 0;
        if (at + 4 > raw.size())
            return std::nullopt;
        for (const char d : raw.substr(at, 4)) {
            const auto digit = std::string_view("0123456789abcdefABCDEF").find(d);
            if (digit == std::string_view::npos)
                return std::nullopt;
            c = c << 4 | static_cast<char32_t>(digit < 16 ? digit : digit - 6);
        }
        return c;
    };
    std::string out;
    for (std::size_t i = 0; i != raw.size();) {
        if (raw[i] != '\\') {
            out += raw[i++];
            continue;
        }
        if (++i == raw.size())
            return std::nullopt;
        if (raw[i] != 'u') {
            const auto at = letters.find(raw[i++]);
            if (at == letters.npos)
                return std::nullopt;
            out += values[at];
            continue;
        }
        auto c = hex(i + 1);
        i += 5;
        if (c && *c >= 0xd800 && *c < 0xdc00 && raw.substr(std::min(i, raw.size()), 2) == "\\u") {
            const auto low = hex(i + 2);
            i += 6;
            c = low && *low >= 0xdc00 && *low < 0xe000
                    ? std::optional(0x10000 + ((*c - 0xd800) << 10) + (*low - 0xdc00))
                    : std::nullopt;
        }
        if (!c || (*c >= 0xd800 && *c < 0xe000))
            return std::nullopt;
        text::append_code_point(out, *c);
    }
    return out;
}

namespace detail {

class json_value_reader {
public:
    explicit json_value_reader(std::string_view text)
        : text_(text) {}

    std::optional<json_value> value(int depth = 0) {
        skip();
        json_value out;
        const std::size_t begin = at_;
        bool good = false;
        if (peek() == '"') {
            out.type = json_value::kind::string;
            good = string(out.raw);
            return good ? std::optional(std::move(out)) : std::nullopt;
        }
        if (peek() == '{' || peek() == '[') {
            out.type = peek() == '{' ? json_value::kind::object : json_value::kind::array;
            good = depth < 100 && elements(out, depth);
        } else if (word("true") || word("false")) {
            out.type = json_value::kind::boolean;
            good = true;
        } else if (word("null")) {
            good = true;
        } else {
            out.type = json_value::kind::number;
            good = number();
        }
        if (!good)
            return std::nullopt;
        out.raw = text_.substr(begin, at_ - begin);
        return out;
    }

private:
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    void skip() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }
    bool take(char c) {
        skip();
        const bool here = peek() == c && at_ < text_.size();
        at_ += here;
        return here;
    }
    bool word(std::string_view w) {
        const bool here = text_.substr(at_).starts_with(w);
        at_ += here ? w.size() : 0;
        return here;
    }
    bool number() {
        const auto digits = [this] {
            const auto begin = at_;
            at_ = std::min(text_.find_first_not_of("0123456789", at_), text_.size());
            return at_ != begin;
        };
        word("-");
        if (!digits() || (word(".") && !digits()))
            return false;
        if (!word("e") && !word("E"))
            return true;
        if (!word("+"))
            word("-");
        return digits();
    }
    bool string(std::string_view& raw) {
        const std::size_t begin = ++at_;
        for (; at_ < text_.size() && static_cast<unsigned char>(text_[at_]) >= 0x20; ++at_) {
            if (text_[at_] == '"') {
                raw = text_.substr(begin, at_++ - begin);
                return true;
            }
            at_ += text_[at_] == '\\';
        }
        return false;
    }
    bool elements(json_value& out, int depth) {
        const char end = out.type == json_value::kind::object ? '}' : ']';
        ++at_;
        if (take(end))
            return true;
        do {
            if (end == '}') {
                skip();
                std::string_view raw;
                if (peek() != '"' || !string(raw))
                    return false;
                auto name = decode_json_string(raw);
                if (!name || !take(':'))
                    return false;
                out.names.push_back(std::move(*name));
            }
            auto item = value(depth + 1);
            if (!item)
                return false;
            out.items.push_back(std::move(*item));
        } while (take(','));
        return take(end);
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

} // namespace detail

/// The first value in `text`; what follows it is not looked at. Nothing where there is none.
inline std::optional<json_value> read_json_value(std::string_view text) {
    return detail::json_value_reader(text).value();
}

} // namespace lokiship::testing

#endif
