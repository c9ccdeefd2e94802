#include "common/settings.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace lokiship::tools;

namespace {

std::vector<setting> some() {
    return {url_setting("loki", "LOKI_URL", "http://localhost:3100", "Loki"),
            count_setting("batch-size", 1, 100, "10", "Size"),
            duration_setting("poll-interval", "100ms", "1d", "30s", "Interval"),
            choice_setting("progress", {"auto", "never"}, "auto", "Bar"), flag_setting("once", "Once")};
}

std::vector<setting> more() {
    const auto lower_case = [](const std::string& text) -> std::optional<std::string> {
        return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == text.npos
                   ? std::nullopt
                   : std::optional<std::string>("is not in lower case");
    };
    return {list_setting("server-id", "ID", "Servers"), list_setting("word", "WORD", "Words", lower_case),
            time_setting("since", "Not older than this"),
            size_setting("max-bytes", "1KiB", "1GiB", "64MiB", "Most"),
            size_setting("cache", "1MB", "1TB", "off", "Cache", true)};
}

struct call {
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::map<std::string, std::string> files;
    std::string unreadable{};
    std::vector<setting> (*settings)() = some;

    std::variant<values, exit_message> operator()() const {
        const auto in = [](const auto& table) {
            return [&table](const std::string& key) -> std::optional<std::string> {
                const auto at = table.find(key);
                return at == table.end() ? std::nullopt : std::optional(at->second);
            };
        };
        const auto exists = [this](const std::string& name) {
            return files.contains(name) || name == unreadable;
        };
        return resolve("tool", "Does it.", settings(), {arguments, in(environment), in(files), exists});
    }
    values all() const {
        auto r = (*this)();
        if (const auto* m = std::get_if<exit_message>(&r))
            BOOST_TEST_REQUIRE(false, m->text);
        return std::get<values>(std::move(r));
    }
    value get(std::string_view name) const { return all().find(name)->second; }
    exit_message message() const {
        const auto r = (*this)();
        BOOST_TEST_REQUIRE(std::holds_alternative<exit_message>(r));
        return std::get<exit_message>(r);
    }
};

call with_more(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {},
               std::map<std::string, std::string> files = {}) {
    return {std::move(arguments), std::move(environment), std::move(files), {}, more};
}

} // namespace

BOOST_AUTO_TEST_SUITE(settings)

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

