#include "common/loki_settings.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

BOOST_AUTO_TEST_SUITE(loki_settings)

using namespace lokiship;
using namespace std::chrono_literals;

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
    BOOST_TEST(got->allow_structured_metadata.value());

    const auto nothing = tools::parse_loki_config("target: all\nquerier: 5\n");
    BOOST_TEST_REQUIRE(nothing.has_value());
    BOOST_CHECK(nothing->ingester.max_chunk_age == 2h);
    BOOST_TEST(!nothing->ingester.known);
    BOOST_TEST(got->ingester.known);
    BOOST_TEST(nothing->query.max_entries == 5000u);
    BOOST_TEST(!nothing->allow_structured_metadata.has_value());
    const auto old = tools::parse_loki_config("limits_config:\n  max_entries_limit_per_query: 100\n");
    BOOST_TEST_REQUIRE(old.has_value());
    BOOST_TEST(!old->allow_structured_metadata.value());

    const auto always = tools::parse_loki_config("querier:\n  query_ingesters_within: 0s\n");
    BOOST_CHECK(always->query.query_ingesters_within > 24h * 365);

    for (const char* bad : {"", "<html>", "[]", "a: [", "404 page not found\n"})
        BOOST_TEST(tools::parse_loki_config(bad).has_error(), bad);
}

