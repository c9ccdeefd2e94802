#ifndef LOKISHIP_LOKI_PUSH_REPLY_HPP
#define LOKISHIP_LOKI_PUSH_REPLY_HPP

#include <lokiship/http/message.hpp>
#include <lokiship/http/redirection.hpp>
#include <lokiship/text/escape.hpp>
#include <lokiship/text/timestamp.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lokiship::loki {

/// Why Loki refused entries, by the names that it uses in `loki_discarded_samples_total` where it has one.
enum class reject_reason {
    too_far_behind,
    greater_than_max_sample_age,
    too_far_in_future,
    out_of_order,
    line_too_long,
    missing_labels,
    invalid_labels,
    max_label_names_per_series,
    label_name_too_long,
    label_value_too_long,
    duplicate_label_names,
    missing_enforced_labels,
    disallowed_structured_metadata,
    structured_metadata_too_large,
    structured_metadata_too_many,
    /// One entry alone is larger than what Loki, or a proxy before it, takes.
    request_body_too_large,
    /// The entry is older than the first date of Loki's `schema_config`; Loki answers 500.
    no_schema_config,
    /// Loki acknowledged the entry, twice, and does not show it when it is read back.
    not_stored,
    /// A refusal whose text says nothing of the above.
    other
};

/// How many values `reject_reason` has.
inline constexpr std::size_t reject_reason_count = static_cast<std::size_t>(reject_reason::other) + 1;

/// The reason as a label value: `too_far_behind`.
constexpr std::string_view to_string(reject_reason r) noexcept {
    constexpr std::array<std::string_view, reject_reason_count> names{"too_far_behind",
                                                                      "greater_than_max_sample_age",
                                                                      "too_far_in_future",
                                                                      "out_of_order",
                                                                      "line_too_long",
                                                                      "missing_labels",
                                                                      "invalid_labels",
                                                                      "max_label_names_per_series",
                                                                      "label_name_too_long",
                                                                      "label_value_too_long",
                                                                      "duplicate_label_names",
                                                                      "missing_enforced_labels",
                                                                      "disallowed_structured_metadata",
                                                                      "structured_metadata_too_large",
                                                                      "structured_metadata_too_many",
                                                                      "request_body_too_large",
                                                                      "no_schema_config",
                                                                      "not_stored",
                                                                      "other"};
    return names[static_cast<std::size_t>(r)];
}

/// Whether the reason lies in the stream's labels, so that it holds for every entry of the stream.
constexpr bool concerns_labels(reject_reason r) noexcept {
    return r >= reject_reason::missing_labels && r <= reject_reason::missing_enforced_labels;
}

/// What Loki says of the entries that it refused for one reason.
struct refusal {
    reject_reason reason = reject_reason::other;
    /// How many entries.
    std::size_t entries = 0;
    /// Of `too_far_behind` and `greater_than_max_sample_age`: the oldest time that would have been taken, cut to the
    /// second.
    std::optional<std::chrono::sys_seconds> oldest_acceptable{};
    /// Of `line_too_long`: the longest line that would have been taken, in bytes.
    std::optional<std::size_t> max_line_size{};
};

/// What became of a push of one stream, as far as the reply tells. `entry_fates` draws from it what became of each
/// entry.
struct push_reply {
    enum class verdict {
        /// All entries are stored.
        delivered,
        /// Not now: send the identical bytes again, after `retry_after` where that is given. A part may be stored.
        retry,
        /// As `retry`, and where it repeats, the push may be too large for the rate limit's burst: send less.
        rate_limited,
        /// As `retry`, but no entry is to blame and time alone will not help: credentials, tenant, address,
        /// or an operator who blocks ingestion. Tell a person.
        blocked,
        /// Too large, nothing is stored: send the halves; where there is but one entry, it is rejected.
        split,
        /// Loki refused what `refusals` say and stored the others; where that says nothing, something was refused.
        rejected
    };

    verdict what = verdict::delivered;
    /// From a `Retry-After` in seconds; Loki sends none, gateways do. At most one hour.
    std::optional<std::chrono::seconds> retry_after{};
    /// With `rejected` and `split`: of the refusal that the text ends with.
    reject_reason reason = reject_reason::other;
    /// With `rejected`: what was refused, each reason once. Empty where the text does not tell how many.
    std::vector<refusal> refusals{};
    /// With `rejected` by an ingester: how many entries had passed the checks before it, whose refusals the
    /// ingester's text hides.
    std::optional<std::size_t> out_of{};
    /// Nothing of the push is stored, for certain.
    bool nothing_stored = false;
    /// With `rate_limited`: it is the tenant's rate, so that other streams meet it too.
    bool whole_tenant = false;
    /// With `rate_limited`: the limit in bytes of lines a second, of the tenant or the stream, where the text names it.
    std::optional<std::size_t> rate_limit{};
    /// For people: status and the beginning of the body, escaped for a log.
    std::string text{};
};

