#include "common/logging.hpp"
#include "common/settings.hpp"

#include <lokiship/beast.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <cstdio>
#include <exception>
#include <iostream>
#include <optional>
#include <string>
#include <variant>

using namespace lokiship;

namespace {

/// Documented in the README.
enum exit_code {
    all_shipped = 0,
    internal_error = 1,
    usage = 2,
    some_rejected = 3,
    backend_failed = 4,
    loki_failed = 5
};

constexpr const char* description =
    "Ships AOSS execution logs to Grafana Loki, continuously.\n"
    "Exit codes: 0 ended by a signal, or with --once all is shipped; 2 wrong use; with --once also: 3 Loki "
    "refused some,\n"
    "4 the backend failed, 5 Loki failed. Anything else is an internal error.";

std::vector<tools::setting> settings() {
    return {
        tools::url_setting("backend", "BACKEND_URL", "http://localhost:8000", "The AOSS backend"),
        tools::url_setting("loki", "LOKI_URL", "http://localhost:3100", "Loki"),
        tools::duration_setting("poll-interval", "100ms", "1d", "30s", "From one poll to the next"),
        tools::count_setting("batch-size", 1, 100'000, "100", "How many executions a poll asks for"),
        tools::count_setting("dedup-capacity", 1, 10'000'000, "10000",
                             "How many shipped steps are remembered"),
        tools::flag_setting("once", "Poll and ship once, then exit"),
        tools::choice_setting("encoding", {"json"}, "json", "How pushes are encoded"),
        tools::choice_setting("log-level", {"trace", "debug", "info", "warn", "error", "off"}, "info",
                              "What is logged to standard error"),
    };
}

int run(const tools::values& v) {
    const auto logger = tools::make_logger("shipd", v.at("log-level").text);
    ship::shipper_options options;
    options.poll_interval = *tools::parse_duration(v.at("poll-interval").text);
    options.batch_size = *tools::parse_count(v.at("batch-size").text);
    options.dedup_capacity = static_cast<std::size_t>(*tools::parse_count(v.at("dedup-capacity").text));
    options.log = tools::log_to(logger);
    options.on_counters = [logger, before = std::uint64_t{0}](const ship::counters& c) mutable {
        // One line a round, not one a push.
        if (c.pending == 0 && c.shipped != before) {
            logger->info("shipped {} entries, {} in all", c.shipped - before, c.shipped);
            before = c.shipped;
        }
    };

    boost::asio::io_context context(1);
    http::beast_transport backend(context.get_executor(), http::parse_url(v.at("backend").text).value());
    http::beast_transport loki(context.get_executor(), http::parse_url(v.at("loki").text).value());
    system_clock time;
    shipper ship(backend, loki, time, options);
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const error_code& ec, int) {
        if (!ec)
            ship.stop();
    });
    logger->info("shipping from {} to {}", backend.server(), loki.server());

    const bool once = v.at("once").text == "true";
    std::exception_ptr failure;
    if (once)
        boost::asio::co_spawn(context, ship.run_once(), [&](std::exception_ptr e, std::optional<error>) {
            failure = e;
            signals.cancel();
        });
    else
        boost::asio::co_spawn(context, ship.run(), [&](std::exception_ptr e) {
            failure = e;
            signals.cancel();
        });
    context.run();
    if (failure)
        std::rethrow_exception(failure);
    const auto& c = ship.count();
    logger->info("ended: fetched {}, shipped {}, duplicate {}, rejected {}, pending {}", c.fetched, c.shipped,
                 c.duplicate, c.rejected, c.pending);
    if (!once)
        return all_shipped;
    return c.pages_failed != 0 ? backend_failed
           : c.pending != 0    ? loki_failed
           : c.rejected != 0   ? some_rejected
                               : all_shipped;
}

} // namespace

int main(int argc, char** argv) try {
    const auto resolved =
        tools::resolve("shipd", description, settings(), tools::real_surroundings(argc, argv));
    if (const auto* message = std::get_if<tools::exit_message>(&resolved)) {
        (message->code == 0 ? std::cout : std::cerr << "shipd: ") << message->text << '\n';
        return message->code;
    }
    return run(std::get<tools::values>(resolved));
} catch (const std::exception& e) {
    std::cerr << "shipd: " << e.what() << '\n';
    return internal_error;
}
