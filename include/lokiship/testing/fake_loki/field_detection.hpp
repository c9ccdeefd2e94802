#ifndef LOKISHIP_TESTING_FAKE_LOKI_FIELD_DETECTION_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_FIELD_DETECTION_HPP

#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/testing/fake_loki/json_value.hpp>
#include <lokiship/testing/fake_loki/label_text.hpp>
#include <lokiship/testing/fake_loki/push_body.hpp>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What Loki 3 adds to a stream and an entry by itself.
namespace lokiship::testing {

inline constexpr std::string_view detected_level_name = "detected_level";

/// Adds the label `service_name` where it is absent, from the first of `sources` that the stream has.
inline void discover_service_name(label_list& labels, const std::vector<std::string>& sources) {
    static constexpr std::string_view name = "service_name";
    const auto has = [&](const loki::label& l) { return l.name == name; };
    if (sources.empty() || std::any_of(labels.begin(), labels.end(), has))
        return;
    std::string_view value = "unknown_service";
    for (const auto& source : sources)
        if (const auto found = value_of(labels, source); !found.empty()) {
            value = found;
            break;
        }
    loki::label added{std::string(name), std::string(value)};
    labels.insert(std::upper_bound(labels.begin(), labels.end(), added), std::move(added));
}

/// Gives metadata names the form of label names, in place, and sorts them; the error is Loki's 500.
inline result<void> normalise_metadata(label_list& metadata) {
    for (auto& l : metadata) {
        if (l.name.empty())
            return detail::bad_push("label name is empty");
        std::string name;
        for (std::string_view in = l.name; !in.empty();) {
            const auto step = text::detail::next_utf8(in);
            const std::string_view one = in.substr(0, step.size);
            in.remove_prefix(step.size);
            const bool kept = one != "_" && is_plain_label_name(std::string("_").append(one));
            if (kept)
                name += one;
            else if (name.empty() || name.back() != '_' || one == "_")
                name += '_';
        }
        // Reserved names keep their underscores; elsewhere several become one.
        const bool reserved = name.size() > 4 && name.starts_with("__") && name.ends_with("__");
        if (!reserved)
            name.erase(
                std::unique(name.begin(), name.end(), [](char a, char b) { return a == '_' && b == '_'; }),
                name.end());
        if (name == "_")
            return detail::bad_push("normalization for label name " + go::quote(l.name) +
                                    " resulted in invalid name " + go::quote(name));
        l.name = name.front() >= '0' && name.front() <= '9' ? "key_" + name : name;
        if (!text::is_valid_utf8(l.value)) {
            std::string valid;
            text::append_valid(valid, l.value);
            for (auto at = valid.find(text::detail::replacement_character); at != valid.npos;
                 at = valid.find(text::detail::replacement_character, at))
                valid.replace(at, text::detail::replacement_character.size(), " ");
            l.value = std::move(valid);
        }
    }
    std::sort(metadata.begin(), metadata.end());
    return {};
}

namespace detail {

inline constexpr std::string_view level_names[] = {
    "level",        "LEVEL", "Level", "log.level", "severity",      "SEVERITY",      "Severity",
    "SeverityText", "lvl",   "LVL",   "Lvl",       "severity_text", "Severity_Text", "SEVERITY_TEXT"};

/// Empty where it is none of the known levels.
inline std::string_view known_level(std::string_view value) {
    static constexpr std::pair<std::string_view, std::string_view> table[] = {
        {"trace", "trace"}, {"trc", "trace"},        {"debug", "debug"},      {"dbg", "debug"},
        {"info", "info"},   {"inf", "info"},         {"information", "info"}, {"warn", "warn"},
        {"wrn", "warn"},    {"warning", "warn"},     {"error", "error"},      {"err", "error"},
        {"fatal", "fatal"}, {"critical", "critical"}};
    for (const auto& [name, level] : table)
        if (boost::algorithm::iequals(value, name))
            return level;
    return {};
}

inline std::string normal_level(std::string_view value) {
    const auto known = known_level(value);
    return std::string(known.empty() ? value : known);
}

inline std::string_view level_in_json(const json_value& object, int depth) {
    for (std::size_t i = 0; i != object.items.size(); ++i) {
        const json_value& item = object.items[i];
        if (item.type == json_value::kind::string && std::find(std::begin(level_names), std::end(level_names),
                                                               object.names[i]) != std::end(level_names))
            return item.raw;
        if (item.type == json_value::kind::object && depth < 2)
            if (const auto found = level_in_json(item, depth + 1); !found.empty())
                return found;
    }
    return {};
}

/// The value of the best level name among `key=value` and `key="value"`.
inline std::string_view level_in_logfmt(std::string_view line) {
    std::string_view found;
    std::size_t best = std::size(level_names);
    for (std::size_t at = 0; at < line.size();) {
        at = std::min(line.find_first_not_of(" \t\n", at), line.size());
        const auto end = std::min(line.find_first_of(" \t\n=", at), line.size());
        const std::string_view key = line.substr(at, end - at);
        at = end;
        if (at == line.size() || line[at] != '=')
            continue;
        const bool quoted = line.substr(++at).starts_with('"');
        const auto value_end = quoted ? line.find('"', ++at) : line.find_first_of(" \t\n", at);
        const std::string_view value = line.substr(at, std::min(value_end, line.size()) - at);
        at += value.size() + quoted;
        for (std::size_t i = 0; i != best; ++i)
            if (boost::algorithm::iequals(key, level_names[i])) {
                best = i;
                found = value;
                break;
            }
    }
    return found;
}

/// The earliest whole word that names a level.
inline std::string level_in_words(std::string_view line) {
    static constexpr std::string_view words[] = {"trace", "debug",   "fatal", "critical", "error",
                                                 "err",   "warning", "warn",  "info"};
    static constexpr std::string_view left = " \t\n[({\"'=|", right = " \t\n[](){}:,!\"'=|";
    const std::string lower = boost::algorithm::to_lower_copy(std::string(line));
    std::size_t first = lower.size();
    std::string out = "unknown";
    for (const auto word : words)
        for (auto at = lower.find(word); at < first; at = lower.find(word, at + 1)) {
            const auto end = at + word.size();
            if ((at == 0 || left.find(lower[at - 1]) != left.npos) &&
                (end == lower.size() || right.find(lower[end]) != right.npos)) {
                first = at;
                out = known_level(word);
            }
        }
    return out;
}

inline std::string level_in_line(std::string_view line) {
    const auto first = line.find_first_not_of(" \t\n\v\f\r"), last = line.find_last_not_of(" \t\n\v\f\r");
    std::string_view value;
    if (first != line.npos && line[first] == '{' && line[last] == '}') {
        if (const auto json = read_json_value(line))
            value = level_in_json(*json, 1);
    } else if (line.find('=') != line.npos) {
        value = level_in_logfmt(line);
    }
    const auto known = known_level(value);
    return known.empty() ? level_in_words(line) : std::string(known);
}

/// OpenTelemetry's severity number: four values a level.
inline std::string level_of_severity(std::string_view number) {
    int n = 0;
    const auto [end, ec] = std::from_chars(number.data(), number.data() + number.size(), n);
    if (ec != std::errc() || end != number.data() + number.size())
        return "info";
    static constexpr const char* levels[] = {"trace", "debug", "info", "warn", "error", "fatal"};
    return n >= 1 && n <= 24 ? levels[(n - 1) / 4] : "unknown";
}

} // namespace detail

/// Adds `detected_level` to an entry's metadata, or puts the one that is there into its usual form.
inline void detect_level(const label_list& labels, pushed_entry& e) {
    for (auto& l : e.metadata)
        if (l.name == detected_level_name) {
            l.value = detail::normal_level(l.value);
            return;
        }
    const auto given = [](const label_list& in) -> const loki::label* {
        for (const auto name : detail::level_names)
            for (const auto& l : in)
                if (l.name == name)
                    return &l;
        return nullptr;
    };
    const loki::label* from = given(labels);
    if (!from)
        from = given(e.metadata);
    const auto severity = value_of(e.metadata, "severity_number");
    std::string level = from               ? detail::normal_level(from->value)
                        : severity.empty() ? detail::level_in_line(e.line)
                                           : detail::level_of_severity(severity);
    if (!level.empty())
        e.metadata.push_back({std::string(detected_level_name), std::move(level)});
}

} // namespace lokiship::testing

#endif
