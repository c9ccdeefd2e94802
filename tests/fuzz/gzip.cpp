// What is decoded, and whether it fails, does not depend on the pieces; what is encoded is decoded.
#include "fuzz.hpp"
#include "gzip_text.hpp"

#include <lokiship/http/gzip.hpp>

#include <string>

using namespace lokiship;
using fuzz::cutter;
using fuzz::require;

namespace {

struct decoding {
    std::string text{};
    std::string failure{};
};

decoding decode(std::string_view text, cutter::way way) {
    decoding out;
    http::gzip_decoder decoder([&](std::string_view piece) -> result<void> {
        require(!piece.empty() && piece.size() <= 32 * 1024, "a piece has up to 32 KiB");
        out.text += piece;
        return {};
    });
    for (cutter pieces(text, way); !pieces.done();)
        if (!decoder.write(pieces.next()))
            break;
    if (const auto end = decoder.finish(); !end) {
        require(end.error().code == errc::corrupt_content_encoding, "an error is one of gzip");
        out.failure = end.error().message;
    }
    return out;
}

void check(std::string_view text) {
    const auto whole = decode(text, cutter::way::whole);
    for (const auto way : {cutter::way::bytes, cutter::way::pieces}) {
        const auto cut = decode(text, way);
        require(cut.failure == whole.failure, "the error does not depend on the pieces",
                whole.failure + " / " + cut.failure);
        require(whole.text.starts_with(cut.text) ||
                    (!whole.failure.empty() && cut.text.starts_with(whole.text)),
                "what comes out does not depend on the pieces");
        require(!whole.failure.empty() || cut.text == whole.text, "all comes out in pieces");
    }
    constexpr std::size_t most = 1000;
    if (const auto small = http::gunzip(text, most))
        require(*small == whole.text && small->size() <= most, "no more comes out than is allowed");
    else
        require(!whole.failure.empty() || whole.text.size() > most, "what is small enough comes out");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::view(data, size);
    check(text);
    // The data alone, since no fuzzer finds a header and a checksum.
    check(std::string("\x1f\x8b\x08\0\0\0\0\0\0\3", 10) += text);
    const auto member =
        gzip_text(text, {.level = size % 10 == 0 ? 0 : 6, .name = "x", .header_crc = size % 2 == 0});
    const auto twice = http::gunzip(member + member, 0);
    require(twice.has_value() && *twice == std::string(text) + std::string(text),
            "what is encoded is decoded");
    return 0;
}
