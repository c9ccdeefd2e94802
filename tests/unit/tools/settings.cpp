#include "tools/settings_call.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

BOOST_AUTO_TEST_SUITE(settings)

using namespace lokiship::tools;

BOOST_AUTO_TEST_CASE(a_dotenv_that_is_there_must_be_readable) {
    call c;
    c.unreadable = ".env";
    BOOST_TEST(c.message().code == 2);
    BOOST_TEST(c.message().text == ".env: cannot be read");
}

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

BOOST_AUTO_TEST_CASE(no_message_quotes_a_password) {
    const call table[] = {
        {{"--loki", "me:geheim@h"}, {}, {}},
        {{"--loki", "http://me:ge/geheim@h"}, {}, {}},
        {{"http://me:geheim@h"}, {}, {}},
        {{"--lokki=http://me:geheim@h"}, {}, {}},
        {{"--once=http://me:geheim@h"}, {}, {}},
        {{"--loki", "http://me:geheim@h", "--loki", "http://me:geheim@h"}, {}, {}},
        {{"--batch-size", "http://me:geheim@h"}, {}, {}},
        {{}, {{"LOKI_URL", "me:geheim@h"}}, {}},
        {{}, {{"LOKI_URL", "http://me:1/geheim@h?x"}}, {}},
        {{"--print-config"}, {{"LOKI_URL", "http://me:1/geheim@h"}}, {}},
        {{}, {}, {{".env", "LOKI_URL=me:geheim@h"}}},
        {{"--config", "c"}, {}, {{"c", "loki = 'me:geheim@h'"}}},
        {{"--config", "c"}, {}, {{"c", "loki = geheim"}}},
        {{"--config", "c"}, {}, {{"c", "loki = tgeheim"}}},
        {{"--config", "c"}, {}, {{"c", "loki = fgeheim"}}},
        {{"--config", "c"}, {}, {{"c", "loki = igeheim"}}},
        {{"--config", "c"}, {}, {{"c", "loki = 1geheim"}}},
        {{"--config", "c"}, {}, {{"c", "loki = \"geheim\\q\""}}},
        {{"--config", "c"}, {}, {{"c", "loki = 'geheim'\nloki = 'geheim'"}}},
    };
    for (const auto& t : table) {
        const auto m = t.message();
        BOOST_TEST(m.text.find("geheim") == std::string::npos, m.text);
        BOOST_TEST(m.text.find("eheim") == std::string::npos, m.text);
    }
}

BOOST_AUTO_TEST_CASE(a_printed_config_with_a_password_leaves_that_line_to_the_reader) {
    const auto printed = call{{"--print-config"}, {{"LOKI_URL", "http://me:geheim@h"}}, {}}.message();
    // Read again, the mask must not become the password.
    const call again{{"--config", "c"}, {}, {{"c", printed.text}}};
    BOOST_TEST(again.get("loki").origin == "default");
}

BOOST_AUTO_TEST_CASE(messages_and_comments_are_safe_for_a_terminal) {
    const call table[] = {
        {{"x\x1b\n"}, {}, {}},
        {{"--once=\x1b"}, {}, {}},
        {{"--config", "a\x1b\nb"}, {}, {{"a\x1b\nb", "x = = 1"}}},
        {{"--config", "a\x1b\nb"}, {}, {{"a\x1b\nb", "x = 1"}}},
        {{"--config", "c"}, {}, {{"c", "\"x\\u001b\\n\" = 1"}}},
        {{"--config", "a\x1b\nb"}, {}, {{"a\x1b\nb", "batch-size = 0"}}},
    };
    for (const auto& t : table) {
        const auto m = t.message();
        BOOST_TEST(m.code == 2);
        BOOST_TEST(m.text.find_first_of("\x1b\n") == std::string::npos, m.text);
    }
    const auto printed =
        call{{"--print-config", "--config", "a\nonce = true"}, {}, {{"a\nonce = true", "batch-size = 1"}}}
            .message();
    BOOST_TEST((call{{"--config", "c"}, {}, {{"c", printed.text}}}.get("once").text) == "false");
}

BOOST_AUTO_TEST_CASE(a_flag_can_be_taken_back) {
    BOOST_TEST((call{{"--once=false"}, {{"LOKISHIP_ONCE", "true"}}, {}}.get("once").text) == "false");
    BOOST_TEST((call{{"--once"}, {{"LOKISHIP_ONCE", "false"}}, {}}.get("once").text) == "true");
    BOOST_TEST((call{{"--once", "--once"}, {}, {}}.get("once").text) == "true");
    BOOST_TEST((call{{}, {{"LOKISHIP_ONCE", "1"}}, {}}.message().text) ==
               "LOKISHIP_ONCE (environment): '1' is not true or false");
}

