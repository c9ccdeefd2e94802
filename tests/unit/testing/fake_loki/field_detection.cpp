#include <lokiship/testing/fake_loki/field_detection.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <utility>

BOOST_AUTO_TEST_SUITE(field_detection)

using namespace lokiship::testing;

BOOST_AUTO_TEST_CASE(the_first_source_that_has_a_value_names_the_service) {
    label_list labels{{"app", ""}, {"job", "j"}, {"zone", "z"}};
    discover_service_name(labels, {"service", "app", "job"});
    BOOST_TEST(to_text(labels) == R"({app="", job="j", service_name="j", zone="z"})");
    discover_service_name(labels, {"zone"});
    BOOST_TEST(labels.size() == 4u);
    label_list none;
    discover_service_name(none, {});
    BOOST_TEST(none.empty());
}

BOOST_AUTO_TEST_CASE(levels_in_lines) {
    const std::pair<std::string_view, std::string_view> table[] = {
        {R"({"a":{"level":"wrn"}})", "warn"},
        {R"({"a":{"b":{"level":"wrn"}}})", "unknown"}, // too deep
        {R"({"level":5,"lvl":"warn"})", "warn"},
        {R"({"level":"wrn")", "unknown"},
        {R"({"level":"error")", "error"}, // a word
        {"severity=info level=error", "error"},
        {"a=\"level=error\" lvl=debug", "debug"},
        {"x=1 fatal", "fatal"},
        {"warning", "warn"},
        {"(trace)", "trace"},
        {"preinfo info", "info"},
    };
    for (const auto& [line, level] : table) {
        pushed_entry e;
        e.line = line;
        detect_level({}, e);
        BOOST_TEST_REQUIRE(e.metadata.size() == 1u);
        BOOST_TEST(e.metadata[0].value == level, line);
    }
}

BOOST_AUTO_TEST_CASE(invalid_bytes_of_metadata_values_become_spaces) {
    label_list metadata{{"b", "x\xff y"}, {"a", "1"}};
    BOOST_TEST(normalise_metadata(metadata).has_value());
    BOOST_TEST(to_text(metadata) == R"({a="1", b="x  y"})");
}

BOOST_AUTO_TEST_SUITE_END()
