#ifndef LOKISHIP_TESTING_FAKE_HTTP_HPP
#define LOKISHIP_TESTING_FAKE_HTTP_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/testing/exchange.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::testing {

/// A transport without a network: a handler answers, and faults happen as scripted. Waiting is done on
/// `Clock`.
///
/// Not thread-safe. The handler and the clock are kept by value; pass `std::ref(double)` as the handler to
/// keep a double at hand.
template <clock Clock>
class fake_http {
public:
    fake_http(handler answer, Clock time, std::string server = "http://fake")
        : answer_(std::move(answer))
        , clock_(std::move(time))
        , server_(std::move(server)) {}

    /// The next exchanges fail like this, one each, before `always` applies again.
    void script(std::initializer_list<fault> faults) { script_.insert(script_.end(), faults); }
    /// Every exchange without a scripted fault fails like this from now on; `fault::none` ends it.
    void always(fault f) { always_ = f; }
    /// Asked before each exchange, after `script` and `always` had their say.
    void decide(std::function<fault(const http::request&)> f) { decide_ = std::move(f); }
    /// Bodies are handed on in chunks of at most so many bytes; at least 1.
    void chunk_size(std::size_t n) { chunk_size_ = n; }

    /// Every request that was sent, in order, faulty ones included.
    const std::vector<http::request>& requests() const noexcept { return requests_; }
    /// How many exchanges are under way, and the most there were at once.
    std::size_t in_flight() const noexcept { return in_flight_; }
    std::size_t most_in_flight() const noexcept { return most_in_flight_; }
    /// Each exchange takes so long; zero by default.
    void latency(std::chrono::nanoseconds d) { latency_ = d; }

    boost::asio::awaitable<result<http::response_head>> send(const http::request& request,
                                                             const http::body_sink& sink) {
        requests_.push_back(request);
        const fault f = next_fault(request);
        const counted guard(*this);
        co_await clock_.sleep_for(latency_);
        switch (f) {
        case fault::refuse:
            co_return failed(boost::asio::error::connection_refused, "connect");
        case fault::reset_before:
            co_return failed(boost::asio::error::connection_reset, "write");
        case fault::hang:
            co_return co_await time_out(request);
        default:
            break;
        }
        reply answer = f == fault::proxy_html ? proxy_error() : answer_(request);
        if (f == fault::reset_after)
            co_return failed(boost::asio::error::connection_reset, "read");
        http::response_head head{answer.status, answer.fields};
        std::string_view body = answer.body;
        if (f == fault::truncate || f == fault::stall)
            body = body.substr(0, body.size() / 2);
        const std::size_t most = f == fault::slow ? 1 : std::max<std::size_t>(chunk_size_, 1);
        for (; !body.empty(); body.remove_prefix(std::min(most, body.size())))
            if (auto r = sink(head, body.substr(0, most)); !r)
                co_return r.error();
        if (f == fault::truncate)
            co_return failed(boost::asio::error::eof, "read");
        if (f == fault::stall)
            co_return co_await time_out(request);
        co_return head;
    }

    std::string server() const { return server_; }

private:
    class counted {
    public:
        explicit counted(fake_http& h)
            : h_(h) {
            h_.most_in_flight_ = std::max(h_.most_in_flight_, ++h_.in_flight_);
        }
        counted(const counted&) = delete;
        counted& operator=(const counted&) = delete;
        ~counted() { --h_.in_flight_; }

    private:
        fake_http& h_;
    };

    fault next_fault(const http::request& request) {
        if (!script_.empty()) {
            const fault f = script_.front();
            script_.pop_front();
            return f;
        }
        if (always_ != fault::none)
            return always_;
        return decide_ ? decide_(request) : fault::none;
    }
    error failed(error_code code, const char* during) const {
        return {code, server_ + ": " + during + ": " + code.message()};
    }
    boost::asio::awaitable<result<http::response_head>> time_out(const http::request& request) {
        // No limit means to wait for ever: longer than any test runs.
        const bool limited = request.idle_timeout.count() > 0;
        co_await clock_.sleep_for(limited ? request.idle_timeout : std::chrono::hours(24 * 365));
        co_return error(errc::timed_out, server_ + ": no answer in time");
    }

    handler answer_;
    Clock clock_;
    std::string server_;
    std::deque<fault> script_;
    fault always_ = fault::none;
    std::function<fault(const http::request&)> decide_;
    std::size_t chunk_size_ = 4096;
    std::chrono::nanoseconds latency_{};
    std::vector<http::request> requests_;
    std::size_t in_flight_ = 0, most_in_flight_ = 0;
};

} // namespace lokiship::testing

#endif
