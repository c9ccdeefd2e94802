"""The tools beside a backend on PostgreSQL, in whose tables things change: what lies in Loki is what the tables say.

Runs against the sandbox's Loki, and also against a real one where LOKISHIP_LIVE_LOKI names it.
"""

import http.client
import json
import os
import random
import time
import types
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid

from compare_entries import Entry, differences
from harness import PATIENCE, Process, Sandbox, run
from postgres import Aoss, Postgres, insert, literal
from test_backfill import events, everything, flushed_until, needs_a_real_loki

# What the backend makes of a query.
AGENT_TYPES = {
    "is the firewall up": "network",
    "how big is the Postgres database": "database",
    "AUDIT who may what": "security",
    "uptime": "general",
    None: "general",
}
HOUR = 3600
# Tells shipd's polls from what else is asked.
BATCH = 101


def setUpModule():
    global POSTGRES
    POSTGRES = Postgres()
    unittest.addModuleCleanup(POSTGRES.close)


def step(number, **values):
    """A step that went well, but for what is said otherwise."""
    usual = {"command": f"echo {number}", "status": "Success", "exit_code": 0, "stdout": f"{number}\n", "stderr": ""}
    return {"step": number, **usual, **values}


class WithAoss:
    """A backend on empty tables, and the Loki that `make_loki` gives; servers and executions of this test only."""

    def setUp(self):
        self.run = uuid.uuid4().hex[:8]
        self.started = time.time_ns()
        self.executions = 0
        self.aoss = self.enterContext(Aoss(POSTGRES, AGENT_TYPES))
        self.loki = self.make_loki()

    def server_id(self, number):
        return f"{self.run}-0000-4000-8000-{number:012}"

    def servers(self, *tags):
        """The statements for servers 0, 1, …"""
        return [
            insert("servers", id=self.server_id(n), user_id="user_1", server_tag=tag, ip_address=f"10.0.0.{n}")
            for n, tag in enumerate(tags)
        ]

    def execution(self, steps=None, age=0, **values):
        """The statement for one that began so many seconds ago; its id."""
        self.executions += 1
        at = time.time_ns() // 1000 - round(age * 10**6)
        usual = {
            "id": f"{self.run}-{self.executions:04}-4000-9000-000000000000",
            "user_id": "user_1",
            "server_id": self.server_id(0),
            "query": "uptime",
            "execution_results": steps,
            "status": "Success" if steps else "Planned",
            "created_at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 10**6)) + f".{at % 10**6:06}Z",
        }
        row = {**usual, **values}
        return insert("execution_logs", **row), row["id"]

    def update(self, execution, **values):
        changes = ", ".join(f"{name} = {literal(value)}" for name, value in values.items())
        return f"update execution_logs set {changes} where id = '{execution}';"

    def shipd(self):
        there = ["--backend", self.aoss.url, "--loki", self.loki.loki]
        return Process("shipd", *there, "--poll-interval", "100ms", "--batch-size", str(BATCH))

    def backfill(self, *options):
        return run("backfill", "--backend", self.aoss.url, "--loki", self.loki.loki, "--progress", "json", *options)

    def polled(self):
        """Until shipd has read what the tables hold."""
        is_it = lambda r: r["query"] == f"limit={BATCH}" and r["status"] == 200 and r["came"] > self.aoss.changed
        self.aoss.wait_for(is_it)
        self.aoss.remember()

    def seen(self, *statements):
        """Changes the tables, and waits until shipd has read them."""
        self.aoss.change(*statements)
        self.polled()

    def wrong(self, found, expected):
        """Where Loki differs from it; a label of backfill's own makes no difference."""
        have = []
        for labels, ns, line in found:
            labels = json.loads(labels)
            for more in ("backfill", "service_name", "detected_level"):
                labels.pop(more, None)
            # A real Loki holds other tests' entries without a server.
            if labels["server_id"] != "unknown" or ns >= self.started:
                have.append(Entry(tuple(sorted(labels.items())), ns, line))
        return list(differences(sorted(set(expected.values())), sorted(have)))

    def check(self, expected, days=1):
        """Each is in Loki, once, and nothing else is."""
        self.assertTrue(expected)
        found = flushed_until(self.loki, lambda found: not self.wrong(found, expected), days)
        self.assertEqual(self.wrong(found, expected), [])
        return found


