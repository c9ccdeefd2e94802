#include "common/parse.hpp"
#include "tools/settings_call.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

BOOST_AUTO_TEST_SUITE(kinds_of_settings)

using namespace lokiship::tools;

BOOST_AUTO_TEST_CASE(durations_are_exact) {
    using namespace std::chrono_literals;
    BOOST_TEST((parse_duration("500ms") == 500ms));
    BOOST_TEST((parse_duration("0s") == 0s));
    BOOST_TEST((parse_duration("2h") == 2h));
    BOOST_TEST((parse_duration("7d") == 168h));
    for (const char* bad : {"", "s", "5", "5 s", "-5s", "1.5s", "5S", "106752d", "99999999999999999999s"})
        BOOST_TEST(!parse_duration(bad).has_value(), bad);
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

BOOST_AUTO_TEST_CASE(a_list_whose_elements_have_commas_is_parted_by_line_breaks) {
    const std::vector<std::string> two{"a{1,3} ", ", b"};
    const call table[] = {
        with_more({"--pattern", "a{1,3} ", "--pattern", ", b"}),
        with_more({}, {{"LOKISHIP_PATTERN", "a{1,3} \n, b"}}),
        with_more({"--config", "c"}, {}, {{"c", "pattern = ['a{1,3} ', ', b']"}}),
        with_more({"--config", "c"}, {}, {{"c", "pattern = \"a{1,3} \\n, b\""}}),
    };
    for (const auto& c : table)
        BOOST_TEST(c.all().list("pattern", '\n') == two, boost::test_tools::per_element());
    auto printing = table[0];
    printing.arguments.push_back("--print-config");
    const std::string printed = printing.message().text;
    BOOST_TEST(with_more({"--config", "c"}, {}, {{"c", printed}}).all().list("pattern", '\n') == two,
               boost::test_tools::per_element());
    BOOST_TEST(with_more({"--pattern", "a", "--pattern", ""}).message().text ==
               "--pattern: 'a\\n' has an empty element");
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
                          "cache = 'off' # default\n"
                          "colour = true # default\npattern = [] # default\n");
    const auto again = with_more({"--config", "c"}, {}, {{"c", printed}}).all();
    BOOST_TEST(again.list("server-id") == (std::vector<std::string>{"A", "it's"}),
               boost::test_tools::per_element());
    BOOST_TEST(again.text("since") == "7d");

    const auto lines = with_more({"--print-config", "--server-id", "\nA\nB"});
    BOOST_TEST(lines.message().text.starts_with("server-id = [\"\\nA\\nB\"] # --server-id\n"),
               lines.message().text);

    const auto masked =
        with_more({"--print-config"}, {{"LOKISHIP_SERVER_ID", "A,http://me:geheim@h"}}).message().text;
    BOOST_TEST(masked.starts_with("# server-id = ['A', 'http://me:****@h"), masked);
}

BOOST_AUTO_TEST_SUITE_END()
