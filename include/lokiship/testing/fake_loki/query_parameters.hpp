#ifndef LOKISHIP_TESTING_FAKE_LOKI_QUERY_PARAMETERS_HPP
#define LOKISHIP_TESTING_FAKE_LOKI_QUERY_PARAMETERS_HPP

#include <lokiship/error.hpp>
#include <lokiship/testing/fake_loki/go_format.hpp>
#include <lokiship/text/timestamp.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <system_error>
#include <utility>

namespace lokiship::testing {

/// The parameters of a query, decoded; a name may come several times.
using query_parameters = std::multimap<std::string, std::string>;

/// The time range of a query: `start` inclusive, `end` exclusive.
struct query_bounds {
    timestamp start{}, end{};
};

namespace detail {

inline std::string parameter(const query_parameters& p, const std::string& name) {
    const auto at = p.find(name);
    return at == p.end() ? std::string() : at->second;
}

inline error bad_query(std::string text) {
    return {boost::system::errc::make_error_code(boost::system::errc::invalid_argument), std::move(text)};
}

/// Integers of up to ten digits are seconds, longer ones nanoseconds; with a point, seconds to the
/// millisecond; otherwise RFC 3339.
inline result<timestamp> time_parameter(const std::string& name, const std::string& text,
                                        timestamp otherwise) {
    if (text.empty())
        return otherwise;
    char* end = nullptr;
    if (text.find('.') != text.npos) {
        double whole = 0;
        const double seconds = std::strtod(text.c_str(), &end);
        const double fraction = std::round(std::modf(seconds, &whole) * 1000) / 1000;
        if (*end == '\0' && std::abs(whole) < 9e9)
            return text::from_unix_nanoseconds(static_cast<std::int64_t>(whole) * 1'000'000'000 +
                                               static_cast<std::int64_t>(fraction * 1e9));
    }
    std::int64_t n = 0;
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (ec == std::errc() && stop == text.data() + text.size())
        return text::from_unix_nanoseconds(text.size() <= 10 ? n * 1'000'000'000 : n);
    if (const auto parsed = text::parse_timestamp(text))
        return *parsed;
    return bad_query("could not parse '" + name + "' parameter: strconv.ParseInt: parsing " +
                     go::quote(text) + ": invalid syntax");
}

} // namespace detail

/// Reads `start`, `end` and `since`.
inline result<query_bounds> read_bounds(const query_parameters& p, timestamp now) {
    std::chrono::nanoseconds since = std::chrono::hours(1);
    if (const auto text = detail::parameter(p, "since"); !text.empty()) {
        const auto given = go::parse_model_duration(text);
        if (!given)
            return detail::bad_query("could not parse 'since' parameter: not a valid duration string: " +
                                     go::quote(text));
        since = *given;
    }
    const auto end = detail::time_parameter("end", detail::parameter(p, "end"), now);
    if (!end)
        return end.error();
    const auto start =
        detail::time_parameter("start", detail::parameter(p, "start"), std::min(*end, now) - since);
    if (!start)
        return start.error();
    return query_bounds{*start, *end};
}

/// As `read_bounds`, for a query over time, whose end may not lie before its start.
inline result<query_bounds> read_range_bounds(const query_parameters& p, timestamp now) {
    auto out = read_bounds(p, now);
    if (out && out->end < out->start)
        return detail::bad_query("end timestamp must not be before or equal to start time");
    return out;
}

/// Reads `step`: a number of seconds or a duration.
inline result<std::chrono::nanoseconds> read_step(const query_parameters& p, const query_bounds& bounds) {
    const auto length = bounds.end - bounds.start;
    const auto text = detail::parameter(p, "step");
    if (text.empty())
        return std::chrono::seconds(std::max<std::int64_t>(length / std::chrono::seconds(250), 1));
    char* end = nullptr;
    const double seconds = std::strtod(text.c_str(), &end);
    const auto duration = go::parse_model_duration(text);
    if (*end != '\0' && !duration)
        return detail::bad_query("cannot parse " + go::quote(text) + " to a valid duration");
    const double step = *end == '\0' ? seconds * 1e9 : static_cast<double>(duration->count());
    if (step < 1)
        return detail::bad_query(
            "zero or negative query resolution step widths are not accepted. Try a positive integer");
    if (std::floor(static_cast<double>(length.count()) / step) > 11000)
        return detail::bad_query("exceeded maximum resolution of 11,000 points per time series. Try "
                                 "increasing the value of the step parameter");
    return std::chrono::nanoseconds(static_cast<std::int64_t>(step));
}

/// Whether a query's range is within `max_query_length`; 0 is no limit.
inline result<void> check_length(const query_bounds& bounds, std::chrono::nanoseconds most) {
    const auto length = bounds.end - bounds.start;
    if (most.count() != 0 && length > most)
        return detail::bad_query("the query time range exceeds the limit (query length: " +
                                 go::duration(std::chrono::floor<std::chrono::milliseconds>(length)) +
                                 ", limit: " + go::model_duration(most) + ')');
    return {};
}

} // namespace lokiship::testing

#endif
