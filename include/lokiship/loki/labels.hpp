#ifndef LOKISHIP_LOKI_LABELS_HPP
#define LOKISHIP_LOKI_LABELS_HPP

#include <lokiship/version.hpp>

#include <boost/container_hash/hash.hpp>

#include <algorithm>
#include <compare>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::loki {

/// A name and a value that Loki indexes. Names match `[a-zA-Z_][a-zA-Z0-9_]*`; values are any UTF-8.
struct label {
    std::string name;
    std::string value;

    friend auto operator<=>(const label&, const label&) = default;
};

/// The label set that identifies a stream: sorted by name, each name once, no empty value (Loki takes an
/// empty value as an absent label).
///
/// A copy shares the labels until one of both is changed, and costs next to nothing. Distinct objects may be used from distinct
/// threads; a shared one may be read from several.
class labels {
public:
    labels() = default;
    labels(std::initializer_list<label> list) {
        for (const auto& l : list)
            set(l.name, l.value);
    }

    /// The same of a list that is sorted by name already, with each name once and no empty value.
    static labels from_sorted(std::vector<label> list) {
        labels out;
        if (!list.empty())
            out.shared_ = std::make_shared<const shared>(std::move(list));
        return out;
    }

    /// Adds the label, or replaces the value of the one with that name; an empty value removes it. Linear in the labels.
    void set(std::string_view name, std::string_view value) {
        std::vector<label> list(begin(), end());
        auto at = std::lower_bound(list.begin(), list.end(), name,
                                   [](const label& l, std::string_view n) { return l.name < n; });
        const bool found = at != list.end() && at->name == name;
        if (value.empty()) {
            if (found)
                list.erase(at);
        } else if (found) {
            at->value = value;
        } else {
            list.insert(at, label{std::string(name), std::string(value)});
        }
        shared_ = list.empty() ? nullptr : std::make_shared<const shared>(std::move(list));
    }

    /// The value, or an empty view where there is no such label. Valid until the object changes.
    std::string_view get(std::string_view name) const noexcept {
        for (const auto& l : *this)
            if (l.name == name)
                return l.value;
        return {};
    }

    const label* begin() const noexcept { return shared_ ? shared_->list.data() : nullptr; }
    const label* end() const noexcept { return begin() + size(); }
    std::size_t size() const noexcept { return shared_ ? shared_->list.size() : 0; }
    bool empty() const noexcept { return !shared_; }

    friend bool operator==(const labels& a, const labels& b) noexcept {
        return a.shared_ == b.shared_ || (a.shared_ && b.shared_ && a.shared_->hash == b.shared_->hash &&
                                          a.shared_->list == b.shared_->list);
    }
    friend std::strong_ordering operator<=>(const labels& a, const labels& b) noexcept {
        if (a.shared_ == b.shared_)
            return std::strong_ordering::equal;
        return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
    }
    /// Found by `boost::hash`.
    friend std::size_t hash_value(const labels& set) noexcept { return set.shared_ ? set.shared_->hash : 0; }

private:
    struct shared {
        explicit shared(std::vector<label> from)
            : list(std::move(from)) {
            for (const auto& l : list) {
                boost::hash_combine(hash, l.name);
                boost::hash_combine(hash, l.value);
            }
        }
        std::vector<label> list;
        std::size_t hash = 0;
    };
    std::shared_ptr<const shared> shared_;
};

/// The order of the names alone.
inline std::strong_ordering compare_names(const labels& a, const labels& b) {
    return std::lexicographical_compare_three_way(
        a.begin(), a.end(), b.begin(), b.end(),
        [](const label& x, const label& y) { return x.name <=> y.name; });
}

/// The set with the labels of `more`, whose values count where both have one.
inline labels with_labels(labels set, const labels& more) {
    for (const auto& l : more)
        set.set(l.name, l.value);
    return set;
}

namespace detail {

/// Appends a string literal of LogQL, with `\`, `"`, newline and control bytes escaped as in Go.
inline void append_quoted(std::string& out, std::string_view text) {
    static constexpr char hex[] = "0123456789abcdef";
    out += '"';
    for (char c : text) {
        if (c == '\\' || c == '"') {
            out += '\\';
            out += c;
        } else if (c == '\n') {
            out += "\\n";
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            out += "\\x";
            out += hex[static_cast<unsigned char>(c) >> 4];
            out += hex[static_cast<unsigned char>(c) & 15];
        } else {
            out += c;
        }
    }
    out += '"';
}

} // namespace detail

/// The set as Loki writes it, `{a="1", b="2"}`, sorted, with `\`, `"`, newline and control bytes escaped as
/// in Go. This is also a LogQL selector that matches the stream.
inline std::string to_string(const labels& set) {
    std::string out = "{";
    for (const auto& l : set) {
        if (out.size() > 1)
            out += ", ";
        out += l.name;
        out += '=';
        detail::append_quoted(out, l.value);
    }
    out += '}';
    return out;
}

} // namespace lokiship::loki

#endif
