#ifndef LOKISHIP_SHIP_READ_BACK_HPP
#define LOKISHIP_SHIP_READ_BACK_HPP

#include <lokiship/http/whole_answer.hpp>
#include <lokiship/loki/query.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/assert.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// How Loki is asked for what it holds.
struct read_back_options {
    loki::query_limits limits{};
    /// The longest silence of Loki that is borne; a query may take six times as long in all. Zero: no limit.
    std::chrono::nanoseconds timeout = std::chrono::seconds(30);
};

namespace detail {

/// No answer may be larger; and what is asked for is about an eighth of it.
inline constexpr std::size_t max_answer_size = 16 * 1024 * 1024;

/// The body of a successful answer.
template <http::transport Transport>
boost::asio::awaitable<result<std::string>> ask(Transport& loki, http::request request,
                                                const read_back_options& options) {
    request.idle_timeout = options.timeout;
    request.total_timeout = 6 * options.timeout;
    request.max_response_size = max_answer_size;
    const std::string where = loki.server() + request.target.substr(0, request.target.find('?'));
    auto answer = co_await http::send_whole(loki, std::move(request));
    if (!answer)
        co_return answer.error();
    if (answer->head.status != 200)
        co_return error(errc::bad_status, where + ": HTTP status " + std::to_string(answer->head.status) +
                                              ": " + text::escape_for_log(answer->body.substr(0, 1024)));
    co_return std::move(answer->body);
}

/// One query's entries.
template <http::transport Transport>
boost::asio::awaitable<result<std::vector<loki::entry>>> query(Transport& loki, http::request request,
                                                               const read_back_options& options) {
    const auto body = co_await ask(loki, std::move(request), options);
    if (!body)
        co_return body.error();
    auto entries = loki::read_query_answer(*body);
    if (!entries)
        co_return error(entries.error().code,
                        loki.server() + "/loki/api/v1/query_range: " + entries.error().message);
    co_return std::move(*entries);
}

} // namespace detail

/// What an entry counts as where Loki's limits do not let it show among more entries of its own nanosecond.
enum class in_doubt {
    shown,
    missing
};

/// Asks Loki which of a stream's entries it does not show: their indices, ascending. Compares sets of (time, line),
/// never counts, and pages within Loki's query limits.
///
/// Precondition: `expected` is sorted by time. Errors: those of the transport, `errc::bad_status`, `errc::unexpected_answer`.
template <http::transport Transport>
boost::asio::awaitable<result<std::vector<std::size_t>>>
find_missing(Transport& loki, const loki::labels& stream, std::span<const loki::entry> expected,
             const read_back_options& options, in_doubt doubt = in_doubt::shown) {
    using std::chrono::nanoseconds;
    std::size_t longest = 0;
    for (const auto& e : expected)
        longest = std::max(longest, e.line.size());
    std::size_t most = std::min(options.limits.max_entries,
                                std::max<std::size_t>(detail::max_answer_size / 8 / (longest + 100), 10));
    std::vector<std::size_t> out;
    std::size_t next = 0;
    while (next != expected.size()) {
        const timestamp start = expected[next].time;
        // Short of the limit by a second, since Loki measures in milliseconds.
        const timestamp end =
            std::min(text::saturating_add(expected.back().time, nanoseconds(1)),
                     text::saturating_add(start, options.limits.max_length - std::chrono::seconds(1)));
        auto request = loki::query_range_request(stream, start, end, most);
        const auto found = co_await detail::query(loki, std::move(request), options);
        if (!found)
            co_return found.error();
        const bool full = found->size() >= most;
        // The last nanosecond of a full answer may be incomplete, unless the answer holds nothing else.
        timestamp seen_until = full ? found->back().time : end;
        const bool stuck = full && seen_until <= start;
        if (stuck && most < options.limits.max_entries) {
            most = std::min(8 * most, options.limits.max_entries);
            continue;
        }
        if (stuck)
            seen_until = start + nanoseconds(1);
        for (; next != expected.size() && expected[next].time < seen_until; ++next)
            if ((!stuck || doubt == in_doubt::missing) &&
                !std::binary_search(found->begin(), found->end(), expected[next]))
                out.push_back(next);
    }
    co_return out;
}

} // namespace lokiship::ship

#endif
