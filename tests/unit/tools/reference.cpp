#include "common/reference.hpp"

#include "tools/settings_call.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <variant>

BOOST_AUTO_TEST_SUITE(a_reference)

using namespace lokiship::tools;

namespace {

/// One of each kind, with what each form must escape.
reference full() {
    return {"tool",
            "1.2",
            "Does 'it'. And\nmore.\nExit codes: 0 well; 2 wrong\nuse.",
            ".env is read.",
            {{{"-h", "--help"}, "", "Help"},
             {{"--file"}, "FILE", "It's a \\ file (default a-b) [F:G]"},
             {{"--dir"}, "DIRECTORY", "One"},
             {{"--kind"}, "N|auto|off", "Two"},
             {{"--tag"}, "TAG", "Three", true}},
            {"A_TOKEN", "B_TOKEN"}};
}

std::string text_of(const call& c) {
    const auto m = c.message();
    BOOST_TEST(m.code == 0);
    return m.text;
}

} // namespace

BOOST_AUTO_TEST_CASE(is_a_man_page) {
    BOOST_TEST(man_page(full()) == R"(.TH TOOL 1 "" "lokiship 1.2" "User Commands"
.SH NAME
tool \- does 'it'
.SH SYNOPSIS
.B tool
[\fIOPTION\fR]...
.SH DESCRIPTION
Does 'it'. And more.
.PP
\&.env is read.
.SH OPTIONS
.TP
\fB\-h\fR, \fB\-\-help\fR
Help
.TP
\fB\-\-file\fR \fIFILE\fR
It's a \e file (default a\-b) [F:G]
.TP
\fB\-\-dir\fR \fIDIRECTORY\fR
One
.TP
\fB\-\-kind\fR \fIN|auto|off\fR
Two
.TP
\fB\-\-tag\fR \fITAG\fR
Three
.SH EXIT STATUS
0 well; 2 wrong use.
.SH ENVIRONMENT
The variable in brackets behind an option sets the same.
These have no option, since others can read command lines: \fBA_TOKEN\fR, \fBB_TOKEN\fR.
)");
}

BOOST_AUTO_TEST_CASE(is_a_completion_for_each_shell) {
    const std::string bash = bash_completion(full());
    BOOST_TEST(bash.find("        --kind) mapfile -t COMPREPLY < <(compgen -W 'auto off' ") != bash.npos);
    BOOST_TEST(bash.find("        --file) compopt ") != bash.npos);
    BOOST_TEST(bash.find("        --tag) return ;;") != bash.npos);
    BOOST_TEST(bash.find("compgen -W '-h --help --file --dir --kind --tag' ") != bash.npos);
    BOOST_TEST(bash.ends_with("\ncomplete -F _tool tool\n"));

    BOOST_TEST(zsh_completion(full()) == R"(#compdef tool
_arguments \
    '-h[Help]' \
    '--help[Help]' \
    '--file=[It'\''s a \\ file (default a-b) \[F:G\]]:FILE:_files' \
    '--dir=[One]:DIRECTORY:_directories' \
    '--kind=[Two]:N|auto|off:(auto off)' \
    '*--tag=[Three]:TAG:'
)");

    BOOST_TEST(fish_completion(full()) == R"(complete -c tool -f
complete -c tool -s h -l help -d 'Help'
complete -c tool -l file -r -F -d 'It\'s a \\ file (default a-b) [F:G]'
complete -c tool -l dir -x -a '(__fish_complete_directories)' -d 'One'
complete -c tool -l kind -x -a 'auto off' -d 'Two'
complete -c tool -l tag -x -d 'Three'
)");
}

BOOST_AUTO_TEST_CASE(is_of_the_options_that_help_shows) {
    call c{{"--help-format", "fish"}, {}, {}};
    const std::string some = text_of(c);
    BOOST_TEST(some.find("-l loki -x -d 'Loki (default http://localhost:3100) [LOKI_URL]'") != some.npos);
    BOOST_TEST(some.find("-s h -l help ") != some.npos);
    BOOST_TEST(some.find("-l progress -x -a 'auto never' ") != some.npos);
    BOOST_TEST(some.find("-l once -d ") != some.npos);
    BOOST_TEST(some.find("help-format") == some.npos);
    BOOST_TEST(text_of({{"--help"}, {}, {}}).find("help-format") == std::string::npos);
    c.settings = more;
    const std::string other = text_of(c);
    BOOST_TEST(other.find("-l colour -d 'In colour [LOKISHIP_COLOUR]'") != other.npos);
    BOOST_TEST(other.find("-l no-colour -d 'Turn --colour off'") != other.npos);
    BOOST_TEST(text_of(with_more({"--help-format=zsh"})).find("'*--server-id=[") != std::string::npos);
    // A config or .env that is wrong is no reason to refuse.
    c.files[".env"] = "nonsense";
    text_of(c);
}

BOOST_AUTO_TEST_CASE(has_no_other_format) {
    const auto m = call{{"--help-format", "html"}, {}, {}}.message();
    BOOST_TEST(m.code == 2);
    BOOST_TEST(m.text == "--help-format: 'html' is not one of man|bash|zsh|fish");
}

BOOST_AUTO_TEST_SUITE_END()
