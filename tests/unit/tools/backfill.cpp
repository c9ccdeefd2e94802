#include "backfill/options.hpp"
#include "backfill/outcome.hpp"
#include "backfill/plan.hpp"
#include "printing.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/test/unit_test.hpp>

#include <spdlog/sinks/ostream_sink.h>

#include <cstdint>
#include <memory>
#include <sstream>

BOOST_AUTO_TEST_SUITE(backfill_tool)

using namespace lokiship;
using namespace std::chrono_literals;
using loki::reject_reason;

namespace {

const timestamp now(std::chrono::seconds(1'795'500'000)); // 2026-11-24

/// The settings of a command line, or the message that refuses it.
std::variant<tools::values, tools::exit_message> resolve(std::vector<std::string> arguments) {
    tools::surroundings around;
    around.arguments = std::move(arguments);
    around.environment = [](const std::string&) { return std::nullopt; };
    around.read_file = [](const std::string&) { return std::nullopt; };
    around.exists = [](const std::string&) { return false; };
    return tools::resolve("backfill", tools::backfill_description, tools::backfill_settings(), around);
}

ship::backfill_options options(std::vector<std::string> arguments, const tools::loki_settings& loki = {}) {
    const auto v = resolve(std::move(arguments));
    BOOST_TEST_REQUIRE(v.index() == 0u);
    ship::delivery_options delivery;
    delivery.rate = 4'110'418;
    return tools::to_backfill_options(std::get<tools::values>(v), delivery, loki, "http://b", "http://l",
                                      now);
}

std::string refusal(std::vector<std::string> arguments) {
    const auto v = resolve(std::move(arguments));
    BOOST_TEST_REQUIRE(v.index() == 1u);
    return std::get<tools::exit_message>(v).text;
}

ship::backfill_plan a_plan() {
    ship::backfill_plan p;
    p.executions = 1000;
    p.records = 2600;
    p.filtered = 100;
    p.entries = 2500;
    p.bytes = 1'234'567;
    p.streams = 30;
    p.oldest = now - 24h * 30;
    p.newest = now;
    p.certain = true;
    return p;
}

void refuse(ship::backfill_plan& p, reject_reason r, std::uint64_t n) {
    p.refused_by_reason[static_cast<std::size_t>(r)] = n;
}

} // namespace

BOOST_AUTO_TEST_CASE(parts_become_times_and_servers) {
    const auto day = [](int n) { return timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / n)); };
    for (int part = 0; part != 4; ++part) {
        const auto o = options({"--since", "2026-11-01", "--until", "2026-11-05", "--slice",
                                std::to_string(part) + "/4", "--shard", "2/3", "--external-label", "site=x"});
        BOOST_TEST((o.query.since == day(part + 1)));
        BOOST_TEST((o.query.until == day(part + 2)));
        BOOST_TEST((o.query.shard == ship::shard{2, 3}));
        BOOST_TEST(loki::to_string(o.external_labels) == R"({site="x"})");
        BOOST_TEST(o.job.find("--slice " + std::to_string(part) + "/4 --shard 2/3 --external-label site=x") !=
                   std::string::npos);
    }
    // What cannot be parted evenly has no gap.
    timestamp end = day(1);
    for (int part = 0; part != 7; ++part) {
        const auto o = options({"--since", "2026-11-01", "--until", "2026-11-01T00:00:00.000000100Z",
                                "--slice", std::to_string(part) + "/7"});
        BOOST_TEST((o.query.since == end));
        end = *o.query.until;
    }
    BOOST_TEST((end == day(1) + std::chrono::nanoseconds(100)));
}

