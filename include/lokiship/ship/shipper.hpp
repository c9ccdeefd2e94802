#ifndef LOKISHIP_SHIP_SHIPPER_HPP
#define LOKISHIP_SHIP_SHIPPER_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/ship/backoff.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/dedup_window.hpp>
#include <lokiship/ship/delivery.hpp>
#include <lokiship/ship/endpoint_health.hpp>
#include <lokiship/ship/log.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/ship/poller.hpp>
#include <lokiship/ship/shipper_options.hpp>
#include <lokiship/ship/shipper_state.hpp>
#include <lokiship/ship/shipper_status.hpp>
#include <lokiship/ship/shown_entries.hpp>
#include <lokiship/ship/state_file.hpp>
#include <lokiship/ship/task_group.hpp>
#include <lokiship/ship/verification.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace lokiship::ship {

/// Polls the backend and ships what is new to Loki, for ever.
///
/// A step is marked as shipped only after Loki has stored or refused it. Entries that Loki does not take stay
/// in memory and are offered again, with exponential backoff; polling goes on meanwhile, also while pushes are
/// under way. When a full page holds nothing known, the shipper asks for larger pages until it meets what it knows or the end, in the next
/// polls where one does not suffice; after a start without a state it knows nothing and ships one page, since history is
/// backfill's work. After a start with one, or with `resume_from_loki`, it leaves out what Loki shows of the first polls.
///
/// Both transports and the clock must outlive the object, and `run` must have completed before it is
/// destroyed. Not thread-safe: everything happens on the executor that runs `run`, which must run on one
/// thread.
template <http::transport Transport, clock Clock>
class basic_shipper {
public:
    basic_shipper(Transport& backend, Transport& loki, Clock& time, shipper_options options)
        : options_(checked(std::move(options)))
        , backend_(backend)
        , loki_(loki)
        , clock_(time)
        , window_(options_.dedup_capacity)
        , poller_(backend, time, options_, window_, box_, count_,
                  [this] {
                      last_activity_ = clock_.steady_now();
                      publish();
                  })
        , retry_(options_.backoff)
        , loki_health_("Loki at " + loki.server())
        , delivery_(
              loki, time, box_, count_, options_.delivery,
              [this](const outbox::lane& l, const pending_entry& p,
                     std::optional<loki::reject_reason> refused) {
                  window_.settle(p.key);
                  unsaved_ = true;
                  if (!refused && options_.verify_interval.count() > 0)
                      shipped_.add(l, p);
              },
              [this] {
                  last_activity_ = clock_.steady_now();
                  if (std::exchange(pushes_, count_.pushes) != count_.pushes)
                      loki_health_.progressed(clock_.wall_now());
                  save_at_times();
                  publish();
              },
              options_.log)
        , random_(options_.backoff.any_seed()) {}
    basic_shipper(const basic_shipper&) = delete;
    basic_shipper& operator=(const basic_shipper&) = delete;

    /// Takes the state file, where the options name one, and goes on from what it says; what cannot be used is set aside and
    /// logged. Errors, which name the file: the system's, with `std::errc::resource_unavailable_try_again` where another
    /// process has it. `run` does so by itself, and goes on without the file where it cannot be had.
    result<void> open_state() {
        if (options_.state_file.empty() || file_.is_open())
            return {};
        auto found = file_.open(options_.state_file, source());
        if (!found)
            return found.error();
        if (found->set_aside)
            say(severity::warning, *found->set_aside);
        if (found->state)
            restore(*found->state);
        return {};
    }

