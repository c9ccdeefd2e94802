#ifndef LOKISHIP_SHIP_BACKGROUND_SHIPPER_HPP
#define LOKISHIP_SHIP_BACKGROUND_SHIPPER_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/beast_transport.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/ship/shipper.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace lokiship::ship {

/// Ships in the background for as long as it lives: construct it, and logs flow.
///
/// It has a thread of its own and never blocks or throws into the program that embeds it. `count` may be
/// called from any thread; everything else, construction and destruction included, by one thread at a time.
/// The callbacks of the options are called on its thread and must not destroy it. Should a callback throw, or memory
/// run out, shipping ends, and the log is told.
class background_shipper {
public:
    /// Starts shipping. Throws `system_error` (`errc::invalid_url`) for a URL that `http::parse_url` refuses,
    /// `std::invalid_argument` for an option out of range, and what `std::thread` throws.
    background_shipper(std::string_view backend, std::string_view loki, shipper_options options = {})
        : background_shipper(http::parse_url(backend).value(), http::parse_url(loki).value(),
                             std::move(options)) {}
    background_shipper(const http::url& backend, const http::url& loki, shipper_options options = {})
        : backend_(context_.get_executor(), backend)
        , loki_(context_.get_executor(), loki)
        , shipper_(backend_, loki_, clock_, watched(options)) {
        boost::asio::co_spawn(context_, shipper_.run(), [log = options.log](std::exception_ptr e) {
            if (e && log)
                log(severity::warning, "shipping has ended: " + what(e));
        });
        thread_ = std::thread([this] { context_.run(); });
    }
    background_shipper(const background_shipper&) = delete;
    background_shipper& operator=(const background_shipper&) = delete;

    /// Stops, waiting for pushes in flight for at most `shipper_options::stop_timeout`. What Loki had not
    /// taken by then is read again by the next shipper.
    ~background_shipper() {
        boost::asio::post(context_, [this] { shipper_.stop(); });
        thread_.join();
    }

    /// The counters as they stand; they balance.
    counters count() const {
        const std::lock_guard lock(mutex_);
        return count_;
    }

private:
    static std::string what(std::exception_ptr e) {
        try {
            std::rethrow_exception(std::move(e));
        } catch (const std::exception& x) {
            return text::escape_for_log(x.what());
        } catch (...) {
            return "an unknown exception";
        }
    }
    shipper_options watched(shipper_options o) {
        o.on_counters = [this, also = std::move(o.on_counters)](const counters& c) {
            {
                const std::lock_guard lock(mutex_);
                count_ = c;
            }
            if (also)
                also(c);
        };
        return o;
    }

    mutable std::mutex mutex_;
    counters count_;
    boost::asio::io_context context_{1};
    http::beast_transport backend_, loki_;
    system_clock clock_;
    basic_shipper<http::beast_transport, system_clock> shipper_;
    std::thread thread_;
};

} // namespace lokiship::ship

#endif
