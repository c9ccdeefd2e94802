// The archetypes: the least that satisfies each concept; and near misses, each lacking one thing.
#include <lokiship/clock.hpp>
#include <lokiship/http/transport.hpp>
#include <lokiship/ship/backfill.hpp>
#include <lokiship/ship/shipper.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(concepts_)

using namespace lokiship;
using boost::asio::awaitable;

namespace {

struct least_transport {
    least_transport() = delete;
    least_transport(const least_transport&) = delete;
    explicit least_transport(int) {}
    awaitable<result<http::response_head>> send(const http::request&, const http::body_sink&) {
        co_return error(errc::timed_out, "never");
    }
    std::string server() const { return "http://nowhere"; }
};
struct least_clock {
    least_clock() = delete;
    least_clock(const least_clock&) = delete;
    explicit least_clock(int) {}
    timestamp wall_now() { return {}; }
    steady_time steady_now() { return {}; }
    awaitable<void> sleep_for(std::chrono::nanoseconds) { co_return; }
};
static_assert(http::transport<least_transport>);
static_assert(lokiship::clock<least_clock>);

struct not_awaitable : least_transport {
    result<http::response_head> send(const http::request&, const http::body_sink&);
};
struct no_result : least_transport {
    awaitable<http::response_head> send(const http::request&, const http::body_sink&);
};
struct mutable_request : least_transport {
    awaitable<result<http::response_head>> send(http::request&, const http::body_sink&);
};
struct no_name : least_transport {
    void server() const;
};
struct name_changes : least_transport {
    std::string server();
};
static_assert(!http::transport<not_awaitable>);
static_assert(!http::transport<no_result>);
static_assert(!http::transport<mutable_request>);
static_assert(!http::transport<no_name>);
static_assert(!http::transport<name_changes>);
static_assert(!http::transport<int>);
static_assert(!http::transport<const least_transport>);

struct seconds_only : least_clock {
    std::chrono::sys_seconds wall_now();
};
struct wall_for_steady : least_clock {
    timestamp steady_now();
};
struct blocking_sleep : least_clock {
    void sleep_for(std::chrono::nanoseconds);
};
static_assert(!lokiship::clock<seconds_only>);
static_assert(!lokiship::clock<wall_for_steady>);
static_assert(!lokiship::clock<blocking_sleep>);
static_assert(!lokiship::clock<std::chrono::system_clock>);

} // namespace

BOOST_AUTO_TEST_CASE(the_shells_need_no_more_than_the_concepts_say) {
    least_transport backend(1), loki(1);
    least_clock time(1);
    ship::basic_shipper<least_transport, least_clock> shipper(backend, loki, time, {});
    ship::basic_backfill<least_transport, least_clock> backfill(backend, loki, time, {});
    boost::asio::io_context context;
    bool read_failed = false;
    boost::asio::co_spawn(context, backfill.run(), [&](std::exception_ptr e, ship::backfill_result r) {
        read_failed = !e && r.read_failure.has_value();
    });
    context.run();
    BOOST_TEST(read_failed);
}

BOOST_AUTO_TEST_SUITE_END()
