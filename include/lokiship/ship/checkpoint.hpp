#ifndef LOKISHIP_SHIP_CHECKPOINT_HPP
#define LOKISHIP_SHIP_CHECKPOINT_HPP

#include <lokiship/error.hpp>
#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/detail/file.hpp>
#include <lokiship/ship/stream_progress.hpp>
#include <lokiship/text/escape.hpp>
#include <lokiship/text/timestamp.hpp>

#include <boost/crc.hpp>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>
#include <boost/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
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
    /// What Loki acknowledged last of a stream: from when, to when, what it takes, and the time of day then.
    struct window {
        timestamp oldest{}, newest{}, bar{}, at{};
        friend bool operator==(const window&, const window&) = default;
    };
    struct stream {
        /// As they are pushed.
        loki::labels labels;
        /// What became of the first entries, oldest first, and the sum of their `entry_digest`s.
        std::vector<outcome_run> outcomes{};
        std::uint64_t digest = 0;
        /// The digests of the entries behind those that may have been sent.
        std::vector<std::uint64_t> open{};
        /// The time of the last entry that was taken.
        std::optional<timestamp> taken_until{};
        std::optional<window> acknowledged{};
        /// Which of the stream's entries it has; empty: all.
        std::vector<time_range> ranges{};

        std::uint64_t settled() const noexcept {
            std::uint64_t n = 0;
            for (const auto& r : outcomes)
                n += r.count;
            return n;
        }
        friend bool operator==(const stream&, const stream&) = default;
    };

    /// What the backfill was told to do; a checkpoint is of no use for anything else.
    std::string job;
    /// As `history_query` has them; given as an age, they must not move.
    std::optional<timestamp> since{}, until{};
    std::vector<stream> streams{};

    /// The stream with these labels, or null.
    const stream* find(const loki::labels& labels) const {
        const auto at =
            std::find_if(streams.begin(), streams.end(), [&](const stream& s) { return s.labels == labels; });
        return at == streams.end() ? nullptr : &*at;
    }

    friend bool operator==(const checkpoint&, const checkpoint&) = default;
};

namespace detail {

/// The first word of a checkpoint, with its version.
inline constexpr std::string_view checkpoint_magic = "lokiship-checkpoint-1";

inline std::string checkpoint_sum(std::string_view body) {
    boost::crc_32_type crc;
    crc.process_bytes(body.data(), body.size());
    char text[9];
    std::snprintf(text, sizeof text, "%08x", static_cast<unsigned>(crc.checksum()));
    return text;
}

inline boost::json::value to_json(std::optional<timestamp> t) {
    return t ? boost::json::value(text::to_unix_nanoseconds(*t)) : boost::json::value(nullptr);
}
inline std::optional<timestamp> time_from(const boost::json::value& v) {
    if (v.is_null())
        return std::nullopt;
    return text::from_unix_nanoseconds(boost::json::value_to<std::int64_t>(v));
}

} // namespace detail

/// The text of a checkpoint: a line with version, CRC-32 and length, then JSON.
inline std::string to_text(const checkpoint& c) {
    boost::json::array streams;
    for (const auto& s : c.streams) {
        boost::json::object labels;
        for (const auto& l : s.labels)
            labels[l.name] = l.value;
        boost::json::array outcomes;
        for (const auto& r : s.outcomes)
            outcomes.push_back(boost::json::array{r.count, r.what.code()});
        boost::json::array open(s.open.begin(), s.open.end());
        boost::json::array ranges;
        for (const auto& r : s.ranges)
            ranges.push_back(boost::json::array{detail::to_json(r.from), detail::to_json(r.until)});
        boost::json::object o{{"labels", std::move(labels)},
                              {"outcomes", std::move(outcomes)},
                              {"digest", s.digest},
                              {"open", std::move(open)},
                              {"taken_until", detail::to_json(s.taken_until)},
                              {"ranges", std::move(ranges)}};
        if (const auto& w = s.acknowledged)
            o["acknowledged"] = boost::json::array{detail::to_json(w->oldest), detail::to_json(w->newest),
                                                   detail::to_json(w->bar), detail::to_json(w->at)};
        streams.push_back(std::move(o));
    }
    const std::string body = boost::json::serialize(boost::json::object{{"job", c.job},
                                                                        {"hash", BOOST_VERSION},
                                                                        {"since", detail::to_json(c.since)},
                                                                        {"until", detail::to_json(c.until)},
                                                                        {"streams", std::move(streams)}}) +
                             '\n';
    return std::string(detail::checkpoint_magic) + ' ' + detail::checkpoint_sum(body) + ' ' +
           std::to_string(body.size()) + '\n' + body;
}

