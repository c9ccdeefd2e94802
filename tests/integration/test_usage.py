"""Wrong use is named and exits 2 before anything is contacted; what is asked for is printed."""

import pathlib
import re
import subprocess
import unittest

from harness import HERE, PATIENCE, SCRATCH, Server, command, page_server, run


class Usage(unittest.TestCase):
    def test_a_wrong_argument_is_named(self):
        wrong = (
            (["--loki-timeout", "0"], "--loki-timeout: '0'"),
            (["--nope"], "--nope"),
            (["--loki", "x"], "--loki: 'x' has no scheme"),
            (["--backend", "http://h:99999"], "--backend: 'http://h:99999'"),
            (["--log-level", "loud"], "--log-level: 'loud' is not one of"),
            (["--config", "none.toml"], "--config: 'none.toml' cannot be read"),
        )
        for arguments, part in wrong:
            for name in ("shipd", "backfill"):
                with self.subTest(name=name, arguments=arguments):
                    done = run(name, *arguments)
                    self.assertEqual(done.returncode, 2, done)
                    self.assertIn(part, done.stderr)
                    self.assertEqual(done.stdout, "")

    def test_a_wrong_line_in_dotenv_is_named(self):
        file = pathlib.Path(SCRATCH.name, ".env")
        for text, part in (("LOKI_URL=nonsense\n", ".env:1 LOKI_URL: 'nonsense' has no scheme"), ("\nx\n", ".env:2: ")):
            file.write_text(text, encoding="utf-8")
            try:
                done = run("backfill")
            finally:
                file.unlink()
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(part, done.stderr)

    def test_output_that_cannot_be_written_is_an_error(self):
        with page_server(HERE / "page.json") as backend, open("/dev/full", "w") as full:
            dry_run = ["--dry-run", "--log-level", "off", "--backend", backend.url]
            for arguments in (["--help"], ["--version"], ["--print-config"], dry_run):
                with self.subTest(arguments):
                    done = subprocess.run(**command("backfill", *arguments), stdout=full, stderr=subprocess.PIPE, timeout=PATIENCE)
                    self.assertEqual(done.returncode, 1, done)
                    self.assertIn("standard output", done.stderr)
            # A descriptor that is closed must not become a socket that the output then goes to.
            asked = []

            def count(*request):
                asked.append(request)
                return 200, {}, b'{"logs":[]}'

            with Server(count) as other:
                arguments = ["--loki", other.url, "--backend", other.url]
                tool = command("backfill", *arguments)
                closed = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *tool.pop("args")]
                done = subprocess.run(closed, **tool, timeout=PATIENCE)
                self.assertEqual(done.returncode, 0)
                # Loki's settings, and a page.
                self.assertEqual([a[1].split("?")[0] for a in asked], ["/config", "/api/monitoring/logs"])

    def test_a_name_means_the_same_in_each_tool(self):
        """Both read one environment and one .env."""

        def options(name):
            found = re.findall(r"^  (--[a-z-]+)(.*(?:\n {20}.*)*)", run(name, "--help").stdout, re.MULTILINE)
            return {option: re.sub(r" \(default [^)]*\)", "", help_) for option, help_ in found}

        shipd, backfill = options("shipd"), options("backfill")
        both = shipd.keys() & backfill.keys()
        self.assertLessEqual({"--backend", "--rejects", "--late-entries", "--config"}, both)
        self.assertEqual({o: shipd[o] for o in both}, {o: backfill[o] for o in both})
        self.assertIn("[LOKISHIP_BATCH_SIZE]", shipd["--batch-size"])
        self.assertIn("[LOKISHIP_PUSH_ENTRIES]", backfill["--push-entries"])
        self.assertNotIn("--batch-size", backfill)

    def test_what_is_asked_for_is_printed(self):
        for name in ("shipd", "backfill", "sandbox"):
            done = run(name, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("--print-config", done.stdout)
            self.assertRegex(run(name, "--version").stdout, rf"^{name} [0-9.]+\n\Z")
            self.assertRegex(run(name, "--help").stdout, r"[^\n]\n\Z")
        done = run("shipd", "--print-config", "--batch-size", "7", LOKI_URL="http://u:secret@h:3100")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("batch-size = '7' # --batch-size", done.stdout.replace('"', "'"))
        self.assertIn("http://u:****@h:3100", done.stdout)
        self.assertNotIn("secret", done.stdout)