    /// Ships until `stop`. Never ends otherwise, and throws nothing for what servers do. To cancel it, call
    /// `stop`; the cancellation of the awaiting coroutine has no effect.
    boost::asio::awaitable<void> run() {
        co_await start();
        next_poll_ = clock_.steady_now();
        auto next_push = next_poll_;
        while (!stopping_) {
            last_activity_ = clock_.steady_now();
            // An update may change it.
            if (const auto interval = options_.verify_interval; interval.count() > 0) {
                next_verify_ = std::min(next_verify_, last_activity_ + interval);
            } else {
                next_verify_ = steady_time::max();
                shipped_.clear();
            }
            if (poller_.has_room() && clock_.steady_now() >= next_poll_) {
                next_poll_ = clock_.steady_now() + options_.poll_interval;
                co_await poll();
            }
            save_at_times();
            if (!box_.empty() && !stopping_ && clock_.steady_now() >= next_push) {
                const auto wait = co_await push(next_poll_);
                next_push = clock_.steady_now() + wait;
            }
            if (!stopping_ && clock_.steady_now() >= next_verify_) {
                next_verify_ = clock_.steady_now() + options_.verify_interval;
                co_await until(stop_->interrupt, verify());
                if (!box_.empty())
                    continue;
            }
            if (stopping_)
                break;
            // Where it may not poll either, so that whoever watches it sees that it lives.
            auto wake = poller_.has_room() ? next_poll_ : clock_.steady_now() + options_.poll_interval;
            wake = std::min(wake, next_verify_);
            if (!box_.empty())
                wake = std::min(wake, next_push);
            if (unsaved_ && file_.is_open())
                wake = std::min(wake, next_save_);
            sleeping_ = true;
            co_await until(stop_->interrupt, clock_.sleep_for(wake - clock_.steady_now()));
            sleeping_ = woken_ = false;
        }
        save();
        stop_->grace.emit(boost::asio::cancellation_type::terminal);
    }

    /// One poll and one round of pushes. Empty where all is shipped or refused; otherwise why not.
    boost::asio::awaitable<std::optional<error>> run_once() {
        co_await start();
        steady_time never = steady_time::max();
        do {
            co_await poll();
            if (!box_.empty() && !stopping_)
                co_await push(never);
        } while (polled_.cut_short && !polled_.failure && !push_failure_ && !stopping_);
        save();
        stop_->grace.emit(boost::asio::cancellation_type::terminal);
        co_return polled_.failure ? polled_.failure : push_failure_;
    }

    /// Lets `run` end: at once where it waits or reads, after the pushes in flight otherwise, and after
    /// `stop_timeout` at the latest. Call it on the shell's thread.
    void stop() {
        if (std::exchange(stopping_, true))
            return;
        poller_.stop();
        delivery_.stop();
        stop_->interrupt.emit(boost::asio::cancellation_type::terminal);
        if (executor_)
            boost::asio::co_spawn(
                *executor_, abandon_later(clock_, options_.stop_timeout, stop_),
                boost::asio::bind_cancellation_slot(stop_->grace.slot(), boost::asio::detached));
    }

    /// Goes on by these options, from the next poll and the next push on, without losing or repeating anything.
    ///
    /// Taken are `poll_interval`, `batch_size`, `fetch_timeout`, `redact` (a step in which it replaces something else is
    /// another step), `external_labels`, `structured_metadata`, `verify_interval`, `read_back`, the limits of what waits,
    /// `stop_timeout`, and of `delivery` all but rates, concurrency and the size of bodies. What else they say takes another
    /// shipper. Throws `std::invalid_argument`, and nothing changes, where one is out of its range. Call it on the shell's
    /// thread, and not from a callback of the options.
    void update(shipper_options options) {
        shipper_options next = options_;
        next.poll_interval = options.poll_interval;
        next.batch_size = options.batch_size;
        next.fetch_timeout = options.fetch_timeout;
        next.redact = std::move(options.redact);
        next.external_labels = std::move(options.external_labels);
        next.structured_metadata = options.structured_metadata;
        next.verify_interval = options.verify_interval;
        next.max_pending = options.max_pending;
        next.max_pending_memory = options.max_pending_memory;
        next.stop_timeout = options.stop_timeout;
        next.delivery = std::move(options.delivery);
        next.read_back = std::move(options.read_back);
        options_ = checked(std::move(next));
        poller_.update();
        delivery_.update(options_.delivery);
        next_poll_ = std::min(next_poll_, clock_.steady_now() + options_.poll_interval);
        woken_ = sleeping_;
        if (woken_)
            stop_->interrupt.emit(boost::asio::cancellation_type::terminal);
    }

