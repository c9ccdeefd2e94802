"""Each LogQL query in the README gives what is said there."""

import os
import re
import unittest

from executions import Executions
from harness import ROOT

COMMANDS = re.compile(r"COMMAND: (.*?) \| EXIT_CODE")


def examples():
    """The README's queries by the comment above each."""
    out = {}
    for block in re.findall(r"^```logql\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S):
        for comment, query in re.findall(r"^# (.*)\n((?:(?!#).+\n)+)", block, re.M):
            assert comment not in out, comment
            out[comment] = query.strip()
    return out


ALL = ["", "curl http://backend.internal/", "df -h /", "htop", "nginx -t", "ping -c 1 10.0.9.9", "psql -c 'select 1 | 2'",
       "sleep 600", "systemctl status nginx", "uptime"]  # fmt: skip
FAILED = ["curl http://backend.internal/", "htop", "ping -c 1 10.0.9.9", "psql -c 'select 1 | 2'", "sleep 600"]
# The commands that a query finds, or its values by a label; the same failed step twice is two lines of one text, which differ in
# their number.
EXPECTED = {
    "All AOSS logs": ALL,
    "Logs for specific server": ["curl http://backend.internal/", "nginx -t", "systemctl status nginx", "uptime"],
    "Failed executions only": FAILED,
    "Network agent logs": ["curl http://backend.internal/", "nginx -t", "ping -c 1 10.0.9.9", "systemctl status nginx", "uptime"],
    "Search for specific command": ["nginx -t", "systemctl status nginx"],
    "Failed commands with error output": [c for c in FAILED if "ping" not in c],
    "All steps of executions that failed": sorted([*FAILED, "df -h /", "uptime"]),
    "Commands that ended with an exit code other than zero": FAILED,
    "Steps as they are typed: 2 (6) curl http://backend.internal/":
        ["1 (0) systemctl status nginx", "1 (0) uptime", "2 (0) nginx -t", "2 (6) curl http://backend.internal/",
         "3 (6) curl http://backend.internal/"],
    "Failed steps by server, in the last day": {"prod-web-01": 2, "db-01": 2, "prod-web-02": 2},
    "The commands that fail most often": {c: 2 if "curl" in c else 1 for c in FAILED},
    "The part of the steps that fail, by agent": {"network": 0.5, "database": 1, "general": 1 / 2},
}  # fmt: skip


# Those that need structured metadata.
BY_METADATA = {
    "One execution by its id": ["curl http://backend.internal/", "uptime"],
    "What a user had executed that failed": ["curl http://backend.internal/", "htop", "ping -c 1 10.0.9.9"],
}
WITHOUT_METADATA = {comment: [] for comment in BY_METADATA}


class TheReadme(unittest.TestCase):
    def test_each_query_gives_what_it_says(self):
        self.check(Executions(), {**EXPECTED, **WITHOUT_METADATA})

    def test_with_structured_metadata_too(self):
        made = Executions(arguments=["--structured-metadata"])
        self.check(made, {**EXPECTED, **BY_METADATA}, {**EXPECTED, **WITHOUT_METADATA})
        # A real one may be older.
        self.assertTrue(made.takes_metadata or os.environ.get("LOKISHIP_LIVE_LOKI"))

    def test_a_loki_that_takes_no_structured_metadata_gets_the_entries_without(self):
        made = Executions(arguments=["--structured-metadata"], version="2.9")
        self.check(made, {**EXPECTED, **BY_METADATA}, {**EXPECTED, **WITHOUT_METADATA})
        self.assertFalse(made.takes_metadata)

    def check(self, executions, with_metadata, without=None):
        with executions as made:
            all_expected = with_metadata if made.takes_metadata else without
            found = examples()
            self.assertEqual(sorted(found), sorted(all_expected))
            for comment, query in found.items():
                with self.subTest(comment):
                    expected = all_expected[comment]
                    if isinstance(expected, dict):
                        label = re.search(r"by \((\w+)\)", query)[1]
                        values = made.values(query, label)
                        self.assertEqual({name: round(v, 9) for (name,), v in values.items()},
                                         {name: round(v, 9) for name, v in expected.items()})  # fmt: skip
                    elif "line_format" in query:
                        self.assertEqual(made.lines(query), expected)
                    else:
                        self.assertEqual(sorted({COMMANDS.search(l)[1] for l in made.lines(query)}), expected)

    def test_the_specification_s_filter_for_error_output_finds_every_line(self):
        """Why the README has another one."""
        with Executions() as made:
            failed = made.lines('{job="aoss", status="Failed"}')
            self.assertEqual(made.lines('{job="aoss", status="Failed"} |= "STDERR"'), failed)
            self.assertEqual(len(failed), 6)

    def test_one_execution_is_a_server_and_a_time(self):
        with Executions() as made:
            at = made.times[1]
            found = made.lines('{job="aoss", server_tag="prod-web-01"}', start=at, end=at + 1)
            self.assertEqual([COMMANDS.search(l)[1] for l in found],
                             ["uptime", "curl http://backend.internal/", "curl http://backend.internal/"])  # fmt: skip
