#include "ship/world.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

BOOST_AUTO_TEST_SUITE(shipper_)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

std::size_t lines_with(const std::vector<std::string>& log, std::string_view part) {
    return static_cast<std::size_t>(
        std::count_if(log.begin(), log.end(), [&](const auto& l) { return l.find(part) != l.npos; }));
}

} // namespace

BOOST_AUTO_TEST_CASE(ships_what_is_there_and_what_comes) {
    world w;
    for (unsigned i = 0; i != 10; ++i)
        w.backend.add(w.make(i, 2, 10min - i * 1min));
    running_shipper s(w);
    s.run_for(1s);
    BOOST_TEST(w.loki.size() == 20u);
    BOOST_TEST(s->count().shipped == 20u);
    w.backend.add(w.make(100, 3));
    s.run_for(30s);
    BOOST_TEST(w.loki.size() == 23u);
    s.run_for(10min);
    BOOST_TEST(w.loki.size() == 23u);
    BOOST_TEST(w.loki.received_entries() == 23u);
    BOOST_TEST(s->count().shipped == 23u);
    BOOST_TEST(s->count().balanced());
    BOOST_TEST(w.backend.requests() == 22u); // one at the start, then one each 30 s
    BOOST_TEST(w.log.empty());
}

BOOST_AUTO_TEST_CASE(the_next_page_is_read_while_pushes_are_under_way) {
    world w;
    w.backend.add(w.make(0, 2, 10min));
    w.loki_http.latency(45s);
    ship::shipper_options o;
    o.delivery.push_timeout = 0s;
    running_shipper s(w, o);
    s.run_for(1s);
    w.backend.add(w.make(1, 3));
    s.run_for(30s);
    BOOST_TEST(w.loki_http.in_flight() == 2u); // of another stream
    BOOST_TEST(w.backend.requests() == 2u);
    BOOST_TEST(s->count().fetched == 7u);
    // But one; what was postponed shall have its turn.
    s.run_for(43s);
    BOOST_TEST(w.backend.requests() == 2u);
    s.run_for(10min);
    BOOST_TEST(w.loki.size() == 5u);
    BOOST_TEST(s->count().shipped == 5u);
    BOOST_TEST(w.loki.received_entries() == 5u);
    s->stop();
    s.run_for(1s);
    BOOST_TEST(s.ended());
}

BOOST_AUTO_TEST_CASE(no_page_is_read_meanwhile_where_it_could_be_forgotten) {
    world w;
    w.backend.add(w.make(0, 3, 10min));
    w.loki_http.latency(45s);
    ship::shipper_options o;
    o.delivery.push_timeout = 0s;
    o.dedup_capacity = 5; // less than twice the page
    running_shipper s(w, o);
    s.run_for(40s);
    BOOST_TEST(w.loki_http.in_flight() == 1u);
    BOOST_TEST(w.backend.requests() == 1u);
    s.run_for(30s);
    BOOST_TEST(w.backend.requests() == 2u);
    s->stop();
    s.run_for(1s);
    BOOST_TEST(s.ended());
}

BOOST_AUTO_TEST_CASE(only_stop_ends_it) {
    world w;
    w.backend.add(w.make(0, 2, 10min));
    w.loki_http.latency(45s);
    ship::shipper_options o;
    o.delivery.push_timeout = 0s;
    ship::basic_shipper<fake_transport, manual_clock> shipper(w.backend_http, w.loki_http, w.time,
                                                              w.watched(o));
    boost::asio::cancellation_signal cancel;
    bool ended = false, thrown = false;
    boost::asio::co_spawn(w.context, shipper.run(),
                          boost::asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr e) {
                              ended = true;
                              thrown = e != nullptr;
                          }));
    for (const auto wait : {10s, 25s, 20s}) { // in a push, in a poll's time, between two rounds
        w.time.run_for(w.context, wait);
        cancel.emit(boost::asio::cancellation_type::terminal);
    }
    w.time.run_for(w.context, 10min);
    BOOST_TEST(!ended);
    BOOST_TEST(w.loki.size() == 2u);
    w.backend.add(w.make(1, 3));
    w.time.run_for(w.context, 10min);
    BOOST_TEST(w.loki.size() == 5u);
    shipper.stop();
    w.time.run_for(w.context, 1min);
    BOOST_TEST(ended);
    BOOST_TEST(!thrown);
}

