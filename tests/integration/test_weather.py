"""Either side down, hanging, or answering nonsense: shipd stays and loses nothing, backfill says who and why."""

import unittest

from harness import Backend, Process, Sandbox, Weather, run



def quick(name):
    """Patience for the side that is spoilt is short; the other may take its time on a busy machine."""
    return f"--{name}-timeout", "500ms"


class ShipdInBadWeather(unittest.TestCase):
    def outlive(self, name):
        with Backend() as backend, Sandbox("--history", "0") as sandbox:
            with Weather(backend.url) as before_backend, Weather(sandbox.loki) as before_loki:
                weather = before_backend if name == "backend" else before_loki
                url = ("--backend", before_backend.url, "--loki", before_loki.url)
                with Process("shipd", *url, *quick(name), "--poll-interval", "100ms") as shipd:
                    shipd.wait_for("shipping from")
                    total = 0

                    def happen():
                        nonlocal total
                        backend.add(3)
                        total += 6

                    happen()
                    shipd.wait_for(f"{total} in all")
                    for mode in Weather.MODES:
                        with self.subTest(mode):
                            said = len(shipd.lines)
                            weather.set(mode)
                            happen()
                            line = shipd.wait_for("does not answer as it should")[-1]
                            self.assertIn(weather.url, line)
                            self.assertNotIn("\x1b[31m502", line)
                            weather.wait_until_spoilt(2)
                            happen()
                            weather.set(None)
                            shipd.wait_for("is back", f"{total} in all")
                            news = [n for n in shipd.lines[said:] if "shipped" not in n]
                            self.assertEqual(len(news), 2, news)
                    self.assertEqual(shipd.end(), 0)
                    self.assertIn(f"shipped {total},", shipd.lines[-1])
                    self.assertIn("rejected 0, pending 0", shipd.lines[-1])
                    self.assertEqual(len(sandbox.query('{job="aoss"}')), total)

    def test_at_the_backend(self):
        self.outlive("backend")

    def test_at_loki(self):
        self.outlive("loki")


class BackfillInBadWeather(unittest.TestCase):
    def give_up(self, name, code):
        with Backend() as backend, Sandbox("--history", "0") as sandbox:
            backend.add(2)
            with Weather(backend.url if name == "backend" else sandbox.loki) as weather:
                there = {"BACKEND_URL": backend.url, "LOKI_URL": sandbox.loki, name.upper() + "_URL": weather.url}
                for mode in Weather.MODES:
                    with self.subTest(mode):
                        weather.set(mode)
                        done = run("backfill", *quick(name), "--max-attempts", "2", **there)
                        self.assertEqual(done.returncode, code, done.stderr)
                        self.assertIn(weather.url, done.stderr)
                weather.set(None)
                done = run("backfill", *quick(name), **there)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertEqual(len(sandbox.query('{job="aoss"}')), 4)

    def test_at_the_backend(self):
        self.give_up("backend", 4)

    def test_at_loki(self):
        self.give_up("loki", 5)

    def test_a_signal_interrupts_it_wherever_it_is(self):
        with Backend() as backend, Sandbox("--history", "0") as sandbox:
            backend.add(2)
            for name, path, said, pending in (
                ("backend", "logs", "interrupted while reading the history, of which 0 entries were read; nothing was shipped", 0),
                ("loki", "config", "interrupted before anything was read; run the same command again", 0),
                ("loki", "push", "interrupted with 4 entries to ship; run backfill again", 4),
            ):
                with self.subTest(path), Weather(backend.url if name == "backend" else sandbox.loki) as weather:
                    weather.set("hang", only=path)
                    there = {"BACKEND_URL": backend.url, "LOKI_URL": sandbox.loki, name.upper() + "_URL": weather.url}
                    with Process("backfill", **there) as backfill:
                        weather.wait_until_spoilt(1)
                        self.assertEqual(backfill.end(), 6, backfill.lines)
                        self.assertIn(said, backfill.lines[-1])
                        # Nothing of what the signal broke off.
                        self.assertFalse([line for line in backfill.lines if "error" in line], backfill.lines)
                        self.assertIn(f"shipped 0, duplicate 0, rejected 0, pending {pending}", backfill.output())

    def test_nobody_there(self):
        nobody = "http://127.0.0.1:1"
        with Sandbox("--history", "5", "--interval", "1h") as sandbox:
            done = run("backfill", "--backend", nobody, "--loki", sandbox.loki)
            self.assertEqual(done.returncode, 4, done)
            self.assertIn(f"{nobody}: connect: Connection refused", done.stderr)
            done = run("shipd", "--once", "--backend", sandbox.backend, "--loki", nobody)
            self.assertEqual(done.returncode, 5, done)
            self.assertIn(f"{nobody}: connect: Connection refused", done.stderr)
