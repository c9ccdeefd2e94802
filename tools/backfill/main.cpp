#include "backfill/output.hpp"
#include "common/logging.hpp"
#include "common/program.hpp"

#include <lokiship/ship/backfill.hpp>

#include <unistd.h>

#include <iostream>

using namespace lokiship;

namespace {

constexpr const char* description =
    "Ships all AOSS execution logs that the backend has to Grafana Loki, oldest first, in one run.\n"
    "Exit codes: 0 all shipped; 2 wrong use; 3 Loki refused some; 4 the backend failed; 5 Loki failed; 6 "
    "interrupted.\n"
    "Anything else is an internal error.";

std::vector<tools::setting> settings() {
    return tools::shipping_settings(
        "5m",
        {
            tools::count_setting("batch-size", 1, 100'000, "1000", "How many entries a push has at most"),
            tools::count_setting("max-attempts", 1, 1000, "5",
                                 "How often in a row Loki may fail until backfill gives up"),
            tools::flag_setting("dry-run",
                                "Print what would be pushed as NDJSON on standard output and push nothing"),
            tools::choice_setting("progress", {"auto", "always", "never"}, "auto",
                                  "Show progress on standard error: a bar (always), a bar on a terminal "
                                  "and else a line every few seconds (auto), or nothing"),
        });
}

int run(const tools::values& v) {
    tools::shipping_program program("backfill", v);
    auto& logger = *program.logger;
    tools::progress progress(tools::style_of(v.text("progress"), isatty(STDERR_FILENO) != 0), std::cerr,
                             program.logger);
    ship::backfill_options options;
    options.delivery.batch.max_entries = static_cast<std::size_t>(v.count("batch-size"));
    options.max_attempts = static_cast<unsigned>(v.count("max-attempts"));
    options.fetch_timeout = v.duration("backend-timeout");
    options.delivery.push_timeout = v.duration("loki-timeout");
    bool stopped = false;
    options.log = [&, log = tools::log_to(program.logger)](ship::severity s, std::string_view text) {
        if (stopped)
            return; // of what the signal broke off
        progress.clear();
        log(s, text);
    };
    options.on_counters = [&](const ship::counters& c) { progress.show(c, program.time.steady_now()); };

    ship::basic_backfill<tools::transport, system_clock> fill(program.backend, program.loki, program.time,
                                                              options);
    program.on_signal([&] {
        stopped = true;
        program.cancel();
    });
    const bool dry_run = v.flag("dry-run");
    logger.info("reading all history from {}", program.backend.server());
    if (dry_run)
        program.run(fill.read());
    else
        program.run(fill.run());
    progress.clear();

    const auto& r = fill.result();
    if (r.read_failure && !stopped) {
        logger.error("{}", r.read_failure->message);
        return tools::backend_failed;
    }
    if (r.incomplete)
        logger.error("the backend has more, but refuses to give it: {}", r.incomplete->message);
    if (dry_run && !stopped)
        tools::print_entries(std::cout, fill.pending());
    else
        tools::print_summary(std::cout, fill.count(), r.executions);
    if (r.ship_failure && !stopped)
        logger.error("gave up: {}; run backfill again, what is stored already is not stored twice",
                     r.ship_failure->message);
    return stopped                      ? tools::interrupted
           : r.incomplete               ? tools::backend_failed
           : r.ship_failure             ? tools::loki_failed
           : fill.count().rejected != 0 ? tools::some_rejected
                                        : tools::all_shipped;
}

} // namespace

int main(int argc, char** argv) {
    return tools::run_program("backfill", description, settings(), argc, argv, run);
}
