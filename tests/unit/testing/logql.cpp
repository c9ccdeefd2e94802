#include <lokiship/testing/fake_loki/label_text.hpp>
#include <lokiship/testing/logql.hpp>
#include <lokiship/testing/logql/metric_evaluation.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

BOOST_AUTO_TEST_SUITE(logql)

using namespace lokiship;
using namespace std::chrono_literals;
using lokiship::testing::parse_log_query;
using lokiship::testing::parse_metric_query;

namespace {

const std::vector<loki::label> stream{{"job", "aoss"}, {"step", "of the stream"}};

/// The labels that a query gives a line, `[a="1"]` and so on, and the line; `-` where it drops it.
std::string seen(const std::string& stages, std::string_view line) {
    const auto q = parse_log_query("{job=\"aoss\"} " + stages);
    if (!q)
        return q.error().message;
    testing::queried_line queried(stream, {}, line);
    if (!q->accepts(queried))
        return "-";
    return testing::to_text(queried.parsed()) + ' ' + queried.text;
}

} // namespace

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
        {R"({job="\x61oss"})", true, true},
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
            testing::queried_line queried({}, {}, line);
            BOOST_TEST(q->accepts(queried) == t.line);
        }
}

BOOST_AUTO_TEST_CASE(bad_queries_are_refused) {
    for (std::string_view query :
         {"", "{}", "job", "{job}", R"({job="a")", R"({job="a)", R"({job=~".*"})", R"({job!="a"})",
          R"({job="a"} nginx)", R"({job="a"} |= nginx)", R"({job=~"("})", R"({job="\q"})", R"({job="\xzz"})",
          R"({job="\x4)", R"({,})"}) {
        const auto q = parse_log_query(query);
        BOOST_TEST_REQUIRE(q.has_error(), query);
        BOOST_TEST(q.error().message.find("parse error") == 0u, q.error().message);
    }
}

BOOST_AUTO_TEST_CASE(regexes_are_as_in_loki) {
    // A dot is no line break; the ends are those of the text.
    BOOST_TEST(seen(R"(|~ "a.b")", "a\nb") == "-");
    BOOST_TEST(seen(R"(|~ "(?s)a.b")", "a\nb") == "{} a\nb");
    BOOST_TEST(seen(R"(|~ "^b")", "a\nb") == "-");
    BOOST_TEST(seen(R"(|~ "a$")", "a\nb") == "-");
    BOOST_TEST(seen(R"(|~ "(?m)^b")", "a\nb") == "{} a\nb");
    BOOST_TEST(seen(R"(|~ "(?i)NGINX")", "nginx") == "{} nginx");
    BOOST_TEST(seen(R"(| pattern "<a>" | a =~ ".+")", "a\nb") != "-");
}

BOOST_AUTO_TEST_CASE(comments_are_skipped) {
    const auto q = parse_log_query("# all of it\n{job=\"aoss\"} # but\n|= \"#x\"\n");
    BOOST_TEST_REQUIRE(q.has_value(), q.error().message);
    testing::queried_line with({}, {}, "#x"), without({}, {}, "x");
    BOOST_TEST((q->accepts(with) && !q->accepts(without)));
}

BOOST_AUTO_TEST_CASE(patterns_extract_labels) {
    const struct {
        std::string pattern, line, labels;
    } table[] = {
        {"<a> <b>", "x y z", R"({a="x", b="y z"})"},
        {"<a> <_> <b>", "x y z", R"({a="x", b="z"})"},
        {"E: <a> |", "E: 1 | y", R"({a="1"})"},
        {"E: <a> |", "F: 1 | y", "{}"},       // the literal that it begins with is missing
        {"<a> | <b>", "x y", R"({a="x y"})"}, // one further on is: its capture has the rest
        {"<a> | <b> | <c>", "1 | 2", R"({a="1", b="2"})"},
        {"E: <a> |<_>", "E:  | y", R"({a=""})"},
        {"<a>x<b>", "\nx\n", R"({a="\n", b="\n"})"},
        {"<a> < b> <1>", "x < b> <1>", R"({a="x"})"}, // neither is a capture
        {"<step>", "1", R"({step_extracted="1"})"},   // the stream has that name
        {"<a>", "", "{}"},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.pattern << " in " << t.line)
    BOOST_TEST(seen("| pattern `" + t.pattern + '`', t.line) == t.labels + ' ' + t.line);
    for (const auto& [pattern, text] :
         {std::pair("<a><b>", "consecutive capture '<a><b>'"),
          std::pair("<a> <a>", "duplicate capture name (a)"), std::pair("<_> x", "at least one capture"),
          std::pair("", "at least one")})
        BOOST_TEST(seen("| pattern `" + std::string(pattern) + '`', "x").find(text) != std::string::npos,
                   pattern);
}

