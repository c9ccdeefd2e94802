#ifndef LOKISHIP_SHIP_DETAIL_IN_FLIGHT_HPP
#define LOKISHIP_SHIP_DETAIL_IN_FLIGHT_HPP

#include <lokiship/ship/outbox.hpp>

#include <cstddef>
#include <utility>

namespace lokiship::ship::detail {

/// Of all pushes under way.
struct under_way {
    /// Of their bodies.
    std::size_t bytes = 0;
    /// How many go as soon as the rate for all lets them.
    std::size_t next = 0;
};
/// A stream of which a push is under way, and what that takes: its lines at most, until its body is known. It is next at
/// first.
class in_flight {
public:
    in_flight(outbox::lane& l, std::size_t line_bytes, under_way& all)
        : lane_(&l)
        , all_(all)
        , size_(line_bytes) {
        all_.bytes += size_;
        ++all_.next;
        l.in_flight = true;
    }
    in_flight(in_flight&& other) noexcept
        : lane_(std::exchange(other.lane_, nullptr))
        , all_(other.all_)
        , size_(other.size_)
        , is_next_(std::exchange(other.is_next_, false)) {}
    in_flight& operator=(in_flight&&) = delete;
    ~in_flight() { release(); }
    outbox::lane& get() const noexcept { return *lane_; }
    void takes(std::size_t body_size) noexcept {
        all_.bytes = all_.bytes - size_ + body_size;
        size_ = body_size;
    }
    void is_next(bool on) noexcept {
        all_.next = all_.next - is_next_ + on;
        is_next_ = on;
    }
    void release() {
        is_next(false);
        if (!lane_)
            return;
        std::exchange(lane_, nullptr)->in_flight = false;
        all_.bytes -= size_;
    }

private:
    outbox::lane* lane_;
    under_way& all_;
    std::size_t size_;
    bool is_next_ = true;
};

} // namespace lokiship::ship::detail

#endif
