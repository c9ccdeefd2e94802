#include "backfill/options.hpp"
#include "backfill/outcome.hpp"
#include "backfill/plan.hpp"
#include "backfill/progress.hpp"
#include "common/logging.hpp"
#include "common/ndjson.hpp"
#include "common/program.hpp"

#include <lokiship/ship/backfill.hpp>

#include <boost/json/serialize.hpp>

#include <unistd.h>

#include <functional>
#include <iostream>
#include <string>

using namespace lokiship;

namespace {

using shell = ship::basic_backfill<tools::transport, system_clock>;

/// Reads all, or takes it from a file.
void read(tools::shipping_program& program, shell& fill, const std::string& backend,
          const std::string& replay) {
    if (replay.empty()) {
        program.logger->info("reading all history from {}", backend);
        program.run(fill.read());
    } else {
        tools::read_rejects(replay,
                            [&fill](const tools::rejected_entry& e) { fill.add(e.labels, e.entry, e.key); });
    }
}

int run(const tools::values& v) {
    tools::shipping_program program("backfill", v);
    tools::transport backend = program.reach(v, "backend");
    const bool dry_run = v.flag("dry-run"), plan_only = v.flag("plan"), json = v.text("progress") == "json";
    tools::progress progress(
        tools::style_of(dry_run ? "never" : v.text("progress"), isatty(STDERR_FILENO) != 0),
        json ? std::cout : std::cerr, program.logger, [] { return tools::terminal_width(STDERR_FILENO); });
    bool stopped = false;
    tools::phase phase = tools::phase::starting;
    shell* running = nullptr;
    const std::function<void()> show = [&] {
        if (running)
            progress.show({running->count(), running->bytes_settled(), phase, running->surveyed()},
                          program.time.steady_now());
    };
    program.on_tick(show);
    program.on_signal([&] {
        stopped = true;
        // What is under way may end; whoever cannot wait sends another signal.
        if (running && running->is_pushing())
            program.stop_softly([&] { running->stop(); });
        else
            program.cancel();
    });
    if (!dry_run)
        program.logger->info("asking {} for its settings", program.loki.server());
    const auto loki = dry_run ? tools::loki_settings{} : program.ask_loki();
    if (!dry_run && !stopped && !v.text("backfill-shard").empty() && !program.loki_knows_backfill_shard())
        throw tools::wrong_use_error(
            "--backfill-shard: " + program.loki.server() +
            " does not know the header X-Loki-Backfill-Shard, and would ignore it; use "
            "--label instead");
    const timestamp now = program.time.wall_now();
    ship::backfill_options options = tools::to_backfill_options(v, program.delivery(v, loki), loki,
                                                                backend.server(), program.loki.server(), now);
    options.log = [&, log = tools::log_to(program.logger)](ship::severity s, std::string_view text) {
        if (stopped)
            return; // of what the signal broke off
        progress.clear();
        log(s, text);
    };
    options.on_counters = [&](const ship::counters&) { show(); };

    shell fill(backend, program.loki, program.time, options);
    running = &fill;
    tools::report report(v.text("report"));
    const tools::planned planned{fill.plan(), options, now};
    if (!stopped) {
        phase = tools::phase::reading;
        read(program, fill, backend.server(), v.text("replay"));
    }
    if (dry_run && !stopped && !fill.result().failed()) {
        progress.clear();
        tools::print_entries(std::cout, fill);
    } else {
        if (!stopped) {
            phase = tools::phase::looking;
            program.run(fill.look());
        }
        progress.clear();
        if (!stopped && !fill.result().failed()) {
            tools::print(std::cout, json, "plan", tools::plan_json(planned), tools::plan_text(planned));
            if (!plan_only) {
                phase = tools::phase::pushing;
                program.run(fill.ship());
            }
            if (!plan_only && !stopped && options.verify) {
                phase = tools::phase::verifying;
                program.run(fill.verify());
            }
        }
        progress.finish();
    }
    const tools::outcome outcome{fill.count(), fill.result(), stopped, plan_only || dry_run, phase};
    const auto code = tools::exit_code_of(outcome, fill.plan());
    const auto summary = tools::summary_json(outcome, code);
    if (stopped || (!plan_only && !dry_run && !fill.result().read_failure))
        tools::print(std::cout, json, "summary", summary, tools::summary_text(outcome));
    tools::explain(*program.logger, outcome, options);
    report.write({{"plan", dry_run ? tools::read_json(fill.plan()) : tools::plan_json(planned)},
                  {"summary", summary}});
    return code;
}

} // namespace

int main(int argc, char** argv) {
    return tools::run_program("backfill", tools::backfill_description, tools::backfill_settings(), argc, argv,
                              run);
}