BOOST_AUTO_TEST_CASE(durations_are_exact) {
    using namespace std::chrono_literals;
    BOOST_TEST((parse_duration("500ms") == 500ms));
    BOOST_TEST((parse_duration("0s") == 0s));
    BOOST_TEST((parse_duration("2h") == 2h));
    BOOST_TEST((parse_duration("7d") == 168h));
    for (const char* bad : {"", "s", "5", "5 s", "-5s", "1.5s", "5S", "106752d", "99999999999999999999s"})
        BOOST_TEST(!parse_duration(bad).has_value(), bad);
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

BOOST_AUTO_TEST_CASE(a_list_can_be_given_everywhere) {
    const auto ids = [](const call& c) { return c.all().list("server-id"); };
    using list = std::vector<std::string>;
    BOOST_TEST(ids(with_more({})) == list{});
    BOOST_TEST(ids(with_more({"--server-id", "A", "--server-id=B"})) == (list{"A", "B"}),
               boost::test_tools::per_element());
    const std::map<std::string, std::string> file{{"c", "server_id = ['A', \"B b\", 3]\n"}};
    const struct {
        call c;
        list expected;
    } table[] = {
        {with_more({"--server-id", "A, B ,C", "--server-id", "D"}), {"A", "B", "C", "D"}},
        {with_more({"--server-id", "[A]", "--server-id", "{}"}), {"[A]", "{}"}},
        {with_more({}, {{"LOKISHIP_SERVER_ID", "A,B"}}), {"A", "B"}},
        {with_more({}, {}, {{".env", "LOKISHIP_SERVER_ID='A, B'"}}), {"A", "B"}},
        {with_more({"--config", "c"}, {}, file), {"A", "B b", "3"}},
        {with_more({"--config", "c"}, {}, {{"c", "server-id = 'A,B'"}}), {"A", "B"}},
        {with_more({"--config", "c"}, {}, {{"c", "server-id = []"}}), {}},
        {with_more({"--config", "c", "--server-id", "X"}, {}, file), {"X"}},
        // Taken back.
        {with_more({"--config", "c", "--server-id", ""}, {}, file), {}},
    };
    for (const auto& t : table)
        BOOST_TEST(ids(t.c) == t.expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_bad_list_is_named_with_its_element) {
    const struct {
        call c;
        std::string_view message;
    } table[] = {
        {with_more({"--server-id", "A,,B"}), "--server-id: 'A,,B' has an empty element"},
        {with_more({"--server-id", "A", "--server-id", " "}), "--server-id: 'A, ' has an empty element"},
        {with_more({}, {{"LOKISHIP_SERVER_ID", "A,"}}),
         "LOKISHIP_SERVER_ID (environment): 'A,' has an empty element"},
        {with_more({"--word", "X"}), "--word: 'X' is not in lower case"},
        {with_more({"--word", "a", "--word", "\x1b"}),
         "--word: 'a,\\x1b' has the element '\\x1b', which is not in lower case"},
        {with_more({"--config", "c"}, {}, {{"c", "word = [['a']]"}}),
         "c:1 word: must be a string or an array of strings"},
        {with_more({"--config", "c"}, {}, {{"c", "word = 1.5"}}),
         "c:1 word: must be a string or an array of strings"},
        {with_more({"--config", "c"}, {}, {{"c", "\nword = [\n'a', 'B']"}}),
         "c:2 word: 'a,B' has the element 'B', which is not in lower case"},
    };
    for (const auto& t : table) {
        const auto m = t.c.message();
        BOOST_TEST(m.code == 2);
        BOOST_TEST(m.text == t.message);
    }
    BOOST_TEST(with_more({"--server-id", "A", "B"}).message().code == 2);
    BOOST_TEST(with_more({"--server-id"}).message().code == 2);
    for (const char* secret : {"a,b,http://me:geheim@h", "http://me:geheim@h/,http://me:geheim@h/,X"}) {
        const auto m = with_more({"--word", secret}).message();
        BOOST_TEST(m.text.find("geheim") == std::string::npos, m.text);
    }
}

BOOST_AUTO_TEST_CASE(times_are_absolute_or_so_long_ago) {
    using namespace std::chrono_literals;
    const auto day = [](unsigned d) {
        return lokiship::timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / std::chrono::day(d)));
    };
    const auto now = day(24) + 12h;
    const struct {
        std::string text;
        lokiship::timestamp expected;
    } table[] = {{"2026-11-01", day(1)},
                 {"2026-11-01T00:00:00Z", day(1)},
                 {"2026-11-01t00:00:00z", day(1)},
                 {"2026-11-01 01:30:00.25+01:30", day(1) + 250ms},
                 {"7d", day(17) + 12h},
                 {"36h", day(23)},
                 {"0s", now}};
    for (const auto& t : table) {
        BOOST_CHECK_MESSAGE(with_more({"--since", t.text}).all().time("since", now) == t.expected, t.text);
        BOOST_CHECK_MESSAGE(
            with_more({"--config", "c"}, {}, {{"c", "since = '" + t.text + "'"}}).all().time("since", now) ==
                t.expected,
            t.text);
    }
    // TOML has times of its own.
    for (const std::string text : {"2026-11-01", "2026-11-01T00:00:00Z", "2026-11-01T02:00:00+02:00"})
        BOOST_CHECK(with_more({"--config", "c"}, {}, {{"c", "since = " + text}}).all().time("since", now) ==
                    day(1));
    BOOST_CHECK(!with_more({}).all().time("since", now).has_value());
    BOOST_CHECK(!with_more({"--since", ""}, {{"LOKISHIP_SINCE", "7d"}}).all().time("since", now).has_value());
    BOOST_CHECK(parse_time("106751d", lokiship::timestamp(0ns) - 1000h) == lokiship::timestamp::min());

    for (const std::string bad : {"7",
                                  "d",
                                  "-7d",
                                  "off",
                                  "yesterday",
                                  "2026-11-31",
                                  "2026-13-01",
                                  "2026-11-01T25:00:00Z",
                                  "2026-11-01T00:00:00",
                                  "2026-11-01T00:00Z",
                                  "2026-11-01x00:00:00Z",
                                  "2026-11-01T00:00:00.Z",
                                  "2026-11-01T00:00:00+1",
                                  "2026-11-0",
                                  "2026-11-01T00:00:00+01:00:00",
                                  "1600-01-01",
                                  "2026-11-01T00:00:00.1234567890Z",
                                  "02026-11-01T00:00:00Z",
                                  " 7d",
                                  "2026-11-01T00:00:00Z "})
        BOOST_TEST(
            with_more({"--since", bad}).message().text ==
            "--since: '" + bad +
                "' is neither a time, such as 2026-11-01T00:00:00Z or 2026-11-01, nor so long ago, such as "
                "36h or 7d");
}

