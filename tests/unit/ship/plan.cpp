#include "ship/world.hpp"

#include <set>

BOOST_AUTO_TEST_SUITE(plan)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;
using loki::reject_reason;

namespace {

using backfill = ship::basic_backfill<fake_transport, manual_clock>;

/// What a Loki with these limits shows of itself.
ship::backfill_options knowing(const loki_limits& l) {
    ship::backfill_options o;
    o.limits.known = true;
    o.limits.reject_old_samples = l.reject_old_samples;
    o.limits.reject_old_samples_max_age = l.reject_old_samples_max_age;
    o.limits.creation_grace_period = l.creation_grace_period;
    o.limits.max_line_size = l.max_line_size;
    o.limits.schema_start = l.schema_start;
    o.delivery.ingester.known = true;
    o.delivery.ingester.max_chunk_age = l.max_chunk_age;
    return o;
}

std::uint64_t of(const std::array<std::uint64_t, loki::reject_reason_count>& counts, reject_reason r) {
    return counts[static_cast<std::size_t>(r)];
}

void add(world& w, unsigned n, std::chrono::nanoseconds age, std::size_t command = 10) {
    auto e = w.make(n, 1, age);
    e.results[0].command = std::to_string(n) + std::string(command, 'c');
    w.backend.add(std::move(e));
}

/// Ships something to the stream of `world::make`'s successful steps, as somebody else does.
void ship_live(world& w, unsigned server, std::chrono::nanoseconds age) {
    fake_backend other;
    auto e = w.make(3'000'000 + server, 1, age);
    other.add(std::move(e));
    fake_transport http(std::ref(other), w.time, "http://other");
    backfill b(http, w.loki_http, w.time, {});
    w.complete(b.run());
    BOOST_TEST(b.count().shipped == 1u);
}

std::set<std::string> streams_of(const world& w, std::string_view label) {
    std::set<std::string> out;
    for (const auto& [labels, time, line] : w.loki.lines())
        out.insert(std::string(labels.get(label)));
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_loki_refuses_is_foreseen_to_the_entry_and_not_sent) {
    for (const bool push : {false, true})
        BOOST_TEST_CONTEXT((push ? "pushed" : "withheld")) {
            const loki_limits limits{.max_line_size = 2000};
            world w(limits);
            for (unsigned i = 0; i != 700; ++i)
                add(w, i, i * 30min + 1min, i % 50 == 7 ? 3000 : 10); // fourteen days
            add(w, 900, -5min);
            add(w, 901, -30min);
            auto o = knowing(limits);
            o.delivery.push_refused = push;
            std::vector<std::string> texts;
            o.delivery.on_rejected = [&](const ship::rejection& r) { texts.emplace_back(r.text); };
            backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
            const auto r = w.complete(b.run());
            BOOST_TEST(!r.failed());
            const auto& p = b.plan();
            BOOST_TEST(p.certain == !push);
            BOOST_TEST(p.entries == 702u);
            BOOST_TEST(of(p.refused_by_reason, reject_reason::greater_than_max_sample_age) == 700u - 336u);
            BOOST_TEST(of(p.refused_by_reason, reject_reason::line_too_long) == 7u);
            BOOST_TEST(of(p.refused_by_reason, reject_reason::too_far_in_future) == 1u);
            BOOST_TEST(p.refused() + p.to_ship() == 702u);
            for (std::size_t i = 0; i != p.refused_by_reason.size(); ++i)
                BOOST_TEST(b.count().rejected_by_reason[i] == p.refused_by_reason[i]);
            BOOST_TEST(w.loki.size() == p.to_ship());
            const auto discarded = w.loki.discarded();
            BOOST_TEST((discarded.count("greater_than_max_sample_age") != 0) == push);
            BOOST_TEST(texts.size() == b.count().rejected);
            if (!push)
                BOOST_TEST(texts.front().find("not sent, since Loki takes") == 0u);
        }
}

BOOST_AUTO_TEST_CASE(a_guess_withholds_nothing) {
    loki_limits limits;
    limits.reject_old_samples = false;
    world w(limits);
    for (unsigned i = 0; i != 100; ++i)
        add(w, i, i * 6h);
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(ship::backfill_options{}));
    w.complete(b.run());
    BOOST_TEST(of(b.plan().refused_by_reason, reject_reason::greater_than_max_sample_age) == 71u);
    BOOST_TEST(!b.plan().certain);
    BOOST_TEST(w.loki.size() == 100u);
}

