// What the fuzz targets share. A target is a file with `LLVMFuzzerTestOneInput`.
#ifndef LOKISHIP_TESTS_FUZZ_FUZZ_HPP
#define LOKISHIP_TESTS_FUZZ_FUZZ_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace lokiship::fuzz {

/// Aborts, saying which property does not hold, unless it does.
inline void require(bool holds, std::string_view property, std::string_view seen = {}) {
    if (holds)
        return;
    std::fprintf(stderr, "does not hold: %.*s%s%.*s\n", static_cast<int>(property.size()), property.data(),
                 seen.empty() ? "" : ": ", static_cast<int>(seen.size()), seen.data());
    std::abort();
}

inline std::string_view view(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

/// Takes the first line off, without its end.
inline std::string_view take_line(std::string_view& text) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return line;
}

/// Cuts a text into pieces, the same each time: of one byte, or of a few whose number follows from the text.
class cutter {
public:
    enum class way {
        whole,
        bytes,
        pieces
    };

    cutter(std::string_view text, way w)
        : left_(text)
        , way_(w) {
        for (const char c : text)
            state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    }
    bool done() const noexcept { return left_.empty(); }
    std::string_view next() {
        state_ = state_ * 6364136223846793005 + 1442695040888963407;
        const std::size_t n = way_ == way::whole   ? left_.size()
                              : way_ == way::bytes ? 1
                                                   : 1 + (state_ >> 33) % 23;
        const auto out = left_.substr(0, n);
        left_.remove_prefix(out.size());
        return out;
    }

private:
    std::string_view left_;
    way way_;
    std::uint64_t state_ = 0xcbf29ce484222325;
};

} // namespace lokiship::fuzz

#endif
