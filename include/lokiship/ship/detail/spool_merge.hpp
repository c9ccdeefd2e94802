#ifndef LOKISHIP_SHIP_DETAIL_SPOOL_MERGE_HPP
#define LOKISHIP_SHIP_DETAIL_SPOOL_MERGE_HPP

#include <lokiship/ship/detail/temporary_file.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace lokiship::ship::detail {

/// What stands before each line in a spool's file.
struct spool_header {
    std::int64_t time;
    std::uint64_t execution_high, execution_low;
    std::int64_t step;
    std::uint64_t content;
    std::uint32_t stream;
    std::uint32_t size;

    /// What comes first. The steps of an execution have one time, and stay in the order in which they came.
    auto rank() const noexcept { return std::tie(time, execution_high, execution_low); }
};
static_assert(std::is_trivially_copyable_v<spool_header> && sizeof(spool_header) == 48);

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
    /// Precondition for all below: not at the end. The record with its header; valid until the next call.
    std::string_view record() {
        require(sizeof(spool_header));
        spool_header h;
        std::memcpy(&h, buffer_.data() + position_, sizeof h);
        require(sizeof h + h.size);
        return {buffer_.data() + position_, sizeof h + h.size};
    }
    void pop(std::size_t record_size) {
        position_ += record_size;
        extent_.begin += record_size;
    }
    /// Gives the memory back; reading goes on from the file.
    void release() {
        std::vector<char>().swap(buffer_);
        position_ = 0;
    }
    /// Of two equal ones, the lower order is first.
    std::size_t order() const noexcept { return order_; }

private:
    static constexpr std::size_t chunk = 32 * 1024;

    void require(std::size_t n) {
        if (buffer_.size() - position_ >= n)
            return;
        BOOST_ASSERT(extent_.end - extent_.begin >= n);
        const auto left =
            static_cast<std::size_t>(std::min<std::uint64_t>(extent_.end - extent_.begin, chunk));
        buffer_.resize(std::max(n, left));
        extent_.file->read(extent_.begin, buffer_.data(), buffer_.size());
        position_ = 0;
    }

    spool_extent extent_;
    std::size_t order_;
    std::vector<char> buffer_;
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

    /// The next record, or an empty view at the end; valid until the next call.
    std::string_view record() {
        while (!waiting_.empty() &&
               (active_.empty() || waiting_.back().first_time() <= active_.front().header.time)) {
            activate(std::move(waiting_.back()));
            waiting_.pop_back();
        }
        return active_.empty() ? std::string_view() : active_.front().source.record();
    }
    /// Steps over the record that `record` gave last.
    void pop() {
        active& first = active_.front();
        first.source.pop(sizeof(spool_header) + first.header.size);
        if (first.source.at_end()) {
            std::pop_heap(active_.begin(), active_.end(), later);
            active_.pop_back();
            return;
        }
        std::memcpy(&first.header, first.source.record().data(), sizeof first.header);
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
        spool_header header;
        spool_source source;
    };

    static bool later(const active& a, const active& b) noexcept {
        return std::tuple_cat(a.header.rank(), std::tuple(a.source.order())) >
               std::tuple_cat(b.header.rank(), std::tuple(b.source.order()));
    }
    void activate(spool_source source) {
        active a{{}, std::move(source)};
        std::memcpy(&a.header, a.source.record().data(), sizeof a.header);
        active_.push_back(std::move(a));
        std::push_heap(active_.begin(), active_.end(), later);
    }

    /// The latest first.
    std::vector<spool_source> waiting_;
    std::vector<active> active_;
};

} // namespace lokiship::ship::detail

#endif
