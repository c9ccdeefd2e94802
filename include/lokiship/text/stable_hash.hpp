#ifndef LOKISHIP_TEXT_STABLE_HASH_HPP
#define LOKISHIP_TEXT_STABLE_HASH_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace lokiship::text {

/// A hash that may be written to a file: the same in every build and every version of Boost, on machines of one byte order.
/// Combines `value` into `seed`. Not for the eyes of an adversary.
constexpr std::uint64_t stable_hash(std::uint64_t seed, std::uint64_t value) noexcept {
    // The finaliser of SplitMix64.
    std::uint64_t h = (seed ^ value) + 0x9e37'79b9'7f4a'7c15;
    h = (h ^ (h >> 30)) * 0xbf58'476d'1ce4'e5b9;
    h = (h ^ (h >> 27)) * 0x94d0'49bb'1331'11eb;
    return h ^ (h >> 31);
}
/// The same of bytes, and of how many there are.
inline std::uint64_t stable_hash(std::uint64_t seed, std::string_view bytes) noexcept {
    const auto mix = [](std::uint64_t h, std::uint64_t word) {
        h = (h ^ word) * 0x9fb2'1c65'1e98'df25;
        return h ^ h >> 32;
    };
    const auto word_at = [&bytes](std::size_t at) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data() + at, sizeof word);
        return word;
    };
    std::uint64_t h = stable_hash(seed, bytes.size());
    std::size_t at = 0;
    if (bytes.size() >= 32) {
        // None waits for the other.
        std::uint64_t a = h, b = h ^ 0x9e37'79b9'7f4a'7c15, c = h ^ 0xbf58'476d'1ce4'e5b9,
                      d = h ^ 0x94d0'49bb'1331'11eb;
        for (; bytes.size() - at >= 32; at += 32) {
            a = mix(a, word_at(at));
            b = mix(b, word_at(at + 8));
            c = mix(c, word_at(at + 16));
            d = mix(d, word_at(at + 24));
        }
        h = mix(mix(mix(mix(h, a), b), c), d);
    }
    for (; bytes.size() - at >= 8; at += 8)
        h = mix(h, word_at(at));
    std::uint64_t rest = 0;
    if (at != 0 && at != bytes.size())
        rest = word_at(bytes.size() - 8); // some of it a second time
    else
        for (const char c : bytes.substr(at))
            rest = rest << 8 | static_cast<unsigned char>(c);
    return stable_hash(h, rest);
}

} // namespace lokiship::text

#endif
