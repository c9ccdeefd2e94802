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

inline word64 load_word(const char* at) noexcept {
    word64 out;
    std::memcpy(&out, at, sizeof out);
    return boost::endian::native_to_little(out);
}

/// As `==`, which is a call even where the texts are short or their sizes differ.
inline bool same(std::string_view a, std::string_view b) noexcept {
    const std::size_t n = a.size();
    if (n != b.size())
        return false;
    // Two words, which may overlap.
    const auto same_ends = [&]<class Word>(Word) {
        Word w[4];
        std::memcpy(&w[0], a.data(), sizeof(Word));
        std::memcpy(&w[1], a.data() + n - sizeof(Word), sizeof(Word));
        std::memcpy(&w[2], b.data(), sizeof(Word));
        std::memcpy(&w[3], b.data() + n - sizeof(Word), sizeof(Word));
        return ((w[0] ^ w[2]) | (w[1] ^ w[3])) == 0;
    };
    if (n > 2 * sizeof(word64))
        return std::memcmp(a.data(), b.data(), n) == 0;
    if (n >= sizeof(word64))
        return same_ends(word64());
    if (n >= sizeof(std::uint32_t))
        return same_ends(std::uint32_t());
    for (std::size_t i = 0; i != n; ++i)
        if (a[i] != b[i])
            return false;
    return true;
}

/// Where the first byte is that `test` finds, or the text's size.
template <class Test>
std::size_t find_first(std::string_view s, Test test) noexcept {
    constexpr std::size_t n = sizeof(word64);
    const auto place = [](word64 found) { return static_cast<std::size_t>(std::countr_zero(found)) / 8; };
    const char* const begin = s.data();
    if (s.size() < n) {
        // Blanks behind it.
        word64 w = repeat(' ');
        char* const to = reinterpret_cast<char*>(&w);
        if (s.size() >= n / 2) {
            std::memcpy(to + s.size() - n / 2, begin + s.size() - n / 2, n / 2);
            std::memcpy(to, begin, n / 2);
        } else {
            for (std::size_t i = 0; i != s.size(); ++i)
                to[i] = begin[i];
        }
        const word64 found = test(boost::endian::native_to_little(w));
        return found == 0 ? s.size() : place(found);
    }
    std::size_t at = 0;
    // Most texts are long where there is nothing to find.
    while (s.size() - at >= 4 * n &&
           (test(load_word(begin + at)) | test(load_word(begin + at + n)) |
            test(load_word(begin + at + 2 * n)) | test(load_word(begin + at + 3 * n))) == 0)
        at += 4 * n;
    for (; s.size() - at >= n; at += n)
        if (const word64 found = test(load_word(begin + at)); found != 0)
            return at + place(found);
    // The last word overlaps what was looked at.
    const word64 found = test(load_word(begin + s.size() - n));
    return found == 0 ? s.size() : s.size() - n + place(found);
}

} // namespace lokiship::text::detail

#endif
