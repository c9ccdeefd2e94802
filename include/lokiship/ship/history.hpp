#ifndef LOKISHIP_SHIP_HISTORY_HPP
#define LOKISHIP_SHIP_HISTORY_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/ship/detail/patient_transport.hpp>
#include <lokiship/ship/fetch.hpp>
#include <lokiship/ship/shard.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// Which part of the history is wanted. The backend selects by server and status, where it knows these parameters; by
/// time it cannot. `matches` looks at all of it.
struct history_query {
    /// Empty: all servers.
    std::vector<std::string> server_ids{};
    /// Of the execution; empty: any.
    std::string status{};
    /// From `since` (included) to `until` (excluded).
    std::optional<timestamp> since{}, until{};
    /// Of the servers, these.
    ship::shard shard{};

    /// Whether a record is wanted whose entry has this time.
    bool matches(const aoss::execution_record& r, timestamp time) const {
        return (server_ids.empty() ||
                std::find(server_ids.begin(), server_ids.end(), r.server_id) != server_ids.end()) &&
               (status.empty() || r.execution_status == status) && (!since || time >= *since) &&
               (!until || time < *until) && shard.owns(r.server_id);
    }
};

/// How the reading of a history ended.
struct history_summary {
    /// Runs of records with one execution id, also those that overlapping pages repeat.
    std::uint64_t executions = 0;
    /// It could not be read to its end: what was handed on lacks the oldest.
    std::optional<error> failure{};
    /// The backend has more than it gives, and why.
    std::optional<error> incomplete{};
};

namespace detail {

/// The whole numbers in a text, largest first, that are below `most`.
inline std::vector<std::uint64_t> numbers_below(std::string_view text, std::uint64_t most) {
    std::vector<std::uint64_t> out;
    for (const char *p = text.data(), *end = p + text.size(); p != end;) {
        std::uint64_t n = 0;
        const auto [stop, ec] = std::from_chars(p, end, n);
        if (ec == std::errc() && n != 0 && n < most)
            out.push_back(n);
        p = stop == p ? p + 1 : stop;
    }
    std::sort(out.begin(), out.end(), std::greater<>());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

} // namespace detail

/// Reads a history, newest execution first: in one answer, or page by page where the backend limits its answers.
///
/// What the backend can is found out, never assumed. It is asked for all; where it refuses so high a `limit`, for the
/// highest that it takes. Whether it pages by `offset`, `skip` or `page` shows when it is asked for what surrounds the last
/// execution that was read: a backend that ignores a parameter gives its newest again. Pages by `offset` or `skip` overlap,
/// so that nothing is skipped when executions are added or removed meanwhile; what the overlap repeats is handed on again.
///
/// A request that gets no answer, 429 or 5xx is made three times.
template <http::transport Transport, clock Clock>
class history_reader {
public:
    /// `on_record` is called for each record, also for those that the query does not match; `on_page` after each
    /// answer, with its error where it failed. `scanner` may be null.
    history_reader(Transport& backend, Clock& time, std::chrono::nanoseconds timeout,
                   aoss::page_reader::record_handler on_record, std::function<void(bool failed)> on_page,
                   std::unique_ptr<aoss::record_scanner> scanner = nullptr)
        : backend_(backend, time)
        , timeout_(timeout)
        , on_record_(std::move(on_record))
        , on_page_(std::move(on_page))
        , scanner_(std::move(scanner)) {}

    boost::asio::awaitable<history_summary> read(const history_query& query) {
        summary_ = {};
        std::vector<std::string> servers = query.server_ids;
        if (servers.empty())
            servers.emplace_back();
        for (const auto& server : servers) {
            foreign_ = false;
            server_ = server;
            co_await read_one(query, server);
            // A backend that does not know the parameter has given all servers.
            if (summary_.failure || foreign_)
                break;
        }
        co_return summary_;
    }

private:
    using page_result = boost::system::result<aoss::page_summary, fetch_error>;