BOOST_AUTO_TEST_CASE(labels_are_filtered) {
    const std::string line = "c=1 d=x e=";
    const std::string
        extracted = R"({c="1", d="x", e=""} )" + line,
        error =
            R"({__error__="LabelFilterErr", __error_details__="strconv.ParseFloat: parsing \"x\": invalid syntax", )" +
            extracted.substr(1);
    const struct {
        std::string filter;
        std::string_view result;
    } table[] = {
        {R"(c="1")", extracted},
        {R"(c!="1")", "-"},
        {R"(c=~"1|2")", extracted},
        {R"(c!~"1|2")", "-"},
        {R"(job="aoss")", extracted},
        {R"(none="")", extracted},
        {R"(none!="")", "-"},
        {R"(e="")", extracted},
        {"c=1", extracted},
        {"c==1", extracted},
        {"c!=1", "-"},
        {"c>0", extracted},
        {"c>1", "-"},
        {"c>=1.0", extracted},
        {"c<1e1", extracted},
        {"c<=-1", "-"},
        {"c>-15", extracted},
        {"none!=1", "-"}, // a line without the label has no number
        {"d>1", error},   // one that is no number stays
        {R"(d>1 | __error__="")", "-"},
        {R"(c="1" and d="y")", "-"},
        {R"(c="2" or d="x")", extracted},
        {R"(c="2" or d="y")", "-"},
        {R"(c="1" or d="y" and d="z")", extracted}, // and binds more
        {R"((c="1" or d="y") and d="z")", "-"},
        {R"(c="1" | d="y")", "-"},
        {R"(c="1" |= "d=x")", extracted},
        {R"(c="1" != "d=x")", "-"},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.filter)
    BOOST_TEST(seen("| pattern `c=<c> d=<d> e=<e>` | " + t.filter, line) == t.result);
    BOOST_TEST(seen("| pattern `<c> <d>` | e > 1", "x y") == "-");
    BOOST_TEST(seen("| pattern `c=<c> e=<e>` | e > 1", "c=1 e=").find("__error__") != std::string::npos,
               "a capture that is empty is there");
}

