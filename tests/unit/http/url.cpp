#include "printing.hpp"

#include <lokiship/http/url.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

BOOST_AUTO_TEST_SUITE(url)

namespace http = lokiship::http;

BOOST_AUTO_TEST_CASE(reads_the_parts) {
    const struct {
        std::string_view text, scheme, host, path, userinfo, display, host_header;
        unsigned port;
    } table[] = {
        {"http://localhost:3100", "http", "localhost", "", "", "http://localhost:3100", "localhost:3100",
         3100},
        {"http://loki_tst:3100", "http", "loki_tst", "", "", "http://loki_tst:3100", "loki_tst:3100", 3100},
        {"http://loki_tst:3100/", "http", "loki_tst", "", "", "http://loki_tst:3100", "loki_tst:3100", 3100},
        {"HTTPS://logs.example/a/b/", "https", "logs.example", "/a/b", "", "https://logs.example/a/b",
         "logs.example", 443},
        {"http://[::1]:8000/x", "http", "::1", "/x", "", "http://[::1]:8000/x", "[::1]:8000", 8000},
        {"http://127.0.0.1", "http", "127.0.0.1", "", "", "http://127.0.0.1", "127.0.0.1", 80},
        {"http://al%40ice:p%3Aw@h:1", "http", "h", "", "al@ice:p:w", "http://al@ice:****@h:1", "h:1", 1},
        {"http://h:80", "http", "h", "", "", "http://h", "h", 80},
        {"http://h:65535", "http", "h", "", "", "http://h:65535", "h:65535", 65535},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.text) {
            const auto u = http::parse_url(t.text);
            BOOST_TEST_REQUIRE(u.has_value(), u.error().message);
            BOOST_TEST(u->scheme == t.scheme);
            BOOST_TEST(u->host == t.host);
            BOOST_TEST(u->port == t.port);
            BOOST_TEST(u->path == t.path);
            BOOST_TEST(u->userinfo == t.userinfo);
            BOOST_TEST(u->display() == t.display);
            BOOST_TEST(u->host_header() == t.host_header);
        }
}

BOOST_AUTO_TEST_CASE(names_what_is_wrong) {
    const struct {
        std::string_view text, part;
    } table[] = {
        {"", "is empty"},
        {"localhost:3100", "has no scheme"},
        {"loki", "has no scheme"},
        {"http:?", "has no scheme"},
        {"pt:[://", "has no scheme"},
        {"http:/h", "has no scheme"},
        {"ftp://h", "has the scheme 'ftp'"},
        {"http://", "has no host"},
        {"http://:3100", "has no host"},
        {"http://h:0", "port outside 1 to 65535"},
        {"http://h:65536", "port outside 1 to 65535"},
        {"http://h:99999", "port outside 1 to 65535"},
        {"http://h:99999999", "port outside 1 to 65535"},
        {"http://h:12x", "is not a URL"},
        {"http://h h", "is not a URL"},
        {"http://h?x=1", "has a query or a fragment"},
        {"http://h#x", "has a query or a fragment"},
        {"http://h%20h", "control character"},
        {"http://h%2fh", "neither a name nor an address"},
        {"http://h%3A1", "neither a name nor an address"},
        {"http://h%40h", "neither a name nor an address"},
        {"http://h%25h", "neither a name nor an address"},
        {"http://[v1.a:b]", "neither a name nor an address"},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.text) {
            const auto u = http::parse_url(t.text);
            BOOST_TEST_REQUIRE(u.has_error());
            BOOST_TEST(u.error().code == lokiship::errc::invalid_url);
            BOOST_TEST(u.error().message.find(t.part) != std::string::npos, u.error().message);
            BOOST_TEST(u.error().message.find("'" + std::string(t.text) + "'") == 0u, u.error().message);
        }
}

BOOST_AUTO_TEST_CASE(a_password_is_in_no_message) {
    for (std::string_view text :
         {"ftp://u:geheim@h", "http://u:geheim@h:x", "http://u:geheim@", "u:geheim@h"}) {
        const auto u = http::parse_url(text);
        BOOST_TEST_REQUIRE(u.has_error());
        BOOST_TEST(u.error().message.find("geheim") == std::string::npos, u.error().message);
    }
}

BOOST_AUTO_TEST_CASE(what_is_shown_is_one_line_of_a_log) {
    const auto u = http::parse_url("http://a%0Ab%1b:p@b%C3%BCro%C2%85");
    BOOST_TEST_REQUIRE(u.has_value());
    BOOST_TEST(u->userinfo == "a\nb\x1b:p");
    BOOST_TEST(u->display() == "http://a\\nb\\x1b:****@büro\\u0085");
}

BOOST_AUTO_TEST_CASE(a_query_value_is_encoded) {
    BOOST_TEST(http::encode_query_value("A-z_0.9~") == "A-z_0.9~");
    BOOST_TEST(http::encode_query_value("a b&c=d/%+ü\n") == "a%20b%26c%3Dd%2F%25%2B%C3%BC%0A");
}

BOOST_AUTO_TEST_SUITE_END()
