#ifndef LOKISHIP_SHIP_DETAIL_LINE_FILE_HPP
#define LOKISHIP_SHIP_DETAIL_LINE_FILE_HPP

#include <lokiship/ship/detail/temporary_file.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace lokiship::ship::detail {

/// The lines of a spool, one behind the other, in one file. Not thread-safe, not even for reading.
class line_file {
public:
    explicit line_file(const std::string& directory)
        : file_(directory) {
        unwritten_.reserve(most_unwritten);
    }

    std::uint64_t size() const noexcept { return file_.size() + unwritten_.size(); }

    /// Where it lies.
    std::uint64_t append(std::string_view line) {
        const std::uint64_t at = size();
        if (unwritten_.size() + line.size() > most_unwritten)
            flush();
        if (line.size() > most_unwritten)
            file_.append(line.data(), line.size());
        else
            unwritten_.append(line);
        return at;
    }
    /// Call it after the last `append` and before reading.
    void finish() {
        flush();
        std::string().swap(unwritten_);
    }

    /// Valid until the next call.
    std::string_view read(std::uint64_t offset, std::size_t n) const {
        BOOST_ASSERT(unwritten_.empty() && offset + n <= size());
        if (offset < begin_ || offset + n > end_)
            fetch(offset, n);
        return {buffer_.get() + (offset - begin_), n};
    }

private:
    static constexpr std::size_t most_unwritten = 256 * 1024;
    static constexpr std::size_t least_ahead = 4 * 1024, most_ahead = 64 * 1024;

    void flush() {
        file_.append(unwritten_.data(), unwritten_.size());
        unwritten_.clear();
    }
    void fetch(std::uint64_t offset, std::size_t n) const {
        // Twice as much as last time where it goes on there; elsewhere little, since it may not be wanted.
        ahead_ = offset >= begin_ && offset <= end_ ? std::min(2 * ahead_, most_ahead) : least_ahead;
        const auto size =
            static_cast<std::size_t>(std::min<std::uint64_t>(std::max(n, ahead_), file_.size() - offset));
        begin_ = end_ = offset;
        if (size > capacity_) {
            buffer_.reset();
            capacity_ = 0;
            const std::size_t capacity = std::max(size, most_ahead);
            buffer_ = std::make_unique_for_overwrite<char[]>(capacity);
            capacity_ = capacity;
        }
        file_.read(offset, buffer_.get(), size);
        end_ = offset + size;
    }

    temporary_file file_;
    std::string unwritten_;
    /// What was read last, and from where to where.
    mutable std::unique_ptr<char[]> buffer_;
    mutable std::size_t capacity_ = 0;
    mutable std::uint64_t begin_ = 0, end_ = 0;
    mutable std::size_t ahead_ = least_ahead;
};

} // namespace lokiship::ship::detail

#endif
