#ifndef LOKISHIP_SHIP_BACKFILL_HPP
#define LOKISHIP_SHIP_BACKFILL_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/ship/backfill_options.hpp>
#include <lokiship/ship/backoff.hpp>
#include <lokiship/ship/checkpoint.hpp>
#include <lokiship/ship/checkpoint_file.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/delivery.hpp>
#include <lokiship/ship/history.hpp>
#include <lokiship/ship/intake.hpp>
#include <lokiship/ship/log.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/ship/plan.hpp>
#include <lokiship/ship/refusal_forecast.hpp>
#include <lokiship/ship/resumption.hpp>
#include <lokiship/ship/shipment.hpp>
#include <lokiship/ship/shipped_entries.hpp>
#include <lokiship/ship/spool.hpp>
#include <lokiship/ship/survey.hpp>
#include <lokiship/ship/verification.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace lokiship::ship {

/// Ships all history that the backend gives, oldest first within each stream, in one run and in bounded memory.
///
/// The steps, in order: `read` fills the spool on disk, `look` asks Loki what it has and plans, `ship` pushes, and `verify`
/// reads back. `run` takes all of them; a step after one that failed does nothing. Both transports and the clock must
/// outlive the object. Not thread-safe. Cancelling the coroutine of a step abandons what is in flight and throws
/// `system_error` (`operation_aborted`); the checkpoint then is as it was before the last push.
template <http::transport Transport, clock Clock>
class basic_backfill {
public:
    basic_backfill(Transport& backend, Transport& loki, Clock& time, backfill_options options)
        : options_(checked(std::move(options)))
        , backend_(backend)
        , loki_(loki)
        , clock_(time)
        , spool_(options_.spool)
        , intake_(spool_, options_, count_, plan_)
        , shipment_(spool_, box_, count_, shipment_options(options_),
                    [this](const shipment_part& p, const spooled_entry& e) { return withhold(p, e); })
        , retry_(options_.backoff)
        , delivery_(
              loki, time, box_, count_, options_.delivery,
              [this](const outbox::lane& l, const pending_entry& p,
                     std::optional<loki::reject_reason> refused) { settled(l, p, refused); },
              [this] { pushed(); }, options_.log)
        , random_(options_.backoff.any_seed()) {}
    basic_backfill(const basic_backfill&) = delete;
    basic_backfill& operator=(const basic_backfill&) = delete;

    /// Reads everything, ships everything, and verifies where the options say so.
    boost::asio::awaitable<backfill_result> run() {
        co_await read();
        co_await look();
        co_await ship();
        if (options_.verify)
            co_await verify();
        co_return result_;
    }

    /// Reads the history into the spool, after the checkpoint, where there is one.
    boost::asio::awaitable<void> read() {
        if (!open_checkpoint())
            co_return;
        const aoss::page_reader::record_handler on_record = [this](aoss::execution_record& r) {
            intake_.take(r, [this] { return clock_.wall_now(); });
            if (count_.fetched % 4096 == 0)
                publish();
        };
        history_reader<Transport, Clock> reader(
            backend_, clock_, options_.fetch_timeout, on_record,
            [this](bool failed) {
                ++(failed ? count_.pages_failed : count_.pages);
                publish();
            },
            options_.make_scanner ? options_.make_scanner() : nullptr);
        try {
            history_summary summary = co_await reader.read(options_.query);
            result_.incomplete = summary.incomplete;
            result_.read_failure = summary.failure;
            spool_.finish();
        } catch (const boost::system::system_error& e) {
            failed(e);
        }
        result_.executions = plan_.executions;
        if (result_.failed()) {
            // Newest first: without its end nothing of the history may go.
            count_ = {.pages_failed = count_.pages_failed};
            plan_ = {};
        }
        publish();
    }

    /// Takes an entry from elsewhere, such as a file, instead of from the backend. Call it before `look`.
    void add(const loki::labels& labels, const loki::entry& entry, const aoss::step_key& key) {
        if (result_.failed())
            return;
        try {
            intake_.add(labels, entry, key);
        } catch (const boost::system::system_error& e) {
            failed(e);
        }
    }

