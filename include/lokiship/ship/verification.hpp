#ifndef LOKISHIP_SHIP_VERIFICATION_HPP
#define LOKISHIP_SHIP_VERIFICATION_HPP

#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/ship/read_back.hpp>
#include <lokiship/ship/rejection.hpp>

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// The entries that Loki acknowledged and that are not yet seen in it. Not thread-safe.
///
/// An old entry that does not show may be in a chunk that Loki has not flushed. It is missing only where older and newer
/// ones of its stream have shown, twice in a row. An entry that is found missing goes back into the outbox, once: it is
/// sent again as it was, and counts as pending until Loki acknowledges it. One that is missing after that is rejected
/// as `not_stored`.
class verification {
public:
    /// Keeps an entry to be looked for. At most `capacity` are kept; of more, the entry is let go unverified.
    void add(const outbox::lane& l, const outbox::pending_entry& p) {
        if (size_ == capacity)
            return;
        ++size_;
        waiting_[l.labels].entries.push_back({p});
    }
    std::size_t size() const noexcept { return size_; }
    /// Lets go of all of them.
    void clear() {
        waiting_.clear();
        size_ = 0;
    }

    /// Lets go of the entries that are older than `time`, which Loki may not show yet. How many.
    std::size_t forget_older_than(timestamp time) {
        const std::size_t before = size_;
        for (auto& [labels, s] : waiting_)
            size_ -= std::erase_if(s.entries, [&](const waiting& w) { return w.pending.entry.time < time; });
        return before - size_;
    }

    /// Asks Loki for all of them; those that it shows are done and counted as verified. The first error ends it, and
    /// what was not looked for stays. What is not older than `shown_since` shows at once.
    template <http::transport Transport>
    boost::asio::awaitable<std::optional<error>> look(Transport& loki, counters& count, timestamp shown_since,
                                                      const read_back_options& options) {
        for (auto& [labels, s] : waiting_) {
            if (s.entries.empty())
                continue;
            std::sort(s.entries.begin(), s.entries.end(), [](const waiting& a, const waiting& b) {
                return a.pending.entry.time < b.pending.entry.time;
            });
            std::vector<loki::entry> expected;
            expected.reserve(s.entries.size());
            for (const auto& w : s.entries)
                expected.push_back(w.pending.entry);
            const auto missing = co_await find_missing(loki, labels, expected, options);
            if (!missing)
                co_return missing.error();
            const std::size_t seen = s.entries.size() - missing->size();
            count.verified += seen;
            size_ -= seen;
            keep_missing(s, *missing, shown_since);
        }
        std::erase_if(waiting_, [](const auto& w) { return w.second.entries.empty(); });
        co_return std::nullopt;
    }

    /// Takes back what was not seen and is not older than `time`, or is missing among what shows: into the outbox, or,
    /// where it was there before, rejected, which `report` is told. How many went into the outbox.
    std::size_t take_back(timestamp time, outbox& box, counters& count,
                          const std::function<void(const rejection&)>& report) {
        std::size_t again = 0;
        const auto is_missing = [time](const waiting& w) {
            return w.pending.entry.time >= time || w.overlooked >= 2;
        };
        for (auto& [labels, s] : waiting_) {
            for (auto& w : s.entries) {
                if (!is_missing(w))
                    continue;
                outbox::pending_entry& p = w.pending;
                --count.shipped;
                if (std::exchange(p.lost_before, true)) {
                    count.reject(loki::reject_reason::not_stored, 1);
                    report({labels, p.original(), p.key, loki::reject_reason::not_stored, why});
                    continue;
                }
                ++count.lost;
                // It is known that Loki does not have it.
                p.sent_before = p.proven = false;
                if (!box.add(labels, p)) {
                    ++count.duplicate; // it was read again, and waits already
                    continue;
                }
                ++count.pending;
                ++again;
            }
            size_ -= std::erase_if(s.entries, is_missing);
        }
        return again;
    }

private:
    static constexpr std::size_t capacity = 10'000'000;
    static constexpr std::string_view why = "acknowledged twice, and not found when it was read back";

    struct waiting {
        outbox::pending_entry pending;
        /// How often in a row it did not show among older and newer ones that did.
        unsigned overlooked = 0;
    };
    struct stream {
        std::vector<waiting> entries;
        /// Of those that showed.
        std::optional<timestamp> oldest_seen{}, newest_seen{};
    };

    /// Leaves the entries at these ascending indices; the others showed.
    static void keep_missing(stream& s, const std::vector<std::size_t>& missing, timestamp shown_since) {
        std::vector<waiting> left;
        auto next = missing.begin();
        for (std::size_t i = 0; i != s.entries.size(); ++i) {
            const timestamp time = s.entries[i].pending.entry.time;
            if (next != missing.end() && *next == i) {
                ++next;
                left.push_back(std::move(s.entries[i]));
                continue;
            }
            s.oldest_seen = std::min(s.oldest_seen.value_or(time), time);
            // A younger one shows without having been flushed, which tells nothing of those before it.
            if (time < shown_since)
                s.newest_seen = std::max(s.newest_seen.value_or(time), time);
        }
        for (auto& w : left) {
            const timestamp time = w.pending.entry.time;
            const bool among =
                s.oldest_seen && s.newest_seen && *s.oldest_seen < time && time < *s.newest_seen;
            w.overlooked = among ? w.overlooked + 1 : 0;
        }
        s.entries = std::move(left);
    }

    std::map<loki::labels, stream> waiting_;
    std::size_t size_ = 0;
};

} // namespace lokiship::ship

#endif
