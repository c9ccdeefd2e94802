#include <lokiship/testing/logql.hpp>

#include <boost/test/unit_test.hpp>

#include <string_view>

BOOST_AUTO_TEST_SUITE(logql)

using namespace lokiship;
using lokiship::testing::parse_log_query;

BOOST_AUTO_TEST_CASE(selects_streams_and_filters_lines) {
    const loki::labels set{{"job", "aoss"}, {"status", "Failed"}, {"tag", "a\"b\\"}};
    const std::string_view line = "STEP: 1 | COMMAND: nginx -t | EXIT_CODE: 1";
    const struct {
        std::string_view query;
        bool stream, line;
    } table[] = {
        {R"({job="aoss"})", true, true},
        {R"({ job = "aoss" , status=~"Fail.*" })", true, true},
        {R"({job="aoss", status=~"ail"})", false, true}, // a label regex matches the whole value
        {R"({job="aoss", status!~"ail"})", true, true},
        {R"({job="aoss", status!="Failed"})", false, true},
        {R"({job="aoss", absent=""})", true, true},
        {R"({job="aoss", absent=~".+"})", false, true},
        {R"({tag="a\"b\\"})", true, true},
        {R"({tag=`a"b\`})", true, true},
        {R"({job="aoss"} |= "nginx")", true, true},
        {R"({job="aoss"} |= "apache")", true, false},
        {R"({job="aoss"} != "nginx")", true, false},
        {R"({job="aoss"} |~ "EXIT_CODE: [1-9]" |= "nginx")", true, true},
        {R"({job="aoss"} !~ "x$" |= `-t`)", true, true},
        {R"({job="aoss"} |= "nginx" != "STEP")", true, false},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.query) {
            const auto q = parse_log_query(t.query);
            BOOST_TEST_REQUIRE(q.has_value(), q.error().message);
            BOOST_TEST(q->matches(set) == t.stream);
            BOOST_TEST(q->matches(line) == t.line);
        }
}

BOOST_AUTO_TEST_CASE(bad_queries_are_refused) {
    for (std::string_view query :
         {"", "{}", "job", "{job}", R"({job="a")", R"({job="a)", R"({job=~".*"})", R"({job!="a"})",
          R"({job="a"} nginx)", R"({job="a"} |= nginx)", R"({job=~"("})", R"({job="\q"})", R"({,})"}) {
        const auto q = parse_log_query(query);
        BOOST_TEST_REQUIRE(q.has_error(), query);
        BOOST_TEST(q.error().message.find("parse error") == 0u, q.error().message);
    }
}

BOOST_AUTO_TEST_SUITE_END()
