#include "ship/scratch.hpp"
#include "ship/world.hpp"

#include <lokiship/ship/state_file.hpp>

#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <set>

BOOST_AUTO_TEST_SUITE(shipper_state)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

void write(const std::string& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
}

ship::shipper_state sample() {
    const timestamp t(std::chrono::seconds(1'700'000'000) + 123ns);
    return {"http://backend",
            {{1, 2, -1, 3}, {0xffff'ffff'ffff'ffff, 0, 7, 0x8000'0000'0000'0000}},
            t - 1h,
            {{{{"job", "aoss"}, {"server_tag", "bü\"ro\\"}}, {t - 1h, t, t - 30min, t + 5s}}}};
}

ship::shipper_options options(const std::string& state) {
    ship::shipper_options o;
    o.state_file = state;
    o.batch_size = 20;
    return o;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
    const scratch s;
    {
        ship::state_file f;
        BOOST_TEST(!f.open(s.file("s"), "http://backend")->state);
        BOOST_TEST(f.save(sample()).has_value());
    }
    ship::state_file f;
    const auto found = f.open(s.file("s"), "http://backend");
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST(!found->set_aside);
    BOOST_TEST((*found->state == sample()));
    BOOST_TEST((*ship::parse_state(ship::to_text({"b"})) == ship::shipper_state{"b"}));
}

BOOST_AUTO_TEST_CASE(whatever_the_disk_did_to_it_is_noticed_and_set_aside) {
    const scratch s;
    const auto path = s.file("s");
    const std::string text = ship::to_text(sample());
    const auto is_set_aside = [&](const std::string& damaged) {
        write(path, damaged);
        std::filesystem::remove(path + ".bad");
        ship::state_file f;
        const auto found = f.open(path, "http://backend");
        BOOST_TEST_REQUIRE(found.has_value());
        BOOST_TEST_REQUIRE(!found->state);
        BOOST_TEST_REQUIRE(found->set_aside.has_value());
        BOOST_TEST_REQUIRE(!std::filesystem::exists(path));
        BOOST_TEST_REQUIRE(content(path + ".bad") == damaged);
        return *found->set_aside;
    };
    for (std::size_t n = 0; n != text.size(); ++n) {
        is_set_aside(text.substr(0, n));
        is_set_aside(text.substr(0, n) + std::string(text.size() - n, '\0'));
        auto flipped = text;
        flipped[n] = static_cast<char>(flipped[n] ^ (1 << n % 8));
        is_set_aside(flipped);
    }
    const auto quoted = "'" + path + "' cannot be used: ", aside = "; it is set aside as '" + path + ".bad'";
    BOOST_TEST(is_set_aside("") == quoted + "it is no state" + aside);
    BOOST_TEST(is_set_aside("lokiship-state-2 0 0\n") ==
               quoted + "it is of another version of lokiship" + aside);
    auto other = sample();
    other.backend = "http://else\nwhere";
    BOOST_TEST(is_set_aside(ship::to_text(other)) ==
               quoted + "it is of another backend: http://else\\nwhere" + aside);
}

BOOST_AUTO_TEST_CASE(a_file_may_say_any_time) {
    const timestamp wall(std::chrono::seconds(1'700'000'000));
    const steady_time now{};
    const auto at = [&](timestamp t) { return ship::acknowledged_window(t, t, t, t).memory(wall, now).at; };
    BOOST_TEST((at(wall - 5s) == now - 5s));
    BOOST_TEST((at(timestamp::max()) == now));
    BOOST_TEST((at(timestamp::min()) <= now - 24h));
}

BOOST_AUTO_TEST_CASE(two_shippers_do_not_share_one) {
    const scratch s;
    world w;
    running_shipper one(w, options(s.file("s")));
    one.run_for(1s);
    running_shipper::type other(w.backend_http, w.loki_http, w.time, options(s.file("s")));
    const auto r = other.open_state();
    BOOST_TEST_REQUIRE(r.has_error());
    BOOST_TEST((r.error().code == boost::system::errc::resource_unavailable_try_again));
    BOOST_TEST(r.error().message == "'" + s.file("s") + "' is in use by another process");
}

BOOST_AUTO_TEST_CASE(it_is_written_at_most_once_a_second_and_only_where_there_is_something_new) {
    const scratch s;
    world w;
    for (unsigned i = 0; i != 300; ++i)
        w.backend.add(w.make(i, 2, 300s - i * 1s));
    auto o = options(s.file("s"));
    o.batch_size = 400;
    o.delivery.batch.max_entries = 1;
    std::size_t writes = 0, pushes = 0;
    std::string before;
    w.loki_http.decide([&](const http::request& r) {
        pushes += r.target.ends_with("/push");
        const auto now = std::filesystem::exists(o.state_file) ? content(o.state_file) : "";
        writes += now != before;
        before = now;
        return fault::none;
    });
    o.delivery.stream_rate = 1000; // each push takes a third of a second
    running_shipper shipper(w, o);
    shipper.run_for(20s);
    BOOST_TEST(pushes > 100u);
    BOOST_TEST(writes >= 15u);
    BOOST_TEST(writes <= 21u);
    shipper.run_for(10min);
    const auto last = std::filesystem::last_write_time(o.state_file);
    shipper.run_for(10min);
    BOOST_TEST((std::filesystem::last_write_time(o.state_file) == last));
    BOOST_TEST(ship::parse_state(content(o.state_file))->known.size() == 600u);
}

BOOST_AUTO_TEST_CASE(a_restart_leaves_no_gap_and_sends_nothing_again) {
    const scratch s;
    world w;
    for (unsigned i = 0; i != 10; ++i)
        w.backend.add(w.make(i, 2, 10min - i * 1min));
    {
        running_shipper one(w, options(s.file("s")));
        one.run_for(1min);
    }
    BOOST_TEST(w.loki.received_entries() == 20u);
    // More than a page comes while nobody looks.
    for (unsigned i = 100; i != 200; ++i)
        w.backend.add(w.make(i, 2));
    running_shipper two(w, options(s.file("s")));
    two.run_for(1min);
    BOOST_TEST(w.loki.size() == 220u);
    BOOST_TEST(w.loki.received_entries() == 220u);
    BOOST_TEST(two->count().shipped == 200u);
    BOOST_TEST(two->count().rejected == 0u);
}

BOOST_AUTO_TEST_CASE(killed_at_any_moment_nothing_is_lost_and_nothing_shows_twice) {
    for (unsigned seed = 1; seed != 9; ++seed)
        BOOST_TEST_CONTEXT("seed " << seed) {
            const scratch s;
            world w;
            std::mt19937 random(seed);
            const auto below = [&random](unsigned n) { return static_cast<unsigned>(random() % n); };
            unsigned next = 0;
            const auto add = [&](unsigned n) {
                for (; n != 0; --n)
                    w.backend.add(w.make(next++, 1 + below(3)));
            };
            auto o = options(s.file("s"));
            o.delivery.batch.max_entries = 1 + random() % 10;
            w.loki_http.decide([&](const http::request& r) {
                static constexpr fault faults[] = {fault::refuse, fault::reset_before, fault::reset_after,
                                                   fault::stall, fault::hang};
                return r.target.ends_with("/push") && random() % 4 == 0 ? faults[random() % 5] : fault::none;
            });
            add(15);
            {
                // One that was never there knows of nothing.
                mortal_shipper shipper(w, o);
                shipper.run_for(100ms);
            }
            add(60);
            for (unsigned life = 0; life != 6; ++life) {
                mortal_shipper shipper(w, o);
                for (unsigned n = below(5); n != 0; --n) {
                    shipper.run_for(std::chrono::seconds(random() % 60));
                    add(below(30));
                    w.time.advance(std::chrono::milliseconds(random() % 3000));
                }
                shipper.step(random() % 200);
            }
            w.loki_http.decide(nullptr);
            mortal_shipper shipper(w, o);
            shipper.run_for(10min);
            BOOST_TEST(shipper->count().pending == 0u);
            BOOST_TEST(shipper->count().rejected == 0u);
            std::size_t expected = 0;
            for (unsigned i = 0; i != next; ++i)
                expected += w.backend.find(uuid(i))->results.size();
            BOOST_TEST(w.loki.size() == expected);
        }
}

BOOST_AUTO_TEST_CASE(what_waits_while_others_go_on_is_read_again) {
    const scratch s;
    world w;
    // One stream is refused for its rate, while the others go on for pages.
    w.loki_http.decide([&](const http::request& r) {
        return r.target.ends_with("/push") && r.body.find("prod-web-00") != r.body.npos ? fault::refuse
                                                                                        : fault::none;
    });
    for (unsigned i = 0; i != 3; ++i)
        w.backend.add(w.make(i, 1));
    {
        mortal_shipper one(w, options(s.file("s")));
        for (unsigned i = 1; i != 40; ++i) {
            one.run_for(30s);
            for (unsigned k = 0; k != 4; ++k)
                w.backend.add(w.make(3 * (4 * i + k) + 1, 1));
        }
        one.run_for(1min);
        BOOST_TEST(one->count().pending == 1u);
    }
    w.loki_http.decide(nullptr);
    mortal_shipper two(w, options(s.file("s")));
    two.run_for(5min);
    BOOST_TEST(w.loki.size() == 3u + 39 * 4);
    BOOST_TEST(two->count().shipped == 1u);
}

BOOST_AUTO_TEST_CASE(killed_before_a_gap_is_closed_it_is_closed_later) {
    const scratch s;
    world w;
    for (unsigned i = 0; i != 5; ++i)
        w.backend.add(w.make(i, 1, 1h));
    auto o = options(s.file("s"));
    {
        mortal_shipper one(w, o);
        one.run_for(1s);
        for (unsigned i = 100; i != 300; ++i)
            w.backend.add(w.make(i, 1));
        // The first page comes, the larger one does not.
        w.backend_http.decide([](const http::request& r) {
            return r.target.ends_with("limit=20") ? fault::none : fault::refuse;
        });
        one.run_for(1min);
        BOOST_TEST(w.loki.size() == 25u);
    }
    w.backend_http.decide(nullptr);
    mortal_shipper two(w, o);
    two.run_for(1min);
    BOOST_TEST(w.loki.size() == 205u);
    BOOST_TEST(two->count().shipped == 180u);
}

BOOST_AUTO_TEST_CASE(a_gap_behind_what_was_read_after_a_start_is_kept_over_the_next_one) {
    const scratch s;
    world w;
    for (unsigned i = 0; i != 5; ++i)
        w.backend.add(w.make(i, 1, 1h));
    const auto o = options(s.file("s"));
    mortal_shipper(w, o).run_for(1s);
    for (unsigned i = 100; i != 300; ++i)
        w.backend.add(w.make(i, 1));
    w.backend_http.decide(
        [](const http::request& r) { return r.target.ends_with("limit=20") ? fault::none : fault::refuse; });
    for (int life = 0; life != 3; ++life) {
        mortal_shipper(w, o).run_for(1min);
        BOOST_TEST(w.loki.size() == 25u);
    }
    w.backend_http.decide(nullptr);
    mortal_shipper last(w, o);
    last.run_for(1min);
    BOOST_TEST(w.loki.size() == 205u);
}

BOOST_AUTO_TEST_CASE(without_a_file_loki_tells_how_far_to_read_back) {
    for (const bool resume : {false, true}) {
        world w;
        for (unsigned i = 0; i != 10; ++i)
            w.backend.add(w.make(i, 2, 10min - i * 1min));
        ship::shipper_options o = options("");
        o.resume_from_loki = resume;
        {
            running_shipper one(w, o);
            one.run_for(1min);
        }
        BOOST_TEST(w.loki.size() == 20u);
        for (unsigned i = 100; i != 200; ++i)
            w.backend.add(w.make(i, 2));
        const auto received = w.loki.received_entries();
        // Loki comes up later than the shipper.
        w.loki_http.always(fault::refuse);
        running_shipper two(w, o);
        two.run_for(5min);
        w.loki_http.always(fault::none);
        two.run_for(10min);
        BOOST_TEST(w.loki.size() == (resume ? 220u : 60u));
        if (resume)
            BOOST_TEST(w.loki.received_entries() == received + 200);
        BOOST_TEST(two->count().pending == 0u);
        BOOST_TEST(two->count().rejected == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_loki_that_cannot_be_asked_gets_the_first_page) {
    world w;
    for (unsigned i = 0; i != 50; ++i)
        w.backend.add(w.make(i, 2));
    w.loki_http = fake_transport(
        [&w](const http::request& r) {
            reply out;
            if (r.target.ends_with("/push"))
                out = w.loki(r);
            else
                out.status = 403;
            return out;
        },
        w.time, "http://loki");
    auto o = options("");
    o.resume_from_loki = true;
    running_shipper one(w, o);
    one.run_for(5min);
    BOOST_TEST(w.loki.size() == 40u);
}

BOOST_AUTO_TEST_CASE(what_a_killed_shipper_stored_last_does_not_prove_that_the_next_one_stored_anything) {
    const scratch s;
    world w;
    w.backend.add(w.make(0, 1, 50min));
    const auto o = options(s.file("s"));
    {
        mortal_shipper one(w, o);
        one.run_for(16min);
        w.backend.add(w.make(3, 1));
        // Stored, and killed before the answer.
        w.loki_http.decide(
            [](const http::request& r) { return r.target.ends_with("/push") ? fault::stall : fault::none; });
        one.run_for(30s + 10ms);
    }
    BOOST_TEST_REQUIRE(w.loki.size() == 2u);
    // A late result, and what was created together with what was stored last.
    auto late = w.make(6, 1, 61min + 30s);
    auto twin = w.make(9, 1);
    twin.created = w.backend.find(uuid(3))->created;
    late.created = twin.created - 1h - 1s;
    w.backend.add(std::move(late));
    w.backend.add(std::move(twin));
    std::size_t pushes = 0;
    w.loki_http.decide([&pushes](const http::request& r) {
        return r.target.ends_with("/push") && ++pushes == 1 ? fault::reset_before : fault::none;
    });
    mortal_shipper two(w, o);
    two.run_for(5min);
    BOOST_TEST(w.loki.size() == 3u);
    BOOST_TEST(two->count().shipped == 1u);
    BOOST_TEST(two->count().rejected == 1u);
}

BOOST_AUTO_TEST_CASE(a_loki_that_cannot_tell_what_it_has_is_shipped_to_and_that_is_said) {
    const scratch s;
    world w;
    w.backend.add(w.make(0, 1));
    mortal_shipper(w, options(s.file("s"))).run_for(1s);
    w.backend.add(w.make(1, 1));
    w.loki_http.decide(
        [](const http::request& r) { return r.target.ends_with("/push") ? fault::none : fault::refuse; });
    mortal_shipper two(w, options(s.file("s")));
    two.run_for(5min);
    BOOST_TEST(w.loki.size() == 2u);
    BOOST_TEST(std::count_if(w.log.begin(), w.log.end(), [](const std::string& line) {
                   return line.starts_with("W Loki cannot be asked for what it has: http://loki: ");
               }) == 1);
}

BOOST_AUTO_TEST_CASE(of_a_large_page_what_loki_has_is_not_shipped_again) {
    world w;
    unsigned next = 0;
    const auto add = [&](unsigned n) {
        for (; n != 0; --n)
            w.backend.add(w.make(next++, 1));
    };
    auto o = options("");
    o.dedup_capacity = 20;
    running_shipper one(w, o);
    for (int poll = 0; poll != 10; ++poll) {
        add(10);
        one.run_for(1min);
    }
    BOOST_TEST(w.loki.received_entries() == 100u);
    // The page that closes the gap shows what was shipped before those that are remembered.
    add(30);
    one.run_for(1min);
    BOOST_TEST(w.loki.size() == 130u);
    BOOST_TEST(w.loki.received_entries() == 130u);
    BOOST_TEST(one->count().shipped == 130u);
}

BOOST_AUTO_TEST_CASE(who_saw_an_empty_backend_knows_that_all_is_new) {
    const scratch s;
    world w;
    const auto o = options(s.file("s"));
    mortal_shipper(w, o).run_for(1s);
    for (unsigned i = 0; i != 100; ++i)
        w.backend.add(w.make(i, 1));
    mortal_shipper(w, o).run_for(1s);
    BOOST_TEST(w.loki.size() == 100u);
}

BOOST_AUTO_TEST_CASE(a_file_that_cannot_be_written_is_said_once) {
    const scratch s;
    world w;
    w.backend.add(w.make(1, 1));
    std::filesystem::create_directory(s.file("d"));
    running_shipper one(w, options(s.file("d/s")));
    BOOST_TEST(one->open_state().has_value());
    std::filesystem::remove_all(s.file("d"));
    for (unsigned i = 2; i != 20; ++i) {
        one.run_for(30s);
        w.backend.add(w.make(i, 1));
    }
    BOOST_TEST(one->count().shipped > 10u);
    std::size_t said = 0;
    for (const auto& l : w.log)
        said += l.find("cannot be written") != l.npos;
    BOOST_TEST(said == 1u);
    std::filesystem::create_directory(s.file("d"));
    one.run_for(2min);
    BOOST_TEST(std::filesystem::exists(s.file("d/s")));
    BOOST_TEST(w.log.back() == "I the state file is written again");
}

BOOST_AUTO_TEST_SUITE_END()
