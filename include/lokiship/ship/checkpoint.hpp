#ifndef LOKISHIP_SHIP_CHECKPOINT_HPP
#define LOKISHIP_SHIP_CHECKPOINT_HPP

#include <lokiship/error.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/acknowledged_window.hpp>
#include <lokiship/ship/detail/file.hpp>
#include <lokiship/ship/detail/json_text.hpp>
#include <lokiship/ship/detail/sealed_text.hpp>
#include <lokiship/ship/stream_progress.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::ship {

/// From `from` (included) to `until` (excluded); empty: from the beginning, and to the end.
struct time_range {
    std::optional<timestamp> from{}, until{};

    bool contains(timestamp t) const noexcept { return (!from || t >= *from) && (!until || t < *until); }
    friend bool operator==(const time_range&, const time_range&) = default;
};

/// What a backfill must know to go on after it was interrupted.
struct checkpoint {
    struct stream {
        /// As they are pushed.
        loki::labels labels;
        /// What became of the first entries, oldest first, and the digests of these as `stream_progress` has them.
        std::vector<outcome_run> outcomes{};
        std::vector<prefix_digest> prefixes{};
        /// The digests of the entries behind those that may have been sent.
        std::vector<std::uint64_t> open{};
        /// Those of `open` that Loki would have taken when they were sent, for all that was known; ascending.
        std::vector<std::uint64_t> proven{};
        /// Those of `open` are all from the first entries to `taken_until`.
        bool open_is_whole = true;
        /// The time of the last entry that was taken.
        std::optional<timestamp> taken_until{};
        std::optional<acknowledged_window> acknowledged{};
        /// Which of the stream's entries it has; empty: all.
        std::vector<time_range> ranges{};

        std::uint64_t settled() const noexcept { return prefixes.empty() ? 0 : prefixes.back().entries; }
        friend bool operator==(const stream&, const stream&) = default;
    };

    /// What the backfill was told to do; a checkpoint is of no use for anything else.
    std::string job;
    /// As `history_query` has them; given as an age, they must not move.
    std::optional<timestamp> since{}, until{};
    /// Ascending by their labels.
    std::vector<stream> streams{};

    /// The stream with these labels, or null.
    const stream* find(const loki::labels& labels) const {
        const auto at =
            std::lower_bound(streams.begin(), streams.end(), labels,
                             [](const stream& s, const loki::labels& wanted) { return s.labels < wanted; });
        return at == streams.end() || at->labels != labels ? nullptr : &*at;
    }

    friend bool operator==(const checkpoint&, const checkpoint&) = default;
};

namespace detail {

/// Of a stream: so few that counting on does not wrap.
inline constexpr std::uint64_t most_entries = std::uint64_t{1} << 62;

inline constexpr sealed_kind checkpoint_kind{"checkpoint", 1, errc::unusable_checkpoint};

} // namespace detail

/// A stream's text in a checkpoint's.
inline std::string to_text(const checkpoint::stream& s) {
    boost::json::array outcomes, prefixes, ranges;
    for (const auto& r : s.outcomes)
        outcomes.push_back(boost::json::array{r.count, r.what.code()});
    for (const auto& p : s.prefixes)
        prefixes.push_back(boost::json::array{p.entries, p.sum});
    for (const auto& r : s.ranges)
        ranges.push_back(boost::json::array{detail::to_json(r.from), detail::to_json(r.until)});
    boost::json::object o{{"labels", detail::to_json(s.labels)},
                          {"outcomes", std::move(outcomes)},
                          {"prefixes", std::move(prefixes)},
                          {"open", boost::json::array(s.open.begin(), s.open.end())},
                          {"proven", boost::json::array(s.proven.begin(), s.proven.end())},
                          {"open_is_whole", s.open_is_whole},
                          {"taken_until", detail::to_json(s.taken_until)},
                          {"ranges", std::move(ranges)}};
    if (s.acknowledged)
        o["acknowledged"] = detail::to_json(*s.acknowledged);
    return boost::json::serialize(o);
}

