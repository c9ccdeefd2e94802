#include "backfill/progress.hpp"

#include "common/ndjson.hpp"

#include <spdlog/fmt/fmt.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

namespace lokiship::tools {

progress_style style_of(std::string_view when, bool on_terminal) {
    if (when == "never")
        return progress_style::none;
    if (when == "json")
        return progress_style::json;
    return when == "always" || on_terminal ? progress_style::bar : progress_style::lines;
}

std::size_t terminal_width(int fd) {
    winsize size{};
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col != 0 ? size.ws_col : 80;
}

void rate_estimate::add(steady_time now, std::uint64_t n) {
    last_ = {now, n};
    if (marks_.empty() || now - marks_.back().time >= window_ / 20)
        marks_.push_back(last_);
    while (marks_.size() > 1 && marks_[1].time <= now - window_)
        marks_.pop_front();
}

std::optional<double> rate_estimate::per_second() const {
    if (marks_.empty() || last_.time == marks_.front().time)
        return std::nullopt;
    const auto grown = last_.n - std::min(last_.n, marks_.front().n);
    return static_cast<double>(grown) /
           std::chrono::duration<double>(last_.time - marks_.front().time).count();
}

std::optional<share> progress_state::done() const noexcept {
    switch (at) {
    case phase::looking:
        // Each stream is asked for and then compared.
        return share{surveyed.asked + surveyed.compared, 2 * surveyed.streams};
    case phase::pushing:
        return share{settled(), all()};
    case phase::verifying:
        return share{std::min(count.verified, count.shipped), count.shipped};
    default:
        return std::nullopt;
    }
}

std::optional<std::uint64_t> seconds_left(const progress_state& state, const progress_rates& a_second) {
    if (state.at != phase::pushing)
        return std::nullopt;
    if (state.count.pending == 0)
        return 0;
    const double left = static_cast<double>(state.count.pending) / a_second.entries.value_or(0);
    // Where nothing moves, or hardly, nobody can tell. What rounding adds is no second.
    return left < 1e9 ? std::optional(static_cast<std::uint64_t>(std::ceil(left - 1e-6))) : std::nullopt;
}

std::string duration_text(std::uint64_t seconds) {
    return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

namespace {

/// What it does, and how far that is.
std::string phase_text(const progress_state& state) {
    const auto& s = state.surveyed;
    switch (state.at) {
    case phase::reading:
        return fmt::format("reading {} entries", state.all());
    case phase::looking:
        return fmt::format("looking at {}/{} streams  compared {}/{}", s.asked, s.streams, s.compared,
                           s.streams);
    case phase::pushing:
        return fmt::format("pushing {}/{} entries", state.settled(), state.all());
    case phase::verifying:
        return fmt::format("verifying {}/{} entries", state.done()->done, state.done()->all);
    default:
        return std::string(to_string(state.at));
    }
}

} // namespace

std::string progress_text(const progress_state& state, const progress_rates& a_second) {
    std::string out = phase_text(state);
    if (const auto done = state.done())
        out += fmt::format("  {} %", done->percent());
    if (state.unchanged >= std::chrono::seconds(5))
        out += "  nothing new for " + duration_text(static_cast<std::uint64_t>(state.unchanged.count()));
    if (state.at != phase::pushing)
        return out;
    if (a_second.entries)
        out += fmt::format("  {:.0f}/s", *a_second.entries);
    if (a_second.bytes)
        out += fmt::format("  {:.1f} MB/s", *a_second.bytes / 1e6);
    if (const auto left = seconds_left(state, a_second))
        out += "  ETA " + duration_text(*left);
    else
        out += "  ETA unknown";
    if (state.count.pushes_failed != 0)
        out += fmt::format("  retries {}", state.count.pushes_failed);
    if (state.count.rejected != 0)
        out += fmt::format("  rejected {}", state.count.rejected);
    return out;
}

std::string progress_json(const progress_state& state, const progress_rates& a_second) {
    const auto rounded = [](const std::optional<double>& n) {
        return n ? fmt::format("{:.0f}", *n) : std::string("null");
    };
    const auto left = seconds_left(state, a_second);
    const auto done = state.done();
    const auto& c = state.count;
    const auto& s = state.surveyed;
    return fmt::format(
        R"({{"event":"progress","phase":"{}","settled":{},"entries":{},"percent":{},"entries_per_second":{},)"
        R"("bytes_per_second":{},"eta_seconds":{},"unchanged_seconds":{},"streams":{},"streams_asked":{},)"
        R"("streams_compared":{},"retries":{},"rejected":{},"shipped":{},"verified":{},"duplicate":{},)"
        R"("pending":{}}})",
        to_string(state.at), state.settled(), state.all(), done ? std::to_string(done->percent()) : "null",
        rounded(a_second.entries), rounded(a_second.bytes), left ? std::to_string(*left) : "null",
        state.unchanged.count(), s.streams, s.asked, s.compared, c.pushes_failed, c.rejected, c.shipped,
        c.verified, c.duplicate, c.pending);
}

std::string progress_bar(std::uint64_t settled, std::uint64_t all, std::size_t width) {
    const auto done = all == 0 ? width : static_cast<std::size_t>(settled * width / all);
    return '[' + std::string(done, '#') + std::string(width - done, ' ') + ']';
}

std::string progress_line(const progress_state& state, const progress_rates& a_second, std::size_t width) {
    std::string text = progress_text(state, a_second);
    constexpr std::size_t around = std::string_view("[]  ").size(), least = 5, most = 30;
    if (const auto done = state.done(); done && text.size() + around + least <= width)
        return progress_bar(done->done, done->all, std::min(width - text.size() - around, most)) + "  " +
               text;
    while (text.size() > width) {
        const auto part = text.rfind("  ");
        text.resize(part == text.npos ? width : part);
    }
    return text;
}

progress::progress(progress_style style, std::ostream& out, std::shared_ptr<spdlog::logger> logger,
                   std::function<std::size_t()> width)
    : out_(out)
    , logger_(std::move(logger))
    , width_(std::move(width))
    , style_(style) {}

void progress::show(progress_state state, steady_time now) {
    using namespace std::chrono_literals;
    if (style_ == progress_style::none)
        return;
    if (!last_since_ || state != last_) {
        last_ = state;
        last_since_ = now;
    }
    state.unchanged = std::chrono::duration_cast<std::chrono::seconds>(now - *last_since_);
    // What comes before pushing, such as what a checkpoint brings, says nothing of how fast that is.
    if (state.at != phase::pushing || state.settled() == 0)
        entries_ = bytes_ = rate_estimate();
    entries_.add(now, state.settled());
    if (state.bytes_settled)
        bytes_.add(now, *state.bytes_settled);
    const progress_rates rates{entries_.per_second(), bytes_.per_second()};
    if (style_ == progress_style::json)
        unwritten_ = progress_json(state, rates) + '\n';
    // The first line says nothing that the start did not say.
    if (!next_)
        next_ = style_ == progress_style::lines ? now + 5s : now;
    // The bar's last state must not depend on when it comes.
    if (now < *next_ && !(drawn_ && state.at == phase::pushing && state.count.pending == 0))
        return;
    switch (style_) {
    case progress_style::bar:
        next_ = now + 100ms;
        drawn_ = true;
        // A terminal may wrap behind the last column.
        out_ << "\r\x1b[K" << progress_line(state, rates, std::max<std::size_t>(width_(), 2) - 1)
             << std::flush;
        break;
    case progress_style::lines:
        next_ = now + 5s;
        logger_->info("{}", progress_text(state, rates));
        break;
    case progress_style::json:
        next_ = now + 1s;
        finish();
        break;
    case progress_style::none:
        break;
    }
}

void progress::clear() {
    if (std::exchange(drawn_, false))
        out_ << "\r\x1b[K" << std::flush;
}

void progress::finish() {
    clear();
    out_ << std::exchange(unwritten_, "") << std::flush;
}

} // namespace lokiship::tools
