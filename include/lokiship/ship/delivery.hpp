#ifndef LOKISHIP_SHIP_DELIVERY_HPP
#define LOKISHIP_SHIP_DELIVERY_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/loki/entry_fates.hpp>
#include <lokiship/loki/push_reply.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/delivery_options.hpp>
#include <lokiship/ship/detail/in_flight.hpp>
#include <lokiship/ship/log.hpp>
#include <lokiship/ship/metadata_limits.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/ship/push_concurrency.hpp>
#include <lokiship/ship/push_pacing.hpp>
#include <lokiship/ship/push_writer.hpp>
#include <lokiship/ship/rejection.hpp>
#include <lokiship/ship/task_group.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/assert.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// How a round of pushes ended.
struct round_result {
    /// Why something is still pending; empty where nothing is.
    std::optional<error> failure{};
    /// What Loki or a gateway asked for.
    std::optional<std::chrono::seconds> retry_after{};
    /// A person must act; see `push_reply::verdict::blocked`.
    bool blocked = false;
    /// At least one push was answered with what became of its entries, or of a part of them.
    bool progress = false;
};

/// Empties an outbox into Loki, one stream a push, since Loki's answer to a push of several streams can hide
/// a loss.
///
/// An entry leaves the outbox only after Loki has stored or refused it; `settled` is told of each. Where Loki does not
/// tell which entries it refused, they are sent again in ever smaller pushes until it does. Where the outcome of a
/// push is not known, the identical bytes are sent again. All references must outlive the object. Not thread-safe.
template <http::transport Transport, clock Clock>
class delivery {
public:
    /// Told of each entry that leaves the outbox, before it does: stored, or refused for a reason.
    using settled_function =
        std::function<void(const outbox::lane&, const pending_entry&, std::optional<loki::reject_reason>)>;

    delivery(Transport& loki, Clock& time, outbox& box, counters& count, delivery_options options,
             settled_function settled, std::function<void()> changed, log_function log)
        : loki_(loki)
        , clock_(time)
        , box_(box)
        , count_(count)
        , options_(std::move(options))
        , settled_(std::move(settled))
        , changed_(std::move(changed))
        , log_(std::move(log))
        , writer_(options_)
        , max_bytes_(options_.batch.max_bytes)
        , metadata_(options_.allow_structured_metadata)
        , pacing_(options_)
        , allowed_(options_.concurrency) {}

    /// Pushes until the outbox is empty, or what is left must wait, or `stop` was called. When cancelled, the
    /// entries of pushes in flight stay pending.
    boost::asio::awaitable<round_result> round() {
        box_.new_round();
        box_.forget_idle(clock_.steady_now(), options_.ingester, options_.max_idle_memory);
        result_ = {};
        ended_ = false;
        failures_in_a_row_ = 0;
        // Whoever cancels this may do so from what is called here; the pushes have to be waited for even
        // then.
        co_await boost::asio::this_coro::throw_if_cancelled(false);
        task_group pushes(co_await boost::asio::this_coro::executor);
        const in_round guard(pushes_, pushes);
        for (;;) {
            begin_pushes(pushes);
            if (pushes.empty() && !pushes.failed())
                break;
            const bool full = pushes.size() >= allowed_.limit();
            const steady_time since = clock_.steady_now();
            const auto busy = busy_;
            co_await pushes.wait();
            const steady_time now = clock_.steady_now();
            allowed_.waited(now - since - (busy_ - busy), full, now);
        }
        co_await boost::asio::this_coro::throw_if_cancelled(true);
        co_return std::exchange(result_, {});
    }

    /// Lets a round that is under way push what has come to the outbox.
    void look_again() {
        if (pushes_)
            pushes_->wake();
    }
    /// How many pushes may be under way at the same time, by now.
    std::size_t concurrency() const noexcept { return allowed_.limit(); }

    std::size_t in_flight() const noexcept { return pushes_ ? pushes_->size() : 0; }

    /// Makes the next pushes as these options say, which are valid; rates, the concurrency and the size of bodies stay.
    void update(delivery_options options) {
        options_ = std::move(options);
        writer_ = push_writer(options_);
        metadata_ = metadata_limits(options_.allow_structured_metadata);
    }

    /// Lets a round end after the pushes in flight.
    void stop() noexcept { stopped_ = true; }

    /// Tells of an entry that Loki refused for good: whoever wants to keep it, and the log where that is due.
    void report(const rejection& r) {
        if (options_.on_rejected)
            options_.on_rejected(r);
        if (const auto line = rejections_.add(r, clock_.steady_now()); line && log_)
            log_(severity::warning, *line);
    }

private:
    using lane = outbox::lane;

