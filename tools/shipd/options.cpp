#include "shipd/options.hpp"

#include "common/http_service.hpp"
#include "common/labels.hpp"
#include "common/program.hpp"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

namespace lokiship::tools {

const char* const shipd_description =
    "Ships AOSS execution logs to Grafana Loki, continuously.\n"
    "SIGHUP has it read its settings, secrets and certificates again, SIGUSR1 log how it stands.\n"
    "Exit codes: 0 ended by a signal, or with --once all is shipped; 2 wrong use; with --once also: 3 Loki "
    "refused some,\n"
    "4 the backend failed, 5 Loki failed, with --check too. Anything else is an internal error.";

namespace {

/// Under systemd there is a folder for it, with StateDirectory=.
std::string default_state_file() {
    const char* const named = std::getenv("STATE_DIRECTORY");
    const std::string folders = named ? named : "";
    return folders.empty() ? "off" : folders.substr(0, folders.find(':')) + "/shipd.state";
}

std::optional<std::string> check_listen(const std::string& text) {
    if (text == "off" || parse_listen_address(text))
        return std::nullopt;
    return "is neither off nor HOST:PORT with an address or localhost, such as 127.0.0.1:9404 or [::1]:9404";
}

} // namespace

std::vector<setting> shipd_settings() {
    auto out = shipping_settings(
        "60s",
        {
            duration_setting("poll-interval", "100ms", "1d", "30s", "From one poll to the next"),
            count_setting("batch-size", 1, 100'000, "100", "How many executions a poll asks for"),
            count_setting("dedup-capacity", 1, 10'000'000, "10000",
                          "How many shipped steps are remembered; grows where one page holds more"),
            duration_setting("verify-interval", "0s", "1d", "off",
                             "How often what was shipped is read back from Loki; off: never"),
            text_setting("state-file", "FILE", default_state_file(),
                         "Where is kept what a restart must know; off: nowhere. With systemd's "
                         "StateDirectory= in that folder"),
            flag_setting("resume-from-loki", "Without a state: read back at the start as far as the newest "
                                             "entry that Loki has"),
            text_setting(
                "listen", "HOST:PORT", "127.0.0.1:9404",
                "Where /metrics, /status, /ready and /healthz are served, to whoever can connect; off: "
                "nowhere, as with --once",
                check_listen),
            flag_setting("once", "Poll and ship once, then exit"),
            flag_setting("check",
                         "Say whether all that is needed answers, with what cures it where it does not, and "
                         "exit; one line goes to Loki's {job=\"lokiship_check\"}"),
        });
    for (auto& s : out)
        s.per_backend = s.name.starts_with("backend") || s.name == "poll-interval" ||
                        s.name == "batch-size" || s.name == "dedup-capacity" || s.name == "external-label";
    return out;
}

std::vector<values> backends_of(const values& v) {
    if (!v.backends.empty())
        return v.backends;
    values one = v;
    one.emplace("name", value{"aoss", "default"});
    return {std::move(one)};
}

ship::shipper_options to_shipper_options(const values& v, ship::delivery_options delivery,
                                         const loki_settings& loki) {
    ship::shipper_options out;
    out.poll_interval = v.duration("poll-interval");
    out.batch_size = v.count("batch-size");
    out.dedup_capacity = static_cast<std::size_t>(v.count("dedup-capacity"));
    out.fetch_timeout = v.duration("backend-timeout");
    out.redact = redaction(v);
    out.shard = {v.part("shard").index, v.part("shard").count};
    out.external_labels = labels_of(v, "external-label");
    out.structured_metadata = v.flag("structured-metadata");
    out.make_scanner = scanner();
    out.delivery = std::move(delivery);
    out.verify_interval = v.duration("verify-interval");
    if (v.text("state-file") != "off")
        out.state_file = v.text("state-file");
    out.resume_from_loki = v.flag("resume-from-loki");
    out.read_back = {loki.query, v.duration("loki-timeout")};
    return out;
}

std::vector<std::string> changed_for_next_start(const values& before, const values& after) {
    std::vector<std::string> out;
    for (const char* name :
         {"loki", "shard", "dedup-capacity", "state-file", "resume-from-loki", "listen", "once"})
        if (before.text(name) != after.text(name))
            out.push_back(std::string("--") + name);
    auto was = backends_of(before), is = backends_of(after);
    for (auto* list : {&was, &is})
        std::sort(list->begin(), list->end(),
                  [](const values& a, const values& b) { return a.text("name") < b.text("name"); });
    if (!std::equal(was.begin(), was.end(), is.begin(), is.end(), [](const values& a, const values& b) {
            return a.text("name") == b.text("name") && a.text("backend") == b.text("backend") &&
                   a.text("dedup-capacity") == b.text("dedup-capacity");
        }))
        out.push_back(after.backends.empty() ? "--backend" : "[[backend]]");
    return out;
}

} // namespace lokiship::tools
