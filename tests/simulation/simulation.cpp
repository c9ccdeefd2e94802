// Worlds that follow from a seed. LOKISHIP_SEEDS: how many; LOKISHIP_SEED: this one alone, telling what
// happens.
#include "backfill_world.hpp"
#include "shipper_world.hpp"

#include <cstdlib>
#include <initializer_list>
#include <string>

using namespace lokiship::testing;

namespace {

unsigned number(const char* name, unsigned otherwise) {
    const char* const given = std::getenv(name);
    return given ? static_cast<unsigned>(std::stoul(given)) : otherwise;
}

template <class World>
void run(unsigned seed, bool tell = false) {
    BOOST_TEST_CONTEXT("seed " << seed)
    World(seed, tell).run();
}
/// `failed_before`: those in which something was wrong once.
template <class World>
void run_all(std::initializer_list<unsigned> failed_before) {
    if (const unsigned seed = number("LOKISHIP_SEED", 0); seed != 0)
        return run<World>(seed, true);
    for (const unsigned seed : failed_before)
        run<World>(seed);
    const unsigned first = number("LOKISHIP_FIRST_SEED", 1);
    for (unsigned n = number("LOKISHIP_SEEDS", 15); n != 0; --n)
        run<World>(first + n - 1);
}

} // namespace

BOOST_AUTO_TEST_SUITE(simulation)

BOOST_AUTO_TEST_CASE(shipd) {
    run_all<shipper_world>({50, 80, 84, 86, 96, 1989, 2194, 16683, 19839, 66839, 230488});
}

BOOST_AUTO_TEST_CASE(backfill) {
    run_all<backfill_world>(
        {66, 22519, 22597, 22640, 200145, 400080, 24, 60, 72, 84, 252, 780, 1776, 1968, 2388});
}

BOOST_AUTO_TEST_SUITE_END()
