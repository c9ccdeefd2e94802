#ifndef LOKISHIP_SHIP_BACKFILL_HPP
#define LOKISHIP_SHIP_BACKFILL_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/ship/backoff.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/delivery.hpp>
#include <lokiship/ship/fetch.hpp>
#include <lokiship/ship/log.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/ship/verification.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace lokiship::ship {

/// What a backfill does. A value outside its range makes the constructor throw `std::invalid_argument`.
struct backfill_options {
    /// How many executions the first answer is asked for; while an answer is full, ten times as many. At
    /// least 1.
    std::uint64_t first_limit = 10'000;
    /// The longest silence of the backend that is borne. Zero: no limit. A large answer is built before its
    /// first byte.
    std::chrono::nanoseconds fetch_timeout = std::chrono::minutes(5);
    delivery_options delivery{};
    backoff_options backoff{};
    /// How many rounds in a row may bring nothing forward until the backfill gives up; at least 1.
    unsigned max_attempts = 5;
    /// Reads back what was shipped, and sends again, once, what Loki acknowledged and does not show.
    bool verify = false;
    read_back_options read_back{};
    /// How long to wait for entries that are older than `query_ingesters_within` to show; Loki shows them when it has
    /// flushed their chunks.
    std::chrono::nanoseconds verify_wait = std::chrono::minutes(2);
    log_function log{};
    /// Called whenever the counters have changed; they balance then. May be empty.
    std::function<void(const counters&)> on_counters{};

    /// Throws `std::invalid_argument`, naming the field, where one is out of its range.
    void validate() const {
        detail::require(first_limit >= 1, "first_limit must be at least 1");
        detail::require(max_attempts >= 1, "max_attempts must be at least 1");
        delivery.validate();
        backoff.validate();
    }
};

/// How a backfill ended.
struct backfill_result {
    /// The history could not be read; nothing was shipped.
    std::optional<error> read_failure{};
    /// Loki did not take what `counters::pending` says.
    std::optional<error> ship_failure{};
    /// The backend gave no more than `executions`, although it said that there is more: why.
    std::optional<error> incomplete{};
    std::uint64_t executions = 0;
    /// What was shipped could not be read back.
    std::optional<error> verify_failure{};
    /// How many entries Loki does not show yet, which may be because it has not flushed their chunks.
    std::uint64_t not_visible = 0;
};

/// Ships all history that the backend gives, oldest first within each stream, in one run.
///
/// Reads first, then ships; all entries are in memory meanwhile. Both transports and the clock must outlive
/// the object. Not thread-safe. Cancelling the coroutine of `read` or `ship` abandons what is in flight and
/// throws
/// `system_error` (`operation_aborted`).
template <http::transport Transport, clock Clock>
class basic_backfill {
public:
    basic_backfill(Transport& backend, Transport& loki, Clock& time, backfill_options options)
        : options_(checked(std::move(options)))
        , backend_(backend)
        , loki_(loki)
        , clock_(time)
        , retry_(options_.backoff)
        , delivery_(
              loki, time, box_, count_, options_.delivery,
              [this](const outbox::lane& l, const outbox::pending_entry& p, bool stored) {
                  if (stored && options_.verify)
                      shipped_.add(l, p);
              },
              [this] { publish(); }, options_.log)
        , random_(std::random_device{}()) {}
    basic_backfill(const basic_backfill&) = delete;
    basic_backfill& operator=(const basic_backfill&) = delete;

    /// Reads everything, then ships everything.
    boost::asio::awaitable<backfill_result> run() {
        co_await read();
        if (!result_.read_failure)
            co_await ship_and_verify();
        co_return result_;
    }

    /// Ships what was read or added, and reads it back where the options say so.
    boost::asio::awaitable<void> ship_and_verify() {
        co_await ship();
        if (!result_.ship_failure && options_.verify)
            co_await verify();
    }

