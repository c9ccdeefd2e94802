#ifndef LOKISHIP_TESTING_FAKE_LOKI_TOKEN_BUCKET_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_TOKEN_BUCKET_HPP

#include <lokiship/text/timestamp.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>

namespace lokiship::testing {

/// A rate limit: full at first, refilled at `rate` a second up to `burst`.
class token_bucket {
public:
    /// Takes `n`, or nothing where there are fewer.
    bool take(std::size_t n, std::size_t rate, std::size_t burst, timestamp now) {
        const auto most = static_cast<double>(burst);
        if (!filled_)
            tokens_ = most;
        else if (now > *filled_)
            tokens_ += std::chrono::duration<double>(now - *filled_).count() * static_cast<double>(rate);
        tokens_ = std::min(tokens_, most);
        filled_ = now;
        const auto wanted = static_cast<double>(n);
        if (wanted > tokens_)
            return false;
        tokens_ -= wanted;
        return true;
    }

private:
    std::optional<timestamp> filled_;
    double tokens_ = 0;
};

} // namespace lokiship::testing

#endif
