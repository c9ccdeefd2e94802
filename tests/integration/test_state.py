"""What shipd knows survives it."""

import os
import pathlib
import random
import unittest

from harness import SCRATCH, Backend, Process, Sandbox, Weather

# Each takes a fifth of a second.
KILLS = int(os.environ.get("LOKISHIP_KILLS", "15"))


def everything(sandbox, tags):
    # Loki gives 5000 entries a query.
    return sorted(line for tag in tags for _, _, line in sandbox.query(f'{{server_tag="{tag}"}}'))


class State(unittest.TestCase):
    def file(self, name):
        return pathlib.Path(SCRATCH.name, f"{self.id()}.{name}")

    def killed(self, options):
        chance = random.Random(1)
        with Sandbox("--history", "0", "--interval", "off", "--faithful") as sandbox, Backend() as backend:
            with Weather(sandbox.loki) as weather:
                weather.delay = 0.005
                there = ["--backend", backend.url, "--loki", weather.url, "--poll-interval", "100ms", "--batch-size", "30"]
                # One that was never there knows of nothing.
                backend.add(1)
                with Process("shipd", *there, *options) as shipd:
                    shipd.wait_for("shipped")
                    self.assertEqual(shipd.end(), 0, shipd.lines)
                tags = {"prod-web-01"}
                for kill in range(KILLS):
                    pushes = sum("push" in path for path in weather.asked)
                    for server in range(4):
                        tags.add(f"web-{kill // 20}-{server}")
                        backend.add(chance.randrange(1, 15), tag=f"web-{kill // 20}-{server}")
                    with Process("shipd", *there, *options) as shipd:
                        weather.wait_until_asked("push", pushes + chance.randrange(1, 4))
                        backend.add(chance.randrange(0, 3))
                        shipd.process.kill()
                weather.delay = 0
                with Process("shipd", *there, *options) as shipd:
                    backend.add(1)
                    wanted = sorted(
                        f"STEP: {e['step']} | COMMAND: {e['command']} | EXIT_CODE: 0 | STDOUT: {e['stdout']} | STDERR: "
                        for e in backend.entries
                    )
                    shipd.wait_for("shipped")
                    while everything(sandbox, tags) != wanted:
                        shipd.wait_for("shipped")
                    self.assertEqual(shipd.end(), 0, shipd.lines)
                    self.assertIn("rejected 0, pending 0", shipd.lines[-1])

    def test_killed_at_any_moment_under_load_nothing_is_lost_and_nothing_shows_twice(self):
        self.killed(["--state-file", str(self.file("state"))])

    def test_the_same_without_a_file_from_what_loki_has(self):
        self.killed(["--resume-from-loki"])
