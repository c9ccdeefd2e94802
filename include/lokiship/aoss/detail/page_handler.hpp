#ifndef LOKISHIP_AOSS_DETAIL_PAGE_HANDLER_HPP
#define LOKISHIP_AOSS_DETAIL_PAGE_HANDLER_HPP

#include <lokiship/aoss/execution_record.hpp>
#include <lokiship/aoss/page.hpp>
#include <lokiship/error.hpp>
#include <lokiship/text/detail/words.hpp>
#include <lokiship/text/utf8.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::aoss::detail {

/// A field that is read.
struct page_field {
    enum class value_type {
        text,
        number,
        total,
        logs
    };
    std::string_view name;
    value_type type;
    std::string execution_record::* text = nullptr;
    std::optional<std::int64_t> execution_record::* number = nullptr;
    std::optional<std::uint64_t> page_summary::* total = nullptr;
    /// What is longer than a field may be is cut, and is no error.
    bool may_be_cut = false;
    /// Nothing is made of it but metadata: a value of another type is no error. A number stands for its text.
    bool is_loose = false;
};

inline constexpr std::array page_fields{
    page_field{"logs", page_field::value_type::logs},
    page_field{"total_executions", page_field::value_type::total, nullptr, nullptr,
               &page_summary::total_executions},
    page_field{"total_log_entries", page_field::value_type::total, nullptr, nullptr,
               &page_summary::total_log_entries},
};
inline constexpr std::array record_fields{
    page_field{"timestamp", page_field::value_type::text, &execution_record::timestamp},
    page_field{"execution_id", page_field::value_type::text, &execution_record::execution_id},
    page_field{"user_id", page_field::value_type::text, &execution_record::user_id, nullptr, nullptr, true,
               true},
    page_field{"server_id", page_field::value_type::text, &execution_record::server_id},
    page_field{"server_tag", page_field::value_type::text, &execution_record::server_tag},
    page_field{"agent_type", page_field::value_type::text, &execution_record::agent_type},
    page_field{"step", page_field::value_type::number, nullptr, &execution_record::step},
    page_field{"command", page_field::value_type::text, &execution_record::command},
    page_field{"status", page_field::value_type::text, &execution_record::status},
    page_field{"exit_code", page_field::value_type::number, nullptr, &execution_record::exit_code},
    page_field{"stdout", page_field::value_type::text, &execution_record::standard_output, nullptr, nullptr,
               true},
    page_field{"stderr", page_field::value_type::text, &execution_record::standard_error, nullptr, nullptr,
               true},
    page_field{"execution_status", page_field::value_type::text, &execution_record::execution_status},
};

inline const page_field* find_page_field(std::string_view name) noexcept {
    const auto at = std::find_if(page_fields.begin(), page_fields.end(),
                                 [name](const auto& f) { return f.name == name; });
    return at == page_fields.end() ? nullptr : &*at;
}
inline const page_field* find_record_field(std::string_view name) noexcept {
    // Each name has a place of its own.
    constexpr auto place = [](std::string_view s) {
        return (2 * s.size() + static_cast<unsigned char>(s.front()) + static_cast<unsigned char>(s.back())) %
               32;
    };
    static constexpr auto places = [place] {
        std::array<const page_field*, 32> out{};
        for (const page_field& f : record_fields)
            out[place(f.name)] = out[place(f.name)] ? throw "two have one place" : &f;
        return out;
    }();
    const page_field* const f = name.empty() ? nullptr : places[place(name)];
    return f && text::detail::same(f->name, name) ? f : nullptr;
}

/// Boost.JSON's handler: a page's events in, records out. Keeps one record.
class page_handler {
public:
    using record_handler = std::function<void(execution_record&)>;

    // Lengths are checked here, per known field, since unknown ones have no limit.
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    page_handler(record_handler on_record, const page_limits& limits)
        : on_record_(std::move(on_record))
        , max_field_size_(limits.max_field_size)
        , max_records_(limits.max_records)
        , max_depth_(limits.max_depth) {}

    const page_summary& summary() const noexcept { return summary_; }
    /// Where reading stands, for messages: `logs[3].exit_code`.
    std::string path() const {
        std::string out;
        if (in_logs_)
            out = "logs[" + std::to_string(summary_.records) + ']';
        if (current_) {
            if (!out.empty())
                out += '.';
            out += current_->name;
        }
        return out;
    }
    errc failure() const noexcept { return failure_; }
    const std::string& why() const noexcept { return why_; }

