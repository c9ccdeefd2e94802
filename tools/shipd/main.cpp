#include "common/program.hpp"
#include "shipd/check.hpp"
#include "shipd/daemon.hpp"
#include "shipd/options.hpp"

using namespace lokiship;

int main(int argc, char** argv) {
    return tools::run_program("shipd", tools::shipd_description, tools::shipd_settings(), argc, argv,
                              [](const tools::values& v, const std::function<tools::values()>& again) {
                                  return v.flag("check") ? tools::check(v) : tools::daemon(v, again).run();
                              });
}
