#ifndef LOKISHIP_SHIP_RESUMPTION_HPP
#define LOKISHIP_SHIP_RESUMPTION_HPP

#include <lokiship/ship/checkpoint.hpp>
#include <lokiship/ship/shipment.hpp>
#include <lokiship/ship/spool.hpp>
#include <lokiship/ship/stream_progress.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace lokiship::ship {

namespace detail {

/// The first entries of these.
inline std::vector<outcome_run> first_outcomes(const std::vector<outcome_run>& all, std::uint64_t entries) {
    std::vector<outcome_run> out;
    for (auto r = all.begin(); entries != 0 && r != all.end(); ++r) {
        out.push_back({std::min(entries, r->count), r->what});
        entries -= out.back().count;
    }
    return out;
}

} // namespace detail

/// Lets a part go on after an earlier run: of what that settled, all before the first change in the history is settled.
/// Returns how many entries that run had settled behind it, for which it is not known what became of them. Others have
/// their turn meanwhile. Precondition: nothing of the part was taken.
inline boost::asio::awaitable<std::uint64_t> resume(const spool& source, shipment_part& part,
                                                    const checkpoint::stream& saved, timestamp wall,
                                                    steady_time now) {
    shipment_part::cursor cursor(source, part);
    spooled_entry e;
    prefix_digest seen;
    std::size_t held = 0;
    while (held != saved.prefixes.size() && cursor.next(e)) {
        ++seen.entries;
        seen.sum += entry_digest(e.time, e.key);
        if (saved.prefixes[held].entries == seen.entries) {
            if (saved.prefixes[held] != seen)
                break;
            ++held;
        }
        if (seen.entries % 4096 == 0) {
            cursor.release();
            co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
        }
    }
    std::vector<prefix_digest> prefixes(saved.prefixes.begin(),
                                        saved.prefixes.begin() + static_cast<std::ptrdiff_t>(held));
    const std::uint64_t settled = prefixes.empty() ? 0 : prefixes.back().entries;
    part.progress = stream_progress(detail::first_outcomes(saved.outcomes, settled), std::move(prefixes));
    part.taken_until = saved.taken_until;
    part.open_before = saved.open;
    std::sort(part.open_before.begin(), part.open_before.end());
    const std::uint64_t lost = saved.settled() - settled;
    // With others between them, there may be any number; and Loki would have taken them then, but not after a
    // run that did not find them and sent what is later.
    if (lost == 0 && saved.open_is_whole && !saved.open.empty()) {
        part.together_until = saved.taken_until;
        part.proven_before = saved.proven;
        std::sort(part.proven_before.begin(), part.proven_before.end());
    }
    if (saved.acknowledged) {
        part.acknowledged = saved.acknowledged->memory(wall, now);
        // What was sent then may have raised it, for what came between since.
        if (!saved.open.empty())
            part.acknowledged->bar =
                std::max(part.acknowledged->bar, saved.taken_until.value_or(timestamp::max()));
    }
    co_return lost;
}

} // namespace lokiship::ship

#endif
