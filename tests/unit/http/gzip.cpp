#include "gzip_text.hpp"
#include "printing.hpp"

#include <lokiship/http/gzip.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(gzip)

using namespace lokiship;
using namespace std::string_literals;
using http::gunzip;
using http::gzip_decoder;

namespace {

std::string bytes(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i != hex.size(); i += 2)
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return out;
}

struct decoding {
    std::string text;
    result<void> end;
    std::size_t longest = 0;
    bool empty_piece = false;

    std::string failure() const { return end ? "" : end.error().message; }
};

decoding decode(const std::vector<std::string_view>& pieces) {
    decoding out;
    gzip_decoder decoder([&](std::string_view piece) -> result<void> {
        out.empty_piece = out.empty_piece || piece.empty();
        out.longest = std::max(out.longest, piece.size());
        out.text += piece;
        return {};
    });
    for (const auto piece : pieces)
        if (out.end = decoder.write(piece); !out.end)
            break;
    BOOST_TEST(!out.empty_piece);
    const auto end = decoder.finish();
    if (out.end)
        out.end = end;
    else
        BOOST_TEST((end.error().message == out.end.error().message));
    return out;
}

decoding decode_by(std::size_t size, std::string_view text) {
    std::vector<std::string_view> pieces;
    for (std::size_t at = 0; at < text.size(); at += size)
        pieces.push_back(text.substr(at, size));
    return decode(pieces);
}

/// Whole, byte by byte, and cut in two at every byte: all the same. Gives that.
decoding decode_at_every_split(std::string_view text) {
    const decoding whole = decode({text});
    const auto same = [&](const decoding& d) {
        BOOST_TEST((d.end.has_value() == whole.end.has_value()));
        BOOST_TEST(d.failure() == whole.failure());
        if (whole.end)
            BOOST_TEST((d.text == whole.text));
    };
    same(decode_by(1, text));
    for (std::size_t i = 0; i != text.size(); ++i)
        BOOST_TEST_CONTEXT("split at " << i) {
            same(decode({text.substr(0, i), text.substr(i)}));
        }
    return whole;
}

/// Text as logs are: much repeated, some not.
std::string log_text(std::size_t size) {
    std::string out;
    for (std::uint32_t i = 0; out.size() < size; ++i) {
        out += "{\"step\":" + std::to_string(i) + ",\"stdout\":\"";
        const std::uint32_t noise = i * 2654435761u;
        for (std::uint32_t j = 0; j != noise % 97; ++j)
            out += static_cast<char>((noise ^ j * j * 40503u) >> (j % 13) & 0xff);
        out += "\"}\n";
    }
    out.resize(size);
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_other_programs_wrote_is_read) {
    std::string steps;
    for (int i = 0; i != 40; ++i)
        steps += "{\"step\":" + std::to_string(i) + ",\"status\":\"" + (i % 7 == 3 ? "Failed" : "Success") +
                 "\"}\n";
    const struct {
        std::string_view name;
        std::string text;
        std::string_view hex;
    } table[] = {
        {"gzip, empty", "", "1f8b080000000000000303000000000000000000"},
        {"gzip, fixed codes", "hello hello hello\n",
         "1f8b0800000000000003cb48cdc9c957c840905c003b7c8adf12000000"},
        {"zlib, stored", "stored\n", "1f8b0800000000000403010700f8ff73746f7265640ae29c53a507000000"},
        {"zlib, sync and full flush", "a piece, a piece, the last",
         "1f8b08000000000002034a5428c84c4d4ed55100000000ffff4a843100000000ffff2bc94855c8492c2e0100728f32191a"
         "000000"},
        {"gzip, a file with a name, dynamic codes", steps,
         "1f8b080800f15365020373746570732e6e646a736f6e0085d3310e82501444d1de65bcda823783822cc00db8"
         "0282bf30b130f95011f7ae850585b9742437bf9893c71a752eaf189ae3f7639c971a43dc96692ab5c6fbb0fe"
         "6a6215566fea757c3ccb7d135b7c7ac27ac6da61edb15e18a3a145c956c95869ceec950c962c961dee62b264"
         "33f17d69e7c0184d8ca6967689cdc466e23313a389d1cc684edae59dbf92cdcc87664633a399d1dce3aeff66"
         "1fe95c76e4c8040000"},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.name) {
            const std::string text = bytes(t.hex);
            const auto d = decode_at_every_split(text);
            BOOST_TEST(d.failure() == "");
            BOOST_TEST(d.text == t.text);
            const auto whole = gunzip(text, t.text.size());
            BOOST_TEST_REQUIRE(whole.has_value());
            BOOST_TEST(*whole == t.text);
        }
}

