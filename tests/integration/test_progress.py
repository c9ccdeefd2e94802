"""What backfill says while it runs, also where a server is silent, and what a dry run reports."""

import json
import pathlib
import subprocess
import unittest

from harness import SCRATCH, Process, Sandbox, Weather, command, run


class Progress(unittest.TestCase):
    def setUp(self):
        self.sandbox = self.enterContext(Sandbox("--history", "60", "--servers", "3", "--interval", "off"))

    def weather(self, target):
        return self.enterContext(Weather(target))

    def said_until(self, is_enough, *arguments):
        """Runs backfill until it says an event that is enough, which is given back, and then kills it."""
        tool = command("backfill", *arguments, "--progress", "json")
        process = subprocess.Popen(**tool, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            for line in process.stdout:
                event = json.loads(line)
                if is_enough(event):
                    return event
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
        raise AssertionError("it ended without saying so")

    def test_a_line_comes_while_the_backend_is_silent(self):
        backend = self.weather(self.sandbox.backend)
        backend.set("hang")
        with Process("backfill", "--backend", backend.url, "--loki", self.sandbox.loki) as backfill:
            backfill.wait_for("reading 0 entries  nothing new for 0:00:05")

    def test_a_silent_loki_is_waited_for_with_a_sign_of_life(self):
        loki = self.weather(self.sandbox.loki)
        there = ["--backend", self.sandbox.backend, "--loki", loki.url]
        loki.set("hang", only="push")
        pushing = self.said_until(lambda e: e.get("unchanged_seconds", 0) >= 2, *there)
        self.assertEqual((pushing["phase"], pushing["settled"]), ("pushing", 0))
        self.assertGreater(pushing["entries"], 0)

    def test_it_says_how_many_streams_it_has_looked_at(self):
        loki = self.weather(self.sandbox.loki)
        there = ["--backend", self.sandbox.backend, "--loki", loki.url]
        self.assertEqual(run("backfill", *there).returncode, 0)
        loki.set("hang", only="query_range")
        looking = self.said_until(lambda e: e.get("unchanged_seconds", 0) >= 2, *there)
        self.assertEqual((looking["phase"], looking["streams_asked"], looking["percent"]), ("looking", 0, 0))
        self.assertGreater(looking["streams"], 1)

    def test_a_dry_run_reports_what_it_read(self):
        report = pathlib.Path(SCRATCH.name, self.id())
        arguments = ["--backend", self.sandbox.backend, "--dry-run", "--report", str(report)]
        rows = [json.loads(row) for row in run("backfill", *arguments).stdout.splitlines()]
        plan = json.loads(report.read_text(encoding="utf-8"))["plan"]
        self.assertGreater(len(rows), 60)
        self.assertEqual((plan["executions"], plan["entries"], plan["records"]), (60, len(rows), len(rows)))
        self.assertEqual(plan["bytes"], sum(len(row["line"].encode()) for row in rows))
        self.assertEqual(plan["streams"], len({json.dumps(row["labels"], sort_keys=True) for row in rows}))
        self.assertLess(plan["oldest"], plan["newest"])
        # Loki was not asked.
        self.assertNotIn("already_there", plan)


if __name__ == "__main__":
    unittest.main()
