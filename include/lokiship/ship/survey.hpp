#ifndef LOKISHIP_SHIP_SURVEY_HPP
#define LOKISHIP_SHIP_SURVEY_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/loki/query.hpp>
#include <lokiship/loki/stream_window.hpp>
#include <lokiship/ship/checkpoint.hpp>
#include <lokiship/ship/detail/patient_transport.hpp>
#include <lokiship/ship/detail/stream_index.hpp>
#include <lokiship/ship/log.hpp>
#include <lokiship/ship/plan.hpp>
#include <lokiship/ship/read_back.hpp>
#include <lokiship/ship/shipment.hpp>
#include <lokiship/ship/spool.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// How far a survey is: of so many streams, about how many Loki was asked, and of how many the entries were compared with
/// what it has.
struct survey_progress {
    std::uint64_t streams = 0, asked = 0, compared = 0;
    friend bool operator==(const survey_progress&, const survey_progress&) = default;
};

/// Finds out, before history is pushed, what Loki has of it already, and in which streams somebody else ships. Only
/// asks. Where Loki does not answer queries, it finds nothing and says so. Not thread-safe; what it is given must outlive it.
template <http::transport Transport, clock Clock>
class survey {
public:
    using foresee_function =
        std::function<std::optional<loki::reject_reason>(const shipment_part&, const spooled_entry&)>;

    survey(Transport& loki, Clock& time, const spool& source, const loki::labels& more,
           const loki::ingester_limits& ingester, read_back_options options, log_function log,
           survey_progress& progress)
        : patient_(loki, time)
        , clock_(time)
        , spool_(source)
        , more_(more)
        , ingester_(ingester)
        , options_(std::move(options))
        , log_(std::move(log))
        , progress_(progress) {}

    /// Asks which streams there are and which of them are live, and makes the parts. Where an earlier run went on, the
    /// streams are parted as it did.
    boost::asio::awaitable<void> ask_for_streams(const checkpoint* earlier) {
        const auto& streams = spool_.streams();
        progress_ = {streams.size()};
        if (streams.empty())
            co_return;
        co_await ask_which_exist();
        const auto now = clock_.wall_now();
        // What is as young as this cannot have been forgotten for its idleness.
        detail::stream_index live(co_await series(now - ingester_.chunk_idle_period, now + future));
        std::vector<stream_state> all;
        for (std::uint32_t i = 0; i != streams.size(); ++i) {
            const auto& labels = streams[i].labels;
            stream_state f;
            for (const auto* set : live.find(labels))
                f.live = f.live || detail::is_same_stream(*set, labels);
            if (f.live || exists_[i])
                f.bar = co_await ask_for_bar(
                    labels, f.live ? now - ingester_.chunk_idle_period : now - longest_query(), now + future);
            f.live = f.live && f.bar;
            live_streams_ += f.live;
            all.push_back(f);
            ++progress_.asked;
        }
        for (std::uint32_t i = 0; i != streams.size(); ++i)
            add_parts(i, all[i], now, earlier);
    }
    std::vector<shipment_part>& parts() noexcept { return parts_; }
    std::uint64_t live_streams() const noexcept { return live_streams_; }
    /// Loki could not be asked.
    bool failed() const noexcept { return failed_; }