/// Reads such a text. Error `errc::unusable_checkpoint`: it is none, of another version, or damaged; nothing of it is
/// used then.
inline result<checkpoint> parse_checkpoint(std::string_view text) try {
    const auto bad = [](const char* why) { return error(errc::unusable_checkpoint, why); };
    const auto line = text.substr(0, text.find('\n'));
    if (!line.starts_with(detail::checkpoint_magic.substr(0, detail::checkpoint_magic.rfind('-') + 1)))
        return bad("it is no checkpoint");
    if (!line.starts_with(std::string(detail::checkpoint_magic) + ' '))
        return bad("it is of another version of lokiship");
    const auto body = text.substr(std::min(line.size() + 1, text.size()));
    if (line != std::string(detail::checkpoint_magic) + ' ' + detail::checkpoint_sum(body) + ' ' +
                    std::to_string(body.size()))
        return bad("it is damaged: its checksum is not that of its content");
    const auto root = boost::json::parse({body.data(), body.size()}).as_object();
    if (boost::json::value_to<int>(root.at("hash")) != BOOST_VERSION)
        return bad("it was written by a build with another version of Boost");
    checkpoint out;
    out.job = boost::json::value_to<std::string>(root.at("job"));
    out.since = detail::time_from(root.at("since"));
    out.until = detail::time_from(root.at("until"));
    for (const auto& v : root.at("streams").as_array()) {
        const auto& o = v.as_object();
        checkpoint::stream s;
        for (const auto& l : o.at("labels").as_object())
            s.labels.set({l.key().data(), l.key().size()}, boost::json::value_to<std::string>(l.value()));
        for (const auto& r : o.at("outcomes").as_array()) {
            const auto what = outcome::from_code(boost::json::value_to<std::uint64_t>(r.as_array().at(1)));
            if (!what)
                return bad("it has an outcome that is not known");
            s.outcomes.push_back({boost::json::value_to<std::uint64_t>(r.as_array().at(0)), *what});
        }
        s.digest = boost::json::value_to<std::uint64_t>(o.at("digest"));
        s.open = boost::json::value_to<std::vector<std::uint64_t>>(o.at("open"));
        s.taken_until = detail::time_from(o.at("taken_until"));
        for (const auto& r : o.at("ranges").as_array())
            s.ranges.push_back(
                {detail::time_from(r.as_array().at(0)), detail::time_from(r.as_array().at(1))});
        if (const auto* a = o.if_contains("acknowledged")) {
            const auto& w = a->as_array();
            s.acknowledged = {detail::time_from(w.at(0)).value(), detail::time_from(w.at(1)).value(),
                              detail::time_from(w.at(2)).value(), detail::time_from(w.at(3)).value()};
        }
        out.streams.push_back(std::move(s));
    }
    return out;
} catch (const std::exception& e) {
    return error(errc::unusable_checkpoint, "its content is not as it should be: " + std::string(e.what()));
}

/// Reads the checkpoint in a file; nothing where there is no such file. Errors name the file.
inline result<std::optional<checkpoint>> read_checkpoint(const std::string& path) {
    const auto content = detail::read_whole_file(path);
    if (!content)
        return content.error();
    if (!*content)
        return std::optional<checkpoint>();
    auto parsed = parse_checkpoint(**content);
    if (!parsed)
        return error(parsed.error().code,
                     "'" + text::escape_for_log(path) + "' cannot be used: " + parsed.error().message);
    return std::optional(std::move(*parsed));
}

} // namespace lokiship::ship

#endif
