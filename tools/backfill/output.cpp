#include "backfill/output.hpp"

#include "common/ndjson.hpp"

#include <spdlog/fmt/fmt.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace lokiship::tools {

progress_style style_of(std::string_view when, bool on_terminal) {
    if (when == "never")
        return progress_style::none;
    return when == "always" || on_terminal ? progress_style::bar : progress_style::lines;
}

progress::progress(progress_style style, std::ostream& out, std::shared_ptr<spdlog::logger> logger)
    : out_(out)
    , logger_(std::move(logger))
    , style_(style) {}

void progress::show(const ship::counters& c, steady_time now) {
    using namespace std::chrono_literals;
    if (style_ == progress_style::none)
        return;
    // The first line says nothing that the start did not say.
    if (!started_) {
        started_ = now;
        next_ = style_ == progress_style::bar ? now : now + 5s;
    }
    // The bar's last state must not depend on when it comes.
    if (now < *next_ && !(drawn_ && c.pending == 0))
        return;
    next_ = now + (style_ == progress_style::bar ? 100ms : 5s);
    const auto settled = c.shipped + c.rejected;
    const auto all = settled + c.pending;
    const std::string text = progress_text(settled, all, now - *started_);
    if (style_ == progress_style::lines) {
        logger_->info("{}", text);
        return;
    }
    drawn_ = true;
    out_ << "\r\x1b[K" << progress_bar(settled, all, 30) << "  " << text << std::flush;
}

void progress::clear() {
    if (std::exchange(drawn_, false))
        out_ << "\r\x1b[K" << std::flush;
}

std::string progress_text(std::uint64_t settled, std::uint64_t all, std::chrono::nanoseconds elapsed) {
    const double seconds = std::chrono::duration<double>(elapsed).count();
    const double rate = seconds > 0 ? static_cast<double>(settled) / seconds : 0;
    const auto percent = all == 0 ? 100 : settled * 100 / all;
    if (settled == 0 && all != 0)
        return fmt::format("{}/{} entries  {} %  ETA unknown", settled, all, percent);
    const auto left =
        rate > 0 ? static_cast<std::uint64_t>(static_cast<double>(all - settled) / rate + 0.5) : 0;
    return fmt::format("{}/{} entries  {} %  {:.0f}/s  ETA {}:{:02}:{:02}", settled, all, percent, rate,
                       left / 3600, left / 60 % 60, left % 60);
}

std::string progress_bar(std::uint64_t settled, std::uint64_t all, std::size_t width) {
    const auto done = all == 0 ? width : static_cast<std::size_t>(settled * width / all);
    return '[' + std::string(done, '#') + std::string(width - done, ' ') + ']';
}

void print_entries(std::ostream& out, ship::outbox& box) {
    struct row {
        const loki::labels* labels;
        const loki::entry* entry;
        std::size_t order;
    };
    std::vector<row> rows;
    box.visit([&](const loki::labels& labels, const loki::entry& e) {
        rows.push_back({&labels, &e, rows.size()});
    });
    std::sort(rows.begin(), rows.end(), [](const row& a, const row& b) {
        return std::tie(a.entry->time, a.order) < std::tie(b.entry->time, b.order);
    });
    for (const auto& r : rows)
        out << to_ndjson(*r.labels, *r.entry);
    out.flush();
}

void print_summary(std::ostream& out, const ship::counters& c, const ship::backfill_result& r) {
    out << r.executions << " executions: fetched " << c.fetched << ", shipped " << c.shipped << ", duplicate "
        << c.duplicate << ", rejected " << c.rejected << ", pending " << c.pending << '\n';
    for (std::size_t i = 0; i != c.rejected_by_reason.size(); ++i)
        if (c.rejected_by_reason[i] != 0)
            out << "rejected{reason=\"" << to_string(static_cast<loki::reject_reason>(i)) << "\"} "
                << c.rejected_by_reason[i] << '\n';
    if (c.timestamps_replaced != 0)
        out << "without a readable timestamp, given the time of reading: " << c.timestamps_replaced << '\n';
    if (c.labels_changed != 0)
        out << "with a label value that was missing or that Loki does not take, replaced: "
            << c.labels_changed << '\n';
    if (c.restamped != 0)
        out << "too late, given the oldest time that Loki takes: " << c.restamped << '\n';
    if (c.verified + c.lost + r.not_visible != 0)
        out << "read back: " << c.verified << " there, " << c.lost << " were not there and were sent again, "
            << r.not_visible << " do not show yet\n";
    out.flush();
}

exit_code read_outcome(spdlog::logger& log, const ship::backfill_result& r) {
    if (r.read_failure)
        log.error("{}", r.read_failure->message);
    if (r.incomplete)
        log.error("the backend has more, but refuses to give it: {}", r.incomplete->message);
    return r.read_failure || r.incomplete ? backend_failed : all_shipped;
}

exit_code conclude(std::ostream& out, spdlog::logger& log, const ship::counters& c,
                   const ship::backfill_result& r, bool stopped) {
    if (stopped) {
        print_summary(out, c, r);
        return interrupted;
    }
    const exit_code read = read_outcome(log, r);
    if (r.read_failure)
        return read;
    print_summary(out, c, r);
    if (r.ship_failure)
        log.error("gave up: {}; run backfill again: Loki drops what it has already, or refuses it where its "
                  "stream has gone on meanwhile",
                  r.ship_failure->message);
    if (r.verify_failure)
        log.error("what was shipped could not be read back: {}", r.verify_failure->message);
    if (r.not_visible != 0)
        log.warn("{} entries do not show yet. They are so old that Loki shows them only after it has flushed "
                 "their chunks, "
                 "chunk_idle_period (30m) after their stream's last entry at the latest; wait longer with "
                 "--verify-wait, "
                 "or let an operator POST /flush",
                 r.not_visible);
    const bool missing = c.rejected_by_reason[static_cast<std::size_t>(loki::reject_reason::not_stored)] != 0;
    return read != all_shipped                  ? read
           : r.ship_failure || r.verify_failure ? loki_failed
           : missing                            ? entries_missing
           : r.not_visible != 0                 ? entries_not_visible
           : c.rejected != 0                    ? some_rejected
                                                : all_shipped;
}

} // namespace lokiship::tools
