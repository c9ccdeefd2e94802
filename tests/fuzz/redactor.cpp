// Replacing secrets again changes nothing, and leaves UTF-8 what was; no trigger of a shape is there without
// its literals.
#include "fuzz.hpp"

#include <lokiship/text/redactor.hpp>
#include <lokiship/text/utf8.hpp>

#include <memory>
#include <string>
#include <vector>

using namespace lokiship;
using fuzz::require;

namespace {

/// The trigger of a shape, and what looks for its literals.
struct trigger {
    explicit trigger(const text::detail::secret_shape& s)
        : pattern(std::make_unique<RE2>(s.trigger, RE2::Latin1)) {
        for (const auto& l : s.literals)
            literals.add(l);
    }
    std::unique_ptr<RE2> pattern;
    text::detail::literal_filter literals;
};

const std::vector<trigger>& triggers() {
    static const auto all = [] {
        std::vector<trigger> out;
        for (const auto& s : text::detail::well_known_shapes())
            out.emplace_back(s);
        return out;
    }();
    return all;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const text::redactor redact;
    const std::string before(fuzz::view(data, size));
    for (const auto& t : triggers())
        require(t.literals.may_find(before) || !RE2::PartialMatch(before, *t.pattern),
                "a trigger has a literal", t.pattern->pattern());
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