    /// They balance whenever the shell's thread is outside of this object.
    const counters& count() const noexcept { return count_; }
    std::size_t dedup_capacity() const noexcept { return window_.capacity(); }
    /// How it stands. Looks at everything that waits. Call it on the shell's thread.
    shipper_status status() {
        shipper_status out;
        out.count = count_;
        out.memory = box_.memory();
        box_.visit_lanes([&out](const outbox::lane& l) {
            ++out.streams;
            for (const auto* list : {&l.batch, &l.queue})
                for (const auto& p : *list)
                    out.oldest_pending =
                        std::min(out.oldest_pending.value_or(p.original_time()), p.original_time());
        });
        out.dedup_keys = window_.size();
        out.dedup_capacity = window_.capacity();
        out.pushes_in_flight = delivery_.in_flight();
        out.push_concurrency = delivery_.concurrency();
        out.newest_read = poller_.newest_read();
        out.backend = poller_.backend();
        out.loki = loki_health_.status();
        out.last_activity = last_activity_;
        return out;
    }

private:
    static shipper_options checked(shipper_options o) {
        o.validate();
        o.delivery.max_idle_memory = std::min(o.delivery.max_idle_memory, o.max_pending_memory / 2);
        return o;
    }

    /// Outlives the shipper where the grace period does.
    struct stop_state {
        /// Waiting and reading; pushes; the grace period itself.
        boost::asio::cancellation_signal interrupt, abandon, grace;
    };

    static boost::asio::awaitable<void> abandon_later(Clock& time, std::chrono::nanoseconds wait,
                                                      std::shared_ptr<stop_state> stop) {
        co_await time.sleep_for(wait);
        stop->abandon.emit(boost::asio::cancellation_type::terminal);
    }

    /// Runs the operation until it ends or, after `stop`, the signal cancels it.
    boost::asio::awaitable<void> until(boost::asio::cancellation_signal& signal,
                                       boost::asio::awaitable<void> operation) {
        // A signal that was emitted before reaches nobody.
        if (stopping_)
            co_return;
        const auto executor = co_await boost::asio::this_coro::executor;
        try {
            co_await boost::asio::co_spawn(
                executor, std::move(operation),
                boost::asio::bind_cancellation_slot(signal.slot(), boost::asio::use_awaitable));
        } catch (const boost::system::system_error&) {
            if (!stopping_ && !woken_)
                throw;
        }
    }

    boost::asio::awaitable<void> start() {
        co_await boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
        executor_ = co_await boost::asio::this_coro::executor;
        if (const auto r = open_state(); !r)
            say(severity::warning, "going on without the state file: " + r.error().message);
        if (options_.resume_from_loki && window_.is_empty())
            co_await until(stop_->interrupt, ask_for_newest());
    }

    /// Until Loki answers: before, nothing could be shipped.
    boost::asio::awaitable<void> ask_for_newest() {
        backoff retry(options_.backoff);
        const loki::labels streams = loki::with_labels({{"job", "aoss"}}, options_.external_labels);
        for (;;) {
            const auto newest = co_await newest_shown(loki_, streams, clock_.wall_now(), options_.read_back);
            if (newest) {
                say(severity::info, loki_health_.succeeded(clock_.wall_now()));
                // Not all streams are equally far; what is older than this they would not take.
                if (*newest) {
                    const timestamp from = **newest - options_.delivery.ingester.window();
                    window_.reach_back_to(from);
                    say(severity::info,
                        "going on from " + text::format_rfc3339(from) + ", from what Loki has");
                }
                checks_shown_ = newest->has_value();
                co_return;
            }
            if (newest.error().code == errc::bad_status) {
                say(severity::warning, "Loki cannot be asked for what it has, so that only the newest " +
                                           std::to_string(options_.batch_size) +
                                           " executions are shipped: " + newest.error().message);
                co_return;
            }
            say(severity::warning, loki_health_.failed(newest.error().message, clock_.wall_now()));
            const auto wait =
                retry.failed(std::uniform_real_distribution<double>(0, 1)(random_), std::nullopt);
            co_await clock_.sleep_for(wait);
        }
    }

