#include "ship/world.hpp"

#include <set>

BOOST_AUTO_TEST_SUITE(backfill_)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

using backfill = ship::basic_backfill<fake_transport, manual_clock>;

} // namespace

BOOST_AUTO_TEST_CASE(ships_everything_oldest_first) {
    for (const std::size_t memory : {64u * 1024, 8u * 1024 * 1024}) {
        world w;
        for (unsigned i = 0; i != 700; ++i)
            w.backend.add(w.make(i, 2, i * 10min)); // newest first, over five days
        ship::backfill_options o;
        o.spool.memory = memory;
        o.delivery.batch.max_entries = 9;
        backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
        const auto r = w.complete(b.run());
        BOOST_TEST(!r.failed());
        BOOST_TEST(!r.incomplete.has_value());
        BOOST_TEST(r.executions == 700u);
        BOOST_TEST(b.count().fetched == 1400u);
        BOOST_TEST(b.count().shipped == 1400u);
        BOOST_TEST(w.loki.size() == 1400u);
        BOOST_TEST(w.loki.received_entries() == 1400u);
        std::uint64_t bytes = 0;
        for (const auto& [labels, entries] : w.loki.stored())
            for (const auto& e : entries)
                bytes += e.line.size();
        BOOST_TEST(b.bytes_settled() == bytes);
        BOOST_TEST(b.plan().bytes == bytes);
        BOOST_TEST(b.plan().to_ship() == 1400u);
    }
}

BOOST_AUTO_TEST_CASE(what_is_secret_reaches_nobody) {
    world w;
    for (unsigned i = 0; i != 20; ++i) {
        auto e = w.make(i, 2, i * 10min);
        if (i % 4 == 0)
            e.results[0].standard_output = std::string(297, '.') + "geheim";
        if (i == 8)
            e.results[1].command = "login geheim";
        w.backend.add(e);
    }
    w.backend.add(w.make(100, 0));
    ship::backfill_options o;
    o.redact = [](std::string& text) {
        const auto at = text.find("geheim");
        if (at == std::string::npos)
            return false;
        text.replace(at, 6, "***");
        return true;
    };
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
    BOOST_TEST(!w.complete(b.run()).failed());
    BOOST_TEST(b.count().redacted == 6u);
    BOOST_TEST(w.loki.size() == 41u);
    std::size_t marked = 0;
    for (const auto& r : w.loki_http.requests()) {
        BOOST_TEST(r.body.find("geh") == std::string::npos);
        for (auto at = r.body.find("***"); at != std::string::npos; at = r.body.find("***", at + 1))
            ++marked;
    }
    BOOST_TEST(marked == 6u);
}

BOOST_AUTO_TEST_CASE(an_empty_history_is_no_failure) {
    world w;
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(ship::backfill_options{}));
    const auto r = w.complete(b.run());
    BOOST_TEST(!r.read_failure.has_value());
    BOOST_TEST(b.count().fetched == 0u);
    BOOST_TEST(w.loki.pushes() == 0u);
}

BOOST_AUTO_TEST_CASE(a_backend_that_fails_is_named_and_nothing_is_shipped) {
    for (fault f : {fault::refuse, fault::hang, fault::truncate, fault::stall, fault::reset_before}) {
        world w;
        w.backend.add(w.make(1, 2));
        w.backend_http.always(f);
        backfill b(w.backend_http, w.loki_http, w.time, w.watched(ship::backfill_options{}));
        const auto r = w.complete(b.run());
        BOOST_TEST_REQUIRE(r.read_failure.has_value());
        BOOST_TEST(r.read_failure->message.find("http://backend: ") == 0u, r.read_failure->message);
        BOOST_TEST(w.loki_http.requests().empty());
        BOOST_TEST(b.count().balanced());
    }
}

BOOST_AUTO_TEST_CASE(a_loki_that_stays_away_ends_it) {
    for (fault f : {fault::refuse, fault::hang, fault::reset_after}) {
        world w;
        w.backend.add(w.make(1, 2));
        w.loki_http.always(f);
        backfill b(w.backend_http, w.loki_http, w.time, w.watched(ship::backfill_options{}));
        const auto r = w.complete(b.run());
        BOOST_TEST_REQUIRE(r.ship_failure.has_value());
        BOOST_TEST(r.ship_failure->message.find("http://loki: ") == 0u, r.ship_failure->message);
        BOOST_TEST(w.loki_http.requests().size() == 3u + 5u); // for the streams that it has, and pushes
        BOOST_TEST(b.count().pending == 2u);
        BOOST_TEST(b.count().balanced());
    }
}

