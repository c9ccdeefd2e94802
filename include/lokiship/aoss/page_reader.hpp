#ifndef LOKISHIP_AOSS_PAGE_READER_HPP
#define LOKISHIP_AOSS_PAGE_READER_HPP

#include <lokiship/aoss/execution_record.hpp>
#include <lokiship/error.hpp>
#include <lokiship/text/utf8.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>

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

namespace lokiship::aoss {

/// What a page may demand of its reader.
struct page_limits {
    /// The longest text of a field that is shipped, in bytes after decoding. Longer:
    /// `errc::page_field_too_long`. Unknown fields may be of any length, since they are not kept.
    std::size_t max_field_size = 1024 * 1024;
    /// How deep objects and arrays may nest, the page itself included. Deeper: `errc::page_too_deep`.
    std::size_t max_depth = 64;
};

/// What a complete page said and held.
struct page_summary {
    /// The page's own totals, where it has them.
    std::optional<std::uint64_t> total_executions{};
    std::optional<std::uint64_t> total_log_entries{};
    /// Counted while reading: records, and runs of records with one execution id.
    std::uint64_t records = 0;
    std::uint64_t executions_seen = 0;

    /// How many executions there are: what the page says, but no fewer than were seen in it. A page that
    /// understates must not pass for the last one.
    std::uint64_t executions() const noexcept {
        return std::max(total_executions.value_or(0), executions_seen);
    }
    /// Whether the page says that there are more than it holds.
    bool says_more() const noexcept { return executions() > executions_seen; }
};

namespace detail {

/// Boost.JSON's handler: a page's events in, records out. Keeps one record.
class page_handler {
public:
    using record_handler = std::function<void(const execution_record&)>;

    // Lengths are checked here, per known field, since unknown ones have no limit.
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_key_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_string_size = std::numeric_limits<std::size_t>::max();

    page_handler(record_handler on_record, std::size_t max_field_size)
        : on_record_(std::move(on_record))
        , max_field_size_(max_field_size) {}

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
        on_key_part(s, n, ec);
        current_ = find(key_, level_);
        skip_value_ = current_ == nullptr;
        key_.clear();
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
        if (s.size() > max_field_size_ - value.size())
            return fail(ec, errc::page_field_too_long,
                        "it is longer than " + std::to_string(max_field_size_) + " bytes");
        value += s;
        return true;
    }
    bool on_string(std::string_view s, std::size_t n, error_code& ec) {
        if (!on_string_part(s, n, ec))
            return false;
        if (!skipping() && !text::is_valid_utf8(record_.*current_->text))
            return fail(ec, errc::page_invalid_utf8, "it holds bytes that are no UTF-8");
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
            field{"stdout", value_type::text, &r::standard_output},
            field{"stderr", value_type::text, &r::standard_error},
            field{"execution_status", value_type::text, &r::execution_status},
        };
        const auto in = [name](const auto& table) -> const field* {
            for (const field& f : table)
                if (f.name == name)
                    return &f;
            return nullptr;
        };
        return where == level::record ? in(record_fields) : in(page_fields);
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
    execution_record record_;
    std::string last_execution_;
    page_summary summary_;
    std::string key_;
    const field* current_ = nullptr;
    level level_ = level::outside;
    std::size_t skip_depth_ = 0;
    bool skip_value_ = false;
    bool in_logs_ = false;
    bool seen_logs_ = false;
    errc failure_{};
    std::string why_;
};

} // namespace detail

/// Reads the answer of `GET /api/monitoring/logs` piece by piece and hands on one record at a time. Built on
/// Boost.JSON's `basic_parser`; no DOM. Keeps at most one record.
///
/// Records do not depend on how the bytes are cut into pieces. Keys may come in any order, and unknown ones
/// are skipped at any depth. After an error the reader takes nothing more and repeats that error; the records
/// that were handed on before it are valid. One reader reads one page. Not thread-safe.
class page_reader {
public:
    /// Called for each record, in the page's order, from within `write`. The record is valid during the call.
    using record_handler = detail::page_handler::record_handler;

    explicit page_reader(record_handler on_record, const page_limits& limits = {})
        : parser_(parse_options(limits), std::move(on_record), limits.max_field_size)
        , limits_(limits) {}

    /// Takes the next piece of the page. Errors: `page_syntax`, `page_not_an_object`, `page_field_type`,
    /// `page_field_too_long`, `page_too_deep`, `page_invalid_utf8`; the message names field and byte offset
    /// (the place where reading stopped, at or right after the cause).
    result<void> write(std::string_view piece) {
        if (error_)
            return *error_;
        return parse(true, piece);
    }

    /// Ends the page. Errors: `page_truncated` where the JSON is not complete, and those of `write`.
    result<page_summary> finish() {
        if (!error_ && !parser_.done())
            if (auto r = parse(false, {}); !r)
                return r.error();
        if (error_)
            return *error_;
        return parser_.handler().summary();
    }

    /// What was read so far.
    const page_summary& progress() const noexcept { return parser_.handler().summary(); }

private:
    static boost::json::parse_options parse_options(const page_limits& limits) {
        boost::json::parse_options out;
        out.max_depth = limits.max_depth;
        // Checked by the handler, for the fields that are kept, so that the error can name the field.
        out.allow_invalid_utf8 = true;
        return out;
    }

    result<void> parse(bool more, std::string_view piece) {
        error_code ec;
        if (!parser_.done()) {
            const std::size_t n = parser_.write_some(more, piece.data(), piece.size(), ec);
            offset_ += n;
            piece.remove_prefix(n);
        }
        // The parser stops behind the page's last brace.
        if (!ec && !piece.empty()) {
            const std::size_t n = std::min(piece.find_first_not_of(" \t\r\n"), piece.size());
            offset_ += n;
            if (n != piece.size())
                ec = boost::json::error::extra_data;
        }
        if (!ec)
            return {};
        error_ = describe(ec, !more);
        return *error_;
    }

    error describe(error_code ec, bool at_end) const {
        const auto& h = parser_.handler();
        using json = boost::json::error;
        errc e = errc::page_syntax;
        std::string why = ec.message();
        if (ec.category() == error_category()) {
            e = h.failure();
            why = h.why();
        } else if (ec == json::incomplete || at_end) {
            // Whatever was wrong only now is wrong because nothing follows.
            e = errc::page_truncated;
            why = "it breaks off";
        } else if (ec == json::too_deep) {
            e = errc::page_too_deep;
            why = "deeper than " + std::to_string(limits_.max_depth) + " levels";
        }
        std::string text = make_error_code(e).message();
        if (const auto path = h.path(); !path.empty())
            text += ": " + path;
        return {e, text + ": " + why + " (at byte " + std::to_string(offset_) + ')'};
    }

    boost::json::basic_parser<detail::page_handler> parser_;
    page_limits limits_;
    std::uint64_t offset_ = 0;
    std::optional<error> error_;
};

} // namespace lokiship::aoss

#endif
