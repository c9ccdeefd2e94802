#include <lokiship/http/observed_transport.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/testing/fake_http.hpp>
#include <lokiship/testing/manual_clock.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(observed_transport)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

using fake_transport = fake_http<manual_clock>;
using observed = http::observed_transport<fake_transport, manual_clock>;
static_assert(http::transport<observed>);

struct seen {
    http::exchange_report report;
    std::string path;
};

struct bench {
    boost::asio::io_context context;
    manual_clock time;
    fake_transport inner{[](const http::request& r) {
                             return r.verb == http::method::get ? reply{200, {}, "0123456789"}
                                                                : reply{429, {}, "slow"};
                         },
                         time, "http://server"};
    std::vector<seen> told;
    observed transport{inner, time,
                       [this](const http::exchange_report& r) { told.push_back({r, std::string(r.path)}); }};

    result<http::response_head> send(const http::request& r, const http::body_sink& sink) {
        result<http::response_head> out = error(errc::bad_status, "not completed");
        boost::asio::co_spawn(context, transport.send(r, sink),
                              [&out](std::exception_ptr, result<http::response_head> head) { out = head; });
        time.run_for(context, 1h);
        return out;
    }
};

result<void> ignore(const http::response_head&, std::string_view) {
    return {};
}

} // namespace

BOOST_AUTO_TEST_CASE(each_exchange_is_told) {
    bench b;
    b.inner.latency(3s);
    BOOST_TEST(b.transport.server() == "http://server");
    http::request r;
    r.target = "/api/logs?limit=3";
    std::string body;
    const auto got = b.send(r, [&body](const http::response_head&, std::string_view chunk) -> result<void> {
        body += chunk;
        return {};
    });
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_TEST(body == "0123456789");
    r.verb = http::method::post;
    r.target = "/push";
    r.body = "12345";
    BOOST_TEST(b.send(r, ignore)->status == 429u);
    BOOST_TEST_REQUIRE(b.told.size() == 2u);
    BOOST_TEST(b.told[0].path == "/api/logs");
    BOOST_TEST(b.told[0].report.status == 200u);
    BOOST_TEST(b.told[0].report.sent_bytes == 0u);
    BOOST_TEST(b.told[0].report.received_bytes == 10u);
    BOOST_TEST(b.told[0].report.duration == 3s);
    BOOST_TEST(b.told[1].path == "/push");
    BOOST_TEST((b.told[1].report.verb == http::method::post));
    BOOST_TEST(b.told[1].report.status == 429u);
    BOOST_TEST(b.told[1].report.sent_bytes == 5u);
    BOOST_TEST(b.told[1].report.received_bytes == 4u);
}

BOOST_AUTO_TEST_CASE(one_without_a_whole_answer_has_no_status) {
    bench b;
    http::request r;
    for (const fault f : {fault::refuse, fault::truncate, fault::hang}) {
        b.inner.always(f);
        BOOST_TEST(!b.send(r, ignore));
        BOOST_TEST(b.told.back().report.status == 0u);
    }
    b.inner.always(fault::none);
    const auto refused = b.send(r, [](const http::response_head&, std::string_view) -> result<void> {
        return error(errc::bad_status, "no");
    });
    BOOST_TEST(!refused);
    BOOST_TEST(b.told.back().report.status == 0u);
    BOOST_TEST(b.told.size() == 4u);
}

BOOST_AUTO_TEST_SUITE_END()