BOOST_AUTO_TEST_CASE(a_header_may_have_every_part) {
    const std::string text = log_text(300);
    for (unsigned which = 0; which != 16; ++which)
        BOOST_TEST_CONTEXT("parts " << which) {
            gzip_settings s;
            if (which & 1)
                s.extra = "\x01\0\x02\0ab"s;
            if (which & 2)
                s.name = "steps.ndjson";
            if (which & 4)
                s.comment = "made up";
            s.header_crc = (which & 8) != 0;
            const auto d = decode_at_every_split(gzip_text(text, s));
            BOOST_TEST(d.failure() == "");
            BOOST_TEST((d.text == text));
        }
    // Parts that are there and empty.
    const auto empty = decode_at_every_split(gzip_text(text, {6, "", "", "", true}));
    BOOST_TEST(empty.failure() == "");
    BOOST_TEST((empty.text == text));
}

BOOST_AUTO_TEST_CASE(members_make_one_text) {
    const auto d =
        decode_at_every_split(gzip_text("one ") + gzip_text("") +
                              gzip_text("two ", {0, {}, "name", {}, true}) + gzip_text("two three"));
    BOOST_TEST(d.failure() == "");
    BOOST_TEST(d.text == "one two two three");
}

BOOST_AUTO_TEST_CASE(a_big_text_comes_out_the_same_at_any_piece_size) {
    const std::string text = log_text(150'000) + std::string(100'000, 'x') + log_text(50'000);
    for (int level : {0, 1, 6, 9}) {
        const std::string packed = gzip_text(text, {level, {}, {}, {}, false});
        for (std::size_t size :
             {std::size_t(1), std::size_t(5), std::size_t(7), std::size_t(4096), packed.size()})
            BOOST_TEST_CONTEXT("level " << level << ", pieces of " << size) {
                const auto d = decode_by(size, packed);
                BOOST_TEST(d.failure() == "");
                BOOST_TEST((d.text == text));
                BOOST_TEST(d.longest <= 32u * 1024);
            }
    }
}

BOOST_AUTO_TEST_CASE(what_is_no_gzip_is_an_error) {
    const std::string good = gzip_text("some text, some more text");
    const auto with = [&](std::size_t at, char c) {
        std::string out = good;
        out[at < good.size() ? at : good.size() - (~at + 1)] = c;
        return out;
    };
    const std::string header = good.substr(0, 10);
    std::string bad_header_crc = gzip_text("x", {6, {}, "name", {}, true});
    bad_header_crc[12] = 'M';
    const struct {
        std::string_view name;
        std::string input;
        std::string message;
    } table[] = {
        {"nothing", "", "ends too early, after 0 bytes"},
        {"text", "{\"logs\":[]}", "no gzip header at byte 0"},
        {"second byte", "\x1f{}", "no gzip header at byte 1"},
        {"zlib", bytes("789c4b04000062"), "no gzip header at byte 0"},
        {"method", with(2, 7), "unknown compression method at byte 2"},
        {"flags", with(3, 0x20), "unknown flags at byte 3"},
        {"header checksum", bad_header_crc, "the header's checksum does not match"},
        {"block type", header + "\x07", "damaged data: invalid block type"},
        {"stored length", header + "\x01\x01\x01\x01\x01"s, "damaged data: invalid stored block length"},
        {"too many symbols", header + "\xfd\xff\xff"s, "damaged data: too many symbols"},
        {"distance", header + bytes("030200"), "damaged data: invalid distance"},
        {"checksum", with(good.size() - 8, '\0'), "the checksum does not match"},
        {"length", with(good.size() - 4, '\0'), "the length does not match"},
        {"trailing zero", good + '\0', "something follows the end at byte " + std::to_string(good.size())},
        {"trailing text", good + "\x1f\x8c",
         "something follows the end at byte " + std::to_string(good.size() + 1)},
        {"half a second member", good + header,
         "ends too early, after " + std::to_string(good.size() + 10) + " bytes"},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.name) {
            const auto d = decode_at_every_split(t.input);
            BOOST_TEST(d.failure() == "gzip: " + t.message);
            BOOST_TEST((!d.end && d.end.error().code == errc::corrupt_content_encoding));
            BOOST_TEST((gunzip(t.input, 0).has_error()));
        }
}

BOOST_AUTO_TEST_CASE(a_text_that_is_cut_off_is_an_error) {
    const std::string whole = gzip_text(log_text(500), {6, "ab", "name", "comment", true});
    for (std::size_t size = 0; size != whole.size(); ++size)
        BOOST_TEST_CONTEXT("after " << size) {
            const auto d = decode({std::string_view(whole).substr(0, size)});
            BOOST_TEST(d.failure() == "gzip: ends too early, after " + std::to_string(size) + " bytes");
            BOOST_TEST(decode_by(1, std::string_view(whole).substr(0, size)).failure() == d.failure());
        }
}

BOOST_AUTO_TEST_CASE(no_flipped_bit_goes_unseen) {
    const std::string text = log_text(250);
    for (int level : {0, 1, 9}) {
        const std::string whole = gzip_text(text, {level, "ab", "name", "comment", true});
        for (std::size_t bit = 0; bit != whole.size() * 8; ++bit)
            BOOST_TEST_CONTEXT("level " << level << ", bit " << bit) {
                std::string damaged = whole;
                damaged[bit / 8] =
                    static_cast<char>(static_cast<unsigned char>(damaged[bit / 8]) ^ 1u << bit % 8);
                const auto d = decode({damaged});
                // Where the bit only pads, the text is whole.
                BOOST_TEST((!d.end || d.text == text));
                for (std::size_t size : {1u, 3u})
                    BOOST_TEST(decode_by(size, damaged).failure() == d.failure());
            }
    }
}

BOOST_AUTO_TEST_CASE(the_handler_can_end_decoding) {
    const std::string text = gzip_text(log_text(100'000));
    int calls = 0;
    gzip_decoder decoder([&](std::string_view) -> result<void> {
        if (++calls == 2)
            return error(errc::page_syntax, "enough");
        return {};
    });
    for (int i = 0; i != 2; ++i) {
        const auto r = decoder.write(text);
        BOOST_TEST((!r && r.error().code == errc::page_syntax && r.error().message == "enough"));
    }
    BOOST_TEST(decoder.finish().error().message == "enough");
    BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(a_bomb_stops_at_the_limit) {
    std::string bomb;
    const std::string zeros = gzip_text(std::string(2'000'000, '\0'), {9, {}, {}, {}, false});
    for (int i = 0; i != 500; ++i)
        bomb += zeros;
    BOOST_TEST(bomb.size() < 1'100'000u);
    const auto r = gunzip(bomb, 1'000'000);
    BOOST_TEST_REQUIRE(r.has_error());
    BOOST_TEST((r.error().code == errc::response_too_large));
    BOOST_TEST(r.error().message == "gzip: holds more than 1000000 bytes");
    BOOST_TEST(gunzip(zeros, 2'000'000).value().size() == 2'000'000u);
    BOOST_TEST(gunzip(zeros, 1'999'999).has_error());
    BOOST_TEST(gunzip(zeros, 0).value().size() == 2'000'000u);
}

BOOST_AUTO_TEST_SUITE_END()
