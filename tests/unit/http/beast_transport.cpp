#include "http/exchange_fixture.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(beast_transport)

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::string repeat(std::string_view text, std::size_t n) {
    std::string out;
    for (; n != 0; --n)
        out += text;
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_answer_has_status_fields_and_body) {
    fixture f;
    call c;
    c.request.target = "/a?b=c";
    c.request.fields = {{"X-Scope-OrgID", "tenant"}, {"Accept", "text/plain"}};
    f.run({&c});
    BOOST_TEST(c.status() == 200u);
    BOOST_TEST(c.answer->value().fields.get("x-test") == "yes");
    BOOST_TEST(c.body == "GET /a?b=c ");
    BOOST_TEST_REQUIRE(f.seen.size() == 1u);
    const auto& fields = f.seen[0].fields;
    BOOST_TEST(fields.get("Host") == f.server.url().substr(7));
    BOOST_TEST(fields.get("User-Agent") == "lokiship");
    BOOST_TEST(fields.get("X-Scope-OrgID") == "tenant");
    BOOST_TEST(fields.get("Accept") == "text/plain");
    BOOST_TEST(fields.get("Content-Length") == "");
    BOOST_TEST(fields.get("Authorization") == "");
    BOOST_TEST(f.transport.server() == f.server.url());
}

BOOST_AUTO_TEST_CASE(a_post_carries_its_body) {
    fixture f;
    call c, empty;
    c.request.verb = http::method::post;
    c.request.target = "/push";
    c.request.body = std::string(3'000'000, 'x');
    c.request.fields = {{"User-Agent", "mine"}};
    f.run({&c});
    BOOST_TEST(c.status() == 200u);
    BOOST_TEST((c.body == "POST /push " + c.request.body));
    BOOST_TEST(f.seen[0].fields.get("Content-Length") == "3000000");
    BOOST_TEST(f.seen[0].fields.get("User-Agent") == "mine");
    empty.request.verb = http::method::post;
    f.run({&empty});
    BOOST_TEST(f.seen[1].fields.get("Content-Length") == "0");
}

