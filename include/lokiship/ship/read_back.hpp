#ifndef LOKISHIP_SHIP_READ_BACK_HPP
#define LOKISHIP_SHIP_READ_BACK_HPP

#include <lokiship/http/redirection.hpp>
#include <lokiship/http/whole_answer.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/loki/query.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/assert.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
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

/// The body of a successful answer. Errors: those of the transport, and of the status `errc::bad_status` or
/// `errc::service_unavailable`.
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
        co_return error(answer->head.status == 429 || answer->head.status >= 500 ? errc::service_unavailable
                                                                                 : errc::bad_status,
                        where + ": HTTP status " + std::to_string(answer->head.status) +
                            http::redirection(answer->head) + ": " +
                            text::escape_for_log(answer->body.substr(0, 1024)));
    co_return std::move(answer->body);
}

/// What one query shows.
template <http::transport Transport>
boost::asio::awaitable<result<std::vector<loki::shown_stream>>> query(Transport& loki, http::request request,
                                                                      const read_back_options& options) {
    const auto body = co_await ask(loki, std::move(request), options);
    if (!body)
        co_return body.error();
    auto shown = loki::read_query_answer(*body);
    if (!shown)
        co_return error(shown.error().code,
                        loki.server() + "/loki/api/v1/query_range: " + shown.error().message);
    co_return std::move(*shown);
}

} // namespace detail

/// Entries of one stream that are looked for, and what is known of them. The labels and the entries must outlive it.
struct sought_entries {
    const loki::labels* stream;
    /// By time; one at least.
    std::vector<const loki::entry*> entries;
    /// How many of them, from the first on, were looked for. Of the others nothing is known.
    std::size_t looked_for = 0;
    /// Those that Loki does not have, and those that it may have, among more entries of one nanosecond than it shows: their
    /// indices, ascending.
    std::vector<std::size_t> missing{}, in_doubt{};
};

/// Asks Loki which entries of several streams it has. Compares (labels, time, line), never counts, and pages within Loki's
/// query limits.
///
/// Loki cuts each query into hundreds by time, however little they find, so one query asks for many streams. Where
/// others, which it selects too, fill most of an answer, or Loki refuses it, fewer are asked for. Entries of a stream that
/// has the labels of a sought one, and more, count as its own. Not thread-safe; not copied.
class read_back {
public:
    /// As many streams in one query take a Loki twice as long as one alone.
    static constexpr std::size_t default_max_streams = 32;

    /// At most `max_streams` are asked for at once; at least 1.
    read_back(std::vector<sought_entries> sought, read_back_options options,
              std::size_t max_streams = default_max_streams)
        : options_(std::move(options))
        , sought_(std::move(sought)) {
        BOOST_ASSERT(max_streams >= 1);
        for (auto& s : sought_) {
            BOOST_ASSERT(!s.entries.empty());
            members_.push_back({loki::queried_labels(*s.stream), &s});
        }
        std::sort(members_.begin(), members_.end(), [this](const member& a, const member& b) {
            if (fills_answers(a) != fills_answers(b))
                return fills_answers(b);
            const auto order = compare_names(a.labels, b.labels);
            return order != 0 ? order < 0 : a.labels < b.labels;
        });
        for (std::size_t i = 0, end = 0; i != members_.size(); i = end) {
            for (end = i + 1; end != members_.size() && belong_together(members_[i], members_[end]);)
                ++end;
            const std::size_t pieces = (end - i + max_streams - 1) / max_streams;
            for (std::size_t k = 0; k != pieces; ++k)
                lots_.push_back({i + (end - i) * k / pieces, i + (end - i) * (k + 1) / pieces});
        }
        prepare_next();
    }
    read_back(const read_back&) = delete;
    read_back& operator=(const read_back&) = delete;

    /// Whether all were looked for.
    bool done() const noexcept { return lots_.empty(); }
    /// What is known by now.
    const std::vector<sought_entries>& sought() const noexcept { return sought_; }

    /// Makes one query. Errors, after which it may be called again: those of the transport, `errc::bad_status`,
    /// `errc::service_unavailable`, `errc::unexpected_answer`. Precondition: it is not done.
    template <http::transport Transport>
    boost::asio::awaitable<std::optional<error>> ask(Transport& loki) {
        BOOST_ASSERT(!done());
        const lot l = lots_.back();
        timestamp start = timestamp::max(), last = timestamp::min();
        for (const member& m : members_of(l)) {
            const auto& s = *m.sought;
            if (s.looked_for == s.entries.size())
                continue;
            start = std::min(start, s.entries[s.looked_for]->time);
            last = std::max(last, s.entries.back()->time);
        }
        const timestamp end = std::min(text::saturating_add(last, std::chrono::nanoseconds(1)),
                                       text::saturating_add(start, longest_query()));
        auto request = loki::query_range_request(l.selector, start, end, l.max_entries);
        auto shown = co_await detail::query(loki, std::move(request), options_);
        if (shown)
            take(std::move(*shown), start, end);
        else if (l.size() > 1 && is_answer(shown.error().code))
            halve();
        else
            co_return shown.error();
        prepare_next();
        co_return std::nullopt;
    }

private:
    struct member {
        /// By which queries know the stream.
        loki::labels labels;
        sought_entries* sought;
    };
    /// Members that one query asks for.
    struct lot {
        std::size_t begin, end;
        /// Empty until it is prepared.
        std::string selector{};
        /// Of an answer.
        std::size_t max_entries = 0;

