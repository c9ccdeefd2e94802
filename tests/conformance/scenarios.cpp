// The table. Each scenario says what a Loki answers and what can be read back afterwards.
#include "bench.hpp"

#include <boost/algorithm/string/replace.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <ratio>
#include <string>
#include <utility>
#include <vector>

namespace lokiship::conformance {

using namespace std::chrono_literals;
using testing::loki_limits;

namespace {

// Settings that some scenarios need. A Loki that is started with one of them, written as YAML, runs those.

/// limits_config: {ingestion_rate_mb: 1, ingestion_burst_size_mb: 1, per_stream_rate_limit: 10KB,
/// per_stream_rate_limit_burst: 20KB, max_global_streams_per_user: 20}, auth_enabled: true
void small_limits(loki_limits& l) {
    l.auth_enabled = true;
    l.ingestion_rate_mb = 1;
    l.ingestion_burst_size_mb = 1;
    l.per_stream_rate_limit = 10 << 10;
    l.per_stream_rate_limit_burst = 20 << 10;
    l.max_global_streams_per_user = 20;
}
/// auth_enabled: true
void with_tenants(loki_limits& l) {
    l.auth_enabled = true;
}
/// limits_config: {increment_duplicate_timestamp: true, max_line_size: 100, max_line_size_truncate: true,
/// reject_old_samples: false}
void lenient(loki_limits& l) {
    l.increment_duplicate_timestamp = true;
    l.max_line_size = 100;
    l.max_line_size_truncate = true;
    l.reject_old_samples = false;
}
/// limits_config: {block_ingestion_until: "2100-01-01T00:00:00Z"}
void blocked(loki_limits& l) {
    l.block_ingestion_until = timestamp(std::chrono::sys_days(std::chrono::year(2100) / 1 / 1));
}
/// limits_config: {reject_old_samples: false}, schema_config: {configs: [{from: "2015-01-01", …}]}
void since_2015(loki_limits& l) {
    l.reject_old_samples = false;
    l.schema_start = timestamp(std::chrono::sys_days(std::chrono::year(2015) / 1 / 1));
}
/// A build of the main branch; nothing has to be set.
void knows_backfill(loki_limits& l) {
    l.backfill_shard_header = true;
}
/// limits_config: {discover_service_name: [], discover_log_levels: false, per_stream_rate_limit: 10KB,
/// per_stream_rate_limit_burst: 20KB, shard_streams: {enabled: false}}
void nothing_added(loki_limits& l) {
    l.discover_service_name = {};
    l.discover_log_levels = false;
    l.shard_streams_enabled = false;
    l.per_stream_rate_limit = 10 << 10;
    l.per_stream_rate_limit_burst = 20 << 10;
}

std::vector<entry> numbered(timestamp first, std::chrono::nanoseconds step, int count, std::size_t size = 1) {
    std::vector<entry> out;
    for (int i = 0; i != count; ++i) {
        std::string line = std::to_string(i);
        line.resize(std::max(line.size(), size), 'x');
        out.push_back({first + i * step, std::move(line)});
    }
    return out;
}

/// The inner text of a refusal by the window.
std::string too_far_behind(const bench& b, timestamp t, timestamp newest) {
    return std::string("entry too far behind, ") + (b.v3 ? "entry timestamp is: " + rfc3339(t) + ", " : "") +
           "oldest acceptable timestamp is: " + rfc3339(newest - 1h);
}
/// An ingester's line for a refused entry.
std::string ignored(const std::string& why) {
    return R"(entry with timestamp \d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,9})? \+0000 UTC ignored, )"
           "reason: '" +
           why + "',\n";
}
std::string total(const bench& b, int failed, int of, const label_map& labels) {
    return "user '" + b.tenant + "', total ignored: " + std::to_string(failed) + " out of " +
           std::to_string(of) + " for stream: " + b.named(labels);
}
label_map backfilled(label_map set, std::string shard) {
    set["__backfill__"] = "true";
    set["__backfill_shard__"] = std::move(shard);
    return set;
}
std::string too_old(const bench& b, timestamp t, const label_map& labels) {
    return "entry for stream '" + b.named(labels) + "' has timestamp too old: " + rfc3339(t) +
           ", oldest acceptable timestamp is: " + some_time;
}

/// What a metric query answers: its series and their values, `{a="1"} 0:2 60:3` with the times as seconds after `zero`.
std::vector<std::string> series(const answer& a, timestamp zero) {
    std::vector<std::string> out;
    const auto answered = a.json();
    for (const auto& s : answered.at("data").at("result").as_array()) {
        label_map labels;
        for (const auto& [name, value] : s.at("metric").as_object())
            labels[std::string(name)] = std::string(value.as_string());
        std::string text = label_text(labels);
        const auto add = [&](const boost::json::value& v) {
            const auto t = std::chrono::duration<double>(zero.time_since_epoch()).count();
            text += ' ' + std::to_string(std::llround(v.as_array()[0].to_number<double>() - t)) + ':' +
                    std::string(v.as_array()[1].as_string());
        };
        if (const auto* values = s.as_object().if_contains("values"))
            for (const auto& v : values->as_array())
                add(v);
        else
            add(s.at("value"));
        out.push_back(text);
    }
    return out;
}
using texts = std::vector<std::string>;

/// The parts of an AOSS line.
constexpr const char* parts =
    R"(| pattern "STEP: <step> | COMMAND: <command> | EXIT_CODE: <exit_code> | STDOUT: <stdout> | STDERR: <stderr>")";

/// Which Lokis know the header can be told without storing anything.
void backfill_header_shows_itself(bench& b) {
    const bool known = b.backfill_shard_header;
    const auto probe = [&](const label_map& set, const std::string& shard = {}) {
        return b.push_backfill(shard, {{set, {}}});
    };
    const std::string reserved =
        "streams must not contain the reserved labels __backfill__ or __backfill_shard__; set the "
        "X-Loki-Backfill-Shard header to mark a push as backfill data";
    const std::string too_long =
        "invalid X-Loki-Backfill-Shard header: value length 129 exceeds limit of 128";
    for (const char* name : {"__backfill__", "__backfill_shard__"}) {
        probe(b.labels({{name, "x"}})).is(known ? 400 : 204).says(known ? reserved : "");
        probe(b.labels({{name, ""}})).is(204).says("");
    }
    probe(b.labels(), std::string(129, 'x')).is(known ? 400 : 204).says(known ? too_long : "");
    probe(b.labels(), std::string(128, 'x')).is(204).says("");
    // In whatever way there are no entries.
    for (const char* none : {"", R"(,"values":null)", R"(,"values":[])", R"(,"values":[null])"})
        b.push_body(R"({"streams":[{"stream":{"__backfill__":"x"})" + std::string(none) + "}]}")
            .is(known ? 400 : 204)
            .says(known ? reserved : "");
    b.push_protobuf({{R"({__backfill__="x"})", {}}}).is(known ? 400 : 204).says(known ? reserved : "");
    // Beside a good stream the whole push is refused.
    b.push({{b.labels({{"a", known ? "refused" : "stored"}}), {{b.now, "x"}}},
            {b.labels({{"__backfill__", "x"}}), {}}})
        .is(known ? 400 : 204);
    const std::vector<stream> stored{{b.labels({{"a", "stored"}}), {{b.now, "x"}}}};
    b.reads(known ? std::vector<stream>() : stored);
    const std::string version(b.get("/loki/api/v1/status/buildinfo").json().at("version").as_string());
    BOOST_TEST(!(known && boost::regex_match(version, boost::regex(R"(3\.7\..*|2\..*)"))), version);
}

const std::vector<scenario> table = {

    // Bodies

    {"an_entry_in_json_is_stored",
     [](bench& b) {
         const stream s{b.labels({{"a", "1"}}), {{b.now, "hello"}}};
         const auto a = b.push({s});
         a.is(204).says("");
         a.has("Content-Type", "").has("Content-Length", "");
         b.reads({s});
     }},
    {"nanoseconds_are_kept",
     [](bench& b) {
         const stream s{b.labels(), {{b.now, "a"}, {b.now + 1ns, "b"}, {b.now - 1ns, "c"}}};
         b.push({s}).is(204);
         b.reads({s});
     }},
    {"several_streams_in_one_push",
     [](bench& b) {
         const std::vector<stream> all{{b.labels({{"a", "1"}}), {{b.now, "x"}, {b.now, "y"}}},
                                       {b.labels({{"a", "2"}}), {{b.now, "x"}}},
                                       {b.labels(), {{b.now, "x"}}}};
         b.push(all).is(204);
         b.reads(all);
     }},
    {"an_entry_in_protobuf_is_stored",
     [](bench& b) {
         const auto l = b.labels({{"a", "1"}});
         b.push_protobuf({{label_text(l), {{b.now, "hello"}, {b.now - 1s, "\xc3\xa9\n\"\\"}}}}).is(204);
         b.reads({{l, {{b.now, "hello"}, {b.now - 1s, "\xc3\xa9\n\"\\"}}}});
     }},
    {"compressed_bodies",
     [](bench& b) {
         const auto l = b.labels();
         const auto one = [&](const char* text) { return json({{l, {{b.now, text}}}}); };
         const auto as = [](const char* encoding) {
             return http::headers{{"Content-Type", "application/json"}, {"Content-Encoding", encoding}};
         };
         b.push_body(gzip(one("gzip")), as("gzip")).is(204);
         b.push_body(deflate(one("deflate")), as("deflate")).is(204);
         b.push_body(one("plain in spite of the header"), as("snappy")).is(204);
         b.push_body(gzip(protobuf({{label_text(l), {{b.now, "gzip of snappy"}}}})),
                     {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "gzip"}})
             .is(204);
         b.push_body(protobuf({{label_text(l), {{b.now, "snappy"}}}}),
                     {{"Content-Type", "application/x-protobuf"}, {"Content-Encoding", "snappy"}})
             .is(204);
         b.reads({{l,
                   {{b.now, "gzip"},
                    {b.now, "deflate"},
                    {b.now, "plain in spite of the header"},
                    {b.now, "gzip of snappy"},
                    {b.now, "snappy"}}}});
     }},
    {"content_encodings_that_loki_does_not_know",
     [](bench& b) {
         for (const std::string encoding : {"br", "identity", "GZIP", "zstd"})
             b.push_body("{}", {{"Content-Type", "application/json"}, {"Content-Encoding", encoding}})
                 .is(400)
                 .says("Content-Encoding \"" + encoding + "\" not supported");
         b.push_body("no gzip, but long enough",
                     {{"Content-Type", "application/json"}, {"Content-Encoding", "gzip"}})
             .is(400)
             .says("gzip: invalid header");
     }},
    {"json_is_told_by_its_media_type",
     [](bench& b) {
         const auto l = b.labels();
         int n = 0;
         std::vector<entry> stored;
         for (const char* type : {"application/json", "Application/JSON", "application/json; charset=utf-8",
                                  "application/json;", "application/json;charset=\"utf-8\""}) {
             stored.push_back({b.now, std::to_string(++n)});
             b.push_body(json({{l, {stored.back()}}}), {{"Content-Type", type}}).is(204);
         }
         const std::string body = json({{l, {{b.now, "never"}}}});
         b.push_body(body, {}).is(400).says("mime: no media type");
         b.push_body(body, {{"Content-Type", "text/plain"}}).is(400).says("snappy: corrupt input");
         b.push_body(body, {{"Content-Type", "application/x-protobuf"}})
             .is(400)
             .says("snappy: corrupt input");
         b.push_body(body, {{"Content-Type", "garbage"}}).is(400).says("snappy: corrupt input");
         b.push_body(body, {{"Content-Type", "a/b/c"}})
             .is(400)
             .says("mime: unexpected content after media subtype");
         b.push_body(body, {{"Content-Type", "application/json; charset"}})
             .is(400)
             .says("mime: invalid media parameter");
         b.reads({{l, stored}});
     }},
    {"errors_are_plain_text_with_a_newline",
     [](bench& b) {
         const auto a = b.push_body("", {{"Content-Type", "application/json"}});
         a.is(400).says("EOF");
         a.has("Content-Type", "text/plain; charset=utf-8").has("X-Content-Type-Options", "nosniff");
         BOOST_TEST(a.reply().body == "EOF\n");
         BOOST_TEST(a.reply().fields.get("Retry-After").empty());
     }},
    {"no_streams",
     [](bench& b) {
         for (const char* body :
              {"{}", "null", R"({"streams":null})", R"({"streams":[]})", R"({"other":[1,{}]})"}) {
             if (b.v3)
                 b.push_body(body).is(422).says("error at least one valid stream is required for ingestion");
             else
                 b.push_body(body).is(204);
         }
         b.push_protobuf({}).is(b.v3 ? 422 : 204);
     }},
    {"streams_without_entries_are_ignored",
     [](bench& b) {
         for (const char* values :
              {R"(,"values":[])", R"(,"values":null)", "", R"(,"values":[null])", R"(,"Values":[["1","x"]])"})
             b.push_body(R"({"streams":[{"stream":{"run":")" + b.id + "\"}" + values + "}]}").is(204);
         b.reads({});
     }},
    {"one_undecodable_entry_refuses_the_whole_push",
     [](bench& b) {
         const std::string now = std::to_string(text::to_unix_nanoseconds(b.now));
         const std::string good = R"({"stream":{"run":")" + b.id + R"("},"values":[[")" + now + R"(","x"]]})";
         for (const std::string e : {"5",
                                     "{}",
                                     "[TIME,\"x\"]",
                                     "[\"\",\"x\"]",
                                     "[\"+TIME\",\"x\"]",
                                     "[\" TIME\",\"x\"]",
                                     "[\"TIME.0\",\"x\"]",
                                     "[\"1e18\",\"x\"]",
                                     "[\"2026-11-23T08:44:51Z\",\"x\"]",
                                     "[\"9223372036854775808\",\"x\"]",
                                     "[\"TIME\",5]",
                                     "[\"TIME\",null]",
                                     "[\"TIME\",{}]",
                                     "[\"TIME\",\"x\",null]",
                                     "[\"TIME\",\"x\",\"y\"]",
                                     "[\"TIME\",\"x\",{\"a\":1}]",
                                     "[\"TIME\",\"a\\q\"]",
                                     "[\"TIME\",\"\\ud800\"]",
                                     "[\"TIME\",\"a\tb\"]",
                                     "[\"TIME\",\"x\"],",
                                     "[\"TIME\",\"x\""}) {
             const auto entry = boost::algorithm::replace_all_copy(e, "TIME", now);
             b.push_body(R"({"streams":[)" + good + R"(,{"stream":{"run":")" + b.id + R"("},"values":[)" +
                         entry + "]}]}")
                 .is(400);
         }
         for (const std::string s :
              {R"(null)", R"(5)", R"({"stream":null,"values":[]})", R"({"stream":"x","values":[]})",
               R"({"stream":{"a":"b"},"values":{}})", R"({"stream":{"a":"b"},"values":"x"})", R"({"stream")"})
             b.push_body(R"({"streams":[)" + good + ',' + s + "]}").is(400);
         for (const char* body : {"5", "[]", "\"x\"", "nul", R"({"streams":5})", R"({"streams":[],})", "{"})
             b.push_body(body).is(400);
         b.reads({});
     }},
    {"what_json_may_leave_out_or_add",
     [](bench& b) {
         const std::string now = std::to_string(text::to_unix_nanoseconds(b.now));
         const std::string run = R"("run":")" + b.id + '"';
         b.push_body(R"({"x":{"y":[]},"STREAMS":[{"y":1,"stream":{)" + run + R"(},"values":[[")" + now +
                     R"("],null,[")" + now + R"(","fourth",{},5]]}]} trailing)")
             .is(204);
         // The last of several wins.
         b.push_body(R"({"streams":[{}],"streams":[{"stream":{"a":"1"},"stream":{)" + run +
                     R"(,"b":"1","b":"2"},)" + R"("values":[[")" + now + R"(","never"]],"values":[[")" + now +
                     R"(","last"]]}]})")
             .is(204);
         b.reads(
             {{b.labels(), {{b.now, "fourth"}, {b.now, ""}}}, {b.labels({{"b", "2"}}), {{b.now, "last"}}}});
     }},
    {"leading_zeros_of_a_time",
     [](bench& b) {
         const std::string now = std::to_string(text::to_unix_nanoseconds(b.now));
         b.push_body(R"({"streams":[{"stream":{"run":")" + b.id + R"("},"values":[["0)" + now +
                     R"(","x"]]}]})")
             .is(b.v3 ? 400 : 204);
         b.reads(b.v3 ? std::vector<stream>() : std::vector<stream>{{b.labels(), {{b.now, "x"}}}});
     }},
    {"an_entry_without_a_time_is_too_old",
     [](bench& b) {
         const auto text =
             "entry for stream '" + b.named(b.labels()) +
             "' has timestamp too old: 0001-01-01T00:00:00Z, oldest acceptable timestamp is: " + some_time;
         b.push_body(R"({"streams":[{"stream":{"run":")" + b.id + R"("},"values":[[]]}]})")
             .is(400)
             .says(text);
     }},
    {"bytes_of_lines",
     [](bench& b) {
         const auto l = b.labels();
         const std::string now = std::to_string(text::to_unix_nanoseconds(b.now));
         b.push_body(R"({"streams":[{"stream":{"run":")" + b.id + R"("},"values":[[")" + now +
                     R"(","\u00e9\n\t\"\\\/\ud83d\ude00<&>"],[")" + now + "\",\"bad \xff utf-8\"]]}]}")
             .is(204);
         b.reads({{l, {{b.now, "\xc3\xa9\n\t\"\\/\xf0\x9f\x98\x80<&>"}, {b.now, "bad \xef\xbf\xbd utf-8"}}}});
     }},
    {"a_broken_protobuf_stores_nothing",
     [](bench& b) {
         const http::headers type{{"Content-Type", "application/x-protobuf"}};
         b.push_body("", type).is(400).says("snappy: corrupt input");
         b.push_body("\x05"
                     "abc",
                     type)
             .is(400)
             .says("snappy: corrupt input");
         b.push_body(snappy_block("\x0a"), type).is(400).says("unexpected EOF");
         b.push_body(snappy_block("\x0a\x7f"), type).is(400).says("unexpected EOF");
     }},

    // Labels

    {"unparsable_labels_refuse_the_whole_push",
     [](bench& b) {
         const std::pair<const char*, const char*> bad[] = {
             {"a-b", R"(1:3: parse error: unexpected character inside braces: '-')"},
             {"a b", R"(1:4: parse error: unexpected identifier "b" in label set, expected "=")"},
             {"1a", R"(1:2: parse error: unexpected character inside braces: '1')"},
             {"", R"(1:2: parse error: unexpected "=" in label set, expected identifier or "\}")"},
             {"a.b", R"(1:3: parse error: unexpected character inside braces: '\.')"},
             {"a:b", R"(1:3: parse error: unexpected character inside braces: ':')"},
             {"a=b", R"(1:4: parse error: unexpected identifier "b" in label set, expected string)"},
             {"a{", R"(1:3: parse error: unexpected left brace '\{')"},
             {"a\"b", R"(1:3: parse error: unexpected string "\\"b=\\"" in label set, expected "=")"}};
         for (const auto& [name, text] : bad)
             b.push({{b.labels(), {{b.now, "x"}}}, {{{name, "x"}}, {}}})
                 .is(400)
                 .says(std::string("couldn't parse labels: ") + text);
         b.reads({});
     }},
    {"the_forms_of_labels_in_protobuf",
     [](bench& b) {
         const auto put = [&](const std::string& labels) {
             return b.push_protobuf({{labels, {{b.now, "x"}}}});
         };
         const std::string run = "run=\"" + b.id + '"';
         put("{" + run + ",a='1'}").is(204);
         put("{ " + run + " , a = `2` , } # comment").is(204);
         put("{" + run + R"(,a="x\u00e9\x41\101\n\"\\"})").is(204);
         put("name{" + run + "}").is(204);
         put("{" + run + ",a=\"\",by=\"3\"}").is(204);
         b.reads({{b.labels({{"a", "1"}}), {{b.now, "x"}}},
                  {b.labels({{"a", "2"}}), {{b.now, "x"}}},
                  {b.labels({{"a", "x\xc3\xa9"
                                   "AA\n\"\\"}}),
                   {{b.now, "x"}}},
                  {b.labels({{"__name__", "name"}}), {{b.now, "x"}}},
                  {b.labels({{"by", "3"}}), {{b.now, "x"}}}});
         const std::pair<const char*, const char*> bad[] = {
             {"{a=\"x\"", "1:7: parse error: unexpected end of input inside braces"},
             {R"({a="\q"})", "1:4: parse error: unknown escape sequence.*"},
             {"{,}", R"(1:2: parse error: unexpected "," in label set, expected identifier or "\}")"},
             {"{a=~\"x\"}", R"(1:3: parse error: unexpected <op:=~> in label set, expected "=")"},
             {"{a!=\"x\"}", R"(1:3: parse error: unexpected <op:!=> in label set, expected "=")"},
             {"{a=\"x\" b=\"y\"}",
              R"(1:8: parse error: unexpected identifier "b" in label set, expected "," or "\}")"},
             {"{a=\"x\";}", "1:7: parse error: unexpected character inside braces: ';'"},
             {"{a}", R"(1:3: parse error: unexpected "\}" in label set, expected "=")"},
             {"{a=\"x\"} y", R"(1:9: parse error: unexpected identifier "y")"},
             {"{a=\"\xff\"}", "1:4: parse error: invalid UTF-8 rune"},
             {"{a=\"\xef\xbf\xbd\"}", "1:4: parse error: invalid UTF-8 rune"},
             {"{a=\"x\ny\"}", "1:4: parse error: unterminated quoted string"},
             {"{a=\"x}", "1:4: parse error: unterminated quoted string"},
             {"{{", R"(1:2: parse error: unexpected left brace '\{')"},
             {"a b", R"(1:3: parse error: unexpected identifier "b")"}};
         for (const auto& [labels, text] : bad)
             put(labels).is(400).says(std::string("couldn't parse labels: ") + text);
     }},
    {"quoted_label_names",
     [](bench& b) {
         const auto a = b.push_protobuf({{R"({"a.b"="x", run=")" + b.id + "\"}", {{b.now, "x"}}}});
         if (!b.v3)
             a.is(400).says(
                 R"(couldn't parse labels: 1:2: parse error: unexpected string "\\"a\.b\\"" in label set, )"
                 R"(expected identifier or "\}")");
         else
             a.is(204);
         // 3.x takes such a stream and then cannot answer a query that finds it.
         if (b.v3)
             b.query("").is(500).says(R"(.*: 1:3: parse error: unexpected character inside braces: '\.')");
         else
             b.reads({});
     }},
    {"json_escapes_in_label_values",
     [](bench& b) {
         const std::string now = std::to_string(text::to_unix_nanoseconds(b.now));
         b.push_body(R"({"streams":[{"stream":{"run":")" + b.id +
                     R"(","a":"C:\\dir \"q\" \u00e9\/"},"values":[[")" + now + R"(","x"]]}]})")
             .is(204);
         b.reads({{b.labels({{"a", b.v3 ? "C:\\dir \"q\" \xc3\xa9/" : R"(C:\\dir \"q\" \u00e9\/)"}}),
                   {{b.now, "x"}}}});
     }},
    {"utf8_in_label_values",
     [](bench& b) {
         const stream s{b.labels({{"a", "\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80 |{}=,"}}), {{b.now, "x"}}};
         b.push({s}).is(204);
         b.reads({s});
     }},
    {"label_values_that_are_no_strings",
     [](bench& b) {
         const std::string now = std::to_string(text::to_unix_nanoseconds(b.now));
         std::vector<stream> stored;
         for (const std::string value : {"5", "5.10", "true", "null", R"({"x": 1})", "[1]"}) {
             const auto a = b.push_body(R"({"streams":[{"stream":{"run":")" + b.id + R"(","a":)" + value +
                                        R"(},"values":[[")" + now + R"(","x"]]}]})");
             a.is(b.v3 ? 204 : 400);
             if (b.v3)
                 stored.push_back({b.labels({{"a", value}}), {{b.now, "x"}}});
         }
         b.reads(stored);
     }},
    {"an_empty_label_value_is_no_label",
     [](bench& b) {
         b.push({{b.labels({{"a", ""}}), {{b.now, "x"}}}}).is(204);
         b.reads({{b.labels(), {{b.now, "x"}}}});
     }},
    {"a_stream_without_labels",
     [](bench& b) {
         const stream good{b.labels(), {{b.now, "x"}}};
         const auto a = b.push({{{}, {{b.now, b.id}}}, good});
         if (b.v3)
             a.is(204);
         else
             a.is(400).says("error at least one label pair is required per stream");
         b.reads({good});
     }},
    {"duplicate_label_names_refuse_their_stream",
     [](bench& b) {
         const auto labels = "{a=\"1\",run=\"" + b.id + "\",a=\"2\"}";
         b.push_protobuf({{labels, {{b.now, "x"}}}, {label_text(b.labels()), {{b.now, "y"}}}})
             .is(400)
             .says(
                 "stream '" +
                 literally(b.v3 ? "{a=\"1\", a=\"2\", run=\"" + b.id + "\", service_name=\"unknown_service\"}"
                                : labels) +
                 "' has duplicate label name: 'a'");
         b.reads({{b.labels(), {{b.now, "y"}}}});
     }},
    {"too_many_labels_refuse_their_stream",
     [](bench& b) {
         const std::size_t most = b.v3 ? 15 : 30;
         auto fits = b.labels();
         while (fits.size() != most)
             fits["l" + std::to_string(fits.size())] = "x";
         auto over = fits;
         over["one_more"] = "x";
         b.push({{over, {{b.now, "x"}, {b.now, "y"}}}, {fits, {{b.now, "x"}}}})
             .is(400)
             .says("entry for stream '" + b.named(over) + "' has " + std::to_string(most + 1) +
                   " label names; limit " + std::to_string(most));
         b.reads({{fits, {{b.now, "x"}}}});
     }},
    {"long_label_names_and_values_refuse_their_stream",
     [](bench& b) {
         const auto fits = b.labels({{std::string(1024, 'n'), std::string(2048, 'v')}});
         const auto name = b.labels({{std::string(1025, 'n'), "v"}}),
                    value = b.labels({{"n", std::string(2049, 'v')}});
         b.push({{fits, {{b.now, "x"}}}}).is(204);
         b.push({{name, {{b.now, "x"}}}})
             .is(400)
             .says("stream '" + b.named(name) + "' has label name too long: '" + std::string(1025, 'n') +
                   '\'');
         b.push({{value, {{b.now, "x"}}}})
             .is(400)
             .says("stream '" + b.named(value) + "' has label value too long: '" + std::string(2049, 'v') +
                   '\'');
         b.reads({{fits, {{b.now, "x"}}}});
     }},
    {"percent_signs_in_texts",
     [](bench& b) {
         const auto l = b.labels({{"a", "100% %d %s%%"}});
         auto shown = b.named(l);
         if (!b.v3)
             boost::algorithm::replace_all(shown, "100% %d %s%%", "100%d %!s\\(MISSING\\)%");
         b.push({{l, {{b.now - 200h, "x"}}}})
             .is(400)
             .says("entry for stream '" + shown + "' has timestamp too old: .*");
     }},
    {"a_service_name_is_discovered",
     [](bench& b) {
         const auto with = [&](label_map set) { return b.labels(std::move(set)); };
         b.push({{with({{"job", "j"}}), {{b.now, "x"}}},
                 {with({{"job", "j"}, {"app", "a"}}), {{b.now, "x"}}},
                 {with({{"service_name", "s"}, {"app", "a"}}), {{b.now, "x"}}},
                 {with({{"other", "o"}}), {{b.now, "x"}}}})
             .is(204);
         b.reads({{with({{"job", "j"}, {"service_name", "j"}}), {{b.now, "x"}}},
                  {with({{"job", "j"}, {"app", "a"}, {"service_name", "a"}}), {{b.now, "x"}}},
                  {with({{"service_name", "s"}, {"app", "a"}}), {{b.now, "x"}}},
                  {with({{"other", "o"}, {"service_name", "unknown_service"}}), {{b.now, "x"}}}});
     },
     applies::to_3},

    // Entries

    {"entries_older_than_a_week_are_refused",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, {{b.now - 168h - 1min, "old"}, {b.now - 168h + 1min, "edge"}, {b.now, "new"}}}})
             .is(400)
             .says(too_old(b, b.now - 168h - 1min, l));
         b.flush();
         b.reads({{l, {{b.now - 168h + 1min, "edge"}, {b.now, "new"}}}});
     }},
    {"entries_from_the_future_are_refused",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, {{b.now + 12min, "new"}, {b.now + 9min, "edge"}}}})
             .is(400)
             .says("entry for stream '" + b.named(l) + "' has timestamp too new: " + rfc3339(b.now + 12min));
         b.reads({{l, {{b.now + 9min, "edge"}}}});
     }},
    {"seconds_instead_of_nanoseconds_are_too_old",
     [](bench& b) {
         const auto l = b.labels();
         const auto t = text::from_unix_nanoseconds(text::to_unix_nanoseconds(b.now) / 1'000'000'000);
         b.push({{l, {{t, "x"}}}}).is(400).says(too_old(b, t, l));
         b.reads({});
     }},
    {"refusals_are_grouped_by_text",
     [](bench& b) {
         const auto l = b.labels({{"a", "1"}});
         const auto old = b.now - 200h;
         const stream good{b.labels({{"a", "2"}}), {{b.now, "good"}}};
         b.push({{l, {{old, "x"}, {old, "y"}}}, good}).is(400).says("2 errors like: " + too_old(b, old, l));
         // In any order.
         const auto two = "2 errors like: " + too_old(b, old, l),
                    one = "1 errors like: " + too_old(b, old - 1s, l);
         b.push({{l, {{old, "x"}, {old - 1s, "y"}, {old, "z"}}}})
             .is(400)
             .says("(" + two + "; " + one + ")|(" + one + "; " + two + ")");
         b.reads({good});
     }},
    {"long_lines",
     [](bench& b) {
         const auto l = b.labels();
         const std::string edge(256 << 10, 'x'), over(300 << 10, 'y');
         const auto a = b.push({{l, {{b.now, edge}, {b.now, over}, {b.now, "short"}}}});
         if (b.v3)
             a.is(400).says("max entry size '262144' bytes exceeded for stream '" + b.named(l) +
                            "' while adding an entry with length '307200' bytes");
         else
             a.is(204);
         std::vector<entry> stored{{b.now, edge}, {b.now, "short"}};
         if (!b.v3)
             stored.push_back({b.now, over});
         b.reads({{l, stored}});
     }},
    {"structured_metadata_are_not_allowed_in_2_9",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, {{b.now, "x", {{"k", "v"}}}, {b.now, "y"}}}})
             .is(400)
             .says(
                 "stream '" + b.named(l) +
                 "' includes structured metadata, but this feature is disallowed\\. Please see "
                 "`limits_config\\.structured_metadata` or contact your Loki administrator to enable it\\.");
         b.reads({{l, {{b.now, "y"}}}});
     },
     applies::to_2_9},
    {"structured_metadata_come_back",
     [](bench& b) {
         const std::string categorize = "&direction=forward";
         b.push({{b.labels({{"a", "1"}}),
                  {{b.now, "x", {{"k", "v"}, {"a", "2"}}},
                   {b.now + 1ns, "y"},
                   {b.now + 2ns, "level=error z"}}}})
             .is(204);
         // Merged into the labels: a result stream for each set.
         const auto merged = b.query("&direction=forward").json();
         const auto& streams = merged.at("data").at("result").as_array();
         BOOST_TEST_REQUIRE(streams.size() == 3u);
         const auto label = [&](std::size_t i, const char* name) {
             const auto* found = streams.at(i).at("stream").as_object().if_contains(name);
             return found ? std::string(found->as_string()) : "";
         };
         BOOST_TEST(label(0, "a_extracted") == "2");
         BOOST_TEST(label(0, "a") == "1");
         BOOST_TEST(label(0, "k") == "v");
         BOOST_TEST(label(0, "detected_level") == "unknown");
         BOOST_TEST(label(1, "detected_level") == "error");
         BOOST_TEST(label(2, "detected_level") == "unknown");
         BOOST_TEST(streams.at(0).at("values").as_array().at(0).as_array().size() == 2u);
         // Or apart.
         http::request r;
         r.target =
             "/loki/api/v1/query_range?direction=forward&query=" + http::encode_query_value(b.selector());
         r.fields.add("X-Loki-Response-Encoding-Flags", "categorize-labels");
         const auto apart = b.send(r).json();
         const auto& data = apart.at("data").as_object();
         BOOST_TEST(boost::json::serialize(data.at("encodingFlags")) == R"(["categorize-labels"])");
         const auto& one = data.at("result").as_array();
         BOOST_TEST_REQUIRE(one.size() == 1u);
         BOOST_TEST(one.at(0).at("stream").as_object().size() == 3u);
         const auto& first = one.at(0).at("values").as_array().at(0).as_array();
         BOOST_TEST_REQUIRE(first.size() == 3u);
         BOOST_TEST(
             (first.at(2) ==
              boost::json::parse(
                  R"({"structuredMetadata":{"a_extracted":"2","detected_level":"unknown","k":"v"}})")));
     },
     applies::to_3},
    {"encoding_flags_are_not_known_in_2_9",
     [](bench& b) {
         b.push({{b.labels(), {{b.now, "x"}}}}).is(204);
         http::request r;
         r.target = "/loki/api/v1/query_range?query=" + http::encode_query_value(b.selector());
         r.fields.add("X-Loki-Response-Encoding-Flags", "categorize-labels");
         const auto data = b.send(r).json().at("data").as_object();
         BOOST_TEST(!data.contains("encodingFlags"));
         BOOST_TEST(data.at("result").at(0).at("values").at(0).as_array().size() == 2u);
     },
     applies::to_2_9},
    {"names_of_structured_metadata_are_normalised",
     [](bench& b) {
         const std::pair<std::string, const char*> names[] = {
             {"a.b", "a_b"}, {"a..b", "a_b"}, {"a__b", "a_b"}, {"_a", "_a"},       {"1a", "key_1a"},
             {"a-b", "a_b"}, {"A B", "A_B"},  {"_1", "_1"},    {"__a__", "__a__"}, {"a\xc3\xa9", "a_"}};
         int n = 0;
         for (const auto& [pushed, shown] : names) {
             const auto l = b.labels({{"n", std::to_string(n++)}});
             b.push({{l, {{b.now, "x", {{pushed, "v"}}}}}}).is(204);
             const auto data = b.query("", "{run=\"" + b.id + "\",n=\"" + l.at("n") + "\"}").json();
             const auto& set = data.at("data").at("result").at(0).at("stream").as_object();
             BOOST_TEST(set.contains(shown), pushed << " became " << boost::json::serialize(set));
         }
     },
     applies::to_3},
    {"impossible_names_of_structured_metadata_are_a_500",
     [](bench& b) {
         const stream good{b.labels(), {{b.now, "good"}}};
         const auto push = [&](const char* name) {
             return b.push({good, {b.labels({{"a", "1"}}), {{b.now, "x", {{name, "v"}}}}}});
         };
         push("").is(500).says("label name is empty");
         push("__").is(500).says(R"(normalization for label name "__" resulted in invalid name "_")");
         push("\xc3\xa9")
             .is(500)
             .says("normalization for label name \"\xc3\xa9\" resulted in invalid name \"_\"");
         b.reads({});
     },
     applies::to_3},
    {"too_much_structured_metadata",
     [](bench& b) {
         const auto l = b.labels();
         entry large{b.now, "large", {{"k", std::string(64 << 10, 'v')}}}, many{b.now, "many"};
         for (int i = 0; i != 129; ++i)
             many.metadata.emplace_back("k" + std::to_string(i), "v");
         const std::string help = " or contact your Loki administrator to increase it";
         b.push({{l, {large}}})
             .is(400)
             .says("stream '" + b.named(l) +
                   "' has structured metadata too large: '65537' bytes, limit: '65536' bytes\\. Please see "
                   "`limits_config\\.max_structured_metadata_size`" +
                   help);
         b.push({{l, {many}}})
             .is(400)
             .says("stream '" + b.named(l) +
                   "' has too many structured metadata labels: '129', limit: '128'\\. Please see "
                   "`limits_config\\.max_structured_metadata_entries_count`" +
                   help);
         b.reads({});
     },
     applies::to_3},
    {"levels_are_detected",
     [](bench& b) {
         struct row {
             const char* line;
             const char* level;
         };
         int n = 0;
         for (const row& r :
              {row{"level=error msg=\"x\"", "error"}, row{R"({"level":"warning"})", "warn"},
               row{"nothing", "unknown"}, row{"an ERROR occurred", "error"}, row{"[info] x", "info"},
               row{"errors everywhere", "unknown"}, row{"misc:error", "unknown"},
               row{"warn then error", "warn"}, row{R"({"a":{"Severity":"DBG"}})", "debug"},
               row{"lvl=trc x", "trace"}, row{"STEP: 1 | COMMAND: ls | STDERR: fatal: x", "fatal"},
               row{"level=strange", "unknown"}, row{"a=b level=\"critical\"", "critical"},
               row{"", "unknown"}}) {
             const std::string number = std::to_string(n++);
             b.push({{b.labels({{"n", number}}), {{b.now, r.line}}}}).is(204);
             const auto found = b.query("", "{run=\"" + b.id + "\",n=\"" + number + "\"}").json();
             const auto& set = found.at("data").at("result").at(0).at("stream").as_object();
             BOOST_TEST(set.at("detected_level").as_string() == r.level, r.line);
         }
         const auto of = [&](label_map labels, entry e) {
             labels["n"] = std::to_string(n++);
             b.push({{b.labels(labels), {std::move(e)}}}).is(204);
             const auto found = b.query("", "{run=\"" + b.id + "\",n=\"" + labels["n"] + "\"}").json();
             return std::string(
                 found.at("data").at("result").at(0).at("stream").at("detected_level").as_string());
         };
         BOOST_TEST(of({{"level", "INFO"}}, {b.now, "error"}) == "info");
         BOOST_TEST(of({{"level", "strange"}}, {b.now, "error"}) == "strange");
         BOOST_TEST(of({}, {b.now, "error", {{"severity", "WRN"}}}) == "warn");
         BOOST_TEST(of({}, {b.now, "error", {{"detected_level", "Information"}}}) == "info");
         BOOST_TEST(of({}, {b.now, "x", {{"severity_number", "17"}}}) == "error");
     },
     applies::to_3},

    // The window of a stream

    {"an_entry_an_hour_behind_the_streams_newest_is_refused",
     [](bench& b) {
         const auto l = b.labels({{"a", "1"}});
         b.push({{l, {{b.now, "newest"}, {b.now - 1h, "edge"}}}}).is(204);
         b.push({{l, {{b.now - 1h - 1ns, "behind"}, {b.now - 30min, "fine"}}}})
             .is(400)
             .says(ignored(too_far_behind(b, b.now - 1h - 1ns, b.now)) + total(b, 1, 2, l));
         // Each stream has its own.
         const stream other{b.labels({{"a", "2"}}), {{b.now - 2h, "other"}}};
         b.push({other}).is(204);
         b.reads({{l, {{b.now, "newest"}, {b.now - 1h, "edge"}, {b.now - 30min, "fine"}}}, other});
     }},
    {"any_span_is_taken_oldest_first",
     [](bench& b) {
         const stream s{b.labels(), numbered(b.now - 100h, 10h, 11)};
         b.push({s}).is(204);
         b.flush();
         b.reads({s});
     }},
    {"newest_first_all_but_the_last_hour_is_refused",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l,
                  {{b.now, "0"},
                   {b.now - 59min, "1"},
                   {b.now - 2h, "2"},
                   {b.now - 50h, "3"},
                   {b.now - 100h, "4"}}}})
             .is(400)
             .says(ignored(too_far_behind(b, b.now - 2h, b.now)) +
                   ignored(too_far_behind(b, b.now - 50h, b.now)) +
                   ignored(too_far_behind(b, b.now - 100h, b.now)) + total(b, 3, 5, l));
         b.reads({{l, {{b.now, "0"}, {b.now - 59min, "1"}}}});
     }},
    {"ten_refusals_are_listed",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, numbered(b.now, -2h, 20)}})
             .is(400)
             .says("(" + ignored("entry too far behind, [^']*") + "){10}" + total(b, 19, 20, l));
         b.reads({{l, numbered(b.now, -2h, 1)}});
     }},
    {"the_window_moves_within_a_push_by_accepted_entries",
     [](bench& b) {
         const auto l = b.labels();
         b.push(
              {{l,
                {{b.now - 3h, "a"}, {b.now - 1h, "b"}, {b.now - 2h - 1ns, "behind"}, {b.now - 90min, "c"}}}})
             .is(400)
             .says(ignored(too_far_behind(b, b.now - 2h - 1ns, b.now - 1h)) + total(b, 1, 4, l));
         b.flush();
         b.reads({{l, {{b.now - 3h, "a"}, {b.now - 1h, "b"}, {b.now - 90min, "c"}}}});
     }},
    {"an_entry_from_the_future_moves_the_window",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, {{b.now + 9min, "future"}}}}).is(204);
         b.push({{l, {{b.now - 55min, "behind"}}}}).is(400).says("(?s).*total ignored: 1 out of 1.*");
         b.reads({{l, {{b.now + 9min, "future"}}}});
     }},
    {"a_resent_batch_of_more_than_an_hour_is_refused_though_it_is_stored",
     [](bench& b) {
         const stream s{b.labels(), numbered(b.now - 2h, 30min, 5)};
         b.push({s}).is(204);
         b.push({s}).is(400).says("(?s).*total ignored: 2 out of 5.*");
         b.reads({s});
     }},
    {"the_last_streams_verdict_hides_the_others",
     [](bench& b) {
         const auto l = b.labels({{"a", "1"}}), m = b.labels({{"a", "2"}});
         const stream lost{l, {{b.now - 2h, "lost"}}}, good{m, {{b.now, "good"}}};
         b.push({{l, {{b.now, "newest"}}}}).is(204);
         b.push({lost, good}).is(204).says("");
         b.push({good, lost}).is(400).says(ignored(too_far_behind(b, b.now - 2h, b.now)) + total(b, 1, 1, l));
         b.reads({{l, {{b.now, "newest"}}}, good});
     }},
    {"a_stream_that_the_distributor_emptied",
     [](bench& b) {
         const auto l = b.labels({{"a", "1"}}), m = b.labels({{"a", "2"}});
         b.push({{l, {{b.now, "newest"}}}}).is(204);
         // 2.9 sends it on to the ingester, where it hides the verdict before it.
         b.push({{l, {{b.now - 2h, "lost"}}}, {m, {{b.now - 200h, "old"}}}})
             .is(400)
             .says(b.v3 ? ignored(too_far_behind(b, b.now - 2h, b.now)) + total(b, 1, 1, l)
                        : too_old(b, b.now - 200h, m));
         b.reads({{l, {{b.now, "newest"}}}});
     }},
    {"an_ingesters_refusal_replaces_the_distributors",
     [](bench& b) {
         const auto l = b.labels({{"a", "1"}});
         b.push({{l, {{b.now, "newest"}}}}).is(204);
         b.push({{l, {{b.now - 200h, "old"}, {b.now - 2h, "behind"}, {b.now, "second"}}}})
             .is(400)
             .says(ignored(too_far_behind(b, b.now - 2h, b.now)) + total(b, 1, 2, l));
         b.reads({{l, {{b.now, "newest"}, {b.now, "second"}}}});
     }},

    // Duplicates and order

    {"an_identical_entry_is_shown_once",
     [](bench& b) {
         const stream s{b.labels(), {{b.now, "x"}, {b.now, "y"}, {b.now + 1ns, "x"}}};
         b.push({s}).is(204);
         b.push({s}).is(204);
         b.push({{s.labels, {{b.now, "x"}, {b.now, "x"}}}}).is(204);
         const auto lines = bench::lines(b.query("&direction=forward"));
         BOOST_TEST(lines == (std::vector<std::string>{"x", "y", "x"}), boost::test_tools::per_element());
         // Also where the first one is in the store already.
         b.flush();
         b.push({s}).is(204);
         b.reads({s});
         BOOST_TEST(bench::lines(b.query("&direction=forward")).size() == 3u);
     }},
    {"other_labels_or_times_make_other_entries",
     [](bench& b) {
         const std::vector<stream> all{{b.labels({{"a", "1"}}), {{b.now, "x"}, {b.now + 1ns, "x"}}},
                                       {b.labels({{"a", "2"}}), {{b.now, "x"}}}};
         b.push(all).is(204);
         b.reads(all);
         BOOST_TEST(bench::lines(b.query()).size() == 3u);
     }},
    {"other_metadata_make_another_entry",
     [](bench& b) {
         b.push({{b.labels(),
                  {{b.now, "x", {{"k", "1"}}}, {b.now, "x", {{"k", "2"}}}, {b.now, "x", {{"k", "1"}}}}}})
             .is(204);
         BOOST_TEST(bench::lines(b.query()).size() == 2u);
     },
     applies::to_3},
    {"entries_of_one_time_keep_the_order_of_arrival",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, {{b.now, "c"}, {b.now, "a"}, {b.now - 1ns, "before"}}}}).is(204);
         b.push({{l, {{b.now, "b"}, {b.now, "a"}, {b.now + 1ns, "after"}}}}).is(204);
         BOOST_TEST(bench::lines(b.query("&direction=forward")) ==
                        (std::vector<std::string>{"before", "c", "a", "b", "after"}),
                    boost::test_tools::per_element());
         BOOST_TEST(bench::lines(b.query()) == (std::vector<std::string>{"after", "b", "a", "c", "before"}),
                    boost::test_tools::per_element());
     }},
    {"chunks_of_empty_lines",
     [](bench& b) {
         const auto l = b.labels({{"a", "1"}}), m = b.labels({{"a", "2"}});
         b.push({{l, {{b.now, ""}}}, {m, {{b.now, ""}, {b.now, "x"}}}}).is(204);
         const stream other{m, {{b.now, ""}, {b.now, "x"}}};
         // 2.9 loses a chunk that has nothing else.
         const auto expected =
             b.v3 ? std::vector<stream>{{l, {{b.now, ""}}}, other} : std::vector<stream>{other};
         b.reads_now(expected);
         b.flush();
         b.reads(expected);
     }},

    // History and flushes

    {"history_is_invisible_until_it_is_flushed",
     [](bench& b) {
         const auto l = b.labels();
         const std::vector<entry> old{{b.now - 30h, "1"}, {b.now - 5h, "2"}, {b.now - 3h, "3"}};
         const std::vector<entry> recent{{b.now - 150min, "4"}, {b.now, "5"}};
         b.push({{l, old}}).is(204);
         b.push({{l, recent}}).is(204);
         b.reads_now({{l, recent}});
         b.flush();
         auto all = old;
         all.insert(all.end(), recent.begin(), recent.end());
         b.reads({{l, all}});
     }},
    {"a_flush_does_not_forget_the_newest_at_once",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, {{b.now, "newest"}}}}).is(204);
         b.flush();
         b.push({{l, {{b.now - 2h, "behind"}, {b.now - 1min, "fine"}}}})
             .is(400)
             .says("(?s).*total ignored: 1 out of 2.*");
         b.reads({{l, {{b.now, "newest"}, {b.now - 1min, "fine"}}}});
     }},
    {"a_stream_is_forgotten_once_it_is_flushed_and_swept",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, {{b.now, "newest"}}}}).is(204);
         b.flush();
         unsigned status = 0;
         for (int attempt = 1; status != 204; ++attempt) {
             b.flush();
             status = b.push({{l, {{b.now - 10h, "old"}}}}).reply().status;
             if (status != 204 && !b.try_again(attempt))
                 break;
         }
         BOOST_TEST(status == 204u);
         b.flush();
         b.reads({{l, {{b.now, "newest"}, {b.now - 10h, "old"}}}});
     }},

    // Sizes and rates

    {"a_push_of_more_than_4_mib_as_protobuf_is_a_500",
     [](bench& b) {
         b.push({{b.labels(), numbered(b.now, 1ns, 4180, 1000)}})
             .is(500)
             .says(R"(rpc error: code = ResourceExhausted desc = grpc: received message larger than max )"
                   R"(\(4[0-9]{6} vs\. 4194304\))");
         b.reads({});
     }},
    {"a_push_beyond_the_burst_is_a_429_and_stores_nothing",
     [](bench& b) {
         auto entries = numbered(b.now, 1ns, 65, 100'000);
         entries.push_back({b.now - 200h, "old"});
         b.push({{b.labels(), entries}})
             .is(429)
             .says(std::string(b.v3 ? "i" : "I") + "ngestion rate limit exceeded for user " + b.tenant +
                   R"( \(limit: 4194304 bytes/sec\) while attempting to ingest '65' lines )"
                   "totaling '6500000' bytes, reduce log volume or contact your Loki administrator to see "
                   "if the limit can be increased");
         b.reads({});
     }},
    {"a_tenants_rate",
     [](bench& b) {
         b.push({{b.labels(), {{b.now, std::string(16 << 10, 'x')}}}}).is(204);
         std::vector<stream> many;
         for (int i = 0; i != 11; ++i)
             many.push_back({b.labels({{"a", std::to_string(i)}}), {{b.now, std::string(100'000, 'x')}}});
         b.push(many).is(429).says(
             std::string(b.v3 ? "i" : "I") + "ngestion rate limit exceeded for user " + b.tenant +
             R"( \(limit: 1048576 bytes/sec\) while attempting to ingest '11' lines totaling '1100000' .*)");
         b.reads({{b.labels(), {{b.now, std::string(16 << 10, 'x')}}}});
     },
     applies::both, small_limits},
    {"a_streams_rate",
     [](bench& b) {
         const auto l = b.labels({{"a", "1"}});
         const auto entries = numbered(b.now, 1ns, 8, 3000);
         const std::string why =
             R"(Per stream rate limit exceeded \(limit: 10KB/sec\) while attempting to ingest )"
             "for stream '" +
             b.named(l) +
             "' totaling 3000B, consider splitting a stream via additional labels or contact "
             "your Loki administrator to see if the limit can be increased";
         const stream other{b.labels({{"a", "2"}}), {{b.now, "other"}}};
         // 2.9 stores what fits, 3.x, which shards streams, nothing of the stream.
         const int lost = b.v3 ? 8 : 2;
         b.push({other, {l, entries}})
             .is(429)
             .says("(" + ignored(why) + "){" + std::to_string(lost) + "}" + total(b, lost, 8, l));
         b.reads(b.v3 ? std::vector<stream>{other}
                      : std::vector<stream>{other, {l, {entries.begin(), entries.end() - 2}}});
     },
     applies::both, small_limits},
    {"a_streams_burst",
     [](bench& b) {
         const auto l = b.labels();
         const std::vector<entry> entries{{b.now, std::string(21'000, 'x')}, {b.now, "small"}};
         b.push({{l, entries}})
             .is(429)
             .says("(?s).*totaling 21000B.*total ignored: " + std::string(b.v3 ? "2" : "1") +
                   " out of 2 for .*");
         b.reads(b.v3 ? std::vector<stream>() : std::vector<stream>{{l, {entries[1]}}});
     },
     applies::both, small_limits},
    {"new_streams_beyond_the_limit_are_lost",
     [](bench& b) {
         std::vector<stream> all;
         for (int i = 0; i != 22; ++i)
             all.push_back({b.labels({{"a", std::to_string(100 + i)}}), {{b.now, "x"}}});
         const std::string help =
             R"(, reduce the number of active streams \(reduce labels or reduce label values\), or )"
             "contact your Loki administrator to see if the limit can be increased, user: '" +
             b.tenant + '\'';
         b.push(all).is(429).says(b.v3
                                      ? "maximum active stream limit exceeded when trying to create stream " +
                                            b.named(all[21].labels) + help
                                      : "Maximum active stream limit exceeded" + help);
         all.resize(20);
         b.reads(all);
         // An old stream at the end hides the refusal of the new one before it.
         b.push({{b.labels({{"a", "200"}}), {{b.now, "lost"}}}, {all[0].labels, {{b.now, "y"}}}}).is(204);
         all[0].entries.push_back({b.now, "y"});
         b.reads(all);
     },
     applies::both, small_limits},
    {"a_streams_rate_where_streams_are_not_sharded",
     [](bench& b) {
         const auto l = b.labels({{"service_name", "s"}});
         const auto entries = numbered(b.now, 1ns, 8, 3000);
         b.push({{l, entries}}).is(429).says("(?s).*total ignored: 2 out of 8.*");
         b.reads({{l, {entries.begin(), entries.end() - 2}}});
     },
     applies::to_3, nothing_added},

    // Settings

    {"nothing_is_added_where_discovery_is_off",
     [](bench& b) {
         b.push({{b.labels(), {{b.now, "error"}}}}).is(204);
         BOOST_TEST(boost::json::serialize(b.query().json().at("data").at("result").at(0).at("stream")) ==
                    "{\"run\":\"" + b.id + "\"}");
         b.push({{{}, {{b.now, "x"}}}}).is(400).says("error at least one label pair is required per stream");
     },
     applies::to_3, nothing_added},
    {"equal_times_are_moved_apart",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, {{b.now, "a"}, {b.now, "b"}, {b.now, "b"}, {b.now, "a"}, {b.now, "c"}}}}).is(204);
         b.reads(
             {{l, {{b.now, "a"}, {b.now + 1ns, "b"}, {b.now, "b"}, {b.now + 1ns, "a"}, {b.now + 2ns, "c"}}}});
     },
     applies::both, lenient},
    {"long_lines_are_cut",
     [](bench& b) {
         b.push({{b.labels(), {{b.now, std::string(101, 'x')}}}}).is(204);
         b.reads({{b.labels(), {{b.now, std::string(100, 'x')}}}});
     },
     applies::both, lenient},
    {"old_entries_are_taken_but_the_window_stays",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, {{b.now - 199h, "old"}, {b.now, "new"}}}}).is(204);
         b.push({{l, {{b.now - 199h, "again"}}}}).is(400).says("(?s).*total ignored: 1 out of 1.*");
         b.flush();
         b.reads({{l, {{b.now - 199h, "old"}, {b.now, "new"}}}});
     },
     applies::both, lenient},
    {"blocked_ingestion_is_a_260",
     [](bench& b) {
         b.push({{b.labels(), {{b.now, "x"}}}})
             .is(260)
             .says("ingestion blocked for user '" + b.tenant +
                   "' until '2100-01-01T00:00:00Z' with status code '260'");
         b.reads({});
         // What is refused by its labels comes first.
         b.push_protobuf({{"{a=\"1\",a=\"2\"}", {{b.now, "x"}}}}).is(400);
     },
     applies::to_3, blocked},
    {"the_backfill_header_shows_itself", backfill_header_shows_itself},
    {"the_backfill_header_shows_itself_where_it_is_known", backfill_header_shows_itself, applies::to_3,
     knows_backfill},
    {"a_loki_that_does_not_know_the_backfill_header_ignores_it",
     [](bench& b) {
         if (b.backfill_shard_header)
             return;
         const auto l = b.labels(), own = b.labels({{"__backfill__", "true"}});
         b.push_backfill("a", {{l, {{b.now, "x"}}}}).is(204);
         b.push_backfill("b", {{l, {{b.now - 2h, "x"}}}}).is(400);
         b.push_backfill("a", {{own, {{b.now - 200h, "x"}}}}).is(400).says(too_old(b, b.now - 200h, own));
         b.push({{own, {{b.now, "x"}}}}).is(204);
         b.reads({{l, {{b.now, "x"}}}, {own, {{b.now, "x"}}}});
     }},
    {"the_backfill_header_marks_every_stream",
     [](bench& b) {
         const auto l = b.labels({{"job", "aoss"}, {"service_name", "s"}}), k = b.labels();
         b.push({{k, {{b.now, "x"}}}}).is(204);
         b.push_backfill("2026-11-23", {{l, {{b.now, "x"}}}, {k, {{b.now, "x"}, {b.now, "y"}}}}).is(204);
         b.push_backfill("2026-11-23", {{k, {{b.now, "y"}}}}).is(204);
         b.push_backfill("", {{k, {{b.now, "z"}}}}).is(204);
         const std::string odd = "a \"b\" \\ c/;,{} d\xc3\xbc";
         b.push_backfill(odd, {{k, {{b.now, "x"}}}}).is(204);
         b.reads({{backfilled(l, "2026-11-23"), {{b.now, "x"}}},
                  {backfilled(k, "2026-11-23"), {{b.now, "x"}, {b.now, "y"}}},
                  {k, {{b.now, "x"}, {b.now, "z"}}},
                  {backfilled(k, odd), {{b.now, "x"}}}});
     },
     applies::to_3, knows_backfill},
    {"a_backfill_may_be_of_any_age_but_not_of_the_future",
     [](bench& b) {
         const auto l = b.labels();
         b.push({{l, {{b.now - 240h, "x"}}}}).is(400).says(too_old(b, b.now - 240h, l));
         b.push_backfill("a", {{l, {{b.now - 240h, "x"}}}}).is(204);
         b.push_backfill("b", {{l, {{b.now - 24h * 2000, "x"}}}}).is(204);
         b.push_backfill("c", {{l, {{b.now + 1h, "x"}, {b.now, "y"}}}})
             .is(400)
             .says("entry for stream '" + b.named(backfilled(l, "c")) +
                   "' has timestamp too new: " + rfc3339(b.now + 1h));
         b.reads({{backfilled(l, "c"), {{b.now, "y"}}}});
     },
     applies::to_3, knows_backfill},
    {"each_value_of_the_backfill_header_has_its_window",
     [](bench& b) {
         const auto l = b.labels();
         const auto put = [&](const char* shard, std::chrono::nanoseconds age) {
             return b.push_backfill(shard, {{l, {{b.now - age, "x"}}}});
         };
         b.push({{l, {{b.now, "live"}}}}).is(204);
         put("a", 240h).is(204);
         put("a", 238h).is(204);
         put("a", 239h).is(204);
         put("a", 239h + 1ns)
             .is(400)
             .says(ignored(too_far_behind(b, b.now - 239h - 1ns, b.now - 238h)) +
                   total(b, 1, 1, backfilled(l, "a")));
         put("b", 240h).is(204);
         put("b", 3h).is(204);
         put("c", 2h).is(204);
         b.push({{l, {{b.now - 2h, "x"}}}}).is(400);
     },
     applies::to_3, knows_backfill},
    {"the_marks_of_a_backfill_count_as_labels",
     [](bench& b) {
         const auto with = [&](int n) {
             label_map out = b.labels();
             while (static_cast<int>(out.size()) < n)
                 out["l" + std::to_string(out.size())] = "x";
             return out;
         };
         b.push({{with(15), {{b.now, "x"}}}}).is(204);
         b.push_backfill("a", {{with(13), {{b.now, "x"}}}}).is(204);
         b.push_backfill("a", {{with(14), {{b.now, "x"}}}})
             .is(400)
             .says("entry for stream '" + b.named(backfilled(with(14), "a")) +
                   "' has 16 label names; limit 15");
     },
     applies::to_3, knows_backfill},
    {"a_wrong_backfill_header_is_refused_before_the_body_is_read",
     [](bench& b) {
         const std::string long_value(129, 'x');
         const std::string text =
             "invalid X-Loki-Backfill-Shard header: value length 129 exceeds limit of 128";
         b.push_body("{", {{"Content-Type", "application/json"}, {"X-Loki-Backfill-Shard", long_value}})
             .is(400)
             .says(text);
         b.push_body("{", {{"X-Loki-Backfill-Shard", long_value}}).is(400).says(text);
         b.push_backfill(long_value, {}).is(400).says(text);
         b.push_backfill(long_value, {{b.labels(), {{b.now, "x"}}}}).is(400).says(text);
         b.push_backfill("a\xff\"b\\", {{b.labels(), {{b.now, "x"}}}})
             .is(400)
             .says(R"(invalid X-Loki-Backfill-Shard header "a\\xff\\"b\\\\": must be a valid label value)");
         b.push_backfill("a", {}).is(422);
         // Labels are looked at stream by stream.
         const stream reserved{b.labels({{"__backfill__", "x"}}), {{b.now, "x"}}}, bad{{{"a-b", "x"}}, {}},
             good{b.labels(), {{b.now, "x"}}};
         b.push({good, reserved, bad}).is(400).says("streams must not contain the reserved labels .*");
         b.push_backfill("a", {good, reserved}).is(400).says("streams must not contain .*");
         b.push({bad, reserved}).is(400).says("couldn't parse labels: .*");
         b.reads({});
     },
     applies::to_3, knows_backfill},
    {"no_stream_begins_before_the_first_schema",
     [](bench& b) {
         const timestamp first(std::chrono::sys_days(std::chrono::year(2015) / 1 / 1));
         const auto at = [&](const char* a, std::vector<std::chrono::milliseconds> times) {
             stream out{b.labels({{"a", a}}), {}};
             for (const auto t : times)
                 out.entries.push_back({first + t, "x"});
             return out;
         };
         const auto refused = [](const char* time) {
             return std::string("rpc error: code = Unknown desc = failed to create stream: "
                                "no schema config found for time ") +
                    time;
         };
         b.push({at("1", {-1ms})}).is(500).says(refused("1420070399\\.999"));
         b.push({at("1", {0ms, -1500ms})}).is(500).says(refused("1420070398\\.5"));
         b.push({at("1", {-1420070400s})}).is(500).says(refused("0"));
         b.push({at("1", {-1420070402s})}).is(500).says(refused("-2"));
         b.push_body(R"({"streams":[{"stream":{"run":")" + b.id + R"("},"values":[[]]}]})")
             .is(500)
             .says(refused("-6795364578\\.871"));
         // One that is there may go on there, and the last stream's success hides what became of the others.
         b.push({at("1", {0ms})}).is(204);
         b.push({at("1", {-1s})}).is(204);
         b.push({at("2", {-1s}), at("1", {1s})}).is(204);
         b.push({at("2", {0s}), at("3", {-1s})}).is(500).says(refused("1420070399"));
         BOOST_TEST(read_settings(b.get("/config").reply().body).at("schema_config.configs.from") ==
                    "2015-01-01");
     },
     applies::both, since_2015},

    // Tenants

    {"a_tenant_is_required",
     [](bench& b) {
         const auto own = b.tenant;
         b.tenant.clear();
         b.push({{b.labels(), {{b.now, "x"}}}}).is(401).says("no org id");
         b.get("/loki/api/v1/labels").is(401).says("no org id");
         b.get("/ready").is(200).says("ready");
         b.tenant = own;
         b.reads({});
     },
     applies::both, with_tenants},
    {"tenants_are_apart",
     [](bench& b) {
         const auto l = b.labels();
         const auto own = b.tenant;
         b.push({{l, {{b.now, "x"}}}}).is(204);
         b.tenant = own + "-other";
         b.push({{l, {{b.now - 2h, "y"}}}}).is(204);
         b.reads({{l, {{b.now - 2h, "y"}}}});
         b.tenant = own;
         b.reads({{l, {{b.now, "x"}}}});
     },
     applies::both, with_tenants},
    {"the_form_of_a_tenant",
     [](bench& b) {
         const std::vector<stream> body{{b.labels(), {{b.now, "x"}}}};
         const auto as = [&](std::string tenant) {
             b.tenant = std::move(tenant);
             return b.push(body);
         };
         if (!b.v3) {
             for (const char* bad : {"a/b", ".", "..", "a\\b"})
                 as(bad).is(400).says("invalid tenant ID");
             for (const std::string& good : {std::string("a|b"), std::string("a b"), std::string(151, 'x')})
                 as(good).is(204);
             return;
         }
         as("a|b").is(400).says("multiple org IDs present");
         as("a/b").is(400).says("tenant ID 'a/b' contains unsupported character '/'");
         as("a b").is(400).says("tenant ID 'a b' contains unsupported character ' '");
         as("..").is(400).says(R"(tenant ID is '\.' or '\.\.')");
         as(std::string(151, 'x')).is(400).says("tenant ID is too long: max 150 characters");
         as("a/b").is(400);
         b.get("/loki/api/v1/labels").is(400).says("tenant ID 'a/b' contains unsupported character '/'");
         for (const std::string& good : {std::string("a|a"), std::string("a:b=c"), std::string(150, 'x')})
             as(good).is(204);
     },
     applies::both, with_tenants},

    // Queries

    {"a_range_is_half_open",
     [](bench& b) {
         b.push({{b.labels(), {{b.now - 1ns, "a"}, {b.now, "b"}, {b.now + 1ns, "c"}}}}).is(204);
         const auto found = [&](timestamp start, timestamp end) {
             return bench::lines(b.query("&direction=forward" + bench::between(start, end)));
         };
         BOOST_TEST((found(b.now, b.now + 1ns) == std::vector<std::string>{"b"}));
         BOOST_TEST((found(b.now - 1ns, b.now + 1ns) == std::vector<std::string>{"a", "b"}));
         BOOST_TEST(found(b.now, b.now).empty());
     }},
    {"the_default_range_is_the_last_hour",
     [](bench& b) {
         b.push({{b.labels(), {{b.now - 61min, "before"}, {b.now - 59min, "in"}, {b.now - 1s, "now"}}}})
             .is(204);
         BOOST_TEST((bench::lines(b.query()) == std::vector<std::string>{"now", "in"}));
         BOOST_TEST((bench::lines(b.query("&since=2h")) == std::vector<std::string>{"now", "in", "before"}));
         const auto end = std::to_string(text::to_unix_nanoseconds(b.now - 60min));
         BOOST_TEST((bench::lines(b.query("&since=5m&end=" + end)) == std::vector<std::string>{"before"}));
     }},
    {"the_forms_of_a_time",
     [](bench& b) {
         const auto t = std::chrono::floor<std::chrono::seconds>(b.now) - 10min;
         b.push({{b.labels(), {{t, "x"}, {t + 500ms, "y"}}}}).is(204);
         const auto seconds = t.time_since_epoch().count();
         const auto from = [&](const std::string& start) {
             return bench::lines(b.query("&start=" + start + "&direction=forward"));
         };
         BOOST_TEST(from(std::to_string(seconds)).size() == 2u);
         BOOST_TEST(from(std::to_string(seconds) + "000000001").size() == 1u);
         BOOST_TEST(from(std::to_string(seconds) + ".4").size() == 1u);
         BOOST_TEST(from(std::to_string(seconds) + ".6").empty());
         BOOST_TEST(from(rfc3339(t)).size() == 2u);
         BOOST_TEST(from(rfc3339(t + 1s)).empty());
     }},
    {"a_limit_counts_over_all_streams",
     [](bench& b) {
         b.push({{b.labels({{"a", "1"}}), {{b.now, "1"}, {b.now + 2ns, "3"}}},
                 {b.labels({{"a", "2"}}), {{b.now + 1ns, "2"}, {b.now + 3ns, "4"}}}})
             .is(204);
         const auto in = "&end=" + std::to_string(text::to_unix_nanoseconds(b.now + 1s));
         BOOST_TEST(
             (bench::lines(b.query("&limit=3" + in)) ==
              (b.v3 ? std::vector<std::string>{"3", "4", "2"} : std::vector<std::string>{"4", "2", "3"})));
         BOOST_TEST((bench::lines(b.query("&limit=3&direction=FORWARD" + in)) ==
                     std::vector<std::string>{"1", "3", "2"}));
     }},
    {"the_default_limit_is_100",
     [](bench& b) {
         b.push({{b.labels(), numbered(b.now - 1s, 1ns, 120)}}).is(204);
         BOOST_TEST(bench::lines(b.query()).size() == 100u);
         BOOST_TEST(bench::lines(b.query("&limit=5000")).size() == 120u);
     }},
    {"streams_come_sorted_by_their_labels",
     [](bench& b) {
         b.push({{b.labels({{"a", "b"}}), {{b.now - 1s, "2"}}},
                 {b.labels({{"b", "a"}}), {{b.now - 1s, "3"}}},
                 {b.labels({{"a", "a"}}), {{b.now - 1s, "1"}}}})
             .is(204);
         const std::vector<std::string> up{"1", "2", "3"}, down{"3", "2", "1"};
         BOOST_TEST((bench::lines(b.query("&direction=forward")) == up));
         BOOST_TEST((bench::lines(b.query(bench::between(b.now - 1s, b.now - 1s + 1ns))) == up));
         // Put together from half hours, 2.9 gives them the other way round.
         BOOST_TEST((bench::lines(b.query()) == (b.v3 ? up : down)));
     }},
    {"an_answer_is_json_with_a_newline",
     [](bench& b) {
         const auto a = b.query();
         a.is(200).has("Content-Type", "application/json; charset=UTF-8");
         BOOST_TEST(a.reply().body.starts_with(
             R"({"status":"success","data":{"resultType":"streams","result":[],"stats":{)"));
         BOOST_TEST(a.reply().body.ends_with("}\n"));
     }},
    {"selectors_and_line_filters",
     [](bench& b) {
         b.push({{b.labels({{"a", "one"}}), {{b.now - 1s, "x nginx y"}}},
                 {b.labels({{"a", "two"}}), {{b.now - 1s, "apache"}}}})
             .is(204);
         const auto found = [&](const std::string& matchers, const std::string& filters = {}) {
             return bench::lines(b.query("", "{run=\"" + b.id + "\"" + matchers + '}' + filters)).size();
         };
         BOOST_TEST(found("") == 2u);
         BOOST_TEST(found(",a=\"one\"") == 1u);
         BOOST_TEST(found(",a!=\"one\"") == 1u);
         BOOST_TEST(found(",a=~\"o.*\"") == 1u);
         BOOST_TEST(found(",a=~\"o\"") == 0u);
         BOOST_TEST(found(",a!~\"one|two\"") == 0u);
         BOOST_TEST(found(",absent=\"\"") == 2u);
         BOOST_TEST(found("", " |= \"nginx\"") == 1u);
         BOOST_TEST(found("", " != \"nginx\"") == 1u);
         BOOST_TEST(found("", " |~ \"^a\" != `z`") == 1u);
         BOOST_TEST(found("", " !~ \"a|x\"") == 0u);
     }},
    {"wrong_parameters_of_a_query",
     [](bench& b) {
         const std::pair<const char*, const char*> wrong[] = {
             {"&limit=0", "limit must be a positive value"},
             {"&limit=-1", "limit must be a positive value"},
             {"&limit=x", R"(strconv\.Atoi: parsing "x": invalid syntax)"},
             {"&limit=5001",
              R"(max entries limit per query exceeded, limit > max_entries_limit\w* \(5001 > 5000\))"},
             {"&start=5&end=4", "end timestamp must not be before or equal to start time"},
             {"&start=x",
              R"(could not parse 'start' parameter: strconv\.ParseInt: parsing "x": invalid syntax)"},
             {"&end=2026-13-01", R"(could not parse 'end' parameter: strconv\.ParseInt: .*: invalid syntax)"},
             {"&since=x", R"(could not parse 'since' parameter: not a valid duration string: "x")"},
             {"&direction=up", "invalid direction 'up'"},
             {"&step=0", "zero or negative query resolution step widths are not accepted.*"},
             {"&step=1ms", "exceeded maximum resolution of 11,000 points per time series.*"},
             {"&start=5",
              R"(the query time range exceeds the limit \(query length: \d+h\d+m[\d.]+s, limit: 30d1h\))"}};
         for (const auto& [parameters, text] : wrong) {
             const auto a = b.query(parameters);
             a.is(400).says(text).has("Content-Type", "text/plain; charset=utf-8");
             BOOST_TEST(!a.reply().body.ends_with("\n"));
         }
         b.query("&limit=5000").is(200);
         b.query(bench::between(b.now - 720h, b.now)).is(200);
     }},
    {"wrong_queries",
     [](bench& b) {
         for (const char* query : {"{}", "{a=~\".*\"}", "{a!=\"x\"}"})
             b.query("", query).is(400).says("parse error : queries require at least one .*");
         for (const char* query : {"{", "job", "{a=\"b\"", "{a=\"b}", "{a=\"b\"} x", "{a=~\"(\"}",
                                   "{a=\"b\"} |= x", "{a=\"b\",}"})
             b.query("", query).is(400).says("parse error.*");
         b.get("/loki/api/v1/query_range").is(400).says("parse error.*");
     }},
    {"a_query_may_come_as_a_form",
     [](bench& b) {
         b.push({{b.labels(), {{b.now - 1s, "x y"}}}}).is(204);
         const auto a =
             b.post("/loki/api/v1/query_range", {{"Content-Type", "application/x-www-form-urlencoded"}},
                    "limit=1&query=" + http::encode_query_value(b.selector() + " |= \"x y\""));
         BOOST_TEST(bench::lines(a).size() == 1u);
     }},
    {"a_log_query_at_an_instant",
     [](bench& b) {
         b.push({{b.labels(), {{b.now - 1s, "x"}}}}).is(204);
         const auto a = b.get("/loki/api/v1/query?query=" + http::encode_query_value(b.selector()));
         if (b.v3)
             a.is(400).says(
                 "log queries are not supported as an instant query type, please change your query to a "
                 "range query type");
         else
             BOOST_TEST(a.json().at("data").at("resultType").as_string() == "streams");
     }},
    {"labels_from_a_pattern",
     [](bench& b) {
         b.push({{b.labels({{"step", "s"}}),
                  {{b.now - 3s, "STEP: 1 | COMMAND: nginx -t | EXIT_CODE: 0 | STDOUT: a\nb | STDERR: "},
                   {b.now - 2s, "STEP: 2 | COMMAND: false"},
                   {b.now - 1s, "another"}}}})
             .is(204);
         const auto query = b.selector() + parts;
         const auto found = [&](const answer& a) {
             std::vector<std::pair<label_map, std::string>> out;
             const auto answered = a.json();
             for (const auto& s : answered.at("data").at("result").as_array()) {
                 label_map labels;
                 for (const auto& [name, value] : s.at("stream").as_object())
                     if (name != "detected_level")
                         labels[std::string(name)] = std::string(value.as_string());
                 for (const auto& v : s.at("values").as_array())
                     out.emplace_back(labels, std::string(v.as_array()[1].as_string()));
             }
             std::sort(out.begin(), out.end(),
                       [](const auto& x, const auto& y) { return x.second < y.second; });
             return out;
         };
         const auto all = found(b.query("", query));
         BOOST_TEST_REQUIRE(all.size() == 3u);
         const auto with = [&](label_map more) {
             more.merge(b.shown(b.labels({{"step", "s"}})));
             return more;
         };
         const label_map first{{"step_extracted", "1"},
                               {"command", "nginx -t"},
                               {"exit_code", "0"},
                               {"stdout", "a\nb"},
                               {"stderr", ""}},
             second{{"step_extracted", "2"}, {"command", "false"}};
         BOOST_TEST((all[0].first == with(first)), label_text(all[0].first));
         BOOST_TEST((all[1].first == with(second)), label_text(all[1].first));
         BOOST_TEST((all[2].first == with({})), label_text(all[2].first));
         if (!b.v3)
             return;
         http::request r;
         r.target = "/loki/api/v1/query_range?query=" + http::encode_query_value(query + " |= \"false\"");
         r.fields.add("X-Loki-Response-Encoding-Flags", "categorize-labels");
         const auto apart = b.send(std::move(r)).json().at("data").at("result").as_array()[0];
         BOOST_TEST(!apart.at("stream").as_object().contains("command"));
         BOOST_TEST(
             boost::json::serialize(apart.at("values").as_array()[0].as_array()[2]) ==
             R"({"structuredMetadata":{"detected_level":"unknown"},"parsed":{"command":"false","step_extracted":"2"}})");
     }},
    {"label_filters_and_formatted_lines",
     [](bench& b) {
         const auto line = [](const char* code, const char* error) {
             return std::string("STEP: 1 | COMMAND: x | EXIT_CODE: ") + code +
                    " | STDOUT:  | STDERR: " + error;
         };
         b.push({{b.labels(),
                  {{b.now - 4s, line("0", "")},
                   {b.now - 3s, line("-15", "Terminated\n")},
                   {b.now - 2s, line("", "")},
                   {b.now - 1s, line("127", "not found")}}}})
             .is(204);
         const auto found = [&](const std::string& stages) {
             return bench::lines(b.query("&direction=forward",
                                         b.selector() + parts + stages + " | line_format \"{{.exit_code}}\""))
                 .size();
         };
         BOOST_TEST(found("") == 4u);
         BOOST_TEST(found(R"(| exit_code != "0")") == 3u);
         BOOST_TEST(found(R"(| exit_code = "")") == 1u);
         BOOST_TEST(found(R"(| exit_code =~ "6|127")") == 1u);
         BOOST_TEST(found(R"(| exit_code !~ "6|127")") == 3u);
         BOOST_TEST(found(R"(| exit_code !~ "0|127")") == 2u);
         BOOST_TEST(found("| exit_code != 0") == 3u); // with the one that is no number
         BOOST_TEST(found(R"(| exit_code != 0 | __error__="")") == 2u);
         BOOST_TEST(found(R"(| exit_code < 0 | __error__="")") == 1u);
         BOOST_TEST(found(R"(| exit_code >= 127 | __error__="")") == 1u);
         BOOST_TEST(found("| none != 0") == 0u);
         BOOST_TEST(found(R"(| none = "")") == 4u);
         BOOST_TEST(found(R"(| exit_code = "0" or stderr = "not found" and command = "x")") == 2u);
         BOOST_TEST(found(R"(| (exit_code = "0" or stderr = "not found") and command = "y")") == 0u);
         BOOST_TEST(found(R"(| stderr != "")") == 2u);
         const auto formatted = [&](const std::string& format) {
             return bench::lines(
                        b.query("&limit=1", b.selector() + parts + "| line_format \"" + format + '"'))
                 .at(0);
         };
         BOOST_TEST(formatted("{{.command}}: {{ .stderr }}{{.none}}") == "x: not found");
         BOOST_TEST(formatted("[{{__line__}}]") == '[' + line("127", "not found") + ']');
         for (const char* wrong : {"| pattern \"<a><b>\"", "| pattern \"x\"", "| pattern \"<a> <a>\"",
                                   "| exit_code", "| exit_code > \"1\"", "| (a=\"b\"", "| a=\"b\" and"})
             b.query("", b.selector() + wrong).is(400).says("parse error.*");
     }},
    {"regexes_end_at_line_breaks",
     [](bench& b) {
         b.push({{b.labels(), {{b.now - 2s, "STDERR: \nx"}, {b.now - 1s, "STDERR: y\nz"}}}}).is(204);
         const auto found = [&](const std::string& stages) {
             return bench::lines(b.query("", b.selector() + stages)).size();
         };
         BOOST_TEST(found(R"(|~ "STDERR: \\S")") == 1u);
         BOOST_TEST(found(R"(|~ "STDERR:.y")") == 1u);
         BOOST_TEST(found(R"(|~ "y.z")") == 0u);
         BOOST_TEST(found(R"(|~ "(?s)y.z")") == 1u);
         BOOST_TEST(found(R"(|~ "^x")") == 0u);
         BOOST_TEST(found(R"(|~ "x$")") == 1u);
         BOOST_TEST(found(R"(|~ "y$")") == 0u);
         BOOST_TEST(found(R"(|~ "(?m)y$")") == 1u);
         BOOST_TEST(found(R"(| pattern "STDERR: <error>" | error =~ ".+")") == 2u);
     }},
    {"a_metric_query_over_time",
     [](bench& b) {
         using two_minutes = std::chrono::duration<std::int64_t, std::ratio<120>>;
         const timestamp t = std::chrono::floor<two_minutes>(b.now) - 10min;
         b.push({{b.labels({{"a", "1"}}), {{t - 60s, "xx"}, {t - 59s, "xx"}, {t, "xx"}, {t + 1s, "xxxx"}}},
                 {b.labels({{"a", "2"}}), {{t + 61s, "x"}}}})
             .is(204);
         const auto counted = "count_over_time(" + b.selector() + "[1m])";
         const auto asked = [&](const std::string& query, timestamp from, timestamp to,
                                const char* step = "60") {
             return series(b.query(bench::between(from, to) + "&step=" + step, query), t);
         };
         // What lies at the begin of a range is not in it, what lies at its end is.
         const texts whole{R"({a="1"} 0:2 60:1)", R"({a="2"} 120:1)"};
         BOOST_TEST((asked("sum by (a) (" + counted + ")", t, t + 180s) == whole));
         // The times are multiples of the step, whatever was asked for.
         BOOST_TEST((asked("sum by (a) (" + counted + ")", t + 1s, t + 121s, "1m") == whole));
         BOOST_TEST((asked("sum by (a) (" + counted + ")", t + 30s, t + 90s, "120") ==
                     texts{R"({a="1"} 0:2)", whole[1]}));
         BOOST_TEST((asked("sum(rate(" + b.selector() + "[2m]))", t + 60s, t + 120s) ==
                     texts{"{} 60:0.025 120:0.016666666666666666"}));
         BOOST_TEST(
             (asked("sum(bytes_over_time(" + b.selector() + "[1m]))", t, t + 60s) == texts{"{} 0:4 60:4"}));
         BOOST_TEST((asked("sum(bytes_rate(" + b.selector() + "[1m]))", t + 60s, t + 61s, "60s")
                         .at(0)
                         .substr(0, 24) == "{} 60:0.0666666666666666"));
         BOOST_TEST(
             (asked("sum(" + counted + ") or vector(0)", t, t + 180s) == texts{"{} 0:2 60:1 120:1 180:0"}));
         BOOST_TEST((asked("sum(" + counted + ") > 1", t, t + 180s) == texts{"{} 0:2"}));
         const auto body =
             b.query(bench::between(t, t + 60s) + "&step=60", "sum(" + counted + ")").reply().body;
         const auto seconds = [](timestamp x) { return std::to_string(x.time_since_epoch() / 1s); };
         BOOST_TEST(
             body.starts_with(
                 R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[)" +
                 seconds(t) + R"(,"2"],[)" + seconds(t + 60s) + R"(,"1"]]}],"stats":{)"),
             body);
     }},
    {"what_lies_exactly_at_the_end",
     [](bench& b) {
         const timestamp t = std::chrono::floor<std::chrono::minutes>(b.now) - 10min;
         b.push({{b.labels(), {{t - 1s, "x"}, {t, "x"}}}}).is(204);
         const auto query = "sum(count_over_time(" + b.selector() + "[1m]))";
         const texts expected{b.v3 ? "{} 0:2" : "{} 0:1"};
         BOOST_TEST((series(b.query(bench::between(t - 60s, t) + "&step=60", query), t) == expected));
         BOOST_TEST((series(b.instant(query, t), t) == expected));
     }},
    {"a_metric_query_at_an_instant",
     [](bench& b) {
         const timestamp t = std::chrono::floor<std::chrono::seconds>(b.now) - 10min;
         b.push({{b.labels({{"a", "1"}}), {{t - 59s, "x y"}, {t - 1s, "x z"}, {t + 1s, "x y"}}},
                 {b.labels({{"a", "2"}}), {{t - 60s, "x y"}, {t - 1s, "u y"}}}})
             .is(204);
         const auto all = "sum by (a) (count_over_time(" + b.selector() + "[1m]))";
         const auto asked = [&](const std::string& query) { return series(b.instant(query, t), t); };
         const texts both{R"({a="1"} 0:2)", R"({a="2"} 0:1)"};
         BOOST_TEST((asked(all) == both));
         BOOST_TEST((asked("sum(count_over_time(" + b.selector() + "[1m])) by (a)") == both));
         BOOST_TEST((asked("count(" + all + ")") == texts{"{} 0:2"}));
         BOOST_TEST((asked("avg(" + all + ")") == texts{"{} 0:1.5"}));
         BOOST_TEST((asked("min(" + all + ")") == texts{"{} 0:1"}));
         BOOST_TEST((asked("max(" + all + ")") == texts{"{} 0:2"}));
         BOOST_TEST((asked("topk(1, " + all + ")") == texts{both[0]}));
         BOOST_TEST((asked("bottomk(1, " + all + ")") == texts{both[1]}));
         BOOST_TEST((asked("topk(5, " + all + ")") == both));
         BOOST_TEST((asked("sum without (run, service_name, detected_level) (count_over_time(" +
                           b.selector() + "[1m]))") == both));
         BOOST_TEST((asked(all + " > 1") == texts{both[0]}));
         BOOST_TEST((asked(all + " >= 1") == both));
         BOOST_TEST((asked("1 < " + all) == texts{both[0]}));
         BOOST_TEST((asked(all + " != bool 1") == texts{R"({a="1"} 0:1)", R"({a="2"} 0:0)"}));
         BOOST_TEST((asked(all + " * 2 - 1") == texts{R"({a="1"} 0:3)", R"({a="2"} 0:1)"}));
         BOOST_TEST((asked("6 / " + all) == texts{R"({a="1"} 0:3)", R"({a="2"} 0:6)"}));
         BOOST_TEST((asked(all + " / 0") == texts{R"({a="1"} 0:NaN)", R"({a="2"} 0:NaN)"}));
         const auto z = "sum by (a) (count_over_time(" + b.selector() + " |= \"z\" [1m]))";
         BOOST_TEST((asked(z) == texts{R"({a="1"} 0:1)"}));
         BOOST_TEST((asked(z + " / " + all) == texts{R"({a="1"} 0:0.5)"}));
         BOOST_TEST((asked(all + " unless " + z) == texts{both[1]}));
         BOOST_TEST((asked(all + " and " + z) == texts{both[0]}));
         BOOST_TEST((asked(z + " or " + all) == texts{R"({a="1"} 0:1)", both[1]}));
         BOOST_TEST((asked("sum(" + z + ") or vector(0)") == texts{"{} 0:1"}));
         BOOST_TEST((asked("sum(count_over_time(" + b.selector() + " |= \"none\" [1m])) or vector(0)") ==
                     texts{"{} 0:0"}));
         BOOST_TEST((asked("vector(1) + vector(1)") == texts{"{} 0:2"}));
         BOOST_TEST((asked("sum(count_over_time(" + b.selector() + " |= \"none\" [1m]))") == texts()));
         BOOST_TEST(
             (asked("sum by (word) (count_over_time(" + b.selector() + " | pattern \"<word> <_>\" [1m]))") ==
              texts{R"({word="u"} 0:1)", R"({word="x"} 0:2)"}));
         BOOST_TEST(
             (asked("count_over_time({a=\"1\", run=\"" + b.id + "\"} | pattern \"<word> <_>\" [1m])") ==
              texts{b.v3 ? R"({a="1", detected_level="unknown", run=")" + b.id +
                               R"(", service_name="unknown_service", word="x"} 0:2)"
                         : R"({a="1", run=")" + b.id + R"(", word="x"} 0:2)"}));
         BOOST_TEST((asked("absent_over_time({run=\"" + b.id + "\", a=\"3\", b=~\"|x\"}[1m])") ==
                     texts{R"({a="3", run=")" + b.id + R"("} 0:1)"}));
         BOOST_TEST((asked("absent_over_time(" + b.selector() + "[1m])") == texts()));
         const auto body = b.instant("sum(" + all + ')', t).reply().body;
         BOOST_TEST(
             body.starts_with(
                 R"({"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[)" +
                 std::to_string(t.time_since_epoch() / 1s) + R"(,"3"]}],"stats":{)"),
             body);
     }},
    {"metric_queries_that_are_refused",
     [](bench& b) {
         b.push({{b.labels({{"a", "1"}}), {{b.now - 1s, "x y"}}}}).is(204);
         const auto range = b.selector() + "[1m]";
         for (const std::string& query :
              texts{"count_over_time(" + b.selector() + ")", "count_over_time(" + range, "rate(5)",
                    "none(" + range + ")", "sum by a (rate(" + range + "))", "topk(0, rate(" + range + "))",
                    "rate(" + range + ") and 1", "sum(rate(" + range + ")", "rate(" + b.selector() + "[5x])"})
             b.instant(query, b.now).is(400).says("parse error.*");
         b.instant("count_over_time(" + b.selector() + " | pattern \"<p> <q>\" | p > 1 [1m])", b.now)
             .is(400)
             .says(
                 R"(pipeline error: 'LabelFilterErr' for series: '\{__error__="LabelFilterErr", __error_details__=.*, p="x", q="y", .*\}'\.\n)"
                 R"(Use a label filter to intentionally skip this error\. .*)");
         BOOST_TEST((series(b.instant("count_over_time(" + b.selector() +
                                          " | pattern \"<p> <q>\" | p > 1 | __error__=\"\" [1m])",
                                      b.now),
                            b.now) == texts()));
     }},
    {"more_series_than_allowed",
     [](bench& b) {
         b.push({{b.labels(), numbered(b.now - 5s, 1ns, 501)}}).is(204);
         b.instant("count_over_time(" + b.selector() + " | pattern \"<n>\" [1m])", b.now)
             .is(400)
             .says(R"(maximum (number )?of series \(500\) reached for a single query.*)");
         b.instant("sum(count_over_time(" + b.selector() + " | pattern \"<n>\" [1m]))", b.now).is(200);
     }},
    {"labels_and_their_values",
     [](bench& b) {
         b.push({{b.labels({{"conformance_a", b.id + "-2"}}), {{b.now - 1s, "x"}}},
                 {b.labels({{"conformance_a", b.id + "-1"}}), {{b.now - 1s, "x"}}}})
             .is(204);
         const auto query = "?query=" + http::encode_query_value(b.selector());
         b.get("/loki/api/v1/label/conformance_a/values" + query)
             .is(200)
             .says(R"(\{"status":"success","data":\[")" + b.id + "-1\",\"" + b.id + R"(-2"\]\})");
         b.get("/loki/api/v1/label/no_such_label/values").is(200).says(R"(\{"status":"success"\})");
         for (const char* path : {"/loki/api/v1/labels", "/loki/api/v1/label"})
             b.get(path).is(200).says(R"(\{"status":"success","data":\[.*"conformance_a".*"run".*\]\})");
         BOOST_TEST(b.get("/loki/api/v1/labels").reply().body.ends_with("]}\n"));
     }},
    {"series",
     [](bench& b) {
         b.push(
              {{b.labels({{"a", "1"}}), {{b.now - 1s, "x"}}}, {b.labels({{"a", "2"}}), {{b.now - 1s, "x"}}}})
             .is(204);
         const auto selector = http::encode_query_value(b.selector());
         for (const auto& name : {"match[]", "match"}) {
             const auto answer =
                 b.get("/loki/api/v1/series?" + http::encode_query_value(name) + '=' + selector).json();
             std::set<std::string> found;
             for (const auto& s : answer.at("data").as_array()) {
                 BOOST_TEST(s.as_object().size() == (b.v3 ? 3u : 2u));
                 found.emplace(s.at("a").as_string());
             }
             BOOST_TEST((found == std::set<std::string>{"1", "2"}));
         }
         b.get("/loki/api/v1/series?match=" + http::encode_query_value("{run=\"no such\"}"))
             .is(200)
             .says(R"(\{"status":"success","data":\[\]\})");
         b.get("/loki/api/v1/series?match=" + http::encode_query_value("{")).is(400).says("parse error.*");
     }},
    {"other_endpoints",
     [](bench& b) {
         b.get("/ready").is(200).says("ready");
         b.get("/no/such/path").is(404).says("404 page not found");
         // 3.x has one or the other, from one start to the next.
         const auto pushed = b.get("/loki/api/v1/push").reply().status;
         BOOST_TEST((pushed == 405 || (b.v3 && pushed == 404)));
         b.post("/loki/api/v1/push/", {}, "").is(404).says("404 page not found");
         b.post("/flush", {}, {}).is(204).says("");
         const auto info = b.get("/loki/api/v1/status/buildinfo").json();
         for (const char* key : {"version", "revision", "branch", "buildUser", "buildDate", "goVersion"})
             BOOST_TEST(info.as_object().contains(key), key);
         const auto config = b.get("/config");
         config.is(200).has("Content-Type", "text/plain; charset=utf-8");
         const auto settings = read_settings(config.reply().body);
         BOOST_TEST(settings.at("limits_config.reject_old_samples_max_age") == "1w");
         BOOST_TEST(settings.at("ingester.max_chunk_age") == "2h0m0s");
     }},
    {"discarded_entries_are_counted",
     [](bench& b) {
         const auto count = [&](const std::string& reason) {
             const std::string body = b.get("/metrics").is(200).reply().body;
             const boost::regex line("loki_discarded_samples_total\\{[^}]*reason=\"" + reason +
                                     "\"[^}]*tenant=\"" + b.tenant + "\"[^}]*\\} (\\S+)");
             boost::smatch found;
             return boost::regex_search(body, found, line) ? std::stod(found[1]) : 0.0;
         };
         const double behind = count("too_far_behind"), old = count("greater_than_max_sample_age");
         const auto l = b.labels();
         b.push({{l, {{b.now, "newest"}}}}).is(204);
         b.push({{l, {{b.now - 2h, "a"}, {b.now - 3h, "b"}}}, {b.labels({{"a", "2"}}), {{b.now, "x"}}}})
             .is(204);
         b.push({{l, {{b.now - 200h, "a"}}}}).is(400);
         BOOST_TEST(count("too_far_behind") == behind + 2);
         BOOST_TEST(count("greater_than_max_sample_age") == old + 1);
     }},
};

} // namespace

const std::vector<scenario>& scenarios() {
    return table;
}

} // namespace lokiship::conformance
