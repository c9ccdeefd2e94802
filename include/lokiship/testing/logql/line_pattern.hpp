#ifndef LOKISHIP_TESTING_LOGQL_LINE_PATTERN_HPP
#define LOKISHIP_TESTING_LOGQL_LINE_PATTERN_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/logql/reader.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// The operand of `| pattern`: literals and captures, `STEP: <step> | <_>`.
class line_pattern {
public:
    static result<line_pattern> parse(std::string_view text) {
        line_pattern out;
        const auto wrong = [&](const std::string& what) {
            return logql_reader::failed("stage '| pattern \"" + std::string(text) + "\"' : " + what);
        };
        for (std::string_view rest = text; !rest.empty();) {
            if (const auto name = capture_at(rest); !name.empty()) {
                if (!out.parts_.empty() && out.parts_.back().is_capture)
                    return wrong("found consecutive capture '<" + out.parts_.back().text + "><" +
                                 std::string(name) + ">': invalid expression");
                const auto same = [&](const part& p) { return p.is_capture && p.text == name; };
                if (name != "_" && std::any_of(out.parts_.begin(), out.parts_.end(), same))
                    return wrong("duplicate capture name (" + std::string(name) + "): invalid expression");
                out.parts_.push_back({true, std::string(name)});
                rest.remove_prefix(name.size() + 2);
                continue;
            }
            if (out.parts_.empty() || out.parts_.back().is_capture)
                out.parts_.push_back({false, {}});
            out.parts_.back().text += rest.front();
            rest.remove_prefix(1);
        }
        if (out.names().empty())
            return wrong("at least one capture is required");
        return out;
    }

    /// The captures that have names.
    std::vector<std::string> names() const {
        std::vector<std::string> out;
        for (const auto& p : parts_)
            if (p.is_capture && p.text != "_")
                out.push_back(p.text);
        return out;
    }

    /// What the captures of a line are, in order. A line need not match as a whole: where a literal is missing, the capture
    /// before it takes the rest, and those behind are left out.
    std::vector<std::pair<std::string, std::string>> match(std::string_view line) const {
        std::vector<std::pair<std::string, std::string>> out;
        std::size_t i = 0;
        if (line.empty())
            return out;
        if (!parts_.front().is_capture) {
            if (!line.starts_with(parts_.front().text))
                return out;
            line.remove_prefix(parts_[i++].text.size());
        }
        for (; i < parts_.size(); i += 2) {
            const auto end = i + 1 == parts_.size() ? line.npos : line.find(parts_[i + 1].text);
            if (parts_[i].text != "_")
                out.emplace_back(parts_[i].text, line.substr(0, end));
            if (end == line.npos)
                break;
            line.remove_prefix(end + parts_[i + 1].text.size());
        }
        return out;
    }

private:
    struct part {
        bool is_capture;
        /// The literal, or the capture's name.
        std::string text;
    };

    /// The name of the capture that the text begins with; empty where it begins with none.
    static std::string_view capture_at(std::string_view text) {
        if (!text.starts_with('<'))
            return {};
        const auto name = logql_reader(text.substr(1)).peek_name();
        // A blank before the name makes it a literal.
        const bool closed =
            !name.empty() && name.data() == text.data() + 1 && text.substr(1 + name.size()).starts_with('>');
        return closed ? name : std::string_view();
    }

    /// Literals and captures by turns.
    std::vector<part> parts_;
};

} // namespace lokiship::testing

#endif
