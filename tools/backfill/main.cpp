#include "backfill/options.hpp"
#include "backfill/output.hpp"
#include "common/logging.hpp"
#include "common/ndjson.hpp"
#include "common/program.hpp"

#include <lokiship/ship/backfill.hpp>

#include <unistd.h>

#include <iostream>

using namespace lokiship;

namespace {

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
                             program.logger, [] { return tools::terminal_width(STDERR_FILENO); });
    bool stopped = false;
    program.on_signal([&] {
        stopped = true;
        program.cancel();
    });
    const bool dry_run = v.flag("dry-run");
    const auto loki = dry_run ? tools::loki_settings{} : program.ask_loki();
    ship::backfill_options options = tools::to_backfill_options(v, program.delivery(v, loki), loki.query);
    options.log = [&, log = tools::log_to(program.logger)](ship::severity s, std::string_view text) {
        if (stopped)
            return; // of what the signal broke off
        progress.clear();
        log(s, text);
    };
    options.on_counters = [&](const ship::counters& c) { progress.show({c}, program.time.steady_now()); };

    shell fill(program.backend, program.loki, program.time, options);
    if (!stopped)
        carry_out(program, fill, v.text("replay"), dry_run);
    progress.finish();

    if (dry_run && !stopped && !fill.result().read_failure) {
        tools::print_entries(std::cout, fill.pending());
        return tools::read_outcome(logger, fill.result());
    }
    return tools::conclude(std::cout, logger, fill.count(), fill.result(), stopped);
}

} // namespace

int main(int argc, char** argv) {
    return tools::run_program("backfill", tools::backfill_description, tools::backfill_settings(), argc, argv,
                              run);
}
