#include "ship/scratch.hpp"
#include "ship/world.hpp"

#include <lokiship/ship/checkpoint_file.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include <filesystem>
#include <random>

BOOST_AUTO_TEST_SUITE(checkpoint)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

using backfill = ship::basic_backfill<fake_transport, manual_clock>;

ship::checkpoint sample() {
    const timestamp t(std::chrono::seconds(1'700'000'000) + 123ns);
    ship::checkpoint out{"from here\nto there", t - 24h, std::nullopt};
    out.streams.push_back({{{"job", "aoss"}, {"server_tag", "bü\"ro\\"}},
                           {{7, ship::outcome::shipped()},
                            {2, ship::outcome::rejected(loki::reject_reason::other)},
                            {1, ship::outcome::duplicate()}},
                           {{4, 0xffff'ffff'ffff'fff0}, {10, 7}},
                           {1, 0xffff'ffff'ffff'ffff},
                           {0xffff'ffff'ffff'ffff},
                           false,
                           t + 1h,
                           ship::acknowledged_window{t - 1h, t, t - 30min, t + 5s},
                           {{std::nullopt, t}, {t + 1ns, std::nullopt}}});
    out.streams.push_back({{{"job", "b"}}});
    return out;
}

/// Writes it as backfill does.
result<void> write(const std::string& path, const ship::checkpoint& c) {
    std::vector<std::string> texts;
    for (const auto& s : c.streams)
        texts.push_back(ship::to_text(s));
    const std::vector<std::string_view> streams(texts.begin(), texts.end());
    return ship::write_checkpoint(path, c, streams);
}
result<std::optional<ship::checkpoint>> read(const std::string& path) {
    return ship::checkpoint_file().open(path, sample().job);
}
result<void> replace(const std::string& path, std::string_view text) {
    const std::string_view pieces[] = {text};
    return ship::detail::replace_file(path, pieces);
}

/// Several streams over five days, and what has to be refused for its age.
void fill(world& w, unsigned executions) {
    for (unsigned i = 0; i != executions; ++i)
        w.backend.add(w.make(i, 1 + i % 3, i * 35min));
}

ship::backfill_options options(const std::string& checkpoint) {
    ship::backfill_options o;
    o.checkpoint = checkpoint;
    o.job = "the job";
    o.spool.memory = 64 * 1024;
    o.delivery.batch.max_entries = 16;
    o.delivery.push_timeout = std::chrono::hours(1000);
    return o;
}

/// Runs a backfill that is killed at its `n`th push, with which `f` happens; false where it ended before.
bool run_until(world& w, std::size_t n, fault f, const ship::backfill_options& o) {
    std::size_t pushes = 0;
    w.loki_http.decide([&](const http::request& r) {
        if (!r.target.ends_with("/push"))
            return fault::none;
        ++pushes;
        return pushes < n ? fault::none : pushes == n ? f : fault::hang;
    });
    bool ended = false;
    {
        backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
        boost::asio::cancellation_signal kill;
        boost::asio::co_spawn(
            w.context, b.run(),
            boost::asio::bind_cancellation_slot(
                kill.slot(), [&](std::exception_ptr, ship::backfill_result) { ended = true; }));
        // So short that Loki flushes nothing.
        w.time.run_for(w.context, 1s);
        if (!ended) {
            kill.emit(boost::asio::cancellation_type::terminal);
            w.time.run_for(w.context, 1s);
            BOOST_TEST_REQUIRE(ended);
            ended = false;
        }
    }
    w.loki_http.decide(nullptr);
    return !ended;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
    const scratch s;
    const auto c = sample();
    BOOST_TEST(write(s.file("c"), c).has_value());
    const auto parsed = ship::parse_checkpoint(content(s.file("c")));
    BOOST_TEST_REQUIRE(parsed.has_value());
    BOOST_TEST((*parsed == c));
    BOOST_TEST(c.streams[0].settled() == 10u);
    BOOST_TEST(c.find({{"job", "b"}}) == &c.streams[1]);
    BOOST_TEST(!c.find({{"job", "a"}}));
    BOOST_TEST(!c.find({{"job", "c"}}));
    const ship::checkpoint empty{c.job};
    BOOST_TEST(write(s.file("c"), empty).has_value());
    BOOST_TEST((**read(s.file("c")) == empty));
}

BOOST_AUTO_TEST_CASE(any_damage_is_noticed) {
    const scratch s;
    BOOST_TEST(write(s.file("c"), sample()).has_value());
    const std::string text = content(s.file("c"));
    for (std::size_t n = 0; n != text.size(); ++n)
        BOOST_TEST(ship::parse_checkpoint(text.substr(0, n)).has_error(), n);
    BOOST_TEST(ship::parse_checkpoint(text + ' ').has_error());
    for (std::size_t i = 0; i != text.size(); ++i)
        for (const int flip : {1, 32, 128}) {
            auto damaged = text;
            damaged[i] = static_cast<char>(damaged[i] ^ flip);
            const auto r = ship::parse_checkpoint(damaged);
            BOOST_TEST_REQUIRE(r.has_error(), i);
            BOOST_TEST_REQUIRE((r.error().code == errc::unusable_checkpoint));
        }
    BOOST_TEST(ship::parse_checkpoint("lokiship-checkpoint-2 0 0\n").error().message ==
               "it is of another version of lokiship");
    BOOST_TEST(ship::parse_checkpoint("#!/bin/sh\n").error().message == "it is no checkpoint");
    // A checksum can be right and the content wrong.
    const std::string_view body[] = {R"({"job":1})"};
    const auto r = ship::parse_checkpoint(ship::detail::seal(ship::detail::checkpoint_kind, body) +
                                          std::string(body[0]));
    BOOST_TEST(r.error().message.find("its content is not as it should be") == 0u);
    auto torn = sample();
    torn.streams[0].prefixes.back().entries = 9;
    BOOST_TEST(write(s.file("c"), torn).has_value());
    BOOST_TEST(ship::parse_checkpoint(content(s.file("c"))).error().message ==
               "its outcomes and its digests are not of the same entries");
}

BOOST_AUTO_TEST_CASE(numbers_that_no_backfill_writes_are_refused) {
    const struct {
        std::string_view outcomes, prefixes, message;
    } table[] = {
        {"[[18446744073709551615,0],[2,1]]", "[[1,0]]", "it counts more entries than there can be"},
        {"[[9223372036854775808,0]]", "[[9223372036854775808,0]]",
         "it counts more entries than there can be"},
        {"[[1,0]]", "[[0,0],[1,0]]", "its digests do not ascend"},
        {"[[1,0]]", "[[5,0],[1,0]]", "its digests do not ascend"},
    };
    for (const auto& t : table) {
        const std::string body =
            R"({"job":"","since":null,"until":null,"streams":[{"labels":{"a":"b"},"outcomes":)" +
            std::string(t.outcomes) + R"(,"prefixes":)" + std::string(t.prefixes) +
            R"(,"open":[],"open_is_whole":true,"taken_until":null,"ranges":[]}]})";
        const std::string_view content[] = {body};
        const auto r =
            ship::parse_checkpoint(ship::detail::seal(ship::detail::checkpoint_kind, content) + body);
        BOOST_TEST_REQUIRE(r.has_error());
        BOOST_TEST(r.error().message == t.message);
    }
}

BOOST_AUTO_TEST_CASE(a_file_is_replaced_as_a_whole_and_errors_name_it) {
    const scratch s;
    const auto path = s.file("c");
    BOOST_TEST(!read(path)->has_value());
    BOOST_TEST(write(path, sample()).has_value());
    BOOST_TEST((**read(path) == sample()));
    BOOST_TEST(replace(path, "x").has_value());
    BOOST_TEST(content(path) == "x");
    BOOST_TEST(!std::filesystem::exists(path + ".new"));
    BOOST_TEST(read(path).error().message == "'" + path + "' cannot be used: it is no checkpoint");
    const auto r = replace("/nowhere/c", "x");
    BOOST_TEST_REQUIRE(r.has_error());
    BOOST_TEST(r.error().message == "'/nowhere/c' cannot be written: No such file or directory");
    BOOST_TEST(read(s.folder).error().message == "'" + s.folder + "' cannot be read: it is no regular file");
    const auto full = replace("/dev/full/x", "x");
    BOOST_TEST(full.has_error());
    // A link stays one.
    std::filesystem::create_symlink(path, s.file("link"));
    BOOST_TEST(replace(s.file("link"), "y").has_value());
    BOOST_TEST(std::filesystem::is_symlink(s.file("link")));
    BOOST_TEST(content(path) == "y");
    const auto folder = replace(s.folder, "x");
    BOOST_TEST_REQUIRE(folder.has_error());
    BOOST_TEST(folder.error().message == "'" + s.folder + "' cannot be replaced: Is a directory");
    BOOST_TEST(!std::filesystem::exists(s.folder + ".new"));
}

BOOST_AUTO_TEST_CASE(two_backfills_do_not_share_one) {
    const scratch s;
    world w;
    fill(w, 20);
    const auto o = options(s.file("c"));
    backfill one(w.backend_http, w.loki_http, w.time, w.watched(o));
    const auto step = [](boost::asio::awaitable<void> part) -> boost::asio::awaitable<int> {
        co_await std::move(part);
        co_return 0;
    };
    w.complete(step(one.read()));
    {
        backfill other(w.backend_http, w.loki_http, w.time, w.watched(o));
        const auto r = w.complete(other.run());
        BOOST_TEST_REQUIRE(r.checkpoint_failure.has_value());
        BOOST_TEST(r.checkpoint_failure->message == "'" + o.checkpoint + "' is in use by another process");
        BOOST_TEST(w.loki.pushes() == 0u);
    }
    w.complete(step(one.look()));
    w.complete(step(one.ship()));
    BOOST_TEST(!one.result().failed());
    BOOST_TEST(w.loki.size() == one.count().shipped);
}

BOOST_AUTO_TEST_CASE(killed_at_any_push_and_resumed_it_ends_as_if_undisturbed) {
    constexpr unsigned executions = 310; // beyond seven days
    std::set<fake_loki::line> expected;
    std::uint64_t shipped = 0, rejected = 0;
    {
        world w;
        fill(w, executions);
        backfill b(w.backend_http, w.loki_http, w.time, w.watched(options("")));
        w.complete(b.run());
        expected = w.loki.lines();
        shipped = b.count().shipped;
        rejected = b.count().rejected;
        BOOST_TEST(rejected != 0u);
    }
    for (const fault f : {fault::hang, fault::stall}) {
        std::size_t n = f == fault::hang ? 1 : 2;
        for (bool killed = true; killed; n += 5)
            BOOST_TEST_CONTEXT("push " << n << (f == fault::hang ? ", not stored" : ", stored")) {
                const scratch s;
                world w;
                fill(w, executions);
                const auto o = options(s.file("c"));
                killed = run_until(w, n, f, o);
                // What Loki said of a stream is not forgotten while the stream waits.
                const auto saved = ship::parse_checkpoint(content(o.checkpoint));
                BOOST_TEST_REQUIRE(saved.has_value());
                for (const auto& stream : saved->streams)
                    BOOST_TEST((stream.acknowledged || stream.outcomes.empty() ||
                                (stream.outcomes.size() == 1 && stream.outcomes[0].what.reason())));
                backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
                const auto r = w.complete(b.run());
                BOOST_TEST(!r.failed());
                BOOST_TEST((w.loki.lines() == expected));
                BOOST_TEST(b.count().pending == 0u);
                BOOST_TEST(b.count().shipped == shipped);
                BOOST_TEST(b.count().rejected == rejected);
                BOOST_TEST(b.count().duplicate == 0u);
            }
        BOOST_TEST(n > 40u);
    }
}

BOOST_AUTO_TEST_CASE(killed_again_and_again) {
    for (unsigned seed = 1; seed != 9; ++seed)
        BOOST_TEST_CONTEXT("seed " << seed) {
            const scratch s;
            world w;
            fill(w, 250);
            std::mt19937 random(seed);
            const auto o = options(s.file("c"));
            unsigned kills = 0;
            while (run_until(w, 1 + random() % 9, random() % 2 == 0 ? fault::hang : fault::stall, o))
                ++kills;
            BOOST_TEST(kills > 2u);
            backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
            const auto r = w.complete(b.run());
            BOOST_TEST(!r.failed());
            BOOST_TEST(b.count().shipped == w.loki.size());
            BOOST_TEST(b.count().shipped == b.count().fetched);
            BOOST_TEST(b.plan().resumed == b.count().fetched);
        }
}

BOOST_AUTO_TEST_CASE(resumed_with_other_sizes) {
    for (std::size_t n = 4; n < 30; n += 10)
        for (const std::size_t size : {1u, 5u, 100u})
            BOOST_TEST_CONTEXT("push " << n << ", then " << size) {
                const scratch s;
                world w;
                fill(w, 150);
                auto o = options(s.file("c"));
                BOOST_TEST(run_until(w, n, fault::stall, o));
                o.delivery.batch.max_entries = size;
                o.delivery.concurrency = 1;
                backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
                BOOST_TEST(!w.complete(b.run()).failed());
                BOOST_TEST(b.count().shipped == w.loki.size());
                BOOST_TEST(b.count().rejected == 0u);
                BOOST_TEST(b.count().shipped == b.count().fetched);
            }
}

BOOST_AUTO_TEST_CASE(what_was_away_for_a_run_is_not_taken_for_stored) {
    for (std::size_t n = 2; n != 8; ++n)
        BOOST_TEST_CONTEXT("the second run is killed at push " << n) {
            const scratch s;
            world w;
            for (unsigned i = 0; i != 60; ++i)
                w.backend.add(w.make(3 * i, 1, i * 10min)); // one stream, 59 the oldest
            auto o = options(s.file("c"));
            o.delivery.batch.max_entries = 6;
            // The push in flight does not arrive; Loki would have taken it.
            BOOST_TEST(run_until(w, 4, fault::hang, o));
            const auto saved = ship::parse_checkpoint(content(o.checkpoint));
            BOOST_TEST_REQUIRE(saved.has_value());
            BOOST_TEST_REQUIRE(saved->streams.size() == 1u);
            BOOST_TEST_REQUIRE(saved->streams[0].proven.size() >= 3u);
            const auto settled = static_cast<unsigned>(saved->streams[0].settled());
            // It is not in the history for a while, nor is something before it.
            std::vector<execution> away;
            for (const unsigned i : {settled + 2, settled + 1, settled, settled - 2}) {
                away.push_back(*w.backend.find(uuid(3 * (59 - i))));
                w.backend.erase(away.back().id);
            }
            run_until(w, n, fault::hang, o);
            for (auto& e : away)
                w.backend.add(std::move(e));
            std::set<std::string> told;
            o.delivery.on_rejected = [&](const ship::rejection& r) { told.insert(r.entry.line); };
            backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
            BOOST_TEST(!w.complete(b.run()).failed());
            for (const auto& [labels, time, line] : w.loki.lines())
                told.insert(line);
            BOOST_TEST(told.size() == 60u);
        }
}

BOOST_AUTO_TEST_CASE(a_history_that_changes_in_flight_claims_nothing) {
    std::size_t seen = 0;
    for (std::size_t k = 4; k < 40; ++k)
        BOOST_TEST_CONTEXT("push " << k / 2 << (k % 2 == 0 ? "" : ", then answers are lost")) {
            const std::size_t n = k / 2;
            const scratch s;
            world w;
            for (unsigned i = 0; i != 60; ++i)
                w.backend.add(w.make(3 * i, 1, i * 35min)); // one stream
            auto o = options(s.file("c"));
            o.delivery.batch.max_entries = 6;
            if (!run_until(w, n, fault::stall, o))
                break;
            // Of the push in flight one goes, and another comes in its place.
            const auto saved = ship::parse_checkpoint(content(o.checkpoint));
            BOOST_TEST_REQUIRE(saved.has_value());
            BOOST_TEST_REQUIRE(saved->streams.size() == 1u);
            const auto settled = static_cast<unsigned>(saved->streams[0].settled());
            if (saved->streams[0].open.size() < 4)
                continue;
            const unsigned gone = 59 - (settled + 1);
            w.backend.erase(uuid(3 * gone));
            w.backend.add(w.make(3 * (1000 + gone), 1, gone * 35min + 7min));
            if (k % 2 != 0)
                w.loki_http.decide([lost = false](const http::request&) mutable {
                    return (lost = !lost) ? fault::reset_after : fault::none;
                });
            backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
            BOOST_TEST(!w.complete(b.run()).failed());
            std::size_t there = 0;
            for (unsigned i = 0; i != 2000; ++i)
                if (w.backend.find(uuid(3 * i)))
                    for (const auto& [labels, time, line] : w.loki.lines())
                        there += line.find("COMMAND: echo " + std::to_string(3 * i) + " |") != line.npos;
            BOOST_TEST(b.count().shipped + b.count().duplicate <= there);
            ++seen;
        }
    BOOST_TEST(seen > 6u);
}

BOOST_AUTO_TEST_CASE(beside_a_live_shipper_a_late_resumption_goes_on_elsewhere) {
    for (const auto pause : {0h, 1h, 5h})
        BOOST_TEST_CONTEXT(pause.count() << " hours") {
            const scratch s;
            world w;
            const auto live = [&] {
                fake_backend other;
                other.add(w.make(3'000'000 + static_cast<unsigned>(other.size()), 1));
                fake_transport http(std::ref(other), w.time, "http://other");
                backfill b(http, w.loki_http, w.time, {});
                w.complete(b.run());
            };
            for (unsigned i = 0; i != 40; ++i)
                w.backend.add(w.make(3 * i, 1, i * 7min)); // one stream
            live();
            auto o = options(s.file("c"));
            o.labels = {{"backfill", "2023-11"}};
            o.delivery.ingester.known = true;
            o.delivery.batch.max_entries = 3;
            BOOST_TEST(run_until(w, 1, fault::hang, o));
            for (auto left = pause; left.count() != 0; left -= 1h) {
                w.time.advance(1h);
                live();
            }
            backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
            BOOST_TEST(!w.complete(b.run()).failed());
            // Three were on their way to the live stream, which takes them no more. They must not go
            // elsewhere, since they may be there.
            const std::size_t lost = pause == 0h ? 0 : 3;
            BOOST_TEST(b.count().rejected == lost);
            BOOST_TEST(b.count().shipped == 40u - lost);
            std::size_t mine = 0;
            std::set<std::string> lines;
            for (const auto& [labels, time, line] : w.loki.lines())
                if (line.find("echo 3000000") == line.npos) {
                    ++mine;
                    lines.insert(line);
                }
            BOOST_TEST(mine == 40u - lost);
            BOOST_TEST(lines.size() == mine);
        }
}

BOOST_AUTO_TEST_CASE(digests_lie_the_closer_the_nearer_the_end) {
    ship::stream_progress p;
    std::uint64_t sum = 0;
    for (std::uint64_t n = 0; n != 5000; ++n) {
        p.take(n * n, {}, false);
        p.settle(n, ship::outcome::shipped());
        sum += n * n;
        const auto& all = p.prefixes();
        BOOST_TEST_REQUIRE((all.back() == ship::prefix_digest{n + 1, sum}));
        BOOST_TEST_REQUIRE(all.size() <= 30u);
        for (std::size_t i = 0; i != all.size(); ++i) {
            const std::uint64_t before = i == 0 ? 0 : all[i - 1].entries, at = all[i].entries;
            BOOST_TEST_REQUIRE(before < at);
            // What changes just behind `before` costs no more than this.
            BOOST_TEST_REQUIRE(n + 1 - before <= 3 * (n + 1 - at) + 2);
            BOOST_TEST_REQUIRE(all[i].sum == (at - 1) * at * (2 * at - 1) / 6);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_late_result_among_what_is_settled_costs_little) {
    for (const unsigned back : {1u, 5u, 20u, 60u})
        BOOST_TEST_CONTEXT("late by " << back) {
            const scratch s;
            world w;
            constexpr unsigned all = 300;
            for (unsigned i = 0; i != all; ++i)
                w.backend.add(w.make(3 * i, 1, i * 10min)); // one stream
            auto o = options(s.file("c"));
            BOOST_TEST(run_until(w, 20, fault::stall, o));
            const auto saved = ship::parse_checkpoint(content(o.checkpoint));
            BOOST_TEST_REQUIRE(saved.has_value());
            const auto settled = static_cast<unsigned>(saved->streams.at(0).settled());
            BOOST_TEST_REQUIRE(settled > 3 * back);
            w.backend.add(w.make(3'000'000, 1, (all - settled + back) * 10min - 3min));
            backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
            BOOST_TEST(!w.complete(b.run()).failed());
            BOOST_TEST(b.plan().resumed + 3 * back + 4 >= settled);
            BOOST_TEST(b.count().pending == 0u);
            // It comes too late for the stream by itself; and of those behind it some may be refused that are
            // there.
            BOOST_TEST(b.count().shipped + b.count().duplicate <= w.loki.size());
            BOOST_TEST(b.count().shipped + b.count().duplicate + 3 * back + 4 >= w.loki.size());
            BOOST_TEST(b.count().fetched == b.count().shipped + b.count().duplicate + b.count().rejected);
            BOOST_TEST(w.loki.size() >= b.count().fetched - 2);
        }
}

BOOST_AUTO_TEST_CASE(a_history_that_changed_does_not_fill_the_memory_after_the_next_kill) {
    const scratch s;
    world w;
    for (unsigned i = 0; i != 2000; ++i)
        w.backend.add(w.make(3 * i, 1, 20h + i * 1min)); // one stream
    auto o = options(s.file("c"));
    o.delivery.batch.max_entries = 6;
    o.delivery.concurrency = 1;
    const auto saved = [&] { return ship::parse_checkpoint(content(o.checkpoint))->streams.at(0); };
    BOOST_TEST(run_until(w, 200, fault::stall, o));
    BOOST_TEST(saved().settled() > 1000u);
    w.backend.add(w.make(3'000'000, 1, 20h + 2100min));
    BOOST_TEST(run_until(w, 3, fault::stall, o));
    for (int again = 0; again != 3; ++again) {
        BOOST_TEST(run_until(w, 1, fault::stall, o));
        BOOST_TEST(saved().open.size() < 50u);
    }
}

BOOST_AUTO_TEST_CASE(where_the_checkpoint_cannot_be_written_nothing_more_is_sent) {
    for (std::size_t n = 2; n < 70; n += 8)
        BOOST_TEST_CONTEXT("push " << n) {
            const scratch s;
            world w;
            for (unsigned k = 0; k != 12; ++k)
                for (unsigned i = 0; i != 40; ++i) {
                    auto e = w.make(k * 1000 + i, 1, i * 35min + k * 1min);
                    e.server_id = uuid(100'000 + k);
                    w.backend.add(e);
                }
            w.loki_http.latency(1ms);
            const auto there = s.file("there"), away = s.file("away");
            std::filesystem::create_directory(there);
            auto o = options(there + "/c");
            o.delivery.batch.max_entries = 8;
            std::size_t pushes = 0;
            w.loki_http.decide([&](const http::request& r) {
                if (r.target.ends_with("/push") && ++pushes == n)
                    std::filesystem::rename(there, away);
                return fault::none;
            });
            {
                backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
                BOOST_TEST(w.complete(b.run()).disk_failure.has_value());
            }
            w.loki_http.decide(nullptr);
            std::filesystem::rename(away, there);
            backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
            BOOST_TEST(!w.complete(b.run()).failed());
            BOOST_TEST(b.count().shipped == 480u);
            BOOST_TEST(w.loki.size() == 480u);
        }
}

BOOST_AUTO_TEST_CASE(what_has_come_meanwhile_is_shipped_too) {
    const scratch s;
    world w;
    fill(w, 100);
    const auto o = options(s.file("c"));
    BOOST_TEST(run_until(w, 8, fault::stall, o));
    for (unsigned i = 1000; i != 1010; ++i)
        w.backend.add(w.make(i, 2, (i - 1000) * 3h));
    w.backend.erase(uuid(50));
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
    const auto r = w.complete(b.run());
    BOOST_TEST(!r.failed());
    BOOST_TEST(b.count().pending == 0u);
    BOOST_TEST(b.count().shipped + b.count().duplicate + b.count().rejected == b.count().fetched);
    // Whatever is said to be there is there, and of the ten that are new, what is not is said to be rejected.
    std::set<std::string> lines;
    for (const auto& [labels, time, line] : w.loki.lines())
        lines.insert(line);
    BOOST_TEST(b.count().shipped + b.count().duplicate <= lines.size());
    std::size_t there = 0;
    for (unsigned i = 1000; i != 1010; ++i)
        there += lines.count("STEP: 1 | COMMAND: echo " + std::to_string(i) +
                             " | EXIT_CODE: 0 | STDOUT: out " + std::to_string(i) + ".1 | STDERR: ");
    BOOST_TEST(there != 0u);
    BOOST_TEST(there * 2 + b.count().rejected >= 20u);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_of_something_else_is_refused_and_stays) {
    const scratch s;
    world w;
    fill(w, 20);
    auto o = options(s.file("c"));
    BOOST_TEST(run_until(w, 2, fault::hang, o));
    const auto before = content(o.checkpoint);
    o.job = "another job";
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(o));
    const auto requests = w.backend_http.requests().size();
    const auto r = w.complete(b.run());
    BOOST_TEST_REQUIRE(r.checkpoint_failure.has_value());
    BOOST_TEST(r.checkpoint_failure->message ==
               "'" + o.checkpoint +
                   "' is the checkpoint of another backfill: of the job, and this one is another job");
    BOOST_TEST(w.backend_http.requests().size() == requests);
    BOOST_TEST(content(o.checkpoint) == before);
}

BOOST_AUTO_TEST_CASE(a_checkpoint_that_cannot_be_written_stops_before_the_first_push) {
    world w;
    fill(w, 20);
    backfill b(w.backend_http, w.loki_http, w.time, w.watched(options("/nowhere/c")));
    const auto r = w.complete(b.run());
    BOOST_TEST_REQUIRE(r.disk_failure.has_value());
    BOOST_TEST(r.disk_failure->message.find(
                   "the checkpoint '/nowhere/c' cannot be written: No such file or directory") == 0u,
               r.disk_failure->message);
    BOOST_TEST(w.loki.pushes() == 0u);
    BOOST_TEST(b.count().pending == b.count().fetched);
}

BOOST_AUTO_TEST_SUITE_END()