BOOST_AUTO_TEST_CASE(path_and_user_of_the_url_are_sent) {
    fixture f;
    auto url = http::parse_url("http://Aladdin:open%20sesame@127.0.0.1:" + std::to_string(f.server.port()) +
                               "/gate/way/")
                   .value();
    http::beast_transport t(f.context.get_executor(), url);
    call c;
    c.request.target = "/x?y";
    f.run(t, {&c});
    BOOST_TEST(c.body == "GET /gate/way/x?y ");
    BOOST_TEST(f.seen[0].fields.get("Authorization") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    BOOST_TEST(t.server() ==
               "http://Aladdin:****@127.0.0.1:" + std::to_string(f.server.port()) + "/gate/way");
}

BOOST_AUTO_TEST_CASE(base64_pads) {
    using http::detail::base64;
    BOOST_TEST(base64("") == "");
    BOOST_TEST(base64("f") == "Zg==");
    BOOST_TEST(base64("fo") == "Zm8=");
    BOOST_TEST(base64("foo") == "Zm9v");
    BOOST_TEST(base64("foob\xff\xfe") == "Zm9vYv/+");
}

BOOST_AUTO_TEST_CASE(a_connection_is_used_again) {
    fixture f;
    for (int i = 0; i != 5; ++i)
        BOOST_TEST(f.get("/" + std::to_string(i)).status() == 200u);
    BOOST_TEST(f.server.connections() == 1u);
    BOOST_TEST(f.server.requests() == 5u);
    BOOST_TEST(f.transport.idle_connections() == 1u);
    f.transport.close_idle_connections();
    BOOST_TEST(f.get("/").status() == 200u);
    BOOST_TEST(f.server.connections() == 2u);
}

BOOST_AUTO_TEST_CASE(exchanges_run_side_by_side) {
    http::transport_options options;
    options.max_idle_connections = 3;
    fixture f({}, options);
    std::vector<call> calls(10);
    std::vector<call*> all;
    for (auto& c : calls) {
        c.request.target = "/" + std::to_string(all.size());
        all.push_back(&c);
    }
    f.run(all);
    for (std::size_t i = 0; i != calls.size(); ++i)
        BOOST_TEST(calls[i].body == "GET /" + std::to_string(i) + ' ');
    BOOST_TEST(f.server.connections() == 10u);
    BOOST_TEST(f.transport.idle_connections() == 3u);
}

BOOST_AUTO_TEST_CASE(a_server_that_closes_gets_a_new_connection) {
    http_server_options options;
    options.keep_alive = false;
    fixture f(options);
    BOOST_TEST(f.get("/1").status() == 200u);
    BOOST_TEST(f.transport.idle_connections() == 0u);
    BOOST_TEST(f.get("/2").status() == 200u);
    BOOST_TEST(f.server.connections() == 2u);
}

BOOST_AUTO_TEST_CASE(any_status_is_an_answer) {
    fixture f;
    for (unsigned status : {204u, 304u, 500u, 429u, 204u, 404u}) {
        f.handle = [status](const http::request&) {
            return reply{status, {{"Retry-After", "7"}}, status >= 400 ? "why" : ""};
        };
        const call c = f.get("/");
        BOOST_TEST(c.status() == status);
        BOOST_TEST(c.answer->value().fields.get("retry-after") == "7");
        BOOST_TEST(c.body == (status >= 400 ? "why" : ""));
    }
    f.handle = [](const http::request&) -> reply { throw std::runtime_error("broken"); };
    BOOST_TEST(f.get("/").body == "broken");
    f.handle = [](const http::request&) { return reply{}; };
    BOOST_TEST(f.get("/").body == "");
    BOOST_TEST(f.server.connections() == 1u);
}

BOOST_AUTO_TEST_CASE(a_big_body_arrives_in_pieces) {
    std::string big(20'000'000, '\0');
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i != big.size(); ++i) {
        const unsigned byte = static_cast<unsigned>(i * 2654435761u >> 13) & 0xff;
        big[i] = static_cast<char>(byte);
        sum += byte * (i % 1009);
    }
    for (std::size_t chunk_size : {std::size_t(0), std::size_t(1'000'003), std::size_t(700)})
        BOOST_TEST_CONTEXT("chunk size " << chunk_size) {
            http_server_options options;
            options.chunk_size = chunk_size;
            fixture f(options);
            f.handle = [&](const http::request&) { return reply{200, {}, big}; };
            std::uint64_t at = 0, got = 0;
            std::size_t longest = 0;
            call c;
            c.sink = [&](const http::response_head&, std::string_view chunk) -> result<void> {
                longest = std::max(longest, chunk.size());
                for (char b : chunk)
                    got += static_cast<unsigned char>(b) * (at++ % 1009);
                return {};
            };
            f.run({&c});
            BOOST_TEST(c.status() == 200u);
            BOOST_TEST(at == big.size());
            BOOST_TEST(got == sum);
            BOOST_TEST(longest <= 256u * 1024);
            BOOST_TEST(f.get("/").body.size() == big.size());
            BOOST_TEST(f.server.connections() == 1u);
        }
}

