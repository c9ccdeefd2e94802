#ifndef LOKISHIP_SHIP_OUTBOX_HPP
#define LOKISHIP_SHIP_OUTBOX_HPP

#include <lokiship/aoss/to_entry.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>

#include <boost/assert.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <utility>

namespace lokiship::ship {

/// How large a push may be.
struct batch_limits {
    /// At least 1.
    std::size_t max_entries = 1000;
    /// Of lines, in bytes; one longer line goes alone. Loki refuses more than 4 MiB of protobuf for ever, and
    /// shards a stream by itself when pushes are large, so it is well below.
    std::size_t max_bytes = 1024 * 1024;
};

/// The entries that wait for Loki, by stream, each stream oldest first: in another order Loki refuses history
/// as "too far behind". Pure; not thread-safe.
class outbox {
public:
    struct pending_entry {
        loki::entry entry;
        aoss::step_key key;
    };
    /// One stream's queue. Valid until `settle` empties it.
    struct lane {
        loki::labels labels;
        std::deque<pending_entry> queue;
        /// A push of this stream is under way; there is one at most, or its entries could overtake each
        /// other.
        bool in_flight = false;
        /// Left alone until the next `new_round`.
        bool postponed = false;
        /// Halved when a push was too large; 0: as the limits say.
        std::size_t max_entries = 0;
    };

    std::size_t size() const noexcept { return keys_.size(); }
    bool empty() const noexcept { return keys_.empty(); }
    std::size_t streams() const noexcept { return lanes_.size(); }
    const std::map<loki::labels, lane>& lanes() const noexcept { return lanes_; }

    /// The generation in which this key was added, or null where it is not pending.
    const std::uint64_t* find(const aoss::step_key& key) const noexcept {
        const auto at = keys_.find(key);
        return at == keys_.end() ? nullptr : &at->second;
    }

    /// Adds an entry behind those of the same time. False, and nothing changes, where its key is pending
    /// already.
    bool add(aoss::mapped_step step, std::uint64_t generation = 0) {
        if (!keys_.emplace(step.key, generation).second)
            return false;
        auto at = lanes_.find(step.labels);
        if (at == lanes_.end())
            at = lanes_.emplace(step.labels, lane{}).first;
        lane& l = at->second;
        if (l.queue.empty())
            l.labels = step.labels;
        BOOST_ASSERT(!l.in_flight);
        // A page comes newest first, so the place is at the front, or a few steps behind it.
        const auto place =
            std::upper_bound(l.queue.begin(), l.queue.end(), step.entry.time,
                             [](timestamp t, const pending_entry& p) { return t < p.entry.time; });
        l.queue.insert(place, {std::move(step.entry), step.key});
        return true;
    }

    /// The next stream that may be pushed, in turn; null where there is none.
    lane* next() {
        if (lanes_.empty())
            return nullptr;
        auto at = lanes_.upper_bound(last_);
        for (std::size_t i = 0; i != lanes_.size(); ++i, ++at) {
            if (at == lanes_.end())
                at = lanes_.begin();
            lane& l = at->second;
            if (l.in_flight || l.postponed)
                continue;
            last_ = at->first;
            return &l;
        }
        return nullptr;
    }

    /// How many entries of the lane's front make one push. Precondition: the lane came from `next`.
    static std::size_t batch_size(const lane& l, const batch_limits& limits) {
        const std::size_t most =
            std::min({limits.max_entries, l.queue.size(), l.max_entries ? l.max_entries : l.queue.size()});
        std::size_t n = 0, bytes = 0;
        while (n != most) {
            bytes += l.queue[n].entry.line.size();
            if (n != 0 && bytes > limits.max_bytes)
                break;
            ++n;
        }
        return n;
    }

    /// Takes the lane's first `n` entries out, each going to `f(pending_entry&)` first. Afterwards `l` is
    /// gone if it is empty.
    template <class F>
    void settle(lane& l, std::size_t n, F f) {
        BOOST_ASSERT(n <= l.queue.size());
        for (; n != 0; --n) {
            f(l.queue.front());
            keys_.erase(l.queue.front().key);
            l.queue.pop_front();
        }
        if (l.queue.empty()) {
            const auto labels = std::move(l.labels);
            lanes_.erase(labels);
        }
    }

    /// Postponed streams may be pushed again.
    void new_round() {
        for (auto& [labels, l] : lanes_)
            l.postponed = false;
    }

    /// Visits every entry as `f(labels, entry)`, oldest first within each stream.
    template <class F>
    void visit(F f) const {
        for (const auto& [labels, l] : lanes_)
            for (const auto& p : l.queue)
                f(labels, p.entry);
    }

private:
    std::map<loki::labels, lane> lanes_;
    boost::unordered_flat_map<aoss::step_key, std::uint64_t> keys_;
    loki::labels last_;
};

} // namespace lokiship::ship

#endif