namespace detail {

inline std::optional<std::size_t> leading_number(std::string_view s) {
    std::size_t n = 0;
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), n);
    return ec == std::errc() && end != s.data() ? std::optional(n) : std::nullopt;
}

/// Texts of Loki 2.9 and 3.x; capitals differ between them, so the first letters are left out where they do.
inline std::optional<reject_reason> reason_of(std::string_view text) {
    static constexpr struct {
        std::string_view part;
        reject_reason reason;
    } table[] = {
        {"entry too far behind", reject_reason::too_far_behind},
        {"has timestamp too old", reject_reason::greater_than_max_sample_age},
        {"has timestamp too new", reject_reason::too_far_in_future},
        {"entry out of order", reject_reason::out_of_order},
        {"ax entry size", reject_reason::line_too_long},
        {"at least one label pair is required", reject_reason::missing_labels},
        {"rror parsing labels", reject_reason::invalid_labels},
        {"couldn't parse labels", reject_reason::invalid_labels},
        {"label names; limit", reject_reason::max_label_names_per_series},
        {"has label name too long", reject_reason::label_name_too_long},
        {"has label value too long", reject_reason::label_value_too_long},
        {"has duplicate label name", reject_reason::duplicate_label_names},
        {"missing required labels", reject_reason::missing_enforced_labels},
        {"includes structured metadata, but this feature is disallowed",
         reject_reason::disallowed_structured_metadata},
        {"has structured metadata too large", reject_reason::structured_metadata_too_large},
        {"has too many structured metadata labels", reject_reason::structured_metadata_too_many},
        {"no schema config found", reject_reason::no_schema_config},
    };
    // A stream's labels are quoted in most texts and could hold any of these: the latest match is Loki's own
    // words.
    std::optional<reject_reason> out;
    std::size_t best = 0;
    // Here the labels stand behind Loki's own words.
    if (text.starts_with("Max entry size ") || text.starts_with("max entry size "))
        return reject_reason::line_too_long;
    for (const auto& row : table)
        if (const auto at = text.rfind(row.part); at != text.npos && (!out || at > best)) {
            out = row.reason;
            best = at;
        }
    return out;
}

/// The number behind the last `words`.
inline std::optional<std::size_t> number_behind(std::string_view text, std::string_view words) {
    const auto at = text.rfind(words);
    return at == text.npos ? std::nullopt : leading_number(text.substr(at + words.size()));
}

inline std::optional<std::chrono::sys_seconds> oldest_acceptable(std::string_view text) {
    static constexpr std::string_view words = "oldest acceptable timestamp is: ";
    static constexpr std::string_view form = "2026-11-23T12:44:51Z";
    const auto at = text.rfind(words);
    if (at == text.npos)
        return std::nullopt;
    const auto time = text::parse_timestamp(text.substr(at + words.size(), form.size()));
    return time ? std::optional(std::chrono::floor<std::chrono::seconds>(*time)) : std::nullopt;
}

inline void add_refusal(std::vector<refusal>& to, std::string_view text, std::size_t entries) {
    const auto reason = reason_of(text).value_or(reject_reason::other);
    auto at = std::find_if(to.begin(), to.end(), [&](const refusal& r) { return r.reason == reason; });
    if (at == to.end())
        at = to.insert(to.end(), {.reason = reason});
    // Whatever a text says, the sum is no smaller than its parts.
    at->entries += std::min(entries, std::numeric_limits<std::size_t>::max() - at->entries);
    at->oldest_acceptable = oldest_acceptable(text);
    if (reason == reject_reason::line_too_long)
        at->max_line_size = number_behind(text, "ax entry size '");
}

/// The distributor's groups, `2 errors like: a; 1 errors like: b`, or one text alone.
inline void read_groups(std::vector<refusal>& to, std::string_view body) {
    static constexpr std::string_view words = " errors like: ";
    // A label value may hold the words too; only a number behind a separator starts a group.
    const auto group_at = [&](std::size_t from) -> std::size_t {
        for (auto at = body.find(words, from); at != body.npos; at = body.find(words, at + 1)) {
            std::size_t begin = at;
            while (begin != 0 && body[begin - 1] >= '0' && body[begin - 1] <= '9')
                --begin;
            if (begin != at && (begin == 0 || body.substr(0, begin).ends_with("; ")))
                return begin;
        }
        return body.npos;
    };
    if (group_at(0) != 0)
        return add_refusal(to, body, 1);
    for (std::size_t begin = 0; begin != body.npos;) {
        const std::size_t text = body.find(words, begin) + words.size();
        const std::size_t next = group_at(text);
        add_refusal(to, body.substr(text, next == body.npos ? next : next - 2 - text),
                    leading_number(body.substr(begin)).value_or(0));
        begin = next;
    }
}

