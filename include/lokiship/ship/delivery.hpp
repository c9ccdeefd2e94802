#ifndef LOKISHIP_SHIP_DELIVERY_HPP
#define LOKISHIP_SHIP_DELIVERY_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/loki/json_encoder.hpp>
#include <lokiship/loki/push_reply.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/detail/require.hpp>
#include <lokiship/ship/log.hpp>
#include <lokiship/ship/outbox.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// How pushes are made.
struct delivery_options {
    batch_limits batch{};
    /// How many streams are pushed at the same time, at least 1. Within a stream there is one push at a time.
    std::size_t concurrency = 4;
    /// The longest silence of Loki that is borne. Zero: no limit.
    std::chrono::nanoseconds push_timeout = std::chrono::seconds(10);

    /// Throws `std::invalid_argument`, naming the field, where one is out of its range.
    void validate() const {
        detail::require(batch.max_entries >= 1, "delivery.batch.max_entries must be at least 1");
        detail::require(concurrency >= 1, "delivery.concurrency must be at least 1");
    }
};

/// How a round of pushes ended.
struct round_result {
    /// Why something is still pending; empty where nothing is.
    std::optional<error> failure{};
    /// What Loki or a gateway asked for.
    std::optional<std::chrono::seconds> retry_after{};
    /// A person must act; see `push_reply::verdict::blocked`.
    bool blocked = false;
    /// At least one push was settled.
    bool progress = false;
};

/// Empties an outbox into Loki, one stream a push, since Loki's answer to a push of several streams can hide
/// a loss.
///
/// An entry leaves the outbox only after Loki has stored or refused it; `settled` is told of each. All
/// references must outlive the object. Not thread-safe.
template <http::transport Transport>
class delivery {
public:
    /// Told of each entry that leaves the outbox, before it does.
    using settled_function = std::function<void(const outbox::pending_entry&)>;

    delivery(Transport& loki, outbox& box, counters& count, delivery_options options,
             settled_function settled, std::function<void()> changed, log_function log)
        : loki_(loki)
        , box_(box)
        , count_(count)
        , options_(options)
        , settled_(std::move(settled))
        , changed_(std::move(changed))
        , log_(std::move(log)) {}

    /// Pushes until the outbox is empty, or what is left must wait, or `stop` was called. When cancelled, the
    /// entries of pushes in flight stay pending.
    boost::asio::awaitable<round_result> round() {
        box_.new_round();
        result_ = {};
        ended_ = false;
        failures_in_a_row_ = 0;
        const auto workers = std::min(options_.concurrency, box_.streams());
        if (workers > 1)
            co_await run_workers(workers);
        else
            co_await worker();
        co_return std::exchange(result_, {});
    }

    /// Lets a round end after the pushes in flight.
    void stop() noexcept { stopped_ = true; }

private:
    boost::asio::awaitable<void> run_workers(std::size_t n) {
        const auto executor = co_await boost::asio::this_coro::executor;
        using operation = decltype(boost::asio::co_spawn(executor, worker(), boost::asio::deferred));
        std::vector<operation> operations;
        for (std::size_t i = 0; i != n; ++i)
            operations.push_back(boost::asio::co_spawn(executor, worker(), boost::asio::deferred));
        auto group = boost::asio::experimental::make_parallel_group(std::move(operations));
        auto [order, exceptions] =
            co_await group.async_wait(boost::asio::experimental::wait_for_all(), boost::asio::use_awaitable);
        for (const auto& e : exceptions)
            if (e)
                std::rethrow_exception(e);
    }

    boost::asio::awaitable<void> worker() {
        while (!ended_ && !stopped_) {
            outbox::lane* lane = box_.next();
            if (!lane)
                co_return;
            in_flight guard(*lane);
            const std::size_t n = outbox::batch_size(*lane, options_.batch);
            http::request request = encode(*lane, n);
            const result<loki::push_reply> reply = co_await push(request);
            guard.release();
            if (reply)
                apply(*lane, n, *reply);
            else
                postpone(*lane, reply.error(), {}, true);
            changed_();
        }
    }

