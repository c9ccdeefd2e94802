#ifndef LOKISHIP_TEXT_DETAIL_LITERAL_FILTER_HPP
#define LOKISHIP_TEXT_DETAIL_LITERAL_FILTER_HPP

#include <boost/assert.hpp>

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::text::detail {

/// Whether a text may hold one of some literals, at half a table look-up a byte: an automaton takes several times as long, and
/// most texts hold none. Letters match in either case; what it does not find is not there, what it finds may be another.
class literal_filter {
public:
    /// Precondition: three bytes at least.
    void add(std::string_view text) {
        BOOST_ASSERT(text.size() >= pairs_covered + 1);
        literal l;
        for (const char c : text)
            l.folded += fold(c);
        // Two neighbouring pairs stand for it, the rarest ones: one of them begins at an even place.
        for (std::size_t at = 0, best = 0; at + pairs_covered < l.folded.size(); ++at) {
            const std::size_t rare =
                rarity(l.folded[at]) + 2 * rarity(l.folded[at + 1]) + rarity(l.folded[at + 2]);
            if (rare > best) {
                best = rare;
                l.at = at;
            }
        }
        for (std::size_t i = 0; i != pairs_covered; ++i)
            pairs_.set(pair(l.folded.data() + l.at + i));
        literals_.push_back(std::move(l));
    }
    bool empty() const noexcept { return literals_.empty(); }

    bool may_find(std::string_view text) const noexcept {
        for (std::size_t i = 0; i + 1 < text.size(); i += pairs_covered)
            if (pairs_.test(pair(text.data() + i)) && is_near(text, i))
                return true;
        return false;
    }

private:
    static constexpr std::size_t pairs_covered = 2;
    struct literal {
        std::string folded;
        std::size_t at = 0;
    };

    static char fold(char c) noexcept {
        return static_cast<char>((static_cast<unsigned char>(c) | 0x20) & 0x7f);
    }
    static std::size_t pair(const char* p) noexcept {
        return static_cast<std::size_t>(fold(p[0])) << 7 | static_cast<std::size_t>(fold(p[1]));
    }
    static std::size_t rarity(char folded) noexcept {
        static constexpr std::string_view frequent = "etaionsrhldcumfpgwybvkxjqz";
        return std::min(frequent.find(folded), frequent.size()) + 1;
    }
    /// Whether a literal is there of which a pair begins at `i`.
    bool is_near(std::string_view text, std::size_t i) const noexcept {
        const auto is_at = [text](const literal& l, std::size_t begin) {
            return text.size() - begin >= l.folded.size() &&
                   std::equal(l.folded.begin(), l.folded.end(),
                              text.begin() + static_cast<std::ptrdiff_t>(begin),
                              [](char a, char b) { return a == fold(b); });
        };
        for (const auto& l : literals_)
            for (std::size_t n = l.at; n != l.at + pairs_covered; ++n)
                if (i >= n && is_at(l, i - n))
                    return true;
        return false;
    }

    std::bitset<std::size_t{1} << 14> pairs_;
    std::vector<literal> literals_;
};

} // namespace lokiship::text::detail

#endif