/// Whether a 400 is about the request as such, not about what it holds: a tenant, or the wrong door.
inline bool blames_request(std::string_view text) {
    static constexpr std::string_view parts[] = {
        "org ID",
        "tenant ID",
        "HTTP request to an HTTPS server",
        "plain HTTP request was sent to HTTPS port",
        "Request Header Or Cookie Too Large",
        "No required SSL certificate was sent",
        "The SSL certificate error",
    };
    // Loki's words about entries and labels may quote any of these.
    return !reason_of(text) && std::any_of(std::begin(parts), std::end(parts), [text](std::string_view part) {
        return text.find(part) != text.npos;
    });
}

/// Reads what a refusal's text tells. `complete`: it is the whole text.
inline push_reply read_refusal(std::string_view body, bool complete, push_reply out) {
    out.what = push_reply::verdict::rejected;
    out.reason = reason_of(body).value_or(reject_reason::other);
    if (!complete || out.reason == reject_reason::other || out.reason == reject_reason::no_schema_config)
        return out;
    // An ingester's list: `…user 'x', total ignored: 12 out of 400 for stream: {…}`; the labels stand last.
    static constexpr std::string_view total = "total ignored: ", of = " out of ";
    if (const auto at = body.find(total); at != body.npos && body.starts_with("entry with timestamp ")) {
        const auto tail = body.substr(at + total.size());
        const auto failed = leading_number(tail);
        const auto all = tail.find(of);
        if (!failed || all == tail.npos)
            return out;
        out.out_of = leading_number(tail.substr(all + of.size()));
        // The list is of one reason unless the last entry failed for another; then the status is that one's.
        const auto list = body.substr(0, at);
        out.reason = reason_of(list).value_or(reject_reason::other);
        add_refusal(out.refusals, list, *failed);
        return out;
    }
    read_groups(out.refusals, body);
    return out;
}

/// From `… limit exceeded … (limit: 4194304 bytes/sec)` or `(limit: 3MB/sec)`, whose units are of 1024.
inline std::optional<std::size_t> rate_limit_of(std::string_view body) {
    static constexpr std::string_view words = "rate limit exceeded", limit = "(limit: ";
    const auto at = body.find(limit, std::min(body.find(words), body.size()));
    if (at == body.npos)
        return std::nullopt;
    body.remove_prefix(at + limit.size());
    const auto number = leading_number(body);
    if (!number)
        return std::nullopt;
    body.remove_prefix(std::min(body.find_first_not_of("0123456789"), body.size()));
    static constexpr std::string_view units[] = {"B/sec)", "KB/sec)", "MB/sec)", "GB/sec)", "TB/sec)"};
    if (body.starts_with(" bytes/sec)"))
        return number;
    for (unsigned i = 0; i != std::size(units); ++i)
        if (body.starts_with(units[i]) && *number <= std::numeric_limits<std::size_t>::max() >> 10 * i)
            return *number << 10 * i;
    return std::nullopt;
}

} // namespace detail

/// Reads Loki's answer to a push of one stream. Pure. `complete` is false where `body` was cut off, so that it may not
/// tell all.
///
/// Only 204 means stored, and 200 where it has no body: a 200 with one comes from another service. Any other 2xx (Loki 3:
/// 260, "ingestion blocked") is `blocked`. 400 and 422 refuse entries, not the whole, unless the text is about the tenant
/// or the connection. 413, and a 500 that says the message was too large, ask for smaller pushes; a 500 that no
/// retry can cure (`no schema config found`) refuses. 401, 403, 404, 405, 407 and redirects are no entry's fault. 408,
/// 425, 429 and other 5xx pass.
inline push_reply read_push_reply(const http::response_head& head, std::string_view body,
                                  bool complete = true) {
    using verdict = push_reply::verdict;
    push_reply out;
    const unsigned status = head.status;
    if (status == 204 || (status == 200 && body.empty()))
        return out;
    out.text = std::to_string(status) + http::redirection(head);
    while (!body.empty() && (body.back() == '\n' || body.back() == '\r' || body.back() == ' '))
        body.remove_suffix(1);
    if (!body.empty())
        out.text += ": " + text::escape_for_log(body);
    const auto says = [body](std::string_view words) { return body.find(words) != body.npos; };
    if ((status == 400 && !detail::blames_request(body)) || status == 422 ||
        (status == 500 && says("no schema config found")))
        return detail::read_refusal(body, complete, std::move(out));
    if (status == 413 || (status == 500 && says("received message larger than max"))) {
        out.what = verdict::split;
        out.nothing_stored = true;
        out.reason = reject_reason::request_body_too_large;
        return out;
    }
    out.what = status == 429                                     ? verdict::rate_limited
               : status >= 500 || status == 408 || status == 425 ? verdict::retry
                                                                 : verdict::blocked;
    out.whole_tenant = status == 429 && says("ngestion rate limit exceeded");
    if (status == 429)
        out.rate_limit = detail::rate_limit_of(body);
    out.nothing_stored = out.what == verdict::blocked || out.whole_tenant;
    if (const auto seconds = detail::leading_number(head.fields.get("Retry-After")))
        out.retry_after = std::chrono::seconds(std::min<std::size_t>(*seconds, 3600));
    return out;
}

} // namespace lokiship::loki

#endif
