#include "gzip_text.hpp"
#include "http/exchange_fixture.hpp"
#include "http/tls_server.hpp"

#include <lokiship/http/tls_transport.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(tls_transport)

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

const std::string not_trusted =
    ", which is not trusted; if that authority is the right one, give its certificate as "
    "CA file, and see that the server sends those in between";
const std::string wants_certificate =
    "the server wants a client certificate, and none was given; give one, and its key";

tls_answer echo(const tls_server::request_message& m) {
    return {answer_text(std::string(m.method_string()) + ' ' + std::string(m.target()) + ' ' + m.body())};
}

/// An authority that is trusted, and a server with a certificate of it.
struct tls_fixture : fixture {
    certificate_authority authority{"lokiship test authority"};
    temporary_file ca_file{authority.certificate()};
    tls_server secure;

    explicit tls_fixture(const certificate_settings& s = {}, tls_server::handler h = echo)
        : secure(context, authority.issue(s), std::move(h)) {}

    http::tls_transport transport_to(const http::url& url, http::transport_options options = {}) {
        return {context.get_executor(), url, std::move(options), {ca_file.path()}};
    }
    /// One exchange over a transport of its own.
    call exchange(const http::url& url) {
        http::tls_transport t = transport_to(url);
        return get(t);
    }
    call get(http::tls_transport& t) {
        call c;
        run(t, {&c});
        // It refers to this object.
        c.sink = nullptr;
        return c;
    }
};

/// An environment variable for as long as the object lives.
class environment {
public:
    environment(const char* name, const std::string& value)
        : name_(name) {
        if (const char* before = std::getenv(name))
            before_ = before;
        setenv(name, value.c_str(), 1);
    }
    environment(const environment&) = delete;
    environment& operator=(const environment&) = delete;
    ~environment() {
        if (before_)
            setenv(name_, before_->c_str(), 1);
        else
            unsetenv(name_);
    }

private:
    const char* name_;
    std::optional<std::string> before_;
};

} // namespace