BOOST_AUTO_TEST_CASE(entries_before_the_first_schema_are_foreseen) {
    loki_limits limits;
    limits.reject_old_samples = false;
    limits.schema_start = timestamp(std::chrono::seconds(1'700'000'000)) - 100h;
    world w(limits);
    for (unsigned i = 0; i != 30; ++i)
        add(w, i, i * 10h);
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(knowing(limits)));
    w.complete(b.run());
    BOOST_TEST(of(b.plan().refused_by_reason, reject_reason::no_schema_config) == 19u);
    BOOST_TEST(of(b.count().rejected_by_reason, reject_reason::no_schema_config) == 19u);
    BOOST_TEST(w.loki.size() == 11u);
}

BOOST_AUTO_TEST_CASE(what_is_there_is_left_out) {
    world w(loki_limits{}.visible_at_once());
    for (unsigned i = 0; i != 60; ++i)
        add(w, i, i * 1h);
    {
        ship::backfill_options o;
        o.query.until = w.time.wall_now() - 30h;
        backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
        w.complete(b.run());
        BOOST_TEST(b.count().shipped == 29u);
        BOOST_TEST(b.plan().filtered == 31u);
    }
    const auto pushed = w.loki.received_entries();
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(ship::backfill_options{}));
    w.complete(b.run());
    BOOST_TEST(b.plan().already_there == 29u);
    BOOST_TEST(b.plan().to_ship() == 31u);
    BOOST_TEST(b.count().duplicate == 29u);
    BOOST_TEST(b.count().shipped == 31u);
    BOOST_TEST(w.loki.received_entries() == pushed + 31u);
    BOOST_TEST(w.loki.size() == 60u);
}

BOOST_AUTO_TEST_CASE(more_entries_of_one_time_than_a_query_shows_are_not_taken_for_there) {
    world w(loki_limits{}.visible_at_once());
    const timestamp moment = w.time.wall_now() - 1h;
    for (const std::size_t n : {1200u, 2000u}) {
        backfill b(w.backend_http, w.loki_http, w.time, w.watched(ship::backfill_options{}));
        for (std::size_t i = 0; i != n; ++i)
            b.add({{"job", "aoss"}}, {moment, "line " + std::to_string(i)}, {1, i, 1, i});
        w.complete([](backfill& all) -> boost::asio::awaitable<int> {
            co_await all.look();
            co_await all.ship();
            co_return 0;
        }(b));
        BOOST_TEST(w.loki.size() == n);
        BOOST_TEST(b.count().balanced());
    }
}

BOOST_AUTO_TEST_CASE(a_loki_that_is_busy_is_asked_again) {
    world w(loki_limits{}.visible_at_once());
    for (unsigned i = 0; i != 20; ++i)
        add(w, i, i * 1min);
    for (const bool again : {false, true}) {
        std::size_t n = 0;
        fake_transport busy(
            [&](const http::request& r) {
                const bool query = r.verb == http::method::get;
                return query && ++n % 3 == 1 ? reply{429, {}, "too many outstanding requests"} : w.loki(r);
            },
            w.time, "http://busy");
        backfill b(w.backend_http, busy, w.time, w.watched(ship::backfill_options{}));
        w.complete(b.run());
        BOOST_TEST(!b.plan().unseen);
        BOOST_TEST(b.plan().already_there == (again ? 20u : 0u));
    }
}

BOOST_AUTO_TEST_CASE(where_loki_states_its_bar_not_each_entry_is_asked_for) {
    world w;
    for (unsigned i = 0; i != 600; ++i)
        add(w, 3 * i, i * 10min + 2h);
    ship_live(w, 0, 1min);
    // It shows neither its settings nor what it has.
    fake_transport push_only(
        [&](const http::request& r) { return r.verb == http::method::post ? w.loki(r) : reply{403, {}, ""}; },
        w.time, "http://push-only");
    const auto before = w.loki.pushes();
    backfill b(w.backend_http, push_only, w.time, w.watched(ship::backfill_options{}));
    w.complete(b.run());
    BOOST_TEST(of(b.count().rejected_by_reason, reject_reason::too_far_behind) == 600u);
    BOOST_TEST(w.loki.pushes() - before < 5u);
}

BOOST_AUTO_TEST_CASE(a_loki_that_answers_no_queries_gets_all) {
    world w(loki_limits{}.visible_at_once());
    for (unsigned i = 0; i != 20; ++i)
        add(w, i, i * 1min);
    fake_transport push_only(
        [&](const http::request& r) {
            return r.verb == http::method::post ? w.loki(r) : reply{403, {}, "<html>no</html>"};
        },
        w.time, "http://push-only");
    for (int i = 0; i != 2; ++i) {
        backfill b(w.backend_http, push_only, w.time, w.watched(ship::backfill_options{}));
        w.complete(b.run());
        BOOST_TEST(b.plan().unseen);
        BOOST_TEST(b.count().shipped == 20u);
        BOOST_TEST(w.log.back() == "W Loki cannot be asked what it has already, so nothing is left out: "
                                   "http://push-only/loki/api/v1/series: HTTP status 403: <html>no</html>");
    }
    BOOST_TEST(w.loki.size() == 20u);
}