    class in_round {
    public:
        in_round(task_group*& pushes, task_group& of_round) noexcept
            : pushes_(pushes) {
            pushes_ = &of_round;
        }
        in_round(const in_round&) = delete;
        in_round& operator=(const in_round&) = delete;
        ~in_round() { pushes_ = nullptr; }

    private:
        task_group*& pushes_;
    };

    bool may_push(const task_group& pushes) const noexcept {
        return !ended_ && !stopped_ && !pushes.failed() && pushes.size() < allowed_.limit() &&
               (pushes.empty() || under_way_.bytes + max_bytes_ <= options_.max_bytes_in_flight) &&
               // Which stream is the one to go is known when its turn comes.
               (under_way_.next == 0 || !pacing_.is_limited());
    }
    void begin_pushes(task_group& pushes) noexcept try {
        while (lane* const l = may_push(pushes) ? box_.next() : nullptr)
            begin_push(*l, pushes);
    } catch (...) {
        // Those that are under way have to be waited for.
        pushes.fail(std::current_exception());
    }
    void begin_push(lane& l, task_group& pushes) {
        refuse_too_old(l, l.batch);
        if (l.batch.empty())
            fill(l);
        if (l.batch.empty())
            changed_();
        else
            pushes.spawn(push_batch(detail::in_flight(l, counted_bytes(l, l.batch.size()), under_way_)));
    }

    /// Another one may be next.
    void give_way(detail::in_flight& push) {
        push.is_next(false);
        if (pacing_.is_limited())
            look_again();
    }

    boost::asio::awaitable<void> push_batch(detail::in_flight begun_push) {
        // A parameter would live until the coroutine is destroyed.
        detail::in_flight guard(std::move(begun_push));
        lane& l = guard.get();
        if (l.next_push > clock_.steady_now()) {
            give_way(guard);
            co_await clock_.sleep_for(l.next_push - clock_.steady_now());
            guard.is_next(true);
        }
        const steady_time writing = clock_.steady_now();
        stream_push out = writer_.write(l, most_entries(l), max_bytes_);
        const std::size_t n = out.entries;
        busy_ += clock_.steady_now() - writing;
        guard.takes(out.request.body.size());
        const steady_time turn = pacing_.reserve(counted_bytes(l, n), clock_.steady_now());
        co_await clock_.sleep_for(turn - clock_.steady_now());
        give_way(guard);
        if (stopped_)
            co_return;
        // Whatever happens from here on, Loki may have it.
        const std::vector<loki::pushed_entry> pushed = describe(l);
        mark_sent(l, n);
        const steady_time begun = clock_.steady_now();
        const auto busy = busy_;
        l.next_push = pacing_.after(out.size, begun);
        const result<loki::push_reply> reply = co_await push(out.request);
        const steady_time answered = clock_.steady_now();
        guard.release();
        using verdict = loki::push_reply::verdict;
        if (!reply || reply->what == verdict::rate_limited || reply->what == verdict::retry)
            allowed_.failed(begun, answered);
        else
            allowed_.succeeded(begun, answered, busy_ - busy);
        if (reply)
            apply(l, pushed, n, out.size, *reply);
        else
            postpone(l, reply.error(), {}, true);
        writer_.reuse(std::move(out));
        changed_();
        busy_ += clock_.steady_now() - answered;
    }

    /// Loki has just said that it takes nothing older into this stream, to the second: what waits and was never sent is as late.
    void refuse_behind(lane& l, timestamp bar, const loki::push_reply& reply) {
        outbox::sort(l);
        for (auto* from : {&l.batch, &l.queue})
            while (!from->empty() && from->front().entry.time < bar - std::chrono::seconds(1) &&
                   !from->front().sent_before) {
                pending_entry late = std::move(from->front());
                from->pop_front();
                too_late(l, std::move(late), bar, "HTTP status " + reply.text);
            }
    }

    /// What is older than Loki said a moment ago that it takes is certain to be refused.
    void refuse_too_old(lane& l, outbox::pending_entries& from) {
        while (age_bar_ && !options_.push_refused && clock_.steady_now() < age_bar_until_ && !from.empty() &&
               from.front().entry.time < *age_bar_ && !from.front().sent_before) {
            const pending_entry p = std::move(from.front());
            from.pop_front();
            reject(l, p, loki::reject_reason::greater_than_max_sample_age,
                   "not sent, since Loki takes nothing older than " + text::format_rfc3339(*age_bar_));
        }
    }