BOOST_AUTO_TEST_CASE(an_exchange_over_tls) {
    tls_fixture f;
    http::tls_transport t = f.transport_to(f.secure.url());
    call c, post;
    c.request.target = "/a?b=c";
    post.request.verb = http::method::post;
    post.request.target = "/push";
    post.request.body = std::string(3'000'000, 'x');
    f.run(t, {&c});
    BOOST_TEST(c.status() == 200u);
    BOOST_TEST(c.body == "GET /a?b=c ");
    f.run(t, {&post});
    BOOST_TEST((post.body == "POST /push " + post.request.body));
    BOOST_TEST(t.server() == f.secure.url().display());
    BOOST_TEST(f.secure.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(names_and_addresses_are_checked) {
    const struct {
        std::string host;
        certificate_settings certificate;
        /// How the message ends, without the date; empty: good.
        std::string failure;
    } table[] = {
        {"localhost", {}, ""},
        {"127.0.0.1", {}, ""},
        {"LOCALHOST", {}, ""},
        {"localhost",
         {"localhost", "DNS:loki.example, IP:::1"},
         "is not for localhost but for loki.example, ::1; correct the URL or the certificate"},
        {"localhost",
         {"localhost", "IP:127.0.0.1"},
         "is not for localhost but for 127.0.0.1; correct the URL or the certificate"},
        {"127.0.0.1",
         {"127.0.0.1", "DNS:localhost"},
         "is not for 127.0.0.1 but for localhost; correct the URL or the certificate"},
        {"127.0.0.1",
         {"127.0.0.1", "DNS:127.0.0.1"},
         "is not for 127.0.0.1 but for 127.0.0.1; correct the URL or the certificate"},
        // The common name alone has not counted for years.
        {"localhost",
         {"localhost", ""},
         "is not for localhost but for no name; correct the URL or the certificate"},
        {"localhost", {"x", "DNS:localhost", -2h, -1h}, "expired on DATE; it must be renewed there"},
        {"localhost",
         {"x", "DNS:localhost", 1h, 2h},
         "is not valid before DATE; check the clocks of both machines"},
    };
    for (const auto& row : table)
        BOOST_TEST_CONTEXT(row.host << ' ' << row.certificate.alternative_names << ' ' << row.failure) {
            tls_fixture f(row.certificate);
            const http::url url = f.secure.url(row.host);
            const call c = f.exchange(url);
            if (row.failure.empty()) {
                BOOST_TEST(c.status() == 200u);
            } else {
                static const std::regex date("[A-Z][a-z]{2} .[0-9] [0-9:]{8} 20[0-9]{2} GMT");
                BOOST_TEST(std::regex_replace(c.failure().message, date, "DATE") ==
                           url.display() + ": TLS: the server's certificate " + row.failure);
                BOOST_TEST((c.failure().code.category() == asio::error::get_ssl_category()));
                BOOST_TEST(f.secure.requests() == 0u);
            }
        }
}

BOOST_AUTO_TEST_CASE(a_host_that_cannot_be_checked_is_refused) {
    asio::ssl::context context(asio::ssl::context::tls_client);
    using ssl_ptr = std::unique_ptr<SSL, openssl_deleter<SSL_free>>;
    const auto accepted = [&](std::string_view host) {
        const ssl_ptr ssl(SSL_new(context.native_handle()));
        return http::detail::expect_host(ssl.get(), std::string(host));
    };
    BOOST_TEST(accepted("localhost"));
    BOOST_TEST(accepted("localhost."));
    BOOST_TEST(accepted("::1"));
    BOOST_TEST(!accepted(""));
    BOOST_TEST(!accepted("."));
    BOOST_TEST(!accepted(std::string_view("good.example\0.bad.example", 25)));
    BOOST_TEST(!accepted(std::string(300, 'x')));
}

BOOST_AUTO_TEST_CASE(a_name_is_told_to_the_server_and_an_address_is_not) {
    tls_fixture f;
    BOOST_TEST(f.exchange(f.secure.url("localhost")).status() == 200u);
    BOOST_TEST(f.exchange(f.secure.url("127.0.0.1")).status() == 200u);
    BOOST_TEST((f.secure.names() == std::vector<std::string>{"localhost", "-"}));
}

BOOST_AUTO_TEST_CASE(an_unknown_authority_is_refused) {
    tls_fixture f;
    // Of the same name, so that only its key tells.
    const certificate_authority other("lokiship test authority");
    tls_server unknown(f.context, other.issue(), echo);
    BOOST_TEST(
        f.exchange(unknown.url()).failure().message ==
        unknown.url().display() +
            ": TLS: the server's certificate is not from the trusted 'CN = lokiship test authority' but from "
            "another of that name");
    const certificate_authority stranger("stranger");
    tls_server strange(f.context, stranger.issue(), echo);
    BOOST_TEST(f.exchange(strange.url()).failure().message ==
               strange.url().display() + ": TLS: the server's certificate is from 'CN = stranger'" +
                   not_trusted);
    const certificate_authority itself("localhost");
    tls_server self_signed(f.context, itself.own(), echo);
    BOOST_TEST(f.exchange(self_signed.url()).failure().message ==
               self_signed.url().display() + ": TLS: the server's certificate is signed by itself and not "
                                             "trusted; if it is the right one, give "
                                             "it as CA file");
    BOOST_TEST(unknown.requests() + strange.requests() + self_signed.requests() == 0u);
}

BOOST_AUTO_TEST_CASE(without_a_file_the_systems_authorities_count) {
    tls_fixture f;
    const environment no_folder("SSL_CERT_DIR", "/nonexistent");
    const auto failure = [&]() -> std::string {
        http::tls_transport t(f.context.get_executor(), f.secure.url());
        const call c = f.get(t);
        return c.answer->has_error() ? c.answer->error().message : "";
    };
    {
        const environment file("SSL_CERT_FILE", f.ca_file.path());
        BOOST_TEST(failure() == "");
    }
    {
        const environment file("SSL_CERT_FILE", "/nonexistent");
        BOOST_TEST(failure() == f.secure.url().display() +
                                    ": TLS: the server's certificate is from 'CN = lokiship test authority'" +
                                    not_trusted);
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_used_is_named) {
    tls_fixture f;
    const identity one = f.authority.issue(), other = f.authority.issue();
    const temporary_file empty(""), certificate(one.certificate), key(one.key), other_key(other.key),
        both(one.certificate + one.key), damaged(f.authority.certificate() + one.certificate.substr(0, 200)),
        encrypted("-----BEGIN ENCRYPTED PRIVATE KEY-----\n");
    const std::string nowhere = "/nonexistent/x",
                      gone = " file '/nonexistent/x' cannot be read: No such file or directory";
    const auto quoted = [](const temporary_file& t) { return '\'' + t.path() + '\''; };
    const auto failure = [&](const http::tls_options& options) -> std::string {
        try {
            http::tls_transport(f.context.get_executor(), f.secure.url(), {}, options);
            return "";
        } catch (const boost::system::system_error& e) {
            BOOST_TEST(e.code() == errc::unusable_credentials);
            const std::string what = e.what();
            return what.substr(0, what.find(" ["));
        }
    };
    const struct {
        http::tls_options options;
        std::string message;
    } table[] = {
        {{nowhere}, "the CA" + gone},
        {{empty.path()},
         "the CA file " + quoted(empty) + " holds no certificate in PEM, or one that is damaged"},
        {{damaged.path()},
         "the CA file " + quoted(damaged) + " holds no certificate in PEM, or one that is damaged"},
        {{"", nowhere, key.path()}, "the certificate" + gone},
        {{"", certificate.path(), nowhere}, "the key" + gone},
        {{"", key.path(), key.path()},
         "the certificate file " + quoted(key) + " holds no certificate in PEM, or one that is damaged: "},
        {{"", certificate.path()},
         "the key file " + quoted(certificate) + " holds no private key in PEM, or one that is damaged: "},
        {{"", certificate.path(), encrypted.path()},
         "the key file " + quoted(encrypted) + " is encrypted, and nobody is there to give its passphrase"},
        {{"", certificate.path(), other_key.path()},
         "the key file " + quoted(other_key) + " is not that of the certificate file " + quoted(certificate)},
    };
    for (const auto& row : table) {
        const std::string message = failure(row.options);
        BOOST_TEST(message.starts_with(row.message), message << " is not " << row.message);
    }
    BOOST_TEST(failure({"", certificate.path(), key.path()}) == "");
    BOOST_TEST(failure({"", both.path()}) == "");
    // Which plain HTTP has no use for.
    const http::tls_transport t(f.context.get_executor(), http::url{}, {}, {nowhere});
    BOOST_TEST(t.server() == "http://localhost");
}

BOOST_AUTO_TEST_CASE(a_client_certificate_is_shown_to_who_asks_for_it) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION})
        BOOST_TEST_CONTEXT("version " << version) {
            tls_fixture f;
            const certificate_authority clients("clients"), strangers("strangers");
            f.secure.require_certificate(clients.certificate());
            SSL_CTX_set_max_proto_version(f.secure.context().native_handle(), version);
            const auto talk = [&](const identity& who) {
                const temporary_file certificate(who.certificate), key(who.key);
                http::tls_transport t(f.context.get_executor(), f.secure.url(), {},
                                      {f.ca_file.path(), certificate.path(), key.path()});
                return f.get(t);
            };
            BOOST_TEST(talk(clients.issue({"shipd", ""})).status() == 200u);
            BOOST_TEST((f.secure.clients() == std::vector<std::string>{"shipd"}));
            const std::string none = f.exchange(f.secure.url()).failure().message;
            BOOST_TEST(none.ends_with(wants_certificate), none);
            const std::string strange = talk(strangers.issue()).failure().message;
            BOOST_TEST(strange.find("the server refuses our client certificate (") != strange.npos, strange);
            const std::string expired = talk(clients.issue({"x", "", -2h, -1h})).failure().message;
            BOOST_TEST(expired.find("the server refuses our client certificate (") != expired.npos, expired);
            BOOST_TEST(f.secure.requests() == 1u);
        }
}

