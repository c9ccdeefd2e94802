#ifndef LOKISHIP_HTTP_URL_HPP
#define LOKISHIP_HTTP_URL_HPP

#include <lokiship/error.hpp>
#include <lokiship/text/escape.hpp>

#include <boost/url/host_type.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

namespace lokiship::http {

/// The parts of an `http` or `https` URL that a client needs.
struct url {
    /// `http` or `https`.
    std::string scheme = "http";
    /// A name or an IPv4 address, or an IPv6 address without its brackets.
    std::string host = "localhost";
    /// 80 or 443 where the URL names none.
    std::uint16_t port = 80;
    /// The path without a trailing slash, percent-encoded as given; empty for the root. Precedes every
    /// target.
    std::string path{};
    /// `user:password`, decoded, or empty. Sent as HTTP basic authentication; never part of a text that
    /// `display` makes.
    std::string userinfo{};

    bool tls() const noexcept { return scheme == "https"; }
    /// Host and port as they stand in a `Host` header: IPv6 in brackets, a default port left out.
    std::string host_header() const {
        std::string out = host.find(':') != std::string::npos ? '[' + host + ']' : host;
        if (port != (tls() ? 443 : 80))
            out += ':' + std::to_string(port);
        return out;
    }
    /// The URL for people: without the password, and fit for a log.
    std::string display() const {
        const std::string user = userinfo.empty() ? "" : userinfo.substr(0, userinfo.find(':')) + ":****@";
        return scheme + "://" + text::escape_for_log(user + host_header() + path, std::string::npos);
    }

    friend bool operator==(const url&, const url&) = default;
};

/// Parses an absolute URL such as `http://loki_tst:3100` or `https://user:secret@logs.example/prefix`.
///
/// Errors: `errc::invalid_url`, with a message that says what is wrong; it quotes the text only where that
/// holds no password. A query or a fragment is an error, since a base URL has none.
inline result<url> parse_url(std::string_view text) {
    const auto fail = [&](std::string why) {
        const bool secret = text.find('@') != std::string_view::npos;
        return error(errc::invalid_url,
                     (secret ? std::string("URL") : '\'' + text::escape_for_log(text) + '\'') + ": " +
                         std::move(why) + "; expected http://HOST[:PORT][/PATH] or https://…");
    };
    if (text.empty())
        return fail("is empty");
    // Boost.URL knows the grammar; what a person most often gets wrong deserves words of its own. And 1.81
    // runs into an assertion where nothing stands between the scheme and a character that no path has.
    if (const auto colon = std::min(text.find(':'), text.size()); !text.substr(colon).starts_with("://"))
        return fail("has no scheme");
    const auto parsed = boost::urls::parse_uri(text);
    if (!parsed)
        return fail("is not a URL (" + parsed.error().message() + ')');
    const boost::urls::url_view& u = *parsed;
    url out;
    out.scheme = u.scheme();
    for (char& c : out.scheme)
        c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (out.scheme != "http" && out.scheme != "https")
        return fail("has the scheme '" + out.scheme + '\'');
    if (!u.has_authority() || u.encoded_host().empty())
        return fail("has no host");
    // host_address() is decoded and has no brackets.
    out.host = u.host_address();
    for (const char c : out.host)
        if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f)
            return fail("has a host with a space or control character");
    // Percent-encoded, these pass the grammar; in a Host header they would be read as something else.
    if (u.host_type() == boost::urls::host_type::ipvfuture ||
        (u.host_type() == boost::urls::host_type::name &&
         out.host.find_first_of("\"#%/:<>?@[\\]^`{|}") != std::string::npos))
        return fail("has a host that is neither a name nor an address");
    if (u.has_port()) {
        // Boost.URL 1.81 lets `port_number()` overflow.
        const std::string digits(u.port());
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
        if (ec != std::errc() || out.port == 0)
            return fail("has a port outside 1 to 65535");
    } else {
        out.port = out.tls() ? 443 : 80;
    }
    // Boost.URL 1.81 takes `http://h:12x` for port 12 and path `x`.
    if (!u.encoded_path().empty() && u.encoded_path().front() != '/')
        return fail("is not a URL (bad port)");
    if (u.has_query() || u.has_fragment())
        return fail("has a query or a fragment");
    out.path = u.encoded_path();
    while (!out.path.empty() && out.path.back() == '/')
        out.path.pop_back();
    if (u.has_userinfo())
        out.userinfo = u.userinfo();
    return out;
}

/// Percent-encodes what may not stand raw in the value of a query parameter (RFC 3986).
inline std::string encode_query_value(std::string_view value) {
    static constexpr char hex[] = "0123456789ABCDEF";
    std::string out;
    for (char c : value) {
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
            c == '.' || c == '_' || c == '~') {
            out += c;
        } else {
            out += '%';
            out += hex[static_cast<unsigned char>(c) >> 4];
            out += hex[static_cast<unsigned char>(c) & 15];
        }
    }
    return out;
}

} // namespace lokiship::http

#endif
