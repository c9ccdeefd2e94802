"""What backfill would push equals what an independent program says must be pushed; secrets are replaced."""

import json
import pathlib
import subprocess
import sys
import unittest

from harness import HERE, ROOT, SCRATCH, Backend, Sandbox, page_server, run


class DryRun(unittest.TestCase):
    def check(self, page, expected_text, count):
        with page_server(page) as backend:
            done = run("backfill", "--dry-run", "--backend", backend.url, "--log-level", "off")
        self.assertEqual(done.returncode, 0, done.stderr)
        actual = pathlib.Path(SCRATCH.name, "actual.ndjson")
        expected = pathlib.Path(SCRATCH.name, "expected.ndjson")
        actual.write_text(done.stdout, encoding="utf-8")
        expected.write_text(expected_text, encoding="utf-8")
        compare = [sys.executable, HERE / "compare_entries.py", expected, actual]
        compared = subprocess.run(compare, capture_output=True, text=True)
        self.assertEqual(compared.returncode, 0, compared.stdout + compared.stderr)
        self.assertEqual(compared.stdout.strip(), f"{count} entries equal")

    def test_of_the_fixture(self):
        self.check(HERE / "page.json", (HERE / "page.expected.ndjson").read_text(encoding="utf-8"), 35)

    def test_of_a_real_backends_answer(self):
        page = ROOT.parent / "shared" / "data" / "aoss-page.json"
        if not page.exists():
            self.skipTest("the answer is not here")
        say = [sys.executable, HERE / "expected_entries.py", page]
        expected = subprocess.run(say, capture_output=True, text=True, check=True)
        self.check(page, expected.stdout, 367)


class StructuredMetadata(unittest.TestCase):
    def test_stands_beside_the_labels(self):
        with Backend() as backend:
            backend.add(3)
            backend.entries[0].update(user_id="user_7", exit_code=None)
            there = ["--dry-run", "--backend", backend.url, "--log-level", "off"]
            without = [json.loads(line) for line in run("backfill", *there).stdout.splitlines()]
            given = [json.loads(line) for line in run("backfill", *there, "--structured-metadata").stdout.splitlines()]
        wanted = []
        for e in backend.entries:
            values = {name: e.get(name) for name in ("execution_id", "exit_code", "step", "user_id")}
            wanted.append({name: str(value) for name, value in values.items() if value is not None})
        order = lambda metadata: sorted(metadata.items())
        self.assertEqual(sorted((e.pop("structured_metadata") for e in given), key=order), sorted(wanted, key=order))
        self.assertEqual(given, without)
        self.assertEqual([m.get("user_id") for m in wanted].count("user_7"), 1)


class Redaction(unittest.TestCase):
    SECRETS = {
        "command": "mysql --password geheim1 -e 'select 1'",
        "stdout": "." * 281 + "\nDB_PASSWORD=geheim2\n" + "." * 100,
        "stderr": "fatal: https://me:geheim3@example.com/ pin geheim4",
    }

    def lines(self, *arguments, **environment):
        with Backend() as backend:
            backend.add(2)
            backend.entries[0].update(self.SECRETS)
            report = pathlib.Path(SCRATCH.name, "redaction.json")
            there = ["--dry-run", "--backend", backend.url, "--log-level", "off", "--report", str(report)]
            done = run("backfill", *there, *arguments, **environment)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.redacted = json.loads(report.read_text(encoding="utf-8"))["summary"]["redacted"]
            return done.stdout

    def test_secrets_are_not_shown(self):
        shown = self.lines("--redact-pattern", "pin ([a-z0-9]{6,7})")
        self.assertNotIn("geheim", shown)
        self.assertIn("COMMAND: mysql --password [REDACTED] -e 'select 1' |", shown)
        # It was cut to 300 characters afterwards.
        self.assertIn(r"\nDB_PASSWORD=[REDAC... |", shown)
        self.assertIn("STDERR: fatal: https://me:[REDACTED]@example.com/ pin [REDACTED]", shown)
        self.assertEqual(self.redacted, 1)

    def test_an_unknown_secret_is_shown_where_no_pattern_tells_of_it(self):
        self.assertIn("[REDACTED]@example.com/ pin geheim4", self.lines())

    def test_turned_off_they_are_shown(self):
        for arguments, environment in ((["--no-redact"], {}), (["--redact=false"], {}), ([], {"LOKISHIP_REDACT": "false"})):
            with self.subTest(arguments, **environment):
                shown = self.lines(*arguments, **environment)
                for part in ("geheim1", r"\nDB_PASSWORD=geheim...", "geheim3", "geheim4"):
                    self.assertIn(part, shown)
                self.assertEqual(self.redacted, 0)
        config = pathlib.Path(SCRATCH.name, "redaction.toml")
        config.write_text("redact = false\n", encoding="utf-8")
        self.assertIn("geheim1", self.lines("--config", str(config)))
        config.write_text("redact-pattern = ['pin (geheim[0-9]{1,2})', 'fatal']\n", encoding="utf-8")
        shown = self.lines("--config", str(config))
        self.assertIn("STDERR: [REDACTED]: https://me:[REDACTED]@example.com/ pin [REDACTED]", shown)


class LiveRedaction(unittest.TestCase):
    def test_loki_gets_no_secret_and_the_log_counts(self):
        with Sandbox("--history", "0", "--interval", "off") as sandbox, Backend() as backend:
            backend.add(2)
            backend.entries[0].update(Redaction.SECRETS)
            done = run("shipd", "--once", "--backend", backend.url, "--loki", sandbox.loki)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("shipped 4, duplicate 0, rejected 0, pending 0; redacted 1", done.stderr)
            lines = [line for _, _, line in sandbox.query('{job="aoss"}')]
            self.assertEqual(len(lines), 4)
            for secret in ("geheim1", "geheim2", "geheim3"):
                self.assertFalse([line for line in lines if secret in line])
