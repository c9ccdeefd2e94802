#include "backfill/options.hpp"

#include "common/program.hpp"

#include <utility>

namespace lokiship::tools {

const char* const backfill_description =
    "Ships all AOSS execution logs that the backend has to Grafana Loki, oldest first, in one run.\n"
    "Exit codes: 0 all shipped; 2 wrong use; 3 Loki refused some; 4 the backend failed; 5 Loki failed; 6 "
    "interrupted;\n"
    "with --verify also: 7 Loki does not show what it acknowledged; 8 it may not have flushed yet what it "
    "does not show.\n"
    "Anything else is an internal error.";

std::vector<setting> backfill_settings() {
    return shipping_settings(
        "5m",
        {
            count_setting("batch-size", 1, 100'000, "1000", "How many entries a push has at most"),
            count_setting("max-attempts", 1, 1000, "5",
                          "How often in a row Loki may fail until backfill gives up"),
            flag_setting("dry-run",
                         "Print what would be pushed as NDJSON on standard output and push nothing"),
            flag_setting("verify",
                         "Read back from Loki what was shipped, and send again, once, what is not there"),
            duration_setting("verify-wait", "0s", "7d", "2m",
                             "With --verify, how long to wait for old entries to show"),
            file_setting("replay",
                         "Ship the entries of a file that --rejects wrote, instead of the backend's"),
            choice_setting("progress", {"auto", "always", "never"}, "auto",
                           "Show progress on standard error: a bar (always), a bar on a terminal "
                           "and else a line every few seconds (auto), or nothing"),
        });
}

ship::backfill_options to_backfill_options(const values& v, ship::delivery_options delivery,
                                           const loki::query_limits& query) {
    ship::backfill_options out;
    out.delivery = std::move(delivery);
    out.verify = v.flag("verify");
    out.verify_wait = v.duration("verify-wait");
    out.read_back = {query, v.duration("loki-timeout")};
    out.delivery.batch.max_entries = static_cast<std::size_t>(v.count("batch-size"));
    out.max_attempts = static_cast<unsigned>(v.count("max-attempts"));
    out.fetch_timeout = v.duration("backend-timeout");
    return out;
}

} // namespace lokiship::tools
