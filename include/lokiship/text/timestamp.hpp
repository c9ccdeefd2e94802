#ifndef LOKISHIP_TEXT_TIMESTAMP_HPP
#define LOKISHIP_TEXT_TIMESTAMP_HPP

#include <lokiship/error.hpp>
#include <lokiship/text/escape.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace lokiship {

/// A moment in UTC with nanosecond resolution: 1677-09-21T00:12:43.145224192Z to
/// 2262-04-11T23:47:16.854775807Z.
using timestamp = std::chrono::sys_time<std::chrono::nanoseconds>;

namespace text {

/// Nanoseconds since 1970-01-01T00:00:00Z, the form in which Loki takes a time.
inline std::int64_t to_unix_nanoseconds(timestamp t) noexcept {
    return t.time_since_epoch().count();
}

/// The timestamp that lies `ns` nanoseconds after 1970-01-01T00:00:00Z (before it, where negative).
inline timestamp from_unix_nanoseconds(std::int64_t ns) noexcept {
    return timestamp(std::chrono::nanoseconds(ns));
}

namespace detail {

inline constexpr std::int64_t nanoseconds_per_second = 1'000'000'000;

/// Reads the fields of a timestamp from left to right; stops at the first wrong one and remembers it.
class timestamp_reader {
public:
    explicit timestamp_reader(std::string_view text) noexcept
        : text_(text) {}

    /// Whether the text is a timestamp, be it one that `value` can hold or not.
    bool read() noexcept {
        // PostgreSQL writes it behind the offset, but the calendar needs it before: 1 BC is a leap year.
        if (text_.ends_with(" BC")) {
            before_christ_ = true;
            text_.remove_suffix(3);
        }
        return read_date() && read_separator() && read_time(hour_, minute_, second_, nanosecond_) &&
               read_offset() && (at_ == text_.size() || fail(at_, "expected the end"));
    }

    /// What is wrong and at which byte. Precondition: `read` returned false.
    const char* wrong() const noexcept { return wrong_; }
    std::size_t wrong_at() const noexcept { return wrong_at_; }

    /// False where 64 bits of nanoseconds do not suffice. Precondition: `read` returned true.
    bool value(timestamp& out) const noexcept {
        namespace chrono = std::chrono;
        using limits = std::numeric_limits<std::int64_t>;
        if (before_christ_ || year_ < 1677 || year_ > 2262)
            return false;
        const chrono::sys_days day{chrono::year(year_) / chrono::month(month_) / chrono::day(day_)};
        std::int64_t seconds = day.time_since_epoch().count() * std::int64_t(86400) + hour_ * 3600 +
                               minute_ * 60 + second_ - offset_sign_ * offset_seconds_;
        std::int64_t ns = nanosecond_ - offset_sign_ * offset_nanoseconds_;
        // Both parts of the same sign, as in the limits' quotient and remainder: no sum on the way overflows.
        seconds += ns / nanoseconds_per_second;
        ns %= nanoseconds_per_second;
        if (seconds > 0 && ns < 0) {
            --seconds;
            ns += nanoseconds_per_second;
        } else if (seconds < 0 && ns > 0) {
            ++seconds;
            ns -= nanoseconds_per_second;
        }
        constexpr auto first = limits::min() / nanoseconds_per_second;
        constexpr auto last = limits::max() / nanoseconds_per_second;
        if (seconds < first || (seconds == first && ns < limits::min() % nanoseconds_per_second) ||
            seconds > last || (seconds == last && ns > limits::max() % nanoseconds_per_second))
            return false;
        out = from_unix_nanoseconds(seconds * nanoseconds_per_second + ns);
        return true;
    }

private:
    bool fail(std::size_t at, const char* what) noexcept {
        wrong_at_ = at;
        wrong_ = what;
        return false;
    }

    bool at_digit() const noexcept { return at_ != text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; }

    bool take(char c) noexcept {
        const bool here = at_ != text_.size() && text_[at_] == c;
        at_ += here;
        return here;
    }

    bool read_two_digits(unsigned low, unsigned high, const char* expected, unsigned& out) noexcept {
        const auto start = at_;
        unsigned n = 0;
        while (at_ != start + 2 && at_digit())
            n = n * 10 + static_cast<unsigned>(text_[at_++] - '0');
        if (at_ != start + 2 || n < low || n > high)
            return fail(start, expected);
        out = n;
        return true;
    }

    bool read_date() noexcept {
        // Python writes four digits, PostgreSQL as many as it takes (up to 294276).
        for (; at_ != 6 && at_digit(); ++at_)
            year_ = year_ * 10 + (text_[at_] - '0');
        if (at_ < 4 || (before_christ_ && year_ == 0))
            return fail(0, "expected a year of four to six digits");
        if (!take('-'))
            return fail(at_, "expected '-'");
        if (!read_two_digits(1, 12, "expected a month from 01 to 12", month_))
            return false;
        if (!take('-'))
            return fail(at_, "expected '-'");
        const auto day_at = at_;
        if (!read_two_digits(1, 31, "expected a day from 01 to 31", day_))
            return false;
        // The calendar repeats after 400 years; `std::chrono::year` ends at 32767.
        const int astronomical = before_christ_ ? 1 - year_ : year_;
        const std::chrono::year same_calendar(2400 + astronomical % 400);
        if (!(same_calendar / std::chrono::month(month_) / std::chrono::day(day_)).ok())
            return fail(day_at, "the month has no such day");
        return true;
    }

