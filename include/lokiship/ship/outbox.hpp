#ifndef LOKISHIP_SHIP_OUTBOX_HPP
#define LOKISHIP_SHIP_OUTBOX_HPP

#include <lokiship/aoss/to_entry.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/loki/stream_window.hpp>
#include <lokiship/ship/pending_entry.hpp>

#include <boost/container/deque.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// The entries that wait for Loki, by stream, each stream oldest first: in another order Loki refuses history
/// as "too far behind". Pure; not thread-safe.
class outbox {
public:
    /// Takes no memory while it is empty, and little besides the entries.
    using pending_entries =
        boost::container::deque<pending_entry, void,
                                boost::container::deque_options_t<boost::container::block_size<8>>>;
    /// One stream: what waits, and what is on its way.
    struct lane {
        loki::labels labels;
        /// Waits; oldest first where `sorted`.
        pending_entries queue;
        bool sorted = true;
        /// On its way, or to be sent again as it was; oldest first. Filled from `queue` when it is empty.
        pending_entries batch;
        /// A push of this stream is under way; there is one at most, or its entries could overtake each
        /// other.
        bool in_flight = false;
        /// Left alone until the next `new_round`.
        bool postponed = false;
        /// The number of its last push that failed, counted over all streams, where none has succeeded since; else 0.
        std::uint64_t failed = 0;
        /// The most entries of a push, while Loki takes no more or does not say which it refused; 0: no limit.
        std::size_t max_entries = 0;
        /// How many answers in a row said that the rate limit is exceeded.
        unsigned rate_limited = 0;
        /// How many entries were given another time; each gets one of its own.
        unsigned restamped = 0;
        /// Not before then, so that the stream stays below its rate.
        steady_time next_push{};
        loki::stream_window window;
        /// The newest that was sent and showed before its push was answered.
        std::optional<timestamp> newest_shown{};

        bool empty() const noexcept { return queue.empty() && batch.empty(); }
    };

    std::size_t size() const noexcept { return size_; }
    /// About how many bytes it takes, streams with nothing pending included.
    std::size_t memory() const noexcept { return memory_; }
    bool empty() const noexcept { return size_ == 0; }

    /// Whether an entry with this key is pending, of those that `add` added.
    bool contains(const aoss::step_key& key) const noexcept { return keys_.contains(key); }

    /// Adds an entry behind those of the same time. False, and nothing changes, where its key is pending
    /// already.
    bool add(const loki::labels& labels, loki::entry entry, const aoss::step_key& key) {
        return add(labels, pending_entry{std::move(entry), key});
    }
    bool add(const loki::labels& labels, pending_entry e) {
        if (!keys_.insert(e.key).second)
            return false;
        e.listed = true;
        add_unlisted(stream(labels), std::move(e));
        return true;
    }
    /// The same without a look at the key: `contains` does not tell of this entry.
    void add_unlisted(lane& l, pending_entry e) {
        ++size_;
        memory_ += cost(e);
        put(l, std::move(e));
    }

    /// The stream with these labels, which is added where there was none. Valid until it is forgotten.
    lane& stream(const loki::labels& labels) {
        auto at = lanes_.find(labels);
        if (at == lanes_.end()) {
            at = lanes_.emplace(labels, lane{}).first;
            at->second.labels = labels;
            memory_ += cost(labels);
        }
        return at->second;
    }

    /// Puts an entry of the lane's into its queue.
    static void put(lane& l, pending_entry e) {
        if (!l.queue.empty() && e.entry.time < l.queue.front().entry.time) {
            // A page comes newest first.
            l.queue.push_front(std::move(e));
        } else {
            l.sorted = l.sorted && (l.queue.empty() || e.entry.time >= l.queue.back().entry.time);
            l.queue.push_back(std::move(e));
        }
    }
    /// Makes the lane's queue oldest first; what has the same time stays in the order in which it came.
    static void sort(lane& l) {
        if (std::exchange(l.sorted, true))
            return;
        std::vector<std::pair<timestamp, std::size_t>> order;
        order.reserve(l.queue.size());
        for (const auto& p : l.queue)
            order.emplace_back(p.entry.time, order.size());
        std::sort(order.begin(), order.end());
        pending_entries queue;
        for (const auto& [time, at] : order)
            queue.push_back(std::move(l.queue[at]));
        l.queue = std::move(queue);
    }

