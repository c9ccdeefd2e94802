#include "printing.hpp"

#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/aoss/simdjson_scanner.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(page_reader_)

using namespace lokiship;
using namespace std::string_view_literals;
using aoss::execution_record;
using aoss::page_reader;

namespace {

struct reading {
    std::vector<execution_record> records;
    result<aoss::page_summary> end = aoss::page_summary{};
};

reading read_by(aoss::record_scanner* scanner, const std::vector<std::string_view>& pieces,
                const aoss::page_limits& limits) {
    reading out;
    page_reader reader([&](const execution_record& r) { out.records.push_back(r); }, limits, scanner);
    for (const auto piece : pieces)
        if (auto r = reader.write(piece); !r) {
            out.end = r.error();
            BOOST_TEST((reader.finish().error().message == r.error().message));
            return out;
        }
    out.end = reader.finish();
    return out;
}

/// What the parser has found wrong depends a little on the pieces, as the place does.
std::string without_place(const std::string& message) {
    return message.substr(0, message.rfind(": "));
}

/// Reads the pieces in order, stopping at the first error, without a scanner and with one.
reading read(const std::vector<std::string_view>& pieces, const aoss::page_limits& limits = {}) {
    const reading out = read_by(nullptr, pieces, limits);
    aoss::simdjson_scanner scanner;
    const reading same = read_by(&scanner, pieces, limits);
    BOOST_TEST((same.records == out.records));
    BOOST_TEST_REQUIRE(same.end.has_value() == out.end.has_value());
    if (out.end) {
        BOOST_TEST((same.end->total_executions == out.end->total_executions));
        BOOST_TEST((same.end->total_log_entries == out.end->total_log_entries));
        BOOST_TEST(same.end->records == out.end->records);
        BOOST_TEST(same.end->executions_seen == out.end->executions_seen);
    } else
        BOOST_TEST(without_place(same.end.error().message) == without_place(out.end.error().message));
    return out;
}

reading read_bytes(std::string_view page, const aoss::page_limits& limits = {}) {
    std::vector<std::string_view> bytes;
    for (const char& c : page)
        bytes.emplace_back(&c, 1);
    return read(bytes, limits);
}

constexpr std::string_view whole_page =
    R"({"x":{"logs":[1,{"logs":[]}],"y":[[["z"]],null,true,-1.5e300]},"total_executions":2,"logs":[
{"timestamp":"2026-11-23T13:12:03.237230+00:00","execution_id":"e1","user_id":"u1","server_id":"s1",
"server_tag":"Bür\u00f6 \ud83d\ude00 \"1\" \\","server_ip":"10.0.0.2","agent_type":"network","query":"q","step":1,"command":"a\tb",
"status":"Success","exit_code":0,"stdout":"line\nline\u001b[0m","stderr":"","execution_status":"Failed","agent_summary":"s"},
{"stdout":null,"new":{"stdout":"no","step":[9]},"step":2,"execution_id":"e1","exit_code":-9,"stdout":"twice"},
{"execution_id":"e2","step":0,"exit_code":null,"more":"…"}, {}
],"total_log_entries":4,"trailing":[{}]} )";

} // namespace

BOOST_AUTO_TEST_CASE(hands_on_every_record) {
    const auto got = read({whole_page});
    BOOST_TEST_REQUIRE(got.end.has_value(), got.end.error().message);
    BOOST_TEST(got.end->total_executions.value() == 2u);
    BOOST_TEST(got.end->total_log_entries.value() == 4u);
    BOOST_TEST(got.end->records == 4u);
    BOOST_TEST(got.end->executions_seen == 3u);
    BOOST_TEST(got.end->executions() == 3u); // more than it says
    BOOST_TEST_REQUIRE(got.records.size() == 4u);
    const auto& a = got.records[0];
    BOOST_TEST(a.timestamp == "2026-11-23T13:12:03.237230+00:00");
    BOOST_TEST(a.execution_id == "e1");
    BOOST_TEST(a.user_id == "u1");
    BOOST_TEST(a.server_id == "s1");
    BOOST_TEST(a.server_tag == "Bürö 😀 \"1\" \\");
    BOOST_TEST(a.agent_type == "network");
    BOOST_TEST(a.step.value() == 1);
    BOOST_TEST(a.command == "a\tb");
    BOOST_TEST(a.status == "Success");
    BOOST_TEST(a.exit_code.value() == 0);
    BOOST_TEST(a.standard_output == "line\nline\x1b[0m");
    BOOST_TEST(a.standard_error == "");
    BOOST_TEST(a.execution_status == "Failed");
    const auto& b = got.records[1];
    BOOST_TEST(b.standard_output == "twice");
    BOOST_TEST(b.exit_code.value() == -9);
    BOOST_TEST(b.timestamp == "");
    BOOST_TEST(b.user_id == "");
    BOOST_TEST(!got.records[2].exit_code.has_value());
    BOOST_TEST(got.records[2].step.value() == 0);
    BOOST_TEST((got.records[3] == execution_record{}));
}

