"""The work split over several processes: all is shipped, and nothing twice. And what Kubernetes is told about them."""

import contextlib
import json
import re
import shutil
import subprocess
import time
import unittest

from harness import PATIENCE, ROOT, Backend, Sandbox, Shipd, run

KUBERNETES = ROOT / "tools" / "deploy" / "kubernetes"


class Servers(Backend):
    """A backend with executions on many servers."""

    def add(self, executions, servers=40, **more):
        for n in range(executions):
            super().add(1, **more)
            with self.lock:
                for step in self.entries[:2]:
                    step["server_id"] = f"{n % servers:08x}-9a9a-40fd-aa7b-5bf55eb561a4"


class Shards(unittest.TestCase):
    COUNT = 4

    def test_shippers_that_share_a_backend_ship_all_once(self):
        with Servers() as backend, Sandbox("--history", "0") as world, contextlib.ExitStack() as stack:
            backend.add(80)
            shippers = [
                stack.enter_context(Shipd(backend.url, world.loki, LOKISHIP_SHARD=f"{n}/{self.COUNT}")) for n in range(self.COUNT)
            ]
            for shipd in shippers:
                shipd.wait_for("shipped ")
            backend.add(300)  # more than a page
            shipped = 0
            while shipped < 760:
                entries = [shipd.state()["lanes"][0]["entries"] for shipd in shippers]
                shipped = sum(e["shipped"] for e in entries)
            self.assertEqual(shipped, 760)
            # query() itself sees to it that nothing shows twice; a second copy would be another stream's, or dropped by Loki.
            self.assertEqual(len(world.query('{job="aoss"}')), 760)
            owners = {}
            for n, shipd in enumerate(shippers):
                state = shipd.state()["lanes"][0]["entries"]
                self.assertGreater(state["shipped"], 0)
                self.assertGreater(state["of_other_shards"], 0)
                self.assertEqual(state["fetched"], state["shipped"] + state["duplicate"])
                owners[n] = state["shipped"]
                self.assertEqual(shipd.end(), 0)
            self.assertEqual(sum(owners.values()), 760)

    def test_slices_of_time_are_shipped_side_by_side(self):
        with Servers() as backend, Sandbox("--history", "0") as world:
            now = time.time_ns() // 10**9
            for hour in range(48, 2, -1):
                backend.add(3, created=(now - hour * 3600) * 10**9)
            stamp = lambda seconds: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
            where = ["--backend", backend.url, "--loki", world.loki, "--since", stamp(now - 50 * 3600), "--until", stamp(now)]
            shipped = []
            # The newest first: a slice waits for no other.
            for part in (2, 0, 1):
                done = run("backfill", *where, "--slice", f"{part}/3", "--label", f"slice={part}", "--progress", "json")
                self.assertEqual(done.returncode, 0, done)
                summary = [json.loads(line) for line in done.stdout.splitlines()][-1]
                shipped.append(summary["shipped"])
            self.assertTrue(all(shipped), shipped)
            self.assertEqual(sum(shipped), 46 * 3 * 2)
            self.assertEqual(len(world.query('{job="aoss", slice=~".+"}')), 46 * 3 * 2)

    def test_what_is_wrong_is_named(self):
        for tool in ("shipd", "backfill"):
            for text in ("3", "3/3", "0/0", "-1/3", "a/b", "0/1001", "1/2/3"):
                done = run(tool, LOKISHIP_SHARD=text)
                self.assertEqual(done.returncode, 2, done)
                self.assertIn(f"LOKISHIP_SHARD (environment): '{text}' is not I/N", done.stderr)
        for arguments in ([], ["--since", "7d", "--until", "2099-11-01"], ["--since", "2026-10-01"]):
            done = run("backfill", "--slice", "0/2", *arguments)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn("--slice: needs --since and --until", done.stderr)


class Kubernetes(unittest.TestCase):
    def test_the_files_can_be_applied(self):
        if not shutil.which("kubectl"):
            self.skipTest("kubectl is not installed")
        for folder, kinds in ((KUBERNETES, ["ConfigMap", "Service", "StatefulSet"]), (KUBERNETES / "backfill", ["ConfigMap", "Job"])):
            done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(re.findall(r"(?m)^kind: (\w+)", done.stdout), kinds)
            # The names of what is generated have been filled in.
            self.assertRegex(done.stdout, r"(?m)^ +name: (shipd|backfill)-\w{10}$")

    def test_numbers_that_must_agree_do(self):
        text = (KUBERNETES / "kustomization.yaml").read_text()
        self.assertEqual(re.search(r"count: (\d+)", text)[1], re.search(r"SHARDS=(\d+)", text)[1])
        slices = re.search(r"SLICES=(\d+)", (KUBERNETES / "backfill" / "kustomization.yaml").read_text())[1]
        self.assertEqual(re.search(r"completions: (\d+)", (KUBERNETES / "backfill" / "backfill.yaml").read_text())[1], slices)

    def test_the_tools_know_the_variables(self):
        known = set(re.findall(r"\[([A-Z_]+)\]", run("shipd", "--help").stdout + run("backfill", "--help").stdout))
        used = set()
        for file in KUBERNETES.rglob("*.yaml"):
            used |= set(re.findall(r"\b(?:LOKISHIP|BACKEND|LOKI)_[A-Z_]+", file.read_text()))
        secrets = {"LOKI_TOKEN", "BACKEND_PASSWORD"}
        self.assertGreater(len(used), 8)
        self.assertLessEqual(used - secrets, known)


if __name__ == "__main__":
    unittest.main()
