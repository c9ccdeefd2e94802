"""What backfill would push equals what an independent program says must be pushed."""

import pathlib
import subprocess
import sys
import unittest

from harness import HERE, ROOT, SCRATCH, page_server, run


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