    /// Asks Loki what it has, and works out the plan.
    boost::asio::awaitable<void> look() {
        if (result_.failed() || !open_checkpoint())
            co_return;
        try {
            spool_.finish();
            survey<Transport, Clock> all(loki_, clock_, spool_, options_.labels, options_.delivery.ingester,
                                         options_.read_back, options_.log, surveyed_);
            co_await all.ask_for_streams(saved_ ? &*saved_ : nullptr);
            forecast_ = refusal_forecast(options_.limits, options_.delivery, clock_.wall_now());
            plan_.live_streams = all.live_streams();
            plan_.certain = options_.limits.known && !options_.delivery.push_refused;
            const typename survey<Transport, Clock>::foresee_function foreseen =
                [this](const shipment_part& p, const spooled_entry& e) { return forecast_.likely(p, e); };
            std::uint64_t forgotten = 0;
            for (auto& part : all.parts()) {
                surveyed_.compared = part.stream;
                if (const auto* before = saved_ ? saved_->find(part.labels) : nullptr)
                    forgotten += co_await go_on(part, *before);
                co_await all.inspect(part, plan_, foreseen);
                shipment_.add(std::move(part));
            }
            surveyed_.compared = surveyed_.streams;
            plan_.unseen = all.failed();
            if (forgotten != 0)
                say(severity::warning,
                    "the history is not what it was at the checkpoint; of " + std::to_string(forgotten) +
                        " entries behind what changed, those that Loki shows are left out, and the rest is "
                        "shipped");
            saved_.reset();
        } catch (const boost::system::system_error& e) {
            failed(e);
        }
        publish();
    }
    /// What was read so far, and what `look` found.
    const backfill_plan& plan() const noexcept { return plan_; }
    /// How far `look` is.
    const survey_progress& surveyed() const noexcept { return surveyed_; }

    /// Ships what was read. Returns when all is shipped or refused, or `stop` was called, or Loki brought nothing forward
    /// `max_attempts` times in a row, or at once where a person must act first (credentials, tenant, address).
    boost::asio::awaitable<void> ship() {
        if (result_.failed())
            co_return;
        try {
            pushed();
            co_await push_all();
            save();
        } catch (const boost::system::system_error& e) {
            failed(e);
        }
        publish();
    }

    /// Lets `ship` return after the pushes in flight. What is left stays pending, and goes on from the checkpoint.
    void stop() noexcept {
        stopped_ = true;
        delivery_.stop();
    }
    /// Whether pushes are under way, for which `stop` waits.
    bool is_pushing() const noexcept { return pushing_; }

    /// Reads back what was shipped. What Loki must show and does not is sent again once. Ends when all was seen, or
    /// after `verify_wait`, or where Loki cannot be asked.
    boost::asio::awaitable<void> verify() {
        if (result_.failed() || stopped_)
            co_return;
        try {
            shipped_entries source(spool_, shipment_);
            co_await verify_all(source);
            const std::size_t not_shown = shown_.not_shown();
            result_.not_visible += not_shown;
            result_.not_verified += shown_.size() - not_shown + source.left();
        } catch (const boost::system::system_error& e) {
            failed(e);
        }
        publish();
    }

    const backfill_result& result() const noexcept { return result_; }
    const counters& count() const noexcept { return count_; }
    /// The bytes of the lines that are shipped or refused.
    std::uint64_t bytes_settled() const noexcept { return shipment_.bytes_settled(); }

    /// Visits every entry as `f(labels, entry)`, oldest first: within each stream, or, where `spool_options::one_order` is
    /// set, all. Call it after `look`, or after `read` without `look`.
    template <class F>
    void visit(F f) {
        spool_.finish();
        const std::size_t n = options_.spool.one_order ? 1 : spool_.streams().size();
        spooled_entry e;
        for (std::uint32_t i = 0; i != n; ++i)
            for (auto cursor = spool_.read(i); cursor.next(e);)
                f(loki::with_labels(spool_.streams()[e.stream].labels, options_.labels), e.read());
    }

private:
    static backfill_options checked(backfill_options o) {
        o.validate();
        // A thousand long lines are enough memory for one answer.
        o.read_back.limits.max_entries = std::min<std::size_t>(o.read_back.limits.max_entries, 1000);
        return o;
    }
    static typename shipment::options shipment_options(const backfill_options& o) {
        shipment::options out;
        out.streams = 2 * o.delivery.concurrency;
        out.max_entries = o.delivery.batch.max_entries;
        out.max_bytes = o.delivery.batch.max_bytes;
        out.max_memory = o.delivery.max_bytes_in_flight;
        out.with_lines = o.delivery.late == late_entries::restamp;
        return out;
    }