BOOST_AUTO_TEST_CASE(a_flag_that_is_on_by_default_can_be_turned_off_everywhere) {
    const auto on = [](const call& c) { return c.all().flag("colour"); };
    BOOST_TEST(on(with_more({})));
    BOOST_TEST(!on(with_more({"--no-colour"})));
    BOOST_TEST(!on(with_more({"--colour=false"})));
    BOOST_TEST(!on(with_more({}, {{"LOKISHIP_COLOUR", "false"}})));
    BOOST_TEST(!on(with_more({"--config", "c"}, {}, {{"c", "colour = false"}})));
    BOOST_TEST(on(with_more({"--colour"}, {{"LOKISHIP_COLOUR", "false"}})));
    BOOST_TEST(!on(with_more({"--no-colour"}, {{"LOKISHIP_COLOUR", "true"}})));
    BOOST_TEST(with_more({"--help"}).message().text.find("--no-colour") != std::string::npos);
    // A flag that is off anyway has no such option.
    BOOST_TEST((call{{"--no-once"}, {}, {}}.message().code) == 2);
}

BOOST_AUTO_TEST_CASE(the_config_file_is_a_setting_too) {
    const std::map<std::string, std::string> files{
        {"a", "batch-size = 1"}, {"b", "batch-size = 2"}, {".env", "LOKISHIP_CONFIG=b"}};
    BOOST_TEST((call{{}, {}, files}.get("batch-size").origin) == "b:1 batch-size");
    BOOST_TEST((call{{}, {{"LOKISHIP_CONFIG", "a"}}, files}.get("batch-size").origin) == "a:1 batch-size");
    BOOST_TEST((call{{"--config=b"}, {{"LOKISHIP_CONFIG", "a"}}, files}.get("batch-size").origin) ==
               "b:1 batch-size");
    BOOST_TEST((call{{}, {{"LOKISHIP_CONFIG", "none"}}, files}.message().text) ==
               "LOKISHIP_CONFIG (environment): 'none' cannot be read");
    BOOST_TEST((call{{"--config", ""}, {}, {}}.message().text) == "--config: '' cannot be read");
}

BOOST_AUTO_TEST_CASE(the_last_line_of_dotenv_counts) {
    const call c{{}, {}, {{".env", "LOKI_URL=http://a\nLOKI_URL="}}};
    BOOST_TEST(c.get("loki").origin == "default");
}

BOOST_AUTO_TEST_CASE(takes_every_edge) {
    const struct {
        std::string_view name;
        std::string text;
    } table[] = {{"batch-size", "1"},     {"batch-size", "100"},         {"poll-interval", "100ms"},
                 {"poll-interval", "1d"}, {"poll-interval", "24h"},      {"progress", "auto"},
                 {"progress", "never"},   {"loki", "http://[::1]:3100"}, {"loki", "http://loki_tst:3100"}};
    for (const auto& t : table) {
        const std::string flag = "--" + std::string(t.name);
        BOOST_TEST((call{{flag, t.text}, {}, {}}.get(t.name).text) == t.text);
        BOOST_TEST((call{{flag + '=' + t.text}, {}, {}}.get(t.name).text) == t.text);
    }
}

BOOST_AUTO_TEST_CASE(a_directory_is_no_file) {
    char program[] = "tool";
    char* arguments[] = {program, nullptr};
    const auto around = real_surroundings(1, arguments);
    BOOST_TEST(around.arguments.empty());
    BOOST_TEST(!around.read_file("/").has_value());
    BOOST_TEST(!around.read_file("/nowhere/at/all").has_value());
    BOOST_TEST(around.read_file("/dev/null").value_or("none") == "");
}

BOOST_AUTO_TEST_CASE(each_pair_of_layers) {
    const std::vector<std::string> by_rank{"--batch-size", "LOKISHIP_BATCH_SIZE (environment)",
                                           ".env:1 LOKISHIP_BATCH_SIZE", "c:1 batch-size", "default"};
    for (unsigned set = 0; set != 16; ++set) {
        call c;
        if (set & 1)
            c.arguments = {"--batch-size", "1"};
        if (set & 2)
            c.environment["LOKISHIP_BATCH_SIZE"] = "2";
        if (set & 4)
            c.files[".env"] = "LOKISHIP_BATCH_SIZE=3";
        if (set & 8) {
            c.arguments.insert(c.arguments.end(), {"--config", "c"});
            c.files["c"] = "batch-size = 4";
        }
        std::size_t rank = 0;
        while (rank != 4 && !(set >> rank & 1))
            ++rank;
        BOOST_TEST(c.get("batch-size").origin == by_rank[rank]);
        BOOST_TEST(c.get("batch-size").text == (rank == 4 ? "10" : std::to_string(rank + 1)));
    }
}

BOOST_AUTO_TEST_SUITE_END()
