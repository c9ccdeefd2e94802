#ifndef LOKISHIP_SHIP_DETAIL_PATIENT_TRANSPORT_HPP
#define LOKISHIP_SHIP_DETAIL_PATIENT_TRANSPORT_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/transport.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace lokiship::ship::detail {

/// Sends a request up to three times, a little later each time, while no answer begins or the server is
/// busy.
template <http::transport Transport, clock Clock>
class patient_transport {
public:
    patient_transport(Transport& inner, Clock& time)
        : inner_(inner)
        , clock_(time) {}

    boost::asio::awaitable<result<http::response_head>> send(const http::request& request,
                                                             const http::body_sink& sink) {
        for (unsigned attempt = 1;; ++attempt) {
            const bool last = attempt == attempts;
            bool answered = false, busy = false;
            std::size_t dropped = 0;
            const http::body_sink watched = [&](const http::response_head& head,
                                                std::string_view chunk) -> result<void> {
                if (!last && is_busy(head.status)) {
                    busy = true;
                    dropped += chunk.size();
                    return dropped <= max_dropped
                               ? result<void>()
                               : error(errc::service_unavailable, inner_.server() + ": busy");
                }
                answered = true;
                return sink(head, chunk);
            };
            auto head = co_await inner_.send(request, watched);
            if (last || answered || (head && !is_busy(head->status)))
                co_return head;
            co_await clock_.sleep_for(
                attempt * (head || busy ? std::chrono::milliseconds(1000) : std::chrono::milliseconds(250)));
        }
    }
    std::string server() const { return inner_.server(); }

private:
    static constexpr unsigned attempts = 3;
    /// Of an answer that is asked for again.
    static constexpr std::size_t max_dropped = 64 * 1024;
    static bool is_busy(unsigned status) noexcept { return status == 429 || status >= 500; }

    Transport& inner_;
    Clock& clock_;
};

} // namespace lokiship::ship::detail

#endif