    /// Reads the checkpoint, once. False where it cannot be used: the result says why.
    bool open_checkpoint() {
        if (options_.checkpoint.empty() || file_.is_open())
            return !result_.failed();
        auto found = file_.open(options_.checkpoint, options_.job);
        if (!found) {
            const auto& [code, message] = found.error();
            const bool unusable = code == errc::unusable_checkpoint ||
                                  code == boost::system::errc::resource_unavailable_try_again;
            (unusable ? result_.checkpoint_failure : result_.disk_failure) =
                error(code, unusable ? message : "the checkpoint " + message);
            return false;
        }
        saved_ = std::move(*found);
        if (saved_) {
            options_.query.since = saved_->since;
            options_.query.until = saved_->until;
        }
        return true;
    }

    /// Takes over what an earlier run did for this part. How many entries of it are unclear.
    boost::asio::awaitable<std::uint64_t> go_on(shipment_part& part, const checkpoint::stream& before) {
        const std::uint64_t unclear =
            co_await ship::resume(spool_, part, before, clock_.wall_now(), clock_.steady_now());
        count_.pending -= part.progress.settled();
        plan_.resumed += part.progress.settled();
        for (const auto& r : part.progress.outcomes()) {
            count_settled(count_, r.what, r.count);
            if (r.what.reason())
                plan_.resumed_rejected += r.count;
            if (r.what == outcome::restamped()) {
                count_.restamped += r.count;
                // Their times are not known any more.
                result_.not_verified += options_.verify ? r.count : 0;
            }
        }
        co_return unclear;
    }

    /// Why an entry is not sent; it is reported then.
    std::optional<loki::reject_reason> withhold(const shipment_part& p, const spooled_entry& e) {
        const auto reason = forecast_.certain(p, e);
        if (reason)
            delivery_.report({p.labels, e.read(), e.key, *reason, forecast_.why(p, *reason)});
        return reason;
    }

    void settled(const outbox::lane& l, const pending_entry& p, std::optional<loki::reject_reason> refused) {
        if (p.lost_before) {
            // It was accounted for when it was acknowledged first.
            if (!refused)
                shown_.add(l, p);
            return;
        }
        shipment_.settled(p, refused);
        // Its time is not in the spool.
        if (!refused && p.restamped && options_.verify) {
            if (shown_.size() < most_restamped_in_view)
                shown_.add(l, p);
            else
                ++result_.not_verified;
        }
    }
    /// After each push: what comes next is brought, and nothing of it is sent before the checkpoint tells so.
    void pushed() {
        try {
            if (!stopped_) {
                // While some are under way, the next must be there.
                shipment_.limit_ready(2 * delivery_.concurrency());
                shipment_.top_up(clock_.steady_now());
            }
            if (file_.is_open() && shipment_.must_be_saved())
                save();
        } catch (...) {
            // No other worker may send what was brought and is not on disk.
            delivery_.stop();
            throw;
        }
        publish();
    }
    void save() {
        if (!file_.is_open())
            return;
        const checkpoint c{options_.job, options_.query.since, options_.query.until};
        const auto streams = shipment_.state(clock_.wall_now(), clock_.steady_now());
        if (const auto r = file_.save(c, streams); !r) {
            result_.disk_failure = error(r.error().code, "the checkpoint " + r.error().message);
            throw boost::system::system_error(r.error().code);
        }
    }

    boost::asio::awaitable<void> push_all() {
        unsigned failures = 0;
        while ((!box_.empty() || !shipment_.empty()) && !stopped_) {
            if (shipment_.needs_more()) {
                // Much was settled without a push. Others have their turn.
                pushed();
                co_await boost::asio::post(co_await boost::asio::this_coro::executor,
                                           boost::asio::use_awaitable);
                continue;
            }
            round_result round;
            {
                const pushing_flag flag(pushing_);
                round = co_await delivery_.round();
            }
            if (round.progress) {
                failures = 0;
                retry_.succeeded();
            }
            if (!round.failure || stopped_)
                continue;
            if (round.blocked || ++failures >= options_.max_attempts) {
                result_.ship_failure = round.failure;
                co_return;
            }
            const auto wait =
                retry_.failed(std::uniform_real_distribution<double>(0, 1)(random_), round.retry_after);
            say(severity::warning, round.failure->message + "; attempt " + std::to_string(failures) + " of " +
                                       std::to_string(options_.max_attempts));
            co_await clock_.sleep_for(wait);
        }
    }