    bool read_separator() noexcept {
        const bool separator = at_ != text_.size() && text_[at_] >= ' ' && text_[at_] <= '~' && !at_digit();
        if (!separator)
            return fail(at_, "expected 'T' or a space");
        ++at_;
        return true;
    }

    bool read_time(unsigned& hour, unsigned& minute, unsigned& second, std::int64_t& ns) noexcept {
        if (!read_two_digits(0, 23, "expected an hour from 00 to 23", hour))
            return false;
        if (!take(':'))
            return true;
        if (!read_two_digits(0, 59, "expected a minute from 00 to 59", minute))
            return false;
        if (!take(':'))
            return true;
        if (!read_two_digits(0, 59, "expected a second from 00 to 59", second))
            return false;
        if (!take('.') && !take(','))
            return true;
        if (!at_digit())
            return fail(at_, "expected a digit of the fraction");
        auto unit = nanoseconds_per_second;
        for (; at_digit(); ++at_) {
            unit /= 10; // 0 from the tenth digit on
            ns += (text_[at_] - '0') * unit;
        }
        return true;
    }

    bool read_offset() noexcept {
        if (at_ == text_.size() || take('Z') || take('z'))
            return true;
        if (take('-'))
            offset_sign_ = -1;
        else if (!take('+'))
            return fail(at_, "expected an offset or the end");
        unsigned hour = 0, minute = 0, second = 0;
        if (!read_time(hour, minute, second, offset_nanoseconds_))
            return false;
        offset_seconds_ = hour * 3600 + minute * 60 + second;
        return true;
    }

    std::string_view text_;
    std::size_t at_ = 0;
    const char* wrong_ = nullptr;
    std::size_t wrong_at_ = 0;
    bool before_christ_ = false;
    int year_ = 0;
    unsigned month_ = 0, day_ = 0, hour_ = 0, minute_ = 0, second_ = 0;
    std::int64_t nanosecond_ = 0;
    std::int64_t offset_sign_ = 1, offset_seconds_ = 0, offset_nanoseconds_ = 0;
};

} // namespace detail

/// Reads what Python's `datetime.isoformat()` and PostgreSQL (ISO date style, `to_json`) write, for instance
/// `2026-11-23T13:12:03.237230+00:00`, `2026-11-23 13:12:03.23723+05:30` and `2026-11-23T13`.
///
/// Date and time are parted by any one printable ASCII character that is no digit. Minute, second, fraction
/// and offset may be missing; without an offset the time is UTC. The fraction follows `.` or `,`. It is exact
/// to the nanosecond, digits beyond the ninth are dropped. Nothing may stand before or behind, not even a
/// space.
///
/// Fails with `errc::invalid_timestamp` where the text is none of these or names a day or time that does not
/// exist, and with `errc::timestamp_out_of_range` where it is a timestamp (years up to 999999, years BC,
/// `infinity`), but not one that `timestamp` can hold. Allocates nothing when it succeeds.
inline result<timestamp> parse_timestamp(std::string_view text) {
    const auto quoted = [text] { return "'" + escape_for_log(text, 80) + "'"; };
    detail::timestamp_reader reader(text);
    timestamp value;
    if (text != "infinity" && text != "-infinity") {
        if (!reader.read())
            return error(errc::invalid_timestamp, quoted() + " is not a timestamp: " + reader.wrong() +
                                                      " at character " +
                                                      std::to_string(reader.wrong_at() + 1));
        if (reader.value(value))
            return value;
    }
    return error(errc::timestamp_out_of_range, quoted() + " is outside 1677-09-21T00:12:43.145224192Z to "
                                                          "2262-04-11T23:47:16.854775807Z");
}

/// The time in UTC for people, always with nine digits: `2026-11-23T13:12:03.237230000Z`.
inline std::string format_rfc3339(timestamp t) {
    namespace chrono = std::chrono;
    // `t - floor<days>(t)` would overflow on the first day of the range.
    auto ns = to_unix_nanoseconds(t) % detail::nanoseconds_per_second;
    if (ns < 0)
        ns += detail::nanoseconds_per_second;
    const auto second = chrono::floor<chrono::seconds>(t);
    const auto day = chrono::floor<chrono::days>(second);
    const chrono::year_month_day date(day);
    const chrono::hh_mm_ss time(second - day);

    std::string out = "0000-00-00T00:00:00.000000000Z";
    const auto put = [&out](std::size_t end, std::int64_t n) {
        for (; n != 0; n /= 10)
            out[--end] = static_cast<char>('0' + n % 10);
    };
    put(4, static_cast<int>(date.year()));
    put(7, static_cast<unsigned>(date.month()));
    put(10, static_cast<unsigned>(date.day()));
    put(13, time.hours().count());
    put(16, time.minutes().count());
    put(19, time.seconds().count());
    put(29, ns);
    return out;
}

/// `t + d`, but no earlier than the earliest and no later than the latest timestamp.
inline timestamp saturating_add(timestamp t, std::chrono::nanoseconds d) noexcept {
    if (d.count() < 0 && t < timestamp::min() - d)
        return timestamp::min();
    if (d.count() > 0 && t > timestamp::max() - d)
        return timestamp::max();
    return t + d;
}

} // namespace text
} // namespace lokiship

#endif
