#ifndef LOKISHIP_SHIP_BACKOFF_HPP
#define LOKISHIP_SHIP_BACKOFF_HPP

#include <lokiship/ship/detail/require.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <random>

namespace lokiship::ship {

/// How long to wait after the first failure and at most.
struct backoff_options {
    /// Greater than zero.
    std::chrono::nanoseconds initial = std::chrono::milliseconds(500);
    /// Not less than `initial`.
    std::chrono::nanoseconds maximum = std::chrono::seconds(30);
    /// Of the random part of the waits; empty: another one each time.
    std::optional<std::uint64_t> seed{};

    std::uint64_t any_seed() const { return seed ? *seed : std::random_device{}(); }
    /// Throws `std::invalid_argument`, naming the field, where one is out of its range.
    void validate() const {
        detail::require(initial.count() > 0, "backoff.initial must be greater than zero");
        detail::require(maximum >= initial, "backoff.maximum must not be less than backoff.initial");
    }
};

/// Exponential backoff with jitter. Pure: the random number is an argument.
class backoff {
public:
    explicit backoff(const backoff_options& options = {})
        : options_(options) {}

    /// After another failure: how long to wait. Doubles with each failure up to the maximum; of that a part
    /// between one half and all is taken, as `random` in [0, 1) says. A server's own `retry_after` is a lower
    /// bound.
    std::chrono::nanoseconds failed(double random,
                                    std::optional<std::chrono::seconds> retry_after = {}) noexcept {
        const auto full = next_ ? *next_ : options_.initial;
        next_ = full > options_.maximum / 2 ? options_.maximum : full * 2;
        const auto half = std::min(full, options_.maximum) / 2;
        const auto wait = half + std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(
                                     static_cast<double>(half.count()) * random));
        return retry_after ? std::max<std::chrono::nanoseconds>(wait, *retry_after) : wait;
    }

    /// After a success: the next failure is the first again.
    void succeeded() noexcept { next_.reset(); }

private:
    backoff_options options_;
    std::optional<std::chrono::nanoseconds> next_{};
};

} // namespace lokiship::ship

#endif
