#ifndef LOKISHIP_LOKI_PUSH_REPLY_HPP
#define LOKISHIP_LOKI_PUSH_REPLY_HPP

#include <lokiship/http/message.hpp>
#include <lokiship/text/escape.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
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
    structured_metadata,
    /// One entry alone is larger than what Loki, or a proxy before it, takes.
    request_body_too_large,
    /// A refusal whose text says nothing of the above.
    other
};

/// How many values `reject_reason` has.
inline constexpr std::size_t reject_reason_count = static_cast<std::size_t>(reject_reason::other) + 1;

/// The reason as a label value: `too_far_behind`.
constexpr std::string_view to_string(reject_reason r) noexcept {
    constexpr std::array<std::string_view, reject_reason_count> names{
        "too_far_behind",         "greater_than_max_sample_age",
        "too_far_in_future",      "out_of_order",
        "line_too_long",          "missing_labels",
        "invalid_labels",         "max_label_names_per_series",
        "label_name_too_long",    "label_value_too_long",
        "duplicate_label_names",  "structured_metadata",
        "request_body_too_large", "other"};
    return names[static_cast<std::size_t>(r)];
}

/// What became of a push of one stream.
struct push_reply {
    enum class verdict {
        /// All entries are stored.
        delivered,
        /// Not now: send the identical bytes again, after `retry_after` where that is given.
        retry,
        /// As `retry`, but no entry is to blame and time alone will not help: credentials, tenant, address,
        /// or an operator who blocks ingestion. Tell a person.
        blocked,
        /// Too large: send the halves; where there is but one entry, it is rejected.
        split,
        /// Loki refused `rejected` entries for `reason` and stored the others.
        rejected
    };

    verdict what = verdict::delivered;
    /// From a `Retry-After` in seconds; Loki sends none, gateways do. At most one hour.
    std::optional<std::chrono::seconds> retry_after{};
    /// With `rejected`: of the most frequent refusal.
    reject_reason reason = reject_reason::other;
    /// With `rejected`: how many entries. Empty: all of them, the whole request was refused.
    std::optional<std::size_t> rejected{};
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
        {"error parsing labels", reject_reason::invalid_labels},
        {"Error parsing labels", reject_reason::invalid_labels},
        {"label names; limit", reject_reason::max_label_names_per_series},
        {"has label name too long", reject_reason::label_name_too_long},
        {"has label value too long", reject_reason::label_value_too_long},
        {"has duplicate label name", reject_reason::duplicate_label_names},
        {"structured metadata", reject_reason::structured_metadata},
    };
    // A stream's labels are quoted in most texts and could hold any of these: the latest match is Loki's own
    // words.
    std::optional<reject_reason> out;
    std::size_t best = 0;
    for (const auto& row : table)
        if (const auto at = text.rfind(row.part); at != text.npos && (!out || at > best)) {
            out = row.reason;
            best = at;
        }
    return out;
}

/// `user 'x', total ignored: 12 out of 400 for stream: …` (an ingester's list) → 12.
inline std::optional<std::size_t> total_ignored(std::string_view body) {
    static constexpr std::string_view words = "total ignored: ";
    const auto at = body.find(words);
    return at == body.npos ? std::nullopt : leading_number(body.substr(at + words.size()));
}

/// `2 errors like: a; 1 errors like: b` (the distributor's groups) → 3; a text alone → 1.
inline std::size_t grouped_errors(std::string_view body) {
    static constexpr std::string_view words = " errors like: ";
    std::size_t sum = 0;
    for (auto at = body.find(words); at != body.npos; at = body.find(words, at + 1)) {
        std::size_t begin = at;
        while (begin != 0 && body[begin - 1] >= '0' && body[begin - 1] <= '9')
            --begin;
        // Only at the start or behind a separator; a label value may hold the words too.
        if (begin == 0 || body.substr(0, begin).ends_with("; "))
            sum += leading_number(body.substr(begin)).value_or(0);
    }
    return sum == 0 ? 1 : sum;
}

inline push_reply read_refusal(std::string_view body, push_reply out) {
    out.what = push_reply::verdict::rejected;
    const auto reason = reason_of(body);
    out.reason = reason.value_or(reject_reason::other);
    if (const auto n = total_ignored(body)) {
        out.rejected = n;
    } else if (reason == reject_reason::greater_than_max_sample_age ||
               reason == reject_reason::too_far_in_future || reason == reject_reason::line_too_long ||
               reason == reject_reason::structured_metadata) {
        // Checked entry by entry, so the others are stored (Loki, distributor). Label rules refuse the whole
        // stream.
        out.rejected = grouped_errors(body);
    }
    return out;
}

} // namespace detail

/// Reads Loki's answer to a push of one stream. Pure; `body` may be cut off at any length.
///
/// Only 200 and 204 mean stored. Any other 2xx (Loki 3: 260, "ingestion blocked") is `blocked`. 400 and 422
/// refuse entries, not the whole. 413, and a 500 that says the message was too large, ask for smaller pushes.
/// 401, 403, 404, 405, 407 and redirects are no entry's fault. 408, 425, 429 and 5xx pass.
inline push_reply read_push_reply(const http::response_head& head, std::string_view body) {
    using verdict = push_reply::verdict;
    push_reply out;
    const unsigned status = head.status;
    if (status == 200 || status == 204)
        return out;
    out.text = std::to_string(status);
    while (!body.empty() && (body.back() == '\n' || body.back() == '\r' || body.back() == ' '))
        body.remove_suffix(1);
    if (!body.empty())
        out.text += ": " + text::escape_for_log(body);
    if (status == 400 || status == 422)
        return detail::read_refusal(body, std::move(out));
    if (status == 413 || (status == 500 && body.find("received message larger than max") != body.npos)) {
        out.what = verdict::split;
        out.reason = reject_reason::request_body_too_large;
        return out;
    }
    out.what =
        status >= 500 || status == 408 || status == 425 || status == 429 ? verdict::retry : verdict::blocked;
    if (const auto seconds = detail::leading_number(head.fields.get("Retry-After")))
        out.retry_after = std::chrono::seconds(std::min<std::size_t>(*seconds, 3600));
    return out;
}

} // namespace lokiship::loki

#endif
