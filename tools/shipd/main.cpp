#include "common/logging.hpp"
#include "common/program.hpp"

#include <lokiship/ship/shipper.hpp>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>

using namespace lokiship;

namespace {

constexpr const char* description =
    "Ships AOSS execution logs to Grafana Loki, continuously.\n"
    "Exit codes: 0 ended by a signal, or with --once all is shipped; 2 wrong use; with --once also: 3 Loki "
    "refused some,\n"
    "4 the backend failed, 5 Loki failed. Anything else is an internal error.";

/// Under systemd there is a folder for it, with StateDirectory=.
std::string default_state_file() {
    const char* const named = std::getenv("STATE_DIRECTORY");
    const std::string folders = named ? named : "";
    return folders.empty() ? "off" : folders.substr(0, folders.find(':')) + "/shipd.state";
}

std::vector<tools::setting> settings() {
    return tools::shipping_settings(
        "60s",
        {
            tools::duration_setting("poll-interval", "100ms", "1d", "30s", "From one poll to the next"),
            tools::count_setting("batch-size", 1, 100'000, "100", "How many executions a poll asks for"),
            tools::count_setting("dedup-capacity", 1, 10'000'000, "10000",
                                 "How many shipped steps are remembered; grows where one page holds more"),
            tools::duration_setting("verify-interval", "0s", "1d", "off",
                                    "How often what was shipped is read back from Loki; off: never"),
            tools::text_setting("state-file", "FILE", default_state_file(),
                                "Where is kept what a restart must know; off: nowhere. With systemd's "
                                "StateDirectory= in that folder"),
            tools::flag_setting("resume-from-loki",
                                "Without a state: read back at the start as far as the newest entry that "
                                "Loki has"),
            tools::flag_setting("once", "Poll and ship once, then exit"),
        });
}

int run(const tools::values& v) {
    tools::shipping_program program("shipd", v);
    ship::shipper_options options;
    options.poll_interval = v.duration("poll-interval");
    options.batch_size = v.count("batch-size");
    options.dedup_capacity = static_cast<std::size_t>(v.count("dedup-capacity"));
    options.fetch_timeout = v.duration("backend-timeout");
    std::optional<ship::basic_shipper<tools::transport, system_clock>> ship;
    program.on_signal([&] {
        if (ship)
            ship->stop();
        else
            program.cancel();
    });
    const auto loki = program.ask_loki();
    if (program.cancelled())
        return tools::all_shipped;
    options.redact = tools::redaction(v);
    options.make_scanner = tools::scanner();
    options.delivery = program.delivery(v, loki);
    options.verify_interval = v.duration("verify-interval");
    if (v.text("state-file") != "off")
        options.state_file = v.text("state-file");
    options.resume_from_loki = v.flag("resume-from-loki");
    options.read_back = {loki.query, v.duration("loki-timeout")};
    options.log = tools::log_to(program.logger);
    options.on_counters = [logger = program.logger,
                           before = std::uint64_t{0}](const ship::counters& c) mutable {
        // One line a round, not one a push.
        if (c.pending != 0)
            return;
        if (c.shipped > before)
            logger->info("shipped {} entries, {} in all", c.shipped - before, c.shipped);
        before = c.shipped;
    };

    ship.emplace(program.backend, program.loki, program.time, options);
    if (const auto state = ship->open_state(); !state)
        throw tools::wrong_use_error("--state-file: " + state.error().message);
    program.logger->info("shipping from {} to {}", program.backend.server(), program.loki.server());
    const bool once = v.flag("once");
    if (once)
        program.run(ship->run_once());
    else
        program.run(ship->run());
    const auto& c = ship->count();
    program.logger->info("ended: fetched {}, shipped {}, duplicate {}, rejected {}, pending {}; redacted {}",
                         c.fetched, c.shipped, c.duplicate, c.rejected, c.pending, c.redacted);
    if (!once)
        return tools::all_shipped;
    return c.pages_failed != 0 ? tools::backend_failed
           : c.pending != 0    ? tools::loki_failed
           : c.rejected != 0   ? tools::some_rejected
                               : tools::all_shipped;
}

} // namespace

int main(int argc, char** argv) {
    return tools::run_program("shipd", description, settings(), argc, argv, run);
}