/// Writes a checkpoint without its `streams`, and these as `to_text` gave them, as a whole, as `detail::replace_file` does.
inline result<void> write_checkpoint(const std::string& path, const checkpoint& c,
                                     std::span<const std::string_view> streams) {
    std::string head,
        begin = boost::json::serialize(boost::json::object{
            {"job", c.job}, {"since", detail::to_json(c.since)}, {"until", detail::to_json(c.until)}});
    begin.back() = ',';
    begin += "\"streams\":[";
    std::vector<std::string_view> pieces{"", begin};
    for (const auto s : streams) {
        if (pieces.size() != 2)
            pieces.push_back(",\n");
        pieces.push_back(s);
    }
    pieces.push_back("]}\n");
    head = detail::seal(detail::checkpoint_kind, pieces);
    pieces.front() = head;
    return detail::replace_file(path, pieces);
}

/// Reads such a text. Error `errc::unusable_checkpoint`: it is none, of another version, or damaged; nothing of it is
/// used then.
inline result<checkpoint> parse_checkpoint(std::string_view text) try {
    const auto bad = [](const char* why) { return error(errc::unusable_checkpoint, why); };
    const auto body = detail::unseal(detail::checkpoint_kind, text);
    if (!body)
        return body.error();
    const auto root = boost::json::parse({body->data(), body->size()}).as_object();
    checkpoint out;
    out.job = boost::json::value_to<std::string>(root.at("job"));
    out.since = detail::time_from(root.at("since"));
    out.until = detail::time_from(root.at("until"));
    for (const auto& v : root.at("streams").as_array()) {
        const auto& o = v.as_object();
        checkpoint::stream s;
        s.labels = detail::labels_from(o.at("labels"));
        std::uint64_t settled = 0;
        for (const auto& r : o.at("outcomes").as_array()) {
            const auto what = outcome::from_code(boost::json::value_to<std::uint64_t>(r.as_array().at(1)));
            if (!what)
                return bad("it has an outcome that is not known");
            s.outcomes.push_back({boost::json::value_to<std::uint64_t>(r.as_array().at(0)), *what});
            if (s.outcomes.back().count > detail::most_entries - settled)
                return bad("it counts more entries than there can be");
            settled += s.outcomes.back().count;
        }
        for (const auto& pair : o.at("prefixes").as_array()) {
            const prefix_digest p{boost::json::value_to<std::uint64_t>(pair.as_array().at(0)),
                                  boost::json::value_to<std::uint64_t>(pair.as_array().at(1))};
            if (p.entries <= s.settled())
                return bad("its digests do not ascend");
            s.prefixes.push_back(p);
        }
        if (s.settled() != settled)
            return bad("its outcomes and its digests are not of the same entries");
        s.open = boost::json::value_to<std::vector<std::uint64_t>>(o.at("open"));
        if (const auto* proven = o.if_contains("proven"))
            s.proven = boost::json::value_to<std::vector<std::uint64_t>>(*proven);
        s.open_is_whole = o.at("open_is_whole").as_bool();
        s.taken_until = detail::time_from(o.at("taken_until"));
        for (const auto& r : o.at("ranges").as_array())
            s.ranges.push_back(
                {detail::time_from(r.as_array().at(0)), detail::time_from(r.as_array().at(1))});
        if (const auto* w = o.if_contains("acknowledged"))
            s.acknowledged = detail::window_from(*w);
        out.streams.push_back(std::move(s));
    }
    std::sort(out.streams.begin(), out.streams.end(),
              [](const auto& a, const auto& b) { return a.labels < b.labels; });
    return out;
} catch (const std::exception& e) {
    return error(errc::unusable_checkpoint, "its content is not as it should be: " + std::string(e.what()));
}

} // namespace lokiship::ship

#endif
