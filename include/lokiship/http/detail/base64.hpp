#ifndef LOKISHIP_HTTP_DETAIL_BASE64_HPP
#define LOKISHIP_HTTP_DETAIL_BASE64_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace lokiship::http::detail {

/// RFC 4648, with padding.
inline std::string base64(std::string_view in) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < in.size(); i += 3) {
        const auto byte = [&](std::size_t at) {
            return at < in.size() ? static_cast<unsigned>(static_cast<unsigned char>(in[at])) : 0u;
        };
        const unsigned bits = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
        out += digits[bits >> 18];
        out += digits[bits >> 12 & 63];
        out += i + 1 < in.size() ? digits[bits >> 6 & 63] : '=';
        out += i + 2 < in.size() ? digits[bits & 63] : '=';
    }
    return out;
}

} // namespace lokiship::http::detail

#endif
