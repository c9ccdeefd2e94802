"""The sandbox's history is the one that was asked for, and its Loki has the limits that were."""

import datetime
import json
import unittest
import urllib.request

from harness import PATIENCE, Sandbox, run


def page(sandbox):
    """Everything the backend has."""
    with urllib.request.urlopen(f"{sandbox.backend}/api/monitoring/logs?limit=1000000", timeout=PATIENCE) as answer:
        return json.load(answer)


def times(logs):
    """When the executions were made, newest first, without a step's repetitions."""
    created = {entry["execution_id"]: datetime.datetime.fromisoformat(entry["timestamp"]) for entry in logs}
    return list(created.values())


class TheSandbox(unittest.TestCase):
    def test_the_same_options_give_the_same_history(self):
        options = ["--history", "400", "--days", "30", "--servers", "40", "--interval", "off"]
        with Sandbox(*options) as one, Sandbox(*options) as other:
            first, again = page(one), page(other)
            self.assertEqual(page(one), first, "something happened")
        self.assertEqual(first["total_executions"], 400)
        made, made_again = times(first["logs"]), times(again["logs"])
        self.assertEqual(len(set(made)), 400)
        self.assertEqual(made, sorted(made, reverse=True))
        step = datetime.timedelta(days=30) / 400
        self.assertTrue(all(abs(a - b - step) < datetime.timedelta(milliseconds=1) for a, b in zip(made, made[1:])))
        # But for the time of the start they are the same.
        late = made_again[0] - made[0]
        self.assertTrue(all(abs(b - a - late) < datetime.timedelta(milliseconds=1) for a, b in zip(made, made_again)))
        timeless = lambda logs: [{**entry, "timestamp": None} for entry in logs]
        self.assertEqual(timeless(first["logs"]), timeless(again["logs"]))
        servers = {(entry["server_id"], entry["server_tag"], entry["server_ip"]) for entry in first["logs"]}
        self.assertEqual([len({s[i] for s in servers}) for i in range(3)], [len(servers)] * 3)
        self.assertTrue(30 < len(servers) <= 40, len(servers))

    def test_loki_takes_what_its_limits_say(self):
        def ship(*limits):
            with Sandbox("--history", "60", "--days", "30", "--interval", "off", *limits) as sandbox:
                return run("backfill", "--backend", sandbox.backend, "--loki", sandbox.loki)

        done = ship()
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn('rejected{reason="greater_than_max_sample_age"}', done.stdout)
        for age in ("off", "31d"):
            done = ship("--reject-old-samples-max-age", age, "--max-chunk-age", "61d")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("rejected 0, pending 0", done.stdout)
