#include "common/loki_settings.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>

using namespace lokiship;
using namespace std::chrono_literals;

BOOST_AUTO_TEST_SUITE(loki_settings)

BOOST_AUTO_TEST_CASE(go_durations) {
    const struct {
        std::string_view text;
        std::chrono::nanoseconds value;
    } table[] = {{"2h0m0s", 2h},   {"30m", 30min}, {"1w", 24h * 7}, {"30d1h", 24h * 30 + 1h},
                 {"500ms", 500ms}, {"0s", 0s},     {"0", 0s},       {"1h2m3s4ms", 1h + 2min + 3s + 4ms}};
    for (const auto& t : table)
        BOOST_TEST((tools::parse_go_duration(t.text) == t.value), t.text);
    for (const char* bad : {"", "h", "5", "-5s", "5x", "5s ", "99999999999y", "1.5h"})
        BOOST_TEST(!tools::parse_go_duration(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(what_config_shows_counts_and_the_rest_is_lokis_default) {
    const auto got = tools::parse_loki_config(
        "ingester:\n  max_chunk_age: 4h0m0s\n  chunk_idle_period: 5m0s\n  lifecycler:\n"
        "    ring: {kvstore: {store: inmemory}}\n"
        "querier:\n  query_ingesters_within: 6h0m0s\n"
        "limits_config:\n  max_entries_limit_per_query: 100\n  max_query_length: 30d1h\n"
        "  allow_structured_metadata: true\n");
    BOOST_TEST_REQUIRE(got.has_value());
    BOOST_CHECK(got->ingester.max_chunk_age == 4h);
    BOOST_CHECK(got->ingester.chunk_idle_period == 5min);
    BOOST_CHECK(got->query.query_ingesters_within == 6h);
    BOOST_CHECK(got->query.max_length == 721h);
    BOOST_TEST(got->query.max_entries == 100u);
    BOOST_TEST(got->structured_metadata);

    const auto nothing = tools::parse_loki_config("target: all\nquerier: 5\n");
    BOOST_TEST_REQUIRE(nothing.has_value());
    BOOST_CHECK(nothing->ingester.max_chunk_age == 2h);
    BOOST_TEST(!nothing->ingester.known);
    BOOST_TEST(got->ingester.known);
    BOOST_TEST(nothing->query.max_entries == 5000u);
    BOOST_TEST(!nothing->structured_metadata);

    const auto always = tools::parse_loki_config("querier:\n  query_ingesters_within: 0s\n");
    BOOST_CHECK(always->query.query_ingesters_within > 24h * 365);

    for (const char* bad : {"", "<html>", "[]", "a: [", "404 page not found\n"})
        BOOST_TEST(tools::parse_loki_config(bad).has_error(), bad);
}

BOOST_AUTO_TEST_CASE(structured_metadata_begins_with_version_3) {
    for (const char* yes : {R"({"version":"3.0.0"})", R"({"version":"3.7.6","revision":"x"})",
                            R"({"version":"main-65e30f8"})", R"({"version":"10.1"})"})
        BOOST_TEST(tools::takes_structured_metadata(yes), yes);
    for (const char* no :
         {"", "{}", "[]", R"({"version":"2.9.4"})", R"({"version":3})", R"({"version":"k3"})"})
        BOOST_TEST(!tools::takes_structured_metadata(no), no);
}

BOOST_AUTO_TEST_SUITE_END()
