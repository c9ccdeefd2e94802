// A Loki that acknowledges and loses, and shells that read back what they shipped.
#include "ship/world.hpp"

#include <algorithm>
#include <utility>

BOOST_AUTO_TEST_SUITE(verification_)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;
using loki::reject_reason;

namespace {

/// The world's Loki, which acknowledges and drops the pushes that hold `lost` as often as `times` says.
struct forgetful {
    world& w;
    std::string lost;
    int times;
    fake_transport transport{[this](const http::request& r) -> reply {
                                 if (times != 0 && r.body.find(lost) != std::string::npos) {
                                     --times;
                                     return {204, {}, {}};
                                 }
                                 return w.loki(r);
                             },
                             w.time, "http://forgetful"};
};

/// Runs one step of a backfill to its end.
boost::asio::awaitable<bool> whole(boost::asio::awaitable<void> step) {
    co_await std::move(step);
    co_return true;
}

/// Ten executions of two steps in three streams, the youngest a minute old.
void fill(world& w, std::chrono::nanoseconds step = 1min) {
    for (unsigned i = 0; i != 10; ++i)
        w.backend.add(w.make(i, 2, step * (i + 1)));
}

} // namespace

BOOST_AUTO_TEST_CASE(backfill_sees_all_that_it_shipped) {
    for (const std::size_t limit : {1u, 2u, 3u, 5000u}) {
        world w;
        fill(w);
        ship::backfill_options o;
        o.verify = true;
        o.read_back.limits.max_entries = limit;
        ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, w.loki_http, w.time,
                                                             w.watched(o));
        const auto r = w.complete(b.run());
        BOOST_TEST(!r.verify_failure.has_value());
        BOOST_TEST(r.not_visible == 0u);
        // With a limit of one, an answer cannot hold both steps of one moment.
        BOOST_TEST(b.count().verified == (limit == 1 ? 10u : 20u));
        BOOST_TEST(r.not_verified == (limit == 1 ? 10u : 0u));
        BOOST_TEST(b.count().lost == 0u);
        BOOST_TEST(b.count().shipped == 20u);
        BOOST_TEST(w.loki.received_entries() == 20u);
    }
}

BOOST_AUTO_TEST_CASE(backfill_sends_again_what_loki_lost_and_counts_what_it_loses_twice) {
    for (const int times : {1, 2, 3}) {
        world w;
        fill(w);
        forgetful loki{w, "prod-web-01", times};
        std::vector<reject_reason> rejected;
        ship::backfill_options o;
        o.verify = true;
        o.delivery.on_rejected = [&](const ship::rejection& r) { rejected.push_back(r.reason); };
        ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, loki.transport, w.time,
                                                             w.watched(o));
        const auto r = w.complete(b.run());
        BOOST_TEST(!r.verify_failure.has_value());
        BOOST_TEST(b.count().lost == 6u);
        BOOST_TEST(w.loki.size() == (times == 1 ? 20u : 14u));
        BOOST_TEST(b.count().shipped == w.loki.size());
        BOOST_TEST(b.count().verified == w.loki.size());
        BOOST_TEST(b.count().rejected_by_reason[static_cast<std::size_t>(reject_reason::not_stored)] ==
                   20u - w.loki.size());
        BOOST_TEST(rejected.size() == 20u - w.loki.size());
        const auto said = std::count_if(w.log.begin(), w.log.end(), [](const std::string& line) {
            return line.starts_with("W Loki refuses entries (not_stored), for example step 1 of execution ");
        });
        BOOST_TEST(said == (times == 1 ? 0 : 1));
        BOOST_TEST(b.count().balanced());
    }
}

BOOST_AUTO_TEST_CASE(what_is_too_old_to_show_is_no_loss) {
    world w;
    fill(w, 1h); // one to ten hours; those of the first two show at once
    ship::backfill_options o;
    o.verify = true;
    o.verify_wait = 1min;
    ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, w.loki_http, w.time, w.watched(o));
    const auto r = w.complete(b.run());
    BOOST_TEST(!r.verify_failure.has_value());
    BOOST_TEST(b.count().lost == 0u);
    BOOST_TEST(b.count().shipped == 20u);
    // Three streams, whose executions are three hours apart: chunks that span more than two hours are
    // flushed.
    BOOST_TEST(r.not_visible == 20u - b.count().verified);
    BOOST_TEST(b.count().verified >= 4u);
}

BOOST_AUTO_TEST_CASE(a_young_entry_that_shows_tells_nothing_of_older_ones) {
    // The second is between what must show unflushed and what may.
    for (const std::chrono::nanoseconds youngest : {30min, 2h + 40min}) {
        world w;
        w.backend.add(w.make(0, 1, 10h));
        w.backend.add(w.make(3, 1, 4h + 15min));
        w.backend.add(w.make(6, 1, youngest));
        // Loki flushes after the oldest: that shows, and the youngest does, but not what is between them.
        std::size_t pushes = 0;
        fake_transport flushed(
            [&](const http::request& r) {
                if (r.verb == http::method::post && ++pushes == 2)
                    w.loki.flush();
                return w.loki(r);
            },
            w.time, "http://flushed");
        ship::backfill_options o;
        o.verify = true;
        o.verify_wait = 20s;
        o.delivery.batch.max_entries = 1;
        ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, flushed, w.time, w.watched(o));
        const auto r = w.complete(b.run());
        BOOST_TEST(b.count().shipped == 3u);
        BOOST_TEST(b.count().verified == 2u);
        BOOST_TEST(b.count().lost == 0u);
        BOOST_TEST(r.not_visible == 1u);
    }
}

