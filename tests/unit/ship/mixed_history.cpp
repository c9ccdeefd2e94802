// Histories in which good and bad entries are mixed at random: each good one is stored, each bad one is
// counted under its reason. LOKISHIP_SEEDS says how many histories; one seed is one history.
#include "ship/world.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

BOOST_AUTO_TEST_SUITE(mixed_history)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;
using loki::reject_reason;

namespace {

using backfill = ship::basic_backfill<fake_transport, manual_clock>;

unsigned seeds() {
    const char* given = std::getenv("LOKISHIP_SEEDS");
    return given ? static_cast<unsigned>(std::atoi(given)) : 2;
}

/// The number that `history` put into a line.
unsigned id_of(const std::string& line) {
    const auto at = line.find("COMMAND: ");
    BOOST_TEST_REQUIRE(at != line.npos);
    return static_cast<unsigned>(std::stoul(line.substr(at + 9)));
}

/// A backend's table, and what must become of each of its entries.
struct history {
    std::set<unsigned> good;
    std::map<reject_reason, std::set<unsigned>> bad;
};

class history_maker {
public:
    history_maker(world& w, unsigned seed)
        : world_(w)
        , random_(seed) {}

    history make(unsigned entries) {
        history out;
        for (unsigned n = 0; n != entries; ++n) {
            const auto dice = below(100);
            const auto good_age = std::chrono::seconds(below(6 * 86400));
            if (dice == 0) {
                add(n, server(), 24h * 7 + 1s + std::chrono::seconds(below(86400 * 30)), 10);
                out.bad[reject_reason::greater_than_max_sample_age].insert(n);
            } else if (dice == 1) {
                // Time goes on while streams are paced.
                add(n, server(), -11min - std::chrono::seconds(below(3600)), 10);
                out.bad[reject_reason::too_far_in_future].insert(n);
            } else if (dice == 2) {
                add(n, server(), good_age, 1100);
                out.bad[reject_reason::line_too_long].insert(n);
            } else if (dice == 3) {
                add(n, shared_server, 1h + 1s + std::chrono::seconds(below(6 * 86400)), 10);
                out.bad[reject_reason::too_far_behind].insert(n);
            } else if (dice == 4) {
                add(n, server(), good_age, 70'000);
                out.bad[reject_reason::request_body_too_large].insert(n);
            } else if (dice == 5) {
                add(n, shared_server, 1s + std::chrono::seconds(below(3500)), 10);
                out.good.insert(n);
            } else {
                add(n, server(), good_age, 10 + below(500));
                out.good.insert(n);
            }
        }
        return out;
    }

    /// The stream that another writer fills as well: nothing older than an hour is taken there.
    void write_newest() {
        const auto mapped = aoss::to_entry(record(), world_.time.wall_now());
        loki::json_encoder e;
        e.begin_stream(mapped.labels);
        e.add(world_.time.wall_now(), "theirs");
        http::request r;
        r.verb = http::method::post;
        r.target = "/loki/api/v1/push";
        r.fields.add("Content-Type", "application/json");
        r.body = e.finish();
        BOOST_TEST_REQUIRE(world_.loki(r).status == 204u);
    }

private:
    static constexpr unsigned shared_server = 99;

    unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
    unsigned server() { return below(7); }

    aoss::execution_record record() const {
        aoss::execution_record r;
        r.server_id = uuid(shared_server);
        r.server_tag = "server-99";
        r.agent_type = "network";
        r.status = r.execution_status = "Success";
        return r;
    }
    void add(unsigned n, unsigned at, std::chrono::nanoseconds age, std::size_t size) {
        execution e;
        e.id = uuid(n);
        e.server_id = uuid(at);
        e.server_tag = "server-" + std::to_string(at);
        e.agent_type = "network";
        e.created = world_.time.wall_now() - age;
        std::string command = std::to_string(n) + ' ';
        command.resize(std::max(size, command.size()), 'x');
        e.results.push_back({1, command, "Success", 0, "out", ""});
        world_.backend.add(std::move(e));
    }

    world& world_;
    std::mt19937 random_;
};

/// Loki behind a proxy that takes bodies of 64 KiB at most.
handler behind_proxy(world& w) {
    return [&w](const http::request& r) {
        return r.body.size() > 65'536 ? reply{413, {{"Content-Type", "text/html"}}, "<html>413</html>"}
                                      : w.loki(r);
    };
}

/// The numbers of the stored lines, each of which must be stored once.
std::set<unsigned> stored_ids(const fake_loki& loki) {
    std::set<unsigned> out;
    for (const auto& [labels, entries] : loki.stored())
        for (const auto& e : entries)
            if (e.line != "theirs")
                BOOST_TEST(out.insert(id_of(e.line)).second, "stored twice: " << e.line);
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_good_entry_is_stored_once_and_every_bad_one_is_counted) {
    for (unsigned seed = 1; seed <= seeds(); ++seed)
        BOOST_TEST_CONTEXT("seed " << seed) {
            world w(loki_limits{.max_line_size = 1000});
            history_maker maker(w, seed);
            const history expected = maker.make(10'000);
            maker.write_newest();
            std::map<reject_reason, std::set<unsigned>> rejected;
            ship::backfill_options o;
            o.delivery.on_rejected = [&](const ship::rejection& r) {
                BOOST_TEST(rejected[r.reason].insert(id_of(r.entry.line)).second);
            };
            fake_transport proxy(behind_proxy(w), w.time, "http://proxy");
            backfill b(w.backend_http, proxy, w.time, w.watched(o));
            const auto r = w.complete(b.run());
            BOOST_TEST(!r.ship_failure.has_value());
            BOOST_TEST((stored_ids(w.loki) == expected.good));
            BOOST_TEST((rejected == expected.bad));
            const auto& c = b.count();
            BOOST_TEST(c.fetched == 10'000u);
            BOOST_TEST(c.shipped == expected.good.size());
            BOOST_TEST(c.pending == 0u);
            for (const auto& [reason, ids] : expected.bad)
                BOOST_TEST(c.rejected_by_reason[static_cast<std::size_t>(reason)] == ids.size());
        }
}

BOOST_AUTO_TEST_CASE(a_lost_answer_loses_nothing_and_shows_nothing_twice) {
    for (unsigned seed = 1; seed <= seeds(); ++seed)
        BOOST_TEST_CONTEXT("seed " << seed) {
            world w(loki_limits{.max_line_size = 1000});
            history_maker maker(w, seed);
            const history expected = maker.make(3000);
            maker.write_newest();
            std::mt19937 random(seed);
            int resets = 0;
            fake_transport proxy(behind_proxy(w), w.time, "http://proxy");
            proxy.decide([&](const http::request&) {
                const bool reset = resets != 200 && random() % 3 != 0;
                resets += reset;
                return reset ? fault::reset_after : fault::none;
            });
            ship::backfill_options o;
            o.delivery.batch.max_entries = 25;
            o.max_attempts = 100;
            o.backoff = {1ms, 2ms}; // what is too new must not become good meanwhile
            backfill b(w.backend_http, proxy, w.time, w.watched(o));
            w.complete(b.run(), std::chrono::hours(100));
            BOOST_TEST(resets == 200);
            BOOST_TEST((stored_ids(w.loki) == expected.good));
            BOOST_TEST(b.count().shipped == expected.good.size());
            BOOST_TEST(b.count().rejected == 3000u - expected.good.size());
            BOOST_TEST(b.count().pending == 0u);
        }
}

BOOST_AUTO_TEST_SUITE_END()