BOOST_AUTO_TEST_CASE(a_placeholder_later_gets_its_steps_and_a_step_runs_again) {
    world w;
    w.backend.add(w.make(1, 0, 5min));
    running_shipper s(w);
    s.run_for(1s);
    BOOST_TEST(w.loki.size() == 1u);
    auto* e = w.backend.find(uuid(1));
    e->status = "Success";
    e->results = {{1, "ls", "Failed", 1, "", "no"}, {2, "df", "Success", 0, "ok", ""}};
    s.run_for(30s);
    BOOST_TEST(w.loki.size() == 3u);
    // The same step number with another outcome is a new log; the other one is known although its label would
    // differ now.
    e->results.push_back({1, "ls", "Success", 0, "yes", ""});
    e->status = "Failed";
    s.run_for(30s);
    BOOST_TEST(w.loki.size() == 4u);
    BOOST_TEST(s->count().shipped == 4u);
    BOOST_TEST(s->count().rejected == 0u);
}

BOOST_AUTO_TEST_CASE(nothing_is_marked_before_loki_has_it) {
    for (fault f :
         {fault::refuse, fault::reset_before, fault::hang, fault::reset_after, fault::truncate, fault::stall})
        BOOST_TEST_CONTEXT(static_cast<int>(f)) {
            world w;
            for (unsigned i = 0; i != 6; ++i)
                w.backend.add(w.make(i, 2));
            w.loki_http.always(f);
            running_shipper s(w);
            s.run_for(5min);
            if (f == fault::truncate || f == fault::stall)
                w.loki_http.decide([](const http::request&) { return fault::none; });
            BOOST_TEST(s->count().pending + s->count().shipped == 12u);
            const bool delivered = f == fault::stall || f == fault::truncate;
            if (!delivered)
                BOOST_TEST(s->count().shipped == 0u);
            w.loki_http.always(fault::none);
            s.run_for(2min);
            BOOST_TEST(s->count().pending == 0u);
            BOOST_TEST(s->count().shipped == 12u);
            BOOST_TEST(w.loki.size() == 12u); // re-sent entries are the same entries
            if (f == fault::refuse)
                BOOST_TEST(w.loki.received_entries() == 12u);
        }
}

BOOST_AUTO_TEST_CASE(an_outage_is_said_once_when_it_begins_and_once_when_it_is_over) {
    for (fault f : {fault::refuse, fault::hang}) {
        world w;
        w.backend.add(w.make(1, 2));
        w.loki_http.always(f);
        running_shipper s(w);
        s.run_for(30min);
        BOOST_TEST(w.log.size() == 1u);
        BOOST_TEST(w.log.at(0).find("W Loki at http://loki does not answer as it should: http://loki: ") ==
                       0u,
                   w.log.at(0));
        w.loki_http.always(fault::none);
        s.run_for(5min);
        BOOST_TEST(w.log.size() == 2u);
        BOOST_TEST(w.log.at(1).find("I Loki at http://loki is back after ") == 0u, w.log.at(1));
        // Polling went on all the time, and Loki was not asked too often.
        BOOST_TEST(w.backend.requests() >= 60u);
        BOOST_TEST(w.loki_http.requests().size() < 200u);
    }
}

BOOST_AUTO_TEST_CASE(a_backend_in_trouble_is_asked_again_at_the_next_poll) {
    for (fault f : {fault::refuse, fault::reset_before, fault::hang, fault::truncate, fault::stall}) {
        world w;
        for (unsigned i = 0; i != 6; ++i)
            w.backend.add(w.make(i, 2));
        w.backend_http.always(f);
        running_shipper s(w);
        s.run_for(20min);
        BOOST_TEST(lines_with(w.log, "the backend at http://backend does not answer") == 1u);
        w.backend_http.always(fault::none);
        s.run_for(3min);
        BOOST_TEST(lines_with(w.log, "the backend at http://backend is back") == 1u);
        BOOST_TEST(w.log.size() == 2u);
        BOOST_TEST(w.loki.size() == 12u);
        BOOST_TEST(w.loki.received_entries() == 12u);
        BOOST_TEST(s->count().pages_failed > 5u);
    }
}

