#include "ship/world.hpp"

#include <lokiship/loki/json_encoder.hpp>

#include <algorithm>
#include <stdexcept>

BOOST_AUTO_TEST_SUITE(shipper_status)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(nothing_has_happened_at_first) {
    world w;
    ship::basic_shipper<fake_transport, manual_clock> shipper(w.backend_http, w.loki_http, w.time, {});
    const auto s = shipper.status();
    BOOST_TEST((s.count == ship::counters{}));
    BOOST_TEST(s.streams == 0u);
    BOOST_TEST(s.lag() == 0ns);
    BOOST_TEST(s.backend.up);
    BOOST_TEST(!s.backend.last_success);
    BOOST_TEST(!s.loki.last_success);
    BOOST_TEST(s.backend.last_error.empty());
}

BOOST_AUTO_TEST_CASE(what_waits_for_loki_lags_behind) {
    world w;
    for (unsigned i = 0; i != 6; ++i)
        w.backend.add(w.make(i, 2, 10min - i * 1min));
    const auto newest = w.time.wall_now() - 5min;
    w.loki_http.always(fault::refuse);
    running_shipper s(w);
    s.run_for(1s);
    auto now = s->status();
    BOOST_TEST(now.count.pending == 12u);
    BOOST_TEST(now.streams == 3u);
    BOOST_TEST(now.memory > 1000u);
    BOOST_TEST(now.lag() == 5min);
    BOOST_TEST((now.newest_read == newest));
    BOOST_TEST((now.oldest_pending == newest - 5min));
    BOOST_TEST(now.dedup_keys == 0u);
    BOOST_TEST(now.dedup_capacity == 10'000u);
    BOOST_TEST(now.backend.up);
    BOOST_TEST(now.backend.last_success.has_value());
    BOOST_TEST(!now.loki.up);
    BOOST_TEST(now.loki.failures >= 1u);
    BOOST_TEST(!now.loki.last_success);
    BOOST_TEST(now.loki.last_error.find("http://loki") != std::string::npos);

    w.loki_http.always(fault::none);
    s.run_for(2min);
    now = s->status();
    BOOST_TEST(now.count.pending == 0u);
    BOOST_TEST(now.lag() == 0ns);
    BOOST_TEST(now.dedup_keys == 12u);
    BOOST_TEST(now.loki.up);
    BOOST_TEST(now.loki.failures == 0u);
    BOOST_TEST((now.loki.last_success > now.loki.last_failure));
    BOOST_TEST(!now.loki.last_error.empty()); // what it was, though it is over

    w.backend_http.always(fault::reset_before);
    s.run_for(1min);
    now = s->status();
    BOOST_TEST(!now.backend.up);
    BOOST_TEST(now.loki.up);
    BOOST_TEST(now.backend.failures == 2u);
    BOOST_TEST(now.backend.last_error.find("http://backend") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(pushes_under_way_are_seen) {
    world w;
    w.backend.add(w.make(0, 2, 10min));
    w.backend.add(w.make(1, 2, 9min));
    w.loki_http.latency(5s);
    running_shipper s(w);
    s.run_for(1s);
    BOOST_TEST(s->status().pushes_in_flight == 2u);
    BOOST_TEST(s->status().push_concurrency >= 2u);
    s.run_for(10s);
    BOOST_TEST(s->status().pushes_in_flight == 0u);
}

BOOST_AUTO_TEST_CASE(a_push_that_succeeds_counts_while_others_fail) {
    world w;
    for (unsigned i = 0; i != 3; ++i)
        w.backend.add(w.make(i, 1, 10min));
    unsigned asked = 0;
    w.loki_http.decide(
        [&asked](const http::request&) { return asked++ == 0 ? fault::none : fault::reset_before; });
    running_shipper s(w);
    s.run_for(1s);
    const auto now = s->status();
    BOOST_TEST(!now.loki.up);
    BOOST_TEST(now.loki.last_success.has_value());
    w.loki_http.always(fault::none);
}

BOOST_AUTO_TEST_CASE(it_shows_that_it_lives_whatever_the_servers_do) {
    const auto busy = [](const http::request&) { return reply{503, {{"Retry-After", "7200"}}, "later"}; };
    for (const bool full : {false, true})
        for (const fault f : {fault::none, fault::hang, fault::stall, fault::reset_before})
            BOOST_TEST_CONTEXT(full << ' ' << static_cast<int>(f)) {
                world w;
                for (unsigned i = 0; i != 100; ++i)
                    w.backend.add(w.make(i, 3, 200min - i * 1min));
                fake_transport busy_http(busy, w.time, "http://loki");
                w.backend_http.always(f);
                ship::shipper_options o;
                o.max_pending = full ? 1 : 100'000;
                using shell = ship::basic_shipper<fake_transport, manual_clock>;
                shell shipper(w.backend_http, full ? busy_http : w.loki_http, w.time, w.watched(o));
                bool ended = false;
                boost::asio::co_spawn(w.context, shipper.run(), [&](std::exception_ptr) { ended = true; });
                std::chrono::nanoseconds longest{};
                for (int i = 0; i != 3 * 3600 / 5; ++i) {
                    w.time.run_for(w.context, 5s);
                    longest = std::max(longest, w.time.steady_now() - shipper.status().last_activity);
                }
                BOOST_TEST(longest <= o.longest_silence());
                BOOST_TEST(longest > 10s);
                shipper.stop();
                w.time.run_for(w.context, 2min);
                BOOST_TEST(ended);
            }
}

BOOST_AUTO_TEST_CASE(an_update_goes_on_with_what_was_begun) {
    world w;
    w.backend.add(w.make(0, 2, 10min));
    w.loki_http.latency(5s);
    ship::shipper_options o;
    running_shipper s(w, o);
    s.run_for(1s); // a push is under way
    o.poll_interval = 1min;
    o.batch_size = 7;
    o.redact = [](std::string& text) {
        const bool found = text.find("out 1") != text.npos;
        if (found)
            text = "[REDACTED]";
        return found;
    };
    bool made = false;
    o.delivery.make_encoder = [&made] {
        made = true;
        return std::make_unique<loki::json_encoder>();
    };
    std::string target;
    w.backend_http.decide([&target](const http::request& r) {
        target = r.target;
        return fault::none;
    });
    s->update(w.watched(o));
    w.loki_http.latency(0s);
    s.run_for(10s);
    BOOST_TEST(s->count().shipped == 2u);
    w.backend.add(w.make(1, 2));
    const auto asked = w.backend.requests();
    s.run_for(5min);
    BOOST_TEST(w.backend.requests() - asked <= 6u);
    BOOST_TEST(w.backend.requests() - asked >= 5u);
    BOOST_TEST(target.find("limit=7") != std::string::npos);
    BOOST_TEST(made);
    BOOST_TEST(s->count().shipped == 4u);
    BOOST_TEST(s->count().redacted == 2u);
    BOOST_TEST(w.loki.received_entries() == 4u); // none twice
}

BOOST_AUTO_TEST_CASE(reading_back_can_be_turned_on_and_off) {
    world w;
    w.backend.add(w.make(0, 2, 1min));
    ship::shipper_options o;
    running_shipper s(w, o);
    s.run_for(1min);
    o.verify_interval = 1min;
    s->update(w.watched(o));
    w.backend.add(w.make(1, 2));
    s.run_for(5min);
    BOOST_TEST(s->count().verified == 2u);
    o.verify_interval = 0s;
    s->update(w.watched(o));
    w.backend.add(w.make(2, 2));
    s.run_for(5min);
    BOOST_TEST(s->count().verified == 2u);
    BOOST_TEST(s->count().shipped == 6u);
}

BOOST_AUTO_TEST_CASE(a_shorter_interval_begins_at_once) {
    world w;
    ship::shipper_options o;
    o.poll_interval = 24h;
    running_shipper s(w, o);
    s.run_for(1min);
    o.poll_interval = 10s;
    s->update(w.watched(o));
    w.backend.add(w.make(0, 2));
    s.run_for(15s);
    BOOST_TEST(s->count().shipped == 2u);
    BOOST_TEST((w.time.steady_now() - s->status().last_activity <= 10s));
    // A longer one after the poll that is due.
    o.poll_interval = 1h;
    s->update(w.watched(o));
    const auto asked = w.backend.requests();
    s.run_for(50min);
    BOOST_TEST(w.backend.requests() - asked <= 1u);
    BOOST_TEST(!s.ended());
}

BOOST_AUTO_TEST_CASE(one_that_was_stopped_before_asks_nobody) {
    world w;
    w.backend.add(w.make(0, 2));
    for (const bool resume : {false, true}) {
        w.loki_http.always(fault::refuse);
        ship::shipper_options o;
        o.resume_from_loki = resume;
        ship::basic_shipper<fake_transport, manual_clock> shipper(w.backend_http, w.loki_http, w.time,
                                                                  w.watched(o));
        shipper.stop();
        BOOST_TEST(!w.complete(shipper.run_once(), 1min).has_value());
        bool ended = false;
        boost::asio::co_spawn(w.context, shipper.run(), [&ended](std::exception_ptr) { ended = true; });
        w.time.run_for(w.context, 1min);
        BOOST_TEST(ended);
    }
    BOOST_TEST(w.backend.requests() == 0u);
    BOOST_TEST(w.loki_http.requests().empty());
}

BOOST_AUTO_TEST_CASE(loki_is_up_again_where_it_has_all_that_waited) {
    world w;
    w.backend.add(w.make(0, 2, 1min));
    {
        running_shipper first(w);
        first.run_for(1min);
        BOOST_TEST(w.loki.size() == 2u);
    }
    // Another one knows nothing of that, and finds it in Loki, which fails once when it is asked for it.
    unsigned checks = 0;
    w.loki_http.decide([&checks](const http::request& r) {
        const bool check = r.target.find("server_id") != std::string::npos;
        return r.verb == http::method::post || (check && checks++ == 0) ? fault::refuse : fault::none;
    });
    ship::shipper_options o;
    o.resume_from_loki = true;
    running_shipper s(w, o);
    s.run_for(10ms);
    BOOST_TEST(checks == 1u);
    BOOST_TEST(!s->status().loki.up);
    s.run_for(5min);
    BOOST_TEST(s->count().pending == 0u);
    BOOST_TEST(s->count().duplicate >= 2u);
    BOOST_TEST(s->status().loki.up);
}

BOOST_AUTO_TEST_CASE(a_bad_update_changes_nothing) {
    world w;
    ship::shipper_options o;
    running_shipper s(w, o);
    s.run_for(1s);
    o.batch_size = 0;
    BOOST_CHECK_THROW(s->update(o), std::invalid_argument);
    w.backend.add(w.make(0, 2));
    s.run_for(1min);
    BOOST_TEST(s->count().shipped == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
