#ifndef LOKISHIP_TESTING_LOGQL_LINE_FORMAT_HPP
#define LOKISHIP_TESTING_LOGQL_LINE_FORMAT_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/logql/queried_line.hpp>
#include <lokiship/testing/logql/reader.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// The operand of `| line_format`: text in which `{{.name}}` stands for a label and `{{__line__}}` for the line. Nothing else
/// of Go's templates.
class line_format {
public:
    static result<line_format> parse(std::string_view text) {
        line_format out;
        for (;;) {
            const auto open = text.find("{{");
            out.parts_.push_back({false, std::string(text.substr(0, open))});
            if (open == text.npos)
                return out;
            text.remove_prefix(open + 2);
            const auto close = text.find("}}");
            logql_reader inside(text.substr(0, close));
            const bool label = inside.take(".");
            auto name = inside.name("a label or __line__");
            if (close == text.npos || !name || !inside.at_end() || (!label && *name != "__line__"))
                return logql_reader::failed("line_format: only {{.label}} and {{__line__}} are known here");
            out.parts_.push_back({true, std::move(*name)});
            text.remove_prefix(close + 2);
        }
    }

    void apply(queried_line& line) const {
        std::string out;
        for (const auto& p : parts_) {
            if (!p.is_name)
                out += p.text;
            else if (p.text == "__line__")
                out += line.text;
            else
                out += line.value(p.text);
        }
        line.text = std::move(out);
    }

private:
    struct part {
        bool is_name;
        std::string text;
    };
    std::vector<part> parts_;
};

} // namespace lokiship::testing

#endif
