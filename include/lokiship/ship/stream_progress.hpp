#ifndef LOKISHIP_SHIP_STREAM_PROGRESS_HPP
#define LOKISHIP_SHIP_STREAM_PROGRESS_HPP

#include <lokiship/aoss/step_key.hpp>
#include <lokiship/loki/push_reply.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/assert.hpp>
#include <boost/container_hash/hash.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// What became of an entry of a stream.
class outcome {
public:
    static constexpr outcome shipped() noexcept { return outcome(0); }
    /// Loki had it already.
    static constexpr outcome duplicate() noexcept { return outcome(1); }
    /// Shipped with another time (`late_entries::restamp`).
    static constexpr outcome restamped() noexcept { return outcome(2); }
    static constexpr outcome rejected(loki::reject_reason r) noexcept {
        return outcome(static_cast<std::uint8_t>(first_reason + static_cast<std::size_t>(r)));
    }
    /// The one with this code; empty where there is none.
    static constexpr std::optional<outcome> from_code(std::uint64_t code) noexcept {
        if (code >= first_reason + loki::reject_reason_count)
            return std::nullopt;
        return outcome(static_cast<std::uint8_t>(code));
    }
    constexpr std::uint8_t code() const noexcept { return code_; }
    constexpr std::optional<loki::reject_reason> reason() const noexcept {
        return code_ < first_reason ? std::nullopt
                                    : std::optional(static_cast<loki::reject_reason>(code_ - first_reason));
    }

    friend constexpr bool operator==(outcome, outcome) = default;

private:
    static constexpr std::size_t first_reason = 3;
    constexpr explicit outcome(std::uint8_t code) noexcept
        : code_(code) {}
    std::uint8_t code_;
};

/// So many entries in a row had one outcome.
struct outcome_run {
    std::uint64_t count;
    outcome what;

    friend bool operator==(const outcome_run&, const outcome_run&) = default;
};

/// A number for an entry, such that the sum over a set tells whether two sets are the same.
inline std::uint64_t entry_digest(timestamp time, const aoss::step_key& key) noexcept {
    std::size_t out = hash_value(key);
    boost::hash_combine(out, text::to_unix_nanoseconds(time));
    return out;
}

/// How far a stream is: its entries are taken in order and settled in almost any. Pure.
class stream_progress {
public:
    /// How many were taken, and how many of the first of these are all settled.
    std::uint64_t taken() const noexcept { return settled_ + open_.size(); }
    std::uint64_t settled() const noexcept { return settled_; }
    /// What became of the settled ones, in their order, and the sum of their digests.
    const std::vector<outcome_run>& outcomes() const noexcept { return outcomes_; }
    std::uint64_t digest() const noexcept { return digest_; }

    /// The digests of those that were taken and are not among the settled ones.
    std::vector<std::uint64_t> open() const {
        std::vector<std::uint64_t> out;
        out.reserve(open_.size());
        for (const auto& e : open_)
            out.push_back(e.digest);
        return out;
    }

    /// The next entry was taken; it is the `taken()`th, counted from 0 before the call.
    void take(std::uint64_t entry_digest) { open_.push_back({entry_digest, std::nullopt}); }
    /// Precondition: `position < taken()`, and the entry there is not settled.
    void settle(std::uint64_t position, outcome what) {
        BOOST_ASSERT(position >= settled_ && position - settled_ < open_.size());
        open_[static_cast<std::size_t>(position - settled_)].what = what;
        while (!open_.empty() && open_.front().what) {
            append(*open_.front().what);
            digest_ += open_.front().digest;
            ++settled_;
            open_.pop_front();
        }
    }

private:
    struct open_entry {
        std::uint64_t digest;
        std::optional<outcome> what;
    };
    void append(outcome what) {
        if (outcomes_.empty() || outcomes_.back().what != what)
            outcomes_.push_back({0, what});
        ++outcomes_.back().count;
    }

    std::vector<outcome_run> outcomes_;
    std::uint64_t settled_ = 0;
    std::uint64_t digest_ = 0;
    std::deque<open_entry> open_;
};

} // namespace lokiship::ship

#endif
