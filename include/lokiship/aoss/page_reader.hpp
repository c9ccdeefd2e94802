#ifndef LOKISHIP_AOSS_PAGE_READER_HPP
#define LOKISHIP_AOSS_PAGE_READER_HPP

#include <lokiship/aoss/detail/page_handler.hpp>
#include <lokiship/aoss/page.hpp>
#include <lokiship/aoss/record_scanner.hpp>
#include <lokiship/error.hpp>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::aoss {

/// Reads the answer of `GET /api/monitoring/logs` piece by piece and hands on one record at a time. Built on
/// Boost.JSON's `basic_parser`; no DOM. Keeps at most one record.
///
/// Records do not depend on how the bytes are cut into pieces. Keys may come in any order, and unknown ones
/// are skipped at any depth. After an error the reader takes nothing more and repeats that error; the records
/// that were handed on before it are valid. One reader reads one page. Not thread-safe.
class page_reader {
public:
    /// Called for each record, in the page's order, from within `write`. The record is valid during the call, and may
    /// be changed or moved from.
    using record_handler = detail::page_handler::record_handler;

    /// With `scanner`, which must outlive the reader, it reads faster and gives the same records; of several errors in a
    /// page, it may name another one.
    explicit page_reader(record_handler on_record, const page_limits& limits = {},
                         record_scanner* scanner = nullptr)
        : parser_(parse_options(limits), std::move(on_record), limits)
        , limits_(limits)
        , scanner_(scanner) {}

    /// Takes the next piece of the page. Errors: `page_syntax`, `page_not_an_object`, `page_field_type`,
    /// `page_field_too_long`, `page_too_deep`, `page_too_large`, `page_invalid_utf8`; the message names field and byte offset
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
        while (!parser_.done()) {
            const std::size_t passed = scan(piece);
            const std::string_view part = next_part(piece, passed);
            const std::size_t n = parser_.write_some(more, part.data(), part.size(), ec);
            offset_ += n;
            piece.remove_prefix(n);
            behind_record_ = part.ends_with('}') && parser_.handler().is_between_records();
            if (ec || piece.empty())
                break;
        }
        // The parser stops behind the page's last brace.
        if (!ec && !piece.empty()) {
            const std::size_t n = std::min(piece.find_first_not_of(" \t\r\n"), piece.size());
            offset_ += n;
            if (n != piece.size())
                ec = boost::json::error::extra_data;
        }
        if (!ec && std::exchange(records_, progress().records) != progress().records)
            record_at_ = offset_;
        if (!ec && offset_ - record_at_ <= limits_.max_record_size)
            return {};
        error_ = ec ? describe(ec, !more)
                    : describe(errc::page_too_large, "more than " + std::to_string(limits_.max_record_size) +
                                                         " bytes without a whole record");
        return *error_;
    }

    /// Takes off what the scanner reads; the parser, behind a record before it, is behind a record after it. Of what is left,
    /// gives how much need not be shown to the scanner again.
    std::size_t scan(std::string_view& piece) {
        if (!scanner_ || !behind_record_)
            return 0;
        const std::size_t before = piece.size();
        try {
            if (!scanner_->scan(parser_.handler(), piece))
                scanner_ = nullptr;
        } catch (...) {
            // The parser knows nothing of the record whose handler has thrown.
            error_ = describe(errc::page_syntax, std::string("reading was broken off"));
            throw;
        }
        offset_ += before - piece.size();
        return piece.size() == before ? std::min(before, record_scanner::reach) : 0;
    }
    /// What the parser takes before the scanner is asked again: up to what seems to be a record's end behind `passed`.
    std::string_view next_part(std::string_view piece, std::size_t passed) const {
        const std::size_t end = scanner_ ? piece.find("},{", passed) : piece.npos;
        return piece.substr(0, end == piece.npos ? end : end + 1);
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
        return describe(e, why);
    }
    error describe(errc e, const std::string& why) const {
        std::string text = make_error_code(e).message();
        if (const auto path = parser_.handler().path(); !path.empty())
            text += ": " + path;
        return {e, text + ": " + why + " (at byte " + std::to_string(offset_) + ')'};
    }

    boost::json::basic_parser<detail::page_handler> parser_;
    page_limits limits_;
    record_scanner* scanner_;
    /// The last byte that the parser took ended a record.
    bool behind_record_ = false;
    std::uint64_t offset_ = 0;
    /// How many records there were after the last piece, and where the last piece with one ended.
    std::uint64_t records_ = 0, record_at_ = 0;
    std::optional<error> error_;
};

} // namespace lokiship::aoss

#endif
