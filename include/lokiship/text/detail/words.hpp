#ifndef LOKISHIP_TEXT_DETAIL_WORDS_HPP
#define LOKISHIP_TEXT_DETAIL_WORDS_HPP

#include <boost/endian/conversion.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace lokiship::text::detail {

/// Eight bytes of a text at once, the first one lowest. Tests give a word64 whose lowest bit that is set is in the first
/// byte that they find; what is above that means nothing.
using word64 = std::uint64_t;

constexpr word64 repeat(unsigned char byte) noexcept {
    return ~word64{0} / 0xff * byte;
}
constexpr word64 high_bits = repeat(0x80);

/// A byte of 0x80 or above. An object, so that `find_first` has it inline.
inline constexpr auto not_ascii = [](word64 w) noexcept { return w & high_bits; };
constexpr word64 equal_to(word64 w, unsigned char byte) noexcept {
    const word64 x = w ^ repeat(byte);
    return (x - repeat(1)) & ~x & high_bits;
}
/// A byte below `limit`, which is 0x80 at most.
constexpr word64 below(word64 w, unsigned char limit) noexcept {
    return (w - repeat(limit)) & ~w & high_bits;
}

/// Where the first byte is that `test` finds, or the text's size. `test` does not find a blank.
template <class Test>
std::size_t find_first(std::string_view s, Test test) noexcept {
    const auto found_at = [s, &test](std::size_t i) {
        word64 w;
        std::memcpy(&w, s.data() + i, sizeof w);
        return test(boost::endian::native_to_little(w));
    };
    constexpr std::size_t n = sizeof(word64);
    std::size_t at = 0;
    // Most texts are long where there is nothing to find.
    while (s.size() - at >= 4 * n &&
           (found_at(at) | found_at(at + n) | found_at(at + 2 * n) | found_at(at + 3 * n)) == 0)
        at += 4 * n;
    for (; s.size() - at >= n; at += n)
        if (const word64 found = found_at(at); found != 0)
            return at + static_cast<std::size_t>(std::countr_zero(found)) / 8;
    word64 w = repeat(' ');
    std::memcpy(&w, s.data() + at, s.size() - at);
    const word64 found = test(boost::endian::native_to_little(w));
    return found == 0 ? s.size() : at + static_cast<std::size_t>(std::countr_zero(found)) / 8;
}

} // namespace lokiship::text::detail

#endif