BOOST_AUTO_TEST_CASE(what_is_not_flushed_in_time_is_said_to_be_not_visible) {
    world w;
    for (unsigned i = 0; i != 4; ++i)
        w.backend.add(
            w.make(3 * i, 1, 4h + 1min * i)); // one stream within an hour: not flushed until it is idle
    for (const auto wait : {1min, 40min}) {
        ship::backfill_options o;
        o.verify = true;
        o.verify_wait = wait;
        ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, w.loki_http, w.time,
                                                             w.watched(o));
        const auto r = w.complete(b.run());
        BOOST_TEST(r.not_visible == (wait == 1min ? 4u : 0u));
        BOOST_TEST(b.count().verified == (wait == 1min ? 0u : 4u));
        BOOST_TEST(b.count().shipped == 4u);
        BOOST_TEST(b.count().lost == 0u);
    }
}

BOOST_AUTO_TEST_CASE(an_old_entry_that_is_missing_among_others_is_lost) {
    world w;
    fill(w, 1h);
    forgetful loki{w, "out 6.1", 1};
    ship::backfill_options o;
    o.verify = true;
    o.verify_wait = 2h;
    o.delivery.batch.max_entries = 1; // so that one entry is lost, not its stream
    ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, loki.transport, w.time,
                                                         w.watched(o));
    const auto r = w.complete(b.run());
    BOOST_TEST(!r.verify_failure.has_value());
    BOOST_TEST(loki.times == 0);
    BOOST_TEST(b.count().lost == 1u);
    BOOST_TEST(b.count().shipped == w.loki.size());
    BOOST_TEST(b.count().shipped + b.count().rejected == 20u);
    BOOST_TEST(b.count().verified + r.not_visible == w.loki.size());
}

BOOST_AUTO_TEST_CASE(a_loki_that_cannot_be_asked_is_named) {
    world w;
    fill(w);
    fake_transport mute(
        [&](const http::request& r) -> reply {
            return r.verb == http::method::get ? reply{500, {}, "query\x1b[2J failed"} : w.loki(r);
        },
        w.time, "http://mute");
    ship::backfill_options o;
    o.verify = true;
    ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, mute, w.time, w.watched(o));
    const auto r = w.complete(b.run());
    BOOST_TEST_REQUIRE(r.verify_failure.has_value());
    BOOST_TEST(r.verify_failure->message ==
               "http://mute/loki/api/v1/query_range: HTTP status 500: query\\x1b[2J failed");
    BOOST_TEST(b.count().shipped == 20u);
}

BOOST_AUTO_TEST_CASE(sparse_streams_of_a_history_are_read_back_in_few_queries) {
    world w;
    for (unsigned i = 0; i != 200; ++i) {
        auto e = w.make(i, 1, 30s * (i + 1));
        e.server_id = uuid(i % 100);
        e.server_tag = "web-" + std::to_string(i % 100);
        w.backend.add(e);
    }
    ship::backfill_options o;
    o.verify = true;
    forgetful loki{w, "out 77.1", 1};
    o.delivery.batch.max_entries = 1;
    ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, loki.transport, w.time,
                                                         w.watched(o));
    w.complete(whole(b.read()));
    w.complete(whole(b.look()));
    w.complete(whole(b.ship()));
    const auto pushed = loki.transport.requests().size();
    w.complete(whole(b.verify()));
    BOOST_TEST(b.count().verified == 200u);
    BOOST_TEST(b.count().lost == 1u);
    // Of 25 streams each; then the push of what was lost, and a query for it.
    BOOST_TEST(loki.transport.requests().size() - pushed == 6u);
}

BOOST_AUTO_TEST_CASE(a_slow_loki_is_not_asked_for_longer_than_the_wait) {
    for (const auto wait : {0s, 60s}) {
        world w;
        for (unsigned i = 0; i != 60; ++i) {
            auto e = w.make(i, 1, 1min * (i + 1));
            e.server_id = uuid(0);
            e.server_tag = std::string(800, 'x') + std::to_string(i); // no two of them fit into one query
            e.results[0].command.assign(100'000, 'x');                // nor all at once into memory
            w.backend.add(e);
        }
        bool lost = false;
        fake_transport slow(
            [&](const http::request& r) -> reply {
                if (r.body.find("out 0.1") != std::string::npos && !std::exchange(lost, true))
                    return {204, {}, {}};
                return w.loki(r);
            },
            w.time, "http://slow");
        ship::backfill_options o;
        o.verify = true;
        o.verify_wait = wait;
        ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, slow, w.time, w.watched(o));
        w.complete(whole(b.read()));
        w.complete(whole(b.look()));
        w.complete(whole(b.ship()));
        slow.latency(4s);
        const auto begun = w.time.steady_now();
        w.complete(whole(b.verify()));
        const auto& r = b.result();
        BOOST_TEST(!r.failed());
        // The last query, the push of what was lost.
        BOOST_TEST(((w.time.steady_now() - begun) <= std::max<std::chrono::nanoseconds>(wait, 30s) + 8s));
        BOOST_TEST(b.count().shipped == 60u);
        BOOST_TEST(b.count().verified >= (wait == 0s ? 6u : 14u));
        BOOST_TEST(b.count().verified <= (wait == 0s ? 8u : 16u));
        BOOST_TEST(r.not_visible == 0u);
        // What was not looked for is not taken for lost.
        BOOST_TEST(b.count().lost <= 1u);
        BOOST_TEST(r.not_verified == 60u - b.count().verified);
    }
}

