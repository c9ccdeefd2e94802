// A transport, servers to talk to, and what came of it; for tests only.
#ifndef LOKISHIP_TESTS_UNIT_HTTP_EXCHANGE_FIXTURE_HPP
#define LOKISHIP_TESTS_UNIT_HTTP_EXCHANGE_FIXTURE_HPP

#include "printing.hpp"

#include <lokiship/http/beast_transport.hpp>
#include <lokiship/testing/http_server.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lokiship {

namespace asio = boost::asio;
using asio::ip::tcp;
using testing::fault;
using testing::http_server;
using testing::http_server_options;
using testing::reply;

/// One exchange: what went in and what came out.
struct call {
    http::request request{};
    http::body_sink sink{};
    std::optional<result<http::response_head>> answer{};
    std::exception_ptr thrown{};
    std::string body{};
    std::size_t chunks = 0;

    error failure() const {
        BOOST_TEST_REQUIRE(answer.has_value());
        BOOST_TEST_REQUIRE(answer->has_error());
        return answer->error();
    }
    unsigned status() const {
        BOOST_TEST_REQUIRE(answer.has_value());
        BOOST_TEST_REQUIRE(answer->has_value(), answer->error().message);
        return answer->value().status;
    }
};

template <http::transport T>
asio::awaitable<void> run_call(T& t, call& c) {
    c.answer = co_await t.send(c.request, c.sink);
}

struct keep_text {
    call* c;
    result<void> operator()(const http::response_head& head, std::string_view chunk) const {
        BOOST_TEST(head.status != 0u);
        c->body += chunk;
        ++c->chunks;
        return {};
    }
};

/// What runs after an exchange: its exception is kept, and the last one stops the servers.
struct finish {
    call* c;
    int* left;
    std::function<void()> stop;
    void operator()(std::exception_ptr e) const {
        c->thrown = e;
        if (--*left == 0)
            stop();
    }
};

/// A context, a server on it, and a transport to it.
struct fixture {
    asio::io_context context;
    std::vector<http::request> seen{};
    testing::handler handle = [](const http::request& r) {
        return reply{
            200, {{"X-Test", "yes"}}, std::string(http::to_string(r.verb)) + ' ' + r.target + ' ' + r.body};
    };
    http_server server;
    http::beast_transport transport;

    explicit fixture(http_server_options so = {}, http::transport_options to = {})
        : server(
              context.get_executor(),
              [this](const http::request& r) {
                  seen.push_back(r);
                  return handle(r);
              },
              so)
        , transport(context.get_executor(), http::parse_url(server.url()).value(), std::move(to)) {}
    ~fixture() {
        // The coroutines of the server end.
        server.stop();
        context.restart();
        context.run();
    }

    /// Runs the exchanges side by side until all are complete.
    void run(const std::vector<call*>& calls) { run(transport, calls); }
    template <http::transport T>
    void run(T& t, const std::vector<call*>& calls) {
        int left = static_cast<int>(calls.size());
        for (call* c : calls) {
            if (!c->sink)
                c->sink = keep_text{c};
            asio::co_spawn(context, run_call(t, *c), finish{c, &left, [this] { context.stop(); }});
        }
        context.restart();
        context.run();
        for (call* c : calls)
            if (c->thrown)
                std::rethrow_exception(c->thrown);
    }
    call get(std::string target) {
        call c;
        c.request.target = std::move(target);
        run({&c});
        // It refers to this object.
        c.sink = nullptr;
        return c;
    }
};

/// A server that says what it is told to and closes, whatever is asked.
struct raw_server {
    tcp::acceptor acceptor;
    std::uint16_t port;
    std::vector<std::string> answers;
    std::vector<std::string> requests{};
    bool closes = true;

    raw_server(asio::io_context& context, std::vector<std::string> texts)
        : acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0))
        , port(acceptor.local_endpoint().port())
        , answers(std::move(texts)) {
        asio::co_spawn(context, serve(*this), [](std::exception_ptr) {});
    }
    http::url url() const { return http::parse_url("http://127.0.0.1:" + std::to_string(port)).value(); }
    static asio::awaitable<void> serve(raw_server& self) {
        std::vector<tcp::socket> kept;
        for (const std::string& text : self.answers) {
            tcp::socket socket = co_await self.acceptor.async_accept(asio::use_awaitable);
            std::string request;
            co_await asio::async_read_until(socket, asio::dynamic_buffer(request), "\r\n\r\n",
                                            asio::use_awaitable);
            self.requests.push_back(std::move(request));
            co_await asio::async_write(socket, asio::buffer(text), asio::use_awaitable);
            if (!self.closes)
                kept.push_back(std::move(socket));
        }
        self.acceptor.close();
    }
};

} // namespace lokiship

#endif
