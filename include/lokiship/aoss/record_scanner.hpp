#ifndef LOKISHIP_AOSS_RECORD_SCANNER_HPP
#define LOKISHIP_AOSS_RECORD_SCANNER_HPP

#include <lokiship/aoss/detail/page_handler.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace lokiship::aoss {

/// Reads whole records of a page faster than a `page_reader` does by itself. What comes out is the same: what a scanner is
/// not made for it leaves to the reader. `simdjson_scanner` is one.
///
/// Serves one page at a time. Not thread-safe.
class record_scanner {
public:
    /// How much of a text a scanner looks at, so that it stays in the processor's cache. A longer record is left to the reader.
    static constexpr std::size_t reach = 64 * 1024;

    virtual ~record_scanner() = default;

    /// Hands the records to `handler`, which is between two, and takes them off the front of `text`, with the comma before
    /// each; what is left begins where a record ended. `text` may be cut anywhere. Where nothing is taken, nothing is to be
    /// had from the first `reach` bytes. Returns whether it is worth calling again for this page.
    virtual bool scan(detail::page_handler& handler, std::string_view& text) = 0;

protected:
    record_scanner() = default;
    record_scanner(const record_scanner&) = default;
    record_scanner& operator=(const record_scanner&) = default;
};

using make_scanner_function = std::function<std::unique_ptr<record_scanner>()>;

} // namespace lokiship::aoss

#endif