        std::size_t size() const noexcept { return end - begin; }
    };

    bool fills_answers(const member& m) const {
        return m.sought->entries.size() >= options_.limits.max_entries;
    }
    /// A selector cannot tell an absent label; and what fills answers by itself has no use for company.
    bool belong_together(const member& a, const member& b) const {
        return !fills_answers(a) && !fills_answers(b) && compare_names(a.labels, b.labels) == 0;
    }
    /// Whether Loki itself failed, so that it may answer less.
    static bool is_answer(const error_code& code) {
        return code == errc::bad_status || code == errc::service_unavailable ||
               code == errc::response_too_large || code == errc::unexpected_answer;
    }

    std::span<const member> members_of(const lot& l) const {
        return std::span<const member>(members_).subspan(l.begin, l.size());
    }
    /// Makes the last lot one that can be asked for, and has something left.
    void prepare_next() {
        while (!lots_.empty()) {
            lot& l = lots_.back();
            const auto members = members_of(l);
            if (std::all_of(members.begin(), members.end(), [](const member& m) {
                    return m.sought->looked_for == m.sought->entries.size();
                })) {
                lots_.pop_back();
                continue;
            }
            if (!l.selector.empty())
                return;
            std::vector<const loki::labels*> streams;
            std::size_t longest = 0;
            for (const member& m : members) {
                streams.push_back(&m.labels);
                // An entry with structured metadata may come as a stream of its own.
                const std::size_t of_stream = loki::metadata_bytes(m.labels);
                for (const auto* e : m.sought->entries)
                    longest = std::max(longest, e->line.size() + (e->metadata.empty() ? 0 : of_stream) +
                                                    loki::metadata_bytes(e->metadata));
            }
            auto selector = loki::selector(streams);
            if (!selector) {
                halve();
                continue;
            }
            l.selector = std::move(*selector);
            l.max_entries =
                std::min(options_.limits.max_entries,
                         std::max<std::size_t>(detail::max_answer_size / 8 / (longest + 100), 10));
        }
    }
    /// Short of the limit by a second, since Loki measures in milliseconds.
    std::chrono::nanoseconds longest_query() const {
        return std::max<std::chrono::nanoseconds>(options_.limits.max_length - std::chrono::seconds(1),
                                                  std::chrono::milliseconds(1));
    }
    void halve() {
        const lot l = lots_.back();
        const std::size_t middle = l.begin + l.size() / 2;
        lots_.back() = {middle, l.end};
        lots_.push_back({l.begin, middle});
    }

    /// Takes the answer for the last lot.
    void take(std::vector<loki::shown_stream> shown, timestamp start, timestamp end) {
        lot& l = lots_.back();
        const auto members = members_of(l);
        std::map<loki::labels, std::vector<loki::entry>> found;
        for (const member& m : members)
            found.try_emplace(m.labels);
        std::size_t count = 0;
        timestamp newest = timestamp::min();
        for (auto& s : shown) {
            if (s.entries.empty())
                continue;
            count += s.entries.size();
            newest = std::max(newest, s.entries.back().time);
            loki::labels known;
            for (const auto& label : members.front().labels)
                known.set(label.name, s.labels.get(label.name));
            if (const auto at = found.find(known); at != found.end())
                std::move(s.entries.begin(), s.entries.end(), std::back_inserter(at->second));
        }
        for (auto& [labels, entries] : found)
            std::sort(entries.begin(), entries.end());

        const bool full = count >= l.max_entries;
        // The last nanosecond of a full answer may be incomplete, unless the answer holds nothing else.
        const bool stuck = full && newest <= start;
        if (stuck && l.max_entries < options_.limits.max_entries) {
            l.max_entries = std::min(8 * l.max_entries, options_.limits.max_entries);
            return;
        }
        if (stuck && l.size() > 1) {
            halve();
            return;
        }
        if (end <= start) {
            // It has no second moment to end before.
            for (const member& m : members)
                for (auto& s = *m.sought;
                     s.looked_for != s.entries.size() && s.entries[s.looked_for]->time <= start;)
                    s.in_doubt.push_back(s.looked_for++);
            return;
        }
        const timestamp until = stuck ? start + std::chrono::nanoseconds(1) : full ? newest : end;
        std::size_t matched = 0;
        for (const member& m : members) {
            auto& s = *m.sought;
            const auto& there = found.at(m.labels);
            for (; s.looked_for != s.entries.size() && s.entries[s.looked_for]->time < until; ++s.looked_for)
                if (std::binary_search(there.begin(), there.end(), *s.entries[s.looked_for]))
                    ++matched;
                else
                    (stuck ? s.in_doubt : s.missing).push_back(s.looked_for);
        }
        if (full && l.size() > 1 && matched < count / 2)
            halve();
    }

    read_back_options options_;
    std::vector<sought_entries> sought_;
    /// Those that fill answers last; by the names of their labels, then by the labels.
    std::vector<member> members_;
    /// Those that are not done.
    std::vector<lot> lots_;
};

} // namespace lokiship::ship

#endif
