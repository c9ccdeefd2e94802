// What a URL is read as stands again in a URL that is made of it; its password stands nowhere else.
#include "fuzz.hpp"

#include <lokiship/http/url.hpp>
#include <lokiship/text/utf8.hpp>

#include <algorithm>
#include <string>

using namespace lokiship;
using fuzz::require;

namespace {

bool is_printable(std::string_view text) {
    return std::none_of(text.begin(), text.end(),
                        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::string decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i != text.size(); ++i)
        if (text[i] == '%') {
            out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
            i += 2;
        } else {
            out += text[i];
        }
    return out;
}

void check(const http::url& u) {
    require(u.scheme == "http" || u.scheme == "https", "the scheme is HTTP's");
    require(!u.host.empty() && u.port != 0, "there are host and port");
    require(u.path.empty() || (u.path.front() == '/' && u.path.back() != '/'),
            "a path begins with its slash");
    require(is_printable(u.display()), "what is shown has no control character", u.display());
    require(u.host_header().find_first_of("/?#@ ") == std::string::npos, "the Host header is one of a host",
            u.host_header());

    const std::string user = u.userinfo.empty() ? "" : http::encode_query_value(u.userinfo) + '@';
    const std::string host =
        u.host.find(':') != u.host.npos ? '[' + u.host + ']' : http::encode_query_value(u.host);
    const std::string text = u.scheme + "://" + user + host + ':' + std::to_string(u.port) + u.path;
    const auto again = http::parse_url(text);
    require(again.has_value() && *again == u, "what is made of it is read as the same", text);
    const bool is_ascii = std::all_of(u.host.begin(), u.host.end(), [](char c) { return (c & 0x80) == 0; });
    if (u.userinfo.empty() && is_ascii) {
        const auto shown = http::parse_url(u.display());
        require(shown.has_value() && *shown == u, "what is shown is read as the same", u.display());
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::view(data, size);
    if (const auto u = http::parse_url(text)) {
        check(*u);
    } else {
        require(u.error().code == errc::invalid_url, "an error is one of a URL");
        require(is_printable(u.error().message), "a message has no control character", u.error().message);
        if (text.find('@') != text.npos)
            require(u.error().message.find('@') == std::string::npos, "a message has no password");
    }
    const auto encoded = http::encode_query_value(text);
    require(encoded.find_first_of("&=+#? \n") == std::string::npos, "a query value has nothing that ends it");
    require(decoded(encoded) == text, "a query value is decoded to what it was");
    return 0;
}
