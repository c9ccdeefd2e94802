#ifndef LOKISHIP_AOSS_DETAIL_PAGE_HANDLER_HPP
#define LOKISHIP_AOSS_DETAIL_PAGE_HANDLER_HPP

#include <lokiship/aoss/execution_record.hpp>
#include <lokiship/aoss/page.hpp>
#include <lokiship/error.hpp>
#include <lokiship/text/detail/words.hpp>
#include <lokiship/text/utf8.hpp>

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

/// Boost.JSON's handler: a page's events in, records out. Keeps one record.
class page_handler {
public:
    using record_handler = std::function<void(const execution_record&)>;

    // Lengths are checked here, per known field, since unknown ones have no limit.
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    page_handler(record_handler on_record, const page_limits& limits)
        : on_record_(std::move(on_record))
        , max_field_size_(limits.max_field_size)
        , max_records_(limits.max_records) {}

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
        if (skipping())
            return ++skip_depth_, true;
        if (level_ == level::outside)
            return level_ = level::page, true;
        if (level_ == level::logs) {
            if (max_records_ != 0 && summary_.records == max_records_)
                return fail(ec, errc::page_too_large,
                            "more than " + std::to_string(max_records_) + " records");
            record_.clear();
            level_ = level::record;
            return true;
        }
        return wrong_type(ec, "an object");
    }
    bool on_object_end(std::size_t, error_code&) {
        if (leave_skipped())
            return true;
        if (level_ == level::record) {
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
        if (skipping())
            return ++skip_depth_, true;
        if (level_ == level::page && current_ && current_->type == value_type::logs) {
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
        current_ = find(s, level_);
        key_.clear();
        skip_value_ = current_ == nullptr;
        cut_ = false;
        if (current_ && current_->text)
            (record_.*current_->text).clear();
        return true;
    }
    bool on_string_part(std::string_view s, std::size_t, error_code& ec) {
        if (skipping())
            return true;
        if (!current_ || !current_->text)
            return wrong_type(ec, "a string");
        std::string& value = record_.*current_->text;
        const std::size_t room = max_field_size_ - value.size();
        if (s.size() > room) {
            if (!current_->is_output)
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
            if (!text::is_valid_utf8(value))
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
        if (current_ && current_->total && i >= 0) {
            summary_.*current_->total = static_cast<std::uint64_t>(i);
            return value_done();
        }
        return wrong_type(ec, "a number");
    }
    bool on_uint64(std::uint64_t, std::string_view, error_code& ec) {
        return skipping() ? value_done() : wrong_type(ec, "a number beyond 64 bits");
    }
    bool on_double(double, std::string_view, error_code& ec) {
        return skipping() ? value_done()
                          : wrong_type(ec, current_ && current_->text ? "a number" : "a fraction");
    }
    bool on_bool(bool, error_code& ec) { return skipping() ? value_done() : wrong_type(ec, "a boolean"); }
    bool on_null(error_code& ec) {
        if (skipping())
            return value_done();
        if (!current_ || current_->type == value_type::logs)
            return wrong_type(ec, "null");
        if (current_->number)
            (record_.*current_->number).reset();
        return value_done();
    }
    bool on_comment_part(std::string_view, error_code&) { return true; }
    bool on_comment(std::string_view, error_code&) { return true; }

private:
    enum class level {
        outside,
        page,
        logs,
        record
    };
    enum class value_type {
        text,
        number,
        total,
        logs
    };
    struct field {
        std::string_view name;
        value_type type;
        std::string execution_record::* text = nullptr;
        std::optional<std::int64_t> execution_record::* number = nullptr;
        std::optional<std::uint64_t> page_summary::* total = nullptr;
        bool is_output = false;
    };

    static const field* find(std::string_view name, level where) noexcept {
        using r = execution_record;
        static constexpr std::array page_fields{
            field{"logs", value_type::logs},
            field{"total_executions", value_type::total, nullptr, nullptr, &page_summary::total_executions},
            field{"total_log_entries", value_type::total, nullptr, nullptr, &page_summary::total_log_entries},
        };
        static constexpr std::array record_fields{
            field{"timestamp", value_type::text, &r::timestamp},
            field{"execution_id", value_type::text, &r::execution_id},
            field{"server_id", value_type::text, &r::server_id},
            field{"server_tag", value_type::text, &r::server_tag},
            field{"agent_type", value_type::text, &r::agent_type},
            field{"step", value_type::number, nullptr, &r::step},
            field{"command", value_type::text, &r::command},
            field{"status", value_type::text, &r::status},
            field{"exit_code", value_type::number, nullptr, &r::exit_code},
            field{"stdout", value_type::text, &r::standard_output, nullptr, nullptr, true},
            field{"stderr", value_type::text, &r::standard_error, nullptr, nullptr, true},
            field{"execution_status", value_type::text, &r::execution_status},
        };
        // Each name has a place of its own.
        constexpr auto place = [](std::string_view s) {
            return (2 * s.size() + static_cast<unsigned char>(s.front()) +
                    static_cast<unsigned char>(s.back())) %
                   32;
        };
        static constexpr auto record_places = [place] {
            std::array<const field*, 32> out{};
            for (const field& f : record_fields)
                out[place(f.name)] = out[place(f.name)] ? throw "two have one place" : &f;
            return out;
        }();
        if (where == level::record) {
            const field* const f = name.empty() ? nullptr : record_places[place(name)];
            return f && text::detail::same(f->name, name) ? f : nullptr;
        }
        for (const field& f : page_fields)
            if (f.name == name)
                return &f;
        return nullptr;
    }
    static constexpr std::size_t longest_name = std::string_view("total_log_entries").size();

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
        const std::string_view expected = current_->type == value_type::text     ? "a string or null"
                                          : current_->type == value_type::number ? "a 64-bit integer or null"
                                          : current_->type == value_type::total  ? "a count or null"
                                                                                 : "an array";
        return fail(ec, current_->type == value_type::logs ? errc::page_not_an_object : errc::page_field_type,
                    "expected " + std::string(expected) + ", found " + std::string(found));
    }

    record_handler on_record_;
    std::size_t max_field_size_;
    std::uint64_t max_records_;
    execution_record record_;
    std::string last_execution_;
    page_summary summary_;
    std::string key_;
    const field* current_ = nullptr;
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