    /// Moves what makes the next push from the queue to the batch. What is certain to be refused is not asked for.
    void fill(lane& l) {
        outbox::sort(l);
        refuse_too_old(l, l.queue);
        const auto oldest = l.window.oldest_acceptable(clock_.steady_now(), options_.ingester);
        while (oldest && !options_.push_refused && !l.queue.empty() && l.queue.front().entry.time < *oldest) {
            pending_entry late = std::move(l.queue.front());
            l.queue.pop_front();
            too_late(l, std::move(late), *oldest,
                     "not sent, since the stream's window starts at " + text::format_rfc3339(*oldest));
        }
        outbox::sort(l);
        std::size_t bytes = 0;
        while (!l.queue.empty() && l.batch.size() != options_.batch.max_entries) {
            if (metadata_.refuses(l.queue.front()))
                leave_out_metadata(l.queue.front(), {});
            bytes += batch_limits::body_bytes(l.queue.front().size());
            if (!l.batch.empty() && bytes > max_bytes_)
                break;
            l.batch.push_back(std::move(l.queue.front()));
            l.queue.pop_front();
        }
    }

    /// How many entries of the batch the next push may have.
    std::size_t most_entries(const lane& l) const {
        if (probe_)
            return 0;
        std::size_t most = l.max_entries == 0 ? l.batch.size() : std::min(l.max_entries, l.batch.size());
        // Once such a batch was sent, and its answer lost, its newest entry has Loki refuse its oldest,
        // whether it has them or not. The oldest moment alone shows first whether they are taken.
        const timestamp oldest = l.batch.front().entry.time;
        const auto is_proven = [&](const pending_entry& p) {
            // What was proven may have been without structured metadata, in an earlier run.
            return will_be_taken(l, p) || (p.sent_before && p.proven && metadata_.has_taken(p));
        };
        if (l.batch.back().entry.time - oldest > options_.ingester.window() &&
            !std::all_of(l.batch.begin(), l.batch.end(), is_proven))
            while (most > 1 && l.batch[most - 1].entry.time != oldest)
                --most;
        return most;
    }

    static std::vector<loki::pushed_entry> describe(const lane& l) {
        std::vector<loki::pushed_entry> out;
        out.reserve(l.batch.size());
        const auto add = [&out](const pending_entry& p) {
            out.push_back({p.entry.time, p.line_size(), p.sent_before && p.proven, p.metadata_labels() != 0});
        };
        std::for_each(l.batch.begin(), l.batch.end(), add);
        // What an earlier run may have sent can be the newest that Loki has.
        for (auto p = l.queue.begin(); p != l.queue.end() && p->sent_before; ++p)
            add(*p);
        if (l.newest_shown)
            out.push_back({*l.newest_shown, 0, true});
        return out;
    }
    /// For all that is known; what showed was not acknowledged, but Loki has it.
    bool will_be_taken(const lane& l, const pending_entry& p) const {
        return l.window.is_proven(p.entry.time) && metadata_.has_taken(p) &&
               (!l.newest_shown || p.entry.time >= *l.newest_shown - options_.ingester.window());
    }
    void mark_sent(lane& l, std::size_t n) const {
        for (auto p = l.batch.begin(); n != 0; --n, ++p) {
            p->sent_before = true;
            // What Loki takes now, it has after this push or has had before, whichever of them arrives.
            p->proven = p->proven || will_be_taken(l, *p);
        }
    }
    /// Nothing of the first `n` is stored: they are as before they were sent.
    static void unmark_sent(lane& l, const std::vector<loki::pushed_entry>& pushed, std::size_t n) {
        for (std::size_t i = 0; i != n; ++i)
            l.batch[i].sent_before = l.batch[i].proven = pushed[i].sent_before;
    }

    /// What Loki counts against its rates.
    static std::size_t counted_bytes(const lane& l, std::size_t n) {
        std::size_t out = 0;
        for (auto p = l.batch.begin(); n != 0; --n, ++p)
            out += p->size();
        return out;
    }

    boost::asio::awaitable<result<loki::push_reply>> push(const http::request& request) {
        std::string body;
        bool complete = true;
        const http::body_sink sink = [&](const http::response_head&, std::string_view chunk) -> result<void> {
            const auto room = max_reply_size - body.size();
            complete = complete && chunk.size() <= room;
            body.append(chunk.substr(0, room));
            return {};
        };
        const auto head = co_await loki_.send(request, sink);
        if (!head)
            co_return head.error();
        co_return loki::read_push_reply(*head, body, complete);
    }