    /// Counts what lies ahead of a part: what Loki has, and what it will refuse as `foresee` says.
    boost::asio::awaitable<void> inspect(shipment_part& part, backfill_plan& plan,
                                         const foresee_function& foresee) {
        if (!is_interesting(part, foresee))
            co_return;
        shipment_part::cursor cursor(spool_, part);
        spooled_entry e;
        while (cursor.position() != part.progress.settled() && cursor.next(e))
            if (cursor.position() % 4096 == 0) {
                // Others have their turn.
                cursor.release();
                co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                                           boost::asio::use_awaitable);
            }
        const bool exists = exists_[part.stream] && !failed_;
        std::vector<spooled_entry> piece;
        std::vector<std::uint64_t> places;
        for (bool more = true; more;) {
            piece.clear();
            places.clear();
            std::size_t bytes = 0;
            while (piece.size() != 1000 && bytes < 1024 * 1024 && (more = cursor.next(e))) {
                bytes += e.size();
                piece.push_back(std::move(e));
                places.push_back(cursor.stream_position());
            }
            co_await boost::asio::post(co_await boost::asio::this_coro::executor, boost::asio::use_awaitable);
            std::vector<bool> there(piece.size());
            if (exists && !piece.empty())
                co_await ask_for(part, piece, there);
            for (std::size_t i = 0; i != piece.size(); ++i) {
                if (part.may_have_been_sent(piece[i])) {
                    // It is sent again as it was: were some left out, what Loki says of the others could not
                    // be told.
                } else if (there[i]) {
                    mark_present(part, places[i]);
                    ++plan.already_there;
                } else if (const auto reason = foresee(part, piece[i])) {
                    ++plan.refused_by_reason[static_cast<std::size_t>(*reason)];
                } else {
                    plan.maybe_too_late += part.idle_bar && piece[i].time < *part.idle_bar;
                    piece[i].time = text::saturating_add(piece[i].time, -std::chrono::minutes(10));
                    plan.nearly_too_old +=
                        foresee(part, piece[i]) == loki::reject_reason::greater_than_max_sample_age;
                }
            }
        }
    }

