#include "backfill/output.hpp"
#include "common/logging.hpp"
#include "common/settings.hpp"

#include <lokiship/beast.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <exception>
#include <iostream>
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
    loki_failed = 5,
    interrupted = 6
};

constexpr const char* description =
    "Ships all AOSS execution logs that the backend has to Grafana Loki, oldest first, in one run.\n"
    "Exit codes: 0 all shipped; 2 wrong use; 3 Loki refused some; 4 the backend failed; 5 Loki failed; 6 "
    "interrupted.\n"
    "Anything else is an internal error.";

std::vector<tools::setting> settings() {
    return {
        tools::url_setting("backend", "BACKEND_URL", "http://localhost:8000", "The AOSS backend"),
        tools::url_setting("loki", "LOKI_URL", "http://localhost:3100", "Loki"),
        tools::count_setting("batch-size", 1, 100'000, "1000", "How many entries a push has at most"),
        tools::flag_setting("dry-run",
                            "Print what would be pushed as NDJSON on standard output and push nothing"),
        tools::choice_setting("progress", {"auto", "always", "never"}, "auto",
                              "Show a progress bar on standard error; auto: where that is a terminal"),
        tools::choice_setting("encoding", {"json"}, "json", "How pushes are encoded"),
        tools::choice_setting("log-level", {"trace", "debug", "info", "warn", "error", "off"}, "info",
                              "What is logged to standard error"),
    };
}

int run(const tools::values& v) {
    const auto logger = tools::make_logger("backfill", v.at("log-level").text);
    const bool dry_run = v.at("dry-run").text == "true";
    tools::progress_bar bar(v.at("progress").text, std::cerr);
    ship::backfill_options options;
    options.delivery.batch.max_entries =
        static_cast<std::size_t>(*tools::parse_count(v.at("batch-size").text));
    options.log = [&bar, log = tools::log_to(logger)](ship::severity s, std::string_view text) {
        bar.clear();
        log(s, text);
    };
    options.on_counters = [&bar](const ship::counters& c) { bar.show(c); };

    boost::asio::io_context context(1);
    http::beast_transport backend(context.get_executor(), http::parse_url(v.at("backend").text).value());
    http::beast_transport loki(context.get_executor(), http::parse_url(v.at("loki").text).value());
    system_clock time;
    backfill fill(backend, loki, time, options);
    bool stopped = false;
    boost::asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](const error_code& ec, int) {
        if (!ec) {
            stopped = true;
            context.stop();
        }
    });
    std::exception_ptr failure;
    const auto ended = [&](std::exception_ptr e) {
        failure = e;
        signals.cancel();
    };
    logger->info("reading all history from {}", backend.server());
    if (dry_run)
        boost::asio::co_spawn(context, fill.read(), ended);
    else
        boost::asio::co_spawn(context, fill.run(),
                              [&](std::exception_ptr e, const ship::backfill_result&) { ended(e); });
    context.run();
    bar.clear();
    if (failure)
        std::rethrow_exception(failure);

    const auto& r = fill.result();
    if (r.read_failure) {
        logger->error("{}", r.read_failure->message);
        return backend_failed;
    }
    if (r.incomplete)
        logger->error("the backend has more, but refuses to give it: {}", r.incomplete->message);
    if (dry_run && !stopped)
        tools::print_entries(std::cout, fill.pending());
    else
        tools::print_summary(std::cout, fill.count(), r.executions);
    if (r.ship_failure)
        logger->error("gave up: {}; run backfill again, what is stored already is not stored twice",
                      r.ship_failure->message);
    return stopped                      ? interrupted
           : r.incomplete               ? backend_failed
           : r.ship_failure             ? loki_failed
           : fill.count().rejected != 0 ? some_rejected
                                        : all_shipped;
}

} // namespace

int main(int argc, char** argv) try {
    const auto resolved =
        tools::resolve("backfill", description, settings(), tools::real_surroundings(argc, argv));
    if (const auto* message = std::get_if<tools::exit_message>(&resolved)) {
        (message->code == 0 ? std::cout : std::cerr << "backfill: ") << message->text << '\n';
        return message->code;
    }
    return run(std::get<tools::values>(resolved));
} catch (const std::exception& e) {
    std::cerr << "backfill: " << e.what() << '\n';
    return internal_error;
}