BOOST_AUTO_TEST_CASE(a_short_outage_is_survived) {
    world w;
    for (unsigned i = 0; i != 9; ++i)
        w.backend.add(w.make(i, 1));
    w.loki_http.script({fault::refuse, fault::reset_after, fault::hang, fault::reset_before});
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(ship::backfill_options{}));
    const auto r = w.complete(b.run());
    BOOST_TEST(!r.ship_failure.has_value());
    BOOST_TEST(w.loki.size() == 9u);
}

BOOST_AUTO_TEST_CASE(wrong_credentials_end_it_at_once) {
    world w;
    w.backend.add(w.make(1, 2));
    fake_transport locked([](const http::request&) { return reply{401, {}, "no org id\n"}; }, w.time,
                          "http://locked");
    backfill b(w.backend_http, locked, w.time, w.watched(ship::backfill_options{}));
    const auto r = w.complete(b.run());
    BOOST_TEST_REQUIRE(r.ship_failure.has_value());
    BOOST_TEST(r.ship_failure->message == "http://locked: HTTP status 401: no org id");
    BOOST_TEST(locked.requests().size() == 3u); // for the streams that it has, and a push
}

BOOST_AUTO_TEST_CASE(a_backend_that_caps_the_limit_gives_what_it_gives) {
    world w;
    for (unsigned i = 0; i != 30; ++i)
        w.backend.add(w.make(i, 1));
    w.backend.max_limit(20);
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(ship::backfill_options{}));
    const auto r = w.complete(b.run());
    BOOST_TEST_REQUIRE(r.incomplete.has_value());
    BOOST_TEST(r.incomplete->message.find("HTTP status 422") != std::string::npos);
    BOOST_TEST(!r.read_failure.has_value());
    BOOST_TEST(w.loki.size() == 20u);
    BOOST_TEST(b.count().balanced());
}

BOOST_AUTO_TEST_CASE(records_without_a_time_and_records_that_come_twice_are_counted) {
    world w;
    const char* page =
        R"({"logs":[{"execution_id":"a","step":1,"timestamp":"soon"},{"execution_id":"a","step":1},
                                   {"execution_id":"a","step":2,"timestamp":"2023-11-14T22:00:00Z"}]})";
    fake_transport one([&](const http::request&) { return reply{200, {}, page}; }, w.time, "http://one");
    backfill b(one, w.loki_http, w.time, w.watched(ship::backfill_options{}));
    w.complete(b.run());
    BOOST_TEST(b.count().fetched == 3u);
    BOOST_TEST(b.count().duplicate == 1u);
    BOOST_TEST(b.count().shipped == 2u);
    BOOST_TEST(b.count().timestamps_replaced == 1u);
    BOOST_TEST(b.count().balanced());
}

BOOST_AUTO_TEST_CASE(equal_lines_without_a_time_are_not_one_to_loki) {
    world w;
    for (unsigned n = 1; n <= 5; ++n) {
        auto e = w.make(3 * n, 1, 1s * n);
        e.results = w.make(3, 1).results;
        e.created_at = "";
        w.backend.add(e);
    }
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(ship::backfill_options{}));
    w.complete(b.run());
    BOOST_TEST(b.count().shipped == 5u);
    BOOST_TEST(b.count().timestamps_replaced == 5u);
    BOOST_TEST(w.loki.size() == 5u);
}

BOOST_AUTO_TEST_CASE(what_overlapping_pages_repeat_counts_once) {
    for (const bool part : {false, true})
        BOOST_TEST_CONTEXT((part ? "a part" : "all")) {
            world w;
            for (unsigned i = 0; i != 70; ++i)
                w.backend.add(w.make(i, 2, i * 1h));
            w.backend.pages_by("offset");
            w.backend.max_limit(20);
            ship::backfill_options o;
            if (part)
                o.query.until = w.time.wall_now() - 30h;
            backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
            const auto r = w.complete(b.run());
            BOOST_TEST(b.count().duplicate != 0u);
            BOOST_TEST(r.executions == 70u);
            BOOST_TEST(b.plan().executions == 70u);
            BOOST_TEST(b.plan().records == 140u);
            BOOST_TEST(b.plan().filtered == (part ? 62u : 0u));
            BOOST_TEST(b.plan().entries == 140u - b.plan().filtered);
            BOOST_TEST(b.count().shipped == b.plan().entries);
        }
}

