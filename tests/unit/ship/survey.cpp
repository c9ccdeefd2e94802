#include "ship/world.hpp"

#include <cstdint>
#include <vector>

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(survey)

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

BOOST_AUTO_TEST_SUITE_END()
