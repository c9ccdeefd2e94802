#ifndef LOKISHIP_SHIP_BACKGROUND_SHIPPER_HPP
#define LOKISHIP_SHIP_BACKGROUND_SHIPPER_HPP

#include <lokiship/clock.hpp>
#include <lokiship/http/beast_transport.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/ship/shipper.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/asio/any_io_executor.hpp>
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

/// Ships in the background for as long as it lives.
///
/// It has a thread of its own and never blocks or throws into the program that embeds it. `count` may be
/// called from any thread; everything else, construction and destruction included, by one thread at a time.
/// The callbacks of the options, the transports' included, are called on its thread and must not destroy it. Should a
/// callback throw, or memory run out, shipping ends, and the log is told.
template <http::transport Transport>
class basic_background_shipper {
public:
    /// Makes a transport for the thread of this executor. Not empty.
    using make_transport = std::function<Transport(boost::asio::any_io_executor)>;

    /// Starts shipping over what `backend` and `loki` make, which are called once, before this returns: with credentials,
    /// certificates or proxies of their own. Throws what they throw, `std::invalid_argument` for an option out of
    /// range, and what `std::thread` throws.
    basic_background_shipper(const make_transport& backend, const make_transport& loki,
                             shipper_options options = {})
        : backend_(backend(context_.get_executor()))
        , loki_(loki(context_.get_executor()))
        , shipper_(backend_, loki_, clock_, watched(options)) {
        boost::asio::co_spawn(context_, shipper_.run(), [this, log = options.log](std::exception_ptr e) {
            if (e)
                say_ended(log, e);
            // Whatever a transport still waits for.
            context_.stop();
        });
        thread_ = std::thread([this, log = options.log] {
            try {
                context_.run();
            } catch (...) {
                say_ended(log, std::current_exception());
            }
        });
    }
    basic_background_shipper(const basic_background_shipper&) = delete;
    basic_background_shipper& operator=(const basic_background_shipper&) = delete;

    /// Stops, waiting for pushes in flight for at most `shipper_options::stop_timeout`, and for the system's resolver where
    /// that looks for a name just then. What Loki had not taken by then is read again by the next shipper.
    virtual ~basic_background_shipper() {
        boost::asio::post(context_, [this] { shipper_.stop(); });
        thread_.join();
    }

    /// The counters as they stand; they balance.
    counters count() const {
        const std::lock_guard lock(mutex_);
        return count_;
    }

private:
    template <class Log>
    static void say_ended(const Log& log, std::exception_ptr e) noexcept {
        try {
            if (log)
                log(severity::warning, "shipping has ended: " + what(std::move(e)));
        } catch (...) {
            // Nobody is left to tell.
        }
    }
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
    Transport backend_, loki_;
    system_clock clock_;
    basic_shipper<Transport, system_clock> shipper_;
    std::thread thread_;
};

/// Ships over Beast: construct it, and logs flow.
class background_shipper : public basic_background_shipper<http::beast_transport> {
public:
    using basic_background_shipper::basic_background_shipper;
    /// Starts shipping between these URLs. Throws `system_error` (`errc::invalid_url`) for one that `http::parse_url`
    /// refuses, `std::invalid_argument` for an option out of range, and what `std::thread` throws.
    background_shipper(std::string_view backend, std::string_view loki, shipper_options options = {})
        : background_shipper(http::parse_url(backend).value(), http::parse_url(loki).value(),
                             std::move(options)) {}
    background_shipper(const http::url& backend, const http::url& loki, shipper_options options = {})
        : basic_background_shipper(maker(backend), maker(loki), std::move(options)) {}

private:
    static make_transport maker(const http::url& server) {
        return [&server](boost::asio::any_io_executor executor) {
            return http::beast_transport(std::move(executor), server);
        };
    }
};

} // namespace lokiship::ship

#endif
