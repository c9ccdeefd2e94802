// A Loki that takes every push, counts what is in it and keeps nothing, on loopback until SIGTERM.
// usage: sink [LATENCY-MS]    from the end of a push to the answer
// Prints LOKI_URL=… once it answers; GET /count gives {"pushes":…,"bytes":…,"entries":…}, the bytes as they
// came.
#include <lokiship/testing/fake_loki/protobuf_push.hpp>
#include <lokiship/testing/fake_loki/push_body.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <chrono>
#include <cstdint>
#include <iostream>
#include <string>
#include <utility>

using namespace lokiship;
namespace asio = boost::asio;
namespace wire = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);

struct sink {
    std::chrono::milliseconds latency;
    std::uint64_t pushes = 0, bytes = 0, entries = 0;

    wire::response<wire::string_body> answer(wire::request<wire::string_body> r) {
        http::request push;
        for (const auto name : {"Content-Type", "Content-Encoding"})
            if (const auto value = r[name]; !value.empty())
                push.fields.add(name, std::string(value.data(), value.size()));
        push.body = std::move(r.body());
        wire::response<wire::string_body> out(wire::status::no_content, r.version());
        out.keep_alive(r.keep_alive());
        if (r.method() == wire::verb::post && r.target() == "/loki/api/v1/push") {
            bytes += push.body.size();
            ++pushes;
            const auto streams =
                testing::decode_push(push, testing::loki_version::v3, testing::decode_protobuf_push);
            if (streams) {
                for (const auto& s : *streams)
                    entries += s.entries.size();
                return out;
            }
            out.result(wire::status::bad_request);
            out.body() = streams.error().message;
        } else if (r.target() == "/count") {
            out.result(wire::status::ok);
            out.body() = "{\"pushes\":" + std::to_string(pushes) + ",\"bytes\":" + std::to_string(bytes) +
                         ",\"entries\":" + std::to_string(entries) + '}';
        } else if (r.target().starts_with("/loki/api/v1/query_range")) {
            out.result(wire::status::ok);
            out.body() = R"({"status":"success","data":{"resultType":"streams","result":[]}})";
        } else if (r.target().starts_with("/loki/api/v1/")) {
            out.result(wire::status::ok);
            out.body() = R"({"status":"success","data":[]})";
        } else {
            out.result(wire::status::not_found);
        }
        out.prepare_payload();
        return out;
    }
};

asio::awaitable<void> serve(sink& s, tcp::socket socket) {
    boost::beast::flat_buffer buffer;
    buffer.reserve(256 * 1024);
    asio::steady_timer timer(socket.get_executor());
    for (;;) {
        wire::request_parser<wire::string_body> parser;
        parser.body_limit(boost::none);
        const auto [read_error, read] = co_await wire::async_read(socket, buffer, parser, token);
        if (read_error)
            co_return;
        const bool is_push = parser.get().method() == wire::verb::post;
        auto answer = s.answer(parser.release());
        if (is_push && s.latency.count() != 0) {
            timer.expires_after(s.latency);
            co_await timer.async_wait(token);
        }
        const auto [write_error, written] = co_await wire::async_write(socket, answer, token);
        if (write_error)
            co_return;
    }
}

asio::awaitable<void> listen(sink& s, tcp::acceptor& acceptor) {
    for (;;) {
        auto [ec, socket] = co_await acceptor.async_accept(token);
        if (ec)
            co_return;
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(acceptor.get_executor(), serve(s, std::move(socket)), asio::detached);
    }
}

} // namespace

int main(int argc, char** argv) {
    asio::io_context context(1);
    sink s{std::chrono::milliseconds(argc > 1 ? std::stoi(argv[1]) : 0)};
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    asio::co_spawn(context, listen(s, acceptor), asio::detached);
    std::cout << "LOKI_URL=http://127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](auto, int) { context.stop(); });
    context.run();
}
