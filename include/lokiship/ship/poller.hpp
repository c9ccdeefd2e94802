#ifndef LOKISHIP_SHIP_POLLER_HPP
#define LOKISHIP_SHIP_POLLER_HPP

#include <lokiship/aoss/to_entry.hpp>
#include <lokiship/clock.hpp>
#include <lokiship/error.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/dedup_window.hpp>
#include <lokiship/ship/endpoint_health.hpp>
#include <lokiship/ship/fetch.hpp>
#include <lokiship/ship/log.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/ship/shipper_options.hpp>

#include <boost/asio/awaitable.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace lokiship::ship {

/// What became of a poll.
struct poll_result {
    /// Why the backend did not give all.
    std::optional<error> failure{};
    /// There was no room for all of it; the next poll takes the rest.
    bool cut_short = false;
    /// A restart has to know more than before.
    bool news = false;
    /// Something came that is so old that Loki may have it, and the window not know of it any more.
    bool may_be_shown = false;
};

/// Puts what the backend has that the window does not know into the outbox. When a full page holds nothing known, larger
/// pages are asked for, until one meets what is known or the end.
///
/// All that it is given outlives it. Not thread-safe.
template <http::transport Transport, clock Clock>
class poller {
public:
    /// `on_counters` is called after each page.
    poller(Transport& backend, Clock& time, const shipper_options& options, dedup_window& window, outbox& box,
           counters& count, std::function<void()> on_counters)
        : backend_(backend)
        , clock_(time)
        , options_(options)
        , window_(window)
        , box_(box)
        , count_(count)
        , on_counters_(std::move(on_counters))
        , map_(std::in_place, options.redact, options.external_labels, options.structured_metadata)
        , scanner_(options.make_scanner ? options.make_scanner() : nullptr)
        , health_("the backend at " + backend.server()) {}

    /// Whether there is room for another poll. Streams with nothing pending are forgotten with the next push, which needs
    /// an entry.
    bool has_room() const noexcept { return box_.size() < options_.max_pending && !is_full(); }

    /// Whether a poll may be made while entries are settled: then what it has not come to yet is not forgotten for them.
    bool may_overlap() const noexcept { return window_.capacity() / 2 >= most_records_ && has_room(); }

    /// One poll, of one page or, unless `one_page`, more; what lies behind the page, the next poll reads. `out`, as made by
    /// default, holds what is known so far whenever it is broken off.
    boost::asio::awaitable<void> poll(poll_result& out, bool one_page = false) {
        const bool first = window_.is_empty();
        const std::uint64_t batch = options_.batch_size; // an update may change it
        std::uint64_t limit = batch;
        window_.begin_poll();
        aoss::page_limits page_limits;
        page_limits.max_records = std::max(options_.max_page_steps, options_.dedup_capacity);
        std::uint64_t records_before = 0;
        const aoss::page_reader::record_handler on_record = [this, &out](aoss::execution_record& r) {
            take(r, out);
        };
        for (;;) {
            window_.begin_page();
            larger_page_ = limit > batch;
            const std::uint64_t before = count_.fetched;
            auto request = aoss::logs_request({limit});
            request.idle_timeout = options_.fetch_timeout;
            request.total_timeout = max_page_time * options_.fetch_timeout;
            const auto page =
                co_await fetch_page(backend_, std::move(request), on_record, page_limits, scanner_.get());
            grow_window(count_.fetched - before);
            if (!page) {
                // After `stop` it was we who broke it off.
                if (!stopping_) {
                    ++count_.pages_failed;
                    say(severity::warning, health_.failed(page.error().cause.message, clock_.wall_now()));
                }
                on_counters_();
                out.failure = page.error().cause;
                co_return;
            }
            ++count_.pages;
            say(severity::info, health_.succeeded(clock_.wall_now()));
            on_counters_();
            if (out.cut_short)
                co_return;
            const bool full = page->executions() >= limit;
            if (first && full)
                say(severity::info, "first poll: took the newest " + std::to_string(page->executions_seen) +
                                        " executions; older history is what backfill ships");
            const bool more = full && !window_.has_reached() && !first;
            const bool stuck = (page->says_more() && page->records <= records_before) || limit == max_limit;
            if (more && stuck && !std::exchange(said_stuck_, true))
                say(severity::warning, backend_.server() + " says that it has more than the " +
                                           std::to_string(page->executions_seen) +
                                           " executions that it gives; going on with those");
            if (!more || stuck) {
                out.news = window_.end_poll() || out.news;
                co_return;
            }
            if (one_page || !has_room())
                co_return;
            records_before = page->records;
            limit = limit > max_limit / limit_growth ? max_limit : limit * limit_growth;
        }
    }

