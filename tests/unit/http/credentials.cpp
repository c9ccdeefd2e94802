#include "http/exchange_fixture.hpp"
#include "temporary_file.hpp"

#include <lokiship/http/credentials.hpp>

#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(credentials)

using namespace lokiship;

namespace {

std::string failure(const http::secret& s) {
    const auto read = s.read();
    BOOST_TEST_REQUIRE(read.has_error());
    BOOST_TEST(read.error().code == errc::unusable_credentials);
    return read.error().message;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_secret_is_read_as_it_is_now) {
    const temporary_file file("first");
    const auto s = http::secret::in_file(file.path());
    BOOST_TEST(s.read().value() == "first");
    // Of the same length, within the same tick of the file system's clock.
    file.write("other");
    BOOST_TEST(s.read().value() == "other");
    for (const char* text : {"a b", "a b\n", "a b\r\n"}) {
        file.write(text);
        BOOST_TEST(s.read().value() == "a b");
    }
    BOOST_TEST(http::secret::text("x").read().value() == "x");
}

BOOST_AUTO_TEST_CASE(a_secret_that_cannot_be_used_is_named_and_not_quoted) {
    const temporary_file file("geheim\n\n");
    const auto s = http::secret::in_file(file.path());
    const std::string named = '\'' + file.path() + "' ";
    BOOST_TEST(failure(s) == named + "has a control character, such as a line break, at byte 6");
    file.write("\n");
    BOOST_TEST(failure(s) == named + "is empty");
    file.write(std::string(65'537, 'x'));
    BOOST_TEST(failure(s) == named + "has more than 65536 bytes");
    BOOST_TEST(failure(http::secret::in_file("/nonexistent/x")) ==
               "'/nonexistent/x' cannot be read: No such file or directory");
    BOOST_TEST(failure(http::secret::in_file("/dev/null")) == "'/dev/null' is no file");
    BOOST_TEST(failure(http::secret::text("")) == "it is empty");
    BOOST_TEST(failure(http::secret::text("a\x7f")) ==
               "it has a control character, such as a line break, at byte 1");
}

BOOST_AUTO_TEST_CASE(each_request_has_the_authorization_of_its_time) {
    const temporary_file file("first");
    std::vector<std::string> warnings;
    http::transport_options options;
    options.authorization = http::bearer_authorization(http::secret::in_file(file.path()));
    options.warn = [&](std::string_view text) { warnings.emplace_back(text); };
    fixture f({}, options);
    const auto sent = [&] {
        BOOST_TEST(f.get("/").status() == 200u);
        return std::string(f.seen.back().fields.get("Authorization"));
    };
    BOOST_TEST(sent() == "Bearer first");
    file.write("second\n");
    BOOST_TEST(sent() == "Bearer second");
    BOOST_TEST(f.server.connections() == 1u);
    // A file that breaks takes nothing away, and is told once.
    file.write("");
    BOOST_TEST(sent() == "Bearer second");
    BOOST_TEST(sent() == "Bearer second");
    const std::vector<std::string> told{f.server.url() + ": credentials: '" + file.path() +
                                        "' is empty; the former ones stay in use"};
    BOOST_TEST(warnings == told);
    file.write("third");
    BOOST_TEST(sent() == "Bearer third");
    file.write("");
    BOOST_TEST(sent() == "Bearer third");
    BOOST_TEST(warnings.size() == 2u);
}

BOOST_AUTO_TEST_CASE(without_a_first_authorization_nothing_is_sent) {
    http::transport_options options;
    options.authorization = http::basic_authorization("me", http::secret::in_file("/nonexistent/x"));
    fixture f({}, options);
    call c;
    f.run({&c});
    BOOST_TEST(c.failure().code == errc::unusable_credentials);
    BOOST_TEST(c.failure().message ==
               f.server.url() + ": credentials: '/nonexistent/x' cannot be read: No such file or directory");
    BOOST_TEST(f.server.requests() == 0u);
}

BOOST_AUTO_TEST_CASE(the_options_beat_the_url_and_the_request_beats_both) {
    http::transport_options options;
    options.authorization = http::basic_authorization("Aladdin", http::secret::text("open sesame"));
    options.fields = {
        {"X-Scope-OrgID", "team-a"}, {"X-Twice", "1"}, {"X-Twice", "2"}, {"user-agent", "mine"}};
    fixture f({}, options);
    http::url url = http::parse_url(f.server.url()).value();
    url.userinfo = "u:p";
    http::beast_transport t(f.context.get_executor(), url, options);
    call plain, own;
    own.request.fields = {{"authorization", "own"}, {"x-scope-orgid", "own"}};
    f.run(t, {&plain});
    f.run(t, {&own});
    const auto values = [&](std::size_t request, std::string_view name) {
        std::string out;
        for (const auto& [n, v] : f.seen.at(request).fields)
            if (boost::algorithm::iequals(n, name))
                out += v + ';';
        return out;
    };
    BOOST_TEST(values(0, "Authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==;");
    BOOST_TEST(values(0, "X-Scope-OrgID") == "team-a;");
    BOOST_TEST(values(0, "X-Twice") == "1;2;");
    BOOST_TEST(values(0, "User-Agent") == "mine;");
    BOOST_TEST(values(1, "Authorization") == "own;");
    BOOST_TEST(values(1, "X-Scope-OrgID") == "own;");
}

BOOST_AUTO_TEST_CASE(a_field_of_the_options_cannot_smuggle_another) {
    http::transport_options options;
    options.fields = {{"X", "geheim\nY: z"}};
    fixture f({}, options);
    call c;
    f.run({&c});
    BOOST_TEST(c.failure().message == f.server.url() + ": the field X holds a line break or a zero byte");
    BOOST_TEST(f.server.requests() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
