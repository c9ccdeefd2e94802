#include <lokiship/http/beast_transport.hpp>
#include <lokiship/http/url.hpp>
#include <lokiship/testing/exchange.hpp>
#include <lokiship/testing/fake_http.hpp>
#include <lokiship/testing/http_server.hpp>
#include <lokiship/testing/manual_clock.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <string>

BOOST_AUTO_TEST_SUITE(exchange_)

namespace asio = boost::asio;
namespace http = lokiship::http;
using namespace lokiship::testing;

namespace {

/// The status and the body of one exchange.
template <class Transport>
std::string exchange(asio::io_context& context, Transport& transport) {
    std::optional<std::string> out;
    std::string body;
    const http::request r;
    const http::body_sink sink = [&](const http::response_head&,
                                     std::string_view chunk) -> lokiship::result<void> {
        body += chunk;
        return {};
    };
    asio::co_spawn(context, transport.send(r, sink),
                   [&](std::exception_ptr, lokiship::result<http::response_head> head) {
                       out = head ? std::to_string(head->status) + ' ' + body : head.error().message;
                   });
    context.restart();
    while (!out && context.run_one() != 0) {
    }
    return *out;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_proxy_answers_in_html_without_the_handler) {
    std::size_t called = 0;
    const handler h = [&](const http::request&) { return ++called, reply{200, {}, "ours"}; };
    const std::string expected = "502 " + proxy_error().body;
    BOOST_TEST(expected.find("<html>") != std::string::npos);

    asio::io_context context;
    fake_http<manual_clock> fake(h, manual_clock());
    fake.script({fault::proxy_html, fault::none});
    BOOST_TEST(exchange(context, fake) == expected);
    BOOST_TEST(called == 0u);
    BOOST_TEST(exchange(context, fake) == "200 ours");

    http_server server(context.get_executor(), h);
    server.on_request([](const http::request&) { return fault::proxy_html; });
    http::beast_transport transport(context.get_executor(), http::parse_url(server.url()).value());
    BOOST_TEST(exchange(context, transport) == expected);
    BOOST_TEST(called == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
