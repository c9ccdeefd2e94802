#ifndef LOKISHIP_TEXT_DETAIL_LITERAL_FILTER_HPP
#define LOKISHIP_TEXT_DETAIL_LITERAL_FILTER_HPP

#include <lokiship/text/detail/words.hpp>

#include <boost/assert.hpp>

#include <algorithm>
#include <array>
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
        for (std::size_t i = 0; i != pairs_covered; ++i) {
            unsigned char& group = groups_[pair(l.folded.data() + l.at + i)];
            if (group == 0) {
                BOOST_ASSERT(members_.size() < 0xff);
                members_.emplace_back();
                group = static_cast<unsigned char>(members_.size());
            }
            members_[group - 1u].push_back({literals_.size(), l.at + i});
        }
        literals_.push_back(std::move(l));
    }

    bool may_find(std::string_view text) const noexcept {
        const unsigned char* const group = groups_.data();
        std::size_t i = 0;
        for (; text.size() - i >= sizeof(word64); i += sizeof(word64)) {
            // Four pairs at once, of seven bits each byte.
            word64 w = (load_word(text.data() + i) | repeat(0x20)) & repeat(0x7f);
            w = (w & low_halves * 0x7f) | (w & low_halves * 0x7f00) >> 1;
            if ((group[w & 0xffff] | group[w >> 16 & 0xffff] | group[w >> 32 & 0xffff] | group[w >> 48]) == 0)
                continue;
            for (std::size_t n = 0; n != sizeof(word64); n += pairs_covered)
                if (is_near(text, i + n, group[pair(text.data() + i + n)]))
                    return true;
        }
        for (; i + 1 < text.size(); i += pairs_covered)
            if (is_near(text, i, groups_[pair(text.data() + i)]))
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
        return static_cast<std::size_t>(fold(p[0])) | static_cast<std::size_t>(fold(p[1])) << 7;
    }
    static std::size_t rarity(char folded) noexcept {
        static constexpr std::string_view frequent = "etaionsrhldcumfpgwybvkxjqz";
        return std::min(frequent.find(folded), frequent.size()) + 1;
    }
    /// Whether a literal is there of which the pair at `i`, of this group, is part.
    bool is_near(std::string_view text, std::size_t i, unsigned char group) const noexcept {
        if (group == 0)
            return false;
        return std::any_of(members_[group - 1u].begin(), members_[group - 1u].end(), [&](const member& m) {
            const std::string& folded = literals_[m.literal].folded;
            return i >= m.at && text.size() - (i - m.at) >= folded.size() &&
                   std::equal(folded.begin(), folded.end(), text.data() + (i - m.at),
                              [](char a, char b) { return a == fold(b); });
        });
    }

    static constexpr word64 low_halves = 0x0001'0001'0001'0001;
    /// A literal that has a pair, and where.
    struct member {
        std::size_t literal, at;
    };

    std::vector<literal> literals_;
    /// Which of `members_`, from 1, a pair belongs to; 0: to none.
    std::array<unsigned char, std::size_t{1} << 14> groups_{};
    std::vector<std::vector<member>> members_;
};

} // namespace lokiship::text::detail

#endif