BOOST_AUTO_TEST_CASE(of_a_key_that_comes_twice_the_later_counts) {
    const auto got = read(
        {R"({"logs":[{"stdout":"one","stdout":"two","step":1,"step":2,"exit_code":1,"exit_code":null}]})"});
    BOOST_TEST_REQUIRE(got.records.size() == 1u);
    BOOST_TEST(got.records[0].standard_output == "two");
    BOOST_TEST(got.records[0].step.value() == 2);
    BOOST_TEST(!got.records[0].exit_code.has_value());
}

BOOST_AUTO_TEST_CASE(the_split_does_not_matter) {
    const auto expected = read({whole_page});
    for (std::size_t i = 0; i <= whole_page.size(); ++i) {
        const auto got = read({whole_page.substr(0, i), whole_page.substr(i)});
        BOOST_TEST_REQUIRE(got.end.has_value(), "split at " << i << ": " << got.end.error().message);
        BOOST_TEST_REQUIRE((got.records == expected.records), "split at " << i);
    }
    BOOST_TEST((read_bytes(whole_page).records == expected.records));
}

BOOST_AUTO_TEST_CASE(a_page_that_breaks_off_gives_what_was_whole) {
    const auto expected = read({whole_page});
    const std::size_t end = whole_page.rfind('}');
    for (std::size_t i = 0; i <= end; ++i) {
        const auto got = read({whole_page.substr(0, i)});
        BOOST_TEST_REQUIRE(got.end.has_error(), "cut at " << i);
        BOOST_TEST_REQUIRE(got.end.error().code == errc::page_truncated,
                           "cut at " << i << ": " << got.end.error().message);
        BOOST_TEST_REQUIRE(got.records.size() <= expected.records.size());
        for (std::size_t r = 0; r != got.records.size(); ++r)
            BOOST_TEST_REQUIRE((got.records[r] == expected.records[r]), "cut at " << i);
    }
}

BOOST_AUTO_TEST_CASE(names_what_is_wrong_and_where) {
    const std::string deep = R"({"a":)" + std::string(70, '[');
    const struct {
        std::string_view page;
        errc code;
        std::string_view part;
        std::size_t records;
    } table[] = {
        {"", errc::page_truncated, "at byte 0", 0},
        {"  ", errc::page_truncated, "at byte 2", 0},
        {"[]", errc::page_not_an_object, "it is an array", 0},
        {"null", errc::page_not_an_object, "it is null", 0},
        {"5", errc::page_not_an_object, "it is a number", 0},
        {"\"logs\"", errc::page_not_an_object, "it is a string", 0},
        {"true", errc::page_not_an_object, "it is a boolean", 0},
        {"<html>", errc::page_syntax, "at byte 0", 0},
        {"Internal Server Error", errc::page_syntax, "at byte 0", 0},
        {"{}", errc::page_not_an_object, "no array 'logs'", 0},
        {R"({"detail":"x"})", errc::page_not_an_object, "no array 'logs'", 0},
        {R"({"logs":null})", errc::page_not_an_object, "logs: expected an array, found null", 0},
        {R"({"logs":{}})", errc::page_not_an_object, "logs: expected an array, found an object", 0},
        {R"({"logs":[],"logs":[]})", errc::page_not_an_object, "two arrays 'logs'", 0},
        {R"({"logs":[]} x)", errc::page_syntax, "at byte 1", 0},
        {R"({"logs":[{},5]})", errc::page_field_type, "logs[1]: expected an object, found a number", 1},
        {R"({"logs":[{},[]]})", errc::page_field_type, "logs[1]: expected an object, found an array", 1},
        {R"({"logs":[{},null]})", errc::page_field_type, "logs[1]: expected an object, found null", 1},
        {R"({"logs":[{},{"step":"1"}]})", errc::page_field_type,
         "logs[1].step: expected a 64-bit integer or null, found a string", 1},
        {R"({"logs":[{"step":1.5}]})", errc::page_field_type,
         "logs[0].step: expected a 64-bit integer or null, found a fraction", 0},
        {R"({"logs":[{"step":9223372036854775808}]})", errc::page_field_type,
         "logs[0].step: expected a 64-bit", 0},
        {R"({"logs":[{"exit_code":true}]})", errc::page_field_type, "logs[0].exit_code: ", 0},
        {R"({"logs":[{"stdout":5}]})", errc::page_field_type,
         "logs[0].stdout: expected a string or null, found a number", 0},
        {R"({"logs":[{"stdout":{"a":1}}]})", errc::page_field_type,
         "logs[0].stdout: expected a string or null, found an object", 0},
        {R"({"logs":[{"stdout":["a"]}]})", errc::page_field_type,
         "logs[0].stdout: expected a string or null, found an array", 0},
        {R"({"total_executions":-1,"logs":[]})", errc::page_field_type,
         "total_executions: expected a count or null", 0},
        {R"({"total_executions":"1","logs":[]})", errc::page_field_type,
         "total_executions: expected a count or null, found a string", 0},
        {"{\"logs\":[{\"stdout\":\"a\xff\"}]}", errc::page_invalid_utf8, "logs[0].stdout: it holds bytes", 0},
        {R"({"logs":[{"stdout":"\ud800"}]})", errc::page_syntax, "logs[0].stdout", 0},
        {deep, errc::page_too_deep, "deeper than 64 levels", 0},
    };
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.page.substr(0, 80)) {
            for (const auto& got : {read({t.page}), read_bytes(t.page)}) {
                BOOST_TEST_REQUIRE(got.end.has_error());
                const auto& e = got.end.error();
                BOOST_TEST(e.code == t.code);
                BOOST_TEST(e.message.find(t.part) != std::string::npos, e.message);
                BOOST_TEST(e.message.find("(at byte ") != std::string::npos, e.message);
                BOOST_TEST(got.records.size() == t.records);
            }
        }
}