class Shipped(WithAoss):
    def end(self, shipd):
        """All that could be read lies in Loki and is counted once."""
        self.check(self.aoss.ever)
        self.assertEqual(shipd.end(), 0, shipd.lines)
        self.assertIn(f"shipped {len(self.aoss.ever)},", shipd.lines[-1])
        self.assertIn("rejected 0, pending 0", shipd.lines[-1])
        self.check(self.aoss.ever)

    def test_what_is_inserted_completed_run_again_and_deleted(self):
        with self.shipd() as shipd:
            self.seen(*self.servers("prod-web-01", "prod-db-01"))
            whole, done = self.execution([step(1), step(2)])
            planned, late = self.execution(age=1800, query="is the firewall up")
            elsewhere = {"server_id": self.server_id(1), "query": "how big is the Postgres database"}
            begun, running = self.execution([step(1)], status="Running", **elsewhere)
            self.seen(whole, planned, begun)
            killed = step(2, status="Failed", exit_code=-9, stderr="Killed\n")
            self.seen(self.update(running, execution_results=[step(1), killed]))
            # What was shipped stays as it was, whatever becomes of its execution.
            self.seen(self.update(running, status="Failed", agent_summary="A step failed."))
            self.seen(self.update(late, execution_results=[step(1), step(2)], status="Success"))
            again = [step(1), step(2, status="Failed", exit_code=1, stdout="", stderr="no way\n")]
            self.seen(self.update(done, execution_results=again, status="Failed"))
            # The same outcome again is nothing new, the same number twice in one execution is.
            steps = [step(1), step(2), step(2, stdout="2, again\n")]
            self.seen(self.update(done, execution_results=steps, status="Success"))
            self.seen(f"delete from execution_logs where id = '{late}';")
            self.seen(f"delete from servers where id = '{self.server_id(1)}';")
            self.seen(self.execution([step(1)], **elsewhere)[0])
            self.assertEqual(len(self.aoss.ever), 10)
            self.end(shipd)

    def test_whatever_happens_to_its_executions(self):
        chance = random.Random(20261124)
        with self.shipd() as shipd:
            self.seen(*self.servers("a", "b", "c"))
            there = []
            for _ in range(40):
                happens = chance.choice(["insert", "insert", "complete", "go on", "delete"]) if there else "insert"
                which = chance.randrange(len(there)) if there else 0
                steps = [
                    step(n, status=chance.choice(["Success", "Failed"]), stdout=f"{chance.randrange(3)}")
                    for n in range(1, chance.randrange(2, 6))
                ]
                if happens == "insert":
                    statement, new = self.execution(
                        chance.choice([None, [], steps]),
                        chance.randrange(3000),
                        server_id=self.server_id(chance.randrange(4)),
                        query=chance.choice(list(AGENT_TYPES)),
                        status=chance.choice(["Planned", "Running", "Success"]),
                    )
                    there.append(new)
                elif happens == "delete":
                    statement = f"delete from execution_logs where id = '{there.pop(which)}';"
                elif happens == "complete":
                    statement = self.update(there[which], execution_results=steps, status="Success")
                else:
                    statement = self.update(there[which], status=chance.choice(["Running", "Failed"]))
                self.seen(statement)
            self.assertGreater(len(self.aoss.ever), 30)
            self.end(shipd)

    def test_nothing_is_lost_while_postgresql_is_down_and_a_burst_after_it(self):
        with self.shipd() as shipd:
            self.seen(*self.servers("prod-web-01"), self.execution([step(1), step(2)])[0])
            self.check(self.aoss.ever)
            for executions in (1, 3 * BATCH):
                unseen = [self.execution([step(1), step(2)])[0] for _ in range(executions)]
                self.aoss.change(*unseen)
                POSTGRES.crash()
                down = time.monotonic()
                self.aoss.wait_for(lambda r: r["status"] == 500 and r["came"] > down, times=3)
                self.assertIn(self.aoss.url, shipd.wait_for("does not answer as it should")[-1])
                POSTGRES.start()
                shipd.wait_for("is back")
                self.polled()
                self.check(self.aoss.ever)
            self.end(shipd)

    def test_unusual_data(self):
        output = "".join(map(chr, range(32))) + "\x7f\x85\u2028\ufeff \"'\\ $1 %s \\u0041 \\n 😀 é e\u0301 漢字"
        lengths = ["é" * 300, "é" * 301, "😀" * 300, "😀" * 301, "e\u0301" * 200, "\n" * 301, "x" * 500, "x" * 501]
        texts = [None, "", output, *lengths, "漢" * 1_000_000]
        steps = [step(n, stdout=t, stderr=texts[-n]) for n, t in enumerate(texts, 1)]
        steps.append({"step": len(steps) + 1})
        steps.append({"step": None, "command": output, "status": None, "exit_code": None, "stdout": None, "stderr": None})
        steps.append(step(-1, exit_code=-(2**63)))
        ago = int(time.time()) - 60
        at = lambda zone, fraction="": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ago)) + fraction + zone
        rows = [
            dict(steps=steps, agent_summary="é" * 1_000_000, query=None),
            dict(steps=steps[:3], created_at=at("Z"), server_id=self.server_id(1)),
            dict(steps=steps[:3], created_at=at("Z", ".5"), server_id=self.server_id(1)),
            dict(steps=steps[:3], created_at=at("Z", ".000001"), server_id=self.server_id(2)),
            dict(steps=steps[:3], created_at=at("Z", ".999999"), server_id=self.server_id(2), status=None),
            # At the same time: of two servers; of one, and different; of one, and the same, which is one entry.
            dict(steps=[step(1)], created_at=at("Z"), server_id=self.server_id(3)),
            dict(steps=[step(1)], created_at=at("Z"), server_id=self.server_id(2)),
            dict(steps=[step(1, stdout="other")], created_at=at("Z"), server_id=self.server_id(2)),
            dict(steps=[step(1)], created_at=at("Z"), server_id=self.server_id(2)),
            # No results in each way, no server, and one that is gone.
            dict(status=""),
            dict(steps=[], status=None),
            dict(steps="null"),
            dict(server_id=None),
            dict(steps=[step(1)], server_id=self.server_id(4)),
        ]
        tags = ['C:\\dir "x"\n{}=', "edge-παρίσι-😀", None, ""]
        self.aoss.change(*self.servers(*tags), *(self.execution(**row)[0] for row in rows))
        with self.shipd() as shipd:
            for zone in ("UTC", "Asia/Kathmandu", "America/St_Johns"):
                POSTGRES.sql(f"alter role reader set timezone = '{zone}';")
                self.aoss.changed = time.monotonic()
                self.polled()
            self.check(self.aoss.ever)
            self.assertEqual(shipd.end(), 0)
            self.assertIn("rejected 0, pending 0", shipd.lines[-1])
        # Another who reads them in that zone finds all there.
        done = self.backfill()
        POSTGRES.sql("alter role reader reset timezone;")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(events(done.stdout)["summary"]["shipped"], 0)
        self.check(self.aoss.ever)

    def test_an_execution_without_a_time_is_there_once(self):
        with self.shipd() as shipd:
            # PostgreSQL has it first in each answer.
            self.seen(*self.servers("a"), self.execution([step(1)], created_at=None)[0])
            shipd.wait_for("1 in all")
            self.seen(self.execution([step(2)])[0])
            shipd.wait_for("2 in all")
            self.assertEqual(shipd.end(), 0)
            self.assertIn("shipped 2,", shipd.lines[-1])
        times = [ns for _, ns, line in everything(self.loki, 1) if line.startswith("STEP: 1 ")]
        self.assertEqual(len(times), 1)
        self.assertTrue(self.started < times[0] < time.time_ns())

    def history(self, executions=60, hours=5 * 24):
        """Executions on three servers, spread over so many hours."""
        queries = list(AGENT_TYPES)
        return [
            *self.servers("a", "b", "c"),
            *(
                self.execution(
                    [step(1, stdout=str(n)), step(2, status=("Success", "Failed")[n % 2])] if n % 7 else None,
                    age=HOUR * hours * n / executions,
                    server_id=self.server_id(n % 3),
                    query=queries[n % 5],
                )[0]
                for n in range(executions)
            ),
        ]

    def test_backfill_ships_the_whole_table_and_a_part_of_it(self):
        self.aoss.change(*self.history())
        chosen = {"server_id": self.server_id(1), "execution_status": "Planned"}
        done = self.backfill("--dry-run", "--server-id", chosen["server_id"], "--status", chosen["execution_status"])
        rows = map(json.loads, done.stdout.splitlines())
        part = {Entry(tuple(sorted(row["labels"].items())), int(row["ts"]), row["line"]) for row in rows}
        wanted = {e for e in self.aoss.now.values() if chosen.items() <= set(e.labels)}
        self.assertEqual(part, wanted)
        self.assertTrue(wanted)
        done = self.backfill("--verify", "--verify-wait", "0s")
        self.assertIn(done.returncode, (0, 8), done.stderr)
        self.assertEqual(events(done.stdout)["summary"]["shipped"], len(self.aoss.now))
        found = self.check(self.aoss.now, days=7)
        again = self.backfill()
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertLessEqual(events(again.stdout)["summary"]["shipped"], self.unlisted)
        self.assertEqual(self.wrong(everything(self.loki, 7), self.aoss.now), [])
        # One character less in one row is found.
        shorter = """replace(execution_results::text, '"stdout": "11"', '"stdout": "1"')::json"""
        self.aoss.change(f"update execution_logs set execution_results = {shorter};")
        self.assertEqual(len(self.wrong(found, self.aoss.now)), 2)

    def test_backfill_with_a_label_beside_shipd(self):
        self.aoss.change(*self.history(3 * BATCH))
        planned, late = self.execution(age=3 * HOUR)
        with self.shipd() as shipd:
            self.seen(planned)
            # The first page must be there before: what is not seen yet is shipped again, under the label.
            newest = sorted({e.ts for e in self.aoss.now.values()})[-BATCH:]
            first = {(e.ts, e.line) for e in self.aoss.now.values() if e.ts in newest}
            shown = flushed_until(self.loki, lambda found: first <= {entry[1:] for entry in found}, days=7)
            self.assertLessEqual(first, {entry[1:] for entry in shown})
            there = ["--backend", self.aoss.url, "--loki", self.loki.loki]
            with Process("backfill", *there, "--label", "backfill=2026-11") as backfill:
                for n in range(20):
                    statement, _ = self.execution([step(1), step(2, stdout=str(n))])
                    self.seen(statement)
                self.assertEqual(backfill.process.wait(timeout=PATIENCE), 0, backfill.lines)
            self.check(self.aoss.ever, days=7)
            # Too late for shipd beside what is newer in its stream, and shipd says so; not for backfill.
            statement, _ = self.execution([step(1, stdout="newer")])
            self.seen(statement)
            end = time.monotonic() + PATIENCE
            while not any("newer" in line for _, _, line in everything(self.loki, 1)):
                self.assertLess(time.monotonic(), end)
            self.seen(self.update(late, execution_results=[step(1), step(2)], status="Success"))
            self.assertIn("too_far_behind", shipd.wait_for("Loki refuses")[-1])
            self.assertEqual(self.backfill("--label", "backfill=2026-11").returncode, 0)
            found = self.check(self.aoss.ever, days=7)
            self.assertEqual(shipd.end(), 0, shipd.lines)
            self.assertIn("rejected 2, pending 0", shipd.lines[-1])
        self.assertGreater(sum('"backfill"' in labels for labels, _, _ in found), 3 * BATCH)