BOOST_AUTO_TEST_CASE(what_is_wanted_only_when_it_comes_again_is_not_lost) {
    world w;
    for (unsigned i = 0; i != 40; ++i) {
        auto e = w.make(i, 1, i * 1h);
        e.status = i == 18 ? "Running" : "Failed";
        w.backend.add(std::move(e));
    }
    w.backend.pages_by("offset");
    w.backend.max_limit(20);
    ship::backfill_options o;
    o.query.status = "Failed";
    std::size_t pages = 0;
    fake_transport changing(
        [&](const http::request& r) {
            // It ends between the first page and the next, which overlaps.
            auto request = r;
            for (auto at = request.target.find("&status="); at != std::string::npos;)
                at = (request.target.erase(at, request.target.find('&', at + 1) - at), std::string::npos);
            auto answer = w.backend(request);
            if (answer.status == 200 && ++pages > 1)
                for (std::size_t at; (at = answer.body.find("\"Running\"")) != std::string::npos;)
                    answer.body.replace(at, 9, "\"Failed\"");
            return answer;
        },
        w.time, "http://changing");
    backfill b(changing, w.loki_http, w.time, w.watched(o));
    w.complete(b.run());
    BOOST_TEST(b.plan().filtered == 1u);
    BOOST_TEST(b.count().shipped == 40u);
}