BOOST_AUTO_TEST_CASE(options_become_what_they_say) {
    const auto o = options({"--since",       "7d",     "--until",      "2026-11-24T00:00:00Z",
                            "--server-id",   "a",      "--server-id",  "b",
                            "--status",      "Failed", "--label",      "backfill=2026-11",
                            "--concurrency", "9",      "--rate",       "1MB",
                            "--max-memory",  "128MiB", "--checkpoint", "c"});
    BOOST_TEST((o.query.since == now - 24h * 7));
    BOOST_TEST((o.query.until == timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / 24))));
    BOOST_TEST((o.query.server_ids == std::vector<std::string>{"a", "b"}));
    BOOST_TEST(o.query.status == "Failed");
    BOOST_TEST(loki::to_string(o.labels) == R"({backfill="2026-11"})");
    BOOST_TEST(o.delivery.concurrency == 9u);
    BOOST_TEST(o.delivery.rate == 1'000'000u);
    BOOST_TEST(o.delivery.stream_rate == 1'400'000u);
    BOOST_TEST(o.spool.memory == 26u * 1024 * 1024);
    BOOST_TEST(o.checkpoint == "c");
    BOOST_TEST(o.job ==
               "--backend http://b --loki http://l --since 7d --until 2026-11-24T00:00:00Z --server-id a,b "
               "--status Failed --label backfill=2026-11 --late-entries reject --redact true");

    BOOST_TEST(options({}).delivery.rate == 4'110'418u);
    BOOST_TEST(options({}).delivery.learn_rates);
    BOOST_TEST(options({"--rate", "off"}).delivery.rate == 0u);
    BOOST_TEST(!options({"--rate", "off"}).delivery.learn_rates);
    BOOST_TEST(options({"--rate", "off"}).delivery.stream_rate == 0u);
    BOOST_TEST(options({}).delivery.batch.max_bytes == 1024u * 1024);
    BOOST_TEST(options({"--rate", "off"}).delivery.batch.max_bytes == 5u * 512 * 1024);
    BOOST_TEST(options({"--rate", "off", "--max-memory", "32MiB"}).delivery.batch.max_bytes ==
               8u * 1024 * 1024 / 16 * 3 / 3);
    // The smallest memory still holds several pushes.
    const auto small = options({"--max-memory", "32MiB"});
    BOOST_TEST(small.spool.memory == 2u * 1024 * 1024);
    BOOST_TEST(small.delivery.max_bytes_in_flight == 8u * 1024 * 1024 / 16 * 3);
    BOOST_TEST(small.delivery.batch.max_bytes == small.delivery.max_bytes_in_flight / 7);
    BOOST_TEST(options({"--max-memory", "1GiB"}).delivery.batch.max_bytes == 1024u * 1024);
}

BOOST_AUTO_TEST_CASE(secrets_are_replaced_unless_told_otherwise) {
    const auto shown = [](std::vector<std::string> arguments) {
        const auto o = options(std::move(arguments));
        std::string text = "password=geheim pin 12,34";
        if (o.redact)
            o.redact(text);
        return text;
    };
    BOOST_TEST(shown({}) == "password=[REDACTED] pin 12,34");
    BOOST_TEST(shown({"--redact"}) == "password=[REDACTED] pin 12,34");
    for (const char* off : {"--no-redact", "--redact=false"})
        BOOST_TEST(shown({off, "--redact-pattern", "pin"}) == "password=geheim pin 12,34");
    BOOST_TEST(shown({"--redact-pattern", "x{1,2}y", "--redact-pattern", "\\d{2},(\\d+)"}) ==
               "password=[REDACTED] pin 12,[REDACTED]");
    // A checkpoint is of what was shipped, and names no secret.
    const std::string job = options({}).job, own = options({"--redact-pattern", "geheim"}).job;
    BOOST_TEST(own.starts_with(job + " --redact-pattern #"), own);
    BOOST_TEST(own.find("geheim") == own.npos);
    BOOST_TEST(options({"--redact-pattern", "geheim2"}).job != own);
    BOOST_TEST(options({"--no-redact"}).job.ends_with(" --redact false"));
    BOOST_TEST(options({"--structured-metadata"}).job == job + " --structured-metadata");
}

BOOST_AUTO_TEST_CASE(bad_options_are_named) {
    const struct {
        std::vector<std::string> arguments;
        std::string_view message;
    } table[] = {
        {{"--label", "a"}, "--label: 'a' is not NAME=VALUE"},
        {{"--label", "a="}, "--label: 'a=' is not NAME=VALUE"},
        {{"--label", "=a"}, "--label: '=a' has a name that Loki does not take"},
        {{"--label", "1a=b"}, "--label: '1a=b' has a name that Loki does not take"},
        {{"--label", "__a=b"}, "--label: '__a=b' has a name that is reserved by Loki"},
        {{"--label", "job=b"}, "--label: 'job=b' has a name that each entry has already"},
        {{"--rate", "fast"}, "--rate: 'fast' is not auto, off or a size"},
        {{"--rate", "5"}, "--rate: '5' is not auto, off or a size"},
        {{"--max-memory", "1MiB"}, "--max-memory: '1MiB' is not"},
        {{"--since", "yesterday"}, "--since: 'yesterday' is neither a time"},
        {{"--backfill-shard", "a b"}, "--backfill-shard: 'a b' is not a word"},
        {{"--concurrency", "0"}, "--concurrency: '0' is not"},
        {{"--redact-pattern", "a(b"}, "--redact-pattern: 'a(b' is no pattern for RE2: missing ): a(b"},
        {{"--redact-pattern", "a", "--redact-pattern", "(?=b)"},
         "has the element '(?=b)', which is no pattern for RE2: invalid perl operator: (?="},
        {{"--redact-pattern", "me:x@(h"}, "--redact-pattern: '****' is no pattern for RE2: missing )"},
    };
    for (const auto& t : table) {
        const auto text = refusal(t.arguments);
        BOOST_TEST(text.find(t.message) != text.npos, text);
    }
    BOOST_CHECK_EXCEPTION(options({"--since", "1d", "--until", "2d"}), tools::wrong_use_error,
                          [](const auto& e) {
                              return std::string_view(e.what()) == "--since: '1d' is not before --until '2d'";
                          });
}