    /// What a page held, apart from its records.
    struct page_view {
        std::string first_id, last_id, first_created, last_created;
        std::optional<timestamp> first_time() const { return time(first_created); }
        std::optional<timestamp> last_time() const { return time(last_created); }
        /// The execution that was sought is in it, or the newest of the first page.
        bool met = false, met_newest = false;

    private:
        static std::optional<timestamp> time(std::string_view created) {
            const auto out = text::parse_timestamp(created);
            return out ? std::optional(*out) : std::nullopt;
        }
    };

    boost::asio::awaitable<page_result> ask(const aoss::logs_query& q, std::string_view sought,
                                            page_view& view, bool hand_on = true) {
        view = {};
        const aoss::page_reader::record_handler take = [&](aoss::execution_record& r) {
            if (view.last_id != r.execution_id || view.first_id.empty()) {
                view.last_id = r.execution_id;
                view.last_created = r.timestamp;
                if (view.first_id.empty()) {
                    view.first_id = view.last_id;
                    view.first_created = view.last_created;
                }
            }
            view.met = view.met || r.execution_id == sought;
            view.met_newest = view.met_newest || r.execution_id == newest_id_;
            foreign_ = foreign_ || (!server_.empty() && r.server_id != server_);
            if (hand_on)
                on_record_(r);
        };
        auto request = aoss::logs_request(q);
        request.idle_timeout = timeout_;
        request.total_timeout = max_page_time * timeout_;
        auto page = co_await fetch_page(backend_, std::move(request), take, {}, scanner_.get());
        if (hand_on) {
            on_page_(!page);
            if (page)
                summary_.executions += page->executions_seen;
        }
        co_return page;
    }

    /// A status that tells that the request is not as the backend wants it.
    static bool is_refusal(const page_result& p) {
        const unsigned s = p ? 200 : p.error().status;
        return s >= 400 && s < 500 && s != 401 && s != 403 && s != 404 && s != 407 && s != 408 && s != 429;
    }

    /// The limits to try after the backend refused all of them with this text.
    static std::vector<std::uint64_t> lower_limits(const std::string& refusal) {
        const auto at = refusal.find("HTTP status ");
        auto out = detail::numbers_below(
            at == std::string::npos ? std::string_view() : std::string_view(refusal).substr(at + 16), all);
        if (out.size() > 5)
            out.resize(5);
        for (std::uint64_t n = all / 10; n != 0; n /= 10)
            out.push_back(n);
        return out;
    }

    boost::asio::awaitable<void> read_one(const history_query& query, const std::string& server) {
        aoss::logs_query q{all, server, query.status};
        page_view view;
        page_result page = co_await ask(q, {}, view);
        std::optional<error> refused;
        if (is_refusal(page)) {
            refused = page.error().cause;
            for (const auto limit : lower_limits(refused->message)) {
                q.limit = limit;
                page = co_await ask(q, {}, view);
                if (!is_refusal(page))
                    break;
            }
        }
        if (!page) {
            summary_.failure = refused && is_refusal(page) ? *refused : page.error().cause;
            co_return;
        }
        if (page->executions_seen == 0)
            co_return;
        // Where the answer is shorter than the limit, there may be a limit that the backend does not tell.
        const bool more = page->executions() >= q.limit || page->says_more();
        if (!more)
            q.limit = page->executions_seen;
        else
            q.limit = std::min(q.limit, page->executions_seen);
        newest_id_ = view.first_id;
        const auto by = co_await find_pager(q, view.last_id, page->executions_seen);
        if (summary_.failure)
            co_return;
        if (!by && more) {
            summary_.incomplete =
                refused ? error(refused->code, refused->message + "; with limit=" + std::to_string(q.limit) +
                                                   " it gives so many executions, and it does not page")
                        : error(errc::unexpected_answer,
                                backend_.server() + ": says that it has " +
                                    std::to_string(page->executions()) + " executions, gives " +
                                    std::to_string(page->executions_seen) + " and does not page");
            co_return;
        }
        if (by)
            co_await read_pages(query, q, *by, view, page->executions_seen);
    }

