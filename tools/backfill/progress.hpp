#ifndef LOKISHIP_TOOLS_BACKFILL_PROGRESS_HPP
#define LOKISHIP_TOOLS_BACKFILL_PROGRESS_HPP

#include "backfill/phase.hpp"

#include <lokiship/clock.hpp>
#include <lokiship/ship/backfill.hpp>
#include <lokiship/ship/counters.hpp>
#include <lokiship/ship/survey.hpp>

#include <spdlog/logger.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

namespace lokiship::tools {

/// How progress is shown: not at all, as a bar that is drawn over and over, as a log line every five seconds, or as a
/// line of JSON every second.
enum class progress_style {
    none,
    bar,
    lines,
    json
};

/// `when` is `always` (a bar), `never`, `json`, or `auto`: a bar on a terminal, else lines.
progress_style style_of(std::string_view when, bool on_terminal);

/// How many characters fit into a line of the terminal that a descriptor refers to; 80 where it is none.
std::size_t terminal_width(int fd);

/// How fast a number has grown lately.
class rate_estimate {
public:
    /// `window`: how far back it looks.
    explicit rate_estimate(std::chrono::nanoseconds window = std::chrono::seconds(10))
        : window_(window) {}
    /// The number is `n` at `now`. Precondition: `now` is no earlier than it was before.
    void add(steady_time now, std::uint64_t n);
    /// Until the last `add`, and not below zero; nothing before time has passed.
    std::optional<double> per_second() const;

private:
    struct point {
        steady_time time;
        std::uint64_t n;
    };
    std::chrono::nanoseconds window_;
    /// Oldest first, at least a twentieth of the window apart. All but the first are in the window.
    std::deque<point> marks_;
    point last_{};
};

/// So many of all.
struct share {
    std::uint64_t done = 0, all = 0;
    std::uint64_t percent() const noexcept { return all == 0 ? 100 : done * 100 / all; }
};

/// How far a backfill is.
struct progress_state {
    ship::counters count;
    /// Of the lines that were shipped or rejected; nothing: nobody counts them.
    std::optional<std::uint64_t> bytes_settled{};

    phase at = phase::pushing;
    /// What `looking` is done with.
    ship::survey_progress surveyed{};
    /// How long nothing of this has changed; `progress` finds it out.
    std::chrono::seconds unchanged{};

    std::uint64_t settled() const noexcept { return count.shipped + count.rejected; }
    std::uint64_t all() const noexcept { return settled() + count.pending; }
    /// How much of its phase is done; nothing where that is not known.
    std::optional<share> done() const noexcept;
    friend bool operator==(const progress_state&, const progress_state&) = default;
};

/// How fast it goes, as far as that is known.
struct progress_rates {
    std::optional<double> entries{}, bytes{};
};

/// How long it will take until all is pushed, rounded up; nothing where that cannot be told.
std::optional<std::uint64_t> seconds_left(const progress_state& state, const progress_rates& a_second);
/// Hours, minutes and seconds: `1:02:03`.
std::string duration_text(std::uint64_t seconds);

/// `pushing 1040/2000 entries  52 %  5200/s  2.3 MB/s  ETA 0:00:01  retries 3  rejected 7`, without what is not known and
/// what is zero at the end, and with `nothing new for 0:00:15` where nothing has changed for five seconds. Of the other
/// phases what is known of them, such as `looking at 120/300 streams  compared 17/300  22 %`.
std::string progress_text(const progress_state& state, const progress_rates& a_second);

/// `{"event":"progress","phase":"pushing","settled":1040,"entries":2000,…}`, with `null` for what is not known.
std::string progress_json(const progress_state& state, const progress_rates& a_second);

/// `[#####     ]`, `width` characters between the brackets.
std::string progress_bar(std::uint64_t settled, std::uint64_t all, std::size_t width);

/// A bar, where the share is known, and a text behind it, in `width` characters at most: the bar has up to 30 and goes
/// where there is no room for 5, then the text loses its last parts, which two spaces part.
std::string progress_line(const progress_state& state, const progress_rates& a_second, std::size_t width);

/// Shows how far a backfill is; lines go to `logger`, bar and JSON to `out`.
class progress {
public:
    /// `width`: that of the terminal, asked each time that a bar is drawn.
    progress(
        progress_style style, std::ostream& out, std::shared_ptr<spdlog::logger> logger,
        std::function<std::size_t()> width = [] { return std::size_t(80); });
    /// Tells of the state at `now`, unless it did a moment ago. Call it when the state changes, and each second: what stands
    /// still is worth telling too.
    void show(progress_state state, steady_time now);
    /// Removes the bar, so that other output can follow.
    void clear();
    /// Ends: removes the bar, or writes the last state as JSON where that is still to be done.
    void finish();

private:
    std::ostream& out_;
    std::shared_ptr<spdlog::logger> logger_;
    std::function<std::size_t()> width_;
    progress_style style_;
    bool drawn_ = false;
    std::optional<steady_time> next_;
    /// The state that was shown last, and since when it is so.
    progress_state last_;
    std::optional<steady_time> last_since_;
    rate_estimate entries_, bytes_;
    /// JSON that is not written yet.
    std::string unwritten_;
};

} // namespace lokiship::tools

#endif
