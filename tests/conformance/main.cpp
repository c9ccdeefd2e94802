// Runs the table: each scenario against a double of 2.9 and one of 3.x, and against the Loki at
// LOKISHIP_LIVE_LOKI where that is set.
#include "bench.hpp"
#include "targets.hpp"

#include <lokiship/testing/fake_loki/limits.hpp>
#include <lokiship/testing/fake_loki/status_pages.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <random>
#include <string>

namespace ut = boost::unit_test;
using namespace lokiship;
using namespace lokiship::conformance;
using testing::loki_limits;
using testing::loki_version;

namespace {

bool is_about(const scenario& s, loki_version v) {
    return s.versions == applies::both || (s.versions == applies::to_3) == (v == loki_version::v3);
}

loki_limits limits_of(const scenario& s, loki_version v) {
    auto out = v == loki_version::v3 ? loki_limits::v3() : loki_limits::v2_9();
    if (s.settings)
        s.settings(out);
    return out;
}

void register_double(loki_version v, const std::string& name) {
    auto* suite = BOOST_TEST_SUITE(name);
    for (const auto& s : scenarios())
        if (is_about(s, v))
            suite->add(ut::make_test_case(
                [&s, v] {
                    const auto limits = limits_of(s, v);
                    const auto loki = make_double(limits);
                    bench b(*loki, v, limits.auth_enabled, limits.backfill_shard_header, "1");
                    s.run(b);
                },
                s.name, __FILE__, __LINE__));
    ut::framework::master_test_suite().add(suite);
}

/// The first setting in which a Loki differs from what a scenario needs; empty where there is none.
std::string lacks(const settings& has, const settings& needed) {
    for (const auto& [name, value] : needed) {
        const auto at = has.find(name);
        if (at == has.end() ? !value.empty() : at->second != value)
            return name + ": " + value;
    }
    return {};
}

/// Tells it by a push that stores nothing, whatever Loki makes of it.
bool knows_backfill_shard_header(target& loki) {
    http::request r;
    r.verb = http::method::post;
    r.target = "/loki/api/v1/push";
    r.fields = {{"Content-Type", "application/json"},
                {"X-Scope-OrgID", "probe"},
                {"X-Loki-Backfill-Shard", std::string(129, 'x')}};
    r.body = R"({"streams":[{"stream":{"a":"b"},"values":[]}]})";
    return loki.send(r).status == 400;
}

void register_live(const std::string& url) {
    const std::shared_ptr<target> loki = make_live(url);
    const auto info = loki->get("/loki/api/v1/status/buildinfo").body;
    const auto v = info.find(R"("version":"2.)") == info.npos ? loki_version::v3 : loki_version::v2_9;
    auto has = read_settings(loki->get("/config").body);
    // Five minutes less than the releases have; the scenarios hold with both.
    if (auto& look_back = has["ingester.query_store_max_look_back_period"]; look_back == "2h36m0s")
        look_back = "2h41m0s";
    const auto auth = has.find("auth_enabled");
    const bool auth_enabled = auth != has.end() && auth->second == "true";
    const bool backfill_header = knows_backfill_shard_header(*loki);
    std::cout << "live: " << url << ' ' << info;
    std::random_device random;
    const std::string run = std::to_string(random()) + '-';
    auto* suite = BOOST_TEST_SUITE("live");
    std::size_t n = 0, skipped = 0;
    for (const auto& s : scenarios()) {
        if (!is_about(s, v))
            continue;
        const auto limits = limits_of(s, v);
        const std::string name = s.name, id = run + std::to_string(n++);
        auto what = lacks(has, read_settings(testing::config_page(limits)));
        if (limits.backfill_shard_header && !backfill_header)
            what = "the header X-Loki-Backfill-Shard";
        if (!what.empty()) {
            ++skipped;
            std::cout << "live: skipped: " << name << ": needs " << what << '\n';
            continue;
        }
        suite->add(ut::make_test_case(
            [&s, loki, v, auth_enabled, backfill_header, id] {
                bench b(*loki, v, auth_enabled, backfill_header, id);
                s.run(b);
            },
            name, __FILE__, __LINE__));
    }
    std::cout << "live: " << n - skipped << " scenarios to run, " << skipped << " skipped\n";
    ut::framework::master_test_suite().add(suite);
}

bool register_all() {
    ut::framework::master_test_suite().p_name.value = "conformance";
    register_double(loki_version::v2_9, "double_2_9");
    register_double(loki_version::v3, "double_3");
    if (const char* url = std::getenv("LOKISHIP_LIVE_LOKI"); url && *url)
        register_live(url);
    return true;
}

} // namespace

int main(int argc, char** argv) try {
    return ut::unit_test_main(register_all, argc, argv);
} catch (const std::exception& e) {
    std::cerr << "conformance: " << e.what() << '\n';
    return 1;
}