class ShippedToTheSandbox(Shipped, unittest.TestCase):
    unlisted = 0

    def make_loki(self):
        return self.enterContext(Sandbox("--history", "0", "--interval", "off", "--loki-version", "3", "--faithful"))


@needs_a_real_loki
class ShippedToARealLoki(Shipped, unittest.TestCase):
    # Loki 3.7.6 leaves one of these streams out when it is asked which there are of {job="aoss"} in a day, so that backfill
    # ships its entry again. It shows once all the same.
    unlisted = 1

    def make_loki(self):
        selector = f'{{job="aoss",server_id=~"{self.run}.*|unknown"}}'
        return types.SimpleNamespace(loki=os.environ["LOKISHIP_LIVE_LOKI"], selector=selector)


class TheBackend(WithAoss, unittest.TestCase):
    """What the other tests rely on."""

    def make_loki(self):
        return None

    def get(self, query=""):
        with urllib.request.urlopen(f"{self.aoss.url}/api/monitoring/logs{query}", timeout=PATIENCE) as answer:
            self.assertEqual(answer.headers["Content-Type"], "application/json")
            self.assertIn("Content-Length", answer.headers)
            return json.load(answer)

    def test_it_answers_as_aoss_does(self):
        self.assertEqual(self.get(), {"total_executions": 0, "total_log_entries": 0, "logs": []})
        steps = [step(1, stdout="é" * 501, stderr="e" * 500), step(1)]
        old, _ = self.execution(steps, created_at="2026-11-23T13:12:03.237230+01:00")
        gone = {"server_id": self.server_id(1), "query": "check open ports"}
        new, planned = self.execution(created_at="2026-11-23T13:12:04Z", **gone)
        AGENT_TYPES["check open ports"] = "network"
        self.addCleanup(AGENT_TYPES.pop, "check open ports")
        self.aoss.change(*self.servers("prod-web-01"), old, new)
        page = self.get("?offset=7&limit=2")
        self.assertEqual((page["total_executions"], page["total_log_entries"]), (2, 3))
        self.assertEqual(
            page["logs"][0],
            {
                "timestamp": "2026-11-23T13:12:04+00:00",
                "execution_id": planned,
                "user_id": "user_1",
                **gone,
                "server_tag": "unknown",
                "server_ip": None,
                "agent_type": "network",
                "step": 0,
                "command": "",
                "status": "Planned",
                "exit_code": None,
                "stdout": "",
                "stderr": "",
                "execution_status": "Planned",
                "agent_summary": None,
            },
        )
        names = ("timestamp", "server_tag", "server_ip", "step", "stdout", "stderr")
        usual = ("2026-11-23T12:12:03.237230+00:00", "prod-web-01", "10.0.0.0", 1)
        shown = [tuple(entry[name] for name in names) for entry in page["logs"][1:]]
        self.assertEqual(shown, [(*usual, "é" * 500 + "...", "e" * 500), (*usual, "1\n", "")])
        self.assertEqual(self.get("?limit=1")["logs"], page["logs"][:1])
        self.assertEqual(self.get("?status=Success")["logs"], page["logs"][1:])
        self.assertEqual(self.get(f"?server_id={self.server_id(1)}")["logs"], page["logs"][:1])
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.get("?limit=x")
        self.assertEqual(refused.exception.code, 422)
        self.assertIn("detail", json.load(refused.exception))

    def test_whatever_asks_for_more_than_to_read_is_refused_and_found(self):
        address = urllib.parse.urlsplit(self.aoss.url).netloc
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            connection = http.client.HTTPConnection(address, timeout=PATIENCE)
            connection.request(method, "/api/monitoring/logs", b"{}")
            self.assertEqual(connection.getresponse().status, 405)
            connection.close()
            self.aoss.wait_for(lambda r: r["status"] == 405)
            with self.assertRaisesRegex(AssertionError, method):
                self.aoss.check()
            self.aoss.requests.clear()
        with self.assertRaisesRegex(AssertionError, "permission denied"):
            POSTGRES.sql("delete from execution_logs;", user="reader")
        self.aoss.check()
        # A row that is written again as it was is found, too.
        self.aoss.change(*self.servers("a"))
        POSTGRES.sql("update servers set server_tag = server_tag;")
        with self.assertRaisesRegex(AssertionError, "has written"):
            self.aoss.check()
        self.aoss.checksum = self.aoss.sum()


if __name__ == "__main__":
    unittest.main()
