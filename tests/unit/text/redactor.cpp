#include <lokiship/text/escape.hpp>
#include <lokiship/text/redactor.hpp>
#include <lokiship/text/utf8.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(redactor_)

namespace text = lokiship::text;
using text::redactor;

namespace {

std::string redacted(std::string text, const redactor& redact = redactor()) {
    const std::string before = text;
    const bool changed = redact(text);
    BOOST_TEST(changed == (text != before), before);
    return text;
}

/// Stands for the marker in `with_marker`.
constexpr std::string_view mark = "@@";

std::string with_marker(std::string text) {
    for (std::size_t at; (at = text.find(mark)) != std::string::npos;)
        text.replace(at, mark.size(), redactor::marker);
    return text;
}

struct row {
    std::string text, expected;
};

const std::string key_lines = "MIIEpAIBAAKCAQEA7bq8\nq0Zr+/aB3dEfGhIjKlMn=\n";
const std::string escaped_lines = "MIIEpAIBAAKCAQEA7bq8\\nq0Zr+/aB3dEfGhIjKlMn=\\n";
const std::string jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N";

// clang-format off
const std::vector<row> secrets{
    // Private keys.
    {"a\n-----BEGIN RSA PRIVATE KEY-----\n" + key_lines + "-----END RSA PRIVATE KEY-----\nb",
     "a\n-----BEGIN RSA PRIVATE KEY-----@@-----END RSA PRIVATE KEY-----\nb"},
    {"-----BEGIN OPENSSH PRIVATE KEY-----\n" + key_lines, "-----BEGIN OPENSSH PRIVATE KEY-----@@"},
    {"-----BEGIN PRIVATE KEY-----\nM", "-----BEGIN PRIVATE KEY-----@@"},
    {"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n" + key_lines + "-----END PGP PRIVATE KEY BLOCK-----",
     "-----BEGIN PGP PRIVATE KEY BLOCK-----@@-----END PGP PRIVATE KEY BLOCK-----"},
    {R"({"private_key": "-----BEGIN PRIVATE KEY-----\n)" + escaped_lines + R"(-----END PRIVATE KEY-----\n", "id": 7})",
     R"({"private_key": "@@", "id": 7})"},
    {R"(key "-----BEGIN EC PRIVATE KEY-----\n)" + escaped_lines + R"(-----END EC PRIVATE KEY-----\n" end)",
     R"(key "-----BEGIN EC PRIVATE KEY-----@@-----END EC PRIVATE KEY-----\n" end)"},
    {"tail:\n" + key_lines + "-----END RSA PRIVATE KEY-----", "tail:\n@@-----END RSA PRIVATE KEY-----"},
    // name=value
    {"password=hunter2", "password=@@"},
    {"export DB_PASSWORD=hunter2; run", "export DB_PASSWORD=@@; run"},
    {"spring.datasource.password = hunter2\nnext = 1", "spring.datasource.password = @@\nnext = 1"},
    {"PGPASSWORD='hun ter2' psql -h db", "PGPASSWORD='@@' psql -h db"},
    {R"(password="hun \"ter2" x)", R"(password="@@" x)"},
    {"password=\"hunter2", "password=\"@@"},
    {"password=&hunter2", "password=@@"},
    {"password=(hunter)2", "password=@@"},
    {"password=-hunter2", "password=@@"},
    {"password=pa$$w\"ord'x", "password=@@"},
    {"Server=db;Uid=me;Pwd=hunter2;", "Server=db;Uid=me;Pwd=@@;"},
    {"pwd=hunter2", "pwd=@@"},
    {"MYSQL_PWD=hunter2 mysql", "MYSQL_PWD=@@ mysql"},
    {"passwd=hunter2 secret=s3 token=t0 api_key=k1 apikey=k2", "passwd=@@ secret=@@ token=@@ api_key=@@ apikey=@@"},
    {"DB_PASS=hunter2", "DB_PASS=@@"},
    {"client_secret=s3cr3t&scope=all HTTP/1.1", "client_secret=@@ HTTP/1.1"},
    {":password => 'hunter2',", ":password => '@@',"},
    {"passphrase := hunter2", "passphrase := @@"},
    {"aws_secret_access_key = /wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "aws_secret_access_key = @@"},
    {"AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI", "AWS_SECRET_ACCESS_KEY=@@"},
    {"AccountName=a;AccountKey=Zm9v+/==;EndpointSuffix=x", "AccountName=a;AccountKey=@@"},
    {"Password=püß€; é", "Password=@@; é"},
    {"password=a\xff" "b\xe2\x82 c", "password=@@ c"},
    {"PASSWORD=hunter1\r\npasswd: hunter2\r\nx", "PASSWORD=@@\r\npasswd: @@\r\nx"},
    // name: value
    {"password: hunter2", "password: @@"},
    {"password:hunter2", "password:@@"},
    {"  db_password: hunter2 # why\n  port: 1", "  db_password: @@ # why\n  port: 1"},
    {"user: me, password: hunter2, host: h", "user: me, password: @@, host: h"},
    {"passwd: hunter2", "passwd: @@"},
    {"x\npasswd: hunter2\ny", "x\npasswd: @@\ny"},
    {"secret: 'hunter2'", "secret: '@@'"},
    {"API Key: abcdef", "API Key: @@"},
    {"X-Api-Key: abcdef", "X-Api-Key: @@"},
    {"token:      abcdefgh12345678", "token:      @@"},
    // JSON
    {R"({"user": "me", "password": "hun ter2", "port": 1})", R"({"user": "me", "password": "@@", "port": 1})"},
    {R"({"password":12345,"port":1})", R"({"password":@@})"},
    {R"({"password":"a\"b\\","x":1})", R"({"password":"@@","x":1})"},
    {R"("{\"password\": \"hunter2\", \"port\": 1}")", R"("{\"password\": \"@@\", \"port\": 1}")"},
    {R"("SecretAccessKey": "wJalrXUtnFEMI", "SessionToken": "FwoG", "AccessKeyId": "AKIAIOSFODNN7EXAMPLE")",
     R"("SecretAccessKey": "@@", "SessionToken": "@@", "AccessKeyId": "@@")"},
    {"{'pwd': 'hunter2'}", "{'pwd': '@@'}"},
    // Options
    {"mysql --user me --password hunter2 db", "mysql --user me --password @@ db"},
    {"mysql --password=hunter2 db", "mysql --password=@@ db"},
    {"x --db-password 'hun ter2' y", "x --db-password '@@' y"},
    {"x -password hunter2", "x -password @@"},
    {"gh --token abc --secret def --api-key ghi", "gh --token @@ --secret @@ --api-key @@"},
    {"x --pass hunter2 --db_pass=a", "x --pass @@ --db_pass=@@"},
    {"ALTER USER me WITH PASSWORD 'hun ter2';", "ALTER USER me WITH PASSWORD '@@';"},
    {"create user 'me'@'%' identified by 'hunter2'", "create user 'me'@'%' identified by '@@'"},
    {"IDENTIFIED WITH caching_sha2_password BY 'hunter2'", "IDENTIFIED WITH caching_sha2_password BY '@@'"},
    {"X-Auth-Token: abc12345", "X-Auth-Token: @@"},
    {"Proxy-Authorization: Basic abc", "Proxy-Authorization: Basic @@"},
    {"helm --set db.password=hunter2,a=b", "helm --set db.password=@@"},
    {"sshpass -p hunter2 ssh h", "sshpass -p @@ ssh h"},
    {"sshpass -p 'hun ter2' ssh h", "sshpass -p '@@' ssh h"},
    // Headers
    {"curl -H \"Authorization: Bearer abc.def\" https://h", "curl -H \"Authorization: Bearer @@\" https://h"},
    {"Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic @@"},
    {"authorization: token abcdef", "authorization: token @@"},
    {R"({"Authorization": "Bearer abc"})", R"({"Authorization": "Bearer @@"})"},
    {"using bearer abcdefghijklmnop1234", "using bearer @@"},
    // Tokens by themselves
    {"AKIAIOSFODNN7EXAMPLE", "@@"},
    {"id ASIAIOSFODNN7EXAMPLE.", "id @@."},
    {"AIzaSyA1234567890abcdefghijklmnopqrstuv", "@@"},
    {"x=ghp_abcdefghijklmnopqrstuvwxyz0123456789;", "x=@@;"},
    {"github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz", "@@"},
    {"xoxb-123456789012-abcdefABCDEF", "@@"},
    {"glpat-abcdefghij0123456789", "@@"},
    {"got " + jwt + ", ok", "got @@, ok"},
    // URLs
    {"git clone https://me:hunter2@example.com/x.git", "git clone https://me:@@@example.com/x.git"},
    {"redis://:hunter2@h:6379/0 postgres://u:p@ss@h/d", "redis://:@@@h:6379/0 postgres://u:@@@h/d"},
    {"see https://me:hunter2", "see https://me:@@"},
};

const std::vector<std::string> harmless{
    "", " ", "\n", "Active: active (running)",
    "Password: ", "Password:\nLogin incorrect", "[sudo] password for bob: ", "bob's password:", "Enter passphrase: \n",
    "New password: Retype new password: passwd: password updated successfully",
    "token_count=5", "max_tokens=100 tokens: 7", "passwd -l root", "usermod --lock; passwd --status root",
    "PasswordAuthentication no", "PermitEmptyPasswords no\nPasswordAuthentication yes", "# PasswordAuthentication: no",
    "cat /etc/passwd", "/etc/passwd:root:x:0:0:root:/root:/bin/bash", "cat: /etc/passwd: Permission denied",
    "-rw-r--r-- 1 root root 1234 Nov 24 10:00 passwd", "root:x:0:0:root:/root:/bin/bash",
    "passwd:         files systemd\ngroup: files", "passwd: files", "passwd: Authentication token manipulation error",
    "passwd: user 'x' does not exist",
    "PWD=/root\nOLDPWD=/tmp", "pwd", "bash: pwd: command not found",
    "Failed password for root from 1.2.3.4 port 22 ssh2", "Accepted password for root from 1.2.3.4",
    "pam_unix(sshd:auth): authentication failure", "Started Dispatch Password Requests to Console Directory Watch.",
    "Type: Secret (a volume populated by a Secret)\n    SecretName:  db", "tls-secret: off", "gpg: key 1234: public key",
    "password required", "password is wrong", "sudo: a password is required", "password: incorrect",
    "password=", "password=\"\"", "password: \"\"", "password=''\nx", "password = null", "password: ${DB_PASSWORD}",
    "password=$(cat file)", "PGPASSWORD=$PGPASSWORD psql", "password=****", "password=<password>", "password: true",
    "psql --no-password", "login --password --host h", "--password-file /run/x", "--password-stdin", "--token | cat",
    "-W, --password           force password prompt",
    "secret/foo created", "kubectl get secret", "type: kubernetes.io/service-account-token", "token::kind", "token: x",
    "Last password change : Nov 24, 2026", "Password expires : never", "private_key_file=/etc/key", "keyboard=us",
    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
    "-----BEGIN PRIVATE KEY-----",
    "bearer token required", "Authorization: required", "authorization failed",
    "http://localhost:8000/x", "ssh://git@h:22/x", "git@github.com:me/x.git", "http://[::1]:80/", "see http://h:8080.",
    "https://me@h/", "https://h/?q=a:b@c", "mailto:a@b", "postgres://u:${PASS}@h/d", "12:30:01 host@x",
    "AKIA", "AKIAx", "MAKIAIOSFODNN7EXAMPLE", "eyJ", "ghp_", "xoxb-", "bypass: 1", "compass: 7", "passed: 12, failed: 0",
    "grün — 100 %", "\xff\xfe\x80", std::string("a\0b", 3),
};
// clang-format on

} // namespace

BOOST_AUTO_TEST_CASE(well_known_shapes_are_replaced) {
    const redactor redact;
    for (const auto& r : secrets)
        BOOST_TEST(redacted(r.text, redact) == with_marker(r.expected));
}

BOOST_AUTO_TEST_CASE(what_only_looks_like_one_is_kept) {
    const redactor redact;
    for (const auto& text : harmless)
        BOOST_TEST(redacted(text, redact) == text);
}

BOOST_AUTO_TEST_CASE(wherever_a_text_was_cut_off_before_no_secret_is_left) {
    const redactor redact;
    for (const auto& r : secrets) {
        if (r.text.starts_with("tail:"))
            continue; // known by its end
        // The secrets are what is not in `expected`.
        std::size_t at = 0;
        for (std::string_view left = r.expected; left.find(mark) != left.npos;) {
            at += left.find(mark);
            left.remove_prefix(left.find(mark) + mark.size());
            const auto next = left.substr(0, left.find(mark));
            const auto end = next.empty() ? r.text.size() : r.text.find(next, at);
            BOOST_TEST_REQUIRE(end != std::string::npos);
            for (std::size_t n = at + 1; n <= r.text.size(); ++n) {
                const std::string there = r.text.substr(at, std::min(n, end) - at);
                // Less may be too short to be known as a token.
                if (n > end || there.size() >= 24)
                    BOOST_TEST(redacted(r.text.substr(0, n), redact).find(there, at) == std::string::npos,
                               r.text.substr(0, n));
            }
            at = end;
        }
    }
    // Where a name stands before it, nothing at all.
    for (const std::string before :
         {"password=", "password: ", "--password ", "password=\"", R"(\"password\":\")",
          "-----BEGIN PRIVATE KEY-----", "Authorization: Bearer "})
        for (std::size_t n = 1; n != 40; ++n) {
            const std::string secret = std::string("Xy3-€geheim!geheim+geheim/geheim=geheim0").substr(0, n);
            BOOST_TEST(redacted(before + secret, redact).starts_with(before + "[REDACTED]"), before + secret);
            BOOST_TEST(redacted(before + secret, redact).size() <= before.size() + 11, before + secret);
        }
}

BOOST_AUTO_TEST_CASE(pieces_in_any_order_twice_is_once_and_not_longer_than_the_markers) {
    std::vector<std::string> pieces{" ",     "\n",  "\"",         "'",  "\\",   "\\n",      "=",
                                    ":",     ": ",  "-",          "--", ",",    ";",        "@",
                                    "/",     "a",   "x1",         "€",  "\xff", "password", "secret",
                                    "token", "pwd", "[REDACTED]", "[",  "]",    "Bearer "};
    for (const auto& r : secrets)
        pieces.push_back(r.text);
    std::mt19937 random(7);
    const redactor redact({"x(\\d)"});
    for (int i = 0; i != 20'000; ++i) {
        std::string text;
        for (auto n = random() % 9; n != 0; --n)
            text += pieces[random() % pieces.size()];
        const std::string once = redacted(text, redact);
        BOOST_TEST(redacted(once, redact) == once, text);
        std::size_t markers = 0;
        for (auto at = once.find(redactor::marker); at != once.npos; at = once.find(redactor::marker, at + 1))
            ++markers;
        BOOST_TEST(once.size() <= text.size() + markers * redactor::marker.size());
        if (text::is_valid_utf8(text))
            BOOST_TEST(text::is_valid_utf8(once), text);
    }
}

BOOST_AUTO_TEST_CASE(what_a_replaced_secret_leaves_is_looked_at_again) {
    const redactor redact;
    const std::string once = redacted("apasswd: {?pwd:\\\"RR --password 'x", redact);
    BOOST_TEST(redacted(once, redact) == once);
}

BOOST_AUTO_TEST_CASE(own_patterns) {
    const redactor redact({"pin (\\d+)", "geheim", "(?i)user=(?:\"([^\"]*)\"|(\\S+))", "ä."});
    BOOST_TEST(redacted("pin 1234 x geheim", redact) == "pin [REDACTED] x [REDACTED]");
    BOOST_TEST(redacted("USER=\"a b\" user=c", redact) == "USER=\"[REDACTED]\" user=[REDACTED]");
    BOOST_TEST(redacted("ä€ö", redact) == "[REDACTED]ö");
    BOOST_TEST(redacted("password=x pin 1", redact) == "password=[REDACTED] pin [REDACTED]");
    BOOST_TEST(redacted("nothing", redact) == "nothing");
    // One that matches nothing, too.
    BOOST_TEST(redacted("aäxxb", redactor({"x*"})) == "aä[REDACTED]b");
}

BOOST_AUTO_TEST_CASE(a_bad_pattern_is_told_in_re2s_words) {
    BOOST_TEST(!redactor::check("a(b)").has_value());
    BOOST_TEST(redactor::check("a(b").value_or("") == "missing ): a(b");
    BOOST_TEST(redactor::check("(?=a)").value_or("") == "invalid perl operator: (?=");
    BOOST_CHECK_EXCEPTION(redactor({"ok", "a(b"}), std::invalid_argument, [](const auto& e) {
        return std::string_view(e.what()) == "'a(b': missing ): a(b";
    });
}

BOOST_AUTO_TEST_CASE(hostile_texts_take_linear_time) {
    // Were it quadratic, each text would take minutes, and all of them longer than a test may.
    const auto take = [](const redactor& redact, const std::string& piece) {
        std::string text;
        while (text.size() < 1024 * 1024)
            text += piece;
        const std::string before = text;
        const bool changed = redact(text);
        BOOST_TEST(changed == (text != before));
    };
    const redactor well_known;
    for (const std::string piece : {"password=",
                                    "password= ",
                                    "password: ",
                                    "password: is ",
                                    "\"password\":\"",
                                    "\\\"password\\\":\\\"",
                                    "passwd:",
                                    "passwd: x y",
                                    "token=\n",
                                    "token=null ",
                                    "://",
                                    "x://y:z@",
                                    "x://y:",
                                    "x://y:z",
                                    "-----BEGIN PRIVATE KEY-----",
                                    "-----END PRIVATE KEY-----",
                                    "AAAA\n",
                                    "eyJ",
                                    "eyJeyJeyJeyJ.",
                                    "Bearer ",
                                    "authorization: basic ",
                                    "--password ",
                                    "-",
                                    "\"",
                                    "\\",
                                    "'",
                                    " ",
                                    "x",
                                    "a",
                                    "\xff",
                                    "pwd=/ ",
                                    "[REDACTED]",
                                    "password=[REDACTED] "})
        take(well_known, piece);
    // Asks of each match whether a b comes behind it.
    take(redactor({"geheim", "a(?:.*b)?"}), "a");
}

BOOST_AUTO_TEST_CASE(the_rest_of_a_text_with_too_many_is_replaced_as_a_whole) {
    std::string text;
    for (int i = 0; i != 3000; ++i)
        text += "password=geheim ";
    const std::string got = redacted(text);
    BOOST_TEST(got.find("geheim") == got.npos);
    BOOST_TEST(got.ends_with("password=[REDACTED] password=[REDACTED]"));
}

BOOST_AUTO_TEST_SUITE_END()
