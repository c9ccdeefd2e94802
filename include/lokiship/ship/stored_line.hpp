#ifndef LOKISHIP_SHIP_STORED_LINE_HPP
#define LOKISHIP_SHIP_STORED_LINE_HPP

#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/detail/line_file.hpp>
#include <lokiship/ship/detail/stored_metadata.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace lokiship::ship {

/// A line that lies in a spool's file, which must outlive it; its structured metadata lies before it.
class stored_line {
public:
    /// None.
    stored_line() = default;
    /// Without a file it is none, but has a size.
    stored_line(const detail::line_file* file, std::uint64_t offset, std::uint32_t size,
                std::uint16_t metadata_size = 0, std::uint8_t metadata_labels = 0) noexcept
        : file_(file)
        , offset_(offset)
        , size_(size)
        , metadata_size_(metadata_size)
        , metadata_labels_(metadata_labels) {}

    explicit operator bool() const noexcept { return file_ != nullptr; }
    std::size_t size() const noexcept { return size_; }
    /// How many labels the metadata has, and about how many bytes their names and values.
    std::size_t metadata_labels() const noexcept { return metadata_labels_; }
    std::size_t metadata_size() const noexcept { return metadata_size_; }
    /// Valid until another line of the spool is read. Lines that lie one behind the other are read together. Throws
    /// `system_error` where the disk cannot be read. Precondition: there is one.
    std::string_view read() const { return file_->read(offset_ + metadata_size_, size_); }
    /// Throws the same, and makes what was read before invalid. Precondition: there is a line.
    loki::labels read_metadata() const {
        if (metadata_size_ == 0)
            return {};
        // With the line, which is wanted next.
        return detail::from_stored(file_->read(offset_, metadata_size_ + size_).substr(0, metadata_size_));
    }

private:
    const detail::line_file* file_ = nullptr;
    std::uint64_t offset_ = 0;
    std::uint32_t size_ = 0;
    std::uint16_t metadata_size_ = 0;
    std::uint8_t metadata_labels_ = 0;
};

} // namespace lokiship::ship

#endif
