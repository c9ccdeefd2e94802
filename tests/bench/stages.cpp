// What each stage between the answer's bytes and the push's bytes costs, by itself: Google Benchmark, whose
// options it takes. bytes/s are of the page's JSON, or else of lines.
#include <lokiship/aoss/page_reader.hpp>
#include <lokiship/aoss/simdjson_scanner.hpp>
#include <lokiship/aoss/to_entry.hpp>
#include <lokiship/loki/gzip_encoder.hpp>
#include <lokiship/loki/json_encoder.hpp>
#include <lokiship/loki/protobuf_encoder.hpp>
#include <lokiship/loki/push_reply.hpp>
#include <lokiship/ship/outbox.hpp>
#include <lokiship/ship/recent_keys.hpp>
#include <lokiship/ship/spool.hpp>
#include <lokiship/text/redactor.hpp>
#include <lokiship/text/timestamp.hpp>
#include <lokiship/text/utf8.hpp>

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

using namespace lokiship;

namespace {

/// A step with so many bytes of output, of another execution and, one in ten, on another server for each number.
aoss::execution_record record(unsigned n, std::size_t output) {
    char id[40];
    std::snprintf(id, sizeof id, "%08x-e000-4000-8000-%012x", n * 2'654'435'769u, n);
    aoss::execution_record out;
    out.timestamp = "2026-11-28T20:45:43." + std::to_string(100'000 + n % 900'000) + "+00:00";
    out.execution_id = id;
    out.server_id = "795b929e-9a9a-40fd-aa7b-0000000000" + std::to_string(10 + n % 10);
    out.server_tag = "prod-web-" + std::to_string(n % 10);
    out.agent_type = "network";
    out.step = 1 + n % 3;
    out.command = "find /usr/bin -perm -4001 -ls";
    out.status = "Success";
    out.exit_code = 0;
    while (out.standard_output.size() < output)
        out.standard_output +=
            "   123406      3 -rwsr-xr-x   1 root     root         3335 Apr  7  2025 /usr/bin/mount\n";
    out.standard_output.resize(output);
    out.execution_status = "Success";
    return out;
}
std::vector<aoss::execution_record> records(std::size_t output) {
    std::vector<aoss::execution_record> out;
    for (unsigned n = 0; n != 1000; ++n)
        out.push_back(record(n, output));
    return out;
}
/// The page that they make.
std::string page(std::size_t output) {
    std::string out = R"({"total_executions":1000,"total_log_entries":1000,"logs":[)";
    for (const auto& r : records(output)) {
        const auto field = [&](std::string_view name, std::string_view value) {
            loki::append_json_string(out, name);
            out += ':';
            loki::append_json_string(out, value);
            out += ',';
        };
        out += out.back() == '}' ? ",{" : "{";
        field("timestamp", r.timestamp);
        field("execution_id", r.execution_id);
        field("user_id", "user_1");
        field("server_id", r.server_id);
        field("server_tag", r.server_tag);
        field("agent_type", r.agent_type);
        field("query", "look after the server");
        out += "\"step\":" + std::to_string(*r.step) + ",\"exit_code\":0,";
        field("command", r.command);
        field("status", r.status);
        field("stdout", r.standard_output);
        field("stderr", "");
        field("execution_status", r.execution_status);
        out.back() = '}';
    }
    return out + "]}";
}
std::vector<aoss::mapped_step> steps(std::size_t output) {
    std::vector<aoss::mapped_step> out;
    for (const auto& r : records(output))
        out.push_back(aoss::to_entry(r, {}));
    return out;
}
/// `entries` and `bytes` in each iteration.
void rates(benchmark::State& state, std::size_t entries, std::size_t bytes) {
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(entries));
}
std::size_t bytes_of(const std::vector<aoss::mapped_step>& steps) {
    std::size_t out = 0;
    for (const auto& s : steps)
        out += s.entry.line.size();
    return out;
}

void read_page(benchmark::State& state, aoss::record_scanner* scanner) {
    const std::string text = page(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        aoss::page_reader reader([](const aoss::execution_record& r) { benchmark::DoNotOptimize(&r); }, {},
                                 scanner);
        for (std::size_t at = 0; at < text.size(); at += 256 * 1024)
            if (!reader.write(std::string_view(text).substr(at, 256 * 1024)))
                state.SkipWithError("the page is not read");
    }
    rates(state, 1000, text.size());
}
void page_reader(benchmark::State& state) {
    read_page(state, nullptr);
}
void simdjson_scanner(benchmark::State& state) {
    aoss::simdjson_scanner scanner;
    read_page(state, &scanner);
}
void timestamps(benchmark::State& state) {
    const std::string text = record(1, 0).timestamp;
    for (auto _ : state)
        benchmark::DoNotOptimize(text::parse_timestamp(text));
    rates(state, 1, text.size());
}
void truncation(benchmark::State& state) {
    std::string text, out;
    while (text.size() < 1000)
        text += state.range(0) ? "grüße 文書 " : "greetings ";
    for (auto _ : state) {
        out.clear();
        benchmark::DoNotOptimize(text::append_truncated(out, text, aoss::max_output_code_points));
    }
    rates(state, 1, out.size());
}
void redaction(benchmark::State& state) {
    const text::redactor redact;
    std::string text = record(1, static_cast<std::size_t>(state.range(0))).standard_output;
    for (auto _ : state)
        benchmark::DoNotOptimize(redact(text));
    rates(state, 1, text.size());
}
void mapping(benchmark::State& state) {
    auto all = records(static_cast<std::size_t>(state.range(0)));
    aoss::step_mapper map;
    std::size_t bytes = 0;
    for (auto _ : state) {
        bytes = 0;
        for (auto& r : all)
            bytes += map(r, [] { return timestamp(); }).entry.line.size();
    }
    rates(state, all.size(), bytes);
}
void dedup(benchmark::State& state) {
    const auto all = steps(0);
    ship::recent_keys<aoss::step_key> keys(static_cast<std::size_t>(state.range(0)));
    std::uint64_t round = 0;
    for (auto _ : state) {
        ++round;
        for (auto s : all) {
            s.key.content += round;
            benchmark::DoNotOptimize(keys.insert(s.key));
        }
    }
    rates(state, all.size(), 0);
}
void batch(benchmark::State& state) {
    const auto all = steps(300);
    for (auto _ : state) {
        ship::outbox box;
        for (const auto& s : all)
            box.add(s.labels, s.entry, s.key);
        benchmark::DoNotOptimize(box.next());
    }
    rates(state, all.size(), bytes_of(all));
}
void spool(benchmark::State& state) {
    const auto all = steps(300);
    for (auto _ : state) {
        ship::spool spool;
        for (const auto& s : all)
            spool.add(s.labels, s.entry.time, s.entry.line, s.key);
        spool.finish();
        ship::spooled_entry e;
        for (std::uint32_t n = 0; n != spool.streams().size(); ++n)
            for (auto cursor = spool.read(n); cursor.next(e);)
                benchmark::DoNotOptimize(e.line.read().data());
    }
    rates(state, all.size(), bytes_of(all));
}
void encode(benchmark::State& state, loki::push_encoder& encoder) {
    const auto all = steps(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        encoder.begin_stream(all.front().labels);
        for (const auto& s : all)
            encoder.add(s.entry.time, s.entry.line);
        benchmark::DoNotOptimize(encoder.finish());
    }
    rates(state, all.size(), bytes_of(all));
}
void json(benchmark::State& state) {
    loki::json_encoder e;
    encode(state, e);
}
void protobuf(benchmark::State& state) {
    loki::protobuf_encoder e;
    encode(state, e);
}
void gzip(benchmark::State& state) {
    loki::gzip_encoder e(std::make_unique<loki::json_encoder>());
    encode(state, e);
}
void reply(benchmark::State& state) {
    const std::string text = "entry with timestamp 2026-11-23 08:44:51.870867217 +0000 UTC ignored, reason: "
                             "'entry too far behind, oldest "
                             "acceptable timestamp is: 2026-11-23T13:00:00Z',\nuser 'fake', total ignored: 1 "
                             "out of 1000 for stream: {a=\"b\"}";
    http::response_head head;
    head.status = 400;
    for (auto _ : state)
        benchmark::DoNotOptimize(loki::read_push_reply(head, text, true));
    rates(state, 1, text.size());
}

BENCHMARK(page_reader)->Arg(0)->Arg(300)->Arg(3000);
BENCHMARK(simdjson_scanner)->Arg(0)->Arg(300)->Arg(3000);
BENCHMARK(timestamps);
BENCHMARK(truncation)->Arg(0)->Arg(1);
BENCHMARK(redaction)->Arg(300)->Arg(3000);
BENCHMARK(mapping)->Arg(0)->Arg(300)->Arg(3000);
BENCHMARK(dedup)->Arg(10'000)->Arg(1'000'000);
BENCHMARK(batch);
BENCHMARK(spool);
BENCHMARK(json)->Arg(0)->Arg(300);
BENCHMARK(protobuf)->Arg(0)->Arg(300);
BENCHMARK(gzip)->Arg(300);
BENCHMARK(reply);

} // namespace

BENCHMARK_MAIN();
