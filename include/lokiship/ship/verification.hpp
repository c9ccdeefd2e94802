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
/// An entry that is found missing goes back into the outbox, once: it is sent again as it was, and counts as pending
/// until Loki acknowledges it. One that is missing after that is rejected as `not_stored`.
class verification {
public:
    /// Keeps an entry to be looked for. At most `capacity` are kept; of more, the entry is let go unverified.
    void add(const outbox::lane& l, const outbox::pending_entry& p) {
        if (size_ == capacity)
            return;
        ++size_;
        waiting_[l.labels].push_back(p);
    }
    std::size_t size() const noexcept { return size_; }

    /// Lets go of the entries that are older than `time`, which Loki may not show yet. How many.
    std::size_t forget_older_than(timestamp time) {
        const std::size_t before = size_;
        for (auto& [labels, entries] : waiting_)
            size_ -= std::erase_if(entries, [&](const auto& p) { return p.entry.time < time; });
        return before - size_;
    }
    /// How many are older than `time`.
    std::size_t older_than(timestamp time) const {
        std::size_t n = 0;
        for (const auto& [labels, entries] : waiting_)
            n += static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(),
                                                        [&](const auto& p) { return p.entry.time < time; }));
        return n;
    }

    /// Asks Loki for all of them; those that it shows are done and counted as verified. The first error ends it, and
    /// what was not looked for stays.
    template <http::transport Transport>
    boost::asio::awaitable<std::optional<error>> look(Transport& loki, counters& count,
                                                      const read_back_options& options) {
        for (auto& [labels, entries] : waiting_) {
            if (entries.empty())
                continue;
            std::sort(entries.begin(), entries.end(),
                      [](const auto& a, const auto& b) { return a.entry.time < b.entry.time; });
            std::vector<loki::entry> expected;
            expected.reserve(entries.size());
            for (const auto& p : entries)
                expected.push_back(p.entry);
            const auto missing = co_await find_missing(loki, labels, expected, options);
            if (!missing)
                co_return missing.error();
            std::vector<outbox::pending_entry> left;
            for (const std::size_t i : *missing)
                left.push_back(std::move(entries[i]));
            count.verified += entries.size() - left.size();
            size_ -= entries.size() - left.size();
            entries = std::move(left);
        }
        std::erase_if(waiting_, [](const auto& w) { return w.second.empty(); });
        co_return std::nullopt;
    }

    /// Takes back what is not older than `time` and was not seen: into the outbox, or, where it was there before,
    /// rejected, which `report` is told. How many went into the outbox.
    std::size_t take_back(timestamp time, outbox& box, counters& count,
                          const std::function<void(const rejection&)>& report) {
        std::size_t again = 0;
        for (auto& [labels, entries] : waiting_) {
            for (auto& p : entries) {
                if (p.entry.time < time)
                    continue;
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
            size_ -= std::erase_if(entries, [&](const auto& p) { return p.entry.time >= time; });
        }
        return again;
    }

private:
    static constexpr std::size_t capacity = 10'000'000;
    static constexpr std::string_view why = "acknowledged twice, and not found when it was read back";

    std::map<loki::labels, std::vector<outbox::pending_entry>> waiting_;
    std::size_t size_ = 0;
};

} // namespace lokiship::ship

#endif