BOOST_AUTO_TEST_CASE(what_loki_takes_is_read_from_its_limits) {
    const auto got = tools::parse_loki_config("limits_config:\n"
                                              "  ingestion_rate_mb: 0.5\n"
                                              "  max_label_names_per_series: 30\n"
                                              "  reject_old_samples: false\n"
                                              "  reject_old_samples_max_age: 30d\n"
                                              "  creation_grace_period: 0s\n"
                                              "  max_line_size: 300000B\n"
                                              "  max_line_size_truncate: true\n"
                                              "  max_global_streams_per_user: 0\n"
                                              "  per_stream_rate_limit: 5MB\n");
    BOOST_TEST_REQUIRE(got.has_value());
    const auto& limits = got->ingestion;
    BOOST_TEST(limits.known);
    BOOST_TEST(!limits.reject_old_samples);
    BOOST_CHECK(limits.reject_old_samples_max_age == 720h);
    BOOST_CHECK(limits.creation_grace_period == 0s);
    BOOST_TEST(limits.max_line_size == 300'000u);
    BOOST_TEST(limits.max_line_size_truncate);
    BOOST_TEST(limits.max_label_names_per_series == 30u);
    BOOST_TEST(limits.ingestion_rate == 512u * 1024);
    BOOST_TEST(limits.per_stream_rate_limit == 5u * 1024 * 1024);
    BOOST_TEST(limits.max_global_streams_per_user == 0u);
    BOOST_TEST(!limits.schema_start.has_value());

    // A section may be there without a value.
    BOOST_TEST(tools::parse_loki_config("limits_config: {}\n")->ingestion.known);
    for (const char* unknown : {"target: all\n", "limits_config: 5\n", "limits_config:\n"})
        BOOST_TEST(!tools::parse_loki_config(unknown)->ingestion.known, unknown);
}

BOOST_AUTO_TEST_CASE(a_limit_that_cannot_be_read_keeps_its_default) {
    for (const std::string bad :
         {"-1", "x", "\"\"", "[1]", "{a: 1}", "~", "1.5x", ".nan", "-.inf", "99999999999999999999999"}) {
        std::string yaml = "limits_config:\n";
        for (const char* name : {"reject_old_samples", "reject_old_samples_max_age", "creation_grace_period",
                                 "max_line_size", "max_line_size_truncate", "max_label_names_per_series",
                                 "per_stream_rate_limit", "max_global_streams_per_user"})
            yaml += "  " + std::string(name) + ": " + bad + '\n';
        if (!bad.starts_with("999")) // a rate like any other, if a high one
            yaml += "  ingestion_rate_mb: " + bad + '\n';
        const auto got = tools::parse_loki_config(yaml);
        BOOST_TEST_REQUIRE(got.has_value(), bad);
        const loki::ingestion_limits expected;
        const auto& limits = got->ingestion;
        BOOST_TEST(limits.reject_old_samples == expected.reject_old_samples, bad);
        BOOST_CHECK(limits.reject_old_samples_max_age == expected.reject_old_samples_max_age);
        BOOST_CHECK(limits.creation_grace_period == expected.creation_grace_period);
        BOOST_TEST(limits.max_line_size == expected.max_line_size, bad);
        BOOST_TEST(limits.max_line_size_truncate == expected.max_line_size_truncate, bad);
        BOOST_TEST(limits.max_label_names_per_series == expected.max_label_names_per_series, bad);
        BOOST_TEST(limits.ingestion_rate == expected.ingestion_rate, bad);
        BOOST_TEST(limits.per_stream_rate_limit == expected.per_stream_rate_limit, bad);
        BOOST_TEST(limits.max_global_streams_per_user == expected.max_global_streams_per_user, bad);
    }
    const auto endless = tools::parse_loki_config("limits_config:\n  ingestion_rate_mb: .inf\n");
    BOOST_TEST(endless->ingestion.ingestion_rate == SIZE_MAX);
}

BOOST_AUTO_TEST_CASE(byte_sizes_as_loki_writes_them) {
    const struct {
        std::string_view text;
        std::uint64_t value;
    } table[] = {{"0B", 0},
                 {"0", 0},
                 {"17", 17},
                 {"256KB", 256 * 1024},
                 {"256kb", 256 * 1024},
                 {"3MB", 3 * 1024 * 1024},
                 {"2 GB", std::uint64_t(2) << 30},
                 {"1TB", std::uint64_t(1) << 40},
                 {"18446744073709551615B", UINT64_MAX}};
    for (const auto& t : table)
        BOOST_TEST((tools::parse_loki_size(t.text) == t.value), t.text);
    for (const char* bad : {"", "B", "-1B", "1.5MB", "1XB", "18446744073709551616", "17179869184TB", "1B1"})
        BOOST_TEST(!tools::parse_loki_size(bad).has_value(), bad);
}

BOOST_AUTO_TEST_CASE(the_schema_begins_with_its_earliest_period) {
    const auto start = [](const std::string& configs) {
        return tools::parse_loki_config("schema_config:\n  configs: " + configs + '\n')
            .value()
            .ingestion.schema_start;
    };
    const auto day = [](int y, unsigned m, unsigned d) {
        return timestamp(
            std::chrono::sys_days(std::chrono::year(y) / std::chrono::month(m) / std::chrono::day(d)));
    };
    BOOST_CHECK(start("[{from: 2020-10-24, store: tsdb}]") == day(2020, 10, 24));
    BOOST_CHECK(start("[{from: \"2015-01-01\"}]") == day(2015, 1, 1));
    BOOST_CHECK(start("\n  - from: 2023-01-01\n  - from: 2020-10-24\n  - from: 2024-01-01") ==
                day(2020, 10, 24));
    BOOST_CHECK(start("[{from: \"2020-10-24T12:00:00Z\"}]") == day(2020, 10, 24) + 12h);
    // One that cannot be read may be the earliest.
    for (const char* unknown : {"[]", "5", "~", "[{from: x}]", "[{from: 2020-13-01}]", "[{store: tsdb}]",
                                "[5]", "[{from: 2020-10-24}, {from: x}]", "[{from: 2020-10-24}, {}]"})
        BOOST_TEST(!start(unknown).has_value(), unknown);
}

BOOST_AUTO_TEST_CASE(structured_metadata_begins_with_version_3) {
    for (const char* yes : {R"({"version":"3.0.0"})", R"({"version":"3.7.6","revision":"x"})",
                            R"({"version":"main-65e30f8"})", R"({"version":"10.1"})"})
        BOOST_TEST(tools::takes_structured_metadata(yes).value(), yes);
    BOOST_TEST(!tools::takes_structured_metadata(R"({"version":"2.9.4"})").value());
    for (const char* unknown : {"", "{}", "[]", R"({"version":3})", R"({"version":"k3"})"})
        BOOST_TEST(!tools::takes_structured_metadata(unknown).has_value(), unknown);
}

BOOST_AUTO_TEST_SUITE_END()
