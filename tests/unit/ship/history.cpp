#include "ship/world.hpp"

#include <lokiship/ship/history.hpp>

#include <set>

BOOST_AUTO_TEST_SUITE(history)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

struct reading {
    ship::history_summary summary;
    /// The executions that came, in their order, and the records.
    std::vector<std::string> executions;
    std::size_t records = 0, pages = 0, failed = 0;

    std::size_t distinct() const {
        return std::set<std::string>(executions.begin(), executions.end()).size();
    }
};

boost::asio::awaitable<ship::history_summary> read(ship::history_reader<fake_transport, manual_clock>& reader,
                                                   const ship::history_query& query) {
    co_return co_await reader.read(query);
}

reading read_from(world& w, fake_transport& backend, const ship::history_query& query = {}) {
    reading out;
    ship::history_reader<fake_transport, manual_clock> reader(
        backend, w.time, 1min,
        [&](const aoss::execution_record& r) {
            ++out.records;
            if (out.executions.empty() || out.executions.back() != r.execution_id)
                out.executions.push_back(r.execution_id);
        },
        [&](bool failed) { ++(failed ? out.failed : out.pages); });
    out.summary = w.complete(read(reader, query));
    return out;
}

void fill(world& w, unsigned executions) {
    for (unsigned i = 0; i != executions; ++i)
        w.backend.add(w.make(i, 2, i * 1h));
}

} // namespace

