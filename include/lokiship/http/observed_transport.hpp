#ifndef LOKISHIP_HTTP_OBSERVED_TRANSPORT_HPP
#define LOKISHIP_HTTP_OBSERVED_TRANSPORT_HPP

#include <lokiship/clock.hpp>
#include <lokiship/error.hpp>
#include <lokiship/http/message.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/steady_time.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace lokiship::http {

/// An exchange that has ended.
struct exchange_report {
    method verb;
    /// The target without its query. Valid during the call.
    std::string_view path;
    /// The answer's; 0 where there was no complete answer.
    unsigned status;
    /// Of the bodies, the answer's after decoding and as far as it was read.
    std::uint64_t sent_bytes, received_bytes;
    /// From the call of `send` to its completion.
    std::chrono::nanoseconds duration;
};

/// A `transport` over another one that tells of each exchange, for metrics. Not told: exchanges that were cancelled.
template <transport Transport, clock Clock>
class observed_transport {
public:
    using observer = std::function<void(const exchange_report&)>;

    /// All references must outlive the object. `tell` is not empty, must not throw, and is called on the thread of the exchanges.
    observed_transport(Transport& inner, Clock& time, observer tell)
        : inner_(inner)
        , clock_(time)
        , tell_(std::move(tell)) {}

    boost::asio::awaitable<result<response_head>> send(const request& r, const body_sink& sink) {
        std::uint64_t received = 0;
        const body_sink counting = [&](const response_head& head, std::string_view chunk) -> result<void> {
            received += chunk.size();
            return sink(head, chunk);
        };
        const steady_time begun = clock_.steady_now();
        auto head = co_await inner_.send(r, counting);
        const std::string_view target = r.target;
        tell_({r.verb, target.substr(0, target.find('?')), head ? head->status : 0, r.body.size(), received,
               clock_.steady_now() - begun});
        co_return head;
    }
    std::string server() const { return inner_.server(); }

private:
    Transport& inner_;
    Clock& clock_;
    observer tell_;
};

} // namespace lokiship::http

#endif
