#ifndef LOKISHIP_HTTP_GZIP_HPP
#define LOKISHIP_HTTP_GZIP_HPP

#include <lokiship/error.hpp>

#include <boost/beast/zlib/inflate_stream.hpp>
#include <boost/crc.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace lokiship::http {

/// What a gzip body (RFC 1952, one member) holds. Fails where it is none, is broken, or holds more than
/// `max_size` bytes.
inline result<std::string> gunzip(std::string_view in, std::size_t max_size) {
    namespace zlib = boost::beast::zlib;
    const auto fail = [](const char* why) {
        return error(boost::system::errc::make_error_code(boost::system::errc::illegal_byte_sequence), why);
    };
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(in[i]); };
    if (in.size() < 18 || byte(0) != 0x1f || byte(1) != 0x8b || byte(2) != 8)
        return fail("not gzip");
    const unsigned flags = byte(3);
    std::size_t at = 10;
    if (flags & 4u)
        at += 2u + byte(10) + 256u * byte(11);
    for (const unsigned text : {8u, 16u})
        if (flags & text) {
            const auto end = in.find('\0', at);
            if (end == in.npos)
                return fail("the gzip header is cut off");
            at = end + 1;
        }
    at += flags & 2u ? 2 : 0;
    if (at + 8 > in.size())
        return fail("the gzip header is cut off");
    zlib::inflate_stream stream;
    zlib::z_params p;
    p.next_in = in.data() + at;
    p.avail_in = in.size() - at;
    std::string out;
    error_code ec;
    while (!ec) {
        char part[16 * 1024];
        p.next_out = part;
        p.avail_out = sizeof part;
        stream.write(p, zlib::Flush::sync, ec);
        out.append(part, sizeof part - p.avail_out);
        if (out.size() > max_size)
            return fail("larger than allowed");
    }
    if (ec != zlib::error::end_of_stream || p.avail_in < 8)
        return fail("the gzip data are broken");
    boost::crc_32_type crc;
    crc.process_bytes(out.data(), out.size());
    const std::size_t tail = in.size() - p.avail_in;
    unsigned long expected = 0;
    for (std::size_t i = 4; i-- != 0;)
        expected = expected << 8 | byte(tail + i);
    if (crc.checksum() != expected)
        return fail("the gzip checksum is wrong");
    return out;
}

} // namespace lokiship::http

#endif
