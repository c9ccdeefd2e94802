// A config file gives settings or a message; what `--print-config` shows of it is read as the same.
#include "common/settings.hpp"
#include "fuzz.hpp"

#include <lokiship/text/utf8.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

using namespace lokiship;
using fuzz::require;

namespace {

/// One of each kind.
std::vector<tools::setting> settings() {
    return {tools::url_setting("loki", "LOKI_URL", "http://localhost:3100", "Loki"),
            tools::count_setting("batch-size", 1, 100, "10", "Size"),
            tools::duration_setting("poll-interval", "100ms", "1d", "30s", "Interval"),
            tools::choice_setting("progress", {"auto", "never"}, "auto", "Bar"),
            tools::flag_setting("once", "Once"),
            tools::flag_setting("colour", "In colour", true),
            tools::list_setting("server-id", "ID", "Servers"),
            tools::list_setting("pattern", "RE", "Patterns", {}, {}, '\n'),
            tools::time_setting("since", "Not older than this"),
            tools::size_setting("cache", "1MB", "1TB", "off", "Cache", true),
            tools::text_setting("tenant", "ID", "", "Tenant"),
            tools::secret_setting("loki-password", "LOKI_PASSWORD")};
}

std::variant<tools::values, tools::exit_message> resolve(std::string_view config, bool print) {
    std::vector<std::string> arguments{"--config", "c"};
    if (print)
        arguments.push_back("--print-config");
    const auto read = [config](const std::string& path) {
        return path == "c" ? std::optional<std::string>(config) : std::nullopt;
    };
    return tools::resolve("tool", "Does it.", settings(),
                          {arguments, [](const std::string&) { return std::optional<std::string>(); }, read,
                           [](const std::string&) { return false; }});
}

void check_message(const tools::exit_message& m) {
    require(m.code == 2, "a bad config is wrong use");
    require(!m.text.empty() && text::is_valid_utf8(m.text), "a message is UTF-8", m.text);
    require(std::none_of(m.text.begin(), m.text.end(),
                         [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }),
            "a message is of one line", m.text);
}

/// Using them gives what their checks promised.
void use(const tools::values& v) {
    require(v.count("batch-size") >= 1 && v.count("batch-size") <= 100, "a count is within its limits");
    require(v.duration("poll-interval") <= std::chrono::hours(24), "a duration is within its limits");
    require(v.size("cache") <= 1'000'000'000'000, "a size is within its limits");
    v.time("since", timestamp(std::chrono::seconds(1'700'000'000)));
    for (const auto& e : v.list("server-id"))
        require(!e.empty(), "a list has no empty element");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::view(data, size);
    const auto resolved = resolve(text, false);
    if (const auto* m = std::get_if<tools::exit_message>(&resolved)) {
        check_message(*m);
        return 0;
    }
    const auto& values = std::get<tools::values>(resolved);
    use(values);
    const auto printed = std::get<tools::exit_message>(resolve(text, true));
    require(printed.code == 0 && text::is_valid_utf8(printed.text), "settings are printed", printed.text);
    const auto again = resolve(printed.text, false);
    require(std::holds_alternative<tools::values>(again), "what is printed is read", printed.text);
    for (const auto& s : settings()) {
        const std::string& before = values.text(s.name);
        // A password is not printed.
        if (tools::shown(s, before) != before)
            continue;
        // Of a list the elements count: a blank behind a comma is none.
        const auto& read = std::get<tools::values>(again);
        require(s.list ? read.list(s.name) == values.list(s.name) : read.text(s.name) == before,
                "what is printed is read as the same", printed.text);
    }
    return 0;
}
