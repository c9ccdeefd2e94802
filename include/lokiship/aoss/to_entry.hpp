#ifndef LOKISHIP_AOSS_TO_ENTRY_HPP
#define LOKISHIP_AOSS_TO_ENTRY_HPP

#include <lokiship/aoss/execution_record.hpp>
#include <lokiship/aoss/step_key.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/label_value.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/text/detail/words.hpp>
#include <lokiship/text/stable_hash.hpp>
#include <lokiship/text/timestamp.hpp>
#include <lokiship/text/utf8.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace lokiship::aoss {

/// How many code points of `stdout` and of `stderr` a line holds (the specification's "truncated to 300
/// chars").
inline constexpr std::size_t max_output_code_points = 300;

/// Replaces what must not be shipped in a text, which is UTF-8; whether it replaced something. `text::redactor` is one.
using redact_function = std::function<bool(std::string&)>;

/// A record as Loki gets it.
struct mapped_step {
    loki::labels labels;
    /// The labels are those of the step before, which the same `step_mapper` made.
    bool same_labels = false;
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

/// Why such labels cannot be added to those that `to_labels` makes; nothing where they can. Loki takes letters, digits and `_` in
/// a name, the first no digit; and keeps names with two of them in front for itself.
inline std::optional<std::string> why_not_external(const loki::labels& set) {
    const auto is_letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    bool changed = false;
    const loki::labels own = to_labels({}, changed);
    for (const auto& l : set) {
        const std::string_view name = l.name;
        if (name.empty() || !is_letter(name.front()) || !std::all_of(name.begin(), name.end(), [&](char c) {
                return is_letter(c) || (c >= '0' && c <= '9');
            }))
            return "has a name that Loki does not take; letters, digits and _ are allowed";
        if (name.starts_with("__"))
            return "has a name that is reserved by Loki";
        if (!own.get(name).empty())
            return "has a name that each entry has already";
        std::string value;
        if (loki::append_label_value(value, l.value))
            return "has a value that Loki does not take";
    }
    return std::nullopt;
}

/// Appends the line of a record:
/// `STEP: 1 | COMMAND: systemctl status nginx | EXIT_CODE: 0 | STDOUT: Active: active (running) | STDERR: `.
///
/// All five parts are always there, an absent value being empty. `stdout` and `stderr` are each cut to
/// `max_output_code_points`, followed by `...` when something was cut. Invalid UTF-8 becomes U+FFFD.
inline void append_line(std::string& out, const execution_record& record) {
    // One append each.
    const auto put = [&out](std::string_view before, const std::optional<std::int64_t>& n,
                            std::string_view behind) {
        char part[64];
        char* end = std::copy(before.begin(), before.end(), part);
        if (n)
            end = std::to_chars(end, part + sizeof part, *n).ptr;
        end = std::copy(behind.begin(), behind.end(), end);
        out.append(part, end);
    };
    put("STEP: ", record.step, " | COMMAND: ");
    text::append_valid(out, record.command);
    put(" | EXIT_CODE: ", record.exit_code, " | STDOUT: ");
    text::append_truncated(out, record.standard_output, max_output_code_points);
    out.append(" | STDERR: ", 11);
    text::append_truncated(out, record.standard_error, max_output_code_points);
}
/// The line of a record.
inline std::string to_line(const execution_record& record) {
    std::string out;
    append_line(out, record);
    return out;
}

/// The structured metadata of a record: `execution_id`, `exit_code`, `step` and `user_id`, each where the record has it. What
/// Loki does not take in a label's value is replaced here too.
inline loki::labels to_metadata(const execution_record& record) {
    std::vector<loki::label> out;
    out.reserve(4);
    const auto text = [&out](std::string_view name, std::string_view value) {
        if (!value.empty())
            loki::append_label_value(out.emplace_back(std::string(name), std::string()).value, value);
    };
    const auto number = [&out](std::string_view name, const std::optional<std::int64_t>& value) {
        if (value)
            out.push_back({std::string(name), std::to_string(*value)});
    };
    text("execution_id", record.execution_id);
    number("exit_code", record.exit_code);
    number("step", record.step);
    text("user_id", record.user_id);
    return loki::labels::from_sorted(std::move(out));
}

/// Makes entries of records, one after the other. It keeps the memory of texts and the label sets that it made, as many as are
/// in use at a time. Not thread-safe.
class step_mapper {
public:
    /// `redact`, unless it is empty, is applied to the whole of `command`, `stdout` and `stderr`, so that nothing is cut off
    /// before it is seen. The key is of what is left: with another `redact` a step can have another key.
    /// `external` are labels that each entry gets beside its own, which they must not replace. With `structured_metadata` each
    /// has that of `to_metadata`.
    explicit step_mapper(redact_function redact = {}, loki::labels external = {},
                         bool structured_metadata = false)
        : redact_(std::move(redact))
        , external_(std::move(external))
        , structured_metadata_(structured_metadata) {}
    step_mapper(const step_mapper&) = delete;
    step_mapper& operator=(const step_mapper&) = delete;

