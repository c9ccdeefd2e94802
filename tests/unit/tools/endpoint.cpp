#include "common/endpoint.hpp"

#include "temporary_file.hpp"
#include "tools/settings_call.hpp"

#include <boost/test/unit_test.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(endpoints)

using namespace lokiship;
using namespace lokiship::tools;

namespace {

std::vector<setting> both() {
    std::vector<setting> out{url_setting("backend", "BACKEND_URL", "http://localhost:8000", "Backend"),
                             url_setting("loki", "LOKI_URL", "http://localhost:3100", "Loki")};
    for (const char* side : {"backend", "loki"})
        for (auto& s : endpoint_settings(side))
            out.push_back(std::move(s));
    return out;
}

tools::call with(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {},
                 std::map<std::string, std::string> files = {}) {
    return {std::move(arguments), std::move(environment), std::move(files), {}, both};
}

endpoint made(const tools::call& c, const std::string& side = "loki",
              const std::function<void(std::string_view)>& warn = {}) {
    return endpoint_of(
        c.all(), side,
        [&c](const std::string& name) -> std::optional<std::string> {
            const auto at = c.environment.find(name);
            return at == c.environment.end() ? std::nullopt : std::optional(at->second);
        },
        warn);
}

std::string authorization(const tools::call& c, const std::string& side = "loki") {
    const auto source = made(c, side).options.authorization;
    return source ? source().value() : "";
}

/// The message, whenever it shows.
std::string refusal(const tools::call& c) {
    const auto r = c();
    if (const auto* m = std::get_if<exit_message>(&r))
        return m->text;
    try {
        made(c, "loki");
        made(c, "backend");
    } catch (const wrong_use_error& e) {
        return e.what();
    }
    return "";
}

} // namespace

BOOST_AUTO_TEST_CASE(each_side_has_its_own_credentials) {
    const temporary_file password("open sesame\n"), token("t0k");
    const std::string basic = "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==";
    BOOST_TEST(authorization(with({})) == "");
    const auto user = with({"--loki-user", "Aladdin", "--loki-password-file", password.path()});
    BOOST_TEST(authorization(user) == basic);
    BOOST_TEST(authorization(user, "backend") == "");
    BOOST_TEST(authorization(with({"--loki-user", "Aladdin"}, {{"LOKI_PASSWORD", "open sesame"}})) == basic);
    BOOST_TEST(
        authorization(with({"--backend-user", "Aladdin"}, {}, {{".env", "BACKEND_PASSWORD='open sesame'"}}),
                      "backend") == basic);
    BOOST_TEST(authorization(with({"--loki-token-file", token.path()})) == "Bearer t0k");
    const auto of_environment = with({}, {{"BACKEND_TOKEN", "b"}, {"LOKI_TOKEN", "l"}});
    BOOST_TEST(authorization(of_environment) == "Bearer l");
    BOOST_TEST(authorization(of_environment, "backend") == "Bearer b");
    BOOST_TEST(authorization(with({"--config", "c"}, {}, {{"c", "loki-token = 'c'"}})) == "Bearer c");
}

