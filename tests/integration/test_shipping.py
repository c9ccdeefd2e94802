"""The tools ship over real HTTP, and what Loki shows is what there was."""

import json
import pathlib
import re
import unittest

from harness import SCRATCH, Process, Sandbox, Weather, run


class Shipping(unittest.TestCase):
    def test_every_logql_example_of_the_specification_is_answered(self):
        with Sandbox("--history", "80", "--interval", "1h") as sandbox:
            there = {"BACKEND_URL": sandbox.backend, "LOKI_URL": sandbox.loki}
            reference = run("backfill", "--dry-run", "--log-level", "off", **there)
            self.assertEqual(reference.returncode, 0, reference.stderr)
            entries = [json.loads(line) for line in reference.stdout.splitlines()]
            done = run("shipd", "--once", "--batch-size", "1000", **there)
            self.assertEqual(done.returncode, 0, done.stderr)
            examples = {
                '{job="aoss"}': lambda labels, _: labels["job"] == "aoss",
                '{job="aoss", server_tag="prod-web-01"}': lambda labels, _: labels["server_tag"] == "prod-web-01",
                '{job="aoss", status="Failed"}': lambda labels, _: labels["status"] == "Failed",
                '{job="aoss", agent_type="network"}': lambda labels, _: labels["agent_type"] == "network",
                '{job="aoss"} |= "nginx"': lambda _, line: "nginx" in line,
                '{job="aoss", status="Failed"} |= "STDERR"': lambda labels, line: labels["status"] == "Failed"
                and "STDERR" in line,
                '{job="aoss"} |~ "STDERR: .+"': lambda _, line: re.search("STDERR: .+", line),
            }
            for query, wanted in examples.items():
                with self.subTest(query):
                    expected = {
                        (json.dumps(e["labels"], sort_keys=True), e["ts"], e["line"])
                        for e in entries
                        if wanted(e["labels"], e["line"])
                    }
                    self.assertTrue(expected)
                    self.assertEqual(sandbox.query(query), expected)
            self.assertGreater(len(sandbox.query('{job="aoss"}')), len(sandbox.query('{job="aoss"} |= "nginx"')))

    def test_backfill_ships_all_and_shipd_follows_until_a_signal(self):
        # With the default window Loki would refuse much of what shipd, which knows nothing of backfill, ships again.
        with Sandbox("--history", "300", "--interval", "20ms", "--max-chunk-age", "11d") as sandbox:
            there = ["--backend", sandbox.backend, "--loki", sandbox.loki]
            done = run("backfill", *there, "--push-entries", "50")
            self.assertEqual(done.returncode, 0, done.stderr)
            before = len(sandbox.query('{job="aoss"}'))
            self.assertEqual(int(re.search(r"shipped (\d+)", done.stdout)[1]), before)
            self.assertGreater(before, 300)
            with Process("shipd", *there, "--poll-interval", "100ms") as shipd:
                # It logs each round that shipped something; after a few the newest must be there.
                for _ in range(5):
                    shipd.wait_for("shipped")
                after = len(sandbox.query('{job="aoss"}'))
                self.assertEqual(shipd.end(), 0, shipd.lines)
                # What was read in the last moment may still wait.
                self.assertIn("rejected 0, pending ", shipd.lines[-1])
            self.assertGreater(after, before)

    def test_each_encoding_brings_the_same(self):
        with Sandbox("--history", "60", "--interval", "off", "--max-chunk-age", "11d") as sandbox:
            there = ["--backend", sandbox.backend, "--loki", sandbox.loki]
            shown = []
            for tool, *options in (
                ["backfill"],
                ["backfill", "--encoding", "json"],
                ["shipd", "--once", "--batch-size", "1000", "--encoding", "json", "--compression", "gzip"],
                ["shipd", "--once", "--batch-size", "1000", "--encoding", "protobuf"],
            ):
                done = run(tool, *there, *options)
                self.assertEqual(done.returncode, 0, done.stderr)
                shown.append(sandbox.query('{job="aoss"}'))
            self.assertGreater(len(shown[0]), 60)
            # Loki would keep what is not the same to the byte beside it.
            self.assertEqual(shown, 4 * shown[:1])
        done = run("backfill", "--compression", "gzip")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--compression: 'gzip' is for JSON", done.stderr)

    def test_each_rejected_entry_is_kept_at_least_once_whatever_kills_backfill(self):
        file = {name: pathlib.Path(SCRATCH.name, f"{self.id()}.{name}") for name in ("rejects", "checkpoint", "report")}
        kept = ["--rejects", str(file["rejects"]), "--checkpoint", str(file["checkpoint"]), "--report", str(file["report"])]
        with Sandbox("--history", "300", "--days", "14", "--interval", "off") as sandbox, Weather(sandbox.loki) as weather:
            weather.delay = 0.02
            there = ["--backend", sandbox.backend, "--loki", weather.url, "--push-entries", "20"]
            for pushes in (1, 4, 7):
                with Process("backfill", *there, *kept) as backfill:
                    weather.wait_until_asked("push", pushes)
                    backfill.process.kill()
            weather.delay = 0
            done = run("backfill", *there, *kept)
            self.assertEqual(done.returncode, 3, done.stderr)
            rejected = json.loads(file["report"].read_text(encoding="utf-8"))["summary"]["rejected"]
            text = file["rejects"].read_text(encoding="utf-8")
            lines = [json.loads(line) for line in text.splitlines()]
            entries = {(line["execution_id"], line["step"], line["ts"], line["line"]) for line in lines}
            self.assertGreater(rejected, 50)
            self.assertEqual(len(entries), rejected)
            # Whoever ships them again ships each once.
            file["rejects"].write_text(text + text, encoding="utf-8")
            again = run("backfill", "--replay", str(file["rejects"]), "--dry-run", "--log-level", "off")
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(len(again.stdout.splitlines()), rejected)
        for name in ("shipd", "backfill"):
            self.assertIn("at least once", run(name, "--help").stdout)
