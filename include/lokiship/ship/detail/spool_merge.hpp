#ifndef LOKISHIP_SHIP_DETAIL_SPOOL_MERGE_HPP
#define LOKISHIP_SHIP_DETAIL_SPOOL_MERGE_HPP

#include <lokiship/ship/detail/temporary_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace lokiship::ship::detail {

/// An entry of a spool but for its line.
struct spool_record {
    std::int64_t time;
    std::uint64_t execution_high, execution_low;
    std::int64_t step;
    std::uint64_t content;
    /// Where it lies: its structured metadata, which has so many labels and takes so many bytes, and behind it its line.
    std::uint64_t line : 40, metadata_labels : 8, metadata_size : 16;
    std::uint32_t line_size;
    std::uint32_t stream;

    /// What comes first. The steps of an execution have one time, and stay in the order in which they came.
    auto rank() const noexcept { return std::tie(time, execution_high, execution_low); }
};
inline constexpr std::uint64_t max_line_offset = (std::uint64_t{1} << 40) - 1;
static_assert(std::is_trivially_copyable_v<spool_record> && sizeof(spool_record) == 56);

/// Where the records of one group lie in a file, in their order.
struct spool_extent {
    const temporary_file* file;
    std::uint64_t begin, end;
    std::int64_t first_time;
};

/// Reads an extent, record by record.
class spool_source {
public:
    spool_source(const spool_extent& e, std::size_t order)
        : extent_(e)
        , order_(order) {}

    std::int64_t first_time() const noexcept { return extent_.first_time; }
    bool at_end() const noexcept { return extent_.begin == extent_.end; }
    /// Precondition for all below: not at the end. Valid until the next call.
    const spool_record& record() {
        if (position_ >= buffer_.size())
            fetch();
        return buffer_[position_];
    }
    void pop() {
        ++position_;
        extent_.begin += sizeof(spool_record);
    }
    /// Gives the memory back; reading goes on from the file.
    void release() {
        std::vector<spool_record>().swap(buffer_);
        position_ = 0;
    }
    /// Of two equal ones, the lower order is first.
    std::size_t order() const noexcept { return order_; }

private:
    static constexpr std::size_t chunk = 256;

    void fetch() {
        const auto left = (extent_.end - extent_.begin) / sizeof(spool_record);
        buffer_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, chunk)));
        extent_.file->read(extent_.begin, reinterpret_cast<char*>(buffer_.data()),
                           buffer_.size() * sizeof(spool_record));
        position_ = 0;
    }

    spool_extent extent_;
    std::size_t order_;
    std::vector<spool_record> buffer_;
    std::size_t position_ = 0;
};

/// Reads several extents as one, in order. What is not needed yet has no buffer.
class spool_merge {
public:
    explicit spool_merge(const std::vector<spool_extent>& extents) {
        waiting_.reserve(extents.size());
        for (std::size_t i = 0; i != extents.size(); ++i)
            waiting_.emplace_back(extents[i], i);
        std::sort(waiting_.begin(), waiting_.end(), [](const spool_source& a, const spool_source& b) {
            return std::pair(a.first_time(), a.order()) > std::pair(b.first_time(), b.order());
        });
    }

    /// The next record, or null at the end; valid until the next call.
    const spool_record* record() {
        while (!waiting_.empty() &&
               (active_.empty() || waiting_.back().first_time() <= active_.front().record.time)) {
            activate(std::move(waiting_.back()));
            waiting_.pop_back();
        }
        return active_.empty() ? nullptr : &active_.front().record;
    }
    /// Steps over the record that `record` gave last.
    void pop() {
        active& first = active_.front();
        first.source.pop();
        if (first.source.at_end()) {
            std::pop_heap(active_.begin(), active_.end(), later);
            active_.pop_back();
            return;
        }
        first.record = first.source.record();
        // It mostly stays the first.
        const auto others = std::span(active_).subspan(1);
        if (std::any_of(others.begin(), others.begin() + std::min<std::ptrdiff_t>(std::ssize(others), 2),
                        [&first](const active& a) { return later(first, a); })) {
            std::pop_heap(active_.begin(), active_.end(), later);
            std::push_heap(active_.begin(), active_.end(), later);
        }
    }
    void release() {
        for (auto& a : active_)
            a.source.release();
    }

private:
    struct active {
        spool_record record;
        spool_source source;
    };

    static bool later(const active& a, const active& b) noexcept {
        return std::tuple_cat(a.record.rank(), std::tuple(a.source.order())) >
               std::tuple_cat(b.record.rank(), std::tuple(b.source.order()));
    }
    void activate(spool_source source) {
        active a{{}, std::move(source)};
        a.record = a.source.record();
        active_.push_back(std::move(a));
        std::push_heap(active_.begin(), active_.end(), later);
    }

    /// The latest first.
    std::vector<spool_source> waiting_;
    std::vector<active> active_;
};

} // namespace lokiship::ship::detail

#endif