BOOST_AUTO_TEST_CASE(a_server_that_misses_a_certificate_by_a_status_is_told_of) {
    int status = 200;
    tls_fixture f({}, [&](const tls_server::request_message&) {
        return tls_answer{"HTTP/1.1 " + std::to_string(status) + " x\r\nContent-Length: 0\r\n\r\n"};
    });
    std::vector<std::string> warnings;
    http::transport_options options;
    options.warn = [&](std::string_view text) { warnings.emplace_back(text); };
    http::tls_transport unasked = f.transport_to(f.secure.url(), options);
    status = 403;
    BOOST_TEST(f.get(unasked).status() == 403u);
    BOOST_TEST(warnings.empty());
    f.secure.context().set_verify_mode(asio::ssl::verify_peer);
    http::tls_transport t = f.transport_to(f.secure.url(), options);
    status = 200;
    BOOST_TEST(f.get(t).status() == 200u);
    BOOST_TEST(warnings.empty());
    status = 400;
    BOOST_TEST(f.get(t).status() == 400u);
    BOOST_TEST(f.get(t).status() == 400u);
    BOOST_TEST((warnings == std::vector<std::string>{f.secure.url().display() + ": HTTP status 400; " +
                                                     wants_certificate}));
}

BOOST_AUTO_TEST_CASE(new_connections_go_by_what_the_files_hold_then) {
    tls_fixture f;
    const certificate_authority clients("clients");
    f.secure.require_certificate(clients.certificate());
    const identity first = clients.issue({"first", ""}), second = clients.issue({"second", ""});
    const temporary_file ca(f.authority.certificate()), certificate(first.certificate), key(first.key);
    std::vector<std::string> warnings;
    http::transport_options options;
    options.warn = [&](std::string_view text) { warnings.emplace_back(text); };
    http::tls_transport t(f.context.get_executor(), f.secure.url(), options,
                          {ca.path(), certificate.path(), key.path()});
    const auto talk = [&]() -> std::string {
        t.close_idle_connections();
        const call c = f.get(t);
        return c.answer->has_error() ? c.answer->error().message : f.secure.clients().back();
    };
    BOOST_TEST(talk() == "first");
    // Halfway through a change, for two connections.
    certificate.write(second.certificate);
    BOOST_TEST(talk() == "first");
    BOOST_TEST(talk() == "first");
    BOOST_TEST_REQUIRE(warnings.size() == 1u);
    BOOST_TEST(warnings[0] == f.secure.url().display() + ": TLS: the key file '" + key.path() +
                                  "' is not that of the certificate file '" + certificate.path() +
                                  "'; what the files held before stays in use");
    key.write(second.key);
    BOOST_TEST(talk() == "second");
    key.write("");
    BOOST_TEST(talk() == "second");
    BOOST_TEST(warnings.size() == 2u);
    key.write(second.key);
    const certificate_authority other("other");
    ca.write(other.certificate());
    BOOST_TEST(talk() == f.secure.url().display() +
                             ": TLS: the server's certificate is from 'CN = lokiship test authority'" +
                             not_trusted);
    ca.write(other.certificate() + f.authority.certificate());
    BOOST_TEST(talk() == "second");
    BOOST_TEST(warnings.size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_check_is_left_out_only_where_it_is_said) {
    tls_fixture f({"x", "DNS:elsewhere", -2h, -1h});
    const certificate_authority stranger("stranger");
    tls_server strange(f.context, stranger.issue(), echo);
    http::tls_options options;
    options.insecure_skip_verify = true;
    for (const http::url& url : {f.secure.url(), strange.url("127.0.0.1")}) {
        http::tls_transport careless(f.context.get_executor(), url, {}, options);
        BOOST_TEST(f.get(careless).status() == 200u);
        BOOST_TEST(f.exchange(url).answer->has_error());
    }
    // What fails then is named all the same.
    f.secure.require_certificate(stranger.certificate());
    http::tls_transport careless(f.context.get_executor(), f.secure.url(), {}, options);
    const std::string why = f.get(careless).failure().message;
    BOOST_TEST(why.ends_with(wants_certificate), why);
}

BOOST_AUTO_TEST_CASE(an_old_version_of_tls_is_refused) {
    tls_fixture f;
    SSL_CTX* const server = f.secure.context().native_handle();
    SSL_CTX_set_min_proto_version(server, TLS1_1_VERSION);
    SSL_CTX_set_max_proto_version(server, TLS1_1_VERSION);
    SSL_CTX_set_cipher_list(server, "ALL:@SECLEVEL=0");
    const call c = f.exchange(f.secure.url());
    BOOST_TEST(c.failure().message.starts_with(f.secure.url().display() +
                                               ": TLS: the server does not speak TLS 1.2 or later ("),
               c.failure().message);
    SSL_CTX_set_max_proto_version(server, TLS1_2_VERSION);
    BOOST_TEST(f.exchange(f.secure.url()).status() == 200u);
}

BOOST_AUTO_TEST_CASE(a_plain_server_behind_an_https_url_is_told) {
    tls_fixture f;
    raw_server raw(f.context, {"HTTP/1.1 400 Bad Request\r\n\r\n"});
    tcp::acceptor rude(f.context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto url_of = [](std::uint16_t port) {
        return http::parse_url("https://127.0.0.1:" + std::to_string(port)).value();
    };
    // Closes, since a ClientHello is no HTTP.
    const http::url closes = url_of(f.server.port());
    BOOST_TEST(f.exchange(closes).failure().message ==
               closes.display() + ": TLS: the server closed the connection in the handshake");
    // Answers.
    rude.async_accept([](error_code, tcp::socket socket) {
        asio::write(socket, asio::buffer(std::string_view("HTTP/1.1 400 Bad Request\r\n\r\n")));
        char c = 0;
        error_code ignored;
        socket.read_some(asio::buffer(&c, 1), ignored);
        socket.shutdown(tcp::socket::shutdown_send, ignored);
    });
    const http::url answers = url_of(rude.local_endpoint().port());
    BOOST_TEST(f.exchange(answers).failure().message ==
               answers.display() +
                   ": TLS: the server does not speak TLS (wrong version number (SSL routines))");
}

BOOST_AUTO_TEST_CASE(a_handshake_has_a_limit) {
    tls_fixture f;
    // Connections wait in its queue.
    tcp::acceptor silent(f.context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const http::url url =
        http::parse_url("https://127.0.0.1:" + std::to_string(silent.local_endpoint().port())).value();
    http::transport_options options;
    options.connect_timeout = 50ms;
    http::tls_transport t = f.transport_to(url, options);
    call c, idle, total;
    idle.request.idle_timeout = 20ms;
    total.request.total_timeout = 30ms;
    f.run(t, {&c});
    BOOST_TEST(c.failure().code == errc::timed_out);
    BOOST_TEST(c.failure().message == url.display() + ": TLS handshake: timed out after 50ms");
    f.run(t, {&idle});
    BOOST_TEST(idle.failure().message == url.display() + ": TLS handshake: timed out after 20ms");
    f.run(t, {&total});
    BOOST_TEST(total.failure().message == url.display() + ": the exchange took longer than 30ms");
}

BOOST_AUTO_TEST_CASE(an_answer_over_tls_has_limits) {
    tls_fixture f({}, [](const tls_server::request_message&) {
        return tls_answer{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabcde"};
    });
    http::tls_transport t = f.transport_to(f.secure.url());
    call c;
    c.request.idle_timeout = 50ms;
    f.run(t, {&c});
    BOOST_TEST(c.failure().code == errc::timed_out);
    BOOST_TEST(c.failure().message ==
               f.secure.url().display() + ": the answer stopped after 5 bytes for 50ms");
    BOOST_TEST(t.idle_connections() == 0u);
}

BOOST_AUTO_TEST_CASE(connections_are_kept_and_replaced) {
    tls_fixture f;
    http::tls_transport t = f.transport_to(f.secure.url());
    for (int i = 0; i != 5; ++i)
        BOOST_TEST(f.get(t).status() == 200u);
    BOOST_TEST(f.secure.connections() == 1u);
    BOOST_TEST(t.idle_connections() == 1u);
    f.secure.drop_connections();
    BOOST_TEST(f.get(t).status() == 200u);
    BOOST_TEST(f.secure.connections() == 2u);
    t.close_idle_connections();
    std::vector<call> calls(4);
    std::vector<call*> all;
    for (auto& c : calls)
        all.push_back(&c);
    f.run(t, all);
    for (const auto& c : calls)
        BOOST_TEST(c.body == "GET / ");
    BOOST_TEST(f.secure.connections() == 6u);
    BOOST_TEST(t.idle_connections() == 4u);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_that_spoke_is_not_used) {
    for (const auto then : {tls_answer::keep, tls_answer::shut_down})
        BOOST_TEST_CONTEXT("ending " << then) {
            tls_fixture f({}, [&](const tls_server::request_message& m) {
                tls_answer a = echo(m);
                a.then = then;
                if (then == tls_answer::keep)
                    a.afterthought = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
                return a;
            });
            http::tls_transport t = f.transport_to(f.secure.url());
            BOOST_TEST(f.get(t).status() == 200u);
            BOOST_TEST(f.get(t).status() == 200u);
            BOOST_TEST(f.secure.connections() == 2u);
        }
}

BOOST_AUTO_TEST_CASE(a_body_ends_with_the_connection_only_where_tls_says_so) {
    for (const auto then : {tls_answer::shut_down, tls_answer::cut})
        BOOST_TEST_CONTEXT("ending " << then) {
            tls_fixture f({}, [&](const tls_server::request_message&) {
                return tls_answer{"HTTP/1.1 200 OK\r\n\r\nuntil the end", then};
            });
            const call c = f.exchange(f.secure.url());
            BOOST_TEST(c.body == "until the end");
            if (then == tls_answer::shut_down) {
                BOOST_TEST(c.status() == 200u);
            } else {
                BOOST_TEST(c.failure().code == asio::ssl::error::stream_truncated);
                BOOST_TEST(c.failure().message ==
                           f.secure.url().display() +
                               ": the answer broke off after 13 bytes: stream truncated");
            }
        }
}

BOOST_AUTO_TEST_CASE(cancellation_abandons_handshake_and_exchange) {
    for (const bool in_handshake : {true, false})
        BOOST_TEST_CONTEXT("in the handshake " << in_handshake) {
            asio::cancellation_signal signal;
            tls_fixture f({}, [&](const tls_server::request_message&) {
                asio::post(f.context, [&] { signal.emit(asio::cancellation_type::terminal); });
                return tls_answer{"HTTP/1.1 200 OK\r\n"};
            });
            tcp::acceptor silent(f.context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
            std::optional<tcp::socket> accepted;
            silent.async_accept([&](error_code ec, tcp::socket socket) {
                if (ec)
                    return;
                accepted = std::move(socket);
                signal.emit(asio::cancellation_type::terminal);
            });
            const http::url url =
                in_handshake
                    ? http::parse_url("https://127.0.0.1:" + std::to_string(silent.local_endpoint().port()))
                          .value()
                    : f.secure.url();
            http::tls_transport t = f.transport_to(url);
            call c;
            c.sink = keep_text{&c};
            int left = 1;
            asio::co_spawn(
                f.context, run_call(t, c),
                asio::bind_cancellation_slot(signal.slot(), finish{&c, &left, [&] { f.context.stop(); }}));
            f.context.run();
            BOOST_TEST_REQUIRE(c.answer.has_value());
            BOOST_TEST(c.failure().code == asio::error::operation_aborted);
            BOOST_TEST(c.failure().message == url.display() + ": cancelled");
            BOOST_TEST(t.idle_connections() == 0u);
        }
}

BOOST_AUTO_TEST_CASE(a_tunnel_that_is_not_opened_has_its_message) {
    const struct {
        std::string answer, user, failure;
    } table[] = {
        {"HTTP/1.1 403 No\r\nContent-Length: 9999\r\n\r\n", "",
         "the proxy refuses to connect with HTTP status 403"},
        {"HTTP/1.1 407 No\r\n\r\n", "",
         "the proxy refuses to connect with HTTP status 407; it wants a user and password, in the proxy's "
         "URL"},
        {"HTTP/1.1 407 No\r\n\r\n", "me:geheim",
         "the proxy refuses to connect with HTTP status 407; it wants another user or password"},
        {"HTTP/1.1 200 OK\r\n\r\nmore", "", "the proxy sent more than its answer to CONNECT"},
        {"nonsense\r\n\r\n", "", "CONNECT: bad version"},
        {"HTTP/1.1 200 OK\r\n\r\n", "", "TLS: the server closed the connection in the handshake"},
    };
    for (const auto& row : table)
        BOOST_TEST_CONTEXT(row.failure) {
            tls_fixture f;
            raw_server proxy(f.context, {row.answer});
            http::transport_options options;
            options.proxy = proxy.url();
            options.proxy->userinfo = row.user;
            http::tls_transport t = f.transport_to(http::parse_url("https://loki.test").value(), options);
            const std::string failure = f.get(t).failure().message;
            BOOST_TEST(failure ==
                       "https://loki.test via proxy " + options.proxy->display() + ": " + row.failure);
            const std::string& question = proxy.requests.at(0);
            BOOST_TEST(question.starts_with("CONNECT loki.test:443 HTTP/1.1\r\nHost: loki.test:443\r\n"),
                       question);
            BOOST_TEST((question.find("Proxy-Authorization: Basic bWU6Z2VoZWlt\r\n") != question.npos) ==
                       !row.user.empty());
            BOOST_TEST(t.server() == "https://loki.test");
        }
}

BOOST_AUTO_TEST_CASE(gzip_is_decoded_over_tls_too) {
    const std::string text(100'000, 'x');
    tls_fixture f({}, [&](const tls_server::request_message& m) {
        BOOST_TEST(m["Accept-Encoding"] == "gzip");
        const std::string body = gzip_text(text);
        return tls_answer{"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: " +
                          std::to_string(body.size()) + "\r\n\r\n" + body};
    });
    BOOST_TEST((f.exchange(f.secure.url()).body == text));
}

BOOST_AUTO_TEST_CASE(an_http_url_is_served_without_tls) {
    fixture f;
    http::tls_transport t(f.context.get_executor(), http::parse_url(f.server.url()).value());
    call c;
    c.request.target = "/a";
    f.run(t, {&c});
    BOOST_TEST(c.status() == 200u);
    BOOST_TEST(c.body == "GET /a ");
    BOOST_TEST(t.server() == f.server.url());
    BOOST_TEST(t.idle_connections() == 1u);
    t.close_idle_connections();
    BOOST_TEST(t.idle_connections() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