private:
    boost::asio::awaitable<std::vector<loki::labels>> series(timestamp from, timestamp to) {
        std::vector<loki::labels> out;
        const auto common = detail::common_labels(spool_.streams());
        if (common.empty() || silent_)
            co_return out;
        while (from < to) {
            const auto end = std::min(to, text::saturating_add(from, series_slice()));
            const auto body =
                co_await detail::ask(patient_, loki::series_request(common, from, end), options_);
            auto found =
                body ? loki::read_series_answer(*body) : result<std::vector<loki::labels>>(body.error());
            if (!found) {
                fail(found.error());
                break;
            }
            std::move(found->begin(), found->end(), std::back_inserter(out));
            from = end;
        }
        co_return out;
    }

    boost::asio::awaitable<void> ask_which_exist() {
        const auto& streams = spool_.streams();
        exists_.assign(streams.size(), false);
        timestamp oldest = timestamp::max(), newest = timestamp::min();
        for (const auto& s : streams) {
            oldest = std::min(oldest, s.oldest);
            newest = std::max(newest, s.newest);
        }
        // A time that is wrong by centuries must not ask for centuries.
        oldest = std::max(oldest, text::saturating_add(newest, -furthest_back));
        detail::stream_index found(
            co_await series(oldest, text::saturating_add(newest, std::chrono::seconds(1))));
        for (std::size_t i = 0; i != streams.size(); ++i)
            exists_[i] = !found.find(streams[i].labels).empty();
        if (std::find(exists_.begin(), exists_.end(), true) != exists_.end())
            co_await ask_for_unlisted(oldest, newest);
    }

    /// Loki 3.7 was seen to list all series but one, which a query shows. Where it lists some, the others are asked for.
    boost::asio::awaitable<void> ask_for_unlisted(timestamp oldest, timestamp newest) {
        std::vector<loki::labels> unlisted;
        for (std::size_t i = 0; i != exists_.size(); ++i)
            if (!exists_[i])
                unlisted.push_back(loki::queried_labels(spool_.streams()[i].labels));
        std::sort(unlisted.begin(), unlisted.end());
        std::vector<loki::labels> found;
        std::size_t n = 0;
        for (std::size_t i = 0; i < unlisted.size() && !silent_; i += n) {
            std::vector<const loki::labels*> lot;
            std::optional<std::string> selector;
            for (n = std::min<std::size_t>(most_at_once, unlisted.size() - i); !selector; n = (n + 1) / 2) {
                lot.clear();
                for (std::size_t k = 0; k != n && compare_names(unlisted[i], unlisted[i + k]) == 0; ++k)
                    lot.push_back(&unlisted[i + k]);
                selector = loki::selector(lot);
                if (selector)
                    break;
            }
            n = lot.size();
            for (timestamp from = oldest; from <= newest && !silent_;) {
                const auto to = std::min(text::saturating_add(newest, std::chrono::seconds(1)),
                                         text::saturating_add(from, longest_query()));
                auto request = loki::query_range_request(*selector, from, to, most_shown);
                const auto shown = co_await detail::query(patient_, std::move(request), options_);
                if (!shown) {
                    fail(shown.error());
                    break;
                }
                std::size_t entries = 0;
                for (const auto& s : *shown) {
                    entries += s.entries.size();
                    found.push_back(s.labels);
                }
                if (entries >= most_shown)
                    // Others may be behind these.
                    for (const auto* labels : lot)
                        found.push_back(*labels);
                if (to <= from)
                    break;
                from = to;
            }
        }
        detail::stream_index index(std::move(found));
        for (std::size_t i = 0; i != exists_.size(); ++i)
            exists_[i] = exists_[i] || !index.find(loki::queried_labels(spool_.streams()[i].labels)).empty();
    }

    /// From when on a stream takes entries that has got its newest in this time, as long as Loki has not forgotten it.
    boost::asio::awaitable<std::optional<timestamp>> ask_for_bar(const loki::labels& labels, timestamp from,
                                                                 timestamp to) {
        const auto request =
            loki::query_range_request(loki::selector(labels), from, to, 1, loki::direction::backward);
        const auto newest = co_await detail::query(patient_, request, options_);
        if (!newest) {
            fail(newest.error());
            co_return std::nullopt;
        }
        std::optional<timestamp> out;
        for (const auto& s : *newest)
            for (const auto& e : s.entries)
                out = std::max(out.value_or(e.time), e.time);
        if (out)
            *out -= ingester_.window();
        co_return out;
    }

    /// Short of the limit, since Loki measures in milliseconds and `to` is ahead.
    std::chrono::nanoseconds longest_query() const {
        return std::max<std::chrono::nanoseconds>(options_.limits.max_length - 2 * future,
                                                  std::chrono::minutes(1));
    }

    /// Loki 2.9 cuts a query for series into days, and each into more, and has room for a hundred.
    std::chrono::nanoseconds series_slice() const {
        return std::min<std::chrono::nanoseconds>(longest_query(), std::chrono::hours(24));
    }

    /// How many unlisted streams one query asks for, and how many entries it may show.
    static constexpr std::size_t most_at_once = 32, most_shown = 1000;

    /// What Loki has of a stream.
    struct stream_state {
        bool live = false;
        /// From when on it takes entries.
        std::optional<timestamp> bar{};
    };

    void add_parts(std::uint32_t stream, const stream_state& f, timestamp now, const checkpoint* earlier) {
        const auto& labels = spool_.streams()[stream].labels;
        shipment_part all;
        all.stream = stream;
        all.labels = loki::with_labels(labels, more_);
        if (all.labels == labels) {
            (f.live ? all.live_bar : all.idle_bar) = f.bar;
            all.urgent = f.live;
            parts_.push_back(std::move(all));
            return;
        }
        // The bar rises until what is behind it has been pushed.
        const timestamp cut = std::max(f.live ? *f.bar : timestamp::min(), now - ingester_.window()) + slack;
        shipment_part recent;
        recent.stream = stream;
        recent.labels = labels;
        (f.live ? recent.live_bar : recent.idle_bar) = f.bar;
        recent.urgent = true;
        const auto* history_before = earlier ? earlier->find(all.labels) : nullptr;
        const auto* recent_before = earlier ? earlier->find(labels) : nullptr;
        all.ranges = history_before ? history_before->ranges : std::vector<time_range>();
        recent.ranges = recent_before ? recent_before->ranges : std::vector<time_range>();
        if (all.ranges.empty())
            all.ranges = {{std::nullopt, recent.ranges.empty() ? cut : recent.ranges.front().from}};
        if (recent.ranges.empty())
            recent.ranges = {{all.ranges.back().until, std::nullopt}};
        // What was not taken, and is too old for the live stream by now, is history.
        time_range& last = recent.ranges.back();
        const auto taken = recent_before ? recent_before->taken_until : std::nullopt;
        const bool begun = taken && last.contains(*taken);
        const timestamp edge = begun ? *taken + std::chrono::nanoseconds(1) : last.from.value_or(cut);
        if (edge < cut) {
            if (begun)
                last.until = edge;
            else
                recent.ranges.pop_back();
            recent.ranges.push_back({cut, std::nullopt});
            if (all.ranges.back().until == edge)
                all.ranges.back().until = cut;
            else
                all.ranges.push_back({edge, cut});
        }
        if (spool_.streams()[stream].newest >= *recent.ranges.front().from)
            parts_.push_back(std::move(recent));
        parts_.push_back(std::move(all));
    }

    /// Whether anything of a part can be there already or refused.
    bool is_interesting(const shipment_part& p, const foresee_function& foresee) const {
        const auto& s = spool_.streams()[p.stream];
        spooled_entry e;
        e.line = {nullptr, 0, static_cast<std::uint32_t>(s.longest_line)};
        e.time = s.newest;
        const bool refused = foresee(p, e).has_value();
        e.time = text::saturating_add(s.oldest, -std::chrono::minutes(10));
        return refused || exists_[p.stream] || foresee(p, e);
    }

    boost::asio::awaitable<void> ask_for(const shipment_part& part, const std::vector<spooled_entry>& piece,
                                         std::vector<bool>& there) {
        sought_entries wanted{&spool_.streams()[part.stream].labels, {}};
        std::vector<loki::entry> entries;
        entries.reserve(piece.size());
        for (const auto& e : piece)
            wanted.entries.push_back(&entries.emplace_back(e.read()));
        read_back reader({std::move(wanted)}, options_);
        while (!reader.done())
            if (const auto failed = co_await reader.ask(patient_)) {
                fail(*failed);
                co_return;
            }
        const auto& known = reader.sought().front();
        there.assign(piece.size(), true);
        for (const auto* list : {&known.missing, &known.in_doubt})
            for (const auto i : *list)
                there[i] = false;
    }
    static void mark_present(shipment_part& part, std::uint64_t position) {
        if (!part.present.empty() && part.present.back().second == position)
            ++part.present.back().second;
        else
            part.present.emplace_back(position, position + 1);
    }

    void fail(const error& e) {
        silent_ = silent_ || (e.code != errc::bad_status && e.code != errc::service_unavailable);
        if (!std::exchange(failed_, true) && log_)
            log_(severity::warning,
                 "Loki cannot be asked what it has already, so nothing is left out: " + e.message);
    }

    /// Loki takes entries so far ahead.
    static constexpr std::chrono::minutes future{10};
    /// So long before it is too old for the live stream an entry counts as history.
    static constexpr std::chrono::minutes slack{10};
    /// No further back is Loki asked what it has.
    static constexpr std::chrono::days furthest_back{5 * 366};

    detail::patient_transport<Transport, Clock> patient_;
    Clock& clock_;
    const spool& spool_;
    loki::labels more_;
    loki::ingester_limits ingester_;
    read_back_options options_;
    log_function log_;
    survey_progress& progress_;
    std::vector<bool> exists_;
    std::vector<shipment_part> parts_;
    std::uint64_t live_streams_ = 0;
    bool failed_ = false;
    /// It does not even say no.
    bool silent_ = false;
};

} // namespace lokiship::ship

#endif
