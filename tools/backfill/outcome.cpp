#include "backfill/outcome.hpp"

#include "common/settings.hpp"

#include <lokiship/text/escape.hpp>

#include <boost/json/serialize.hpp>

#include <spdlog/fmt/fmt.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <stdexcept>

namespace lokiship::tools {

exit_code exit_code_of(const outcome& o, const ship::backfill_plan& plan) {
    const auto& r = o.result;
    const auto& c = o.count;
    if (r.checkpoint_failure)
        return wrong_use;
    if (o.stopped)
        return interrupted;
    if (r.disk_failure)
        return disk_failed;
    if (r.read_failure || r.incomplete)
        return backend_failed;
    if (r.ship_failure || r.verify_failure)
        return loki_failed;
    if (o.plan_only)
        return plan.refused() != 0 ? some_rejected : all_shipped;
    if (c.rejected_by_reason[static_cast<std::size_t>(loki::reject_reason::not_stored)] != 0)
        return entries_missing;
    if (r.not_visible + r.not_verified != 0)
        return entries_not_visible;
    return c.rejected != 0 ? some_rejected : all_shipped;
}

std::string summary_text(const outcome& o) {
    const auto& c = o.count;
    const auto& r = o.result;
    std::string out =
        fmt::format("{} executions: fetched {}, shipped {}, duplicate {}, rejected {}, pending {}\n",
                    r.executions, c.fetched, c.shipped, c.duplicate, c.rejected, c.pending);
    for (std::size_t i = 0; i != c.rejected_by_reason.size(); ++i)
        if (c.rejected_by_reason[i] != 0)
            out += fmt::format("rejected{{reason=\"{}\"}} {}\n",
                               to_string(static_cast<loki::reject_reason>(i)), c.rejected_by_reason[i]);
    const auto line = [&](std::uint64_t n, std::string_view what) {
        if (n != 0)
            out += fmt::format("{}: {}\n", what, n);
    };
    line(c.timestamps_replaced, "without a readable timestamp, given the time of reading");
    line(c.labels_changed, "with a label value that was missing or that Loki does not take, replaced");
    line(c.redacted, "with something replaced by [REDACTED]");
    line(c.restamped, "too late, given the oldest time that Loki takes");
    if (c.verified + c.lost + r.not_visible + r.not_verified != 0)
        out += fmt::format("read back: {} there, {} were not there and were sent again, {} do not show yet\n",
                           c.verified, c.lost, r.not_visible);
    line(r.not_verified,
         "not read back, for lack of time, or since too many have one time or another than their record");
    return out;
}

boost::json::object summary_json(const outcome& o, exit_code code) {
    const auto& c = o.count;
    const auto& r = o.result;
    boost::json::object rejected;
    for (std::size_t i = 0; i != c.rejected_by_reason.size(); ++i)
        if (c.rejected_by_reason[i] != 0) {
            const auto name = to_string(static_cast<loki::reject_reason>(i));
            rejected[{name.data(), name.size()}] = c.rejected_by_reason[i];
        }
    boost::json::object errors;
    const auto add_error = [&](const char* name, const std::optional<error>& e) {
        if (e)
            errors[name] = e->message;
    };
    add_error("checkpoint", r.checkpoint_failure);
    add_error("read", r.read_failure);
    add_error("incomplete", r.incomplete);
    add_error("disk", r.disk_failure);
    add_error("ship", r.ship_failure);
    add_error("verify", r.verify_failure);
    return {{"exit_code", static_cast<int>(code)},
            {"interrupted", o.stopped},
            {"executions", r.executions},
            {"fetched", c.fetched},
            {"shipped", c.shipped},
            {"duplicate", c.duplicate},
            {"rejected", c.rejected},
            {"rejected_by_reason", std::move(rejected)},
            {"pending", c.pending},
            {"timestamps_replaced", c.timestamps_replaced},
            {"labels_changed", c.labels_changed},
            {"redacted", c.redacted},
            {"restamped", c.restamped},
            {"verified", c.verified},
            {"lost", c.lost},
            {"not_visible", r.not_visible},
            {"not_verified", r.not_verified},
            {"pages", c.pages},
            {"pages_failed", c.pages_failed},
            {"pushes", c.pushes},
            {"pushes_failed", c.pushes_failed},
            {"errors", std::move(errors)}};
}

void explain(spdlog::logger& log, const outcome& o, const ship::backfill_options& options) {
    const auto& r = o.result;
    const std::string again =
        options.checkpoint.empty()
            ? "run backfill again: what Loki shows is left out then, and with --checkpoint "
              "it goes on where it was"
            : "run the same command again: it goes on from '" + text::escape_for_log(options.checkpoint) +
                  "'";
    if (o.stopped) {
        const auto& c = o.count;
        if (o.at == phase::starting)
            log.warn("interrupted before anything was read; run the same command again");
        else if (o.at == phase::reading)
            log.warn("interrupted while reading the history, of which {} entries were read; nothing was "
                     "shipped in this run; run the same command again",
                     c.pending);
        else if (c.pending == 0)
            log.warn("interrupted with nothing left to ship");
        else
            log.warn("interrupted with {} entries to ship; {}", o.count.pending, again);
        return;
    }
    if (r.checkpoint_failure)
        log.error("--checkpoint: {}; nothing was read or shipped{}", r.checkpoint_failure->message,
                  r.checkpoint_failure->code == errc::unusable_checkpoint ? "; remove the file to begin anew"
                                                                          : "");
    if (r.read_failure)
        log.error("{}; nothing was shipped", r.read_failure->message);
    if (r.incomplete)
        log.error("the backend has more, but does not give it: {}; --server-id, server by server, may give "
                  "more",
                  r.incomplete->message);
    if (r.disk_failure)
        log.error("{}; {} entries were not shipped", r.disk_failure->message, o.count.pending);
    if (r.ship_failure)
        log.error("gave up: {}; {}", r.ship_failure->message, again);
    if (r.verify_failure)
        log.error("what was shipped could not be read back: {}", r.verify_failure->message);
    if (r.not_visible != 0)
        log.warn("{} entries do not show yet. They are so old that Loki shows them only after it has flushed "
                 "their chunks, "
                 "chunk_idle_period (30m) after their stream's last entry at the latest; wait longer with "
                 "--verify-wait, "
                 "or let an operator POST /flush",
                 r.not_visible);
    if (r.not_verified != 0)
        log.warn("{} entries were not read back; where Loki is slow, look for longer with --verify-wait",
                 r.not_verified);
}

void print(std::ostream& out, bool json, std::string_view name, const boost::json::object& object,
           const std::string& text) {
    if (!json) {
        out << text << std::flush;
        return;
    }
    boost::json::object line{{"event", boost::json::string_view(name.data(), name.size())}};
    for (const auto& [key, value] : object)
        line[key] = value;
    out << boost::json::serialize(line) << std::endl;
}

report::report(const std::string& path) {
    if (path.empty())
        return;
    file_.open(path, std::ios::binary | std::ios::trunc);
    if (!file_)
        throw wrong_use_error("--report: '" + text::escape_for_log(path) +
                              "' cannot be opened: " + std::strerror(errno));
}

void report::write(const boost::json::object& content) {
    if (!file_.is_open())
        return;
    file_ << boost::json::serialize(content) << std::endl;
    if (!file_)
        throw std::runtime_error("--report: it cannot be written");
}

} // namespace lokiship::tools
