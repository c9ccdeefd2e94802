#ifndef LOKISHIP_SHIP_STREAM_PROGRESS_HPP
#define LOKISHIP_SHIP_STREAM_PROGRESS_HPP

#include <lokiship/aoss/step_key.hpp>
#include <lokiship/loki/push_reply.hpp>
#include <lokiship/loki/stream_window.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/text/stable_hash.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
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

/// Counts entries that have this outcome; they must not count as pending any more.
inline void count_settled(counters& to, outcome what, std::uint64_t entries) noexcept {
    if (const auto reason = what.reason())
        to.reject(*reason, entries);
    else if (what == outcome::duplicate())
        to.duplicate += entries;
    else
        to.shipped += entries;
}

/// So many entries in a row had one outcome.
struct outcome_run {
    std::uint64_t count;
    outcome what;

    friend bool operator==(const outcome_run&, const outcome_run&) = default;
};

/// A number for an entry, such that the sum over a set tells whether two sets are the same.
inline std::uint64_t entry_digest(timestamp time, const aoss::step_key& key) noexcept {
    std::uint64_t out = static_cast<std::uint64_t>(text::to_unix_nanoseconds(time));
    for (const std::uint64_t part :
         {key.execution_high, key.execution_low, static_cast<std::uint64_t>(key.step), key.content})
        out = text::stable_hash(out, part);
    return out;
}

/// The sum of the digests of a stream's first entries.
struct prefix_digest {
    std::uint64_t entries = 0, sum = 0;

    friend bool operator==(const prefix_digest&, const prefix_digest&) = default;
};

/// How far a stream is: its entries are taken in order and settled in almost any. Pure.
class stream_progress {
public:
    stream_progress() = default;
    /// Goes on from what an earlier one had. Precondition: the last of `prefixes` covers all of `outcomes`.
    stream_progress(std::vector<outcome_run> outcomes, std::vector<prefix_digest> prefixes)
        : outcomes_(std::move(outcomes))
        , prefixes_(std::move(prefixes)) {
        if (!prefixes_.empty())
            settled_ = prefixes_.back();
    }

    /// How many were taken, and how many of the first of these are all settled.
    std::uint64_t taken() const noexcept { return settled() + (open_.size() - first_open_); }
    std::uint64_t settled() const noexcept { return settled_.entries; }
    /// What became of the settled ones, in their order.
    const std::vector<outcome_run>& outcomes() const noexcept { return outcomes_; }
    /// Digests of what is settled, up to some places: all of it, and the closer to its end the more. Ascending; their number
    /// grows with the logarithm of what is settled.
    std::vector<prefix_digest> prefixes() const {
        std::vector<prefix_digest> out = prefixes_;
        thin(out);
        return out;
    }

    /// The digests of those that were taken and are not among the settled ones.
    std::vector<std::uint64_t> open() const {
        std::vector<std::uint64_t> out;
        out.reserve(open_.size() - first_open_);
        for (std::size_t i = first_open_; i != open_.size(); ++i)
            out.push_back(open_[i].digest);
        return out;
    }

    /// Of these, those that are proven, or would be if they were sent now.
    std::vector<std::uint64_t> proven(const loki::stream_window& window) const {
        std::vector<std::uint64_t> out;
        for (std::size_t i = first_open_; i != open_.size(); ++i)
            if (open_[i].proven || window.is_proven(open_[i].time))
                out.push_back(open_[i].digest);
        return out;
    }

    /// The next entry was taken; it is the `taken()`th, counted from 0 before the call. `proven`: an earlier run sent it when
    /// Loki would have taken it.
    void take(std::uint64_t entry_digest, timestamp time, bool proven) {
        open_.push_back({entry_digest, time, proven, std::nullopt});
    }
    /// Precondition: `position < taken()`, and the entry there is not settled.
    void settle(std::uint64_t position, outcome what) {
        BOOST_ASSERT(position >= settled() && position < taken());
        open_[first_open_ + static_cast<std::size_t>(position - settled())].what = what;
        for (; first_open_ != open_.size() && open_[first_open_].what; ++first_open_) {
            append(*open_[first_open_].what);
            ++settled_.entries;
            settled_.sum += open_[first_open_].digest;
            keep_prefix();
        }
        if (first_open_ != open_.size())
            return;
        first_open_ = 0;
        open_.clear();
        // There are many streams.
        if (open_.capacity() > 16)
            open_.shrink_to_fit();
    }

private:
    struct open_entry {
        std::uint64_t digest;
        timestamp time;
        bool proven;
        std::optional<outcome> what;
    };
    void append(outcome what) {
        if (outcomes_.empty() || outcomes_.back().what != what)
            outcomes_.push_back({0, what});
        ++outcomes_.back().count;
    }
    /// A place stays as long as the end is not further away than the largest power of two that divides it, twice.
    void thin(std::vector<prefix_digest>& places) const {
        std::erase_if(places, [this](const prefix_digest& p) {
            return settled_.entries - p.entries > std::uint64_t{2} << std::countr_zero(p.entries);
        });
    }
    void keep_prefix() {
        prefixes_.push_back(settled_);
        // Not each time: it looks at all of them.
        if (settled_.entries % 32 == 0)
            thin(prefixes_);
    }

    std::vector<outcome_run> outcomes_;
    std::vector<prefix_digest> prefixes_;
    prefix_digest settled_;
    std::vector<open_entry> open_;
    /// What is before it is settled.
    std::size_t first_open_ = 0;
};

} // namespace lokiship::ship

#endif
