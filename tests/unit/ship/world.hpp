// A backend, a Loki and a clock, all in memory, and the shells between them.
#ifndef LOKISHIP_TESTS_UNIT_SHIP_WORLD_HPP
#define LOKISHIP_TESTS_UNIT_SHIP_WORLD_HPP

#include "printing.hpp"

#include <lokiship/ship/backfill.hpp>
#include <lokiship/ship/shipper.hpp>
#include <lokiship/testing/fake_backend.hpp>
#include <lokiship/testing/fake_http.hpp>
#include <lokiship/testing/fake_loki.hpp>
#include <lokiship/testing/manual_clock.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lokiship::testing {

using fake_transport = fake_http<manual_clock>;

/// A UUID made from a number.
inline std::string uuid(unsigned n) {
    char text[40];
    std::snprintf(text, sizeof text, "%08x-0000-4000-8000-000000000000", n);
    return text;
}

struct world {
    explicit world(const loki_limits& limits = {})
        : loki(limits, [this] { return time.wall_now(); }) {}

    boost::asio::io_context context;
    manual_clock time;
    fake_backend backend;
    fake_loki loki;
    fake_transport backend_http{std::ref(backend), time, "http://backend"};
    fake_transport loki_http{std::ref(loki), time, "http://loki"};
    std::vector<std::string> log;
    ship::counters last;
    std::size_t unbalanced = 0;

    /// Execution `n` with so many steps, created `age` ago, on one of three servers.
    execution make(unsigned n, std::size_t steps, std::chrono::nanoseconds age = {}) const {
        execution e;
        e.id = uuid(n);
        e.server_id = uuid(1000 + n % 3);
        e.server_tag = "prod-web-0" + std::to_string(n % 3);
        e.agent_type = "network";
        e.created = time.wall_now() - age;
        e.status = steps == 0 ? "Planned" : "Success";
        for (std::size_t s = 1; s <= steps; ++s)
            e.results.push_back({static_cast<long>(s), "echo " + std::to_string(n), "Success", 0,
                                 "out " + std::to_string(n) + '.' + std::to_string(s), ""});
        return e;
    }

    template <class Options>
    Options watched(Options o) {
        o.log = [this](ship::severity level, std::string_view text) {
            log.push_back((level == ship::severity::warning ? "W " : "I ") + std::string(text));
        };
        o.on_counters = [this](const ship::counters& c) {
            last = c;
            unbalanced += !c.balanced();
        };
        return o;
    }

    /// Runs an operation to its end on virtual time, which goes on by `limit` at most.
    template <class T>
    T complete(boost::asio::awaitable<T> operation, std::chrono::nanoseconds limit = std::chrono::hours(10)) {
        std::optional<T> out;
        std::exception_ptr failure;
        boost::asio::co_spawn(context, std::move(operation), [&](std::exception_ptr e, T value) {
            failure = e;
            out = std::move(value);
        });
        time.run_for(context, limit);
        if (failure)
            std::rethrow_exception(failure);
        BOOST_TEST_REQUIRE(out.has_value(), "the operation did not end");
        return std::move(*out);
    }

    ~world() {
        BOOST_TEST(unbalanced == 0u);
        BOOST_TEST(backend.writes_refused() == 0u);
    }
};

/// A shipper that runs in a world, stopped when it is destroyed.
class running_shipper {
public:
    using type = ship::basic_shipper<fake_transport, manual_clock>;

    explicit running_shipper(world& w, ship::shipper_options o = {})
        : world_(w)
        , shipper_(w.backend_http, w.loki_http, w.time, w.watched(std::move(o))) {
        boost::asio::co_spawn(w.context, shipper_.run(), [this](std::exception_ptr e) {
            ended_ = true;
            failure_ = e;
        });
    }
    running_shipper(const running_shipper&) = delete;
    running_shipper& operator=(const running_shipper&) = delete;
    ~running_shipper() {
        shipper_.stop();
        world_.time.run_for(world_.context, std::chrono::minutes(2));
        BOOST_TEST(ended_);
        BOOST_TEST(!failure_);
    }

    void run_for(std::chrono::nanoseconds d) { world_.time.run_for(world_.context, d); }
    type& operator*() noexcept { return shipper_; }
    type* operator->() noexcept { return &shipper_; }
    bool ended() const noexcept { return ended_; }

private:
    world& world_;
    type shipper_;
    bool ended_ = false;
    std::exception_ptr failure_;
};

/// A shell that can be killed: what it does ends in the middle, and nothing of it runs any more.
template <class Shell>
class mortal {
public:
    template <class Options>
    mortal(world& w, Options o)
        : world_(w)
        , shell_(std::make_unique<Shell>(w.backend_http, w.loki_http, w.time, w.watched(std::move(o))))
        , context_(std::make_unique<boost::asio::io_context>()) {
        boost::asio::co_spawn(*context_, shell_->run(), [this](std::exception_ptr e, const auto&...) {
            BOOST_TEST(!e);
            ended_ = true;
        });
    }
    void run_for(std::chrono::nanoseconds d) { world_.time.run_for(*context_, d); }
    /// Does `n` of the things that wait to be done, and no more.
    void step(std::size_t n) {
        while (n != 0) {
            context_->restart();
            if (context_->poll_one() != 0) {
                --n;
                continue;
            }
            const auto wake = world_.time.next_wake();
            if (!wake)
                return;
            world_.time.advance(*wake - world_.time.steady_now());
        }
    }
    bool ended() const noexcept { return ended_; }
    Shell* operator->() noexcept { return shell_.get(); }

private:
    world& world_;
    bool ended_ = false;
    std::unique_ptr<Shell> shell_;
    std::unique_ptr<boost::asio::io_context> context_;
};

using mortal_shipper = mortal<ship::basic_shipper<fake_transport, manual_clock>>;
using mortal_backfill = mortal<ship::basic_backfill<fake_transport, manual_clock>>;

} // namespace lokiship::testing

#endif
