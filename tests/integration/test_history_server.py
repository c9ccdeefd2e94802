"""tests/bench/serve_history gives the history that it promises, and counts what it is sent."""

import gzip
import itertools
import json
import time
import unittest
import urllib.request

from harness import PATIENCE, History, run

DAY = 86400 * 10**9
END = 1_795_439_523 * 10**9 + 123_456_789


class HistoryServer(History):
    def text(self, limit):
        with urllib.request.urlopen(f"{self.backend}/api/monitoring/logs?limit={limit}&server_id=x", timeout=PATIENCE) as answer:
            return answer.read()

    def push(self, body, **headers):
        request = urllib.request.Request(self.loki + "/loki/api/v1/push", body, {"Content-Type": "application/json", **headers})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read()


class ServeHistory(unittest.TestCase):
    def test_a_page(self):
        options = ["--entries", "500", "--entry-bytes", "777", "--streams", "17", "--days", "3", "--end", str(END)]
        with HistoryServer(*options) as one, HistoryServer(*options) as other:
            text = one.text(1000)
            self.assertEqual(text, other.text(1000))
            some = json.loads(one.text(20))
        page = json.loads(text)
        logs = page["logs"]
        self.assertEqual((page["total_log_entries"], len(logs)), (500, 500))
        self.assertEqual(len(text), text.index(b"[") + 1 + 500 * 777 - 1 + 2)
        self.assertEqual(some["total_executions"], 20)
        self.assertEqual(some["logs"], logs[: len(some["logs"])])

        executions = [list(steps) for _, steps in itertools.groupby(logs, lambda entry: entry["execution_id"])]
        self.assertEqual(page["total_executions"], len(executions))
        self.assertEqual(len({steps[0]["execution_id"] for steps in executions}), len(executions))
        for steps in executions[:-1]:
            self.assertIn(len(steps), (2, 3))
        for steps in executions:
            self.assertEqual([entry["step"] for entry in steps], [*range(1, len(steps) + 1)])
            self.assertEqual(len({entry["timestamp"] for entry in steps}), 1)
        created = [steps[0]["timestamp"] for steps in executions]
        self.assertEqual(created, sorted(set(created), reverse=True))
        self.assertEqual(created[0], "2026-11-23T13:12:03.123456+00:00")
        self.assertTrue(created[-1].startswith("2026-11-20T13:"), created[-1])
        labels = ("server_id", "server_tag", "agent_type", "status", "execution_status")
        self.assertEqual(len({tuple(entry[name] for name in labels) for entry in logs}), 17)

    def test_entries_of_other_sizes_and_numbers(self):
        for entries, size in (0, 777), (1, 777), (2, 600), (3, 3000), (7, 777), (1250, 501):
            with self.subTest(entries=entries, size=size):
                # The end is a whole second, and what lies a second apart has no fraction either.
                options = ["--entries", str(entries), "--entry-bytes", str(size), "--end", str(END // DAY * DAY), "--days", "1"]
                with HistoryServer(*options) as server:
                    text = server.text(10**9)
                page = json.loads(text)
                self.assertEqual(len(page["logs"]), entries)
                self.assertEqual(len(text), text.index(b"[") + 1 + max(entries * size - 1, 0) + 2)

    def test_loki_counts(self):
        body = b'{"streams":[{"stream":{"a":"["},"values":[["1","x["],["2","[\\"3"],["-3","y",{"m":"["}]]},{"stream":{},"values":[]}]}'
        packed = gzip.compress(body)
        with HistoryServer("--entries", "1") as server:
            self.assertEqual(server.push(body), (204, b""))
            self.assertEqual(server.push(packed, **{"Content-Encoding": "gzip"}), (204, b""))
            self.assertEqual(server.count(), {"pushes": 2, "bytes": len(body) + len(packed), "entries": 6})

    def test_backfill_ships_it(self):
        with HistoryServer("--entries", "3000", "--streams", "30", "--end", str(time.time_ns())) as server:
            done = run("backfill", "--backend", server.backend, "--loki", server.loki, "--encoding", "json")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("fetched 3000, shipped 3000, duplicate 0, rejected 0, pending 0", done.stdout)
            self.assertEqual(server.count()["entries"], 3000)