    struct pager {
        std::string_view parameter;
        /// Counts pages, from 1; otherwise executions, from 0.
        bool pages = false;
    };

    /// How the backend pages; nothing where it does not.
    boost::asio::awaitable<std::optional<pager>> find_pager(const aoss::logs_query& q,
                                                            const std::string& last_id, std::uint64_t seen) {
        static constexpr std::array<pager, 3> known{pager{"offset"}, pager{"skip"}, pager{"page", true}};
        for (const pager& p : known) {
            page_view view;
            auto some = q;
            some.extra = p.parameter;
            if (p.pages) {
                some.limit = 1;
                some.extra_value = std::max<std::uint64_t>(seen, 2);
            } else {
                // Executions that come meanwhile move the last one.
                const std::uint64_t before = std::min<std::uint64_t>(seen - 1, 50);
                some.limit = std::min<std::uint64_t>(q.limit, 100);
                some.extra_value = std::max<std::uint64_t>(seen - std::min(before, some.limit / 2), 1);
            }
            const page_result page = co_await ask(some, last_id, view, false);
            if (!page && !is_refusal(page) && page.error().status != 404) {
                summary_.failure = page.error().cause;
                co_return std::nullopt;
            }
            // Its newest is there only where it does not page.
            if (page && !view.met_newest && (view.met || page->executions_seen == 0 || seen == 1))
                co_return p;
        }
        co_return std::nullopt;
    }

    boost::asio::awaitable<void> read_pages(const history_query& query, aoss::logs_query q, pager by,
                                            page_view last, std::uint64_t offset) {
        const std::uint64_t overlap = by.pages ? 0 : std::min(q.limit / 2, max_overlap);
        q.extra = by.parameter;
        unsigned steps_back = 0, unchanged = 0;
        for (;;) {
            if (query.since && last.last_time() && *last.last_time() < *query.since)
                co_return;
            const std::uint64_t from = offset - std::min(offset, overlap);
            q.extra_value = by.pages ? offset / q.limit + 1 : from;
            page_view view;
            const page_result page = co_await ask(q, last.last_id, view);
            if (!page) {
                if (!(by.pages && page.error().status == 404))
                    summary_.failure = page.error().cause;
                co_return;
            }
            if (page->executions_seen == 0 && from == offset)
                co_return;
            // So many were removed that the page begins behind the last one: it is sought further up.
            const auto first = view.first_time(), before = last.last_time();
            const bool behind = !first || !before || *first <= *before;
            if (overlap != 0 && !view.met && behind && from != 0 && steps_back < max_steps_back) {
                offset -= std::min(offset, (q.limit / 2) << steps_back++);
                continue;
            }
            steps_back = 0;
            // A page may be short and not the last one; one that brings nothing more is.
            if (view.last_id == last.last_id && ++unchanged == (overlap == 0 ? 3 : 1))
                co_return;
            if (view.last_id != last.last_id)
                unchanged = 0;
            offset = from + page->executions_seen;
            last = std::move(view);
        }
    }

    static constexpr std::uint64_t all = 1'000'000'000;
    static constexpr std::uint64_t max_overlap = 16;
    /// All of a history may come in one answer, as long as it does.
    static constexpr int max_page_time = 60;
    static constexpr unsigned max_steps_back = 10;

    detail::patient_transport<Transport, Clock> backend_;
    std::chrono::nanoseconds timeout_;
    aoss::page_reader::record_handler on_record_;
    std::function<void(bool)> on_page_;
    std::unique_ptr<aoss::record_scanner> scanner_;
    history_summary summary_;
    std::string server_;
    /// The newest execution of the first page.
    std::string newest_id_;
    /// A record came that is not of the server that was asked for.
    bool foreign_ = false;
};

} // namespace lokiship::ship

#endif
