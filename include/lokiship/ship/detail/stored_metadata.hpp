#ifndef LOKISHIP_SHIP_DETAIL_STORED_METADATA_HPP
#define LOKISHIP_SHIP_DETAIL_STORED_METADATA_HPP

#include <lokiship/loki/labels.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::ship::detail {

/// The most bytes that it may take as it is stored, and labels that it may have. By default Loki takes 64 KiB and 128.
inline constexpr std::size_t max_stored_metadata = 65'535, max_stored_labels = 255;

/// How many bytes structured metadata takes as it is stored.
inline std::size_t stored_size(const loki::labels& metadata) noexcept {
    std::size_t out = 0;
    for (const auto& l : metadata)
        out += 2 * sizeof(std::uint16_t) + l.name.size() + l.value.size();
    return out;
}

/// Writes it, behind which the result points: each name and value with its size in front. Precondition: it has at most
/// `max_stored_labels` and takes at most `max_stored_metadata`.
inline char* store(const loki::labels& metadata, char* out) noexcept {
    const auto put = [&out](std::string_view text) {
        const auto size = static_cast<std::uint16_t>(text.size());
        std::memcpy(out, &size, sizeof size);
        std::memcpy(out + sizeof size, text.data(), text.size());
        out += sizeof size + text.size();
    };
    for (const auto& l : metadata) {
        put(l.name);
        put(l.value);
    }
    return out;
}

/// Reads what `store` wrote.
inline loki::labels from_stored(std::string_view in) {
    std::vector<loki::label> out;
    const auto take = [&in] {
        std::uint16_t size = 0;
        std::memcpy(&size, in.data(), sizeof size);
        std::string text(in.substr(sizeof size, size));
        in.remove_prefix(sizeof size + size);
        return text;
    };
    while (!in.empty()) {
        std::string name = take();
        out.push_back({std::move(name), take()});
    }
    return loki::labels::from_sorted(std::move(out));
}

} // namespace lokiship::ship::detail

#endif
