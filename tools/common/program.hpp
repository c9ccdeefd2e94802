#ifndef LOKISHIP_TOOLS_COMMON_PROGRAM_HPP
#define LOKISHIP_TOOLS_COMMON_PROGRAM_HPP

#include "common/exit_code.hpp"
#include "common/loki_settings.hpp"
#include "common/settings.hpp"

#include <lokiship/aoss/record_scanner.hpp>
#include <lokiship/aoss/to_entry.hpp>
#include <lokiship/clock.hpp>
#include <lokiship/http/tls_transport.hpp>
#include <lokiship/loki/push_encoder.hpp>
#include <lokiship/ship/delivery_options.hpp>
#include <lokiship/ship/log.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <spdlog/logger.h>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::tools {

/// A tool's main function: resolves its settings, prints what they ask for or what is wrong with them, or
/// else runs it. What `run` throws is printed and gives `internal_error`, or `wrong_use` for a `wrong_use_error`; output
/// that cannot be written gives `internal_error` too, where all was well otherwise.
int run_program(std::string_view name, std::string_view description, std::vector<setting> settings, int argc,
                char** argv, const std::function<int(const values&)>& run) noexcept;
/// The same for a tool that can take its settings anew while it runs: what it calls for that throws a `wrong_use_error` where
/// they are wrong.
int run_program(std::string_view name, std::string_view description, std::vector<setting> settings, int argc,
                char** argv,
                const std::function<int(const values&, const std::function<values()>& again)>& run) noexcept;

/// The settings that shipd and backfill share, around their own: both endpoints, redaction, encoding and logging.
std::vector<setting> shipping_settings(std::string backend_timeout, std::vector<setting> own);

/// What `--redact` and `--redact-pattern` ask for; empty with `--no-redact`.
aoss::redact_function redaction(const values& v);
/// How pages are read.
aoss::make_scanner_function scanner();
/// What the settings say of how pushes are written. Throws `wrong_use_error` for settings that do not go together.
std::function<std::unique_ptr<loki::push_encoder>()> encoder(const values& v);

/// How the tools reach a server, by http or https.
using transport = http::tls_transport;

/// What shipd and backfill work with: Loki, the clock and the loop on which all happens.
class shipping_program {
public:
    shipping_program(const std::string& name, const values& v);
    /// From here on, a signal no longer turns what is done into a process that was killed.
    ~shipping_program();
    shipping_program(const shipping_program&) = delete;
    shipping_program& operator=(const shipping_program&) = delete;

    /// Asks Loki for the settings that matter: `/config`, and where that is not shown, its version. What Loki does not
    /// tell keeps its default; the log says so where Loki answers without telling.
    loki_settings ask_loki();
    /// Whether Loki knows the header X-Loki-Backfill-Shard; also where it does not answer, which the first push will tell.
    bool loki_knows_backfill_shard();
    /// What the settings say of pushes. Where rejected entries are to be kept, opens that file.
    ship::delivery_options delivery(const values& v, const loki_settings& settings);

    /// Calls `f` at the first SIGINT or SIGTERM that comes during a `run`; the second ends the process as it does by
    /// default.
    void on_signal(std::function<void()> f);
    /// Calls `f` each second while a `run` lasts.
    void on_tick(std::function<void()> f) { on_tick_ = std::move(f); }
    /// Runs an operation to its end. Throws what it throws, unless `cancel` was called.
    template <class T>
    void run(boost::asio::awaitable<T> operation) {
        std::exception_ptr failure;
        context.restart();
        running_ = true;
        wait_for_signal();
        wait_for_tick();
        boost::asio::co_spawn(context, finish(std::move(operation)),
                              boost::asio::bind_cancellation_slot(cancel_.slot(), [&](std::exception_ptr e) {
                                  failure = e;
                                  running_ = false;
                                  ticks_.cancel();
                                  signals_.cancel();
                                  give_up_.cancel();
                              }));
        context.run();
        if (failure && !cancelled_)
            std::rethrow_exception(failure);
    }
    /// Lets `run` end soon. Stopping the context instead would leave the operation's coroutines to be
    /// destroyed with it, after what they refer to.
    void cancel() {
        cancelled_ = true;
        // An operation that has not begun cannot be cancelled: it would throw out of the loop.
        boost::asio::post(context, [this] { cancel_.emit(boost::asio::cancellation_type::terminal); });
    }
    /// Calls `stop`, which lets what `run` runs end by itself, and cancels it where that takes longer than five seconds.
    void stop_softly(const std::function<void()>& stop);
    bool cancelled() const noexcept { return cancelled_; }

    std::shared_ptr<spdlog::logger> logger;
    boost::asio::io_context context{1};
    /// As the settings say; what its transport warns of goes to the log.
    transport loki;
    system_clock time;

    /// A server as the settings say: `side` is `backend` or `loki`. What it warns of goes to the log. Throws
    /// `wrong_use_error`.
    transport reach(const values& v, const std::string& side);

private:
    boost::asio::awaitable<result<std::string>> get(std::string target);
    boost::asio::awaitable<void> read_settings(loki_settings& out);
    boost::asio::awaitable<void> probe_backfill_shard(bool& known);

    template <class T>
    static boost::asio::awaitable<void> finish(boost::asio::awaitable<T> operation) {
        co_await std::move(operation);
    }

    void wait_for_signal();
    void wait_for_tick();

    boost::asio::signal_set signals_{context};
    boost::asio::steady_timer give_up_{context}, ticks_{context};
    std::function<void()> on_signal_, on_tick_;
    std::chrono::nanoseconds loki_timeout_;
    boost::asio::cancellation_signal cancel_;
    bool cancelled_ = false, running_ = false;
};

} // namespace lokiship::tools

#endif