BOOST_AUTO_TEST_CASE(a_plan_says_what_loki_refuses_and_what_to_change) {
    auto p = a_plan();
    refuse(p, reject_reason::greater_than_max_sample_age, 1900);
    refuse(p, reject_reason::too_far_behind, 50);
    p.live_streams = 4;
    tools::loki_settings loki;
    loki.ingestion.known = true;
    const auto o = options({}, loki);
    const std::string text = tools::plan_text({p, o, now});
    BOOST_TEST(
        text ==
        "plan: 1000 executions, 2500 entries (1.2 MB) in 30 streams, from 2026-10-25T06:00:00.000000000Z to "
        "2026-11-24T06:00:00.000000000Z\n"
        "plan: 100 records are left out, as --since, --until, --server-id and --status say\n"
        "plan: 50 entries are not sent, since Loki will refuse them (too_far_behind): 4 streams are shipped "
        "live, and Loki takes nothing that is 60 minutes behind their newest; use --label backfill=2026-11, "
        "which puts history into streams of its own, or raise ingester.max_chunk_age\n"
        "plan: 1900 entries are not sent, since Loki will refuse them (greater_than_max_sample_age): older "
        "than limits_config.reject_old_samples_max_age (168h); set it to 744h, or "
        "limits_config.reject_old_samples to false\n"
        "plan: /config does not show a tenant's own limits; --push-refused sends these entries nevertheless\n"
        "plan: 550 entries to ship, at 4.1 MB a second at most\n");
    // Only where something is withheld.
    const std::string_view advice = "--push-refused";
    const auto pushed = options({"--push-refused"}, loki);
    BOOST_TEST(tools::plan_text({p, pushed, now}).find(advice) == std::string::npos);
    const auto nothing = a_plan();
    BOOST_TEST(tools::plan_text({nothing, o, now}).find(advice) == std::string::npos);
    const auto json = tools::plan_json({p, o, now});
    BOOST_TEST(json.at("to_ship").to_number<int>() == 550);
    BOOST_TEST(json.at("refused").as_array().size() == 2u);
    BOOST_TEST(std::string(json.at("refused").as_array()[0].at("reason").as_string()) == "too_far_behind");
}

BOOST_AUTO_TEST_CASE(a_plan_from_defaults_says_so) {
    auto p = a_plan();
    p.certain = false;
    refuse(p, reject_reason::greater_than_max_sample_age, 1900);
    const auto o = options({"--rate", "10KB"});
    const std::string text = tools::plan_text({p, o, now});
    BOOST_TEST(text.find("1900 entries may be refused by Loki, were its settings its defaults") != text.npos,
               text);
    BOOST_TEST(text.find("plan: Loki does not show its settings (/config); taking its defaults\n") !=
               text.npos);
    BOOST_TEST(text.find("--push-refused") == text.npos, text);
    // All of them are tried.
    BOOST_TEST(text.find("plan: 2500 entries to ship, at 10.0 kB a second at most") != text.npos, text);
}

BOOST_AUTO_TEST_CASE(what_a_dry_run_reports_is_what_was_read) {
    const auto json = tools::read_json(a_plan());
    BOOST_TEST(
        boost::json::serialize(json) ==
        R"({"executions":1000,"records":2600,"filtered":100,"entries":2500,"bytes":1234567,"streams":30,)"
        R"("oldest":"2026-10-25T06:00:00.000000000Z","newest":"2026-11-24T06:00:00.000000000Z"})");
    const auto plan = a_plan();
    const auto o = options({});
    const auto whole = tools::plan_json({plan, o, now});
    for (const auto& [name, value] : json)
        BOOST_TEST((whole.at(name) == value), name);
}

