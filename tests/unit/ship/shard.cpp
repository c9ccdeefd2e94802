#include "ship/world.hpp"

#include <lokiship/ship/shard.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <stdexcept>
#include <vector>

BOOST_AUTO_TEST_SUITE(shard)

using namespace lokiship;
using namespace lokiship::testing;
using namespace std::chrono_literals;

namespace {

std::uint32_t owner(const std::string& server, std::uint32_t count) {
    std::uint32_t found = count;
    for (std::uint32_t i = 0; i != count; ++i)
        if (ship::shard{i, count}.owns(server)) {
            BOOST_TEST(found == count, server << " has two owners");
            found = i;
        }
    BOOST_TEST(found != count, server << " has no owner");
    return found;
}

} // namespace

BOOST_AUTO_TEST_CASE(each_server_has_one_owner_and_they_are_shared_evenly) {
    for (const std::uint32_t count : {1u, 2u, 3u, 7u, 16u}) {
        std::vector<unsigned> servers(count);
        for (unsigned n = 0; n != 4000; ++n)
            ++servers[owner(uuid(n), count)];
        const auto [least, most] = std::minmax_element(servers.begin(), servers.end());
        BOOST_TEST(*least > 4000 / count * 8 / 10);
        BOOST_TEST(*most < 4000 / count * 12 / 10 + 1);
        owner("", count);
    }
}

BOOST_AUTO_TEST_CASE(with_one_more_only_its_servers_change_hands) {
    unsigned moved = 0;
    for (unsigned n = 0; n != 4000; ++n) {
        const auto before = owner(uuid(n), 4), after = owner(uuid(n), 5);
        if (before == after)
            continue;
        ++moved;
        BOOST_TEST(after == 4u);
    }
    BOOST_TEST(moved > 600u);
    BOOST_TEST(moved < 1000u);
}

BOOST_AUTO_TEST_CASE(the_owner_is_the_same_in_every_build) {
    // Written once: another one would ship a server's steps twice while versions are mixed.
    std::string owners;
    for (unsigned n = 0; n != 32; ++n)
        owners += std::to_string(owner(uuid(n), 8));
    BOOST_TEST(owners == "45630143462306662613015325555450");
    BOOST_TEST((ship::shard{3, 8}.name()) == "3/8");
}

BOOST_AUTO_TEST_CASE(shippers_that_share_a_backend_ship_all_once) {
    world w;
    for (unsigned i = 0; i != 60; ++i) {
        execution e = w.make(i, 2, 60min - i * 1min);
        e.server_id = uuid(5000 + i % 20);
        w.backend.add(e);
    }
    std::vector<std::unique_ptr<running_shipper>> shippers;
    for (std::uint32_t i = 0; i != 3; ++i) {
        ship::shipper_options o;
        o.shard = {i, 3};
        shippers.push_back(std::make_unique<running_shipper>(w, o));
    }
    shippers[0]->run_for(1min);
    std::uint64_t shipped = 0;
    for (auto& s : shippers) {
        const auto c = (*s)->count();
        BOOST_TEST(c.shipped > 0u);
        BOOST_TEST(c.of_other_shards > 0u);
        BOOST_TEST(c.balanced());
        shipped += c.shipped;
    }
    BOOST_TEST(shipped == 120u);
    BOOST_TEST(w.loki.size() == 120u);
    BOOST_TEST(w.loki.received_entries() == 120u);
    // More than a page of what is others' does not hide one's own, nor have it ask for all.
    const auto asked = w.backend.requests();
    for (unsigned i = 100; i != 400; ++i) {
        execution e = w.make(i, 1);
        e.server_id = uuid(5000 + i % 20);
        w.backend.add(e);
    }
    shippers[0]->run_for(5min);
    BOOST_TEST(w.loki.size() == 420u);
    BOOST_TEST(w.loki.received_entries() == 420u);
    BOOST_TEST(w.backend.requests() - asked < 3u * 10u + 8u);
}

BOOST_AUTO_TEST_CASE(a_backfill_has_its_part_too) {
    world w;
    for (unsigned i = 0; i != 40; ++i) {
        execution e = w.make(i, 2, 60min - i * 1min);
        e.server_id = uuid(5000 + i % 20);
        w.backend.add(e);
    }
    std::uint64_t shipped = 0;
    for (std::uint32_t i = 0; i != 3; ++i) {
        ship::backfill_options o;
        o.query.shard = {i, 3};
        ship::basic_backfill<fake_transport, manual_clock> fill(w.backend_http, w.loki_http, w.time,
                                                                w.watched(o));
        w.complete(fill.run());
        BOOST_TEST(fill.count().shipped > 0u);
        shipped += fill.count().shipped;
    }
    BOOST_TEST(shipped == 80u);
    BOOST_TEST(w.loki.size() == 80u);
    BOOST_TEST(w.loki.received_entries() == 80u);
}

BOOST_AUTO_TEST_CASE(one_out_of_range_is_refused) {
    world w;
    for (const ship::shard wrong : {ship::shard{0, 0}, ship::shard{3, 3}}) {
        ship::shipper_options o;
        o.shard = wrong;
        BOOST_CHECK_THROW(running_shipper(w, o), std::invalid_argument);
        ship::backfill_options b;
        b.query.shard = wrong;
        BOOST_CHECK_THROW(b.validate(), std::invalid_argument);
    }
}

BOOST_AUTO_TEST_SUITE_END()