BOOST_AUTO_TEST_CASE(error_answers_of_either_side_lose_nothing) {
    const reply answers[] = {
        {500, {}, "Internal Server Error"},
        {502, {{"Content-Type", "text/html"}}, "<html>\x1b[31mbad gateway</html>"},
        {503, {}, ""},
        {404, {}, "404 page not found\n"},
        {401, {}, "no org id\n"},
        {260, {}, "ingestion blocked"},
    };
    for (const auto& answer : answers)
        for (bool at_loki : {true, false}) {
            world w;
            bool broken = true;
            handler real = at_loki ? handler(std::ref(w.loki)) : handler(std::ref(w.backend));
            fake_transport flaky([&](const http::request& r) { return broken ? answer : real(r); }, w.time,
                                 "http://flaky");
            w.backend.add(w.make(1, 2));
            ship::basic_shipper<fake_transport, manual_clock> s(at_loki ? w.backend_http : flaky,
                                                                at_loki ? flaky : w.loki_http, w.time,
                                                                w.watched(ship::shipper_options{}));
            bool ended = false;
            boost::asio::co_spawn(w.context, s.run(), [&](std::exception_ptr) { ended = true; });
            w.time.run_for(w.context, 10min);
            BOOST_TEST(s.count().shipped == 0u);
            BOOST_TEST(s.count().rejected == 0u);
            BOOST_TEST(w.log.size() == 1u);
            BOOST_TEST(w.log.at(0).find("HTTP status " + std::to_string(answer.status)) != std::string::npos,
                       w.log.at(0));
            BOOST_TEST(w.log.at(0).find('\x1b') == std::string::npos);
            broken = false;
            w.time.run_for(w.context, 2min);
            BOOST_TEST(w.loki.size() == 2u);
            BOOST_TEST(w.log.size() == 2u);
            s.stop();
            w.time.run_for(w.context, 1min);
            BOOST_TEST(ended);
        }
}

BOOST_AUTO_TEST_CASE(a_page_of_html_or_nothing_is_an_outage) {
    for (const char* body : {"<html></html>", "", "{\"logs\":[", "[]", "{\"logs\":[{\"step\":\"x\"}]}"}) {
        world w;
        fake_transport bad([&](const http::request&) { return reply{200, {}, body}; }, w.time, "http://bad");
        ship::basic_shipper<fake_transport, manual_clock> s(bad, w.loki_http, w.time,
                                                            w.watched(ship::shipper_options{}));
        const auto e = w.complete(s.run_once());
        BOOST_TEST_REQUIRE(e.has_value());
        BOOST_TEST(e->message.find("http://bad/api/monitoring/logs: ") == 0u, e->message);
        BOOST_TEST(s.count().pages_failed == 1u);
    }
}

