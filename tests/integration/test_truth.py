"""What the tools report is what Loki holds, although Loki hides a loss, refuses in part, or forgets.

Runs against the sandbox's Loki, and also against a real one where LOKISHIP_LIVE_LOKI names it.
"""

import json
import os
import pathlib
import re
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid

from harness import PATIENCE, SCRATCH, Backend, Sandbox, run

HOUR = 3600 * 10**9


class Loki:
    """A Loki as a user with curl sees it."""

    def __init__(self, url):
        self.url = url

    def push(self, *streams):
        """Pushes (labels, [(ns, line)…]) in one request; the status."""
        body = {"streams": [{"stream": labels, "values": [[str(ns), line] for ns, line in values]} for labels, values in streams]}
        request = urllib.request.Request(
            self.url + "/loki/api/v1/push", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status
        except urllib.error.HTTPError as e:
            with e:
                return e.code

    def lines(self, selector):
        """The set of (ns, line) that it shows of the last two hours and a half."""
        now = time.time_ns()
        parameters = {"query": selector, "limit": 5000, "start": now - 5 * HOUR // 2, "end": now + HOUR}
        with urllib.request.urlopen(
            f"{self.url}/loki/api/v1/query_range?{urllib.parse.urlencode(parameters)}", timeout=PATIENCE
        ) as answer:
            streams = json.load(answer)["data"]["result"]
        found = [(int(ns), line) for s in streams for ns, line in s["values"]]
        assert len(found) == len(set(found)), "something is shown twice"
        return set(found)


def labels(tag):
    return {
        "job": "aoss",
        "server_id": "795b929e-9a9a-40fd-aa7b-5bf55eb561a4",
        "server_tag": tag,
        "agent_type": "network",
        "status": "Success",
        "execution_status": "Success",
    }


class Truth:
    """Two servers, A and B; on A another writer has shipped newer entries already."""

    def setUp(self):
        run_id = uuid.uuid4().hex[:12]
        self.a, self.b = f"a-{run_id}", f"b-{run_id}"
        self.now = time.time_ns() // 1000 * 1000

    def selector(self, tag):
        return f'{{job="aoss", server_tag="{tag}"}}'

    def history(self, backend):
        """On A two old steps, which A's stream does not take any more, and on B two good ones."""
        backend.add(1, tag=self.a, created=self.now - 2 * HOUR)
        backend.add(1, tag=self.b, created=self.now - 1 * HOUR // 2)

    def foreign(self):
        self.assertEqual(self.loki.push((labels(self.a), [(self.now, "theirs")])), 204)

    def test_one_push_of_both_would_lose_without_a_word(self):
        self.foreign()
        old = (labels(self.a), [(self.now - 2 * HOUR, "old")])
        good = (labels(self.b), [(self.now, "good")])
        # The ingester takes the streams in the order of the push or the other way round; one of both hides the loss.
        statuses = {self.loki.push(old, good), self.loki.push(good, old)}
        self.assertEqual(statuses, {204, 400})
        self.assertEqual(self.loki.lines(self.selector(self.a)), {(self.now, "theirs")})

    def check_counted(self, done):
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(len(self.loki.lines(self.selector(self.b))), 2)
        self.assertEqual(self.loki.lines(self.selector(self.a)), {(self.now, "theirs")})

    def test_backfill_counts_what_is_lost(self):
        self.foreign()
        with Backend() as backend:
            self.history(backend)
            done = run("backfill", "--backend", backend.url, "--loki", self.loki.url, "--verify")
        self.check_counted(done)
        self.assertIn("fetched 4, shipped 2, duplicate 0, rejected 2, pending 0", done.stdout)
        self.assertIn('rejected{reason="too_far_behind"} 2', done.stdout)
        self.assertIn("read back: 2 there, 0 were not there", done.stdout)

    def test_shipd_counts_what_is_lost(self):
        self.foreign()
        with Backend() as backend:
            self.history(backend)
            done = run("shipd", "--once", "--backend", backend.url, "--loki", self.loki.url)
        self.check_counted(done)
        self.assertIn("fetched 4, shipped 2, duplicate 0, rejected 2, pending 0", done.stderr)

    def test_what_was_rejected_can_be_shipped_later(self):
        self.foreign()
        rejects = pathlib.Path(SCRATCH.name, f"{self.a}.ndjson")
        with Backend() as backend:
            self.history(backend)
            there = ["--backend", backend.url, "--loki", self.loki.url, "--rejects", str(rejects)]
            self.assertEqual(run("backfill", *there).returncode, 3)
        rows = [json.loads(row) for row in rejects.read_text(encoding="utf-8").splitlines()]
        self.assertEqual([row["reason"] for row in rows], ["too_far_behind"] * 2)
        self.assertEqual([row["step"] for row in rows], [1, 2])
        self.assertEqual({row["ts"] for row in rows}, {str(self.now - 2 * HOUR)})
        # Still too late; with --late-entries restamp Loki takes them.
        replay = ["--loki", self.loki.url, "--replay", str(rejects)]
        self.assertEqual(run("backfill", *replay).returncode, 3)
        done = run("backfill", *replay, "--late-entries", "restamp", "--verify")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("too late, given the oldest time that Loki takes: 2", done.stdout)
        self.assertIn("read back: 2 there", done.stdout)
        stored = self.loki.lines(self.selector(self.a)) - {(self.now, "theirs")}
        self.assertEqual(len(stored), 2)
        for ns, _ in stored:
            self.assertTrue(self.now - HOUR <= ns <= self.now - HOUR + 10**9, ns)

    def test_a_label_with_quotes_and_backslashes_is_read_back(self):
        with Backend() as backend:
            backend.add(1, tag=f'C:\\dir "{self.a}"\n')
            done = run("backfill", "--backend", backend.url, "--loki", self.loki.url, "--verify")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("read back: 2 there, 0 were not there", done.stdout)

    def test_a_file_that_is_no_rejects_is_named(self):
        done = run("backfill", "--replay", "/nowhere", "--loki", self.loki.url)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--replay: '/nowhere' cannot be read", done.stderr)
        done = run("backfill", "--rejects", "/nowhere/at/all", "--loki", self.loki.url)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--rejects: '/nowhere/at/all' cannot be opened: No such file or directory", done.stderr)


class TruthOfTheDouble29(Truth, unittest.TestCase):
    version = "2.9"

    def setUp(self):
        super().setUp()
        sandbox = self.enterContext(Sandbox("--history", "0", "--faithful", "--loki-version", self.version))
        self.loki = Loki(sandbox.loki)


class TruthOfTheDouble3(TruthOfTheDouble29):
    version = "3"


@unittest.skipUnless(os.environ.get("LOKISHIP_LIVE_LOKI"), "LOKISHIP_LIVE_LOKI names no real Loki")
class TruthOfARealLoki(Truth, unittest.TestCase):
    def setUp(self):
        super().setUp()
        self.loki = Loki(os.environ["LOKISHIP_LIVE_LOKI"])
