#ifndef LOKISHIP_HTTP_DETAIL_TIME_LIMITS_HPP
#define LOKISHIP_HTTP_DETAIL_TIME_LIMITS_HPP

#include <boost/beast/core/stream_traits.hpp>

#include <algorithm>
#include <chrono>
#include <string>

namespace lokiship::http::detail {

using steady_point = std::chrono::steady_clock::time_point;

/// `d` after `now`; never, where `d` is zero or leads beyond the clock's range.
inline steady_point deadline_after(steady_point now, std::chrono::nanoseconds d) noexcept {
    if (d.count() <= 0 || d >= steady_point::max() - now)
        return steady_point::max();
    return now + std::chrono::duration_cast<steady_point::duration>(d);
}

/// A duration for people, such as `30s` or `50ms`.
inline std::string duration_text(std::chrono::nanoseconds d) {
    const auto n = d.count();
    if (n % 1'000'000'000 == 0)
        return std::to_string(n / 1'000'000'000) + 's';
    if (n % 1'000'000 == 0)
        return std::to_string(n / 1'000'000) + "ms";
    if (n % 1000 == 0)
        return std::to_string(n / 1000) + "us";
    return std::to_string(n) + "ns";
}

/// The time limits of one exchange, attempts on several connections included.
struct time_limits {
    std::chrono::nanoseconds idle{};
    std::chrono::nanoseconds total{};
    steady_point total_at = steady_point::max();

    bool over() const noexcept {
        return total_at != steady_point::max() && std::chrono::steady_clock::now() >= total_at;
    }
    std::string over_text() const { return "the exchange took longer than " + duration_text(total); }
    /// Sets the limit of the stream's next operation.
    template <class Stream>
    void arm(Stream& stream) const {
        boost::beast::get_lowest_layer(stream).expires_at(
            std::min(deadline_after(std::chrono::steady_clock::now(), idle), total_at));
    }
};

} // namespace lokiship::http::detail

#endif
