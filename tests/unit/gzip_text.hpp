// Makes gzip, for tests only.
#ifndef LOKISHIP_TESTS_UNIT_GZIP_TEXT_HPP
#define LOKISHIP_TESTS_UNIT_GZIP_TEXT_HPP

#include <boost/beast/zlib/deflate_stream.hpp>
#include <boost/beast/zlib/zlib.hpp>
#include <boost/crc.hpp>
#include <boost/throw_exception.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace lokiship {

struct gzip_settings {
    /// 0, stored, to 9.
    int level = 6;
    std::optional<std::string> extra{};
    std::optional<std::string> name{};
    std::optional<std::string> comment{};
    bool header_crc = false;
};

inline std::string little_endian(std::uint64_t n, unsigned bytes) {
    std::string out;
    for (unsigned i = 0; i != bytes; ++i)
        out += static_cast<char>(n >> 8 * i & 0xff);
    return out;
}

inline std::uint32_t crc_32(std::string_view text) {
    boost::crc_32_type crc;
    crc.process_bytes(text.data(), text.size());
    return crc.checksum();
}

/// `text` as one member.
inline std::string gzip_text(std::string_view text, const gzip_settings& s = {}) {
    namespace zlib = boost::beast::zlib;
    const unsigned flags =
        (s.header_crc ? 2u : 0u) | (s.extra ? 4u : 0u) | (s.name ? 8u : 0u) | (s.comment ? 16u : 0u);
    std::string out{'\x1f', '\x8b', '\x08', static_cast<char>(flags), 0, 0, 0, 0, 0, 3};
    if (s.extra)
        out += little_endian(s.extra->size(), 2) + *s.extra;
    if (s.name)
        out += *s.name + '\0';
    if (s.comment)
        out += *s.comment + '\0';
    if (s.header_crc)
        out += little_endian(crc_32(out) & 0xffff, 2);

    zlib::deflate_stream deflate;
    deflate.reset(s.level, 15, 8, zlib::Strategy::normal);
    std::string data(deflate.upper_bound(text.size()) + 64, '\0');
    zlib::z_params z;
    z.next_in = text.data();
    z.avail_in = text.size();
    z.next_out = data.data();
    z.avail_out = data.size();
    boost::system::error_code ec;
    deflate.write(z, zlib::Flush::finish, ec);
    if (ec != zlib::error::end_of_stream)
        BOOST_THROW_EXCEPTION(std::logic_error("deflate: " + ec.message()));
    out.append(data, 0, data.size() - z.avail_out);
    return out + little_endian(crc_32(text), 4) + little_endian(text.size(), 4);
}

} // namespace lokiship

#endif
