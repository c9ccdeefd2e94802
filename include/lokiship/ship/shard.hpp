#ifndef LOKISHIP_SHIP_SHARD_HPP
#define LOKISHIP_SHIP_SHARD_HPP

#include <lokiship/text/stable_hash.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace lokiship::ship {

/// Which of the servers are this shipper's, where several share a backend: number `index` of `count`, from 0 on.
///
/// Each server belongs to one of them, in every build and version (rendezvous hashing of `server_id`), so that each stream of
/// Loki has one shipper. With one more or less only the servers that it gets or had change hands: about one in `count`.
struct shard {
    /// Less than `count`, which is at least 1. With a `count` of 1 all servers are its own.
    std::uint32_t index = 0, count = 1;

    bool owns(std::string_view server_id) const noexcept {
        if (count == 1)
            return true;
        const std::uint64_t server = text::stable_hash(0, server_id);
        const std::uint64_t own = text::stable_hash(server, std::uint64_t{index});
        for (std::uint32_t other = 0; other != count; ++other) {
            const std::uint64_t rank = text::stable_hash(server, std::uint64_t{other});
            if (rank > own || (rank == own && other < index))
                return false;
        }
        return true;
    }

    /// `I/N`.
    std::string name() const { return std::to_string(index) + '/' + std::to_string(count); }

    friend bool operator==(const shard&, const shard&) = default;
};

} // namespace lokiship::ship

#endif