    void restore(const shipper_state& s) {
        const auto wall = clock_.wall_now();
        const auto now = clock_.steady_now();
        window_.restore(s);
        checks_shown_ = true;
        for (const auto& f : s.streams) {
            auto known = f.acknowledged.memory(wall, now);
            // What was stored since the state was written may have raised it.
            known.bar = timestamp::max();
            box_.stream(f.labels).window = loki::stream_window(known);
        }
    }
    shipper_state state() {
        const auto wall = clock_.wall_now();
        const auto now = clock_.steady_now();
        shipper_state out{source()};
        window_.save(out);
        box_.visit_lanes([&](const outbox::lane& l) {
            for (const auto* list : {&l.batch, &l.queue})
                for (const auto& p : *list) {
                    const auto time = p.original_time();
                    out.reach_back_to = std::min(out.reach_back_to.value_or(time), time);
                }
            if (l.window.is_fresh(now, options_.delivery.ingester))
                out.streams.push_back({l.labels, acknowledged_window(*l.window.known(), wall, now)});
        });
        return out;
    }
    /// What the state is of: with another share of the servers it says nothing of those that came.
    std::string source() const {
        return backend_.server() + (options_.shard.count == 1 ? "" : " shard " + options_.shard.name());
    }
    void save_at_times() {
        if (clock_.steady_now() >= next_save_)
            save();
    }
    void save() {
        if (!unsaved_ || !file_.is_open())
            return;
        next_save_ = clock_.steady_now() + save_interval;
        const auto r = file_.save(state());
        unsaved_ = !r;
        if (!r && !std::exchange(said_unsaved_, true))
            say(severity::warning, "the state " + r.error().message + "; going on, trying again");
        else if (r && std::exchange(said_unsaved_, false))
            say(severity::info, "the state file is written again");
    }

    boost::asio::awaitable<void> poll(bool one_page = false) {
        polled_ = {};
        std::exception_ptr thrown;
        try {
            co_await until(stop_->interrupt, poller_.poll(polled_, one_page));
        } catch (...) {
            thrown = std::current_exception();
        }
        unsaved_ = unsaved_ || polled_.news;
        checks_shown_ = checks_shown_ || polled_.may_be_shown;
        if (thrown)
            std::rethrow_exception(thrown);
    }

    /// Leaves out what Loki has already. Where it does not answer, a push would fail as well, up to some times.
    boost::asio::awaitable<void> check_shown(round_result& out) {
        const auto shown = [this](const pending_entry& p) {
            window_.settle(p.key);
            --count_.pending;
            ++count_.duplicate;
            unsaved_ = true;
        };
        const std::function<void(const pending_entry&)> on_shown = shown;
        const auto failed = co_await leave_out_shown(loki_, box_, options_.read_back, on_shown);
        publish();
        if (!failed)
            checks_shown_ = window_.is_behind();
        else if (failed->code != errc::bad_status && ++checks_failed_ != max_checks)
            out.failure = *failed;
        else if (std::exchange(checks_shown_, false))
            say(severity::warning,
                "Loki cannot be asked for what it has: " + failed->message +
                    "; shipping all the same, and what it has already may count as rejected");
    }

    boost::asio::awaitable<void> round(round_result& out) { out = co_await delivery_.round(); }
    /// A round, and the next poll where that is due before the round's end.
    boost::asio::awaitable<void> round_and_poll(round_result& out, steady_time& next_poll) {
        task_group polling(*executor_);
        boost::asio::cancellation_signal over;
        polling.spawn(poll_meanwhile(next_poll, over));
        std::exception_ptr thrown;
        try {
            co_await until(stop_->abandon, round(out));
        } catch (...) {
            thrown = std::current_exception();
        }
        over.emit(boost::asio::cancellation_type::terminal);
        while (!polling.empty())
            co_await polling.wait();
        if (thrown)
            std::rethrow_exception(thrown);
    }
    /// One: what it brings must not keep the round, and what was postponed in it, from ending.
    boost::asio::awaitable<void> poll_meanwhile(steady_time& next_poll,
                                                boost::asio::cancellation_signal& over) {
        try {
            co_await boost::asio::co_spawn(
                *executor_, clock_.sleep_for(next_poll - clock_.steady_now()),
                boost::asio::bind_cancellation_slot(over.slot(), boost::asio::use_awaitable));
        } catch (const boost::system::system_error&) {
            co_return;
        }
        if (stopping_ || !poller_.may_overlap())
            co_return;
        next_poll = clock_.steady_now() + options_.poll_interval;
        co_await poll(true);
        delivery_.look_again();
    }