BOOST_AUTO_TEST_CASE(a_loki_that_is_too_slow_for_many_streams_is_asked_for_fewer) {
    world w;
    for (unsigned i = 0; i != 64; ++i) {
        auto e = w.make(i, 1, 1min * (i + 1));
        e.server_id = uuid(i);
        w.backend.add(e);
    }
    w.loki_http.decide([](const http::request& r) {
        std::size_t bars = 0;
        for (auto at = r.target.find("%7C"); at != r.target.npos; at = r.target.find("%7C", at + 1))
            ++bars;
        return bars > 7 ? fault::hang : fault::none;
    });
    ship::backfill_options o;
    o.verify = true;
    o.verify_wait = 10min;
    ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, w.loki_http, w.time, w.watched(o));
    const auto r = w.complete(b.run());
    BOOST_TEST(!r.failed());
    BOOST_TEST(b.count().verified == 64u);
}

BOOST_AUTO_TEST_CASE(with_no_wait_at_all_everything_is_looked_for_once) {
    world w;
    fill(w);
    ship::backfill_options o;
    o.verify = true;
    o.verify_wait = 0s;
    w.loki_http.latency(500ms);
    ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, w.loki_http, w.time, w.watched(o));
    const auto r = w.complete(b.run());
    BOOST_TEST(b.count().verified == 20u);
    BOOST_TEST(r.not_visible + r.not_verified == 0u);
}

BOOST_AUTO_TEST_CASE(what_was_looked_for_before_the_limit_is_not_visible_after_it) {
    world w;
    for (unsigned i = 0; i != 4; ++i)
        w.backend.add(w.make(3 * i, 1, 4h + 1min * i)); // not flushed until it is idle
    w.backend.add(w.make(1, 1, 5h));
    ship::backfill_options o;
    o.verify = true;
    o.verify_wait = 3min;
    o.read_back.timeout = 10min;
    w.loki_http.latency(50s);
    ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, w.loki_http, w.time, w.watched(o));
    const auto r = w.complete(b.run());
    BOOST_TEST(r.not_visible == 5u);
    BOOST_TEST(r.not_verified == 0u);
    BOOST_TEST(b.count().lost == 0u);
}

BOOST_AUTO_TEST_CASE(shipd_reads_back_what_it_shipped_lately) {
    world w;
    fill(w);
    forgetful loki{w, "prod-web-02", 1};
    ship::shipper_options o;
    o.verify_interval = 5min;
    ship::basic_shipper<fake_transport, manual_clock> s(w.backend_http, loki.transport, w.time, w.watched(o));
    bool ended = false;
    boost::asio::co_spawn(w.context, s.run(), [&](std::exception_ptr) { ended = true; });
    w.time.run_for(w.context, 4min);
    BOOST_TEST(s.count().shipped == 20u);
    BOOST_TEST(w.loki.size() == 14u);
    w.time.run_for(w.context, 2min);
    BOOST_TEST(w.loki.size() == 20u);
    BOOST_TEST(s.count().shipped == 20u);
    BOOST_TEST(s.count().lost == 6u);
    w.time.run_for(w.context, 5min);
    BOOST_TEST(s.count().verified == 20u);
    // Once it is seen, it is not asked for again.
    const auto asked = loki.transport.requests().size();
    w.time.run_for(w.context, 20min);
    BOOST_TEST(loki.transport.requests().size() == asked);
    s.stop();
    w.time.run_for(w.context, 1min);
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_CASE(shipd_says_what_cannot_be_read_back) {
    world w;
    fill(w);
    ship::shipper_options o;
    o.verify_interval = 5min;
    o.read_back.limits.max_entries = 1;
    running_shipper s(w, o);
    s.run_for(6min);
    BOOST_TEST(s->count().shipped == 20u);
    BOOST_TEST(s->count().verified == 10u);
    BOOST_TEST(s->count().lost == 0u);
    const std::string warning =
        "W 10 entries cannot be read back, since Loki has more of their nanosecond than it shows";
    BOOST_TEST(std::count(w.log.begin(), w.log.end(), warning) == 1);
}

BOOST_AUTO_TEST_SUITE_END()