    boost::asio::awaitable<void> verify_all(shipped_entries& source) {
        const auto until = clock_.steady_now() + options_.verify_wait;
        unsigned failures = 0;
        for (;;) {
            const std::size_t waiting = shown_.size();
            source.bring(shown_);
            const bool brought = shown_.size() != waiting;
            const auto now = clock_.wall_now();
            const auto shown_since = now - options_.read_back.limits.shows_at_once();
            const auto end_of_look = std::max(until, clock_.steady_now() + least_look);
            const std::function<bool()> is_over = [this, end_of_look] {
                return clock_.steady_now() > end_of_look;
            };
            const auto looked = co_await shown_.look(loki_, count_, now, options_.read_back, is_over);
            result_.not_verified += looked.in_doubt;
            publish();
            if (looked.failure && ++failures >= options_.max_attempts) {
                result_.verify_failure = looked.failure;
                co_return;
            }
            if (!looked.failure) {
                failures = 0;
                if (shown_.take_back(shown_since, box_, count_,
                                     [this](const rejection& r) { delivery_.report(r); }) != 0) {
                    say(severity::warning,
                        std::to_string(box_.size()) +
                            " entries that Loki acknowledged are not there; sending them again");
                    co_await push_all();
                    if (result_.ship_failure || stopped_)
                        co_return;
                    if (!looked.cut_short)
                        continue;
                }
                if (looked.cut_short)
                    break;
                const bool late = clock_.steady_now() >= until;
                if (shown_.size() == 0 && source.at_end())
                    break;
                if (late && !shipped_entries::has_room(shown_)) {
                    // What does not show in time makes room for the rest.
                    result_.not_visible += shown_.size();
                    shown_.clear();
                }
                if (late && source.at_end())
                    break;
                if ((brought || late) && !source.at_end() && shipped_entries::has_room(shown_))
                    continue;
            }
            co_await clock_.sleep_for(std::chrono::seconds(5));
        }
    }

    /// True as long as it lives.
    class pushing_flag {
    public:
        explicit pushing_flag(bool& flag)
            : flag_(flag) {
            flag_ = true;
        }
        pushing_flag(const pushing_flag&) = delete;
        pushing_flag& operator=(const pushing_flag&) = delete;
        ~pushing_flag() { flag_ = false; }

    private:
        bool& flag_;
    };

    void failed(const boost::system::system_error& e) {
        if (e.code() == boost::asio::error::operation_aborted)
            throw e;
        if (e.code() == errc::page_too_large)
            result_.read_failure = error(e.code(), "the history has too many streams, " +
                                                       std::to_string(plan_.streams) + " by now");
        else if (!result_.disk_failure)
            result_.disk_failure = error(e.code(), e.what());
    }
    void say(severity level, const std::string& text) const {
        if (options_.log)
            options_.log(level, text);
    }
    void publish() const {
        if (options_.on_counters)
            options_.on_counters(count_);
    }

    /// So long a look at them may take, also where `verify_wait` has passed.
    static constexpr std::chrono::seconds least_look{30};
    static constexpr std::size_t most_restamped_in_view = 20'000;

    backfill_options options_;
    Transport& backend_;
    Transport& loki_;
    Clock& clock_;
    class spool spool_;
    counters count_;
    backfill_plan plan_;
    intake intake_;
    outbox box_;
    class shipment shipment_;
    verification shown_;
    survey_progress surveyed_;
    refusal_forecast forecast_;
    backfill_result result_;
    backoff retry_;
    delivery<Transport, Clock> delivery_;
    checkpoint_file file_;
    std::optional<checkpoint> saved_;
    bool pushing_ = false;
    bool stopped_ = false;
    std::mt19937_64 random_;
};

} // namespace lokiship::ship

#endif