BOOST_AUTO_TEST_CASE(history_of_a_stream_that_is_shipped_live_is_foreseen_as_refused) {
    world w;
    for (unsigned i = 0; i != 90; ++i)
        add(w, i, i * 10min);
    for (const unsigned server : {0u, 1u})
        ship_live(w, server, 1min);
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(knowing({})));
    w.complete(b.run());
    BOOST_TEST(b.plan().live_streams == 2u);
    // Of each third, in steps of half an hour, two or three are not older than an hour.
    const auto late = of(b.plan().refused_by_reason, reject_reason::too_far_behind);
    BOOST_TEST(late == 60u - 5u);
    BOOST_TEST(of(b.count().rejected_by_reason, reject_reason::too_far_behind) == late);
    BOOST_TEST(b.count().shipped == 90u - late);
    BOOST_TEST(w.loki.discarded().count("too_far_behind") == 0u);
}

BOOST_AUTO_TEST_CASE(with_a_label_only_what_the_live_stream_takes_goes_there) {
    world w;
    for (unsigned i = 0; i != 90; ++i)
        add(w, i, i * 10min + 5min);
    for (const unsigned server : {0u, 1u})
        ship_live(w, server, 1min);
    auto o = knowing({});
    o.labels = {{"backfill", "2026-11"}};
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
    w.complete(b.run());
    BOOST_TEST(b.plan().refused() == 0u);
    BOOST_TEST(b.count().shipped == 90u);
    std::size_t live = 0;
    for (const auto& [labels, time, line] : w.loki.lines()) {
        const bool young = time >= w.time.wall_now() - 50min;
        BOOST_TEST(labels.get("backfill").empty() == young);
        live += young;
    }
    BOOST_TEST(live == 2u + 5u); // from 5 to 45 minutes
}

BOOST_AUTO_TEST_CASE(what_lies_behind_an_idle_stream_may_be_refused) {
    world w(loki_limits{}.visible_at_once());
    for (unsigned i = 0; i != 90; ++i)
        add(w, i, i * 10min + 5h);
    ship_live(w, 0, 6h);
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(knowing({})));
    w.complete(b.run());
    BOOST_TEST(b.plan().live_streams == 0u);
    BOOST_TEST(b.plan().refused() == 0u);
    BOOST_TEST(b.plan().maybe_too_late > 20u);
    BOOST_TEST(of(b.count().rejected_by_reason, reject_reason::too_far_behind) == b.plan().maybe_too_late);
}

BOOST_AUTO_TEST_CASE(a_backfill_shard_takes_entries_of_any_age_beside_a_live_shipper) {
    loki_limits limits = loki_limits::v3();
    limits.backfill_shard_header = true;
    world w(limits.visible_at_once());
    for (unsigned i = 0; i != 300; ++i)
        add(w, i, i * 2h);
    auto o = knowing(limits);
    o.labels = {{std::string(loki::backfill_shard_label), "2026-11"}};
    o.verify = true;
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
    const auto r = w.complete(b.run());
    BOOST_TEST(!r.failed());
    BOOST_TEST(b.plan().refused() == 0u);
    BOOST_TEST(b.count().shipped == 300u);
    BOOST_TEST(b.count().verified == 300u);
    // What a live stream takes goes there.
    BOOST_TEST((streams_of(w, "__backfill_shard__") == std::set<std::string>{"", "2026-11"}));
}

BOOST_AUTO_TEST_CASE(the_rate_is_kept_so_that_loki_need_not_say_429) {
    for (const bool paced : {true, false}) {
        world w(loki_limits{}.visible_at_once());
        for (unsigned i = 0; i != 1500; ++i)
            add(w, i, i * 1s, 10'000);
        ship::backfill_options o;
        o.delivery.stream_rate = 0;
        o.delivery.rate = paced ? 3'900'000 : 0;
        o.delivery.batch.max_entries = 50;
        backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
        const auto begun = w.time.steady_now();
        w.complete(b.run());
        const double seconds = std::chrono::duration<double>(w.time.steady_now() - begun).count();
        BOOST_TEST(b.count().shipped == 1500u);
        BOOST_TEST((w.loki.discarded().count("rate_limited") == 0) == paced);
        BOOST_TEST((b.count().pushes_failed == 0) == paced);
        if (paced)
            BOOST_TEST(seconds < 1.1 * static_cast<double>(b.bytes_settled()) / 3'900'000);
    }
}

BOOST_AUTO_TEST_CASE(stop_lets_the_pushes_in_flight_end) {
    world w;
    for (unsigned i = 0; i != 90; ++i)
        add(w, i, i * 10min);
    w.loki_http.latency(100ms);
    ship::backfill_options o;
    o.delivery.batch.max_entries = 5;
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
    bool ended = false;
    boost::asio::co_spawn(w.context, b.run(), [&](std::exception_ptr e, ship::backfill_result r) {
        BOOST_TEST(!e);
        BOOST_TEST(!r.failed());
        ended = true;
    });
    w.time.run_for(w.context, 450ms);
    BOOST_TEST(!ended);
    BOOST_TEST(b.is_pushing());
    b.stop();
    w.time.run_for(w.context, 150ms);
    BOOST_TEST(ended);
    BOOST_TEST(b.count().shipped == w.loki.size());
    BOOST_TEST(b.count().pending != 0u);
    BOOST_TEST(b.count().shipped != 0u);
}

BOOST_AUTO_TEST_SUITE_END()
