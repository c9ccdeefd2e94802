#ifndef LOKISHIP_LOKI_SELECTOR_HPP
#define LOKISHIP_LOKI_SELECTOR_HPP

#include <lokiship/loki/labels.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::loki {

/// The labels by which queries know a stream. Loki 2.9 stores what stands behind a backslash in a JSON label value
/// otherwise than it was meant, so such labels are left out where others remain.
inline labels queried_labels(const labels& set) {
    labels plain;
    for (const auto& l : set)
        if (std::none_of(l.value.begin(), l.value.end(), [](char c) {
                return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
            }))
            plain.set(l.name, l.value);
    return plain.empty() ? set : plain;
}

/// A selector of the stream with these labels, and maybe of some with more.
inline std::string selector(const labels& set) {
    return to_string(queried_labels(set));
}

/// A regular expression (RE2) that matches this text and no other.
inline std::string quote_regex(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos)
            out += '\\';
        out += c;
    }
    return out;
}

/// How wide a selector of several streams may be.
struct selector_limits {
    /// In bytes. The request line has up to thrice as many, and gateways take 8 KiB.
    std::size_t max_size = 1500;
    /// How many streams there may be in all, for each one that is meant.
    std::size_t max_combinations = 4;
};

/// A selector of all these streams, and of others that have the same values in another combination:
/// `{a="1", b=~"2|3"}`. Empty where it would be beyond the limits; one stream never is. Of labels that stand for one
/// another in these streams, such as a server's id and its name, only the shortest is in it.
///
/// Precondition: there is one at least, all have the same names, and each is as `queried_labels` gives it.
inline std::optional<std::string> selector(std::span<const labels* const> streams,
                                           const selector_limits& limits = {}) {
    BOOST_ASSERT(!streams.empty());
    const labels& first = *streams.front();
    if (std::all_of(streams.begin(), streams.end(), [&](const labels* s) { return *s == first; }))
        return to_string(first);
    struct column {
        std::string_view name;
        std::vector<std::string_view> values;
        std::set<std::string_view> distinct;
        std::string matcher;
    };
    std::vector<column> columns;
    for (auto l = first.begin(); l != first.end(); ++l) {
        column c;
        c.name = l->name;
        for (const labels* s : streams) {
            const auto& value = (s->begin() + (l - first.begin()))->value;
            c.values.push_back(value);
            c.distinct.insert(value);
        }
        if (c.distinct.size() == 1) {
            c.matcher = '=';
            detail::append_quoted(c.matcher, l->value);
        } else {
            std::string any;
            for (const auto value : c.distinct)
                any += (any.empty() ? "" : "|") + quote_regex(value);
            c.matcher = "=~";
            detail::append_quoted(c.matcher, any);
        }
        columns.push_back(std::move(c));
    }
    const auto stand_for_one_another = [](const column& a, const column& b) {
        std::set<std::pair<std::string_view, std::string_view>> pairs;
        for (std::size_t i = 0; i != a.values.size(); ++i)
            pairs.emplace(a.values[i], b.values[i]);
        return pairs.size() == a.distinct.size() && pairs.size() == b.distinct.size();
    };
    std::sort(columns.begin(), columns.end(), [](const column& a, const column& b) {
        return std::pair(b.matcher.size(), a.name) < std::pair(a.matcher.size(), b.name);
    });
    for (auto c = columns.begin(); c != columns.end();) {
        const bool spare = c->distinct.size() > 1 &&
                           std::any_of(c + 1, columns.end(),
                                       [&](const column& other) { return stand_for_one_another(*c, other); });
        c = spare ? columns.erase(c) : c + 1;
    }
    std::sort(columns.begin(), columns.end(),
              [](const column& a, const column& b) { return a.name < b.name; });
    std::string out;
    std::size_t combinations = 1;
    for (const auto& c : columns) {
        // Checked each time, so that it cannot overflow.
        combinations *= c.distinct.size();
        if (combinations > limits.max_combinations * streams.size())
            return std::nullopt;
        out += out.empty() ? "{" : ", ";
        out += c.name;
        out += c.matcher;
    }
    out += '}';
    if (out.size() > limits.max_size)
        return std::nullopt;
    return out;
}

} // namespace lokiship::loki

#endif
