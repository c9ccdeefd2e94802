#ifndef LOKISHIP_TESTING_LOGQL_QUERIED_LINE_HPP
#define LOKISHIP_TESTING_LOGQL_QUERIED_LINE_HPP

#include <lokiship/loki/labels.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// A line on its way through the stages of a query.
class queried_line {
public:
    using label_span = std::span<const loki::label>;

    /// The labels of the stream and the structured metadata must stay for as long as this does.
    queried_line(label_span stream, label_span metadata, std::string_view line)
        : text(line)
        , stream_(stream)
        , metadata_(metadata) {}

    /// The line, as stages have formatted it.
    std::string text;

    /// What a label's value is; nothing where there is no such label.
    std::optional<std::string_view> find(std::string_view name) const {
        for (const label_span list : {label_span(parsed_), metadata_, stream_})
            for (const auto& l : list)
                if (l.name == name)
                    return l.value;
        return std::nullopt;
    }
    std::string_view value(std::string_view name) const { return find(name).value_or(std::string_view()); }

    /// Adds what a parser found in the line, under another name where the stream or the metadata has that one.
    void extract(std::string name, std::string value) {
        const auto same = [&](const loki::label& l) { return l.name == name; };
        if (std::any_of(stream_.begin(), stream_.end(), same) ||
            std::any_of(metadata_.begin(), metadata_.end(), same))
            name += "_extracted";
        set(std::move(name), std::move(value));
    }
    /// A stage could not do its work; the first such error stays.
    void failed(std::string_view error, std::string details) {
        if (find("__error__"))
            return;
        set("__error__", std::string(error));
        set("__error_details__", std::move(details));
    }

    /// What parsers found, and errors, sorted by name. A value may be empty.
    std::vector<loki::label> parsed() const {
        std::vector<loki::label> out = parsed_;
        std::sort(out.begin(), out.end());
        return out;
    }
    /// All labels, sorted by name.
    std::vector<loki::label> labels() const {
        std::vector<loki::label> out = parsed();
        out.insert(out.end(), stream_.begin(), stream_.end());
        out.insert(out.end(), metadata_.begin(), metadata_.end());
        std::sort(out.begin(), out.end());
        return out;
    }

private:
    void set(std::string name, std::string value) {
        const auto at = std::find_if(parsed_.begin(), parsed_.end(),
                                     [&](const loki::label& l) { return l.name == name; });
        if (at != parsed_.end())
            at->value = std::move(value);
        else
            parsed_.push_back({std::move(name), std::move(value)});
    }

    label_span stream_, metadata_;
    std::vector<loki::label> parsed_;
};

} // namespace lokiship::testing

#endif