BOOST_AUTO_TEST_CASE(a_user_is_named_by_whatever_it_is) {
    const struct {
        std::string_view value;
        std::string_view user;
    } table[] = {{R"("u1")", "u1"},
                 {R"("a\"\u00fc")", "a\"ü"},
                 {"17", "17"},
                 {"-9223372036854775808", "-9223372036854775808"},
                 {"18446744073709551615", "18446744073709551615"},
                 {"1.5", ""},
                 {"null", ""},
                 {"true", ""},
                 {R"([])", ""},
                 {R"(["a",{"user_id":"b"}])", ""},
                 {R"({"id":5,"step":[{}]})", ""},
                 {"\"uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu\"", "uuuuuuuuuuuuuuuuuuuu"},
                 {"\"a\xff\"", "a\xff"}};
    aoss::page_limits limits;
    limits.max_field_size = 20;
    for (const auto& t : table)
        BOOST_TEST_CONTEXT(t.value) {
            const std::string page = R"({"logs":[{"user_id":"before","step":1},{"user_id":)" +
                                     std::string(t.value) + R"(,"step":2,"command":"c"},{"step":3}]})";
            for (const auto& got : {read({page}, limits), read_bytes(page, limits)}) {
                BOOST_TEST_REQUIRE(got.end.has_value(), got.end.error().message);
                BOOST_TEST_REQUIRE(got.records.size() == 3u);
                BOOST_TEST(got.records[1].user_id == t.user);
                BOOST_TEST(got.records[1].step.value() == 2);
                BOOST_TEST(got.records[1].command == "c");
                BOOST_TEST(got.records[2].user_id == "");
            }
        }
}

BOOST_AUTO_TEST_CASE(the_offset_is_at_the_cause) {
    const std::string_view page = R"({"logs":[{"step":"one"}]})";
    const auto got = read({page});
    const auto& m = got.end.error().message;
    const auto at = std::stoul(m.substr(m.find("(at byte ") + 9));
    BOOST_TEST(at >= page.find("\"one\""));
    BOOST_TEST(at <= page.find("}"));
}

