#include "common/http_service.hpp"

#include <lokiship/http/beast_transport.hpp>
#include <lokiship/http/whole_answer.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <exception>
#include <future>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

BOOST_AUTO_TEST_SUITE(http_service)

using namespace lokiship;
using boost::asio::ip::tcp;

namespace {

/// A service on a free port, which runs in a thread of its own.
struct running {
    boost::asio::io_context context{1};
    std::vector<std::string> asked;
    tools::http_service service{context.get_executor(), tools::parse_listen_address("127.0.0.1:0").value(),
                                [this](const tools::service_request& r) -> tools::service_answer {
                                    asked.emplace_back(r.path);
                                    if (r.path == "/throw")
                                        throw std::runtime_error("no way");
                                    return {200, "text/plain",
                                            std::string(r.path) + ' ' + std::string(r.accept)};
                                }};
    std::thread thread;

    running() {
        service.start();
        thread = std::thread([this] { context.run(); });
    }
    ~running() {
        boost::asio::post(context, [this] { service.stop(); });
        // Nothing keeps the loop running.
        thread.join();
    }

    tcp::socket connect(boost::asio::io_context& c) const {
        const std::string url = service.url();
        tcp::socket out(c);
        out.connect({boost::asio::ip::make_address("127.0.0.1"),
                     static_cast<unsigned short>(std::stoul(url.substr(url.rfind(':') + 1)))});
        return out;
    }
    /// What comes back for these bytes until the service closes the connection.
    std::string send(const std::string& bytes) const {
        boost::asio::io_context c;
        tcp::socket s = connect(c);
        boost::system::error_code ec;
        boost::asio::write(s, boost::asio::buffer(bytes), ec);
        std::string out;
        boost::asio::read(s, boost::asio::dynamic_buffer(out), ec);
        return out;
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(answers_get_and_head) {
    running r;
    const std::string got =
        r.send("GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
    BOOST_TEST(got.starts_with("HTTP/1.1 200 OK\r\n"));
    BOOST_TEST(got.ends_with("\r\n\r\n/a text/html"));
    BOOST_TEST(got.find("Content-Security-Policy: default-src 'none'") != got.npos);
    const std::string head = r.send("HEAD /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    BOOST_TEST(head.find("Content-Length: 3\r\n") != head.npos);
    BOOST_TEST(head.ends_with("\r\n\r\n"));
}

BOOST_AUTO_TEST_CASE(a_connection_takes_several_requests) {
    running r;
    const std::string got = r.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
                                   "GET /3 HTTP/1.0\r\n\r\n");
    BOOST_TEST((r.asked == std::vector<std::string>{"/1", "/2", "/3"}));
    BOOST_TEST(got.ends_with("/3 "));
}

BOOST_AUTO_TEST_CASE(other_methods_and_broken_requests_are_refused) {
    running r;
    const std::string post = r.send("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    BOOST_TEST(post.starts_with("HTTP/1.1 405 "));
    BOOST_TEST(post.find("Allow: GET, HEAD\r\n") != post.npos);
    BOOST_TEST(r.send("nonsense\r\n\r\n").empty());
    BOOST_TEST(r.send("GET / HTTP/1.1\r\nX: " + std::string(10'000, 'x') + "\r\n\r\n").empty());
    BOOST_TEST(r.asked.empty());
    const std::string thrown = r.send("GET /throw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    BOOST_TEST(thrown.starts_with("HTTP/1.1 500 "));
    BOOST_TEST(thrown.ends_with("no way\n"));
}

BOOST_AUTO_TEST_CASE(connections_are_bounded_and_end_with_it) {
    boost::asio::io_context c;
    std::vector<tcp::socket> open;
    {
        running r;
        for (int i = 0; i != 64; ++i) {
            open.push_back(r.connect(c));
            // Answered, so that it counts by now.
            boost::asio::write(open.back(),
                               boost::asio::buffer(std::string("GET / HTTP/1.1\r\nHost: x\r\n\r\n")));
            char first = 0;
            boost::asio::read(open.back(), boost::asio::buffer(&first, 1));
        }
        tcp::socket one_more = r.connect(c);
        char unused = 0;
        boost::system::error_code ec;
        boost::asio::read(one_more, boost::asio::buffer(&unused, 1), ec);
        BOOST_TEST(ec.failed());
    }
    for (auto& s : open) {
        boost::system::error_code ec;
        std::string rest;
        boost::asio::read(s, boost::asio::dynamic_buffer(rest), ec);
        BOOST_TEST(ec.failed());
    }
}

BOOST_AUTO_TEST_CASE(a_taken_port_is_an_error) {
    running r;
    const auto at = tools::parse_listen_address(r.service.url().substr(7));
    BOOST_TEST_REQUIRE(at.has_value());
    boost::asio::io_context c;
    BOOST_CHECK_THROW(tools::http_service(c.get_executor(), *at, {}), boost::system::system_error);
}

BOOST_AUTO_TEST_CASE(addresses_are_read) {
    for (const char* good : {"127.0.0.1:9404", "0.0.0.0:1", "[::1]:9404", "localhost:0", "[::]:65535"})
        BOOST_TEST(tools::parse_listen_address(good).has_value(), good);
    BOOST_TEST(tools::parse_listen_address("localhost:80")->address().to_string() == "127.0.0.1");
    for (const char* bad : {"", "9404", ":9404", "host:9404", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
                            "127.0.0.1:-1", "127.0.0.1:9x", "::1:9404", "[::1]", "127.0.0.1:999999999999"})
        BOOST_TEST(!tools::parse_listen_address(bad).has_value(), bad);
}

BOOST_AUTO_TEST_SUITE_END()