    /// From the next record on goes by the options as they are now.
    void update() { map_.emplace(options_.redact, options_.external_labels, options_.structured_metadata); }

    const endpoint_status& backend() const noexcept { return health_.status(); }
    /// The newest time of a step that was read.
    std::optional<timestamp> newest_read() const noexcept { return newest_read_; }

    /// What fails from now on is no failure of the backend.
    void stop() noexcept { stopping_ = true; }

private:
    bool is_full() const noexcept { return !box_.empty() && box_.memory() >= options_.max_pending_memory; }

    void take(aoss::execution_record& record, poll_result& out) {
        // What is behind it in the page is older, and must not pass for reached.
        out.cut_short = out.cut_short || is_full();
        if (out.cut_short)
            return;
        aoss::mapped_step& step = (*map_)(record, [this] { return clock_.wall_now(); });
        const auto created = step.time_replaced ? std::nullopt : std::optional(step.entry.time);
        if (created)
            newest_read_ = std::max(newest_read_.value_or(*created), *created);
        if (!options_.shard.owns(record.server_id)) {
            // It tells as well as another how far the page reaches.
            window_.read(step.key, false, created);
            ++count_.of_other_shards;
            return;
        }
        ++count_.fetched;
        const bool known = window_.knows(step.key) || box_.contains(step.key);
        window_.read(step.key, known, created);
        if (known) {
            ++count_.duplicate;
            return;
        }
        // What is that old may have been shipped so long ago that it is not remembered.
        out.may_be_shown = out.may_be_shown || (larger_page_ && created && window_.is_older(*created));
        out.news = true;
        box_.add(step.labels, std::move(step.entry), step.key);
        ++count_.pending;
        count_.timestamps_replaced += step.time_replaced;
        count_.labels_changed += step.labels_changed;
        count_.redacted += step.redacted;
    }

    /// With fewer keys than a page has steps, each poll would forget what the next one asks for.
    void grow_window(std::uint64_t records) {
        most_records_ = std::max(most_records_, records);
        if (records <= window_.capacity())
            return;
        if (!std::exchange(said_grown_, true))
            say(severity::warning, "a page holds " + std::to_string(records) + " steps, more than the " +
                                       std::to_string(window_.capacity()) +
                                       " that the dedup window keeps; the window grows to hold a page");
        window_.grow(static_cast<std::size_t>(records));
    }

    void say(severity level, const std::optional<std::string>& text) const {
        if (text && options_.log)
            options_.log(level, *text);
    }

    static constexpr int max_page_time = 6;
    static constexpr std::uint64_t limit_growth = 4;
    static constexpr std::uint64_t max_limit = 1'000'000'000;

    Transport& backend_;
    Clock& clock_;
    const shipper_options& options_;
    dedup_window& window_;
    outbox& box_;
    counters& count_;
    std::function<void()> on_counters_;
    std::optional<aoss::step_mapper> map_;
    std::unique_ptr<aoss::record_scanner> scanner_;
    endpoint_health health_;
    std::optional<timestamp> newest_read_{};
    /// How many records a page had at most.
    std::uint64_t most_records_ = 0;
    /// The page that is read is larger than those of other polls.
    bool larger_page_ = false;
    bool said_grown_ = false;
    bool said_stuck_ = false;
    bool stopping_ = false;
};

} // namespace lokiship::ship

#endif
