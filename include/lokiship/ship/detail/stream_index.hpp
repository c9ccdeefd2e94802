#ifndef LOKISHIP_SHIP_DETAIL_STREAM_INDEX_HPP
#define LOKISHIP_SHIP_DETAIL_STREAM_INDEX_HPP

#include <lokiship/loki/labels.hpp>
#include <lokiship/ship/spool.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace lokiship::ship::detail {

/// Whether `set`, which has all labels of `part`, has only those and what Loki adds by itself.
inline bool is_same_stream(const loki::labels& set, const loki::labels& part) {
    return std::all_of(set.begin(), set.end(), [&](const loki::label& l) {
        return !part.get(l.name).empty() || l.name == "service_name" ||
               (l.name.starts_with("__") && !l.name.starts_with("__backfill"));
    });
}
/// Finds the streams among many that have certain labels.
class stream_index {
public:
    explicit stream_index(std::vector<loki::labels> streams)
        : streams_(std::move(streams)) {}
    stream_index(const stream_index&) = delete;
    stream_index& operator=(const stream_index&) = delete;

    /// Those that have all labels of `part`, and maybe more.
    std::vector<const loki::labels*> find(const loki::labels& part) {
        std::vector<std::string> names;
        for (const auto& l : part)
            names.push_back(l.name);
        const auto [at, added] = by_names_.try_emplace(names);
        if (added)
            for (const auto& s : streams_)
                at->second.emplace(only(s, names), &s);
        std::vector<const loki::labels*> out;
        for (auto [i, end] = at->second.equal_range(part); i != end; ++i)
            out.push_back(i->second);
        return out;
    }

private:
    static loki::labels only(const loki::labels& set, const std::vector<std::string>& names) {
        loki::labels out;
        for (const auto& name : names)
            out.set(name, set.get(name));
        return out;
    }
    std::vector<loki::labels> streams_;
    std::map<std::vector<std::string>, std::multimap<loki::labels, const loki::labels*>> by_names_;
};

/// The labels that all streams have.
inline loki::labels common_labels(const std::vector<spooled_stream>& streams) {
    loki::labels out = streams.empty() ? loki::labels() : streams.front().labels;
    for (const auto& s : streams) {
        loki::labels kept;
        for (const auto& l : out)
            if (s.labels.get(l.name) == l.value)
                kept.set(l.name, l.value);
        out = std::move(kept);
    }
    return out;
}

} // namespace lokiship::ship::detail

#endif
