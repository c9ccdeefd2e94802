#include <lokiship/beast.hpp>
#include <lokiship/testing/fake_backend.hpp>
#include <lokiship/testing/fake_loki.hpp>
#include <lokiship/testing/http_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>

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