BOOST_AUTO_TEST_CASE(fields_and_tenant_are_sent) {
    const auto c = with({"--tenant", "team-a", "--loki-header", "X-A=1", "--loki-header", "X-B= a=b ",
                         "--backend-header=X-C="});
    const auto loki = made(c).options.fields, backend = made(c, "backend").options.fields;
    BOOST_TEST(loki.size() == 3u);
    BOOST_TEST(loki.get("X-A") == "1");
    BOOST_TEST(loki.get("X-B") == " a=b");
    BOOST_TEST(loki.get("X-Scope-OrgID") == "team-a");
    BOOST_TEST(backend.size() == 1u);
    BOOST_TEST(backend.contains("x-c"));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_sent_is_refused_where_it_stands) {
    const temporary_file broken("geheim\nX: y\n");
    const std::string nowhere = "/nonexistent/x";
    const struct {
        tools::call c;
        std::string message;
    } table[] = {
        {with({"--tenant", "a|b"}), "--tenant: 'a|b' names several tenants, which is for queries only"},
        {with({"--tenant", "a b"}),
         "--tenant: 'a b' is no tenant that Loki takes: at most 150 letters, digits and "
         "!-_.*'(), and neither . nor .."},
        {with({"--loki-user", "a:b"}), "--loki-user: 'a:b' has a colon, which parts user and password"},
        {with({"--loki-user", "a\nb"}), "--loki-user: 'a\\nb' has a control character, such as a line break"},
        {with({"--loki-header", "geheim"}), "--loki-header: '****' is not NAME=VALUE"},
        {with({"--loki-header", "X=a\r\nY: geheim"}),
         "--loki-header: 'X=****' has a control character, such as a line break"},
        {with({"--loki-header", "X:=geheim"}), "--loki-header: 'X:=****' has a name that HTTP does not take"},
        {with({"--loki-header", "A=geheim,B=geheim,geheim"}),
         "--loki-header: 'A=****,B=****,****' has the element '****', which is not NAME=VALUE"},
        {with({"--loki-header", "authorization=geheim"}),
         "--loki-header: 'authorization=****' is what --loki-user and --loki-token-file are for"},
        {with({"--loki-header", "X-Scope-OrgId=a"}),
         "--loki-header: 'X-Scope-OrgId=****' is what --tenant is for"},
        {with({"--backend-header", "Host=a"}),
         "--backend-header: 'Host=****' is a field that is sent as the request needs it"},
        {with({}, {{"LOKI_TOKEN", "geheim\n"}}),
         "LOKI_TOKEN (environment): '****' has a control character, such as a line break"},
        {with({"--loki-token-file", broken.path()}),
         "--loki-token-file: '" + broken.path() +
             "' has a control character, such as a line break, at byte 6"},
        {with({"--backend-token-file", nowhere}),
         "--backend-token-file: '/nonexistent/x' cannot be read: No such file or directory"},
        {with({"--loki-user", "a", "--loki-password-file", nowhere}),
         "--loki-password-file: '/nonexistent/x' cannot be read: No such file or directory"},
        {with({"--loki-user", "a"}),
         "--loki-user: needs --loki-password-file, or the password in LOKI_PASSWORD"},
        {with({}, {{"LOKI_PASSWORD", "geheim"}}), "LOKI_PASSWORD (environment): needs --loki-user"},
        {with({"--loki-password-file", nowhere}, {{"LOKI_PASSWORD", "geheim"}}),
         "LOKI_PASSWORD (environment) and --loki-password-file cannot be used together"},
        {with({"--loki-user", "a"}, {{"LOKI_TOKEN", "geheim"}}),
         "LOKI_TOKEN (environment) and --loki-user cannot be used together"},
        {with({}, {{"LOKI_TOKEN", "geheim"}, {"LOKI_URL", "http://u:geheim@h"}}),
         "LOKI_TOKEN (environment) and the user in LOKI_URL (environment) cannot be used together"},
        {with({"--loki-ca", "x"}), "--loki-ca: is for https, and default is http://localhost:3100"},
        {with({"--backend", "http://h", "--backend-insecure-skip-verify"}),
         "--backend-insecure-skip-verify: is for https, and --backend is http://h"},
        {with({"--loki", "https://h", "--loki-key", "x"}), "--loki-key: needs --loki-cert"},
        {with({"--loki", "https://h", "--loki-ca", "x", "--loki-insecure-skip-verify"}),
         "--loki-insecure-skip-verify and --loki-ca cannot be used together"},
    };
    for (const auto& t : table)
        BOOST_TEST(refusal(t.c) == t.message);
    BOOST_TEST(refusal(with({})) == "");
}

BOOST_AUTO_TEST_CASE(each_side_has_its_own_certificates) {
    const auto c = with({"--loki", "https://h", "--loki-ca", "a", "--loki-cert", "b", "--loki-key", "c",
                         "--backend", "https://h", "--backend-insecure-skip-verify"});
    const auto loki = made(c).tls;
    BOOST_TEST(loki.ca_file == "a");
    BOOST_TEST(loki.certificate_file == "b");
    BOOST_TEST(loki.key_file == "c");
    BOOST_TEST(!loki.insecure_skip_verify);
    std::string warning;
    const auto backend = made(c, "backend", [&](std::string_view text) { warning += text; }).tls;
    BOOST_TEST(backend.ca_file == "");
    BOOST_TEST(backend.insecure_skip_verify);
    BOOST_TEST(warning ==
               "--backend-insecure-skip-verify: the certificate of https://h is not checked: whoever is on "
               "the way can read and change all, and gets the credentials");
}