BOOST_AUTO_TEST_CASE(a_field_has_a_longest_length) {
    aoss::page_limits limits;
    limits.max_field_size = 10;
    const std::string fits =
        R"({"logs":[{"command":"1234567890","query":")" + std::string(1000, 'x') + R"("}]})";
    BOOST_TEST(read({fits}, limits).end.has_value());
    for (std::size_t cut : {0u, 20u, 25u, 29u}) {
        const std::string_view page = R"({"logs":[{"command":"12345678901"}]})";
        const auto got = read({page.substr(0, cut), page.substr(cut)}, limits);
        BOOST_TEST_REQUIRE(got.end.has_error());
        BOOST_TEST(got.end.error().code == errc::page_field_too_long);
        BOOST_TEST(got.end.error().message.find("logs[0].command: it is longer than 10 bytes") !=
                   std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(an_output_that_is_too_long_is_cut_at_a_code_point) {
    aoss::page_limits limits;
    limits.max_field_size = 10;
    for (const auto& [text, kept] :
         {std::pair("12345678901", "1234567890"), std::pair("123456789ü2", "123456789"),
          std::pair("12345678€9", "12345678"), std::pair("1234567€9", "1234567€"),
          std::pair("1234567\U0001F600", "1234567"), std::pair("12345678ü", "12345678ü")})
        for (const char* name : {"stdout", "stderr"}) {
            const std::string page = R"({"logs":[{"step":1,")" + std::string(name) + R"(":")" + text +
                                     R"(","command":"c"},{"step":2,")" + name + R"(":"short"}]})";
            for (std::size_t cut = 0; cut != page.size(); ++cut) {
                const auto got = read({page.substr(0, cut), page.substr(cut)}, limits);
                BOOST_TEST_REQUIRE(got.end.has_value(), got.end.error().message);
                BOOST_TEST_REQUIRE(got.records.size() == 2u);
                const auto output = name == std::string_view("stdout")
                                        ? &aoss::execution_record::standard_output
                                        : &aoss::execution_record::standard_error;
                BOOST_TEST_REQUIRE((got.records[0].*output) == kept);
                BOOST_TEST_REQUIRE(got.records[0].command == "c");
                BOOST_TEST_REQUIRE((got.records[1].*output) == "short");
            }
        }
    // What is wrong in what is kept stays wrong, and so does what was not cut.
    BOOST_TEST(read({"{\"logs\":[{\"stdout\":\"12\xff"
                     "45678901\"}]}"},
                    limits)
                   .end.has_error());
    BOOST_TEST(read({"{\"logs\":[{\"stdout\":\"12345678\xe2\x82\"}]}"}, limits).end.has_error());
}

