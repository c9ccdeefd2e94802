#include "ship/world.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <cstdint>
#include <string>
#include <vector>

BOOST_AUTO_TEST_SUITE(survey)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(how_far_the_survey_is_can_be_seen) {
    world w(loki_limits{}.visible_at_once());
    for (unsigned i = 0; i != 60; ++i)
        w.backend.add(w.make(i, 1, i * 1h));
    for (const bool again : {false, true})
        BOOST_TEST_CONTEXT((again ? "again" : "at first")) {
            ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, w.loki_http, w.time,
                                                                 w.watched(ship::backfill_options{}));
            BOOST_TEST((b.surveyed() == ship::survey_progress{}));
            std::vector<ship::survey_progress> seen;
            w.loki_http.decide([&](const http::request& r) {
                if (r.verb == http::method::get && (seen.empty() || seen.back() != b.surveyed()))
                    seen.push_back(b.surveyed());
                return fault::none;
            });
            w.complete(b.run());
            w.loki_http.decide({});
            BOOST_TEST((b.surveyed() == ship::survey_progress{3, 3, 3}));
            // Where Loki has none of it, that is known from the first answers.
            std::vector<ship::survey_progress> expected{{3, 0, 0}};
            if (again)
                expected = {{3, 0, 0}, {3, 1, 0}, {3, 2, 0}, {3, 3, 0}, {3, 3, 1}, {3, 3, 2}};
            BOOST_TEST((seen == expected), seen.size());
        }
}

BOOST_AUTO_TEST_CASE(a_stream_that_loki_does_not_list_is_found_all_the_same) {
    for (const unsigned servers : {3u, 100u})
        for (const bool long_names : {false, true}) {
            world w(loki_limits{}.visible_at_once());
            for (unsigned i = 0; i != servers; ++i) {
                auto e = w.make(i, 2, 2h + i * 1min);
                e.server_id = uuid(1000 + i);
                e.server_tag = std::to_string(i) + (long_names ? std::string(300, 'x') : "");
                w.backend.add(e);
            }
            {
                ship::basic_backfill<fake_transport, manual_clock> before(
                    w.backend_http, w.loki_http, w.time, w.watched(ship::backfill_options{}));
                w.complete(before.run());
            }
            BOOST_TEST(w.loki.size() == 2 * servers);
            std::size_t queries = 0;
            fake_transport forgetful(
                [&](const http::request& r) {
                    auto out = w.loki(r);
                    queries += r.target.find("/query_range") != r.target.npos;
                    if (r.target.find("/series") == r.target.npos)
                        return out;
                    auto answer = boost::json::parse(out.body).as_object();
                    auto& list = answer.at("data").as_array();
                    for (auto i = list.begin(); i != list.end();)
                        i = i->at("server_id").as_string() == uuid(1001) ? list.erase(i) : i + 1;
                    out.body = boost::json::serialize(answer);
                    return out;
                },
                w.time, "http://loki");
            ship::backfill_options o;
            o.labels = {{"backfill", "2023"}};
            o.delivery.ingester.max_chunk_age = 10min; // all of it is history
            ship::basic_backfill<fake_transport, manual_clock> b(w.backend_http, forgetful, w.time,
                                                                 w.watched(o));
            w.complete(b.run());
            BOOST_TEST(w.loki.size() == 2 * servers);
            BOOST_TEST(b.count().duplicate == 2 * servers);
        }
}

BOOST_AUTO_TEST_SUITE_END()