    /// The entry of a record, in whose texts `redact` is then done; valid until the next call, and `entry` may be moved from.
    /// Where the record's timestamp is missing or unreadable, it has the time that `now` gives, which is called only then, or a
    /// nanosecond after the last one that was given so: two equal lines of one time are one to Loki. Else it depends on nothing
    /// but the record.
    template <std::invocable Now>
    mapped_step& operator()(execution_record& record, Now now) {
        const label_fields<std::string_view> fields{record.server_id, record.server_tag, record.agent_type,
                                                    record.status, record.execution_status};
        out_.same_labels = current_ && equal_fields()(fields, current_->first);
        if (!out_.same_labels) {
            current_ = &labels_of(record, fields);
            out_.labels = current_->second.labels;
            out_.labels_changed = current_->second.changed;
        }
        out_.redacted = false;
        if (redact_)
            for (std::string* text : {&record.command, &record.standard_output, &record.standard_error})
                out_.redacted |= !text->empty() && redact(*text);
        out_.entry.line.clear();
        append_line(out_.entry.line, record);
        // The steps of an execution have one.
        if (!text::detail::same(record.timestamp, timestamp_)) {
            timestamp_ = record.timestamp;
            const auto time = text::parse_timestamp(timestamp_);
            time_ = time ? std::optional(*time) : std::nullopt;
        }
        out_.time_replaced = !time_;
        if (!time_)
            given_ = given_ ? std::max(now(), *given_ + std::chrono::nanoseconds(1)) : now();
        out_.entry.time = time_ ? *time_ : *given_;
        if (structured_metadata_)
            out_.entry.metadata = to_metadata(record);
        out_.key = make_step_key(record, out_.entry.line);
        return out_;
    }

private:
    /// The fields that labels are made of; `Text` owns them or does not.
    template <class Text>
    using label_fields = std::array<Text, 5>;
    /// The ends tell server from server; the whole would take longer than the comparison that follows. At most `max_known` can
    /// be made to have one hash.
    struct hash_fields {
        using is_transparent = void;
        template <class Text>
        std::size_t operator()(const label_fields<Text>& fields) const noexcept {
            std::uint64_t out = 0;
            for (const std::string_view f : fields)
                out = text::stable_hash(
                    out, f.size() < sizeof(text::detail::word64)
                             ? whole(f)
                             : text::detail::load_word(f.data() + f.size() - sizeof(text::detail::word64)));
            return static_cast<std::size_t>(out);
        }
        static std::uint64_t whole(std::string_view s) noexcept {
            std::uint64_t out = 1;
            for (const char c : s)
                out = out << 8 | static_cast<unsigned char>(c);
            return out;
        }
    };
    struct equal_fields {
        using is_transparent = void;
        template <class A, class B>
        bool operator()(const label_fields<A>& a, const label_fields<B>& b) const noexcept {
            return std::equal(
                a.begin(), a.end(), b.begin(),
                [](std::string_view one, std::string_view other) { return text::detail::same(one, other); });
        }
    };
    struct known_labels {
        loki::labels labels;
        bool changed = false;
    };

    using known_label_sets =
        std::unordered_map<label_fields<std::string>, known_labels, hash_fields, equal_fields>;

    const known_label_sets::value_type& labels_of(const execution_record& record,
                                                  const label_fields<std::string_view>& fields) {
        auto at = known_.find(fields);
        if (at == known_.end()) {
            current_ = nullptr;
            if (known_.size() == max_known)
                known_.clear();
            known_labels made;
            made.labels = loki::with_labels(to_labels(record, made.changed), external_);
            label_fields<std::string> own;
            std::copy(fields.begin(), fields.end(), own.begin());
            at = known_.emplace(std::move(own), std::move(made)).first;
        }
        return *at;
    }
    bool redact(std::string& text) {
        // A page's always is.
        if (!text::is_valid_utf8(text)) {
            std::string valid;
            text::append_valid(valid, text);
            text = std::move(valid);
        }
        return redact_(text);
    }

    static constexpr std::size_t max_known = 2'000;

    redact_function redact_;
    loki::labels external_;
    bool structured_metadata_;
    mapped_step out_;
    known_label_sets known_;
    /// The labels of `out_`, where it has some.
    const known_label_sets::value_type* current_ = nullptr;
    std::string timestamp_;
    std::optional<lokiship::timestamp> time_;
    /// To the last record without a time.
    std::optional<lokiship::timestamp> given_;
};

/// The entry of one record, as `step_mapper` makes it.
inline mapped_step to_entry(execution_record record, timestamp now, const redact_function& redact = {}) {
    return std::move(step_mapper(redact)(record, [now] { return now; }));
}

} // namespace lokiship::aoss

#endif