    /// Asks for larger and larger answers until one holds fewer executions than were asked for: the end of
    /// the history. Where a larger answer holds no more than the one before, but says that there is more, the result is
    /// `incomplete`.
    boost::asio::awaitable<void> read() {
        const aoss::page_reader::record_handler on_record = [this](const aoss::execution_record& r) {
            take(r);
        };
        std::uint64_t records_before = 0;
        for (std::uint64_t limit = options_.first_limit;; limit *= 10) {
            outbox box;
            counters count;
            std::swap(box_, box);
            std::swap(count_, count);
            auto request = aoss::logs_request(limit);
            request.idle_timeout = options_.fetch_timeout;
            const auto page = co_await fetch_page(backend_, std::move(request), on_record);
            if (!page) {
                // A smaller answer may have come whole before; what it holds is worth shipping if the larger
                // was refused.
                const auto status = page.error().status;
                if (result_.executions != 0 && status >= 400 && status < 500) {
                    std::swap(box_, box);
                    std::swap(count_, count);
                    result_.incomplete = page.error().cause;
                } else {
                    box_ = {};
                    count_ = {};
                    result_.read_failure = page.error().cause;
                }
                publish();
                co_return;
            }
            ++count_.pages;
            publish();
            result_.executions = page->executions_seen;
            if (page->executions() < limit)
                co_return;
            if ((page->says_more() && page->records <= records_before) || limit > max_limit / 10) {
                result_.incomplete =
                    error(errc::unexpected_answer,
                          backend_.server() + ": says that it has " + std::to_string(page->executions()) +
                              " executions, but gives " + std::to_string(page->executions_seen) +
                              " when asked for " + std::to_string(limit));
                co_return;
            }
            records_before = page->records;
        }
    }

    /// Ships what was read. Returns when all is shipped or refused, or Loki brought nothing forward
    /// `max_attempts` times in a row, or at once where a person must act first (credentials, tenant,
    /// address).
    boost::asio::awaitable<void> ship() {
        unsigned failures = 0;
        while (!box_.empty()) {
            const round_result round = co_await delivery_.round();
            if (round.progress) {
                failures = 0;
                retry_.succeeded();
            }
            if (!round.failure)
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

    /// Takes an entry from elsewhere, such as a file, instead of from the backend. Call it before `ship`.
    void add(const loki::labels& labels, loki::entry entry, const aoss::step_key& key) {
        ++count_.fetched;
        if (box_.add(labels, std::move(entry), key))
            ++count_.pending;
        else
            ++count_.duplicate;
    }

    /// Reads back what was shipped. What Loki must show and does not is sent again once. Ends when all was seen, or
    /// after `verify_wait`, or where Loki cannot be asked.
    boost::asio::awaitable<void> verify() {
        const auto until = clock_.steady_now() + options_.verify_wait;
        unsigned failures = 0;
        for (;;) {
            const auto failed = co_await shipped_.look(loki_, count_, options_.read_back);
            publish();
            if (failed && ++failures >= options_.max_attempts) {
                result_.verify_failure = failed;
                co_return;
            }
            if (!failed) {
                failures = 0;
                const auto shown_since = clock_.wall_now() - options_.read_back.limits.shows_at_once();
                if (shipped_.take_back(shown_since, box_, count_,
                                       [this](const rejection& r) { delivery_.report(r); }) != 0) {
                    say(severity::warning,
                        std::to_string(box_.size()) +
                            " entries that Loki acknowledged are not there; sending them again");
                    co_await ship();
                    if (result_.ship_failure)
                        co_return;
                    continue;
                }
                if (shipped_.size() == 0 || clock_.steady_now() >= until)
                    break;
            }
            co_await clock_.sleep_for(std::chrono::seconds(5));
        }
        result_.not_visible = shipped_.size();
        publish();
    }

    const backfill_result& result() const noexcept { return result_; }
    const counters& count() const noexcept { return count_; }
    /// What was read and waits to be shipped.
    outbox& pending() noexcept { return box_; }

private:
    static backfill_options checked(backfill_options o) {
        o.validate();
        return o;
    }
    void take(const aoss::execution_record& record) {
        auto step = aoss::to_entry(record, clock_.wall_now());
        ++count_.fetched;
        if (!box_.add(step.labels, std::move(step.entry), step.key)) {
            ++count_.duplicate;
            return;
        }
        ++count_.pending;
        count_.timestamps_replaced += step.time_replaced;
        count_.labels_changed += step.labels_changed;
    }
    void say(severity level, const std::string& text) const {
        if (options_.log)
            options_.log(level, text);
    }
    void publish() const {
        if (options_.on_counters)
            options_.on_counters(count_);
    }

    static constexpr std::uint64_t max_limit = 1'000'000'000;

    backfill_options options_;
    Transport& backend_;
    Transport& loki_;
    Clock& clock_;
    outbox box_;
    verification shipped_;
    counters count_;
    backfill_result result_;
    backoff retry_;
    delivery<Transport, Clock> delivery_;
    std::mt19937_64 random_;
};

} // namespace lokiship::ship

#endif
