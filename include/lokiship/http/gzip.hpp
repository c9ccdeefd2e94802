#ifndef LOKISHIP_HTTP_GZIP_HPP
#define LOKISHIP_HTTP_GZIP_HPP

#include <lokiship/error.hpp>

#include <boost/beast/zlib/error.hpp>
#include <boost/beast/zlib/inflate_stream.hpp>
#include <boost/beast/zlib/zlib.hpp>
#include <boost/crc.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship::http {

/// Decodes gzip (RFC 1952), such as a body with `Content-Encoding: gzip`, piece by piece. Made of Boost
/// alone; holds about 80 KiB, whatever it decodes.
///
/// What comes out, and which error, does not depend on how the input is cut into pieces. Checksums and
/// lengths are checked; since they stand at the end, what was handed on is sure only when `finish` has
/// succeeded. Several members, one after the other, are decoded as one text. After an error the decoder takes
/// nothing more and repeats that error. One decoder decodes one text. Not thread-safe.
class gzip_decoder {
public:
    /// Takes what was decoded, in order, from within `write`: one byte to 32 KiB at a time, valid during the
    /// call. An error ends decoding and becomes its result. Where it throws, `write` throws on, and the
    /// decoder may only be destroyed.
    using piece_handler = std::function<result<void>(std::string_view)>;

    explicit gzip_decoder(piece_handler on_piece)
        : on_piece_(std::move(on_piece))
        , decoded_(32 * 1024) {}
    // Beast's decoder points into itself.
    gzip_decoder(const gzip_decoder&) = delete;
    gzip_decoder& operator=(const gzip_decoder&) = delete;

    /// Takes the next piece of the input. All that it decodes to is handed on before it returns.
    ///
    /// Errors: `errc::corrupt_content_encoding`, and the message says why: no gzip, a damaged text, a
    /// checksum or length that does not match, something behind the end; or the handler's own error. What was
    /// handed on before is then a beginning of the text; how much of it depends on the pieces.
    result<void> write(std::string_view piece) {
        if (failure_)
            return *failure_;
        while (!piece.empty()) {
            const std::size_t before = piece.size();
            result<void> r;
            if (part_ == part::data) {
                r = inflate(piece);
            } else {
                r = take(static_cast<unsigned char>(piece.front()));
                piece.remove_prefix(1);
            }
            if (!r) {
                failure_ = r.error();
                return r;
            }
            taken_ += before - piece.size();
        }
        return {};
    }

    /// Ends the input. Errors: `errc::corrupt_content_encoding` where it is cut off, and those of `write`.
    result<void> finish() {
        const bool complete = part_ == part::header && have_ == 0 && taken_ != 0;
        if (!failure_ && !complete)
            failure_ = corrupt("ends too early, after " + std::to_string(taken_) + " bytes");
        return failure_ ? result<void>(*failure_) : result<void>();
    }

private:
    /// What the next byte belongs to.
    enum class part {
        header,
        extra_size,
        extra,
        name,
        comment,
        header_crc,
        data,
        trailer
    };
    enum flag : unsigned {
        has_header_crc = 2,
        has_extra = 4,
        has_name = 8,
        has_comment = 16,
        reserved = 0xe0
    };

    static error corrupt(const std::string& why) { return {errc::corrupt_content_encoding, "gzip: " + why}; }
    error corrupt_here(const std::string& why) const {
        return corrupt(why + " at byte " + std::to_string(taken_));
    }

    /// One byte of a header or trailer.
    result<void> take(unsigned char byte) {
        const part now = part_;
        if (now != part::header_crc && now != part::trailer)
            header_crc_.process_byte(byte);
        switch (now) {
        case part::header:
            return take_header(byte);
        case part::extra:
            if (--extra_left_ == 0)
                next_part();
            return {};
        case part::name:
        case part::comment:
            if (byte == 0)
                next_part();
            return {};
        default:
            // Little-endian numbers.
            number_ |= std::uint64_t(byte) << (8 * have_++);
            return have_ == (now == part::trailer ? 8u : 2u) ? take_number() : result<void>();
        }
    }

    result<void> take_header(unsigned char byte) {
        switch (have_++) {
        case 0:
        case 1:
            if (byte != (have_ == 1 ? 0x1f : 0x8b))
                return corrupt_here(later_member_ ? "something follows the end" : "no gzip header");
            return {};
        case 2:
            return byte == 8 ? result<void>() : corrupt_here("unknown compression method");
        case 3:
            flags_ = byte;
            return (flags_ & reserved) == 0 ? result<void>() : corrupt_here("unknown flags");
        case 9:
            next_part();
            return {};
        default:
            // Time, level and operating system are of no interest.
            return {};
        }
    }

