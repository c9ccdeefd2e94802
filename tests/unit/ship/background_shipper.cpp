#include <lokiship/beast.hpp>
#include <lokiship/http/credentials.hpp>
#include <lokiship/http/tls_transport.hpp>
#include <lokiship/testing/fake_backend.hpp>
#include <lokiship/testing/fake_loki.hpp>
#include <lokiship/testing/http_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

BOOST_AUTO_TEST_SUITE(background_shipper_)

using namespace lokiship;
using namespace std::chrono_literals;

namespace {

/// A backend with some executions and a Loki, served on loopback by a thread of their own.
struct served_world {
    testing::fake_backend backend;
    testing::fake_loki loki;
    boost::asio::io_context context{1};
    testing::http_server backend_server{context.get_executor(), std::ref(backend)};
    testing::http_server loki_server{context.get_executor(), std::ref(loki)};
    std::thread thread;

    explicit served_world(unsigned executions) {
        for (unsigned i = 0; i != executions; ++i) {
            testing::execution e;
            e.id = std::to_string(i);
            e.server_tag = "web";
            e.created = system_clock().wall_now() - 1min * i;
            e.results = {{1, "ls", "Success", 0, "out", ""}, {2, "df", "Failed", 1, "", "err"}};
            backend.add(e);
        }
        thread = std::thread([this] { context.run(); });
    }
    void stop() {
        if (!thread.joinable())
            return;
        boost::asio::post(context, [this] { context.stop(); });
        thread.join();
    }
    ~served_world() { stop(); }
};

/// Waits for the counters to say something.
struct gate {
    std::mutex mutex;
    std::condition_variable changed;
    ship::counters last;

    std::function<void(const ship::counters&)> watcher() {
        return [this](const ship::counters& c) {
            const std::lock_guard lock(mutex);
            last = c;
            changed.notify_all();
        };
    }
    bool wait(const std::function<bool(const ship::counters&)>& enough) {
        std::unique_lock lock(mutex);
        return changed.wait_for(lock, 30s, [&] { return enough(last); });
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(construct_it_and_logs_flow) {
    served_world w(10);
    gate g;
    {
        ship::shipper_options o;
        o.on_counters = g.watcher();
        background_shipper s(w.backend_server.url(), w.loki_server.url(), o);
        BOOST_TEST(g.wait([](const auto& c) { return c.shipped == 20; }));
        BOOST_TEST(s.count().balanced());
        BOOST_TEST(s.count().shipped == 20u);
    }
    w.stop();
    BOOST_TEST(w.loki.size() == 20u);
}

BOOST_AUTO_TEST_CASE(it_is_asked_and_ended_from_other_threads) {
    served_world w(200);
    std::uint64_t shipped = 0;
    for (unsigned round = 0; round != 8; ++round) {
        gate g;
        ship::shipper_options o;
        o.poll_interval = 1ms;
        o.on_counters = g.watcher();
        auto s = std::make_unique<background_shipper>(w.backend_server.url(), w.loki_server.url(), o);
        std::atomic<bool> enough = false;
        std::vector<std::thread> askers;
        std::atomic<unsigned> unbalanced = 0;
        for (unsigned n = 0; n != 3; ++n)
            askers.emplace_back([&] {
                while (!enough)
                    unbalanced += !s->count().balanced();
            });
        BOOST_TEST(g.wait([&](const auto& c) { return c.shipped + c.duplicate > round * 10; }));
        enough = true;
        for (auto& a : askers)
            a.join();
        BOOST_TEST(unbalanced == 0u);
        // By another thread than it was made by.
        std::thread([&] { s.reset(); }).join();
        shipped += g.last.shipped;
    }
    w.stop();
    BOOST_TEST(shipped >= w.loki.size());
    BOOST_TEST(w.loki.size() != 0u);
}

BOOST_AUTO_TEST_CASE(the_transports_may_be_of_any_kind_and_have_credentials) {
    served_world w(3);
    std::atomic<unsigned> good = 0, bad = 0;
    w.loki_server.on_request([&](const http::request& r) {
        ++(r.fields.get("Authorization") == "Bearer geheim" && r.fields.get("X-Scope-OrgID") == "us" ? good
                                                                                                     : bad);
        return testing::fault::none;
    });
    http::transport_options to_loki;
    to_loki.authorization = http::bearer_authorization(http::secret::text("geheim"));
    to_loki.fields.add("X-Scope-OrgID", "us");
    const auto ship_over = [&](auto kind) {
        using transport = typename decltype(kind)::type;
        gate g;
        ship::shipper_options o;
        o.on_counters = g.watcher();
        const ship::basic_background_shipper<transport> s(
            [&](auto executor) {
                return transport(executor, http::parse_url(w.backend_server.url()).value());
            },
            [&](auto executor) {
                return transport(executor, http::parse_url(w.loki_server.url()).value(), to_loki);
            },
            o);
        BOOST_TEST(g.wait([](const auto& c) { return c.shipped == 6; }));
    };
    ship_over(std::type_identity<http::beast_transport>());
    ship_over(std::type_identity<http::tls_transport>());
    BOOST_TEST(good != 0u);
    BOOST_TEST(bad == 0u);
}

BOOST_AUTO_TEST_CASE(it_ends_within_its_time_whatever_loki_does) {
    served_world w(3);
    gate g;
    w.loki_server.on_request([](const http::request&) { return testing::fault::hang; });
    {
        ship::shipper_options o;
        o.stop_timeout = 50ms;
        o.on_counters = g.watcher();
        background_shipper s(w.backend_server.url(), w.loki_server.url(), o);
        BOOST_TEST(g.wait([](const auto& c) { return c.pending == 6; }));
    } // would hang until the push's own limit, ten seconds
    BOOST_TEST(g.last.shipped == 0u);
}

BOOST_AUTO_TEST_CASE(nobody_there_disturbs_nobody) {
    gate g;
    ship::shipper_options o;
    o.on_counters = g.watcher();
    background_shipper s("http://127.0.0.1:1", "http://127.0.0.1:1", o);
    BOOST_TEST(g.wait([](const auto& c) { return c.pages_failed == 1; }));
}

BOOST_AUTO_TEST_CASE(a_bad_url_is_said_at_once) {
    BOOST_CHECK_THROW(background_shipper("loki:3100", "http://h"), boost::system::system_error);
    ship::shipper_options o;
    o.batch_size = 0;
    BOOST_CHECK_THROW(background_shipper("http://h", "http://h", o), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()
