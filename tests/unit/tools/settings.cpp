#include "common/settings.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace lokiship::tools;

namespace {

std::vector<setting> some() {
    return {url_setting("loki", "LOKI_URL", "http://localhost:3100", "Loki"),
            count_setting("batch-size", 1, 100, "10", "Size"),
            duration_setting("poll-interval", "100ms", "1d", "30s", "Interval"),
            choice_setting("progress", {"auto", "never"}, "auto", "Bar"), flag_setting("once", "Once")};
}

struct call {
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::string> files;

    std::variant<values, exit_message> operator()() const {
        const auto in = [](const auto& table) {
            return [&table](const std::string& key) -> std::optional<std::string> {
                const auto at = table.find(key);
                return at == table.end() ? std::nullopt : std::optional(at->second);
            };
        };
        return resolve("tool", "Does it.", some(), {arguments, in(environment), in(files)});
    }
    value get(std::string_view name) const {
        const auto r = (*this)();
        if (const auto* m = std::get_if<exit_message>(&r))
            BOOST_TEST_REQUIRE(false, m->text);
        return std::get<values>(r).find(name)->second;
    }
    exit_message message() const {
        const auto r = (*this)();
        BOOST_TEST_REQUIRE(std::holds_alternative<exit_message>(r));
        return std::get<exit_message>(r);
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(settings)

BOOST_AUTO_TEST_CASE(each_layer_beats_the_next) {
    call c;
    BOOST_TEST(c.get("loki").text == "http://localhost:3100");
    BOOST_TEST(c.get("loki").origin == "default");
    c.arguments = {"--config", "c.toml"};
    c.files["c.toml"] = "# x\nloki = \"http://config\"\nbatch_size = 7\nonce = true\n";
    BOOST_TEST(c.get("loki").text == "http://config");
    BOOST_TEST(c.get("loki").origin == "c.toml:2 loki");
    BOOST_TEST(c.get("batch-size").text == "7");
    BOOST_TEST(c.get("once").text == "true");
    c.files[".env"] = "OTHER=1\nLOKI_URL=http://first\nLOKI_URL=http://dotenv\nLOKISHIP_BATCH_SIZE=8";
    BOOST_TEST(c.get("loki").text == "http://dotenv");
    BOOST_TEST(c.get("loki").origin == ".env:3 LOKI_URL");
    BOOST_TEST(c.get("batch-size").text == "8");
    c.environment["LOKI_URL"] = "http://environment";
    BOOST_TEST(c.get("loki").text == "http://environment");
    BOOST_TEST(c.get("loki").origin == "LOKI_URL (environment)");
    c.arguments.push_back("--loki=http://flag");
    BOOST_TEST(c.get("loki").text == "http://flag");
    BOOST_TEST(c.get("loki").origin == "--loki");
    c.arguments.pop_back();
    c.environment["LOKI_URL"] = ""; // empty is not set
    BOOST_TEST(c.get("loki").text == "http://dotenv");
}

BOOST_AUTO_TEST_CASE(a_bad_value_is_named_with_its_origin) {
    const struct {
        call c;
        std::string_view message;
    } table[] = {
        {{{"--batch-size", "0"}, {}, {}}, "--batch-size: '0' is not a whole number from 1 to 100"},
        {{{"--batch-size", "101"}, {}, {}}, "--batch-size: '101' is not a whole number from 1 to 100"},
        {{{"--batch-size=-1"}, {}, {}}, "--batch-size: '-1' is not a whole number from 1 to 100"},
        {{{"--batch-size", "1e2"}, {}, {}}, "--batch-size: '1e2' is not a whole number from 1 to 100"},
        {{{"--poll-interval", "30"}, {}, {}},
         "--poll-interval: '30' is not a duration from 100ms to 1d, such as 500ms, 30s, 5m, 2h or 1d"},
        {{{"--poll-interval", "99ms"}, {}, {}},
         "--poll-interval: '99ms' is not a duration from 100ms to 1d, such as 500ms, 30s, 5m, 2h or 1d"},
        {{{"--progress", "x\x1b"}, {}, {}}, "--progress: 'x\\x1b' is not one of auto|never"},
        {{{"--loki", "loki:3100"}, {}, {}},
         "--loki: 'loki:3100' has no scheme; expected http://HOST[:PORT][/PATH] or https://…"},
        {{{"--loki", "https://h"}, {}, {}},
         "--loki: 'https://h' has the scheme 'https', which this version does not support; expected "
         "http://HOST[:PORT][/PATH]"},
        {{{}, {{"LOKI_URL", "ftp://h"}}, {}},
         "LOKI_URL (environment): 'ftp://h' has the scheme 'ftp'; expected http://HOST[:PORT][/PATH] or "
         "https://…"},
        {{{}, {}, {{".env", "\nLOKI_URL=h"}}},
         ".env:2 LOKI_URL: 'h' has no scheme; expected http://HOST[:PORT][/PATH] or https://…"},
        {{{}, {}, {{".env", "x"}}}, ".env:1: expected NAME=value"},
        {{{"--config", "none"}, {}, {}}, "--config: 'none' cannot be read"},
        {{{"--config", "c"}, {}, {{"c", "\nlokki = 1"}}}, "c:2 lokki: is no setting of this tool"},
        {{{"--config", "c"}, {}, {{"c", "loki = [1]"}}},
         "c:1 loki: must be a string, a whole number or a boolean"},
        {{{"--config", "c"}, {}, {{"c", "batch-size = 1\nbatch_size = 2"}}},
         "c:2 batch_size: is given twice"},
    };
    for (const auto& t : table) {
        const auto m = t.c.message();
        BOOST_TEST(m.code == 2);
        BOOST_TEST(m.text == t.message);
    }
    for (const auto& arguments :
         std::vector<std::vector<std::string>>{{"--nope"}, {"extra"}, {"--loki"}, {"--once=x"}})
        BOOST_TEST((call{arguments, {}, {}}.message().code) == 2);
    BOOST_TEST((call{{"--config", "c"}, {}, {{"c", "a = = 1"}}}.message().text.find("c:1: ")) == 0u);
}

BOOST_AUTO_TEST_CASE(a_password_is_shown_nowhere) {
    const std::string url = "http://me:geheim@h:3100";
    const auto on_command_line = call{{"--loki", url}, {}, {}}.message();
    BOOST_TEST(on_command_line.code == 2);
    BOOST_TEST(on_command_line.text.find("geheim") == std::string::npos);
    BOOST_TEST((call{{}, {{"LOKI_URL", url}}, {}}.get("loki").text) == url);
    const auto printed = call{{"--print-config"}, {{"LOKI_URL", url}}, {}}.message();
    BOOST_TEST(printed.code == 0);
    BOOST_TEST(printed.text.find("geheim") == std::string::npos);
    BOOST_TEST(printed.text.find("http://me:****@h:3100") != std::string::npos, printed.text);
    for (const char* bad : {"ftp://me:geheim@h", "http://me:geheim@h:x"})
        BOOST_TEST((call{{}, {{"LOKI_URL", bad}}, {}}.message().text.find("geheim")) == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_printed_config_can_be_read_again) {
    const auto printed = call{{"--print-config", "--batch-size", "42", "--once"}, {}, {}}.message();
    BOOST_TEST(printed.text ==
                   "loki = 'http://localhost:3100' # default\nbatch-size = '42' # --batch-size\n"
                   "poll-interval = '30s' # default\nprogress = 'auto' # default\nonce = true # --once\n",
               printed.text);
    const call again{{"--config", "c"}, {}, {{"c", printed.text}}};
    BOOST_TEST(again.get("batch-size").text == "42");
    BOOST_TEST(again.get("once").text == "true");
}

BOOST_AUTO_TEST_CASE(help_and_version) {
    const auto help = call{{"--help"}, {}, {}}.message();
    BOOST_TEST(help.code == 0);
    for (const char* part : {"Does it.", "--loki URL", "(default http://localhost:3100)", "[LOKI_URL]",
                             "[LOKISHIP_BATCH_SIZE]", "--config"})
        BOOST_TEST(help.text.find(part) != std::string::npos, part);
    BOOST_TEST((call{{"--version"}, {}, {}}.message().text.find("tool " LOKISHIP_VERSION_STRING)) == 0u);
}

BOOST_AUTO_TEST_CASE(durations_are_exact) {
    using namespace std::chrono_literals;
    BOOST_TEST((parse_duration("500ms") == 500ms));
    BOOST_TEST((parse_duration("0s") == 0s));
    BOOST_TEST((parse_duration("2h") == 2h));
    BOOST_TEST((parse_duration("7d") == 168h));
    for (const char* bad : {"", "s", "5", "5 s", "-5s", "1.5s", "5S", "106752d", "99999999999999999999s"})
        BOOST_TEST(!parse_duration(bad).has_value(), bad);
}

BOOST_AUTO_TEST_SUITE_END()
