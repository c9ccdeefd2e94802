// Replacing secrets again changes nothing, and leaves UTF-8 what was.
#include "fuzz.hpp"

#include <lokiship/text/redactor.hpp>
#include <lokiship/text/utf8.hpp>

#include <string>

using namespace lokiship;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const text::redactor redact;
    const std::string before(fuzz::view(data, size));
    std::string once = before;
    const bool replaced = redact(once);
    require(replaced || once == before, "what is not replaced stays");
    require(once.size() <= before.size() * text::redactor::marker.size(), "a secret has a byte at least");
    require(!text::is_valid_utf8(before) || text::is_valid_utf8(once), "no code point is cut", once);
    std::string twice = once;
    redact(twice);
    require(twice == once, "doing it again changes nothing", once + " / " + twice);
    return 0;
}
