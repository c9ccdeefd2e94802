#include "backfill/options.hpp"

#include "common/labels.hpp"
#include "common/parse.hpp"
#include "common/program.hpp"

#include <lokiship/text/escape.hpp>
#include <lokiship/text/stable_hash.hpp>

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace lokiship::tools {

const char* const backfill_description =
    "Ships all AOSS execution logs that the backend has to Grafana Loki, oldest first, in one run and in "
    "bounded "
    "memory.\n"
    "Before it pushes it says what Loki will refuse, and which setting to change; --plan stops there.\n"
    "Exit codes: 0 all shipped; 2 wrong use, or a checkpoint that cannot be used; 3 Loki refused some (with "
    "--plan: "
    "will refuse);\n"
    "4 the backend failed; 5 Loki failed; 6 interrupted, the same command with --checkpoint goes on; 9 spool "
    "or "
    "checkpoint cannot be written;\n"
    "with --verify also: 7 Loki does not show what it acknowledged; 8 it may not have flushed yet what it "
    "does not show, or not all was read back.\n"
    "Anything else is an internal error.";

namespace {

std::optional<std::string> check_shard(const std::string& text) {
    if (text.size() > loki::max_backfill_shard_size || std::any_of(text.begin(), text.end(), [](char c) {
            return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                     c == '_' || c == '.');
        }))
        return "is not a word of at most 128 letters, digits, '-', '_' and '.'";
    return std::nullopt;
}

std::optional<std::string> check_rate(const std::string& text) {
    if (text == "auto")
        return std::nullopt;
    const auto n = parse_size(text);
    if (!n || (*n != 0 && *n < 1000))
        return "is not auto, off or a size of at least 1KB, such as 4MiB";
    return std::nullopt;
}

loki::labels extra_labels(const values& v) {
    loki::labels out = labels_of(v, "label");
    for (const auto& l : labels_of(v, "external-label"))
        if (!out.get(l.name).empty())
            throw wrong_use_error("--label and --external-label: both name '" + l.name + "'");
    if (const auto& shard = v.text("backfill-shard"); !shard.empty())
        out.set(loki::backfill_shard_label, shard);
    return out;
}

/// What makes it another backfill when it changes.
std::string job(const values& v, const std::string& backend, const std::string& loki) {
    std::string out = "--backend " + backend + " --loki " + loki;
    for (const char* name : {"since", "until", "server-id", "status", "slice", "shard", "external-label",
                             "label", "backfill-shard", "late-entries", "replay", "tenant", "redact"})
        // A part of one is the whole, as it was before there were parts.
        if (const auto& text = v.text(name); !text.empty() && text != "0/1")
            out += " --" + std::string(name) + ' ' + text;
    if (v.flag("structured-metadata"))
        out += " --structured-metadata";
    // A pattern may be the secret itself.
    if (const auto& patterns = v.text("redact-pattern"); v.flag("redact") && !patterns.empty())
        out += fmt::format(" --redact-pattern #{:016x}", text::stable_hash(0, patterns));
    return text::escape_for_log(out, 1'000'000);
}

/// What cannot be had together.
void check_together(const values& v) {
    const auto refuse = [](const std::string& one, const std::string& other) {
        throw wrong_use_error("--" + one + " and --" + other + " cannot be used together");
    };
    for (const char* part : {"since", "until", "server-id", "status"})
        if (!v.text("replay").empty() && !v.text(part).empty())
            refuse("replay", part);
    for (const char* part : {"slice", "shard"})
        if (!v.text("replay").empty() && v.part(part).count != 1)
            refuse("replay", part);
    if (v.flag("dry-run"))
        for (const char* other : {"plan", "verify"})
            if (v.flag(other))
                refuse("dry-run", other);
    const auto& checkpoint = v.text("checkpoint");
    for (const char* other : {"report", "rejects", "replay"})
        if (!checkpoint.empty() && checkpoint == v.text(other))
            throw wrong_use_error("--checkpoint and --" + std::string(other) + " are the same file");
}

/// What the process takes for itself, apart from entries.
constexpr std::uint64_t base_memory = 24 * 1024 * 1024;

} // namespace

