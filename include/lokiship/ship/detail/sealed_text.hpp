#ifndef LOKISHIP_SHIP_DETAIL_SEALED_TEXT_HPP
#define LOKISHIP_SHIP_DETAIL_SEALED_TEXT_HPP

#include <lokiship/error.hpp>

#include <boost/crc.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>

namespace lokiship::ship::detail {

/// A kind of file of ours; its first line has `lokiship-` and this name, the version, and CRC-32 and length of what follows.
struct sealed_kind {
    std::string_view name;
    unsigned version;
    /// What is wrong with one.
    errc failure;

    std::string begin() const { return "lokiship-" + std::string(name) + '-'; }
};

/// The first line for such a content.
inline std::string seal(const sealed_kind& kind, std::span<const std::string_view> content) {
    boost::crc_32_type crc;
    std::size_t size = 0;
    for (const auto piece : content) {
        crc.process_bytes(piece.data(), piece.size());
        size += piece.size();
    }
    char sum[9];
    std::snprintf(sum, sizeof sum, "%08x", static_cast<unsigned>(crc.checksum()));
    return kind.begin() + std::to_string(kind.version) + ' ' + sum + ' ' + std::to_string(size) + '\n';
}

/// The content of such a text. Error: it is none, of another version, or damaged.
inline result<std::string_view> unseal(const sealed_kind& kind, std::string_view text) {
    const auto line = text.substr(0, text.find('\n'));
    if (!line.starts_with(kind.begin()))
        return error(kind.failure, "it is no " + std::string(kind.name));
    if (!line.starts_with(kind.begin() + std::to_string(kind.version) + ' '))
        return error(kind.failure, "it is of another version of lokiship");
    const auto content = text.substr(std::min(line.size() + 1, text.size()));
    const std::string_view all[] = {content};
    if (std::string(line) + '\n' != seal(kind, all))
        return error(kind.failure, "it is damaged: its checksum is not that of its content");
    return content;
}

} // namespace lokiship::ship::detail

#endif