    http::request encode(const outbox::lane& lane, std::size_t n) const {
        loki::json_encoder encoder;
        encoder.begin_stream(lane.labels);
        for (std::size_t i = 0; i != n; ++i)
            encoder.add(lane.queue[i].entry.time, lane.queue[i].entry.line);
        http::request out;
        out.verb = http::method::post;
        out.target = "/loki/api/v1/push";
        out.fields.add("Content-Type", std::string(loki::json_encoder::content_type));
        out.idle_timeout = options_.push_timeout;
        out.body = encoder.finish();
        return out;
    }

    boost::asio::awaitable<result<loki::push_reply>> push(const http::request& request) {
        std::string body;
        // Loki lists at most ten entries; a proxy's page is not worth more.
        const http::body_sink sink = [&body](const http::response_head&,
                                             std::string_view chunk) -> result<void> {
            body.append(chunk.substr(0, max_reply_size - std::min(body.size(), max_reply_size)));
            return {};
        };
        const auto head = co_await loki_.send(request, sink);
        if (!head)
            co_return head.error();
        co_return loki::read_push_reply(*head, body);
    }

    void apply(outbox::lane& lane, std::size_t n, const loki::push_reply& reply) {
        using verdict = loki::push_reply::verdict;
        const auto failure = [&] {
            return error(errc::bad_status, loki_.server() + ": HTTP status " + reply.text);
        };
        switch (reply.what) {
        case verdict::delivered:
            settle(lane, n, 0, reply);
            break;
        case verdict::rejected:
            settle(lane, n, std::min(reply.rejected.value_or(n), n), reply);
            break;
        case verdict::split:
            if (n == 1)
                settle(lane, n, 1, reply);
            else
                lane.max_entries = n / 2;
            break;
        case verdict::retry:
            postpone(lane, failure(), reply.retry_after, false);
            break;
        case verdict::blocked:
            result_.blocked = true;
            postpone(lane, failure(), reply.retry_after, true);
            break;
        }
    }

    void settle(outbox::lane& lane, std::size_t n, std::size_t rejected, const loki::push_reply& reply) {
        // Once a reason; a history that is too old would fill the log otherwise.
        if (rejected != 0 && log_ && !std::exchange(said_[static_cast<std::size_t>(reply.reason)], true))
            log_(severity::warning, "Loki refused " + std::to_string(rejected) + " of " + std::to_string(n) +
                                        " entries of " + text::escape_for_log(loki::to_string(lane.labels)) +
                                        " (" + std::string(to_string(reply.reason)) + "): HTTP status " +
                                        reply.text + "; further refusals for this reason are only counted");
        box_.settle(lane, n, settled_);
        ++count_.pushes;
        count_.pending -= n;
        count_.shipped += n - rejected;
        count_.reject(reply.reason, rejected);
        result_.progress = true;
        failures_in_a_row_ = 0;
    }

    void postpone(outbox::lane& lane, error cause, std::optional<std::chrono::seconds> retry_after,
                  bool end) {
        ++count_.pushes_failed;
        lane.postponed = true;
        result_.failure = std::move(cause);
        result_.retry_after = std::max(result_.retry_after, retry_after);
        // One stream's trouble must not hold up the others; everybody's trouble must not be asked for once a
        // stream.
        ended_ = ended_ || end || ++failures_in_a_row_ >= max_failures_in_a_row;
    }

    static constexpr std::size_t max_reply_size = 64 * 1024;
    static constexpr int max_failures_in_a_row = 3;

    class in_flight {
    public:
        explicit in_flight(outbox::lane& l)
            : lane_(&l) {
            l.in_flight = true;
        }
        in_flight(const in_flight&) = delete;
        in_flight& operator=(const in_flight&) = delete;
        ~in_flight() { release(); }
        void release() {
            if (lane_)
                std::exchange(lane_, nullptr)->in_flight = false;
        }

    private:
        outbox::lane* lane_;
    };

    Transport& loki_;
    outbox& box_;
    counters& count_;
    delivery_options options_;
    settled_function settled_;
    std::function<void()> changed_;
    log_function log_;
    round_result result_{};
    std::array<bool, loki::reject_reason_count> said_{};
    int failures_in_a_row_ = 0;
    bool ended_ = false;
    bool stopped_ = false;
};

} // namespace lokiship::ship

#endif
