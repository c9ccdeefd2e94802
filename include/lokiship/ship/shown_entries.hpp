#ifndef LOKISHIP_SHIP_SHOWN_ENTRIES_HPP
#define LOKISHIP_SHIP_SHOWN_ENTRIES_HPP

#include <lokiship/error.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/loki/entry.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/loki/query.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/ship/read_back.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// The time of the newest entry that Loki shows of the streams with these labels, as far back as a query may reach from
/// `now`; empty where it shows none. Errors: those of the transport, `errc::bad_status`, `errc::service_unavailable`,
/// `errc::unexpected_answer`.
template <http::transport Transport>
boost::asio::awaitable<result<std::optional<timestamp>>>
newest_shown(Transport& loki, const loki::labels& streams, timestamp now, const read_back_options& options) {
    // Somebody's clock may be ahead.
    constexpr std::chrono::minutes ahead{10};
    const auto length = std::max<std::chrono::nanoseconds>(options.limits.max_length - 2 * ahead, ahead);
    auto request = loki::query_range_request(loki::to_string(streams), now - length, now + ahead, 1,
                                             loki::direction::backward);
    const auto shown = co_await detail::query(loki, std::move(request), options);
    if (!shown)
        co_return shown.error();
    std::optional<timestamp> out;
    for (const auto& s : *shown)
        for (const auto& e : s.entries)
            out = std::max(out.value_or(e.time), e.time);
    co_return out;
}

/// Takes out of the outbox what Loki shows already, and tells `on_shown` of each such entry before. Precondition: no push
/// is under way. The first error ends it, and the outbox is as it was.
template <http::transport Transport>
boost::asio::awaitable<std::optional<error>>
leave_out_shown(Transport& loki, outbox& box, const read_back_options& options,
                const std::function<void(const pending_entry&)>& on_shown) {
    std::vector<sought_entries> sought;
    box.visit_lanes([&sought](outbox::lane& l) {
        if (l.empty())
            return;
        outbox::sort(l);
        sought_entries s{&l.labels, {}};
        for (const auto* list : {&l.batch, &l.queue})
            for (const auto& p : *list)
                s.entries.push_back(&p.entry);
        std::sort(s.entries.begin(), s.entries.end(),
                  [](const loki::entry* a, const loki::entry* b) { return a->time < b->time; });
        sought.push_back(std::move(s));
    });
    read_back asking(std::move(sought), options);
    while (!asking.done())
        if (const auto failed = co_await asking.ask(loki))
            co_return failed;
    std::set<const loki::entry*> shown;
    for (const auto& s : asking.sought())
        for (std::size_t i = 0; i != s.entries.size(); ++i)
            if (!std::binary_search(s.missing.begin(), s.missing.end(), i) &&
                !std::binary_search(s.in_doubt.begin(), s.in_doubt.end(), i))
                shown.insert(s.entries[i]);
    box.visit_lanes([&](outbox::lane& l) {
        // Where they lie must not change before all were asked.
        std::set<aoss::step_key> keys;
        for (const auto* list : {&l.batch, &l.queue})
            for (const auto& p : *list)
                if (shown.contains(&p.entry)) {
                    on_shown(p);
                    // What is older and does not show yet may have been stored with it.
                    if (p.sent_before)
                        l.newest_shown = std::max(l.newest_shown.value_or(p.entry.time), p.entry.time);
                    keys.insert(p.key);
                }
        if (!keys.empty())
            box.remove_if(l, [&keys](const pending_entry& p) { return keys.contains(p.key); });
    });
    co_return std::nullopt;
}

} // namespace lokiship::ship

#endif
