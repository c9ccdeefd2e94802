#ifndef LOKISHIP_SHIP_STORED_LINE_HPP
#define LOKISHIP_SHIP_STORED_LINE_HPP

#include <lokiship/ship/detail/line_file.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lokiship::ship {

/// A line that lies in a spool's file, which must outlive it.
class stored_line {
public:
    /// None.
    stored_line() = default;
    /// Without a file it is none, but has a size.
    stored_line(const detail::line_file* file, std::uint64_t offset, std::uint32_t size) noexcept
        : file_(file)
        , offset_(offset)
        , size_(size) {}

    explicit operator bool() const noexcept { return file_ != nullptr; }
    std::size_t size() const noexcept { return size_; }
    /// Valid until another line of the spool is read. Lines that lie one behind the other are read together. Throws
    /// `system_error` where the disk cannot be read. Precondition: there is one.
    std::string_view read() const { return file_->read(offset_, size_); }

private:
    const detail::line_file* file_ = nullptr;
    std::uint64_t offset_ = 0;
    std::uint32_t size_ = 0;
};

} // namespace lokiship::ship

#endif