BOOST_AUTO_TEST_CASE(lines_are_formatted) {
    BOOST_TEST(seen("| pattern `<a> <b>` | line_format `{{.b}}: {{ .a }}{{.none}} {{.job}} ({{__line__}})`",
                    "x y") == R"({a="x", b="y"} y: x aoss (x y))");
    BOOST_TEST(seen(R"(| line_format "z" |= "x")", "x") == "-");
    BOOST_TEST(seen(R"(| line_format `{{.a | upper}}`)", "x").find("line_format: only") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_not_known_is_refused) {
    for (const std::string stage : {"| json",
                                    "| logfmt",
                                    "| regexp `(?P<a>.)`",
                                    "| label_format a=b",
                                    "| unwrap a",
                                    "| drop a",
                                    "| keep a",
                                    "| decolorize",
                                    "|> `<_> x`",
                                    "!> `x`",
                                    "|= `a` or `b`",
                                    "| a > 5s",
                                    "| a > 1KB",
                                    "| a = ip(`::1`)",
                                    "| a = b",
                                    "| a",
                                    "|",
                                    "| pattern",
                                    "| pattern `<a>` | pattern `<a> x`",
                                    "| a=`1`, b=`2`",
                                    "| (a=`1`",
                                    "| a=`1` and",
                                    "| a=~`1.*`",
                                    "| a=~`1|127`",
                                    "| a=~``",
                                    "| a!~`0|`",
                                    "| a=~`(0)`",
                                    "| a=`1` b=`2`"}) {
        const auto q = parse_log_query("{job=\"aoss\"} " + stage);
        BOOST_TEST_REQUIRE(q.has_error(), stage);
        BOOST_TEST(q.error().message.find("parse error") == 0u, q.error().message);
    }
    const std::string_view counted = "count_over_time({a=\"b\"}[5m])";
    for (std::string query : {"1",
                              "1 + 1",
                              "sum(1)",
                              "vector(1",
                              "vector(x)",
                              "quantile_over_time(0.9, {a=\"b\"} | unwrap c [5m])",
                              "rate({a=\"b\"})",
                              "rate({a=\"b\"}[5x])",
                              "rate({a=\"b\"}[0s])",
                              "rate({a=\"b\"}[5m] offset 1m)",
                              "rate({a=\"b\"}[5m]) by (a)",
                              "rate(5)",
                              "$ > ",
                              "$ = 0",
                              "sum by a ($)",
                              "sum by (a $",
                              "topk($)",
                              "topk(0, $)",
                              "topk(1.5, $)",
                              "topk(1e99, $)",
                              "stddev($)",
                              "label_replace($, \"a\", \"b\", \"c\", \"d\")",
                              "$ / on(a) $",
                              "$ + bool 1",
                              "$ and 1",
                              "1 or $",
                              "$ $",
                              "$)",
                              "($",
                              "sum($) by (a",
                              "sum by (a) ($) by (b)",
                              "{a=\"b\"}",
                              "count_over_time({a=\"b\"} | __error__!=\"\" [5m])",
                              "$ ^ 2",
                              "count_over_time({}[5m])"}) {
        for (auto at = query.find('$'); at != query.npos; at = query.find('$', at + 1))
            query.replace(at, 1, counted);
        const auto q = parse_metric_query(query);
        BOOST_TEST_REQUIRE(q.has_error(), query);
        BOOST_TEST(q.error().message.find("parse error") == 0u, q.error().message);
    }
}

namespace {

const timestamp then(1'795'439'400s);

/// What a query gives at `then`: `{a="1"} 2 {a="2"} 3`. The lines: at each time from 60 s before to `then`, every 20 s, one of
/// `server="a"`, and the last of `server="b"`, which is an error.
std::string value(const std::string& query) {
    const auto q = parse_metric_query(query);
    if (!q)
        return q.error().message;
    const testing::metric_evaluation e(*q, [](const testing::metric_query& range) {
        testing::metric_samples out;
        for (const auto age : {60s, 40s, 20s, 0s})
            for (const std::string server : {"a", "b"}) {
                const std::vector<loki::label> labels{{"server", server}};
                testing::queried_line line(labels, {}, server == "a" ? "fine" : "an error");
                if ((server == "a" || age == 0s) && range.logs.matches(labels) && range.logs.accepts(line))
                    out[line.labels()].push_back({then - age, line.text.size()});
            }
        return out;
    });
    const auto values = e.at(then);
    if (!values)
        return values.error().message;
    std::string out;
    for (const auto& [labels, v] : *values) {
        std::ostringstream text;
        text << (out.empty() ? "" : " ") << testing::to_text(labels) << ' ' << v;
        out += text.str();
    }
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(metric_queries) {
    // c and d count lines, of one server and of both.
    const std::string c = R"(count_over_time({server=~"a|b"}[1m]))",
                      error = R"(count_over_time({server=~".+"} |= "error" [1m]))";
    const struct {
        std::string query, result;
    } table[] = {
        {c, R"({server="a"} 3 {server="b"} 1)"}, // the first is too old, the last is not too new
        {R"(count_over_time({server="a"}[61s]))", R"({server="a"} 4)"},
        {R"(count_over_time({server="a"}[1m] |= "fine"))", R"({server="a"} 3)"},
        {R"(count_over_time(({server="a"})[1m]))", R"({server="a"} 3)"},
        {R"(rate({server="a"}[1m]))", R"({server="a"} 0.05)"},
        {R"(bytes_over_time({server=~"a|b"}[1m]))", R"({server="a"} 12 {server="b"} 8)"},
        {R"(bytes_rate({server="b"}[10s]))", R"({server="b"} 0.8)"},
        {R"(count_over_time({server="b"} | line_format "{{.server}}" [1m]))", R"({server="b"} 1)"},
        {R"(bytes_over_time({server="b"} | line_format "{{.server}}" [1m]))", R"({server="b"} 1)"},
        {error, R"({server="b"} 1)"},
        {R"(count_over_time({server="c"}[1m]))", ""},
        {R"(sum(count_over_time({server="c"}[1m])))", ""},
        {"sum(" + c + ")", "{} 4"},
        {"sum by (server) (" + c + ")", R"({server="a"} 3 {server="b"} 1)"},
        {"sum(" + c + ") by (server)", R"({server="a"} 3 {server="b"} 1)"},
        {"sum by (none) (" + c + ")", "{} 4"},
        {"sum by () (" + c + ")", "{} 4"},
        {"sum without (server) (" + c + ")", "{} 4"},
        {"max without (none) (" + c + ")", R"({server="a"} 3 {server="b"} 1)"},
        {"avg(" + c + ")", "{} 2"},
        {"min(" + c + ")", "{} 1"},
        {"max(" + c + ")", "{} 3"},
        {"count(" + c + ")", "{} 2"},
        {"topk(1, " + c + ")", R"({server="a"} 3)"},
        {"topk(9, " + c + ")", R"({server="a"} 3 {server="b"} 1)"},
        {"bottomk(1, " + c + ")", R"({server="b"} 1)"},
        {"topk by (server) (1, " + c + ")", R"({server="a"} 3 {server="b"} 1)"},
        {c + " > 1", R"({server="a"} 3)"},
        {"1 < " + c, R"({server="a"} 3)"},
        {c + " == 1", R"({server="b"} 1)"},
        {c + " != 1", R"({server="a"} 3)"},
        {c + " > bool 1", R"({server="a"} 1 {server="b"} 0)"},
        {c + " >= 3 or " + c + " < 2", R"({server="a"} 3 {server="b"} 1)"},
        {c + " / 2 - 1", R"({server="a"} 0.5 {server="b"} -0.5)"},
        {"2 - " + c + " * 2 % 4", R"({server="a"} 0 {server="b"} 0)"},
        {"2 * (" + c + " + 1)", R"({server="a"} 8 {server="b"} 4)"},
        {c + " / 0", R"({server="a"} nan {server="b"} nan)"},
        {error + " / " + c, R"({server="b"} 1)"},
        {c + " > " + error, ""},
        {c + " and " + error, R"({server="b"} 1)"},
        {c + " unless " + error, R"({server="a"} 3)"},
        {error + " or " + c, R"({server="a"} 3 {server="b"} 1)"},
        {c + " or vector(0)", R"({} 0 {server="a"} 3 {server="b"} 1)"},
        {R"(sum(count_over_time({server="c"}[1m])) or vector(0))", "{} 0"},
        {"sum(" + c + ") or vector(0)", "{} 4"},
        {"vector(1) + vector(1)", "{} 2"},
        {"vector(-1.5)", "{} -1.5"},
        {R"(absent_over_time({server="c", none!="x", a=~"|x"}[1m]))", R"({server="c"} 1)"},
        {R"(absent_over_time({server="a"}[1m]))", ""},
        {R"(count_over_time({server="b"} | pattern "<word> <other>" [1m]))",
         R"({other="error", server="b", word="an"} 1)"},
        {R"(sum by (word) (count_over_time({server=~"a|b"} | pattern "<word> <_>" [1m])))",
         R"({word="an"} 1 {word="fine"} 3)"},
        {R"(count_over_time({server="b"} | pattern "<word> <_>" | word > 1 | __error__="" [1m]))", ""},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.query)
    BOOST_TEST(value(t.query) == t.result);
    BOOST_TEST(value(R"(count_over_time({server="b"} | server > 1 [1m]))")
                   .find("pipeline error: 'LabelFilterErr' for series: '{__error__=\"LabelFilterErr\", ") ==
               0u);
}

BOOST_AUTO_TEST_SUITE_END()
