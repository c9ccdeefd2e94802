#ifndef LOKISHIP_AOSS_PAGE_HPP
#define LOKISHIP_AOSS_PAGE_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace lokiship::aoss {

/// What a page may demand of its reader.
struct page_limits {
    /// The longest text of a field that is shipped, in bytes after decoding. Longer: `stdout` and `stderr` are cut, at a
    /// code point, since no more than their beginning is shipped; others are `errc::page_field_too_long`. Unknown
    /// fields may be of any length, since they are not kept.
    std::size_t max_field_size = 1024 * 1024;
    /// How deep objects and arrays may nest, the page itself included. Deeper: `errc::page_too_deep`.
    std::size_t max_depth = 64;
    /// How many bytes may come, roughly, without a whole record among them. More: `errc::page_too_large`.
    std::uint64_t max_record_size = 64 * 1024 * 1024;
    /// How many records a page may have. More: `errc::page_too_large`. Zero: any number.
    std::uint64_t max_records = 0;
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

} // namespace lokiship::aoss

#endif