    /// A round of pushes. Gives the time to wait before the next one.
    boost::asio::awaitable<std::chrono::nanoseconds> push(steady_time& next_poll) {
        round_result done;
        if (checks_shown_)
            co_await until(stop_->interrupt, check_shown(done));
        if (stopping_)
            co_return std::chrono::nanoseconds(0);
        if (!done.failure)
            co_await round_and_poll(done, next_poll);
        loki_said(done);
        if (!done.failure || done.progress)
            retry_.succeeded();
        if (!done.failure)
            co_return std::chrono::nanoseconds(0);
        co_return retry_.failed(std::uniform_real_distribution<double>(0, 1)(random_), done.retry_after);
    }

    /// Reads back what was shipped since the last time.
    boost::asio::awaitable<void> verify() {
        const auto now = clock_.wall_now();
        const auto shown_since = now - options_.read_back.limits.shows_at_once();
        shipped_.forget_older_than(shown_since);
        const auto looked = co_await shipped_.look(loki_, count_, now, options_.read_back);
        if (looked.in_doubt != 0)
            say(severity::warning, std::to_string(looked.in_doubt) +
                                       " entries cannot be read back, since Loki has more of their "
                                       "nanosecond than it shows");
        if (looked.failure) {
            say(severity::warning, "what was shipped could not be read back: " + looked.failure->message);
        } else {
            const auto again = shipped_.take_back(shown_since, box_, count_,
                                                  [this](const rejection& r) { delivery_.report(r); });
            if (again != 0)
                say(severity::warning,
                    std::to_string(again) +
                        " entries that Loki acknowledged are not there; sending them again");
        }
        publish();
    }

    void loki_said(const round_result& done) {
        push_failure_ = done.failure;
        if (done.failure && !stopping_)
            say(severity::warning, loki_health_.failed(done.failure->message, clock_.wall_now()));
        else if (!done.failure && (done.progress || box_.empty()))
            say(severity::info, loki_health_.succeeded(clock_.wall_now()));
    }

    void say(severity level, const std::optional<std::string>& text) const {
        if (text && options_.log)
            options_.log(level, *text);
    }
    void publish() const {
        if (options_.on_counters)
            options_.on_counters(count_);
    }

    static constexpr std::chrono::seconds save_interval{1};
    static constexpr unsigned max_checks = 3;

    shipper_options options_;
    Transport& backend_;
    Transport& loki_;
    Clock& clock_;
    dedup_window window_;
    outbox box_;
    counters count_;
    poller<Transport, Clock> poller_;
    verification shipped_;
    backoff retry_;
    endpoint_health loki_health_;
    /// As the counters said last.
    std::uint64_t pushes_ = 0;
    steady_time last_activity_{};
    steady_time next_poll_{}, next_verify_ = steady_time::max();
    /// It waits for the next turn, and an update has ended that.
    bool sleeping_ = false, woken_ = false;
    delivery<Transport, Clock> delivery_;
    std::shared_ptr<stop_state> stop_ = std::make_shared<stop_state>();
    std::optional<boost::asio::any_io_executor> executor_;
    poll_result polled_;
    std::optional<error> push_failure_;
    std::mt19937_64 random_;
    /// What the next polls bring, Loki may have.
    bool checks_shown_ = false;
    unsigned checks_failed_ = 0;
    class state_file file_;
    bool unsaved_ = false, said_unsaved_ = false;
    steady_time next_save_{};
    bool stopping_ = false;
};

} // namespace lokiship::ship

#endif
