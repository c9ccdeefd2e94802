#ifndef LOKISHIP_AOSS_TO_ENTRY_HPP
#define LOKISHIP_AOSS_TO_ENTRY_HPP

#include <lokiship/aoss/execution_record.hpp>
#include <lokiship/aoss/step_key.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/label_value.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/text/timestamp.hpp>
#include <lokiship/text/utf8.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace lokiship::aoss {

/// How many code points of `stdout` and of `stderr` a line holds (the specification's "truncated to 300
/// chars").
inline constexpr std::size_t max_output_code_points = 300;

/// Replaces what must not be shipped in a text, which is UTF-8; whether it replaced something. `text::redactor` is one.
using redact_function = std::function<bool(std::string&)>;

/// A record as Loki gets it.
struct mapped_step {
    loki::labels labels;
    loki::entry entry;
    step_key key;
    /// The record had no readable timestamp, and `entry.time` is the time that was given instead.
    bool time_replaced = false;
    /// A label value was missing, or not as Loki takes it, and was replaced.
    bool labels_changed = false;
    /// Something was replaced in `command`, `stdout` or `stderr`, be it behind what the line holds of them.
    bool redacted = false;
};

/// The stream of a record: `job="aoss"`, `server_id`, `server_tag`, `agent_type`, `status` and `execution_status`. An
/// empty value becomes `unknown`, for `agent_type` `general`, and what Loki does not take in a value is replaced
/// (`loki::append_label_value`); then `changed` becomes true.
inline loki::labels to_labels(const execution_record& record, bool& changed) {
    loki::labels out;
    std::string value;
    const auto set = [&](std::string_view name, std::string_view text, std::string_view fallback) {
        value.clear();
        const bool replaced = loki::append_label_value(value, text.empty() ? fallback : text);
        changed = changed || replaced || text.empty();
        out.set(name, value);
    };
    set("agent_type", record.agent_type, "general");
    set("execution_status", record.execution_status, "unknown");
    set("job", "aoss", "");
    set("server_id", record.server_id, "unknown");
    set("server_tag", record.server_tag, "unknown");
    set("status", record.status, "unknown");
    return out;
}

/// The line of a record:
/// `STEP: 1 | COMMAND: systemctl status nginx | EXIT_CODE: 0 | STDOUT: Active: active (running) | STDERR: `.
///
/// All five parts are always there, an absent value being empty. `stdout` and `stderr` are each cut to
/// `max_output_code_points`, followed by `...` when something was cut. Invalid UTF-8 becomes U+FFFD.
inline std::string to_line(const execution_record& record) {
    std::string out;
    out.reserve(64 + record.command.size() + record.standard_output.size() + record.standard_error.size());
    const auto number = [&out](const std::optional<std::int64_t>& n) {
        if (!n)
            return;
        char digits[24];
        out.append(digits, std::to_chars(digits, digits + sizeof digits, *n).ptr);
    };
    out += "STEP: ";
    number(record.step);
    out += " | COMMAND: ";
    text::append_valid(out, record.command);
    out += " | EXIT_CODE: ";
    number(record.exit_code);
    out += " | STDOUT: ";
    text::append_truncated(out, record.standard_output, max_output_code_points);
    out += " | STDERR: ";
    text::append_truncated(out, record.standard_error, max_output_code_points);
    return out;
}

/// The entry of a record. Depends on nothing but its arguments; `now` is used only where the record's
/// timestamp is missing or unreadable.
inline mapped_step to_entry(const execution_record& record, timestamp now) {
    mapped_step out;
    out.labels = to_labels(record, out.labels_changed);
    out.entry.line = to_line(record);
    const auto time = text::parse_timestamp(record.timestamp);
    out.time_replaced = time.has_error();
    out.entry.time = time ? *time : now;
    out.key = make_step_key(record, out.entry.line);
    return out;
}

/// The same, with `redact`, unless it is empty, applied to the whole of `command`, `stdout` and `stderr`, so that nothing
/// is cut off before it is seen. The key is of what is left: with another `redact` a step can have another key.
inline mapped_step to_entry(const execution_record& record, timestamp now, const redact_function& redact) {
    if (!redact)
        return to_entry(record, now);
    execution_record shown = record;
    bool redacted = false;
    for (const auto text : {&execution_record::command, &execution_record::standard_output,
                            &execution_record::standard_error}) {
        (shown.*text).clear();
        text::append_valid(shown.*text, record.*text);
        redacted |= redact(shown.*text);
    }
    mapped_step out = to_entry(shown, now);
    out.redacted = redacted;
    return out;
}

} // namespace lokiship::aoss

#endif