BOOST_AUTO_TEST_CASE(a_body_may_end_with_the_connection) {
    fixture f;
    raw_server raw(f.context, {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "HTTP/1.0 200 OK\r\n\r\n",
                               "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                               "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"});
    http::beast_transport t(f.context.get_executor(), raw.url());
    call a, b, c;
    f.run(t, {&a});
    BOOST_TEST(a.status() == 200u);
    BOOST_TEST(a.body == "until the end");
    f.run(t, {&b});
    BOOST_TEST(b.status() == 200u);
    BOOST_TEST(b.body == "");
    f.run(t, {&c});
    BOOST_TEST(c.status() == 201u);
    BOOST_TEST(c.body == "ok");
    BOOST_TEST(c.answer->value().fields.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_trailer_adds_no_field) {
    fixture f;
    raw_server raw(f.context, {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n"
                               "2\r\nok\r\n0\r\nX: late\r\n\r\n"});
    http::beast_transport t(f.context.get_executor(), raw.url());
    call c;
    f.run(t, {&c});
    BOOST_TEST(c.body == "ok");
    BOOST_TEST(c.answer->value().fields.size() == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_no_answer_is_an_error) {
    const struct {
        std::string_view name;
        std::string answer;
        error_code code;
        std::string message;
    } table[] = {
        {"ssh", "SSH-2.0-OpenSSH_9.2\r\n\r\n", errc::unexpected_answer, "no valid HTTP answer: bad version"},
        {"status", "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n", errc::unexpected_answer,
         "no valid HTTP answer: bad status"},
        {"header", "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", errc::unexpected_answer,
         "no valid HTTP answer: header limit exceeded"},
        {"interim answers", repeat("HTTP/1.1 100 Continue\r\n\r\n", 101), errc::unexpected_answer,
         "more than 100 interim answers"},
        {"status line", "HTTP/1.1 200 " + std::string(20'000, 'x'), errc::unexpected_answer,
         "no valid HTTP answer: header limit exceeded"},
        {"fields", "HTTP/1.1 200 OK\r\n" + repeat("X: y\r\n", 5000), errc::unexpected_answer,
         "no valid HTTP answer: header limit exceeded"},
        {"a field's line break", "HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n", errc::unexpected_answer,
         "no valid HTTP answer: bad value"},
        {"a field's escape", "HTTP/1.1 200 OK\r\nX: \x1b[2J\r\n\r\n", errc::unexpected_answer,
         "no valid HTTP answer: bad value"},
        {"nothing", "", asio::error::eof, "the server closed the connection without an answer"},
        {"half head", "HTTP/1.1 200 OK\r\nContent-", boost::beast::http::error::partial_message,
         "the answer broke off after 0 bytes"},
        {"half body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
         boost::beast::http::error::partial_message, "the answer broke off after 3 bytes"},
        {"half chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\nde",
         boost::beast::http::error::partial_message, "the answer broke off after 5 bytes"},
        {"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
         boost::beast::http::error::partial_message, "the answer broke off after 3 bytes"},
        {"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
         errc::unexpected_answer, "no valid HTTP answer: bad chunk"},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.name) {
            fixture f;
            raw_server raw(f.context, {t.answer});
            http::beast_transport transport(f.context.get_executor(), raw.url());
            call c;
            f.run(transport, {&c});
            BOOST_TEST(c.failure().code == t.code, c.failure().code.message());
            BOOST_TEST(c.failure().message == raw.url().display() + ": " + t.message);
            BOOST_TEST(transport.idle_connections() == 0u);
            BOOST_TEST(raw.requests.size() == 1u);
        }
}

BOOST_AUTO_TEST_CASE(a_body_has_a_limit) {
    for (std::size_t chunk_size : {std::size_t(0), std::size_t(100)})
        BOOST_TEST_CONTEXT("chunk size " << chunk_size) {
            http_server_options options;
            options.chunk_size = chunk_size;
            fixture f(options);
            f.handle = [](const http::request&) { return reply{200, {}, std::string(1000, 'x')}; };
            call fits, over;
            fits.request.max_response_size = 1000;
            over.request.max_response_size = 999;
            f.run({&fits});
            BOOST_TEST(fits.status() == 200u);
            BOOST_TEST(fits.body.size() == 1000u);
            f.run({&over});
            BOOST_TEST(over.failure().code == errc::response_too_large);
            BOOST_TEST(over.failure().message == f.server.url() + ": the answer is larger than 999 bytes");
            BOOST_TEST(over.body.size() <= 999u);
            BOOST_TEST(f.transport.idle_connections() == 0u);
        }
}

BOOST_AUTO_TEST_CASE(the_sink_can_end_the_exchange) {
    fixture f;
    call c, thrower;
    c.sink = [](const http::response_head&, std::string_view) -> result<void> {
        return error(errc::page_syntax, "no page");
    };
    f.run({&c});
    BOOST_TEST(c.failure().code == errc::page_syntax);
    BOOST_TEST(c.failure().message == "no page");
    BOOST_TEST(f.transport.idle_connections() == 0u);
    thrower.sink = [](const http::response_head&, std::string_view) -> result<void> {
        throw std::logic_error("thrown");
    };
    BOOST_CHECK_THROW(f.run({&thrower}), std::logic_error);
    BOOST_TEST(f.transport.idle_connections() == 0u);
    BOOST_TEST(f.get("/").status() == 200u);
}

BOOST_AUTO_TEST_CASE(each_fault_has_its_error) {
    const struct {
        fault what;
        std::size_t chunk_size;
        error_code code;
        std::string message;
        std::size_t handled;
    } table[] = {
        {fault::refuse, 0, asio::error::connection_reset, "no answer: Connection reset by peer", 0},
        {fault::reset_before, 0, asio::error::connection_reset, "no answer: Connection reset by peer", 0},
        {fault::reset_after, 0, asio::error::connection_reset, "no answer: Connection reset by peer", 1},
        {fault::hang, 0, errc::timed_out, "no answer for 50ms", 0},
        {fault::truncate, 0, boost::beast::http::error::partial_message, "the answer broke off after 5 bytes",
         1},
        {fault::truncate, 2, boost::beast::http::error::partial_message, "the answer broke off after 5 bytes",
         1},
        {fault::stall, 0, errc::timed_out, "the answer stopped after 5 bytes for 50ms", 1},
        {fault::stall, 2, errc::timed_out, "the answer stopped after 5 bytes for 50ms", 1},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT("fault " << static_cast<int>(t.what)) {
            http_server_options options;
            options.chunk_size = t.chunk_size;
            fixture f(options);
            f.handle = [](const http::request&) { return reply{200, {}, "0123456789"}; };
            f.server.on_request([&](const http::request&) { return t.what; });
            call c;
            c.request.idle_timeout = 50ms;
            f.run({&c});
            BOOST_TEST(c.failure().code == t.code, c.failure().code.message());
            BOOST_TEST(c.failure().message == f.server.url() + ": " + t.message);
            BOOST_TEST(f.seen.size() == t.handled);
            BOOST_TEST(f.server.requests() == 1u);
            BOOST_TEST(f.transport.idle_connections() == 0u);
            f.server.on_request(nullptr);
            BOOST_TEST(f.get("/").status() == 200u);
        }
}

BOOST_AUTO_TEST_CASE(a_slow_answer_is_no_silence) {
    http_server_options options;
    options.slow_pace = 1ms;
    fixture f(options);
    f.server.on_request([](const http::request&) { return fault::slow; });
    f.handle = [](const http::request&) { return reply{200, {}, std::string(100, 'x')}; };
    // The answer takes more than 130 ms, head and body together.
    call c, late;
    c.request.idle_timeout = 100ms;
    f.run({&c});
    BOOST_TEST(c.status() == 200u);
    BOOST_TEST(c.body == std::string(100, 'x'));
    BOOST_TEST(c.chunks > 1u);
    late.request.total_timeout = 60ms;
    f.run({&late});
    BOOST_TEST(late.failure().code == errc::timed_out);
    BOOST_TEST(late.failure().message == f.server.url() + ": the exchange took longer than 60ms");
}

BOOST_AUTO_TEST_CASE(the_total_time_bounds_a_silence_too) {
    fixture f;
    f.server.on_request([](const http::request&) { return fault::hang; });
    call c;
    c.request.total_timeout = 50ms;
    f.run({&c});
    BOOST_TEST(c.failure().code == errc::timed_out);
    BOOST_TEST(c.failure().message == f.server.url() + ": the exchange took longer than 50ms");
}

BOOST_AUTO_TEST_CASE(a_connection_closed_while_idle_is_replaced) {
    fixture f;
    BOOST_TEST(f.get("/").status() == 200u);
    f.server.drop_connections();
    BOOST_TEST(f.get("/").status() == 200u);
    BOOST_TEST(f.server.connections() == 2u);
}

BOOST_AUTO_TEST_CASE(an_idle_connection_that_spoke_is_not_used) {
    fixture f;
    const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    raw_server raw(f.context, {answer + "HTTP/1.1 408 Request Timeout\r\n\r\n", answer});
    raw.closes = false;
    http::beast_transport t(f.context.get_executor(), raw.url());
    call a, b;
    f.run(t, {&a});
    BOOST_TEST(a.body == "ok");
    f.run(t, {&b});
    BOOST_TEST(b.status() == 200u);
    BOOST_TEST(b.body == "ok");
}

BOOST_AUTO_TEST_CASE(a_kept_connection_that_fails_is_replaced_once) {
    fixture f;
    BOOST_TEST(f.get("/").status() == 200u);
    std::size_t asked = 0;
    f.server.on_request(
        [&](const http::request&) { return ++asked == 1 ? fault::reset_before : fault::none; });
    BOOST_TEST(f.get("/").status() == 200u);
    BOOST_TEST(asked == 2u);
    BOOST_TEST(f.server.connections() == 2u);
    // The new one fails too.
    f.server.on_request([&](const http::request&) { return ++asked, fault::reset_before; });
    BOOST_TEST(f.get("/").failure().code == asio::error::connection_reset);
    BOOST_TEST(asked == 4u);
    BOOST_TEST(f.get("/").failure().code == asio::error::connection_reset);
    BOOST_TEST(asked == 5u);
    // A time limit is no closed connection.
    f.server.on_request(nullptr);
    BOOST_TEST(f.get("/").status() == 200u);
    f.server.on_request([&](const http::request&) { return ++asked, fault::hang; });
    call c;
    c.request.idle_timeout = 50ms;
    f.run({&c});
    BOOST_TEST(c.failure().code == errc::timed_out);
    BOOST_TEST(asked == 6u);
}

BOOST_AUTO_TEST_CASE(an_early_answer_counts_though_sending_failed) {
    fixture f;
    raw_server raw(f.context, {"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig"});
    raw.closes = true;
    http::beast_transport t(f.context.get_executor(), raw.url());
    call c;
    c.request.verb = http::method::post;
    c.request.body.assign(30'000'000, 'x');
    f.run(t, {&c});
    // Where the reset overtakes the answer, that is an error of sending.
    BOOST_TEST_REQUIRE(c.answer.has_value());
    if (c.answer->has_value())
        BOOST_TEST(c.status() == 413u);
    else
        BOOST_TEST(contains(c.failure().message, raw.url().display() + ": send: "), c.failure().message);
    BOOST_TEST(t.idle_connections() == 0u);
}

BOOST_AUTO_TEST_CASE(a_refused_connection_names_the_server) {
    fixture f;
    tcp::acceptor closed(f.context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    const std::string port = std::to_string(closed.local_endpoint().port());
    closed.close();
    for (const std::string host : {"127.0.0.1", "localhost"}) {
        const auto url = http::parse_url("http://u:secret@" + host + ':' + port).value();
        http::beast_transport t(f.context.get_executor(), url);
        call c;
        f.run(t, {&c});
        BOOST_TEST(c.failure().code == asio::error::connection_refused);
        BOOST_TEST(c.failure().message ==
                   "http://u:****@" + host + ':' + port + ": connect: Connection refused");
    }
}

BOOST_AUTO_TEST_CASE(a_name_is_resolved) {
    fixture f;
    auto url = http::parse_url("http://localhost:" + std::to_string(f.server.port())).value();
    http::beast_transport t(f.context.get_executor(), url);
    call c;
    f.run(t, {&c});
    BOOST_TEST(c.status() == 200u);
}

BOOST_AUTO_TEST_CASE(connecting_has_a_limit) {
    // A listener whose queue is full drops what comes; Linux then lets the client wait.
    fixture f;
    tcp::acceptor full(f.context);
    full.open(tcp::v4());
    full.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    full.listen(0);
    std::vector<tcp::socket> fill;
    for (int i = 0; i != 4; ++i) {
        fill.emplace_back(f.context);
        fill.back().async_connect(full.local_endpoint(), [](error_code) {});
    }
    const auto url =
        http::parse_url("http://127.0.0.1:" + std::to_string(full.local_endpoint().port())).value();
    http::transport_options options;
    options.connect_timeout = 50ms;
    {
        http::beast_transport t(f.context.get_executor(), url, options);
        call c;
        f.run(t, {&c});
        BOOST_TEST(c.failure().code == errc::timed_out);
        BOOST_TEST(c.failure().message == url.display() + ": connect: timed out after 50ms");
        call idle;
        idle.request.idle_timeout = 20ms;
        f.run(t, {&idle});
        BOOST_TEST(idle.failure().message == url.display() + ": connect: timed out after 20ms");
    }
    {
        http::beast_transport t(f.context.get_executor(), url);
        call c;
        c.request.total_timeout = 30ms;
        f.run(t, {&c});
        BOOST_TEST(c.failure().code == errc::timed_out);
        BOOST_TEST(c.failure().message == url.display() + ": the exchange took longer than 30ms");
    }
}

BOOST_AUTO_TEST_CASE(https_needs_another_transport) {
    fixture f;
    http::beast_transport t(f.context.get_executor(), http::parse_url("https://127.0.0.1:1").value());
    call c;
    f.run(t, {&c});
    BOOST_TEST(c.failure().code == errc::tls_not_supported);
    BOOST_TEST(c.failure().message == "https://127.0.0.1:1: this transport does not support https");
}

BOOST_AUTO_TEST_CASE(a_line_break_cannot_smuggle_a_field) {
    fixture f;
    call target, value;
    target.request.target = "/\r\nX: y";
    value.request.fields = {{"X", "a\nb"}};
    f.run({&target});
    BOOST_TEST(target.failure().code == asio::error::invalid_argument);
    f.run({&value});
    BOOST_TEST(value.failure().message == f.server.url() + ": the field X holds a line break or a zero byte");
    BOOST_TEST(f.server.requests() == 0u);
}

BOOST_AUTO_TEST_CASE(cancellation_abandons_the_exchange) {
    for (const fault what : {fault::hang, fault::stall})
        BOOST_TEST_CONTEXT("fault " << static_cast<int>(what)) {
            fixture f;
            f.handle = [](const http::request&) { return reply{200, {}, "0123456789"}; };
            asio::cancellation_signal signal;
            call c;
            int left = 1;
            c.sink = [&](const http::response_head&, std::string_view chunk) -> result<void> {
                c.body += chunk;
                asio::post(f.context, [&] { signal.emit(asio::cancellation_type::terminal); });
                return {};
            };
            f.server.on_request([&](const http::request&) {
                if (what == fault::hang)
                    asio::post(f.context, [&] { signal.emit(asio::cancellation_type::terminal); });
                return what;
            });
            asio::co_spawn(
                f.context, run_call(f.transport, c),
                asio::bind_cancellation_slot(signal.slot(), finish{&c, &left, [&] { f.context.stop(); }}));
            f.context.run();
            // The result is given, or the next co_await has thrown.
            BOOST_TEST_REQUIRE(c.answer.has_value());
            BOOST_TEST(c.failure().code == asio::error::operation_aborted);
            BOOST_TEST(c.failure().message == f.server.url() + ": cancelled");
            BOOST_TEST(f.transport.idle_connections() == 0u);
            f.server.on_request(nullptr);
            BOOST_TEST(f.get("/").status() == 200u);
            BOOST_TEST(f.server.connections() == 2u);
            BOOST_TEST(f.server.open_connections() == 1u);
        }
}

BOOST_AUTO_TEST_CASE(the_transport_may_go_before_its_exchange) {
    fixture f;
    auto t = std::make_unique<http::beast_transport>(f.context.get_executor(),
                                                     http::parse_url(f.server.url()).value());
    f.server.on_request([&](const http::request&) {
        t.reset();
        return fault::none;
    });
    call c;
    f.run(*t, {&c});
    BOOST_TEST(c.status() == 200u);
}

BOOST_AUTO_TEST_CASE(an_exchange_may_be_left_to_the_context) {
    // The context dies with a request under way; the sanitizers watch.
    call c;
    c.sink = keep_text{&c};
    asio::io_context context;
    http_server server(context.get_executor(), [](const http::request&) { return reply{}; });
    http::beast_transport t(context.get_executor(), http::parse_url(server.url()).value());
    server.on_request([&](const http::request&) {
        context.stop();
        return fault::hang;
    });
    asio::co_spawn(context, run_call(t, c), [](std::exception_ptr) {});
    context.run();
    BOOST_TEST(!c.answer.has_value());
}

BOOST_AUTO_TEST_CASE(a_server_takes_what_curl_sends) {
    fixture f;
    tcp::socket s(f.context);
    s.connect(tcp::endpoint(asio::ip::address_v4::loopback(), f.server.port()));
    asio::write(
        s, asio::buffer(std::string("POST /a HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"
                                    "DELETE /b HTTP/1.1\r\nConnection: close\r\n\r\n")));
    f.context.restart();
    std::string got;
    asio::async_read(s, asio::dynamic_buffer(got), [&](error_code, std::size_t) { f.context.stop(); });
    f.context.run();
    BOOST_TEST(got.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), got);
    BOOST_TEST(contains(got, "POST /a hiHTTP/1.1 405 Method Not Allowed\r\n"), got);
    BOOST_TEST(f.seen.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