    void apply(lane& l, const std::vector<loki::pushed_entry>& pushed, std::size_t n, std::size_t body_size,
               const loki::push_reply& reply) {
        using verdict = loki::push_reply::verdict;
        if (n == 0) {
            // Loki takes a stream without entries, and does nothing with it.
            probe_ = false;
            heard_ = reply.what == verdict::delivered;
            if (!heard_) {
                result_.blocked = true;
                postpone(l, failure(reply), reply.retry_after, true);
            }
            return;
        }
        if (reply.nothing_stored)
            unmark_sent(l, pushed, n);
        if (reply.what != verdict::rate_limited)
            l.rate_limited = 0;
        switch (reply.what) {
        case verdict::delivered:
        case verdict::rejected:
            // From whom nothing sensible was heard yet may be anybody.
            if (reply.what == verdict::rejected && reply.reason == loki::reject_reason::other && n == 1 &&
                !heard_) {
                unmark_sent(l, pushed, n);
                probe_ = true;
                break;
            }
            heard_ = heard_ || reply.what == verdict::delivered || reply.reason != loki::reject_reason::other;
            settle(l, pushed,
                   loki::entry_fates(reply, pushed, n, l.window.newest(), options_.ingester.window()), reply);
            break;
        case verdict::split:
            // For good: the limit is the server's, and the next push would meet it again.
            if (n != 1)
                max_bytes_ = std::min(max_bytes_, body_size / 2);
            else if (!heard_)
                probe_ = true;
            else
                settle(l, pushed, {{loki::entry_fate::kind::refused, reply.reason}}, reply);
            break;
        case verdict::rate_limited:
            pacing_.refused(reply);
            // More than the bucket ever holds is refused for ever; less may pass.
            if (++l.rate_limited % 2 == 0 && n > 1)
                l.max_entries = n / 2;
            postpone(l, failure(reply), reply.retry_after, false, reply.whole_tenant);
            break;
        case verdict::retry:
            postpone(l, failure(reply), reply.retry_after, false);
            break;
        case verdict::blocked:
            result_.blocked = true;
            postpone(l, failure(reply), reply.retry_after, true);
            break;
        }
    }

    error failure(const loki::push_reply& reply) const {
        return {errc::bad_status, loki_.server() + ": HTTP status " + reply.text};
    }

    void settle(lane& l, const std::vector<loki::pushed_entry>& pushed,
                const std::vector<loki::entry_fate>& fates, const loki::push_reply& reply) {
        using kind = loki::entry_fate::kind;
        ++count_.pushes;
        outbox::pending_entries batch = std::exchange(l.batch, {});
        const std::optional<timestamp> bar = stated_bar(reply);
        for (const auto& r : reply.refusals)
            if (r.reason == loki::reject_reason::greater_than_max_sample_age && r.oldest_acceptable) {
                age_bar_ = *r.oldest_acceptable;
                age_bar_until_ = clock_.steady_now() + age_bar_validity;
            }
        std::optional<timestamp> oldest, newest;
        std::size_t i = 0;
        for (auto at = batch.begin(); at != batch.end(); ++at, ++i) {
            pending_entry& p = *at;
            if (i >= fates.size() || fates[i].what == kind::unknown) {
                l.batch.push_back(std::move(p));
            } else if (fates[i].what == kind::stored) {
                oldest = std::min(oldest.value_or(p.entry.time), p.entry.time);
                newest = std::max(newest.value_or(p.entry.time), p.entry.time);
                ++count_.shipped;
                metadata_.taken(p);
                finish(l, p, std::nullopt);
            } else if (metadata_limits::concerns(fates[i].reason) && !p.without_metadata) {
                metadata_.refused(p, fates[i].reason);
                leave_out_metadata(p, reply.text);
                // Of this push Loki has it not; an earlier run may have sent it without.
                p.proven = pushed[i].sent_before;
                l.batch.push_back(std::move(p));
            } else if (fates[i].reason == loki::reject_reason::too_far_behind) {
                too_late(l, std::move(p), bar, "HTTP status " + reply.text);
            } else {
                reject(l, p, fates[i].reason, "HTTP status " + reply.text);
            }
        }
        if (newest)
            // What was stored by an earlier push proves nothing of the bar as it is now.
            l.window.stored(std::max(*oldest, bar.value_or(*oldest)), *newest, clock_.steady_now(),
                            options_.ingester);
        if (bar && !options_.push_refused)
            refuse_behind(l, *bar, reply);
        // Smaller while it is open which entries are refused, larger again once that is known.
        const bool open =
            std::any_of(fates.begin(), fates.end(), [](const auto& f) { return f.what == kind::unknown; });
        if (open)
            l.max_entries = fates.size() / 2;
        else if (l.max_entries != 0)
            l.max_entries = l.max_entries >= options_.batch.max_entries / 2 ? 0 : l.max_entries * 2;
        result_.progress = true;
        l.failed = 0;
        failures_in_a_row_ = 0;
    }