    bool on_document_begin(error_code&) { return true; }
    bool on_document_end(error_code& ec) {
        return seen_logs_ || fail(ec, errc::page_not_an_object, "it has no array 'logs'");
    }
    bool on_object_begin(error_code& ec) {
        if (skipping() || is_loose())
            return ++skip_depth_, true;
        if (level_ == level::outside)
            return level_ = level::page, true;
        if (level_ == level::logs) {
            if (max_records_ != 0 && summary_.records == max_records_)
                return fail(ec, errc::page_too_large,
                            "more than " + std::to_string(max_records_) + " records");
            seen_ = 0;
            level_ = level::record;
            return true;
        }
        return wrong_type(ec, "an object");
    }
    bool on_object_end(std::size_t, error_code&) {
        if (leave_skipped())
            return true;
        if (level_ == level::record) {
            if (seen_ != all_fields)
                clear_unseen();
            if (summary_.records == 0 || record_.execution_id != last_execution_) {
                ++summary_.executions_seen;
                last_execution_ = record_.execution_id;
            }
            on_record_(record_);
            ++summary_.records;
            level_ = level::logs;
        } else {
            level_ = level::outside;
        }
        current_ = nullptr;
        return true;
    }
    bool on_array_begin(error_code& ec) {
        if (skipping() || is_loose())
            return ++skip_depth_, true;
        if (level_ == level::page && current_ && current_->type == page_field::value_type::logs) {
            if (std::exchange(seen_logs_, true))
                return fail(ec, errc::page_not_an_object, "it has two arrays 'logs'");
            level_ = level::logs;
            in_logs_ = true;
            current_ = nullptr;
            return true;
        }
        return wrong_type(ec, "an array");
    }
    bool on_array_end(std::size_t, error_code&) {
        if (leave_skipped())
            return true;
        level_ = level::page;
        in_logs_ = false;
        return true;
    }
    bool on_key_part(std::string_view s, std::size_t, error_code&) {
        // Longer than any known name is as good as unknown; never grow for it.
        if (skip_depth_ == 0 && key_.size() <= longest_name)
            key_.append(s.substr(0, longest_name + 1));
        return true;
    }
    bool on_key(std::string_view s, std::size_t n, error_code& ec) {
        if (skip_depth_ != 0)
            return true;
        if (!key_.empty()) {
            on_key_part(s, n, ec);
            s = key_;
        }
        begin_field(level_ == level::record ? find_record_field(s) : find_page_field(s));
        key_.clear();
        return true;
    }
    /// As `on_key` does with this field, or with an unknown one.
    void begin_field(const page_field* f) noexcept {
        current_ = f;
        skip_value_ = f == nullptr;
        cut_ = false;
        if (f && level_ == level::record) {
            seen_ |= 1u << (f - record_fields.data());
            clear(*f);
        }
    }
    /// As `on_string` with a text that is UTF-8.
    bool on_valid_string(std::string_view s, error_code& ec) {
        if (skipping() || !current_ || !current_->text || s.size() > max_field_size_)
            return on_string(s, s.size(), ec);
        record_.*current_->text = s;
        return value_done();
    }
    bool on_string_part(std::string_view s, std::size_t, error_code& ec) {
        if (skipping())
            return true;
        if (!current_ || !current_->text)
            return wrong_type(ec, "a string");
        std::string& value = record_.*current_->text;
        const std::size_t room = max_field_size_ - value.size();
        if (s.size() > room) {
            if (!current_->may_be_cut)
                return fail(ec, errc::page_field_too_long,
                            "it is longer than " + std::to_string(max_field_size_) + " bytes");
            cut_ = true;
            s = s.substr(0, room);
        }
        value += s;
        return true;
    }
    bool on_string(std::string_view s, std::size_t n, error_code& ec) {
        if (!on_string_part(s, n, ec))
            return false;
        if (!skipping()) {
            std::string& value = record_.*current_->text;
            if (cut_)
                value.resize(value.size() - text::unfinished_code_point(value));
            if (!current_->is_loose && !text::is_valid_utf8(value))
                return fail(ec, errc::page_invalid_utf8, "it holds bytes that are no UTF-8");
        }
        return value_done();
    }
    bool on_number_part(std::string_view, error_code&) { return true; }
    bool on_int64(std::int64_t i, std::string_view, error_code& ec) {
        if (skipping())
            return value_done();
        if (current_ && current_->number) {
            record_.*current_->number = i;
            return value_done();
        }
        if (is_loose()) {
            record_.*current_->text = std::to_string(i);
            return value_done();
        }
        if (current_ && current_->total && i >= 0) {
            summary_.*current_->total = static_cast<std::uint64_t>(i);
            return value_done();
        }
        return wrong_type(ec, "a number");
    }
    bool on_uint64(std::uint64_t i, std::string_view, error_code& ec) {
        if (is_loose())
            record_.*current_->text = std::to_string(i);
        return skipping() || is_loose() ? value_done() : wrong_type(ec, "a number beyond 64 bits");
    }
    bool on_double(double, std::string_view, error_code& ec) {
        return skipping() || is_loose()
                   ? value_done()
                   : wrong_type(ec, current_ && current_->text ? "a number" : "a fraction");
    }
    bool on_bool(bool, error_code& ec) {
        return skipping() || is_loose() ? value_done() : wrong_type(ec, "a boolean");
    }
    bool on_null(error_code& ec) {
        if (skipping())
            return value_done();
        if (!current_ || current_->type == page_field::value_type::logs)
            return wrong_type(ec, "null");
        return value_done();
    }
    bool on_comment_part(std::string_view, error_code&) { return true; }
    bool on_comment(std::string_view, error_code&) { return true; }