BOOST_AUTO_TEST_CASE(a_page_has_a_largest_number_of_records) {
    aoss::page_limits limits;
    limits.max_records = 2;
    BOOST_TEST(read({R"({"logs":[{"step":1},{"step":2}]})"}, limits).end.has_value());
    const auto got = read({R"({"logs":[{"step":1},{"st)", R"(ep":2},{"step":3}]})"}, limits);
    BOOST_TEST_REQUIRE(got.end.has_error());
    BOOST_TEST(got.records.size() == 2u);
    BOOST_TEST(got.end.error().code == errc::page_too_large);
    BOOST_TEST(got.end.error().message.find("logs[2]: more than 2 records") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_page_must_bring_records) {
    aoss::page_limits limits;
    limits.max_record_size = 100;
    const std::string blanks(70, ' ');
    BOOST_TEST(read({R"({"logs":[)", blanks, "{},", blanks, "{}", blanks, "]}"}, limits).end.has_value());
    for (const std::string before :
         {"", R"({"x":")", R"({"logs":[{"stdout":")", R"({"logs":[{},{)", R"({"logs":[]})"}) {
        const auto got = read({before, blanks, blanks}, limits);
        BOOST_TEST_REQUIRE(got.end.has_error());
        BOOST_TEST(got.end.error().code == errc::page_too_large, before);
        BOOST_TEST(got.end.error().message.find("more than 100 bytes without a whole record") !=
                   std::string::npos);
    }
}

namespace {

/// Counts the bytes that another one takes.
class counting_scanner final : public aoss::record_scanner {
public:
    bool scan(aoss::detail::page_handler& handler, std::string_view& text) override {
        ++calls;
        const std::size_t before = text.size();
        const bool out = scanner_.scan(handler, text);
        taken += before - text.size();
        return out;
    }
    std::size_t calls = 0, taken = 0;

private:
    aoss::simdjson_scanner scanner_;
};

/// As the backend writes them, without blanks.
constexpr std::string_view compact_page =
    R"({"total_executions":4,"logs":[{"execution_id":"e0","step":0,"stdout":""},)"
    R"({"timestamp":"2026-11-23T13:12:03.237230+00:00","execution_id":"e1","user_id":null,"step":1,"exit_code":-1,)"
    R"("stdout":"a\n\"},{\"é\u00e9\ud83d\ude00","query":"},{","agent_summary":null},)"
    R"({"execution_id":"e2","new":[{"a":[1.53,true]},{"b":{}}],"step":2,"stdout":null,"more":-0,"stderr":"12345678"},)"
    R"({"step":3,"execution_id":"e3","step":4,"std\u006fut":"x","on":false},{},)"
    R"({"execution_id":"e4","step":5}],"x":[{"step":1},{"step":2},{"step":3}],"total_log_entries":6})";

} // namespace

BOOST_AUTO_TEST_CASE(a_scanner_takes_all_but_the_first_record) {
    counting_scanner scanner;
    const auto got = read_by(&scanner, {compact_page}, {});
    BOOST_TEST_REQUIRE(got.end.has_value(), got.end.error().message);
    BOOST_TEST(got.records.size() == 6u);
    const auto first = compact_page.find(R"(,{"timestamp)"), end = compact_page.find(R"(],"x")");
    BOOST_TEST(scanner.taken == end - first);
    BOOST_TEST(got.records[3].standard_output == "x");
    // In pieces it takes what is whole in them.
    for (const std::size_t size : {1u, 100u, 300u}) {
        counting_scanner again;
        std::vector<std::string_view> pieces;
        for (std::size_t at = 0; at < compact_page.size(); at += size)
            pieces.push_back(compact_page.substr(at, size));
        BOOST_TEST((read_by(&again, pieces, {}).records == got.records));
        BOOST_TEST((again.taken == 0) == (size == 1));
    }
}

BOOST_AUTO_TEST_CASE(a_scanner_takes_most_of_a_large_page) {
    std::string page = R"({"logs":[{"step":0})";
    for (int i = 1; i != 2000; ++i)
        page += R"(,{"step":)" + std::to_string(i) + R"(,"stdout":")" +
                std::string(i == 1000 ? 200'000u : 300u, 'x') + R"("})";
    page += "]}";
    for (const std::size_t size : {page.size(), std::size_t{50'000}}) {
        std::vector<std::string_view> pieces;
        for (std::size_t at = 0; at < page.size(); at += size)
            pieces.push_back(std::string_view(page).substr(at, size));
        counting_scanner scanner;
        BOOST_TEST((read_by(&scanner, pieces, {}).records == read_by(nullptr, pieces, {}).records));
        BOOST_TEST(scanner.taken > (page.size() - 200'000) / 10 * 9);
    }
}

BOOST_AUTO_TEST_CASE(a_scanner_is_not_asked_again_for_a_page_with_what_it_does_not_take) {
    std::string page = R"({"logs":[{})";
    for (int i = 0; i != 100; ++i)
        page += R"(,{"step":")" + std::string(i == 50 ? "" : "x") + R"("})";
    counting_scanner scanner;
    BOOST_TEST(read_by(&scanner, {page + "]}"}, {}).end.has_error());
    BOOST_TEST(scanner.calls == 1u);
}

BOOST_AUTO_TEST_CASE(a_scanner_changes_nothing_wherever_a_page_is_cut) {
    for (const std::size_t max : {8u, 1000u})
        for (std::size_t i = 0; i <= compact_page.size(); ++i)
            read({compact_page.substr(0, i), compact_page.substr(i)},
                 {.max_field_size = max, .max_depth = 6});
    for (std::size_t i = 0; i < compact_page.size(); ++i)
        read({compact_page.substr(0, i)});
}

BOOST_AUTO_TEST_CASE(a_scanner_changes_nothing_whatever_is_wrong_with_a_page) {
    for (std::size_t i = 0; i != compact_page.size(); ++i) {
        std::string page(compact_page);
        for (const char c : "\"\\{}[],:-+.09eEntf \t\n\x01\x7f\x80\xc3\xed\xff\0"sv) {
            page[i] = c;
            read({page});
        }
        page[i] = compact_page[i];
        for (const std::string_view more :
             {","sv, "\""sv, "}"sv, "]"sv, "\xef\xbb\xbf"sv, "{}"sv, ",{}"sv, "\\ud800"sv, "\\udc00"sv})
            read({std::string(page).insert(i, more)});
        read({std::string(page).erase(i, 1)});
    }
}

BOOST_AUTO_TEST_CASE(what_a_scanner_saw_before_changes_nothing) {
    const std::string long_key(70, 'k');
    const std::string pages[] = {
        // Keys that it does not keep, before one that it does.
        R"({"logs":[{},{")" + long_key + R"(":1,"x":2},{"a\"b":1,"y":2},{"z\\":1,"step":3},{}]})",
        R"({"logs":[{},{"execution_id":"b","timestamp":"t"},{"execution_id":"c","step":4},{}]})",
        R"({"logs":[{},{"\q\ud800":1,"step":1},{}]})",
        // What lies in its buffer behind a piece.
        R"({"logs":[{},{"yyy":12},{"z":2}]})",
        R"({"logs":[{},{"x":[{},{"a":1}],"execution_id":"e","stdout":"all of it"},{}]})",
        R"({"logs":[{},{"x":0e2147483648},{"step":1}]})",
        R"({"logs":[{},{"x":1e-2147483649,"step":1},{"step":2}]})",
        R"({"logs":[{},{"x":1.25e10,"step":1},{"step":2}]})"};
    aoss::simdjson_scanner kept;
    for (int again = 0; again != 2; ++again)
        for (const std::string& page : pages)
            for (std::size_t cut = 0; cut <= page.size(); ++cut) {
                const std::vector<std::string_view> pieces{std::string_view(page).substr(0, cut),
                                                           std::string_view(page).substr(cut)};
                const auto expected = read_by(nullptr, pieces, {}), got = read_by(&kept, pieces, {});
                BOOST_TEST((got.records == expected.records), page << " cut at " << cut);
                BOOST_TEST(got.end.has_value() == expected.end.has_value(), page << " cut at " << cut);
            }
}

BOOST_AUTO_TEST_CASE(what_a_scanner_does_not_take_it_is_seldom_asked_for) {
    // It looks through 64 KiB, each time.
    for (const std::string_view record : {",{}"sv, R"(,{ "step":1})"sv, R"(,{"":1})"sv}) {
        std::string page = R"({"logs":[{})";
        while (page.size() < 1'000'000)
            page += record;
        page += "]}";
        counting_scanner scanner;
        BOOST_TEST(read_by(&scanner, {page}, {}).end.has_value());
        BOOST_TEST(scanner.calls < 40u, record);
    }
}

BOOST_AUTO_TEST_CASE(a_scanner_takes_outputs_that_are_json) {
    std::string page = R"({"logs":[{"step":0})";
    for (int i = 1; i != 1000; ++i)
        page += R"(,{"stdout":"[{\"id\":1},{\"id\":2},{","step":)" + std::to_string(i) + "}";
    page += "]}";
    counting_scanner scanner;
    BOOST_TEST((read_by(&scanner, {page}, {}).records == read_by(nullptr, {page}, {}).records));
    BOOST_TEST(scanner.taken > page.size() / 10 * 9);
}

BOOST_AUTO_TEST_CASE(after_a_handler_that_throws_a_reader_takes_nothing_more) {
    for (const bool with : {false, true}) {
        aoss::simdjson_scanner scanner;
        page_reader reader(
            [](const execution_record& r) {
                if (r.step == 2)
                    throw std::runtime_error("no more");
            },
            {}, with ? &scanner : nullptr);
        BOOST_CHECK_THROW((void)reader.write(R"({"logs":[{"step":1},{"step":2},{"step":3})"),
                          std::runtime_error);
        BOOST_TEST((reader.write(R"(,{"step":4},{"step":5}]})").error().code == errc::page_syntax));
        BOOST_TEST(reader.finish().has_error());
    }
}

BOOST_AUTO_TEST_CASE(a_scanner_keeps_a_page_s_limits) {
    for (std::uint64_t n = 1; n != 8; ++n)
        BOOST_TEST(read({compact_page}, {.max_records = n}).end.has_value() == (n >= 6));
    for (std::size_t depth = 1; depth != 12; ++depth)
        read({compact_page}, {.max_depth = depth});
    // Cut at a code point.
    for (std::size_t max = 1; max != 14; ++max)
        BOOST_TEST(
            read({R"({"logs":[{},{"stdout":"1234567\u00e9\ud83d\ude00x"},{"stderr":"é😀"},{"step":1}]})"},
                 {.max_field_size = max})
                .end.has_value());
    std::string deep = R"({"logs":[{},{"x":[[[[[[[[]]]]]]]]},{}]})";
    for (std::size_t depth = 1; depth != 15; ++depth)
        BOOST_TEST(read({deep}, {.max_depth = depth}).end.has_value() == (depth >= 11));
}

BOOST_AUTO_TEST_SUITE_END()