BOOST_AUTO_TEST_CASE(a_burst_beyond_the_page_is_caught_up) {
    world w;
    for (unsigned i = 0; i != 150; ++i)
        w.backend.add(w.make(i, 1, 30min));
    running_shipper s(w);
    s.run_for(1s);
    // Nothing is known yet: one page, and it says so.
    BOOST_TEST(s->count().shipped == 100u);
    BOOST_TEST(lines_with(w.log, "I first poll: took the newest 100 executions") == 1u);
    for (unsigned i = 1000; i != 2000; ++i)
        w.backend.add(w.make(i, 1));
    s.run_for(30s);
    BOOST_TEST(w.backend.last_limit() == 1600u);
    BOOST_TEST(w.loki.size() == 1150u);
    s.run_for(30s);
    BOOST_TEST(w.backend.last_limit() == 100u);
    BOOST_TEST(w.loki.received_entries() == 1150u);
    BOOST_TEST(w.log.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_burst_is_caught_up_even_if_the_larger_page_fails_at_first) {
    for (fault f : {fault::refuse, fault::truncate, fault::hang})
        for (const char* which : {"limit=100", "limit=400"}) {
            world w;
            for (unsigned i = 0; i != 100; ++i)
                w.backend.add(w.make(i, 1, 30min));
            running_shipper s(w);
            s.run_for(1s);
            BOOST_TEST(s->count().shipped == 100u);
            for (unsigned i = 1000; i != 2000; ++i)
                w.backend.add(w.make(i, 1));
            // What comes of the poll that fails is not what was known before it.
            bool failed = false;
            w.backend_http.decide([&](const http::request& r) {
                const bool now = !failed && r.target.ends_with(which);
                failed = failed || now;
                return now ? f : fault::none;
            });
            s.run_for(3min);
            BOOST_TEST(failed);
            BOOST_TEST(w.loki.size() == 1100u);
            BOOST_TEST(w.loki.received_entries() == 1100u);
            BOOST_TEST(w.backend.last_limit() == 100u);
        }
}

BOOST_AUTO_TEST_CASE(a_burst_larger_than_what_may_wait_is_caught_up_piece_by_piece) {
    world w;
    for (unsigned i = 0; i != 100; ++i)
        w.backend.add(w.make(i, 1, 30min));
    ship::shipper_options o;
    o.max_pending = 50;
    running_shipper s(w, o);
    s.run_for(1s);
    for (unsigned i = 1000; i != 2000; ++i)
        w.backend.add(w.make(i, 1));
    s.run_for(5min);
    BOOST_TEST(w.loki.size() == 1100u);
    BOOST_TEST(w.loki.received_entries() == 1100u);
    BOOST_TEST(w.backend.last_limit() == 100u);
}

BOOST_AUTO_TEST_CASE(a_backend_that_lies_about_its_totals_is_not_asked_without_end) {
    for (
        const char* page :
        {R"({"total_executions":1000000000000,"logs":[]})",
         R"({"total_executions":1000000000000,"logs":[{"step":1,"execution_id":"a","timestamp":"2023-11-14T22:00:00"}]})"}) {
        world w;
        std::size_t calls = 0;
        fake_transport liar(
            [&](const http::request&) {
                // Endless asking would take no time on this clock.
                BOOST_REQUIRE(++calls < 100);
                return reply{200, {}, page};
            },
            w.time, "http://liar");
        ship::basic_shipper<fake_transport, manual_clock> s(liar, w.loki_http, w.time,
                                                            w.watched(ship::shipper_options{}));
        bool ended = false;
        boost::asio::co_spawn(w.context, s.run(), [&](std::exception_ptr) { ended = true; });
        w.time.run_for(w.context, 5min);
        BOOST_TEST(calls <= 22u); // eleven polls
        BOOST_TEST(lines_with(w.log, "says that it has more") <= 1u);
        s.stop();
        w.time.run_for(w.context, 1min);
        BOOST_TEST(ended);
    }
}

BOOST_AUTO_TEST_CASE(what_waits_for_loki_counts_as_known) {
    world w;
    for (unsigned i = 0; i != 150; ++i)
        w.backend.add(w.make(i, 1, 30min));
    w.loki_http.always(fault::refuse);
    running_shipper s(w);
    s.run_for(10min);
    // Every page is full; history is still none of its business.
    BOOST_TEST(s->count().pending == 100u);
    BOOST_TEST(w.backend.last_limit() == 100u);
    BOOST_TEST(w.backend.requests() == 21u);
}

BOOST_AUTO_TEST_CASE(a_page_larger_than_the_window_is_shipped_once_and_said_once) {
    world w;
    for (unsigned i = 0; i != 50; ++i)
        w.backend.add(w.make(i, 3));
    ship::shipper_options o;
    o.dedup_capacity = 10;
    running_shipper s(w, o);
    s.run_for(10min);
    BOOST_TEST(w.loki.size() == 150u);
    BOOST_TEST(w.loki.received_entries() == 150u);
    BOOST_TEST(lines_with(w.log, "the window grows to hold a page") == 1u);
    BOOST_TEST(s->dedup_capacity() == 150u);
}

BOOST_AUTO_TEST_CASE(each_stream_goes_alone_and_oldest_first) {
    world w;
    for (unsigned i = 0; i != 30; ++i)
        w.backend.add(w.make(i, 2, std::chrono::hours(i)));
    ship::shipper_options o;
    o.delivery.batch.max_entries = 3;
    w.loki_http.latency(10ms);
    running_shipper s(w, o);
    s.run_for(5s);
    BOOST_TEST(s->count().shipped == 60u); // newest first, Loki would refuse most as too far behind
    BOOST_TEST(w.loki.size() == 60u);
    BOOST_TEST(w.loki_http.most_in_flight() == 3u); // three streams
    for (const auto& r : w.loki_http.requests())
        BOOST_TEST(r.body.find(R"({"stream":)") == r.body.rfind(R"({"stream":)"));
}

BOOST_AUTO_TEST_CASE(what_loki_refuses_is_counted_by_reason_and_not_sent_again) {
    world w;
    w.backend.add(w.make(3, 2, 24h * 10)); // older than a week
    w.backend.add(w.make(6, 2, 1h));
    running_shipper s(w);
    s.run_for(5min);
    BOOST_TEST(s->count().shipped == 2u);
    BOOST_TEST(s->count().rejected == 2u);
    BOOST_TEST(s->count().rejected_by_reason[static_cast<std::size_t>(
                   loki::reject_reason::greater_than_max_sample_age)] == 2u);
    BOOST_TEST(w.loki_http.requests().size() == 2u);
    BOOST_TEST(w.log.size() == 1u);
    BOOST_TEST(w.log.at(0).find("Loki refuses entries (greater_than_max_sample_age), for example step 1 of "
                                "execution 00000003-0000-4000-8000-000000000000 in {agent_type=") !=
                   std::string::npos,
               w.log.at(0));
}

BOOST_AUTO_TEST_CASE(a_reason_to_refuse_is_said_once) {
    world w;
    for (unsigned i = 0; i != 6; ++i)
        w.backend.add(w.make(i, 2, 24h * 10)); // three streams, all older than a week
    ship::shipper_options o;
    o.delivery.batch.max_entries = 1;
    running_shipper s(w, o);
    s.run_for(5min);
    BOOST_TEST(s->count().rejected == 12u);
    BOOST_TEST(w.log.size() == 1u);
    BOOST_TEST(w.log.at(0).find("(greater_than_max_sample_age)") != std::string::npos, w.log.at(0));
}

BOOST_AUTO_TEST_CASE(a_step_that_is_seen_at_each_poll_is_not_forgotten) {
    world w;
    w.backend.add(w.make(0, 1, -5min)); // its clock is ahead: always the newest
    ship::shipper_options o;
    o.batch_size = 2;
    o.dedup_capacity = 4;
    running_shipper s(w, o);
    for (unsigned i = 1; i != 20; ++i) {
        w.backend.add(w.make(i, 1));
        s.run_for(30s);
    }
    BOOST_TEST(w.loki.size() == 20u);
    BOOST_TEST(w.loki.received_entries() == 20u);
    BOOST_TEST(s->dedup_capacity() == 4u);
}

BOOST_AUTO_TEST_CASE(a_refusal_of_the_whole_push_refuses_all_of_it) {
    world w;
    w.backend.add(w.make(1, 3));
    fake_transport picky([](const http::request&) { return reply{400, {}, "error parsing labels {}\n"}; },
                         w.time, "http://picky");
    ship::basic_shipper<fake_transport, manual_clock> s(w.backend_http, picky, w.time,
                                                        w.watched(ship::shipper_options{}));
    BOOST_TEST(!w.complete(s.run_once()).has_value());
    BOOST_TEST(s.count().rejected == 3u);
    BOOST_TEST(s.count().shipped == 0u);
    BOOST_TEST(s.count().rejected_by_reason[static_cast<std::size_t>(loki::reject_reason::invalid_labels)] ==
               3u);
}

BOOST_AUTO_TEST_CASE(a_push_that_is_too_large_is_halved) {
    world w;
    for (unsigned i = 0; i != 32; ++i)
        w.backend.add(w.make(3 * i, 1, 1h - i * 1min));
    fake_transport small(
        [&](const http::request& r) {
            return r.body.size() > 1000 ? reply{413, {}, "<html>413</html>"} : w.loki(r);
        },
        w.time, "http://small");
    ship::basic_shipper<fake_transport, manual_clock> s(w.backend_http, small, w.time,
                                                        w.watched(ship::shipper_options{}));
    BOOST_TEST(!w.complete(s.run_once()).has_value());
    BOOST_TEST(s.count().shipped == 32u);
    BOOST_TEST(w.loki.size() == 32u);
}

BOOST_AUTO_TEST_CASE(a_stream_that_fails_does_not_hold_up_the_others) {
    world w;
    for (unsigned i = 0; i != 3; ++i)
        w.backend.add(w.make(i, 1));
    bool broken = true;
    fake_transport picky(
        [&](const http::request& r) {
            return broken && r.body.find("prod-web-00") != r.body.npos ? reply{500, {}, "no schema config"}
                                                                       : w.loki(r);
        },
        w.time, "http://picky");
    ship::basic_shipper<fake_transport, manual_clock> s(w.backend_http, picky, w.time,
                                                        w.watched(ship::shipper_options{}));
    BOOST_TEST(w.complete(s.run_once()).has_value());
    BOOST_TEST(s.count().shipped == 2u);
    BOOST_TEST(s.count().pending == 1u);
    broken = false;
    BOOST_TEST(!w.complete(s.run_once()).has_value());
    BOOST_TEST(s.count().pending == 0u);
}

BOOST_AUTO_TEST_CASE(a_step_without_a_time_gets_the_clocks_and_is_counted) {
    world w;
    auto e = w.make(1, 1);
    e.created_at = "yesterday";
    w.backend.add(e);
    auto f = w.make(2, 1);
    f.created_at = "";
    w.backend.add(f);
    running_shipper s(w);
    const auto now = w.time.wall_now();
    s.run_for(5min);
    BOOST_TEST(s->count().timestamps_replaced == 2u);
    BOOST_TEST(w.loki.received_entries() == 2u);
    for (const auto& [labels, entries] : w.loki.stored())
        for (const auto& stored : entries)
            BOOST_TEST((stored.time == now || stored.time == now + 1ns));
}

BOOST_AUTO_TEST_CASE(what_is_secret_is_replaced_and_counted_once) {
    world w;
    auto e = w.make(1, 2);
    e.results[1].standard_error = "geheim";
    w.backend.add(e);
    ship::shipper_options o;
    o.redact = [](std::string& text) { return text == "geheim" && !(text = "***").empty(); };
    running_shipper s(w, o);
    s.run_for(5min); // it is read again with each poll
    BOOST_TEST(s->count().redacted == 1u);
    BOOST_TEST(w.loki.size() == 2u);
    for (const auto& r : w.loki_http.requests())
        BOOST_TEST(r.body.find("geheim") == std::string::npos);
    BOOST_TEST(w.loki_http.requests().back().body.find("STDERR: ***") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(pending_entries_are_bounded) {
    world w;
    ship::shipper_options o;
    o.max_pending = 10;
    w.loki_http.always(fault::refuse);
    for (unsigned i = 0; i != 8; ++i)
        w.backend.add(w.make(i, 2));
    running_shipper s(w, o);
    s.run_for(5min);
    BOOST_TEST(w.backend.requests() == 1u);
    BOOST_TEST(s->count().pending == 16u);
    w.loki_http.always(fault::none);
    s.run_for(5min);
    BOOST_TEST(w.loki.size() == 16u);
    BOOST_TEST(w.backend.requests() > 5u);
}

BOOST_AUTO_TEST_CASE(retry_after_is_honoured) {
    world w;
    w.backend.add(w.make(1, 1));
    std::size_t calls = 0;
    fake_transport busy(
        [&](const http::request& r) {
            return ++calls == 1 ? reply{429, {{"Retry-After", "120"}}, "slow down"} : w.loki(r);
        },
        w.time, "http://busy");
    ship::basic_shipper<fake_transport, manual_clock> s(w.backend_http, busy, w.time,
                                                        w.watched(ship::shipper_options{}));
    bool ended = false;
    boost::asio::co_spawn(w.context, s.run(), [&](std::exception_ptr) { ended = true; });
    w.time.run_for(w.context, 119s);
    BOOST_TEST(calls == 1u);
    w.time.run_for(w.context, 2s);
    BOOST_TEST(calls == 2u);
    s.stop();
    w.time.run_for(w.context, 10s);
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_CASE(stop_ends_a_wait_and_a_read_at_once) {
    for (bool reading : {false, true}) {
        world w;
        if (reading)
            w.backend_http.always(fault::hang);
        running_shipper s(w);
        s.run_for(1s);
        BOOST_TEST(!s.ended());
        s->stop();
        s.run_for(0s);
        BOOST_TEST(s.ended());
    }
}

BOOST_AUTO_TEST_CASE(stop_lets_a_push_finish_and_abandons_one_that_hangs) {
    for (bool hangs : {false, true}) {
        world w;
        w.backend.add(w.make(1, 1));
        w.loki_http.latency(2s);
        if (hangs)
            w.loki_http.always(fault::hang);
        running_shipper s(w);
        s.run_for(1s);
        s->stop();
        s.run_for(500ms);
        BOOST_TEST(!s.ended());
        s.run_for(600ms);
        BOOST_TEST(s.ended() == !hangs);
        s.run_for(4s);
        BOOST_TEST(s.ended());
        BOOST_TEST(s->count().shipped == (hangs ? 0u : 1u));
        BOOST_TEST(s->count().pending == (hangs ? 1u : 0u));
        BOOST_TEST(!w.time.next_wake().has_value()); // nothing is left behind
    }
}

BOOST_AUTO_TEST_CASE(stop_is_no_servers_failure) {
    // Ends an exchange that is cancelled with an error, where fake_http throws.
    struct polite {
        manual_clock time;
        bool hangs;
        std::string page;

        boost::asio::awaitable<result<http::response_head>> send(const http::request&,
                                                                 const http::body_sink& sink) {
            if (hangs) {
                try {
                    co_await time.sleep_for(1h);
                } catch (const boost::system::system_error& e) {
                    co_return error(e.code(), "http://polite: cancelled");
                }
            }
            const http::response_head head{200, {}};
            if (auto r = sink(head, page); !r)
                co_return r.error();
            co_return head;
        }
        std::string server() const { return "http://polite"; }
    };
    for (bool at_loki : {false, true}) {
        world w;
        polite backend{w.time, !at_loki, R"({"logs":[{"step":1}]})"}, loki{w.time, true, {}};
        ship::basic_shipper<polite, manual_clock> s(backend, loki, w.time,
                                                    w.watched(ship::shipper_options{}));
        bool ended = false;
        boost::asio::co_spawn(w.context, s.run(), [&](std::exception_ptr) { ended = true; });
        w.time.run_for(w.context, 1s);
        s.stop();
        w.time.run_for(w.context, 10s);
        BOOST_TEST(ended);
        BOOST_TEST(w.log.empty());
        BOOST_TEST(s.count().pages_failed == 0u);
        BOOST_TEST(s.count().pending == (at_loki ? 1u : 0u));
    }
}

BOOST_AUTO_TEST_CASE(options_out_of_range_are_named) {
    const struct {
        std::function<void(ship::shipper_options&)> spoil;
        std::string_view part;
    } table[] = {
        {[](auto& o) { o.poll_interval = 0s; }, "poll_interval"},
        {[](auto& o) { o.batch_size = 0; }, "batch_size"},
        {[](auto& o) { o.dedup_capacity = 0; }, "dedup_capacity"},
        {[](auto& o) { o.max_pending = 0; }, "max_pending"},
        {[](auto& o) { o.delivery.batch.max_entries = 0; }, "max_entries"},
        {[](auto& o) { o.backoff.initial = 0s; }, "backoff.initial"},
        {[](auto& o) { o.backoff.maximum = 1ms; }, "backoff.maximum"},
    };
    for (const auto& t : table) {
        world w;
        ship::shipper_options o;
        t.spoil(o);
        using shipper = ship::basic_shipper<fake_transport, manual_clock>;
        BOOST_CHECK_EXCEPTION(
            shipper(w.backend_http, w.loki_http, w.time, o), std::invalid_argument,
            [&](const auto& e) { return std::string_view(e.what()).find(t.part) != std::string_view::npos; });
    }
}

BOOST_AUTO_TEST_CASE(each_outage_begins_with_a_short_wait) {
    world w;
    running_shipper s(w);
    for (unsigned outage = 0; outage != 3; ++outage) {
        w.loki_http.always(fault::refuse);
        w.backend.add(w.make(outage, 1));
        s.run_for(31s); // the poll, the first failure and a few more
        const auto after_31s = w.loki_http.requests().size();
        BOOST_TEST(after_31s >= 1u);
        s.run_for(5min);
        w.loki_http.always(fault::none);
        s.run_for(1min);
        BOOST_TEST(s->count().pending == 0u);
        // At once and after half a second, a second, two, four and so on.
        w.loki_http.script({fault::refuse});
        w.backend.add(w.make(100 + outage, 1));
        const auto before = w.loki_http.requests().size();
        s.run_for(31s);
        BOOST_TEST(w.loki_http.requests().size() == before + 2);
        BOOST_TEST(s->count().pending == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_page_that_is_larger_than_what_may_wait_is_taken_piece_by_piece) {
    for (const bool once : {false, true}) {
        world w;
        for (unsigned i = 0; i != 100; ++i) {
            w.backend.add(w.make(i, 4, 30min - i * 1s));
            w.backend.find(uuid(i))->results[2].command = std::string(1000, 'x');
        }
        ship::shipper_options o;
        o.max_pending_memory = 64 * 1024;
        std::uint64_t most = 0;
        o = w.watched(std::move(o));
        o.on_counters = [&](const ship::counters& c) { most = std::max(most, c.pending); };
        ship::basic_shipper<fake_transport, manual_clock> s(w.backend_http, w.loki_http, w.time, o);
        bool ended = false;
        if (once) {
            BOOST_TEST(!w.complete(s.run_once()));
        } else {
            boost::asio::co_spawn(w.context, s.run(), [&](std::exception_ptr) { ended = true; });
            w.time.run_for(w.context, 10min);
            s.stop();
            w.time.run_for(w.context, 1min);
            BOOST_TEST(ended);
        }
        BOOST_TEST(s.count().shipped == 400u);
        BOOST_TEST(s.count().balanced());
        BOOST_TEST(w.loki.received_entries() == 400u);
        BOOST_TEST(most > 50u);
        BOOST_TEST(most < 300u);
    }
}

BOOST_AUTO_TEST_CASE(a_page_without_end_is_said_and_what_came_is_shipped) {
    world w;
    bool broken = true;
    fake_transport flood(
        [&](const http::request& r) {
            std::string page = R"({"logs":[)";
            for (unsigned i = 0; i != 200; ++i)
                page += R"({"timestamp":"2023-11-14T22:00:00","execution_id":"a","step":)" +
                        std::to_string(i) + "},";
            return broken ? reply{200, {}, page} : w.backend(r);
        },
        w.time, "http://flood");
    ship::shipper_options o;
    o.max_page_steps = o.dedup_capacity = 100;
    ship::basic_shipper<fake_transport, manual_clock> s(flood, w.loki_http, w.time, w.watched(o));
    bool ended = false;
    boost::asio::co_spawn(w.context, s.run(), [&](std::exception_ptr) { ended = true; });
    w.time.run_for(w.context, 10min);
    BOOST_TEST(lines_with(w.log, "the page is too large: logs[100]: more than 100 records") == 1u);
    BOOST_TEST(w.loki.size() == 100u);
    BOOST_TEST(s.dedup_capacity() == 100u);
    BOOST_TEST(flood.requests().back().total_timeout == 6 * o.fetch_timeout);
    broken = false;
    w.backend.add(w.make(1, 2));
    w.time.run_for(w.context, 1min);
    BOOST_TEST(lines_with(w.log, "is back") == 1u);
    BOOST_TEST(w.loki.size() == 102u);
    s.stop();
    w.time.run_for(w.context, 1min);
    BOOST_TEST(ended);
}

BOOST_AUTO_TEST_CASE(streams_without_end_take_no_memory_for_ever) {
    world w;
    ship::shipper_options o;
    o.delivery.max_idle_memory = 64 * 1024;
    o.max_pending_memory = 256 * 1024;
    unsigned n = 0;
    fake_transport flood(
        [&](const http::request&) {
            std::string page = R"({"logs":[)";
            for (unsigned i = 0; i != 50; ++i)
                page += R"({"execution_id":"a","server_tag":")" + std::to_string(++n) + R"("},)";
            page.back() = ']';
            return reply{200, {}, page + '}'};
        },
        w.time, "http://flood");
    // One that says that nothing is stored would keep them pending.
    fake_transport loki([](const http::request&) { return reply{204, {}, ""}; }, w.time, "http://loki");
    ship::basic_shipper<fake_transport, manual_clock> s(flood, loki, w.time, w.watched(o));
    bool ended = false;
    boost::asio::co_spawn(w.context, s.run(), [&](std::exception_ptr) { ended = true; });
    w.time.run_for(w.context, 20min);
    s.stop();
    w.time.run_for(w.context, 1min);
    BOOST_TEST(ended);
    // Where nothing was forgotten, there would be no room since long.
    BOOST_TEST(s.count().fetched > 1500u);
}

BOOST_AUTO_TEST_CASE(of_a_refusal_only_the_beginning_is_read) {
    world w;
    std::size_t read = 0;
    fake_transport flood([](const http::request&) { return reply{400, {}, std::string(1'000'000, '\x1b')}; },
                         w.time, "http://flood");
    flood.chunk_size(1000);
    struct counting {
        fake_transport& inner;
        std::size_t& bytes;
        boost::asio::awaitable<result<http::response_head>> send(const http::request& r,
                                                                 const http::body_sink& sink) {
            const http::body_sink counted = [&](const http::response_head& h, std::string_view chunk) {
                bytes += chunk.size();
                return sink(h, chunk);
            };
            co_return co_await inner.send(r, counted);
        }
        std::string server() const { return inner.server(); }
    } counted{flood, read};
    const auto page = w.complete(ship::fetch_page(counted, aoss::logs_request({}), [](const auto&) {}));
    BOOST_TEST_REQUIRE(page.has_error());
    BOOST_TEST(page.error().status == 400u);
    BOOST_TEST(page.error().cause.code == errc::bad_status);
    BOOST_TEST(page.error().cause.message.starts_with(
        "http://flood/api/monitoring/logs: HTTP status 400: \\x1b\\x1b"));
    BOOST_TEST(page.error().cause.message.size() < 2000u);
    BOOST_TEST(read < 100'000u);
}

BOOST_AUTO_TEST_CASE(structured_metadata_begins_with_an_update) {
    world w(loki_limits::v3());
    w.backend.add(w.make(0, 2, 10min));
    ship::shipper_options o;
    o.verify_interval = 1min;
    running_shipper s(w, o);
    s.run_for(1s);
    o.structured_metadata = true;
    s->update(w.watched(o));
    w.backend.add(w.make(1, 3));
    s.run_for(10min);
    BOOST_TEST(s->count().shipped == 5u);
    BOOST_TEST(s->count().verified == 5u);
    BOOST_TEST(w.loki.received_entries() == 5u);
    std::multiset<std::string> executions;
    for (const auto& [labels, entries] : w.loki.stored())
        for (const auto& e : entries)
            executions.insert(std::string(e.metadata.get("execution_id")));
    BOOST_TEST((executions == std::multiset<std::string>{"", "", uuid(1), uuid(1), uuid(1)}));
}

BOOST_AUTO_TEST_CASE(what_was_to_be_read_back_is_let_go_where_that_is_turned_off) {
    world w;
    w.backend.add(w.make(0, 2));
    ship::shipper_options o;
    o.verify_interval = 1h;
    running_shipper s(w, o);
    s.run_for(1s);
    o.verify_interval = 0s;
    s->update(w.watched(o));
    s.run_for(1min);
    o.verify_interval = 1min;
    s->update(w.watched(o));
    w.backend.add(w.make(1, 3));
    s.run_for(10min);
    BOOST_TEST(s->count().shipped == 5u);
    BOOST_TEST(s->count().verified == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