BOOST_AUTO_TEST_CASE(an_interruption_says_what_it_broke_off) {
    const auto said = [](tools::phase at, std::uint64_t shipped, std::uint64_t pending,
                         std::vector<std::string> arguments = {}) {
        std::ostringstream log;
        spdlog::logger logger("", std::make_shared<spdlog::sinks::ostream_sink_st>(log));
        logger.set_pattern("%v");
        ship::counters c;
        c.shipped = shipped;
        c.pending = pending;
        tools::explain(logger, {c, {}, true, false, at}, options(std::move(arguments)));
        return log.str();
    };
    using enum tools::phase;
    BOOST_TEST(said(starting, 0, 0) == "interrupted before anything was read; run the same command again\n");
    for (const auto& arguments : {std::vector<std::string>{}, {"--checkpoint", "c"}})
        BOOST_TEST(
            said(reading, 0, 1234, arguments) ==
            "interrupted while reading the history, of which 1234 entries were read; nothing was shipped "
            "in this run; run the same command again\n");
    BOOST_TEST(said(looking, 0, 9, {"--checkpoint", "c"}) ==
               "interrupted with 9 entries to ship; run the same command again: it goes on from 'c'\n");
    BOOST_TEST(said(pushing, 3, 9).starts_with("interrupted with 9 entries to ship; run backfill again"));
    BOOST_TEST(said(verifying, 9, 0) == "interrupted with nothing left to ship\n");
}

BOOST_AUTO_TEST_CASE(exit_codes) {
    const auto code = [](auto change, bool stopped = false, bool plan_only = false) {
        ship::counters c;
        ship::backfill_result r;
        ship::backfill_plan p;
        change(c, r, p);
        return tools::exit_code_of({c, r, stopped, plan_only}, p);
    };
    const error e(errc::bad_status, "e");
    BOOST_TEST(code([](auto&, auto&, auto&) {}) == tools::all_shipped);
    BOOST_TEST(code([](auto& c, auto&, auto&) { c.reject(reject_reason::other, 1); }) ==
               tools::some_rejected);
    BOOST_TEST(code([](auto& c, auto&, auto&) { c.reject(reject_reason::not_stored, 1); }) ==
               tools::entries_missing);
    BOOST_TEST(code([&](auto&, auto& r, auto&) { r.read_failure = e; }) == tools::backend_failed);
    BOOST_TEST(code([&](auto&, auto& r, auto&) { r.incomplete = e; }) == tools::backend_failed);
    BOOST_TEST(code([&](auto&, auto& r, auto&) { r.ship_failure = e; }) == tools::loki_failed);
    BOOST_TEST(code([&](auto&, auto& r, auto&) { r.verify_failure = e; }) == tools::loki_failed);
    BOOST_TEST(code([&](auto&, auto& r, auto&) { r.disk_failure = e; }) == tools::disk_failed);
    BOOST_TEST(code([&](auto&, auto& r, auto&) { r.checkpoint_failure = e; }) == tools::wrong_use);
    BOOST_TEST(code([&](auto&, auto& r, auto&) { r.not_visible = 1; }) == tools::entries_not_visible);
    BOOST_TEST(code([&](auto&, auto& r, auto&) { r.not_verified = 1; }) == tools::entries_not_visible);
    BOOST_TEST(code([](auto&, auto&, auto&) {}, true) == tools::interrupted);
    BOOST_TEST(code([](auto&, auto&, auto& p) { refuse(p, reject_reason::other, 1); }, false, true) ==
               tools::some_rejected);
}

BOOST_AUTO_TEST_CASE(the_summary_has_every_number) {
    ship::counters c;
    c.fetched = 10;
    c.shipped = 6;
    c.duplicate = 1;
    c.reject(reject_reason::line_too_long, 2);
    c.pending = 1;
    c.verified = 5;
    c.lost = 1;
    c.restamped = 1;
    c.redacted = 3;
    ship::backfill_result r;
    r.executions = 4;
    r.not_visible = 1;
    r.not_verified = 2;
    r.incomplete = error(errc::bad_status, "why");
    const tools::outcome o{c, r};
    BOOST_TEST(
        tools::summary_text(o) ==
        "4 executions: fetched 10, shipped 6, duplicate 1, rejected 2, pending 1\n"
        "rejected{reason=\"line_too_long\"} 2\n"
        "with something replaced by [REDACTED]: 3\n"
        "too late, given the oldest time that Loki takes: 1\n"
        "read back: 5 there, 1 were not there and were sent again, 1 do not show yet\n"
        "not read back, for lack of time, or since too many have one time or another than their record: "
        "2\n");
    std::ostringstream out;
    tools::print(out, true, "summary", tools::summary_json(o, tools::backend_failed), "");
    const auto line = boost::json::parse(out.str()).as_object();
    BOOST_TEST(line.begin()->key() == "event");
    BOOST_TEST(std::string(line.at("event").as_string()) == "summary");
    BOOST_TEST(line.at("exit_code").to_number<int>() == 4);
    BOOST_TEST(line.at("rejected_by_reason").at("line_too_long").to_number<int>() == 2);
    BOOST_TEST(line.at("redacted").to_number<int>() == 3);
    BOOST_TEST(std::string(line.at("errors").at("incomplete").as_string()) == "why");
}

BOOST_AUTO_TEST_SUITE_END()
