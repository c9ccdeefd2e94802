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
#include <iterator>
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
    void add(const outbox::lane& l, const pending_entry& p) {
        if (size_ == capacity)
            return;
        ++size_;
        waiting_[l.labels].entries.push_back({p});
    }
    std::size_t size() const noexcept { return size_; }
    /// How much their lines and structured metadata take.
    std::size_t bytes() const noexcept {
        std::size_t n = 0;
        for (const auto& [labels, s] : waiting_)
            for (const auto& w : s.entries)
                n += w.pending.size();
        return n;
    }
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

    /// How many of them were looked for, and did not show.
    std::size_t not_shown() const noexcept {
        std::size_t n = 0;
        for (const auto& [labels, s] : waiting_)
            n += static_cast<std::size_t>(std::count_if(s.entries.begin(), s.entries.end(),
                                                        [](const waiting& w) { return w.looked_for; }));
        return n;
    }

    /// How a look ended.
    struct look_result {
        /// Loki could not be asked; what was not looked for stays.
        std::optional<error> failure{};
        /// It was ended; what was not looked for stays.
        bool cut_short = false;
        /// How many entries were let go unverified, since Loki has more of their nanosecond than it shows.
        std::size_t in_doubt = 0;
    };
    /// Asks Loki, at the time `now`, for all of them; those that it shows are done and counted as verified. Ends before the
    /// next query where `is_over`, which may be empty, says so.
    template <http::transport Transport>
    boost::asio::awaitable<look_result> look(Transport& loki, counters& count, timestamp now,
                                             const read_back_options& options,
                                             const std::function<bool()>& is_over = {}) {
        std::vector<sought_entries> wanted;
        for (auto& [labels, s] : waiting_) {
            if (s.entries.empty())
                continue;
            std::sort(s.entries.begin(), s.entries.end(), [](const waiting& a, const waiting& b) {
                return a.pending.entry.time < b.pending.entry.time;
            });
            sought_entries& w = wanted.emplace_back(&labels);
            w.entries.reserve(s.entries.size());
            for (const auto& e : s.entries)
                w.entries.push_back(&e.pending.entry);
        }
        const timestamp flushed_before = now - options.limits.shows_when_flushed();
        look_result out;
        read_back reader(std::move(wanted), options, max_streams_);
        try {
            while (!reader.done() && !out.failure && !out.cut_short) {
                if (is_over && is_over())
                    out.cut_short = true;
                else
                    out.failure = co_await reader.ask(loki);
            }
        } catch (...) {
            keep_missing(reader, count, flushed_before);
            throw;
        }
        // It may be too slow for as many.
        if (out.failure)
            max_streams_ = std::max<std::size_t>(max_streams_ / 4, 1);
        out.in_doubt = keep_missing(reader, count, flushed_before);
        co_return out;
    }

    /// Takes back what was not seen and is not older than `time`, or is missing among what shows: into the outbox, or,
    /// where it was there before, rejected, which `report` is told. How many went into the outbox.
    std::size_t take_back(timestamp time, outbox& box, counters& count,
                          const std::function<void(const rejection&)>& report) {
        std::size_t again = 0;
        const auto is_missing = [time](const waiting& w) {
            return w.looked_for && (w.pending.entry.time >= time || w.overlooked >= 2);
        };
        for (auto& [labels, s] : waiting_) {
            for (auto& w : s.entries) {
                if (!is_missing(w))
                    continue;
                pending_entry& p = w.pending;
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
        pending_entry pending;
        bool looked_for = false;
        /// How often in a row it did not show among older and newer ones that did.
        unsigned overlooked = 0;
    };
    struct stream {
        std::vector<waiting> entries;
        /// Of those that showed.
        std::optional<timestamp> oldest_seen{}, newest_seen{};
    };

    /// Leaves those that do not show or were not looked for. How many are in doubt.
    std::size_t keep_missing(const read_back& reader, counters& count, timestamp flushed_before) {
        std::size_t in_doubt = 0;
        for (const auto& found : reader.sought()) {
            stream& s = waiting_.at(*found.stream);
            const std::size_t before = s.entries.size();
            keep_missing(s, found, flushed_before);
            const std::size_t gone = before - s.entries.size();
            size_ -= gone;
            in_doubt += found.in_doubt.size();
            count.verified += gone - found.in_doubt.size();
        }
        std::erase_if(waiting_, [](const auto& w) { return w.second.entries.empty(); });
        return in_doubt;
    }
    static void keep_missing(stream& s, const sought_entries& found, timestamp flushed_before) {
        std::vector<waiting> left;
        auto missing = found.missing.begin();
        auto in_doubt = found.in_doubt.begin();
        for (std::size_t i = 0; i != found.looked_for; ++i) {
            const timestamp time = s.entries[i].pending.entry.time;
            if (in_doubt != found.in_doubt.end() && *in_doubt == i) {
                ++in_doubt;
                continue;
            }
            if (missing != found.missing.end() && *missing == i) {
                ++missing;
                left.push_back(std::move(s.entries[i]));
                continue;
            }
            s.oldest_seen = std::min(s.oldest_seen.value_or(time), time);
            // A younger one shows without having been flushed, which tells nothing of those before it.
            if (time < flushed_before)
                s.newest_seen = std::max(s.newest_seen.value_or(time), time);
        }
        for (auto& w : left) {
            const timestamp time = w.pending.entry.time;
            const bool among =
                s.oldest_seen && s.newest_seen && *s.oldest_seen < time && time < *s.newest_seen;
            w.looked_for = true;
            w.overlooked = among ? w.overlooked + 1 : 0;
        }
        std::move(s.entries.begin() + static_cast<std::ptrdiff_t>(found.looked_for), s.entries.end(),
                  std::back_inserter(left));
        s.entries = std::move(left);
    }

    std::map<loki::labels, stream> waiting_;
    std::size_t size_ = 0;
    /// In one query.
    std::size_t max_streams_ = read_back::default_max_streams;
};

} // namespace lokiship::ship

#endif