BOOST_AUTO_TEST_CASE(one_answer_holds_all) {
    world w;
    fill(w, 70);
    const auto r = read_from(w, w.backend_http);
    BOOST_TEST(!r.summary.failure.has_value());
    BOOST_TEST(!r.summary.incomplete.has_value());
    BOOST_TEST(r.summary.executions == 70u);
    BOOST_TEST(r.records == 140u);
    BOOST_TEST(r.pages == 1u);
    // The rest only asked for some, to find out whether the backend pages.
    for (std::size_t i = 1; i < w.backend_http.requests().size(); ++i)
        BOOST_TEST(w.backend_http.requests()[i].target.find("?limit=1000000000") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(pages_of_any_kind_are_found_out_and_read_to_the_end) {
    for (const char* by : {"offset", "skip", "page"})
        for (const std::size_t most : {1u, 2u, 7u, 20u, 69u, 70u, 71u})
            for (const bool silent : {false, true})
                BOOST_TEST_CONTEXT(by << ' ' << most << (silent ? " clamped" : " refused")) {
                    world w;
                    fill(w, 70);
                    w.backend.pages_by(by);
                    silent ? w.backend.clamp_limit(most) : w.backend.max_limit(most);
                    const auto r = read_from(w, w.backend_http);
                    BOOST_TEST(!r.summary.failure.has_value());
                    BOOST_TEST(!r.summary.incomplete.has_value());
                    BOOST_TEST(r.distinct() == 70u);
                }
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_refused_without_paging_is_said) {
    for (const std::size_t most : {1u, 20u, 150u}) {
        world w;
        fill(w, 200);
        w.backend.max_limit(most);
        const auto r = read_from(w, w.backend_http);
        BOOST_TEST_REQUIRE(r.summary.incomplete.has_value());
        BOOST_TEST(r.summary.incomplete->message.find("HTTP status 422") != std::string::npos);
        BOOST_TEST(r.summary.incomplete->message.find("with limit=" + std::to_string(most) + " it gives") !=
                   std::string::npos);
        BOOST_TEST(r.distinct() == most);
    }
}

BOOST_AUTO_TEST_CASE(a_limit_that_is_refused_without_a_number_is_found) {
    world w;
    fill(w, 200);
    fake_transport mute(
        [&](const http::request& r) {
            auto answer = w.backend(r);
            return w.backend.last_limit() > 30 ? reply{400, {}, "too much"} : answer;
        },
        w.time, "http://mute");
    const auto r = read_from(w, mute);
    BOOST_TEST_REQUIRE(r.summary.incomplete.has_value());
    BOOST_TEST(r.distinct() == 10u);
}

BOOST_AUTO_TEST_CASE(executions_that_come_and_go_between_the_pages_lose_none) {
    for (const bool come : {true, false})
        BOOST_TEST_CONTEXT((come ? "come" : "go")) {
            world w;
            fill(w, 300);
            w.backend.pages_by("offset");
            w.backend.max_limit(50);
            unsigned next = 1000, gone = 0;
            fake_transport busy(
                [&](const http::request& r) {
                    auto answer = w.backend(r);
                    for (int i = 0; i != 20; ++i)
                        if (come)
                            w.backend.add(w.make(next++, 1, -1min));
                        else
                            w.backend.erase(uuid(gone++)); // the newest, which were read
                    return answer;
                },
                w.time, "http://busy");
            const auto r = read_from(w, busy);
            BOOST_TEST(!r.summary.failure.has_value());
            std::set<std::string> seen(r.executions.begin(), r.executions.end());
            for (unsigned i = come ? 0 : gone; i < 300; ++i)
                BOOST_TEST(seen.count(uuid(i)) == 1u, i);
        }
}

BOOST_AUTO_TEST_CASE(totals_that_are_wrong_neither_end_it_early_nor_hide_what_is_missing) {
    for (const char* total : {"0", "1", "999999999999"})
        BOOST_TEST_CONTEXT(total) {
            world w;
            fill(w, 70);
            fake_transport liar(
                [&](const http::request& r) {
                    auto answer = w.backend(r);
                    const auto at = answer.body.find(':') + 1;
                    answer.body.replace(at, answer.body.find(',', at) - at, total);
                    return answer;
                },
                w.time, "http://liar");
            const auto r = read_from(w, liar);
            BOOST_TEST(!r.summary.failure.has_value());
            BOOST_TEST(r.distinct() == 70u);
            const bool more = total[0] == '9';
            BOOST_TEST(r.summary.incomplete.has_value() == more);
            if (more)
                BOOST_TEST(r.summary.incomplete->message.find("http://liar: says that it has 999999999999") ==
                               0u,
                           r.summary.incomplete->message);
        }
}

BOOST_AUTO_TEST_CASE(each_server_is_asked_for_and_one_request_is_enough_where_the_backend_ignores_it) {
    world w;
    fill(w, 90); // on three servers
    const ship::history_query two{{uuid(1000), uuid(1002)}};
    auto r = read_from(w, w.backend_http, two);
    BOOST_TEST(r.distinct() == 60u);
    BOOST_TEST(r.pages == 2u);

    fake_transport ignorant(
        [&](http::request q) {
            q.target = q.target.substr(0, q.target.find("&server_id"));
            return w.backend(q);
        },
        w.time, "http://ignorant");
    r = read_from(w, ignorant, two);
    BOOST_TEST(r.distinct() == 90u); // the query leaves out what does not match
    BOOST_TEST(r.pages == 1u);
}

BOOST_AUTO_TEST_CASE(pages_end_where_the_wanted_time_begins) {
    world w;
    fill(w, 300);
    w.backend.pages_by("offset");
    w.backend.max_limit(50);
    ship::history_query q;
    q.since = w.time.wall_now() - 60h;
    const auto r = read_from(w, w.backend_http, q);
    BOOST_TEST(r.distinct() < 120u);
    BOOST_TEST(r.distinct() > 60u);
}

BOOST_AUTO_TEST_CASE(a_failure_on_the_way_is_a_failure) {
    for (const fault f : {fault::refuse, fault::truncate, fault::hang}) {
        world w;
        fill(w, 300);
        w.backend.pages_by("offset");
        w.backend.max_limit(50);
        std::size_t n = 0;
        w.backend_http.decide([&](const http::request&) { return ++n >= 7 ? f : fault::none; });
        const auto r = read_from(w, w.backend_http);
        BOOST_TEST_REQUIRE(r.summary.failure.has_value());
        BOOST_TEST(r.failed == 2u); // the first was the limit that is refused
    }
}

BOOST_AUTO_TEST_CASE(a_request_that_gets_no_answer_is_made_again) {
    for (std::size_t at = 1; at != 9; ++at)
        BOOST_TEST_CONTEXT(at) {
            world w;
            fill(w, 300);
            w.backend.pages_by("offset");
            w.backend.clamp_limit(100);
            std::size_t n = 0;
            w.backend_http.decide(
                [&](const http::request&) { return ++n == at ? fault::reset_before : fault::none; });
            const auto r = read_from(w, w.backend_http);
            BOOST_TEST(!r.summary.failure.has_value());
            BOOST_TEST(r.distinct() == 300u);
        }
}

BOOST_AUTO_TEST_CASE(a_short_page_is_not_the_last_one) {
    world w;
    fill(w, 300);
    w.backend.pages_by("offset");
    w.backend.clamp_limit(50);
    std::size_t n = 0;
    fake_transport uneven(
        [&](const http::request& r) {
            w.backend.clamp_limit(++n % 2 == 0 ? 30 : 50);
            return w.backend(r);
        },
        w.time, "http://uneven");
    const auto r = read_from(w, uneven);
    BOOST_TEST(!r.summary.failure.has_value());
    BOOST_TEST(r.distinct() == 300u);
}

BOOST_AUTO_TEST_CASE(executions_of_one_time_do_not_pass_for_paging) {
    world w;
    for (unsigned i = 0; i != 60; ++i)
        w.backend.add(w.make(i, 1));
    std::size_t n = 0;
    fake_transport fickle(
        [&](http::request r) {
            // Where all are as new, the database gives them in any order.
            w.backend.add(w.make(static_cast<unsigned>(n++ % 60), 1));
            return w.backend(r);
        },
        w.time, "http://fickle");
    const auto r = read_from(w, fickle);
    BOOST_TEST(r.pages == 1u);
    BOOST_TEST(r.distinct() == 60u);
}

BOOST_AUTO_TEST_CASE(the_query_matches_by_server_status_and_time) {
    aoss::execution_record r;
    r.server_id = "a";
    r.execution_status = "Failed";
    const timestamp t(std::chrono::seconds(100));
    using query = ship::history_query;
    BOOST_TEST(query{}.matches(r, t));
    BOOST_TEST((query{{"b", "a"}, "Failed", t, t + 1ns}.matches(r, t)));
    BOOST_TEST(!(query{{"b"}}.matches(r, t)));
    BOOST_TEST(!(query{{}, "Success"}.matches(r, t)));
    BOOST_TEST(!(query{{}, {}, t + 1ns}.matches(r, t)));
    BOOST_TEST(!(query{{}, {}, {}, t}.matches(r, t)));
}

BOOST_AUTO_TEST_SUITE_END()
