#include "http/exchange_fixture.hpp"

#include <lokiship/http/proxy.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(proxy)

using namespace lokiship;

namespace {

using variables = std::map<std::string, std::string>;

/// The proxy as it may be shown, or what is wrong.
std::string proxy_of(const std::string& server, const variables& set) {
    const auto found = http::proxy_for(http::parse_url(server).value(),
                                       [&set](const std::string& name) -> std::optional<std::string> {
                                           const auto at = set.find(name);
                                           return at == set.end() ? std::nullopt : std::optional(at->second);
                                       });
    return !found ? found.error().message : *found ? (*found)->display() : "none";
}

} // namespace

BOOST_AUTO_TEST_CASE(the_variables_are_those_of_curl) {
    const struct {
        std::string server;
        variables set;
        std::string_view proxy;
    } table[] = {
        {"https://h", {}, "none"},
        {"https://h", {{"https_proxy", "http://a:1"}, {"HTTPS_PROXY", "http://b:1"}}, "http://a:1"},
        {"https://h", {{"https_proxy", ""}, {"HTTPS_PROXY", "b:1"}}, "http://b:1"},
        {"https://h", {{"http_proxy", "http://a:1"}}, "none"},
        {"https://h", {{"ALL_PROXY", "http://c"}}, "http://c"},
        {"https://h", {{"ALL_PROXY", "c"}, {"HTTPS_PROXY", "http://b:1/"}}, "http://b:1"},
        {"http://h", {{"http_proxy", "http://u:geheim@a:1"}}, "http://u:****@a:1"},
        // What a request's header sets, by CGI.
        {"http://h", {{"HTTP_PROXY", "http://a:1"}}, "none"},
        {"http://h", {{"https_proxy", "http://a:1"}, {"all_proxy", "http://c:1"}}, "http://c:1"},
        {"http://localhost:1", {{"all_proxy", "http://c:1"}}, "none"},
        {"https://127.1.2.3", {{"all_proxy", "http://c:1"}}, "none"},
        {"https://[::1]", {{"all_proxy", "http://c:1"}}, "none"},
        {"https://h",
         {{"https_proxy", "https://u:geheim@a:1"}},
         "https_proxy: https://u:****@a:1 is a proxy with TLS to itself, which is not supported; use an "
         "http:// one"},
        {"https://h",
         {{"HTTPS_PROXY", "socks5://a:1"}},
         "HTTPS_PROXY: 'socks5://a:1': has the scheme 'socks5'; expected http://HOST[:PORT][/PATH] or "
         "https://…"},
    };
    for (const auto& row : table)
        BOOST_TEST_CONTEXT(row.server)
    BOOST_TEST(proxy_of(row.server, row.set) == row.proxy);
    const std::string secret = proxy_of("https://h", {{"HTTPS_PROXY", "u:geheim@a:x"}});
    BOOST_TEST(secret.starts_with("HTTPS_PROXY: URL: "), secret);
    BOOST_TEST(secret.find("geheim") == secret.npos, secret);
}

BOOST_AUTO_TEST_CASE(what_no_proxy_names_has_none) {
    const struct {
        std::string server, list;
        bool covered;
    } table[] = {
        {"https://loki.example", "*", true},
        {"https://loki.example", "example", true},
        {"https://loki.example", "loki.example", true},
        {"https://LOKI.example", "other, .Example.", true},
        {"https://loki.example.", "a b\tloki.example", true},
        {"https://loki.example", "", false},
        {"https://loki.example", ",,", false},
        {"https://loki.example", ".", false},
        {"https://loki.example", "xample", false},
        {"https://loki.example", "a.loki.example", false},
        {"https://loki.example", "loki.example:443", true},
        {"https://loki.example", "loki.example:80", false},
        {"https://loki.example", "*.example", false},
        {"https://10.1.2.3", "10.1.2.3", true},
        {"https://10.1.2.3:3100", "10.1.2.3:3100", true},
        {"https://10.1.2.3", "2.3", false},
        {"https://10.1.2.3", "10.0.0.0/8", true},
        {"https://10.1.2.3", "10.1.2.0/25", true},
        {"https://10.1.2.3", "10.1.2.128/25", false},
        {"https://10.1.2.3", "10.0.0.0/99", false},
        {"https://10.1.2.3", "fd00::/8", false},
        {"https://loki.example", "10.0.0.0/8", false},
        {"https://[fd00::1]", "fd00::/8", true},
        {"https://[fd00::1]", "FD00:0::1", true},
        {"https://[fd00::1]:3100", "[fd00::1]:3100", true},
        {"https://[fd00::1]", "[fd00::1]:3100", false},
        {"https://[fd00::1]", "fe80::/10", false},
    };
    for (const auto& row : table)
        for (const char* name : {"no_proxy", "NO_PROXY"})
            BOOST_TEST((proxy_of(row.server, {{"HTTPS_PROXY", "http://p:1"}, {name, row.list}}) == "none") ==
                           row.covered,
                       row.server << " and " << row.list);
    BOOST_TEST(proxy_of("https://h", {{"HTTPS_PROXY", "http://p:1"}, {"no_proxy", "x"}, {"NO_PROXY", "h"}}) ==
               "http://p:1");
}

BOOST_AUTO_TEST_CASE(a_proxy_is_told_the_whole_url) {
    fixture f;
    http::transport_options options;
    options.proxy = http::parse_url(f.server.url()).value();
    options.proxy->userinfo = "Aladdin:open sesame";
    http::url server = http::parse_url("http://u:p@loki.test:3100/gate").value();
    http::beast_transport t(f.context.get_executor(), server, options);
    call c;
    c.request.target = "/a?b=c";
    f.run(t, {&c});
    BOOST_TEST(c.status() == 200u);
    BOOST_TEST(f.seen.at(0).target == "http://loki.test:3100/gate/a?b=c");
    BOOST_TEST(f.seen[0].fields.get("Host") == "loki.test:3100");
    BOOST_TEST(f.seen[0].fields.get("Proxy-Authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    BOOST_TEST(f.seen[0].fields.get("Authorization") == "Basic dTpw");
    BOOST_TEST(t.server() == "http://u:****@loki.test:3100/gate");
}

BOOST_AUTO_TEST_CASE(a_proxys_failure_names_it) {
    fixture f;
    std::vector<std::string> warnings;
    http::transport_options options;
    options.warn = [&](std::string_view text) { warnings.emplace_back(text); };
    options.proxy = http::parse_url(f.server.url()).value();
    const auto server = http::parse_url("http://loki.test").value();
    const std::string where = "http://loki.test via proxy " + f.server.url();
    unsigned status = 407;
    f.handle = [&status](const http::request&) { return reply{status, {}, ""}; };
    http::beast_transport t(f.context.get_executor(), server, options);
    call refused, again, well, later, gone;
    f.run(t, {&refused});
    f.run(t, {&again});
    BOOST_TEST(refused.status() == 407u);
    const std::string warning = where + ": HTTP status 407; the proxy wants another user or password, in the "
                                        "proxy's URL";
    BOOST_TEST((warnings == std::vector<std::string>{warning}));
    status = 200;
    f.run(t, {&well});
    status = 407;
    f.run(t, {&later});
    BOOST_TEST((warnings == std::vector<std::string>{warning, warning}));
    f.server.stop();
    t.close_idle_connections();
    f.run(t, {&gone});
    BOOST_TEST(gone.failure().message == where + ": connect: Connection refused");
}

BOOST_AUTO_TEST_SUITE_END()