BOOST_AUTO_TEST_CASE(sizes_have_units) {
    const struct {
        std::string_view text;
        std::uint64_t expected;
    } table[] = {{"0", 0},
                 {"17", 17},
                 {"17B", 17},
                 {"500kB", 500'000},
                 {"500KB", 500'000},
                 {"2MB", 2'000'000},
                 {"3GB", 3'000'000'000},
                 {"1TB", 1'000'000'000'000},
                 {"1KiB", 1024},
                 {"64MiB", 64u << 20},
                 {"1GiB", 1u << 30},
                 {"1TiB", std::uint64_t(1) << 40},
                 {"off", 0},
                 {"18446744073709551615", UINT64_MAX}};
    for (const auto& t : table)
        BOOST_TEST((parse_size(t.text) == t.expected), t.text);
    for (const char* bad : {"", "MB", "1.5MB", "-1", "1 MB", "1mb", "1Mib", "1M", "18446744073709551616",
                            "18446744073709551615KB", "16777216TiB"})
        BOOST_TEST(!parse_size(bad).has_value(), bad);

    BOOST_TEST(with_more({}).all().size("max-bytes") == 64u << 20);
    BOOST_TEST(with_more({}).all().size("cache") == 0u);
    BOOST_TEST(with_more({"--max-bytes", "1KiB", "--cache=1TB"}).all().size("max-bytes") == 1024u);
    BOOST_TEST(with_more({"--config", "c"}, {}, {{"c", "max-bytes = 5000"}}).all().size("max-bytes") ==
               5000u);
    for (const std::string bad : {"1023", "1025MiB", "off", "0", "", "64 MiB"})
        BOOST_TEST(with_more({"--max-bytes", bad}).message().text ==
                   "--max-bytes: '" + bad +
                       "' is not a size from 1KiB to 1GiB, such as 500KB or 64MiB (a KB has 1000 bytes, a "
                       "KiB 1024)");
    for (const std::string bad : {"0", "1", "2TB"})
        BOOST_TEST(
            with_more({"--cache", bad}).message().text ==
            "--cache: '" + bad +
                "' is neither off nor a size from 1MB to 1TB, such as 500KB or 64MiB (a KB has 1000 bytes, a "
                "KiB 1024)");
}

BOOST_AUTO_TEST_CASE(help_and_the_printed_config_show_these_kinds_too) {
    const auto help = with_more({"--help"}).message().text;
    for (const char* part :
         {"--server-id ID ", "Servers (several: repeat it, or part them by commas)", "[LOKISHIP_SERVER_ID]",
          "--since TIME", "2026-11-01T00:00:00Z", "--max-bytes SIZE", "(default 64MiB)", "(default off)"})
        BOOST_TEST(help.find(part) != help.npos, part << " in " << help);

    const auto printed =
        with_more({"--print-config", "--server-id", "A", "--server-id", "it's", "--since", "7d"})
            .message()
            .text;
    BOOST_TEST(printed == "server-id = ['A', \"it's\"] # --server-id\n"
                          "word = [] # default\n"
                          "since = '7d' # --since\n"
                          "max-bytes = '64MiB' # default\n"
                          "cache = 'off' # default\n");
    const auto again = with_more({"--config", "c"}, {}, {{"c", printed}}).all();
    BOOST_TEST(again.list("server-id") == (std::vector<std::string>{"A", "it's"}),
               boost::test_tools::per_element());
    BOOST_TEST(again.text("since") == "7d");

    const auto masked =
        with_more({"--print-config"}, {{"LOKISHIP_SERVER_ID", "A,http://me:geheim@h"}}).message().text;
    BOOST_TEST(masked.starts_with("# server-id = ['A', 'http://me:****@h"), masked);
}

BOOST_AUTO_TEST_SUITE_END()
