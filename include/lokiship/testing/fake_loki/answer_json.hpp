#ifndef LOKISHIP_TESTING_FAKE_LOKI_ANSWER_JSON_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_ANSWER_JSON_HPP

#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/label_text.hpp>
#include <lokiship/text/utf8.hpp>

#include <map>
#include <string>
#include <string_view>

namespace lokiship::testing::detail {

/// The line as it stands in an answer.
inline void append_go_json(std::string& out, std::string_view in) {
    std::string valid;
    text::append_valid(valid, in);
    out += '"';
    for (const char c : valid) {
        static constexpr std::string_view plain = "\"\\\n\r\t", letters = "\"\\nrt";
        if (const auto at = plain.find(c); at != plain.npos) {
            out += '\\';
            out += letters[at];
        } else if (static_cast<unsigned char>(c) < 0x20 || c == '<' || c == '>' || c == '&') {
            out += "\\u";
            go::detail::append_hex(out, static_cast<unsigned char>(c), 4);
        } else {
            out += c;
        }
    }
    out += '"';
}

/// A later label of the same name wins.
inline void append_json_object(std::string& out, const label_list& labels) {
    const std::map<std::string, std::string> merged = [&] {
        std::map<std::string, std::string> m;
        for (const auto& l : labels)
            m[l.name] = l.value;
        return m;
    }();
    out += '{';
    for (const auto& [name, value] : merged) {
        if (out.back() != '{')
            out += ',';
        append_go_json(out, name);
        out += ':';
        append_go_json(out, value);
    }
    out += '}';
}

} // namespace lokiship::testing::detail

#endif
