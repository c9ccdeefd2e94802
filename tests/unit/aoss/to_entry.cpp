#include <lokiship/aoss/to_entry.hpp>

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

BOOST_AUTO_TEST_SUITE(to_entry)

using namespace lokiship;
using aoss::execution_record;

namespace {

const timestamp now = text::from_unix_nanoseconds(1'800'000'000'123'456'789);

execution_record example() {
    execution_record r;
    r.timestamp = "2026-11-23T13:12:03.237230+00:00";
    r.execution_id = "b68b061e-62b1-48fe-9585-3d1090009f9c";
    r.server_id = "795b929e-9a9a-40fd-aa7b-5bf55eb561a4";
    r.server_tag = "prod-web-01";
    r.agent_type = "network";
    r.step = 1;
    r.command = "systemctl status nginx";
    r.status = "Success";
    r.exit_code = 0;
    r.standard_output = "Active: active (running)";
    r.execution_status = "Success";
    return r;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_specifications_example) {
    const auto got = aoss::to_entry(example(), now);
    BOOST_TEST(got.entry.line ==
               "STEP: 1 | COMMAND: systemctl status nginx | EXIT_CODE: 0 | STDOUT: Active: active "
               "(running) | STDERR: ");
    BOOST_TEST(
        to_string(got.labels) ==
        R"({agent_type="network", execution_status="Success", job="aoss", server_id="795b929e-9a9a-40fd-aa7b-5bf55eb561a4", )"
        R"(server_tag="prod-web-01", status="Success"})");
    BOOST_TEST(text::to_unix_nanoseconds(got.entry.time) == 1'795'439'523'237'230'000);
    BOOST_TEST(!got.time_replaced);
}

BOOST_AUTO_TEST_CASE(what_is_missing_gets_a_stand_in) {
    const auto got = aoss::to_entry({}, now);
    BOOST_TEST(got.entry.line == "STEP:  | COMMAND:  | EXIT_CODE:  | STDOUT:  | STDERR: ");
    BOOST_TEST(
        to_string(got.labels) ==
        R"({agent_type="general", execution_status="unknown", job="aoss", server_id="unknown", server_tag="unknown", )"
        R"(status="unknown"})");
    BOOST_TEST((got.entry.time == now));
    BOOST_TEST(got.time_replaced);
}

BOOST_AUTO_TEST_CASE(an_unreadable_time_is_replaced) {
    auto r = example();
    for (const char* text : {"", "yesterday", "2026-02-30T00:00:00", "9999-12-31T00:00:00"}) {
        r.timestamp = text;
        const auto got = aoss::to_entry(r, now);
        BOOST_TEST((got.entry.time == now));
        BOOST_TEST(got.time_replaced);
    }
}

BOOST_AUTO_TEST_CASE(outputs_are_cut_to_300_characters) {
    auto r = example();
    const std::string character = "€";
    for (std::size_t n : {299u, 300u, 301u}) {
        r.standard_output.clear();
        for (std::size_t i = 0; i != n; ++i)
            r.standard_output += character;
        r.standard_error = r.standard_output;
        const auto line = aoss::to_line(r);
        std::string expected;
        for (std::size_t i = 0; i != std::min<std::size_t>(n, 300); ++i)
            expected += character;
        if (n > 300)
            expected += "...";
        BOOST_TEST(line == "STEP: 1 | COMMAND: systemctl status nginx | EXIT_CODE: 0 | STDOUT: " + expected +
                               " | STDERR: " + expected);
    }
    r.command.assign(1000, 'c'); // a command is never cut
    BOOST_TEST(aoss::to_line(r).find(r.command) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(invalid_utf8_is_replaced_everywhere) {
    auto r = example();
    r.server_tag = "a\xff";
    r.command = "b\xc3";
    r.standard_output = "\x80";
    const auto got = aoss::to_entry(r, now);
    BOOST_TEST(got.labels.get("server_tag") == "a?"); // Loki refuses U+FFFD in a label
    BOOST_TEST(got.labels_changed);
    BOOST_TEST(!aoss::to_entry(example(), now).labels_changed);
    r = example();
    r.agent_type.clear();
    BOOST_TEST(aoss::to_entry(r, now).labels_changed);
    BOOST_TEST(got.entry.line.find("COMMAND: b\xef\xbf\xbd |") != std::string::npos);
    BOOST_TEST(got.entry.line.find("STDOUT: \xef\xbf\xbd |") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(identity_is_execution_step_status_and_line) {
    const auto key = [](const execution_record& r) { return aoss::to_entry(r, now).key; };
    const auto base = key(example());
    BOOST_TEST((base == key(example())));
    const auto changed = [&](auto change) {
        auto r = example();
        change(r);
        return key(r) != base;
    };
    BOOST_TEST(changed([](auto& r) { r.execution_id = "b68b061e-62b1-48fe-9585-3d1090009f9d"; }));
    BOOST_TEST(changed([](auto& r) { r.execution_id = "not a uuid"; }));
    BOOST_TEST(changed([](auto& r) { r.step = 2; }));
    BOOST_TEST(changed([](auto& r) { r.step.reset(); }));
    BOOST_TEST(changed([](auto& r) { r.status = "Failed"; }));
    BOOST_TEST(changed([](auto& r) { r.exit_code = 1; }));
    BOOST_TEST(changed([](auto& r) { r.standard_output += '.'; }));
    BOOST_TEST(!changed([](auto& r) { r.execution_status = "Failed"; }));
    BOOST_TEST(!changed([](auto& r) { r.agent_type = "database"; }));
    BOOST_TEST(!changed([](auto& r) { r.timestamp = ""; }));
    BOOST_TEST(!changed([](auto& r) { r.execution_id = "B68B061E-62B1-48FE-9585-3D1090009F9C"; }));
    // Ids that are no UUID stay apart, and no text passes for another field.
    std::set<aoss::step_key> keys;
    for (const char* id :
         {"", "1", "2", "b68b061e-62b1-48fe-9585-3d1090009f9", "b68b061e-62b1-48fe-9585-3d1090009f9cc",
          "b68b061e062b1048fe095850 3d1090009f9c"}) {
        auto r = example();
        r.execution_id = id;
        BOOST_TEST(keys.insert(key(r)).second, id);
    }
}

BOOST_AUTO_TEST_CASE(what_is_secret_is_replaced_before_it_is_cut_and_before_the_key_is_made) {
    auto r = example();
    r.command = "login geheim";
    r.standard_output = std::string(297, '.') + "geheim";
    r.standard_error = std::string(1000, '.') + "geheim\xff";
    const aoss::redact_function redact = [](std::string& text) {
        BOOST_TEST(text::is_valid_utf8(text));
        const auto at = text.find("geheim");
        if (at == std::string::npos)
            return false;
        text.replace(at, 6, "***");
        return true;
    };
    const auto got = aoss::to_entry(r, now, redact);
    BOOST_TEST(got.redacted);
    BOOST_TEST(got.entry.line ==
               "STEP: 1 | COMMAND: login *** | EXIT_CODE: 0 | STDOUT: " + std::string(297, '.') +
                   "*** | STDERR: " + std::string(300, '.') + "...");
    BOOST_TEST((got.key == aoss::make_step_key(r, got.entry.line)));
    BOOST_TEST((got.key != aoss::to_entry(r, now).key));

    const auto plain = aoss::to_entry(example(), now, redact);
    BOOST_TEST(!plain.redacted);
    BOOST_TEST((plain.key == aoss::to_entry(example(), now).key));
    // Without one nothing is replaced.
    BOOST_TEST((aoss::to_entry(r, now, {}).key == aoss::to_entry(r, now).key));
}

// What it was asked last lies in its own memory.
static_assert(!std::is_copy_constructible_v<aoss::step_mapper> &&
              !std::is_copy_assignable_v<aoss::step_mapper>);

BOOST_AUTO_TEST_CASE(a_mapper_carries_nothing_over) {
    // Whatever it remembers, each record is mapped as if it were the first.
    const aoss::redact_function redact = [](std::string& text) {
        return text == "secret" && !(text = "[]").empty();
    };
    aoss::step_mapper mapper(redact);
    std::vector<execution_record> records;
    for (unsigned i = 0; i != 64; ++i) {
        execution_record r = example();
        if (i & 1)
            r.status = "Failed";
        if (i & 2)
            r.server_id.clear();
        if (i & 4)
            r.timestamp = i & 8 ? "2026-01-02T03:04:05Z" : "yesterday";
        if (i & 16)
            r.standard_output = "secret";
        if (i & 32)
            r.command.clear();
        records.push_back(r);
    }
    for (unsigned n = 0; n != 1000; ++n) {
        execution_record r = records[n * n % 61 % records.size()];
        const timestamp when = now + std::chrono::seconds(n);
        const auto alone = aoss::to_entry(r, when, redact);
        const bool secret = r.standard_output == "secret";
        const auto& got = mapper(r, [when] { return when; });
        BOOST_TEST(r.standard_output == (secret ? "[]" : example().standard_output));
        BOOST_TEST((got.labels == alone.labels && got.entry == alone.entry && got.key == alone.key));
        BOOST_TEST((got.labels_changed == alone.labels_changed && got.time_replaced == alone.time_replaced &&
                    got.redacted == alone.redacted));
    }
}

BOOST_AUTO_TEST_CASE(external_labels_stand_beside_the_own_ones) {
    aoss::step_mapper mapper({}, {{"site", "berlin"}, {"team", "ops"}});
    for (int i = 0; i != 2; ++i) {
        execution_record r = example();
        const auto& got = mapper(r, [] { return now; });
        const auto alone = aoss::to_entry(example(), now);
        BOOST_TEST((got.labels == loki::with_labels(alone.labels, {{"site", "berlin"}, {"team", "ops"}})));
        BOOST_TEST((got.key == alone.key));
        BOOST_TEST((got.entry == alone.entry));
    }
    const auto why = [](const char* name, const char* value) {
        return aoss::why_not_external({{"a", "b"}, {name, value}}).value_or("");
    };
    BOOST_TEST(why("site", "berlin").empty());
    BOOST_TEST(why("", "x").find("letters, digits and _") != std::string::npos);
    BOOST_TEST(why("1a", "x").find("letters, digits and _") != std::string::npos);
    BOOST_TEST(why("__a", "x").find("reserved") != std::string::npos);
    BOOST_TEST(why("job", "x").find("already") != std::string::npos);
    BOOST_TEST(why("agent_type", "x").find("already") != std::string::npos);
    BOOST_TEST(why("a_b", "\xff").find("value") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(records_without_a_time_get_one_each) {
    aoss::step_mapper mapper;
    timestamp time = now;
    const auto mapped_time = [&](execution_record r) {
        return mapper(r, [&time] { return time; }).entry.time;
    };
    execution_record r = example();
    r.timestamp.clear();
    BOOST_TEST((mapped_time(r) == now));
    BOOST_TEST((mapped_time(r) == now + std::chrono::nanoseconds(1)));
    r.timestamp = "yesterday";
    BOOST_TEST((mapped_time(r) == now + std::chrono::nanoseconds(2)));
    BOOST_TEST((mapped_time(example()) == aoss::to_entry(example(), now).entry.time));
    // The clock was set back, and goes on.
    time = now - std::chrono::hours(1);
    BOOST_TEST((mapped_time(r) == now + std::chrono::nanoseconds(3)));
    time = now + std::chrono::hours(1);
    BOOST_TEST((mapped_time(r) == time));
}

BOOST_AUTO_TEST_CASE(structured_metadata_says_whose_step_it_is) {
    execution_record r = example();
    r.user_id = "user_1";
    aoss::step_mapper mapper({}, {}, true);
    const auto shown = [&mapper](execution_record record) {
        return loki::to_string(mapper(record, [] { return now; }).entry.metadata);
    };
    BOOST_TEST(shown(r) ==
               R"({execution_id="b68b061e-62b1-48fe-9585-3d1090009f9c", exit_code="0", step="1", )"
               R"(user_id="user_1"})");
    r.execution_id = "no \xff uuid";
    r.exit_code = -9;
    r.step = 0;
    BOOST_TEST(shown(r) == R"({execution_id="no ? uuid", exit_code="-9", step="0", user_id="user_1"})");
    BOOST_TEST(shown({}) == "{}");
    // It is no part of what the step is.
    aoss::step_mapper without;
    execution_record a = r, b = r;
    BOOST_TEST((mapper(a, [] { return now; }).key == without(b, [] { return now; }).key));
    BOOST_TEST(without(b, [] { return now; }).entry.metadata.empty());
    BOOST_TEST((mapper(a, [] { return now; }).entry == without(b, [] { return now; }).entry));
}

BOOST_AUTO_TEST_SUITE_END()
