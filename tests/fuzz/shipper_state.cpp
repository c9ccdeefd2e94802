// A state that is read is written and read as the same. The input is a whole file, or what is in one.
#include "fuzz.hpp"

#include <lokiship/ship/shipper_state.hpp>

#include <string>

using namespace lokiship;
using fuzz::require;

namespace {

void check(std::string_view text) {
    const auto state = ship::parse_state(text);
    if (!state) {
        require(state.error().code == errc::unusable_state, "an error is one of the state");
        return;
    }
    const auto written = ship::to_text(*state);
    const auto again = ship::parse_state(written);
    require(again.has_value() && *again == *state, "what is written is read as the same", written);
    require(ship::to_text(*again) == written, "and written as the same", written);
    // What a shipper makes of it, at a time of its own.
    for (const auto& s : state->streams) {
        const auto known =
            s.acknowledged.memory(timestamp(std::chrono::seconds(1'700'000'000)), steady_time());
        require(known.at <= steady_time(), "nothing was acknowledged later than now");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::view(data, size);
    check(text);
    const std::string_view content[] = {text};
    check(ship::detail::seal(ship::detail::state_kind, content) += text);
    return 0;
}