    result<void> take_number() {
        const std::uint64_t n = std::exchange(number_, 0);
        switch (part_) {
        case part::extra_size:
            extra_left_ = n;
            if (n == 0)
                next_part();
            else
                part_ = part::extra;
            return {};
        case part::header_crc:
            if (n != (header_crc_.checksum() & 0xffff))
                return corrupt("the header's checksum does not match");
            next_part();
            return {};
        default:
            if ((n & 0xffffffff) != crc_.checksum())
                return corrupt("the checksum does not match");
            if (n >> 32 != (size_ & 0xffffffff))
                return corrupt("the length does not match");
            start_member();
            return {};
        }
    }

    /// The first part that the header's flags announce, or the data.
    void next_part() {
        static constexpr std::pair<flag, part> order[] = {{has_extra, part::extra_size},
                                                          {has_name, part::name},
                                                          {has_comment, part::comment},
                                                          {has_header_crc, part::header_crc}};
        have_ = 0;
        part_ = part::data;
        for (const auto& [announced, p] : order)
            if ((flags_ & announced) != 0) {
                flags_ &= ~unsigned(announced);
                part_ = p;
                return;
            }
    }

    void start_member() {
        part_ = part::header;
        have_ = 0;
        size_ = 0;
        later_member_ = true;
        header_crc_.reset();
        crc_.reset();
        inflate_.reset();
    }

    /// Decodes until `piece` or the member's data ends, and takes off `piece` what belonged to them.
    result<void> inflate(std::string_view& piece) {
        namespace zlib = boost::beast::zlib;
        zlib::z_params z;
        z.next_in = piece.data();
        z.avail_in = piece.size();
        for (;;) {
            z.next_out = decoded_.data();
            z.avail_out = decoded_.size();
            error_code ec;
            inflate_.write(z, zlib::Flush::none, ec);
            if (ec && ec != zlib::error::need_buffers && ec != zlib::error::end_of_stream)
                return corrupt("damaged data: " + ec.message());
            if (const std::size_t n = decoded_.size() - z.avail_out; n != 0) {
                crc_.process_bytes(decoded_.data(), n);
                size_ += n;
                if (auto r = on_piece_({decoded_.data(), n}); !r)
                    return r;
            }
            if (ec == zlib::error::end_of_stream) {
                // Beast looks for a code in more bits than the code may have, so it can have read the
                // trailer's first byte. That one is of this piece: it reads on only where a piece leaves a
                // code open. The low bits of `data_type` count the bits that it holds.
                const std::size_t read_ahead = (static_cast<unsigned>(z.data_type) & 63) / 8;
                piece.remove_prefix(piece.size() - z.avail_in - read_ahead);
                part_ = part::trailer;
                return {};
            }
            // With room left, it has stopped for want of input.
            if (z.avail_out != 0) {
                piece = {};
                return {};
            }
        }
    }

    piece_handler on_piece_;
    part part_ = part::header;
    /// Bytes of the current part, where that has a fixed size.
    unsigned have_ = 0;
    unsigned flags_ = 0;
    std::uint64_t number_ = 0;
    std::uint64_t extra_left_ = 0;
    std::uint64_t taken_ = 0;
    std::uint64_t size_ = 0;
    bool later_member_ = false;
    boost::crc_32_type header_crc_;
    boost::crc_32_type crc_;
    boost::beast::zlib::inflate_stream inflate_;
    std::vector<char> decoded_;
    std::optional<error> failure_;
};

/// Decodes a whole gzip text of which at most `max_size` bytes may come out; zero: no limit.
///
/// Errors: `errc::corrupt_content_encoding` for what `gzip_decoder` refuses or for a text that is cut off,
/// `errc::response_too_large` as soon as more would come out.
inline result<std::string> gunzip(std::string_view text, std::uint64_t max_size) {
    std::string out;
    gzip_decoder decoder([&](std::string_view piece) -> result<void> {
        if (max_size != 0 && piece.size() > max_size - out.size())
            return error(errc::response_too_large,
                         "gzip: holds more than " + std::to_string(max_size) + " bytes");
        out += piece;
        return {};
    });
    if (auto r = decoder.write(text); !r)
        return r.error();
    if (auto r = decoder.finish(); !r)
        return r.error();
    return out;
}

} // namespace lokiship::http

#endif