BOOST_AUTO_TEST_CASE(the_environment_names_proxies) {
    const auto c =
        with({"--loki", "https://h"}, {{"HTTPS_PROXY", "http://u:p@proxy:3128"}, {"NO_PROXY", "x"}});
    BOOST_TEST(made(c).options.proxy.value().display() == "http://u:****@proxy:3128");
    BOOST_TEST(!made(c, "backend").options.proxy.has_value());
    BOOST_TEST(refusal(with({"--loki", "https://h"}, {{"HTTPS_PROXY", "socks5://geheim@p:1"}}))
                   .starts_with("HTTPS_PROXY: URL: has the scheme 'socks5'"));
}

BOOST_AUTO_TEST_CASE(what_is_risky_is_told) {
    const auto told = [](const tools::call& c) {
        std::string out;
        made(c, "loki", [&](std::string_view text) { out += text; });
        return out;
    };
    const std::string readable =
        " what is sent to http://h, credentials too, can be read by whoever is on the way; use https";
    BOOST_TEST(told(with({"--loki", "http://h"})) == "");
    BOOST_TEST(told(with({"--loki", "http://h"}, {{"LOKI_TOKEN", "t"}})) == "--loki:" + readable);
    BOOST_TEST(told(with({"--loki", "http://h", "--loki-header", "X-Key=a"})) == "--loki:" + readable);
    BOOST_TEST(told(with({}, {{"LOKI_TOKEN", "t"}})) == "");
    BOOST_TEST(told(with({"--loki", "https://h"}, {{"LOKI_TOKEN", "t"}})) == "");
    BOOST_TEST(told(with({"--loki", "http://h"}, {{"HTTP_PROXY", "http://p"}})) ==
               "HTTP_PROXY (environment) is not read for http://h, as curl does not; set http_proxy");
    BOOST_TEST(told(with({"--loki", "http://h"}, {{"HTTP_PROXY", "p"}, {"http_proxy", "p"}})) == "");
}

BOOST_AUTO_TEST_CASE(a_secret_is_no_option) {
    for (const char* side : {"loki", "backend"})
        for (const char* what : {"-password", "-token"})
            for (const char* form : {"=geheim", ""}) {
                const std::string name = std::string("--") + side + what;
                const auto m = with({name + form, "geheim"}).message();
                BOOST_TEST(m.code == 2);
                BOOST_TEST(m.text.starts_with(name + ": there is no such option"), m.text);
                BOOST_TEST(m.text.find("geheim") == m.text.npos, m.text);
            }
}

BOOST_AUTO_TEST_CASE(a_secret_is_not_printed) {
    const auto printed = with({"--print-config", "--loki-user", "me", "--tenant", "t"},
                              {{"LOKI_PASSWORD", "geheim"},
                               {"BACKEND_TOKEN", "geheim"},
                               {"LOKISHIP_LOKI_HEADER", "X-Key=geheim,X-Other=geheim"}})
                             .message();
    BOOST_TEST(printed.code == 0);
    BOOST_TEST(printed.text.find("geheim") == printed.text.npos, printed.text);
    for (const char* line :
         {"\n# loki-password = '****' # LOKI_PASSWORD (environment)\n",
          "\n# backend-token = '****' # BACKEND_TOKEN (environment)\n", "\nloki-token = '' # default\n",
          "\n# loki-header = ['X-Key=****', 'X-Other=****'] # LOKISHIP_LOKI_HEADER (environment)\n",
          "\nloki-user = 'me' # --loki-user\n", "\ntenant = 't' # --tenant\n"})
        BOOST_TEST(printed.text.find(line) != printed.text.npos, line << printed.text);
    // What is left can be read again.
    BOOST_TEST(
        with({"--config", "c"}, {{"LOKI_PASSWORD", "geheim"}}, {{"c", printed.text}}).get("tenant").text ==
        "t");
    const auto help = with({"--help"}).message().text;
    BOOST_TEST(help.find("LOKI_PASSWORD") != help.npos);
    BOOST_TEST(help.find("--loki-password ") == help.npos);
}

BOOST_AUTO_TEST_SUITE_END()
