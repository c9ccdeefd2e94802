#include "backfill/output.hpp"
#include "common/logging.hpp"
#include "common/ndjson.hpp"
#include "common/program.hpp"

#include <lokiship/ship/backfill.hpp>

#include <unistd.h>

#include <iostream>

using namespace lokiship;

namespace {

constexpr const char* description =
    "Ships all AOSS execution logs that the backend has to Grafana Loki, oldest first, in one run.\n"
    "Exit codes: 0 all shipped; 2 wrong use; 3 Loki refused some; 4 the backend failed; 5 Loki failed; 6 "
    "interrupted;\n"
    "with --verify also: 7 Loki does not show what it acknowledged; 8 it may not have flushed yet what it "
    "does not show.\n"
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
            tools::flag_setting(
                "verify", "Read back from Loki what was shipped, and send again, once, what is not there"),
            tools::duration_setting("verify-wait", "0s", "7d", "2m",
                                    "With --verify, how long to wait for old entries to show"),
            tools::file_setting("replay",
                                "Ship the entries of a file that --rejects wrote, instead of the backend's"),
            tools::choice_setting("progress", {"auto", "always", "never"}, "auto",
                                  "Show progress on standard error: a bar (always), a bar on a terminal "
                                  "and else a line every few seconds (auto), or nothing"),
        });
}

using shell = ship::basic_backfill<tools::transport, system_clock>;

void carry_out(tools::shipping_program& program, shell& fill, const std::string& replay, bool dry_run) {
    if (replay.empty()) {
        program.logger->info("reading all history from {}", program.backend.server());
        if (dry_run)
            program.run(fill.read());
        else
            program.run(fill.run());
        return;
    }
    for (auto& e : tools::read_rejects(replay))
        fill.add(e.labels, std::move(e.entry), e.key);
    if (!dry_run)
        program.run(fill.ship_and_verify());
}

int run(const tools::values& v) {
    tools::shipping_program program("backfill", v);
    auto& logger = *program.logger;
    tools::progress progress(tools::style_of(v.text("progress"), isatty(STDERR_FILENO) != 0), std::cerr,
                             program.logger);
    ship::backfill_options options;
    bool stopped = false;
    program.on_signal([&] {
        stopped = true;
        program.cancel();
    });
    const bool dry_run = v.flag("dry-run");
    const auto loki = dry_run ? tools::loki_settings{} : program.ask_loki();
    options.delivery = program.delivery(v, loki);
    options.verify = v.flag("verify");
    options.verify_wait = v.duration("verify-wait");
    options.read_back = {loki.query, v.duration("loki-timeout")};
    options.delivery.batch.max_entries = static_cast<std::size_t>(v.count("batch-size"));
    options.max_attempts = static_cast<unsigned>(v.count("max-attempts"));
    options.fetch_timeout = v.duration("backend-timeout");
    options.log = [&, log = tools::log_to(program.logger)](ship::severity s, std::string_view text) {
        if (stopped)
            return; // of what the signal broke off
        progress.clear();
        log(s, text);
    };
    options.on_counters = [&](const ship::counters& c) { progress.show(c, program.time.steady_now()); };

    shell fill(program.backend, program.loki, program.time, options);
    if (!stopped)
        carry_out(program, fill, v.text("replay"), dry_run);
    progress.clear();

    const auto& r = fill.result();
    const auto& c = fill.count();
    if (stopped) {
        tools::print_summary(std::cout, c, r);
        return tools::interrupted;
    }
    if (r.read_failure) {
        logger.error("{}", r.read_failure->message);
        return tools::backend_failed;
    }
    if (r.incomplete)
        logger.error("the backend has more, but refuses to give it: {}", r.incomplete->message);
    if (dry_run) {
        tools::print_entries(std::cout, fill.pending());
        return r.incomplete ? tools::backend_failed : tools::all_shipped;
    }
    tools::print_summary(std::cout, c, r);
    if (r.ship_failure)
        logger.error("gave up: {}; run backfill again, Loki drops what it has already",
                     r.ship_failure->message);
    if (r.verify_failure)
        logger.error("what was shipped could not be read back: {}", r.verify_failure->message);
    if (r.not_visible != 0)
        logger.warn("{} entries do not show yet. They are older than Loki's query_ingesters_within, so they "
                    "show only after "
                    "Loki has flushed their chunks, {} after their stream's last entry at the latest; wait "
                    "longer with "
                    "--verify-wait, or let an operator POST /flush",
                    r.not_visible, "chunk_idle_period (30m)");
    const bool missing = c.rejected_by_reason[static_cast<std::size_t>(loki::reject_reason::not_stored)] != 0;
    return r.incomplete                         ? tools::backend_failed
           : r.ship_failure || r.verify_failure ? tools::loki_failed
           : missing                            ? tools::entries_missing
           : r.not_visible != 0                 ? tools::entries_not_visible
           : c.rejected != 0                    ? tools::some_rejected
                                                : tools::all_shipped;
}

} // namespace

int main(int argc, char** argv) {
    return tools::run_program("backfill", description, settings(), argc, argv, run);
}