BOOST_AUTO_TEST_CASE(what_was_read_is_known_before_loki_is_asked) {
    world w;
    for (unsigned i = 0; i != 60; ++i)
        w.backend.add(w.make(i, 1, i * 1h));
    ship::backfill_options o;
    o.spool.one_order = true;
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
    boost::asio::co_spawn(w.context, b.read(), [](std::exception_ptr e) { BOOST_TEST(!e); });
    w.time.run_for(w.context, 1min);
    BOOST_TEST(w.loki_http.requests().empty());
    std::uint64_t bytes = 0;
    b.visit([&](const loki::labels&, const loki::entry& e) { bytes += e.line.size(); });
    const auto& p = b.plan();
    BOOST_TEST(p.executions == 60u);
    BOOST_TEST(p.records == 60u);
    BOOST_TEST(p.entries == 60u);
    BOOST_TEST(p.bytes == bytes);
    BOOST_TEST(p.streams == 3u);
    const timestamp start(std::chrono::seconds(1'700'000'000));
    BOOST_TEST((p.oldest == start - 59h));
    BOOST_TEST((p.newest == start));
}

BOOST_AUTO_TEST_CASE(failures_count_in_a_row_only) {
    world w;
    for (unsigned i = 0; i != 9; ++i)
        w.backend.add(w.make(3 * i, 1, 1h - i * 1min));
    // Every second push fails: nine failures, never two in a row.
    std::size_t pushes = 0;
    w.loki_http.decide([&](const http::request&) { return ++pushes % 2 == 0 ? fault::none : fault::refuse; });
    ship::backfill_options o;
    o.max_attempts = 2;
    o.delivery.batch.max_entries = 1;
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
    const auto r = w.complete(b.run());
    BOOST_TEST(!r.ship_failure.has_value());
    BOOST_TEST(w.loki.size() == 9u);
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_named) {
    const struct {
        std::function<void(ship::backfill_options&)> spoil;
        std::string_view part;
    } table[] = {
        {[](auto& o) { o.spool.memory = 1; }, "spool.memory"},
        {[](auto& o) { o.max_attempts = 0; }, "max_attempts"},
        {[](auto& o) { o.delivery.batch.max_entries = 0; }, "max_entries"},
        {[](auto& o) { o.delivery.concurrency = 0; }, "concurrency"},
        {[](auto& o) { o.backoff.initial = 0s; }, "backoff.initial"},
    };
    for (const auto& t : table) {
        world w;
        ship::backfill_options o;
        t.spoil(o);
        BOOST_CHECK_EXCEPTION(
            backfill(w.backend_http, w.loki_http, w.time, o), std::invalid_argument,
            [&](const auto& e) { return std::string_view(e.what()).find(t.part) != std::string_view::npos; });
    }
}

BOOST_AUTO_TEST_CASE(streams_that_must_wait_do_not_hold_up_the_others) {
    std::chrono::nanoseconds alone{};
    for (const unsigned postponed : {0u, 2u, 4u}) {
        world w;
        for (unsigned k = 0; k != 40; ++k)
            for (unsigned i = 0; i != 20; ++i) {
                auto e = w.make(k * 1000 + i, 1, 20h + i * 1min);
                e.server_id = uuid(100'000 + k);
                w.backend.add(e);
            }
        unsigned sent = 0;
        fake_transport http(
            [&](const http::request& r) {
                if (!r.target.ends_with("/push") || ++sent > postponed)
                    return w.loki(r);
                reply out;
                out.status = 429;
                out.body = "Per stream rate limit exceeded (limit: 3MB/sec) while attempting to ingest for "
                           "stream '{a=\"b\"}' totaling 100B, consider splitting a stream via additional "
                           "labels or contact your Loki administrator to see if the limit can be increased";
                return out;
            },
            w.time, "http://loki");
        http.latency(10ms);
        ship::backfill_options o;
        o.delivery.batch.max_entries = 5;
        const auto begin = w.time.steady_now();
        backfill b(w.backend_http, http, w.time, w.watched(o));
        w.complete(b.run());
        BOOST_TEST(b.count().shipped == 800u);
        const auto took = w.time.steady_now() - begin;
        if (postponed == 0)
            alone = took;
        // They wait for half a second; four workers go on meanwhile.
        BOOST_TEST((took < alone + 600ms), postponed << ": " << took.count() / 1'000'000 << " ms");
    }
}

BOOST_AUTO_TEST_CASE(a_history_of_too_many_streams_is_not_shipped) {
    world w;
    for (unsigned i = 0; i != 100; ++i) {
        w.backend.add(w.make(i, 1, i * 10min));
        w.backend.find(uuid(i))->server_tag = std::to_string(i);
    }
    ship::backfill_options o;
    o.max_stream_memory = 50'000;
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
    const auto r = w.complete(b.run());
    BOOST_TEST_REQUIRE(r.read_failure.has_value());
    BOOST_TEST(!r.disk_failure.has_value());
    BOOST_TEST(r.read_failure->message.starts_with("the history has too many streams, "));
    BOOST_TEST(w.loki.size() == 0u);
    BOOST_TEST(w.backend_http.requests().back().total_timeout == 60 * o.fetch_timeout);
}

BOOST_AUTO_TEST_CASE(of_an_answer_that_is_asked_for_again_only_the_beginning_is_read) {
    world w;
    w.backend.add(w.make(1, 2));
    unsigned calls = 0;
    fake_transport busy(
        [&](const http::request& r) {
            return ++calls < 3 ? reply{503, {}, std::string(1'000'000, 'x')} : w.backend(r);
        },
        w.time, "http://busy");
    backfill b(busy, w.loki_http, w.time, w.watched(ship::backfill_options{}));
    BOOST_TEST(!w.complete(b.run()).failed());
    BOOST_TEST(w.loki.size() == 2u);
}

BOOST_AUTO_TEST_CASE(structured_metadata_comes_through_the_spool) {
    for (const auto late : {ship::late_entries::reject, ship::late_entries::restamp}) {
        world w(loki_limits::v3());
        for (unsigned i = 0; i != 60; ++i) {
            auto e = w.make(i, 2, i * 10min);
            e.user_id = "user_" + std::to_string(i % 4);
            w.backend.add(e);
        }
        w.backend.add(w.make(100, 0));
        ship::backfill_options o;
        o.structured_metadata = true;
        o.delivery.late = late;
        o.verify = true;
        backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
        BOOST_TEST(!w.complete(b.run()).failed());
        BOOST_TEST(b.count().shipped == 121u);
        BOOST_TEST(b.count().verified == 121u);
        std::set<std::string> steps;
        for (const auto& [labels, entries] : w.loki.stored())
            for (const auto& e : entries) {
                steps.insert(std::string(e.metadata.get("execution_id")) + ' ' +
                             std::string(e.metadata.get("step")));
                BOOST_TEST(e.line.starts_with("STEP: " + std::string(e.metadata.get("step")) + " |"));
                const bool placeholder = e.metadata.get("step") == "0";
                BOOST_TEST(e.metadata.get("exit_code") == (placeholder ? "" : "0"));
                BOOST_TEST(e.metadata.get("user_id").empty() == placeholder);
            }
        BOOST_TEST(steps.size() == 121u);
        BOOST_TEST(steps.contains(uuid(7) + " 2"));
    }
}

BOOST_AUTO_TEST_CASE(a_history_whose_structured_metadata_loki_takes_in_part_is_shipped_whole) {
    for (const bool too_many : {false, true}) {
        auto limits = loki_limits::v3();
        if (too_many)
            limits.max_structured_metadata_entries_count = 3;
        else
            limits.max_structured_metadata_size = 80;
        world w(limits);
        for (unsigned i = 0; i != 40; ++i) {
            auto e = w.make(3 * i, 1, i * 37min); // one server
            e.user_id = i % 2 == 0 ? "" : too_many ? "u" : "a-user-with-a-longer-name";
            w.backend.add(e);
        }
        ship::backfill_options o;
        o.structured_metadata = true;
        backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
        BOOST_TEST(!w.complete(b.run()).failed());
        BOOST_TEST(b.count().shipped == 40u);
        BOOST_TEST(w.loki.size() == 40u);
    }
}

BOOST_AUTO_TEST_SUITE_END()