    /// Where records may be handed to it without a parser.
    bool is_between_records() const noexcept { return level_ == level::logs; }
    /// How deep objects and arrays may nest within a record; the page, its array and the record are around them.
    std::size_t max_depth_in_record() const noexcept {
        return max_depth_ - std::min(max_depth_, std::size_t{3});
    }
    /// As if the record had not begun. Only between the fields.
    void abandon_record() noexcept {
        level_ = level::logs;
        current_ = nullptr;
        skip_value_ = false;
    }

private:
    enum class level {
        outside,
        page,
        logs,
        record
    };
    static constexpr unsigned all_fields = (1u << record_fields.size()) - 1;
    static constexpr std::size_t longest_name = std::string_view("total_log_entries").size();

    void clear(const page_field& f) noexcept {
        if (f.text)
            (record_.*f.text).clear();
        else
            (record_.*f.number).reset();
    }
    /// What this record has not, an earlier one may have had.
    void clear_unseen() noexcept {
        for (const page_field& f : record_fields)
            if ((seen_ >> (&f - record_fields.data()) & 1) == 0)
                clear(f);
    }

    bool is_loose() const noexcept { return !skipping() && current_ && current_->is_loose; }
    bool skipping() const noexcept { return skip_depth_ != 0 || skip_value_; }
    /// A value ended: one that was skipped no longer is.
    bool value_done() noexcept {
        if (skip_depth_ == 0)
            skip_value_ = false;
        return true;
    }
    bool leave_skipped() noexcept {
        if (skip_depth_ == 0)
            return false;
        if (--skip_depth_ == 0)
            skip_value_ = false;
        return true;
    }
    bool fail(error_code& ec, errc e, std::string why) {
        failure_ = e;
        why_ = std::move(why);
        ec = e;
        return false;
    }
    bool wrong_type(error_code& ec, std::string_view found) {
        if (level_ == level::outside)
            return fail(ec, errc::page_not_an_object, "it is " + std::string(found));
        if (level_ == level::logs)
            return fail(ec, errc::page_field_type, "expected an object, found " + std::string(found));
        const std::string_view expected =
            current_->type == page_field::value_type::text     ? "a string or null"
            : current_->type == page_field::value_type::number ? "a 64-bit integer or null"
            : current_->type == page_field::value_type::total  ? "a count or null"
                                                               : "an array";
        return fail(ec,
                    current_->type == page_field::value_type::logs ? errc::page_not_an_object
                                                                   : errc::page_field_type,
                    "expected " + std::string(expected) + ", found " + std::string(found));
    }

    record_handler on_record_;
    std::size_t max_field_size_;
    std::uint64_t max_records_;
    std::size_t max_depth_;
    execution_record record_;
    std::string last_execution_;
    page_summary summary_;
    std::string key_;
    const page_field* current_ = nullptr;
    /// Which fields the record has so far.
    unsigned seen_ = 0;
    level level_ = level::outside;
    std::size_t skip_depth_ = 0;
    bool skip_value_ = false;
    /// The text is longer than what is kept of it.
    bool cut_ = false;
    bool in_logs_ = false;
    bool seen_logs_ = false;
    errc failure_{};
    std::string why_;
};

} // namespace lokiship::aoss::detail

#endif
