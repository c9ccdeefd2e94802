#ifndef LOKISHIP_SHIP_DEDUP_WINDOW_HPP
#define LOKISHIP_SHIP_DEDUP_WINDOW_HPP

#include <lokiship/aoss/step_key.hpp>
#include <lokiship/ship/recent_keys.hpp>
#include <lokiship/ship/shipper_state.hpp>
#include <lokiship/text/timestamp.hpp>

#include <cstddef>
#include <optional>
#include <utility>

namespace lokiship::ship {

/// Which steps are settled (shipped or refused), and how far back a poll has to reach so that nothing is left out. Pure; not
/// thread-safe.
///
/// The backend gives the newest executions first. A poll has reached far enough when it has passed the newest step of the
/// poll that was complete last. A poll that breaks off before leaves a gap; what it has read does not count as reached.
class dedup_window {
public:
    /// How many settled steps are remembered: at least 1.
    explicit dedup_window(std::size_t capacity)
        : settled_(capacity) {}

    std::size_t size() const noexcept { return settled_.size(); }
    std::size_t capacity() const noexcept { return settled_.capacity(); }
    /// Raises it, and keeps what is remembered.
    void grow(std::size_t capacity) { settled_.grow(capacity); }

    /// Nothing says how far a poll has to reach: none was complete.
    bool is_empty() const noexcept { return !reach_; }
    /// A poll has begun and is not complete.
    bool is_behind() const noexcept { return behind_; }

    void begin_poll() noexcept {
        newest_.reset();
        behind_ = true;
    }
    void begin_page() noexcept { reached_ = false; }
    /// A step of the page, newest execution first: whether it was read before, and when it was created; empty: nobody knows.
    void read(const aoss::step_key& key, bool known, std::optional<timestamp> created) noexcept {
        if (!created) {
            reached_ = reached_ || known;
            return;
        }
        reached_ = reached_ || is_older(*created) || is_landmark(key, *created);
        if (!newest_ || newest_->created < *created)
            newest_ = place{*created, key};
    }
    /// Whether it was created before what a poll has to reach.
    bool is_older(timestamp created) const noexcept { return reach_ && created < *reach_; }
    /// Whether the page reaches far enough.
    bool has_reached() const noexcept { return reached_; }
    /// The poll is complete: it has reached far enough, or there is nothing further. Whether a restart must know that.
    bool end_poll() noexcept {
        behind_ = false;
        landmark_ = newest_;
        const timestamp next = newest_ ? newest_->created : reach_.value_or(timestamp{});
        return std::exchange(reach_, next) != next;
    }

    /// Whether it is settled; it counts as seen now.
    bool knows(const aoss::step_key& key) noexcept { return settled_.refresh(key); }
    void settle(const aoss::step_key& key) { settled_.insert(key); }

    /// The next polls must reach something older than this.
    void reach_back_to(timestamp time) noexcept {
        reach_ = time;
        landmark_.reset();
    }

    /// Writes what a restart must know.
    void save(shipper_state& to) const {
        settled_.visit([&](const aoss::step_key& key) { to.known.push_back(key); });
        to.reach_back_to = reach_;
    }
    /// Goes on from there. Precondition: nothing was read or settled.
    void restore(const shipper_state& from) {
        grow(from.known.size());
        for (const auto& key : from.known)
            settle(key);
        reach_ = from.reach_back_to;
    }

private:
    struct place {
        timestamp created;
        aoss::step_key key;
    };

    /// Of executions that were created at once, this one was the first of the poll.
    bool is_landmark(const aoss::step_key& key, timestamp created) const noexcept {
        return landmark_ && landmark_->created == created &&
               landmark_->key.execution_high == key.execution_high &&
               landmark_->key.execution_low == key.execution_low;
    }

    recent_keys<aoss::step_key> settled_;
    bool behind_ = false;
    /// Of the page.
    bool reached_ = false;
    /// Of the poll.
    std::optional<place> newest_{};
    /// Of the poll that was complete last.
    std::optional<place> landmark_{};
    std::optional<timestamp> reach_{};
};

} // namespace lokiship::ship

#endif
