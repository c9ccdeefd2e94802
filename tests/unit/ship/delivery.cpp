// What becomes of entries that Loki refuses, in part, wrongly, or without saying so.
#include "ship/world.hpp"

#include <set>

BOOST_AUTO_TEST_SUITE(delivery_)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;
using loki::reject_reason;

namespace {

const loki::labels stream{{"job", "aoss"}, {"server_tag", "web"}};

/// An outbox that is emptied into the world's Loki; all that happens to an entry is recorded.
struct channel : world {
    explicit channel(const loki_limits& limits = {})
        : world(limits) {}

    ship::outbox box;
    ship::counters count;
    ship::delivery_options options;
    std::vector<std::pair<reject_reason, std::string>> rejections;
    std::vector<std::string> settled;
    std::unique_ptr<ship::delivery<fake_transport, manual_clock>> delivery;
    std::int64_t added = 0;
    std::string throws_when_settled = "none";

    void add(std::chrono::nanoseconds age, std::string line, const loki::labels& labels = stream) {
        aoss::step_key key;
        key.execution_low = static_cast<std::uint64_t>(++added);
        BOOST_TEST_REQUIRE(box.add(labels, {time.wall_now() - age, std::move(line)}, key));
        ++count.fetched;
        ++count.pending;
    }
    /// As another writer does; true where Loki took it.
    bool foreign(std::chrono::nanoseconds age, std::string line, const loki::labels& labels = stream) {
        loki::json_encoder e;
        e.begin_stream(labels);
        e.add(time.wall_now() - age, line);
        http::request r;
        r.verb = http::method::post;
        r.target = "/loki/api/v1/push";
        r.fields.add("Content-Type", "application/json");
        r.body = e.finish();
        return loki(r).status == 204;
    }
    ship::round_result round() {
        if (!delivery) {
            options.on_rejected = [this](const ship::rejection& r) {
                rejections.emplace_back(r.reason, r.entry.line);
            };
            delivery = std::make_unique<ship::delivery<fake_transport, manual_clock>>(
                loki_http, time, box, count, options,
                [this](const ship::outbox::lane&, const ship::pending_entry& p,
                       std::optional<reject_reason> refused) {
                    settled.push_back((refused ? "-" : "+") + p.entry.line);
                    if (p.entry.line == throws_when_settled)
                        throw std::runtime_error(p.entry.line);
                },
                [this] { unbalanced += !count.balanced(); },
                [this](ship::severity, std::string_view text) { log.emplace_back(text); });
        }
        return complete(delivery->round());
    }
    /// Rounds until nothing is pending.
    void drain() {
        for (int i = 0; i != 100 && !box.empty(); ++i)
            round();
        BOOST_TEST(box.empty());
        BOOST_TEST(count.pending == 0u);
    }
    /// So many lines of a kilobyte in so many streams, and rounds until Loki has all; after each a tenth of a second. How long it
    /// takes.
    std::chrono::nanoseconds drain_kilobytes(int n, int streams) {
        const auto begun = time.steady_now();
        for (int i = 0; i != n; ++i)
            add(1s * (n - i), std::string(1000, 'x') + std::to_string(i),
                {{"stream", std::to_string(i % streams)}});
        for (int i = 0; i != 2000 && !box.empty(); ++i) {
            round();
            if (!box.empty())
                time.advance(100ms);
        }
        BOOST_TEST(loki.size() == static_cast<std::size_t>(n));
        check_truth();
        return time.steady_now() - begun;
    }
    std::uint64_t rejected(reject_reason r) const {
        return count.rejected_by_reason[static_cast<std::size_t>(r)];
    }
    /// What was said of each entry is so.
    void check_truth() const {
        for (const auto& s : settled)
            BOOST_TEST(stored(s.substr(1)) == (s[0] == '+'), s);
    }
    bool stored(const std::string& line) const {
        for (const auto& [labels, entries] : loki.stored())
            for (const auto& e : entries)
                if (e.line == line)
                    return true;
        return false;
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(one_bad_entry_among_many_is_the_one_that_is_rejected) {
    channel p;
    p.add(24h * 8, "old");
    for (int i = 0; i != 50; ++i)
        p.add(1min * (50 - i), "good" + std::to_string(i));
    p.add(-11min, "future");
    p.drain();
    BOOST_TEST(p.count.shipped == 50u);
    BOOST_TEST(p.rejected(reject_reason::greater_than_max_sample_age) == 1u);
    BOOST_TEST(p.rejected(reject_reason::too_far_in_future) == 1u);
    BOOST_TEST_REQUIRE(p.rejections.size() == 2u);
    BOOST_TEST(p.rejections[0].second == "old");
    BOOST_TEST(p.rejections[1].second == "future");
    BOOST_TEST(p.loki.size() == 50u);
    BOOST_TEST(p.loki_http.requests().size() == 3u); // the oldest alone, until one is taken
}

BOOST_AUTO_TEST_CASE(what_another_writer_made_too_late_is_rejected_exactly) {
    channel p;
    BOOST_TEST(p.foreign(0s, "theirs"));
    for (int i = 0; i != 6; ++i)
        p.add(30min * (6 - i), "line" + std::to_string(i)); // 180 to 30 minutes old, the window is an hour
    p.drain();
    BOOST_TEST(p.rejected(reject_reason::too_far_behind) == 4u);
    BOOST_TEST(p.count.shipped == 2u);
    BOOST_TEST(!p.stored("line3"));
    BOOST_TEST(p.stored("line4"));
    BOOST_TEST(p.stored("line5"));
}

BOOST_AUTO_TEST_CASE(a_batch_that_was_stored_before_its_answer_was_lost_is_no_loss) {
    for (const fault lost : {fault::reset_after, fault::truncate, fault::stall}) {
        channel p;
        if (lost != fault::reset_after) // a 204 has no body to break
            p.loki_http.script({fault::reset_after});
        p.loki_http.script({lost});
        for (int i = 0; i != 10; ++i)
            p.add(1h * (10 - i), "line" + std::to_string(i)); // far more than the window
        p.drain();
        BOOST_TEST(p.count.shipped == 10u);
        BOOST_TEST(p.count.rejected == 0u);
        BOOST_TEST(p.loki.size() == 10u);
        // The oldest alone, and then the rest; what was lost once more, to the byte.
        const auto& requests = p.loki_http.requests();
        BOOST_TEST_REQUIRE(requests.size() >= 3u);
        BOOST_TEST(requests[0].body == requests[1].body);
        p.check_truth();
    }
}

BOOST_AUTO_TEST_CASE(what_an_earlier_run_may_have_sent_is_known_for_stored_once_it_is_sent_with_proof) {
    channel c;
    c.add(48h, "a");
    c.round();
    BOOST_TEST(c.count.shipped == 1u);
    c.add(47h, "b");
    c.add(0h, "c");
    c.box.visit_lanes([](ship::outbox::lane& l) {
        for (auto& p : l.queue)
            p.sent_before = true;
    });
    c.loki_http.script({fault::reset_after});
    c.drain();
    BOOST_TEST(c.count.shipped == 3u);
    BOOST_TEST(c.count.rejected == 0u);
    c.check_truth();
}

BOOST_AUTO_TEST_CASE(entries_that_come_meanwhile_do_not_change_what_is_sent_again) {
    channel p;
    p.loki_http.script({fault::none, fault::reset_after});
    p.add(3h, "a");
    p.add(1h, "c");
    p.round();
    p.add(2h, "b");
    p.drain();
    const auto& requests = p.loki_http.requests();
    BOOST_TEST_REQUIRE(requests.size() == 4u); // a, c, c again, b
    BOOST_TEST(requests[1].body == requests[2].body);
    BOOST_TEST(p.count.shipped == 3u);
    BOOST_TEST(p.loki.size() == 3u);
}

BOOST_AUTO_TEST_CASE(what_is_certain_to_be_refused_is_not_sent) {
    channel p;
    p.options.ingester.known = true;
    p.add(0s, "new");
    p.round();
    p.add(61min, "late");
    p.add(59min, "in time");
    p.drain();
    BOOST_TEST(p.rejected(reject_reason::too_far_behind) == 1u);
    BOOST_TEST(p.rejections.at(0).second == "late");
    BOOST_TEST(p.loki_http.requests().size() == 2u);
    for (const auto& r : p.loki_http.requests())
        BOOST_TEST(r.body.find("late") == r.body.npos);
    BOOST_TEST(p.stored("in time"));
}

BOOST_AUTO_TEST_CASE(what_loki_said_is_too_old_is_not_sent) {
    channel p;
    for (int i = 0; i != 3000; ++i)
        p.add(24h * 30 - 10min * i, "old" + std::to_string(i)); // three weeks of them
    p.add(1h, "good");
    p.drain();
    BOOST_TEST(p.count.shipped == p.loki.size());
    BOOST_TEST(p.rejected(reject_reason::greater_than_max_sample_age) == 3001u - p.loki.size());
    BOOST_TEST(p.loki_http.requests().size() < 6u);
    p.check_truth();
    // Not for ever: an operator may have raised the limit.
    p.loki.limits().reject_old_samples = false;
    p.time.advance(6min);
    p.add(24h * 20, "older", {{"another", "stream"}});
    p.drain();
    BOOST_TEST(p.stored("older"));
}

BOOST_AUTO_TEST_CASE(a_guess_of_lokis_settings_refuses_nothing) {
    channel p(loki_limits{.max_chunk_age = 24h * 60});
    p.add(0s, "new");
    p.round();
    p.add(24h, "late");
    p.drain();
    BOOST_TEST(p.count.shipped == 2u);
}

BOOST_AUTO_TEST_CASE(a_late_entry_whose_first_push_reached_nobody_is_refused) {
    for (const fault f : {fault::refuse, fault::reset_before, fault::hang}) {
        channel p;
        p.add(3h, "first");
        p.drain();
        p.add(0s, "newest"); // the stream spans more than its window
        p.drain();
        p.loki_http.script({f});
        p.add(90min, "late");
        p.drain();
        BOOST_TEST(p.rejected(reject_reason::too_far_behind) == 1u);
        p.check_truth();
    }
}

BOOST_AUTO_TEST_CASE(what_another_shipper_has_shipped_already_proves_nothing) {
    for (const fault f : {fault::none, fault::refuse, fault::reset_before, fault::reset_after}) {
        for (int theirs = 0; theirs != 10; ++theirs) {
            channel p;
            for (int i = 0; i != 10; ++i)
                p.add(1h * (10 - i), "line" + std::to_string(i));
            BOOST_TEST(p.foreign(1h * (10 - theirs), "line" + std::to_string(theirs)));
            p.loki_http.script({f, fault::none, f, f});
            p.drain();
            BOOST_TEST(p.count.shipped + p.count.rejected == 10u);
            p.check_truth();
        }
    }
}

BOOST_AUTO_TEST_CASE(refusals_by_distributor_and_ingester_at_once_are_told_apart) {
    channel p(loki_limits{.max_line_size = 100});
    BOOST_TEST(p.foreign(30min, "theirs"));
    p.add(3h, std::string(200, 'x'));
    p.add(2h, "late");
    p.add(60min, "good1");
    p.add(10min, "good2");
    p.drain();
    BOOST_TEST(p.rejected(reject_reason::line_too_long) == 1u);
    BOOST_TEST(p.rejected(reject_reason::too_far_behind) == 1u);
    p.check_truth();
}

BOOST_AUTO_TEST_CASE(late_entries_of_one_line_keep_a_time_of_their_own) {
    for (const bool metadata : {false, true}) {
        channel p(metadata ? loki_limits::v3() : loki_limits::v2_9());
        p.options.late = ship::late_entries::restamp;
        p.options.allow_structured_metadata = metadata;
        p.options.ingester.known = true;
        p.add(10min, "newest");
        p.drain();
        p.add(4h, "late");
        p.add(3h, "late");
        p.add(2h, "other");
        p.add(0s, "newer");
        p.drain();
        BOOST_TEST(p.count.shipped == 5u);
        BOOST_TEST(p.count.restamped == 3u);
        BOOST_TEST(p.loki.size() == 5u);
        BOOST_TEST(p.loki.received_entries() == 5u);
    }
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_not_about_entries_is_nobodys_loss) {
    for (const char* body :
         {"Client sent an HTTP request to an HTTPS server.\n",
          "<html><center>No required SSL certificate was sent</center></html>\n",
          "<html><center>The SSL certificate error</center></html>\n", "multiple org IDs present\n",
          "tenant ID 'a/b' contains unsupported character '/'\n", "<html>400 Bad Request</html>", ""}) {
        channel p;
        for (int i = 0; i != 5; ++i)
            p.add(1min, "line" + std::to_string(i));
        fake_transport wrong([&](const http::request&) { return reply{400, {}, body}; }, p.time,
                             "http://wrong");
        ship::delivery<fake_transport, manual_clock> d(
            wrong, p.time, p.box, p.count, {}, [](const auto&, const auto&, auto) {}, [] {}, {});
        const auto r = p.complete(d.round());
        BOOST_TEST(r.blocked, body);
        BOOST_TEST(p.count.pending == 5u);
        BOOST_TEST(p.count.rejected == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_server_to_which_everything_is_too_large_is_not_believed) {
    channel p;
    for (int i = 0; i != 5; ++i)
        p.add(1min, "line" + std::to_string(i));
    fake_transport wrong([&](const http::request&) { return reply{413, {}, "too large"}; }, p.time,
                         "http://wrong");
    ship::delivery<fake_transport, manual_clock> d(
        wrong, p.time, p.box, p.count, {}, [](const auto&, const auto&, auto) {}, [] {}, {});
    const auto r = p.complete(d.round());
    BOOST_TEST(r.failure.has_value());
    BOOST_TEST(p.count.pending == 5u);
    BOOST_TEST(p.count.rejected == 0u);
}

BOOST_AUTO_TEST_CASE(a_stream_stays_below_its_rate) {
    channel p;
    p.options.batch.max_bytes = 100'000;
    for (int i = 0; i != 400; ++i)
        p.add(1s * (400 - i), std::string(10'000, 'x') + std::to_string(i)); // 4 MB
    const auto start = p.time.steady_now();
    p.drain();
    const auto took = p.time.steady_now() - start;
    BOOST_TEST((took > 2500ms && took < 3500ms), took.count());
}

BOOST_AUTO_TEST_CASE(what_loki_may_have_forgotten_is_asked_for) {
    channel p;
    p.options.ingester.known = true;
    p.add(0s, "new");
    p.round();
    p.time.advance(31min);
    p.add(2h, "late");
    p.drain();
    BOOST_TEST(p.loki_http.requests().size() == 2u);
    BOOST_TEST(p.count.shipped + p.count.rejected == 2u);
    BOOST_TEST(p.count.shipped == (p.stored("late") ? 2u : 1u));
}

BOOST_AUTO_TEST_CASE(a_late_entry_may_get_the_oldest_time_that_is_taken) {
    for (const bool metadata : {false, true}) {
        channel p(metadata ? loki_limits::v3() : loki_limits::v2_9());
        p.options.late = ship::late_entries::restamp;
        p.options.allow_structured_metadata = metadata;
        p.add(0s, "new");
        p.round();
        const std::string own_time = text::format_rfc3339(p.time.wall_now() - 3h);
        const auto bar = p.time.wall_now() + 5min - 1h;
        p.add(3h, "late");
        BOOST_TEST(p.foreign(-5min, "theirs")); // moves the bar beyond what our model knows
        p.drain();
        BOOST_TEST(p.count.shipped == 2u);
        BOOST_TEST(p.count.restamped == 1u);
        BOOST_TEST(p.count.rejected == 0u);
        const std::string line = metadata ? "late" : "late | ORIGINAL_TIMESTAMP: " + own_time;
        BOOST_TEST(p.stored(line));
        BOOST_TEST((p.loki_http.requests().back().body.find(own_time) != std::string::npos));
        const auto stored = p.loki.stored();
        for (const auto& [labels, entries] : stored)
            for (const auto& e : entries)
                if (e.line == line)
                    BOOST_TEST((e.time > bar && e.time <= bar + 1s));
    }
}

BOOST_AUTO_TEST_CASE(a_refusal_without_a_text_is_narrowed_down) {
    // As by a proxy that eats what Loki says.
    channel p;
    fake_transport mute(
        [&](const http::request& r) {
            auto answer = p.loki(r);
            if (answer.status == 400)
                answer.body = "<html>400 Bad Request</html>";
            return answer;
        },
        p.time, "http://mute");
    for (int i = 0; i != 64; ++i)
        p.add(i % 16 == 3 ? 24h * 8 - 1min * i : 30s * (100 - i),
              (i % 16 == 3 ? "bad" : "good") + std::to_string(i));
    std::vector<std::string> lost;
    ship::delivery<fake_transport, manual_clock> d(
        mute, p.time, p.box, p.count, {},
        [&](const ship::outbox::lane&, const ship::pending_entry& e, std::optional<reject_reason> refused) {
            if (refused)
                lost.push_back(e.entry.line);
        },
        [] {}, {});
    p.complete(d.round());
    BOOST_TEST(p.count.shipped == 60u);
    BOOST_TEST(p.rejected(reject_reason::other) == 4u);
    BOOST_TEST(lost.size() == 4u);
    for (const auto& line : lost)
        BOOST_TEST(line.starts_with("bad"));
    BOOST_TEST(p.loki.size() == 60u);
    BOOST_TEST(mute.requests().size() < 40u);
}

BOOST_AUTO_TEST_CASE(a_rate_limit_that_a_push_can_never_meet_is_met_by_smaller_ones) {
    channel p;
    std::size_t refused = 0;
    fake_transport tight(
        [&](const http::request& r) -> reply {
            if (r.body.size() <= 600)
                return p.loki(r);
            ++refused;
            return {429, {}, "ingestion rate limit exceeded for user fake (limit: 600 bytes/sec)"};
        },
        p.time, "http://tight");
    for (int i = 0; i != 32; ++i)
        p.add(1s * (32 - i), "line" + std::to_string(i));
    ship::delivery<fake_transport, manual_clock> d(
        tight, p.time, p.box, p.count, {}, [](const auto&, const auto&, auto) {}, [] {}, {});
    for (int i = 0; i != 50 && !p.box.empty(); ++i)
        p.complete(d.round());
    BOOST_TEST(p.count.shipped == 32u);
    BOOST_TEST(p.count.rejected == 0u);
    BOOST_TEST(refused >= 2u);
}

BOOST_AUTO_TEST_CASE(a_proxys_size_limit_is_learned_once) {
    channel p;
    std::size_t refused = 0;
    fake_transport small(
        [&](const http::request& r) -> reply {
            if (r.body.size() <= 1000)
                return p.loki(r);
            ++refused;
            return {413, {}, "<html>413</html>"};
        },
        p.time, "http://small");
    for (int i = 0; i != 200; ++i)
        p.add(1s * (200 - i), "line" + std::to_string(i));
    p.add(0s, std::string(2000, 'x'));
    p.add(0s, "after");
    ship::delivery<fake_transport, manual_clock> d(
        small, p.time, p.box, p.count, {}, [](const auto&, const auto&, auto) {}, [] {}, {});
    p.complete(d.round());
    BOOST_TEST(p.count.shipped == 201u);
    BOOST_TEST(p.rejected(reject_reason::request_body_too_large) == 1u);
    BOOST_TEST(refused <= 6u, refused);
    BOOST_TEST(p.stored("after"));
}

BOOST_AUTO_TEST_CASE(an_entry_before_lokis_first_schema_is_rejected_alone) {
    channel p;
    fake_transport schema(
        [&](const http::request& r) -> reply {
            if (r.body.find("ancient") != r.body.npos)
                return {500,
                        {},
                        "rpc error: code = Unknown desc = failed to create stream: no schema config found "
                        "for time 0\n"};
            return p.loki(r);
        },
        p.time, "http://schema");
    p.add(24h, "ancient");
    for (int i = 0; i != 9; ++i)
        p.add(1min * (9 - i), "line" + std::to_string(i));
    ship::delivery<fake_transport, manual_clock> d(
        schema, p.time, p.box, p.count, {}, [](const auto&, const auto&, auto) {}, [] {}, {});
    p.complete(d.round());
    BOOST_TEST(p.count.shipped == 9u);
    BOOST_TEST(p.rejected(reject_reason::no_schema_config) == 1u);
}

BOOST_AUTO_TEST_CASE(a_body_stays_under_its_limit_whatever_must_be_escaped) {
    channel p;
    p.options.batch.max_bytes = 10'000;
    for (int i = 0; i != 100; ++i)
        p.add(1s * (100 - i), std::string(300, '\x01') + std::to_string(i)); // six bytes each in JSON
    p.drain();
    BOOST_TEST(p.count.shipped == 100u);
    for (const auto& r : p.loki_http.requests())
        BOOST_TEST(r.body.size() <= 10'000u);
    BOOST_TEST(p.loki_http.requests().size() <= 25u);
}

BOOST_AUTO_TEST_CASE(each_reason_is_logged_once_a_minute_with_an_example) {
    channel p;
    for (int i = 0; i != 5; ++i)
        p.add(24h * 8 + 1s * i, "old" + std::to_string(i));
    p.drain();
    BOOST_TEST_REQUIRE(p.log.size() == 1u);
    BOOST_TEST(p.log[0].starts_with(
                   "Loki refuses entries (greater_than_max_sample_age), for example step 0 of execution "),
               p.log[0]);
    p.add(24h * 8, "older");
    p.drain();
    BOOST_TEST(p.log.size() == 1u);
    p.time.advance(61s);
    p.add(24h * 8, "oldest");
    p.drain();
    BOOST_TEST_REQUIRE(p.log.size() == 2u);
    BOOST_TEST(p.log[1].starts_with("Loki refused 6 more (greater_than_max_sample_age)"), p.log[1]);
}

BOOST_AUTO_TEST_CASE(everybodys_trouble_is_not_asked_for_once_a_stream) {
    channel p;
    for (int i = 0; i != 50; ++i)
        p.add(1min, "line", {{"stream", std::to_string(i)}});
    fake_transport broken([](const http::request&) { return reply{500, {}, "empty ring"}; }, p.time,
                          "http://broken");
    ship::delivery<fake_transport, manual_clock> d(
        broken, p.time, p.box, p.count, {}, [](const auto&, const auto&, auto) {}, [] {}, {});
    BOOST_TEST(p.complete(d.round()).failure.has_value());
    // Three, and those that were on their way.
    BOOST_TEST(broken.requests().size() <= 3u + p.options.concurrency);
    BOOST_TEST(p.count.pending == 50u);
}

BOOST_AUTO_TEST_CASE(as_many_pushes_are_under_way_as_loki_bears) {
    channel p;
    p.loki_http.latency(50ms);
    p.options.concurrency = 40;
    p.options.batch.max_entries = 1;
    const auto add = [&](int n) {
        for (int i = 0; i != n; ++i)
            for (int at = 0; at != 40; ++at)
                p.add(1min * (60 - i), "line" + std::to_string(p.added), {{"stream", std::to_string(at)}});
    };
    add(5);
    p.drain();
    BOOST_TEST(p.loki_http.most_in_flight() == 40u);
    // It has no room for a while: less is asked of it at first, and all gets there.
    add(5);
    p.loki_http.script({fault::refuse});
    p.round();
    const auto begun = p.time.steady_now();
    std::size_t first = 0;
    p.loki_http.decide([&](const http::request&) {
        first += p.time.steady_now() == begun;
        return fault::none;
    });
    p.drain();
    BOOST_TEST(first >= 20u);
    BOOST_TEST(first < 25u);
    BOOST_TEST(p.loki.size() == 400u);
    p.check_truth();
}

BOOST_AUTO_TEST_CASE(where_the_rate_holds_pushes_back_the_oldest_go_first) {
    channel p;
    p.loki_http.latency(5ms);
    p.options.concurrency = 40;
    p.options.rate = 10'000;
    p.options.batch = {2, 4000};
    // Half of all is one stream's.
    for (int i = 0; i != 400; ++i)
        p.add(1s * (400 - i), std::string(1000, 'x') + std::to_string(i),
              {{"stream", i % 2 == 0 ? "large" : std::to_string(i % 39)}});
    p.drain();
    BOOST_TEST(p.loki.size() == 400u);
    // More at once would only have waited for their turns.
    BOOST_TEST(p.delivery->concurrency() == 4u);
    // The large stream is not left alone at the end.
    std::size_t alone = 0;
    for (auto s = p.settled.rbegin(); s != p.settled.rend() && std::stoi(s->substr(1001)) % 2 == 0; ++s)
        ++alone;
    BOOST_TEST(alone <= 10u);
}

BOOST_AUTO_TEST_CASE(where_answers_take_long_a_rate_is_reached_all_the_same) {
    channel p;
    p.loki_http.latency(200ms);
    p.options.concurrency = 64;
    p.options.rate = 300'000;
    p.options.batch = {1, 4000};
    for (int i = 0; i != 1000; ++i)
        p.add(1s * (1000 - i), std::string(1000, 'x'), {{"stream", std::to_string(i % 200)}});
    const auto begun = p.time.steady_now();
    p.drain();
    // 3.3 s at that rate, and a few answers until it is known how much Loki bears.
    BOOST_TEST((p.time.steady_now() - begun) / 1ms < 4300);
}

BOOST_AUTO_TEST_CASE(what_is_under_way_is_bounded_in_bytes) {
    channel p;
    p.loki_http.latency(50ms);
    p.options.batch = {10, 1000};
    p.options.max_bytes_in_flight = 5000;
    for (int n = 0; n != 30; ++n)
        for (int i = 0; i != 4; ++i)
            p.add(1min * (60 - i), std::string(800, 'x') + std::to_string(p.added),
                  {{"stream", std::to_string(n)}});
    p.drain();
    // Five pushes of one line each; with a sixth it could be more.
    BOOST_TEST(p.loki_http.most_in_flight() == 5u);
    BOOST_TEST(p.loki.size() == 120u);
    // One may always be.
    channel small;
    small.options.max_bytes_in_flight = 0;
    small.add(1min, "line");
    small.drain();
    BOOST_TEST(small.loki.size() == 1u);
}

BOOST_AUTO_TEST_CASE(one_stream_has_one_push_under_way) {
    channel p;
    p.loki_http.latency(50ms);
    p.options.batch.max_entries = 2;
    for (int i = 0; i != 20; ++i)
        p.add(1min * (60 - i), "line" + std::to_string(i));
    p.drain();
    BOOST_TEST(p.loki_http.most_in_flight() == 1u);
    BOOST_TEST(p.settled.front() == "+line0");
    BOOST_TEST(p.settled.back() == "+line19");
}

BOOST_AUTO_TEST_CASE(the_rate_that_a_429_names_is_kept_from_then_on) {
    const auto refused = [](bool learn) {
        loki_limits limits;
        limits.ingestion_rate_mb = limits.ingestion_burst_size_mb = 0.125;
        channel p(limits);
        p.options.rate = 4'000'000;
        p.options.learn_rates = learn;
        p.options.batch.max_entries = 4;
        p.drain_kilobytes(400, 1);
        return p.count.pushes_failed;
    };
    BOOST_TEST(refused(true) == 1u);
    BOOST_TEST(refused(false) > 5u);
}

BOOST_AUTO_TEST_CASE(so_is_that_of_a_stream) {
    const auto refused = [](bool learn) {
        loki_limits limits;
        limits.per_stream_rate_limit = limits.per_stream_rate_limit_burst = 100'000;
        channel p(limits);
        p.options.learn_rates = learn;
        p.options.batch.max_entries = 4;
        const auto took = p.drain_kilobytes(1200, 3);
        // Each stream has the rate for itself.
        BOOST_TEST((took < 8s));
        return p.count.pushes_failed;
    };
    BOOST_TEST(refused(true) <= 3u);
    BOOST_TEST(refused(false) > 10u);
}

BOOST_AUTO_TEST_CASE(what_showed_before_its_answer_makes_older_entries_unproven) {
    channel p;
    p.add(110min, "first");
    p.drain();
    // It showed, and left the outbox; its push was not answered.
    BOOST_TEST(p.foreign(10min, "shown"));
    p.add(109min, "late");
    p.box.stream(stream).newest_shown = p.time.wall_now() - 10min;
    for (int i = 0; i != 6; ++i)
        p.add(108min - 1s * i, "later" + std::to_string(i));
    for (int i = 0; i != 3; ++i)
        p.add(-11min, "future" + std::to_string(i));
    p.drain();
    p.check_truth();
    BOOST_TEST(p.rejected(reject_reason::too_far_behind) == 7u);
    BOOST_TEST(p.rejected(reject_reason::too_far_in_future) == 3u);
    BOOST_TEST(p.count.shipped == 1u);
}

namespace {

/// Throws at one line, and takes a while for each body.
class slow_encoder final : public loki::push_encoder {
public:
    slow_encoder(manual_clock& t, std::chrono::nanoseconds n)
        : time_(t)
        , takes_(n) {}
    std::string_view content_type() const noexcept override { return json_.content_type(); }
    void begin_stream(const loki::labels& set) override { json_.begin_stream(set); }
    void add(timestamp t, std::string_view line, const loki::labels& metadata) override {
        if (line == "unreadable once" && !std::exchange(thrown_, true))
            throw std::runtime_error("unreadable");
        json_.add(t, line, metadata);
    }
    void undo() override { json_.undo(); }
    std::size_t size() const noexcept override { return json_.size(); }
    std::string finish() override {
        ++bodies_;
        if (takes_ != 0ns)
            time_.advance(takes_);
        return json_.finish();
    }
    void reuse(std::string body) override {
        BOOST_TEST(body.starts_with("{\"streams\":["));
        --bodies_;
    }
    ~slow_encoder() override { BOOST_TEST(bodies_ == 0); }

private:
    int bodies_ = 0;
    manual_clock& time_;
    std::chrono::nanoseconds takes_;
    loki::json_encoder json_;
    bool thrown_ = false;
};

} // namespace

BOOST_AUTO_TEST_CASE(what_could_not_be_written_stands_in_no_other_push) {
    channel p;
    p.options.make_encoder = [&] { return std::make_unique<slow_encoder>(p.time, 0ns); };
    p.add(5min, "first", {{"stream", "a"}});
    p.add(4min, "unreadable once", {{"stream", "a"}});
    p.add(3min, "other", {{"stream", "b"}});
    BOOST_CHECK_THROW(p.round(), std::runtime_error);
    p.drain();
    BOOST_TEST(p.loki.received_entries() == 3u);
    BOOST_TEST(p.loki.size() == 3u);
    p.check_truth();
}

BOOST_AUTO_TEST_CASE(what_is_thrown_where_a_push_begins_waits_for_those_under_way) {
    channel p;
    p.loki_http.latency(50ms);
    p.options.ingester.known = true;
    p.add(0s, "newest", {{"stream", "b"}});
    p.drain();
    p.add(10h, "under way", {{"stream", "a"}});
    // Too late for what its stream has: it is not sent.
    p.add(2h, "late", {{"stream", "b"}});
    p.throws_when_settled = "late";
    BOOST_CHECK_THROW(p.round(), std::runtime_error);
    BOOST_TEST(p.settled == (std::vector<std::string>{"+newest", "-late", "+under way"}),
               boost::test_tools::per_element());
    BOOST_TEST(p.count.pending == 0u);
}

BOOST_AUTO_TEST_CASE(time_that_writing_takes_is_not_lokis) {
    channel p;
    p.loki_http.latency(50ms);
    p.options.concurrency = 32;
    p.options.make_encoder = [&] { return std::make_unique<slow_encoder>(p.time, 100ms); };
    for (int n = 0; n != 200; ++n)
        p.add(1min, std::to_string(n), {{"stream", std::to_string(n)}});
    p.drain();
    BOOST_TEST(p.delivery->concurrency() >= 4u);
}

namespace {

const loki::labels metadata{{"execution_id", "e1"}, {"exit_code", "0"}, {"step", "1"}, {"user_id", "u"}};

/// The same with structured metadata, of which so many.
void add_with_metadata(channel& p, std::chrono::nanoseconds age, const std::string& line,
                       const loki::labels& own = metadata) {
    aoss::step_key key;
    key.execution_low = static_cast<std::uint64_t>(++p.added);
    BOOST_TEST_REQUIRE(p.box.add(stream, {p.time.wall_now() - age, line, own}, key));
    ++p.count.fetched;
    ++p.count.pending;
}
/// What Loki shows with the lines, of ours.
std::multiset<std::string> shown_metadata(const channel& p) {
    std::multiset<std::string> out;
    for (const auto& [labels, entries] : p.loki.stored())
        for (const auto& e : entries) {
            loki::labels own = e.metadata;
            own.set("detected_level", {});
            out.insert(e.line + ' ' + loki::to_string(own));
        }
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(structured_metadata_goes_with_its_entry) {
    channel p(loki_limits::v3());
    add_with_metadata(p, 2min, "a");
    p.add(1min, "b");
    p.drain();
    BOOST_TEST(p.count.shipped == 2u);
    BOOST_TEST((shown_metadata(p) == std::multiset<std::string>{"a " + loki::to_string(metadata), "b {}"}));
    BOOST_TEST(p.log.empty());
}

BOOST_AUTO_TEST_CASE(where_it_is_known_that_loki_takes_no_structured_metadata_none_is_sent) {
    channel p;
    p.options.allow_structured_metadata = false;
    add_with_metadata(p, 2min, "a");
    p.drain();
    BOOST_TEST(p.count.shipped == 1u);
    BOOST_TEST(p.loki_http.requests().size() == 1u);
    BOOST_TEST_REQUIRE(p.log.size() == 1u);
    BOOST_TEST(p.log[0].find("all of which are shipped without") != std::string::npos, p.log[0]);
}

BOOST_AUTO_TEST_CASE(entries_whose_structured_metadata_loki_does_not_allow_are_shipped_without) {
    for (const bool some : {false, true}) {
        channel p(loki_limits::v2_9());
        p.options.batch.max_entries = 100;
        for (int i = 0; i != 300; ++i)
            if (some && i % 7 == 3)
                p.add(1s * (300 - i), "line" + std::to_string(i));
            else
                add_with_metadata(p, 1s * (300 - i), "line" + std::to_string(i));
        p.drain();
        BOOST_TEST(p.count.shipped == 300u);
        BOOST_TEST(p.count.rejected == 0u);
        BOOST_TEST(p.loki.size() == 300u);
        // After the first refusal, nothing more is sent with it.
        BOOST_TEST(p.loki_http.requests().size() <= 4u);
        BOOST_TEST_REQUIRE(p.log.size() == 1u);
        BOOST_TEST(p.log[0].find("does not take the structured metadata of entries, all of which") !=
                       std::string::npos,
                   p.log[0]);
    }
}

BOOST_AUTO_TEST_CASE(only_entries_with_too_much_structured_metadata_are_shipped_without) {
    auto limits = loki_limits::v3();
    limits.max_structured_metadata_entries_count = 3;
    channel p(limits);
    const loki::labels three{{"execution_id", "e1"}, {"step", "1"}, {"user_id", "u"}};
    for (int i = 0; i != 40; ++i)
        add_with_metadata(p, 1s * (300 - i), "line" + std::to_string(i), i % 10 == 3 ? metadata : three);
    p.drain();
    BOOST_TEST(p.count.shipped == 40u);
    BOOST_TEST(p.count.rejected == 0u);
    BOOST_TEST(p.loki.size() == 40u);
    for (const auto& shown : shown_metadata(p)) {
        const bool too_many = shown.starts_with("line3 ") || shown.starts_with("line13 ") ||
                              shown.starts_with("line23 ") || shown.starts_with("line33 ");
        BOOST_TEST((shown.find("{}") != shown.npos) == too_many, shown);
    }
    BOOST_TEST_REQUIRE(p.log.size() == 1u);
    BOOST_TEST(p.log[0].find("of some entries") != std::string::npos, p.log[0]);
}

BOOST_AUTO_TEST_CASE(a_late_entrys_own_time_is_kept_where_loki_does_not_take_it_as_metadata) {
    channel p(loki_limits::v2_9());
    p.options.late = ship::late_entries::restamp;
    p.options.ingester.known = true;
    p.add(0s, "new");
    p.round();
    const std::string own_time = text::format_rfc3339(p.time.wall_now() - 3h);
    p.add(3h, "late");
    add_with_metadata(p, 3h, "late too");
    p.drain();
    BOOST_TEST(p.count.shipped == 3u);
    BOOST_TEST(p.count.restamped == 2u);
    for (const char* line : {"late", "late too"})
        BOOST_TEST(p.stored(line + (" | ORIGINAL_TIMESTAMP: " + own_time)), line);
}

BOOST_AUTO_TEST_CASE(a_late_entrys_own_time_stands_beside_its_structured_metadata) {
    channel p(loki_limits::v3());
    p.options.late = ship::late_entries::restamp;
    p.options.ingester.known = true;
    p.add(0s, "new");
    p.round();
    loki::labels expected = metadata;
    expected.set("original_timestamp", text::format_rfc3339(p.time.wall_now() - 3h));
    add_with_metadata(p, 3h, "late");
    p.drain();
    BOOST_TEST(shown_metadata(p).contains("late " + loki::to_string(expected)));
}

BOOST_AUTO_TEST_CASE(a_rejected_entry_keeps_its_structured_metadata) {
    for (const bool allowed : {false, true}) {
        channel p(loki_limits::v3());
        p.options.allow_structured_metadata = allowed;
        add_with_metadata(p, 24h * 8, "old");
        std::vector<loki::labels> got;
        ship::delivery_options o = p.options;
        o.on_rejected = [&got](const ship::rejection& r) { got.push_back(r.entry.metadata); };
        ship::delivery<fake_transport, manual_clock> d(
            p.loki_http, p.time, p.box, p.count, o, [](const auto&, const auto&, auto) {}, [] {}, {});
        p.complete(d.round());
        BOOST_TEST_REQUIRE(got.size() == 1u);
        BOOST_TEST((got[0] == metadata));
    }
}

BOOST_AUTO_TEST_CASE(no_entry_is_lost_between_those_whose_structured_metadata_loki_takes) {
    // In an order that a newer one, once stored, makes too late for the older ones.
    const loki::labels three{{"execution_id", "e1"}, {"step", "1"}, {"user_id", "u"}};
    const loki::labels longer{{"execution_id", std::string(80, 'e')}};
    for (const fault f : {fault::none, fault::reset_after, fault::truncate, fault::reset_before})
        for (const int kind : {0, 1, 2})
            for (std::size_t at = 0; at != 4; ++at)
                BOOST_TEST_CONTEXT("fault " << static_cast<int>(f) << " kind " << kind << " at " << at) {
                    auto limits = kind == 2 ? loki_limits::v2_9() : loki_limits::v3();
                    if (kind == 0)
                        limits.max_structured_metadata_entries_count = 3;
                    else if (kind == 1)
                        limits.max_structured_metadata_size = 60;
                    channel p(limits);
                    for (int i = 0; i != 12; ++i)
                        add_with_metadata(p, 40min * (12 - i), "line" + std::to_string(i),
                                          i % 3 == 1   ? three
                                          : i % 3 == 2 ? loki::labels()
                                          : kind == 1  ? longer
                                                       : metadata);
                    for (std::size_t before = 0; before != at; ++before)
                        p.loki_http.script({fault::none});
                    p.loki_http.script({f});
                    p.drain();
                    BOOST_TEST(p.count.shipped == 12u);
                    BOOST_TEST(p.loki.size() == 12u);
                    p.check_truth();
                }
}

BOOST_AUTO_TEST_CASE(what_loki_said_of_structured_metadata_is_not_asked_for_again) {
    auto limits = loki_limits::v3();
    limits.max_structured_metadata_entries_count = 3;
    channel p(limits);
    p.options.batch.max_entries = 10;
    for (int i = 0; i != 200; ++i)
        add_with_metadata(p, 1s * (300 - i), "line" + std::to_string(i),
                          i % 5 == 3 ? metadata : loki::labels{{"step", "1"}});
    p.drain();
    BOOST_TEST(p.count.shipped == 200u);
    BOOST_TEST(p.loki_http.requests().size() < 40u);
    BOOST_TEST(p.log.size() == 1u);
    // What is wrong with all is said as well.
    p.loki.limits().allow_structured_metadata = false;
    for (int i = 0; i != 20; ++i)
        add_with_metadata(p, 1s * (50 - i), "more" + std::to_string(i), {{"step", "1"}});
    p.drain();
    BOOST_TEST(p.count.shipped == 220u);
    BOOST_TEST_REQUIRE(p.log.size() == 2u);
    BOOST_TEST(p.log[1].find("all of which") != std::string::npos, p.log[1]);
}

BOOST_AUTO_TEST_SUITE_END()