std::vector<setting> backfill_settings() {
    return shipping_settings(
        "5m",
        {
            time_setting("since", "Only entries from this time on"),
            time_setting("until", "Only entries before this time"),
            part_setting("slice", "0/1",
                         "Of the time from --since to --until only this one of N equal parts"),
            list_setting("server-id", "UUID", "Only executions on this server"),
            text_setting("status", "STATUS", "", "Only executions of this status, such as Failed"),
            flag_setting("plan", "Say what would be shipped and what Loki would refuse, and push nothing"),
            flag_setting(
                "push-refused",
                "Push also what Loki will refuse by its /config, which does not show a tenant's own limits"),
            label_setting(
                "label", "Add this label to each stream, but for what is younger than fifty minutes, so that "
                         "history does not meet what is shipped live"),
            text_setting(
                "backfill-shard", "VALUE", "",
                "Push with the header X-Loki-Backfill-Shard, where Loki knows it (later than 3.7): it "
                "then takes entries of any age",
                check_shard),
            count_setting("push-entries", 1, 100'000, "10000", "How many entries a push has at most"),
            count_setting("concurrency", 1, 256, "128",
                          "How many streams are pushed at the same time at most; fewer while Loki does not "
                          "bear so many, or --max-memory does not hold them"),
            text_setting("rate", "BYTES|auto|off", "auto",
                         "How many bytes of lines a second are pushed in all; auto: just below Loki's "
                         "ingestion_rate_mb; off: as many as it takes, also for each stream, and up to "
                         "2.5 MiB at once",
                         check_rate),
            size_setting("max-memory", "32MiB", "1TiB", "64MiB", "How much memory the process may take"),
            text_setting(
                "spool-dir", "DIRECTORY", "",
                "Where the history waits on disk, in files without a name; default: TMPDIR or /var/tmp"),
            file_setting("checkpoint",
                         "Save in this file how far it is, and go on from there where it exists"),
            count_setting("max-attempts", 1, 1000, "5",
                          "How often in a row Loki may fail until backfill gives up"),
            flag_setting(
                "dry-run",
                "Print what would be pushed as NDJSON on standard output, ask Loki nothing and push nothing"),
            flag_setting("verify",
                         "Read back from Loki what was shipped, and send again, once, what is not there"),
            duration_setting(
                "verify-wait", "0s", "7d", "2m",
                "With --verify, how long to wait for old entries to show, and to ask a slow Loki"),
            file_setting("replay",
                         "Ship the entries of a file that --rejects wrote, instead of the backend's"),
            choice_setting("progress", {"auto", "always", "never", "json"}, "auto",
                           "Show progress on standard error: a bar (always), a bar on a terminal "
                           "and else a line every few seconds (auto), also while a server is silent, or "
                           "nothing; json: plan, progress and summary "
                           "as lines of JSON on standard output"),
            file_setting("report", "Write plan, counters and outcome to this file as JSON; with --dry-run "
                                   "the plan is what was read"),
        });
}

ship::backfill_options to_backfill_options(const values& v, ship::delivery_options delivery,
                                           const loki_settings& loki, const std::string& backend_server,
                                           const std::string& loki_server, timestamp now) {
    check_together(v);
    ship::backfill_options out;
    out.query.server_ids = v.list("server-id");
    std::sort(out.query.server_ids.begin(), out.query.server_ids.end());
    out.query.server_ids.erase(std::unique(out.query.server_ids.begin(), out.query.server_ids.end()),
                               out.query.server_ids.end());
    out.query.status = v.text("status");
    out.query.shard = {v.part("shard").index, v.part("shard").count};
    out.query.since = v.time("since", now);
    out.query.until = v.time("until", now);
    if (out.query.since && out.query.until && *out.query.since >= *out.query.until)
        throw wrong_use_error("--since: '" + v.text("since") + "' is not before --until '" + v.text("until") +
                              "'");
    if (const part slice = v.part("slice"); slice.count != 1) {
        // Whoever has another part must mean the same time.
        const auto later = now + std::chrono::hours(1);
        if (!out.query.since || out.query.since != v.time("since", later) || !out.query.until ||
            out.query.until != v.time("until", later))
            throw wrong_use_error(
                "--slice: needs --since and --until, as times, since the age of one differs from run to run");
        const auto whole = *out.query.until - *out.query.since;
        out.query.until = *out.query.since + whole / slice.count * (slice.index + 1);
        out.query.since = *out.query.since + whole / slice.count * slice.index;
        if (slice.index + 1 == slice.count)
            out.query.until = v.time("until", now);
    }
    out.redact = redaction(v);
    out.make_scanner = scanner();
    out.external_labels = labels_of(v, "external-label");
    out.structured_metadata = v.flag("structured-metadata");
    out.labels = extra_labels(v);
    out.limits = loki.ingestion;
    out.checkpoint = v.text("checkpoint");
    out.job = job(v, backend_server, loki_server);

    out.delivery = std::move(delivery);
    out.delivery.push_refused = v.flag("push-refused");
    out.delivery.batch.max_entries = static_cast<std::size_t>(v.count("push-entries"));
    out.delivery.concurrency = static_cast<std::size_t>(v.count("concurrency"));
    if (const auto& rate = v.text("rate"); rate != "auto") {
        out.delivery.rate = static_cast<std::size_t>(*parse_size(rate));
        out.delivery.learn_rates = false;
        if (out.delivery.rate == 0)
            out.delivery.stream_rate = 0;
    }
    const std::uint64_t memory = v.size("max-memory") - base_memory;
    out.spool.directory = v.text("spool-dir");
    out.spool.memory = static_cast<std::size_t>(std::min<std::uint64_t>(memory / 4, 512 * 1024 * 1024));
    out.spool.one_order = v.flag("dry-run");
    // Beside the entries under way there are their bodies.
    out.delivery.max_bytes_in_flight = static_cast<std::size_t>(memory / 16 * 3);
    // A stream has one push at a time: without a rate, how much that is decides how fast it goes where
    // answers take long.
    const bool limited = out.delivery.stream_rate != 0;
    out.delivery.batch.max_bytes = static_cast<std::size_t>(
        std::clamp<std::uint64_t>(out.delivery.max_bytes_in_flight / (limited ? 7 : 3), 16 * 1024,
                                  limited ? out.delivery.batch.max_bytes : 5 * 512 * 1024));

    out.verify = v.flag("verify");
    out.verify_wait = v.duration("verify-wait");
    out.read_back = {loki.query, v.duration("loki-timeout")};
    out.max_attempts = static_cast<unsigned>(v.count("max-attempts"));
    out.fetch_timeout = v.duration("backend-timeout");
    return out;
}

} // namespace lokiship::tools
