#include "backfill/output.hpp"

#include <lokiship/loki/json_encoder.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <vector>

namespace lokiship::tools {

progress_bar::progress_bar(const std::string& when, std::ostream& out)
    : out_(out)
    , enabled_(when == "always" || (when == "auto" && isatty(STDERR_FILENO) != 0)) {}

void progress_bar::show(const ship::counters& c) {
    const auto now = std::chrono::steady_clock::now();
    if (!enabled_ || (drawn_ && c.pending != 0 && now - last_ < std::chrono::milliseconds(100)))
        return;
    if (started_ == std::chrono::steady_clock::time_point{})
        started_ = now;
    last_ = now;
    drawn_ = true;
    const auto settled = c.shipped + c.rejected;
    out_ << "\r\x1b[K" << progress_text(settled, settled + c.pending, now - started_) << std::flush;
}

void progress_bar::clear() {
    if (drawn_)
        out_ << "\r\x1b[K" << std::flush;
    drawn_ = false;
}

std::string progress_text(std::uint64_t settled, std::uint64_t all, std::chrono::nanoseconds elapsed) {
    constexpr std::uint64_t width = 30;
    const auto done = all == 0 ? width : settled * width / all;
    const double seconds = std::chrono::duration<double>(elapsed).count();
    const double rate = seconds > 0 ? static_cast<double>(settled) / seconds : 0;
    const auto left =
        rate > 0 ? static_cast<std::uint64_t>(static_cast<double>(all - settled) / rate + 0.5) : 0;
    char text[160];
    std::snprintf(text, sizeof text, "[%s%s] %3u %%  %llu/%llu entries  %.0f/s  ETA %llu:%02u:%02u",
                  std::string(done, '#').c_str(), std::string(width - done, ' ').c_str(),
                  static_cast<unsigned>(all == 0 ? 100 : settled * 100 / all),
                  static_cast<unsigned long long>(settled), static_cast<unsigned long long>(all), rate,
                  static_cast<unsigned long long>(left / 3600), static_cast<unsigned>(left / 60 % 60),
                  static_cast<unsigned>(left % 60));
    return text;
}

void print_entries(std::ostream& out, ship::outbox& box) {
    struct row {
        const loki::labels* labels;
        const loki::entry* entry;
    };
    std::vector<row> rows;
    box.visit([&](const loki::labels& labels, const loki::entry& e) { rows.push_back({&labels, &e}); });
    std::stable_sort(rows.begin(), rows.end(),
                     [](const row& a, const row& b) { return a.entry->time < b.entry->time; });
    std::string line;
    for (const auto& r : rows) {
        line = R"({"labels":{)";
        for (const auto& l : *r.labels) {
            if (line.back() != '{')
                line += ',';
            loki::append_json_string(line, l.name);
            line += ':';
            loki::append_json_string(line, l.value);
        }
        line += R"(},"ts":")" + std::to_string(text::to_unix_nanoseconds(r.entry->time)) + R"(","line":)";
        loki::append_json_string(line, r.entry->line);
        line += "}\n";
        out << line;
    }
    out.flush();
}

void print_summary(std::ostream& out, const ship::counters& c, std::uint64_t executions) {
    out << executions << " executions: fetched " << c.fetched << ", shipped " << c.shipped << ", duplicate "
        << c.duplicate << ", rejected " << c.rejected << ", pending " << c.pending << '\n';
    for (std::size_t i = 0; i != c.rejected_by_reason.size(); ++i)
        if (c.rejected_by_reason[i] != 0)
            out << "rejected{reason=\"" << to_string(static_cast<loki::reject_reason>(i)) << "\"} "
                << c.rejected_by_reason[i] << '\n';
    if (c.timestamps_replaced != 0)
        out << "without a readable timestamp, given the time of reading: " << c.timestamps_replaced << '\n';
    out.flush();
}

} // namespace lokiship::tools