    /// `answer`: Loki's, where it was asked.
    void leave_out_metadata(pending_entry& p, const std::string& answer) {
        const bool own = p.metadata_labels() > p.restamped;
        p.leave_out_metadata();
        const bool all = !metadata_.allowed();
        if (!own || std::exchange(all ? said_all_without_ : said_some_without_, true) || !log_)
            return;
        log_(severity::warning, std::string("Loki does not take the structured metadata of ") +
                                    (all ? "entries, all of which are" : "some entries, which are") +
                                    " shipped without" + (answer.empty() ? "" : ": " + answer));
    }

    /// The oldest time that Loki says it takes; it cuts that to the second.
    static std::optional<timestamp> stated_bar(const loki::push_reply& reply) {
        for (const auto& r : reply.refusals)
            if (r.reason == loki::reject_reason::too_far_behind && r.oldest_acceptable)
                return *r.oldest_acceptable + std::chrono::seconds(1);
        return std::nullopt;
    }

    void too_late(lane& l, pending_entry p, std::optional<timestamp> oldest_acceptable,
                  const std::string& why) {
        if (options_.late == late_entries::reject || !oldest_acceptable ||
            *oldest_acceptable <= p.entry.time) {
            reject(l, p, loki::reject_reason::too_far_behind, why);
            return;
        }
        count_.restamped += !p.restamped;
        // Lines of distinct executions may be equal; their times must not be.
        p.restamp(*oldest_acceptable + std::chrono::nanoseconds(l.restamped++));
        outbox::put(l, std::move(p));
    }

    void reject(lane& l, const pending_entry& p, loki::reject_reason reason, const std::string& why) {
        const loki::entry own = p.original();
        const rejection r{l.labels, own, p.key, reason, why};
        report(r);
        count_.reject(reason, 1);
        finish(l, p, reason);
        result_.progress = true;
    }

    void finish(const lane& l, const pending_entry& p, std::optional<loki::reject_reason> refused) {
        --count_.pending;
        settled_(l, p, refused);
        box_.settled(p);
    }

    /// `end`: nobody else need try. `shared`: others may well meet the same.
    void postpone(lane& l, error cause, std::optional<std::chrono::seconds> retry_after, bool end,
                  bool shared = true) {
        ++count_.pushes_failed;
        l.postponed = true;
        l.failed = ++failures_;
        result_.failure = std::move(cause);
        result_.retry_after = std::max(result_.retry_after, retry_after);
        // One stream's trouble must not hold up the others; everybody's trouble must not be asked for once a
        // stream.
        ended_ = ended_ || end || (shared && ++failures_in_a_row_ >= max_failures_in_a_row);
    }

    // A refusal of 1000 entries, each in a group of its own, has about 300 KB.
    static constexpr std::size_t max_reply_size = 1024 * 1024;
    static constexpr int max_failures_in_a_row = 3;
    // An operator may raise the limit meanwhile.
    static constexpr std::chrono::minutes age_bar_validity{5};

    Transport& loki_;
    Clock& clock_;
    outbox& box_;
    counters& count_;
    delivery_options options_;
    settled_function settled_;
    std::function<void()> changed_;
    log_function log_;
    rejection_log rejections_;
    round_result result_{};
    push_writer writer_;
    std::size_t max_bytes_;
    metadata_limits metadata_;
    push_pacing pacing_;
    push_concurrency allowed_;
    /// How long it worked for pushes, instead of waiting for answers.
    std::chrono::nanoseconds busy_{};
    detail::under_way under_way_;
    /// Of the round that is under way.
    task_group* pushes_ = nullptr;
    int failures_in_a_row_ = 0;
    std::uint64_t failures_ = 0;
    /// Loki was heard: it took or refused something in its own words.
    bool heard_ = false;
    /// That some, and that all entries go without.
    bool said_some_without_ = false, said_all_without_ = false;
    /// The next push is one without entries, to learn whether it is Loki who answers.
    bool probe_ = false;
    /// Loki said not long ago that it takes nothing older.
    std::optional<timestamp> age_bar_{};
    steady_time age_bar_until_{};
    bool ended_ = false;
    bool stopped_ = false;
};

} // namespace lokiship::ship

#endif