    /// The stream with these labels, or null.
    const lane* find_stream(const loki::labels& labels) const {
        const auto at = lanes_.find(labels);
        return at == lanes_.end() ? nullptr : &at->second;
    }

    /// How many streams have something to push and may.
    std::size_t ready() const noexcept {
        return static_cast<std::size_t>(
            std::count_if(lanes_.begin(), lanes_.end(), [](const auto& l) { return is_ready(l.second); }));
    }
    /// Of the streams that may be pushed the one with the oldest entry, so that none falls far behind the others; but those
    /// that failed come last, the one that failed longest ago before the others, so that none is in the way for ever.
    /// Null where there is none. Valid until it is forgotten.
    lane* next() {
        lane* out = nullptr;
        const auto rank = [](const lane& l) { return std::pair(l.failed, oldest(l)); };
        for (auto& [labels, l] : lanes_)
            if (is_ready(l) && (!out || rank(l) < rank(*out)))
                out = &l;
        return out;
    }

    /// An entry leaves; its key is no longer pending.
    void settled(const pending_entry& p) {
        if (p.listed)
            keys_.erase(p.key);
        --size_;
        memory_ -= cost(p);
    }

    /// Forgets a stream that has nothing pending and nothing to remember but its window. False, and nothing changes, where
    /// it has more. Precondition: none of its pushes is under way.
    bool forget(const loki::labels& labels, steady_time now) {
        const auto at = lanes_.find(labels);
        if (at == lanes_.end())
            return true;
        const lane& l = at->second;
        if (!l.empty() || l.next_push > now || l.restamped != 0)
            return false;
        memory_ -= cost(labels);
        lanes_.erase(at);
        return true;
    }

    /// Takes out the entries of this lane for which `f(entry)` is true. Precondition: none of its pushes is under way.
    template <class F>
    void remove_if(lane& l, F f) {
        const auto leaves = [&](const pending_entry& p) {
            const bool out = f(p);
            if (out)
                settled(p);
            return out;
        };
        for (auto* list : {&l.batch, &l.queue})
            list->erase(std::remove_if(list->begin(), list->end(), leaves), list->end());
    }
    /// Visits every stream as `f(lane)`.
    template <class F>
    void visit_lanes(F f) {
        for (auto& [labels, l] : lanes_)
            f(l);
    }

    /// Postponed streams may be pushed again.
    void new_round() {
        for (auto& [labels, l] : lanes_)
            l.postponed = false;
    }
    /// Forgets the streams that have nothing pending, and whose window tells nothing any more; and where those with nothing
    /// pending take more than `max_memory`, all of them. Precondition: no push is under way.
    void forget_idle(steady_time now, const loki::ingester_limits& limits, std::size_t max_memory) {
        std::size_t idle = 0;
        for (const auto& [labels, l] : lanes_)
            idle += l.empty() ? cost(labels) : 0;
        std::erase_if(lanes_, [&](const auto& l) {
            const bool out =
                l.second.empty() && (idle > max_memory || !l.second.window.is_fresh(now, limits));
            memory_ -= out ? cost(l.first) : 0;
            return out;
        });
    }

    /// Visits every entry as `f(labels, entry)`, oldest first within each stream.
    template <class F>
    void visit(F f) {
        for (auto& [labels, l] : lanes_) {
            sort(l);
            for (const auto* list : {&l.batch, &l.queue})
                for (const auto& p : *list)
                    f(labels, p.entry);
        }
    }

    /// About how many bytes of memory an entry takes in it, without what restamping has added.
    static std::size_t cost(const pending_entry& p) noexcept {
        return p.memory() + (p.listed ? 2 * sizeof p.key : 0);
    }

private:
    /// The labels may stand with whoever made them too, and a queue takes a KiB for its first entries.
    static std::size_t cost(const loki::labels& labels) noexcept {
        std::size_t out = sizeof(lane) + 1200;
        for (const auto& l : labels)
            out += 2 * (sizeof l + l.value.size());
        return out;
    }
    static timestamp oldest(const lane& l) noexcept {
        return (l.batch.empty() ? l.queue : l.batch).front().entry.time;
    }
    static bool is_ready(const lane& l) noexcept { return !l.in_flight && !l.postponed && !l.empty(); }

    std::map<loki::labels, lane> lanes_;
    boost::unordered_flat_set<aoss::step_key> keys_;
    std::size_t size_ = 0, memory_ = 0;
};

} // namespace lokiship::ship

#endif
