// A Loki that takes every push, counts what is in it and keeps nothing, on loopback until SIGTERM.
// usage: sink [--limits] [LATENCY-MS]    from the end of a push to the answer
// With --limits it refuses what Loki 3 refuses by its defaults (and keeps what it takes, to know): 4 MB a
// second of a tenant with a burst of 6 MB, 3 MB a second of a stream with a burst of 15 MB. It has no
// /config. Prints LOKI_URL=… once it answers; GET /count gives, as JSON, `pushes` and `bytes` as they came,
// `refused` (429) of them, the `entries` and `line_bytes` that were taken, the times in Unix ns of the
// `first` push and the `last` one that was taken, and of what was taken behind the tenant's first burst,
// `steady_bytes` in `steady_ns`.
#include <lokiship/testing/fake_loki.hpp>
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
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace lokiship;
namespace asio = boost::asio;
namespace wire = boost::beast::http;
using asio::ip::tcp;

namespace {

constexpr auto token = asio::as_tuple(asio::use_awaitable);

std::int64_t now() {
    return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

struct counts {
    std::uint64_t pushes = 0, bytes = 0, refused = 0, entries = 0, line_bytes = 0, steady_bytes = 0;
    std::int64_t first = 0, last = 0, steady_since = 0;

    void take(const std::vector<testing::pushed_stream>& streams) {
        static constexpr std::uint64_t burst = 6 << 20;
        last = now();
        const auto before = line_bytes;
        for (const auto& s : streams) {
            entries += s.entries.size();
            for (const auto& e : s.entries)
                line_bytes += e.line.size();
        }
        if (before >= burst)
            steady_bytes += line_bytes - before;
        else
            steady_since = last;
    }

    std::string json() const {
        std::string out;
        const auto add = [&out](std::string_view name, auto n) {
            out += out.empty() ? "{\"" : ",\"";
            out.append(name).append("\":").append(std::to_string(n));
        };
        add("pushes", pushes);
        add("bytes", bytes);
        add("refused", refused);
        add("entries", entries);
        add("line_bytes", line_bytes);
        add("first", first);
        add("last", last);
        add("steady_bytes", steady_bytes);
        add("steady_ns", last - steady_since);
        return out + '}';
    }
};

struct sink {
    std::chrono::milliseconds latency{};
    std::optional<testing::fake_loki> limits{};
    counts count{};

    wire::response<wire::string_body> answer(wire::request<wire::string_body> r) {
        wire::response<wire::string_body> out(wire::status::no_content, r.version());
        out.keep_alive(r.keep_alive());
        if (r.method() == wire::verb::post && r.target() == "/loki/api/v1/push") {
            push(r, out);
            if (out.result() == wire::status::no_content)
                return out;
        } else if (r.target() == "/count") {
            out.result(wire::status::ok);
            out.body() = count.json();
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

    void push(wire::request<wire::string_body>& r, wire::response<wire::string_body>& out) {
        if (count.pushes++ == 0)
            count.first = now();
        count.bytes += r.body().size();
        http::request push;
        push.verb = http::method::post;
        push.target = "/loki/api/v1/push";
        for (const auto name : {"Content-Type", "Content-Encoding"})
            if (const auto value = r[name]; !value.empty())
                push.fields.add(name, std::string(value.data(), value.size()));
        push.body = std::move(r.body());
        const auto streams =
            testing::decode_push(push, testing::loki_version::v3, testing::decode_protobuf_push);
        if (!streams) {
            out.result(wire::status::bad_request);
            out.body() = streams.error().message;
            return;
        }
        if (limits) {
            auto reply = (*limits)(push);
            if (reply.status != 204) {
                count.refused += reply.status == 429;
                out.result(reply.status);
                out.body() = std::move(reply.body);
                return;
            }
        }
        count.take(*streams);
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
    sink s;
    for (int i = 1; i != argc; ++i) {
        if (argv[i] != std::string_view("--limits")) {
            s.latency = std::chrono::milliseconds(std::stoi(argv[i]));
            continue;
        }
        s.limits.emplace(testing::loki_limits::v3());
        s.limits->decode_others_with(testing::decode_protobuf_push);
    }
    tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    asio::co_spawn(context, listen(s, acceptor), asio::detached);
    std::cout << "LOKI_URL=http://127.0.0.1:" << acceptor.local_endpoint().port() << std::endl;
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](auto, int) { context.stop(); });
    context.run();
}
