// What a timestamp is read as is written, read and shifted without a nanosecond lost.
#include "fuzz.hpp"

#include <lokiship/text/timestamp.hpp>

#include <chrono>
#include <cstring>
#include <string>

using namespace lokiship;
using namespace std::chrono_literals;
using fuzz::require;

namespace {

void check_saturation(timestamp t, std::chrono::nanoseconds d) {
    const auto sum = text::saturating_add(t, d);
    require(d.count() < 0 ? sum <= t : sum >= t, "adding goes in its direction");
    if (sum != timestamp::min() && sum != timestamp::max())
        require(sum - t == d, "adding is exact within the range");
}

/// A text that has no offset gets one.
void check_offset(const std::string& naive) {
    const auto utc = text::parse_timestamp(naive + 'Z'), east = text::parse_timestamp(naive + "+01:30"),
               west = text::parse_timestamp(naive + "-01:30");
    if (!utc || !text::parse_timestamp(naive))
        return;
    require(*text::parse_timestamp(naive) == *utc, "without an offset it is UTC");
    if (east)
        require(*utc - *east == 90min, "an offset to the east makes it earlier");
    if (west)
        require(*west - *utc == 90min, "an offset to the west makes it later");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::view(data, size);
    const auto t = text::parse_timestamp(text);
    if (t) {
        const auto written = text::format_rfc3339(*t);
        require(written.size() == 30, "it is written in thirty characters", written);
        const auto again = text::parse_timestamp(written);
        require(again.has_value() && *again == *t, "what is written is read", written);
    } else {
        const auto code = t.error().code;
        require(code == errc::invalid_timestamp || code == errc::timestamp_out_of_range,
                "an error is one of two");
        require(t.error().message.size() < 600, "a message is short");
    }
    check_offset(std::string(text));
    if (size >= 16) {
        std::int64_t numbers[2];
        std::memcpy(numbers, data, sizeof numbers);
        const auto any = text::from_unix_nanoseconds(numbers[0]);
        const auto read = text::parse_timestamp(text::format_rfc3339(any));
        require(read.has_value() && *read == any, "any time is written and read");
        check_saturation(any, std::chrono::nanoseconds(numbers[1]));
    }
    return 0;
}
