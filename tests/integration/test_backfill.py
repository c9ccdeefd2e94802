"""A history of any length: what the plan says comes true, in bounded memory, whatever interrupts it, beside a live shipper.

Runs against the sandbox's Loki, and in part also against a real one where LOKISHIP_LIVE_LOKI names it. What that one
holds of another run does no harm.
"""

import contextlib
import json
import os
import pathlib
import random
import re
import resource
import signal
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from harness import PATIENCE, SCRATCH, History, Process, RealLoki, Sandbox, Weather, command, run

HOUR = 3600
DAY = 24 * HOUR

needs_a_real_loki = unittest.skipUnless(os.environ.get("LOKISHIP_LIVE_LOKI"), "LOKISHIP_LIVE_LOKI names no real Loki")


def events(text):
    """What `--progress json` wrote: the last event of each kind."""
    return {event["event"]: event for event in map(json.loads, text.splitlines())}


def refused(plan):
    return {r["reason"]: r["entries"] for r in plan["refused"]}


def ask(url):
    """The answer; again while Loki has too many queries, such as those of whoever was killed."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            with e:
                if e.code != 429 or time.monotonic() > end:
                    raise


def everything(world, days=31):
    """All entries that the Loki of a Sandbox or a RealLoki shows, each once: the set of (labels, ns, line)."""
    found, now = [], time.time_ns()
    for day in range(-1, days):
        start = now - (day + 1) * DAY * 10**9
        while True:
            asked = {"direction": "forward", "limit": 5000, "query": world.selector, "start": start, "end": now - day * DAY * 10**9}
            url = f"{world.loki}/loki/api/v1/query_range?{urllib.parse.urlencode(asked)}"
            streams = ask(url)["data"]["result"]
            page = [(json.dumps(s["stream"], sort_keys=True), int(ns), line) for s in streams for ns, line in s["values"]]
            # The last nanosecond of a full answer is asked for again.
            last = max((ns for _, ns, _ in page), default=0)
            full = len(page) >= 5000
            found += [entry for entry in page if not full or entry[1] < last]
            if not full:
                break
            start = last
    assert len(found) == len(set(found)), "something is shown twice"
    return set(found)


def entries_of(world):
    """What the backend has: the set of (ns, line)."""
    rows = run("backfill", "--backend", world.backend, "--dry-run").stdout.splitlines()
    return {(int(row["ts"]), row["line"]) for row in map(json.loads, rows)}


def flush(world):
    """Loki shows what is older than three hours only then."""
    urllib.request.urlopen(urllib.request.Request(world.loki + "/flush", method="POST"), timeout=PATIENCE).close()


def flushed_until(world, is_enough, days=31):
    """Flushes until the set of (labels, ns, line) that Loki shows is enough, or patience ends; the set."""
    end = time.monotonic() + PATIENCE
    while True:
        flush(world)
        found = everything(world, days)
        if is_enough(found) or time.monotonic() > end:
            return found


class ThirtyDays(unittest.TestCase):
    HISTORY = ["--history", "9000", "--days", "30", "--servers", "26", "--interval", "off"]

    def test_what_the_plan_says_is_refused_and_nothing_else(self):
        with Sandbox(*self.HISTORY) as sandbox:
            there = ["--backend", sandbox.backend, "--loki", sandbox.loki, "--rate", "off", "--progress", "json"]
            done = run("backfill", *there, "--plan")
            plan = events(done.stdout)["plan"]
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertEqual(everything(sandbox), set())
            self.assertGreaterEqual(plan["streams"], 300)
            self.assertEqual(plan["executions"], 9000)
            self.assertTrue(plan["certain"])
            self.assertEqual(list(refused(plan)), ["greater_than_max_sample_age"])
            self.assertIn("limits_config.reject_old_samples", plan["refused"][0]["remedy"])

            # Loki itself refuses just these, and stores the rest.
            done = run("backfill", *there, "--push-refused", "--verify")
            self.assertEqual(done.returncode, 3, done.stderr)
            summary = events(done.stdout)["summary"]
            self.assertEqual(summary["rejected_by_reason"], refused(plan))
            self.assertEqual(summary["shipped"], plan["to_ship"])
            self.assertEqual(summary["verified"], summary["shipped"])
            self.assertEqual(summary["pending"], 0)
            stored = everything(sandbox)
            self.assertEqual(len(stored), plan["to_ship"])

            # And again: what is there is left out, and what would be refused is not sent.
            done = run("backfill", *there)
            plan, summary = events(done.stdout)["plan"], events(done.stdout)["summary"]
            self.assertEqual(done.returncode, 3, done.stderr)
            self.assertEqual((plan["already_there"], plan["to_ship"]), (len(stored), 0))
            self.assertEqual((summary["duplicate"], summary["shipped"], summary["pushes"]), (len(stored), 0, 0))
            self.assertEqual(summary["rejected_by_reason"], refused(plan))
            self.assertEqual(everything(sandbox), stored)

    def test_with_the_limits_that_the_plan_advises_all_is_stored(self):
        with Sandbox(*self.HISTORY) as sandbox:
            done = run("backfill", "--backend", sandbox.backend, "--loki", sandbox.loki, "--plan")
            advised = done.stdout.split("set it to ")[1].split(",")[0]
        self.assertRegex(advised, r"^\d+h$")
        with Sandbox(*self.HISTORY, "--reject-old-samples-max-age", advised) as sandbox:
            done = run(
                "backfill", "--backend", sandbox.backend, "--loki", sandbox.loki, "--rate", "off", "--verify", "--progress", "json"
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            plan, summary = events(done.stdout)["plan"], events(done.stdout)["summary"]
            self.assertEqual(plan["refused"], [])
            self.assertEqual(summary["shipped"], plan["entries"])
            self.assertEqual(summary["verified"], plan["entries"])
            self.assertEqual(len(everything(sandbox)), plan["entries"])

    def test_a_part_of_it(self):
        with Sandbox(*self.HISTORY, "--reject-old-samples-max-age", "off") as sandbox:
            there = ["--backend", sandbox.backend, "--loki", sandbox.loki]
            rows = run("backfill", *there, "--dry-run").stdout.splitlines()
            rows = [json.loads(row) for row in rows]
            servers = sorted({row["labels"]["server_id"] for row in rows})[:2]
            now = time.time_ns()
            until, since = now - 5 * DAY * 10**9, now - 9 * DAY * 10**9
            wanted = {
                (row["ts"], row["line"])
                for row in rows
                if row["labels"]["server_id"] in servers
                and row["labels"]["execution_status"] == "Failed"
                and since <= int(row["ts"]) < until
            }
            chosen = ["--since", "9d", "--until", "5d", "--status", "Failed"]
            for server in servers:
                chosen += ["--server-id", server]
            part = [json.loads(row) for row in run("backfill", *there, "--dry-run", *chosen).stdout.splitlines()]
            # The time has gone on by a few seconds.
            self.assertLess(len({(row["ts"], row["line"]) for row in part} ^ wanted), 5)
            self.assertGreater(len(part), 20)
            done = run("backfill", *there, *chosen, "--progress", "json")
            plan, summary = events(done.stdout)["plan"], events(done.stdout)["summary"]
            self.assertLess(abs(summary["shipped"] - len(part)), 5)
            self.assertEqual(plan["records"], plan["filtered"] + plan["entries"])
            # The servers were asked for one by one, and only their executions came.
            self.assertLess(plan["records"], 3000)

    def test_labels_put_history_into_streams_of_its_own(self):
        with Sandbox("--history", "50", "--interval", "off") as sandbox:
            there = ["--backend", sandbox.backend, "--loki", sandbox.loki]
            done = run("backfill", *there, "--label", "backfill=2026-11", "--label", "by=me", "--progress", "json")
            self.assertEqual(done.returncode, 0, done.stderr)
            labels = [json.loads(labels) for labels, _, _ in everything(sandbox)]
            self.assertEqual(len(labels), events(done.stdout)["summary"]["shipped"])
            # What a live stream takes goes there.
            young = [set_ for set_ in labels if "backfill" not in set_]
            self.assertLess(len(young), 10)
            self.assertEqual(
                {(set_["backfill"], set_["by"]) for set_ in labels if set_ not in young}, {("2026-11", "me")}
            )
            # What is there under more labels is there.
            done = run("backfill", *there, "--progress", "json")
            self.assertEqual(events(done.stdout)["summary"]["shipped"], 0)
            self.assertEqual(events(done.stdout)["plan"]["already_there"], len(labels))


@needs_a_real_loki
class ThirtyDaysIntoARealLoki(unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(RealLoki())
        # None comes of age while the test runs.
        self.world.add_history(30 * DAY, 13 * 60, 300, gap=range(7 * DAY - 3 * HOUR, 7 * DAY + 3 * HOUR))
        self.there = ["--backend", self.world.backend, "--loki", self.world.loki, "--progress", "json", "--log-level", "error"]

    def discarded(self):
        """How many entries this Loki has refused for their age since it was started."""
        with urllib.request.urlopen(self.world.loki + "/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
        name = r"^loki_discarded_samples_total\{[^}]*greater_than_max_sample_age[^}]*\} (\S+)$"
        return sum(float(n) for n in re.findall(name, text, re.MULTILINE))

    def ship(self, *options):
        """Runs backfill and lets Loki flush while it verifies; its exit code and last events."""
        said = pathlib.Path(SCRATCH.name, f"{self.id()}.said")
        end = time.monotonic() + 900
        with said.open("w", encoding="utf-8") as out:
            process = subprocess.Popen(**command("backfill", *self.there, "--verify", *options), stdout=out)
        while process.poll() is None:
            self.assertLess(time.monotonic(), end)
            if '"pending":0}' in said.read_text(encoding="utf-8"):
                flush(self.world)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=2)
        return process.returncode, events(said.read_text(encoding="utf-8"))

    def check(self, *options):
        """Plans, ships and compares; how many Loki refused itself, and what the plan says of that."""
        entries = entries_of(self.world)
        self.assertGreaterEqual(len(entries), 6000)
        done = run("backfill", *self.there, "--plan", *options)
        plan = events(done.stdout)["plan"]
        self.assertEqual((plan["streams"], plan["entries"], plan["already_there"]), (300, len(entries), 0))
        self.assertEqual((plan["maybe_too_late"], plan["nearly_too_old"], plan["live_streams"]), (0, 0, 0))
        self.assertEqual(everything(self.world), set())
        bar = time.time_ns() - 7 * DAY * 10**9
        old = {entry for entry in entries if entry[0] < bar and plan["refused"]}
        self.assertEqual(refused(plan), {"greater_than_max_sample_age": len(old)} if old else {})
        self.assertEqual(done.returncode, 3 if old else 0, done.stderr)

        discarded = self.discarded()
        code, said = self.ship(*options)
        summary = said["summary"]
        self.assertEqual(code, done.returncode, summary)
        self.assertEqual(refused(said["plan"]), refused(plan))
        self.assertEqual(summary["rejected_by_reason"], refused(plan))
        self.assertEqual((summary["shipped"], summary["verified"]), (len(entries) - len(old),) * 2)
        self.assertEqual((summary["pending"], summary["duplicate"], summary["lost"], summary["not_visible"]), (0, 0, 0, 0))
        stored = [(ns, line) for _, ns, line in everything(self.world)]
        self.assertEqual(set(stored), entries - old)
        self.assertEqual(len(stored), len(entries - old))
        return self.discarded() - discarded, len(old)

    def test_what_the_plan_says_is_withheld_and_all_else_is_stored(self):
        discarded, _ = self.check()
        self.assertEqual(discarded, 0)

    def test_what_the_plan_says_is_what_loki_refuses(self):
        discarded, old = self.check("--push-refused")
        # Where one push was refused, backfill believes Loki of whatever is as old, for minutes.
        self.assertLessEqual(discarded, old)
        self.assertEqual(discarded > 0, old > 0)


class Interrupted(unittest.TestCase):
    def file(self, name):
        return pathlib.Path(SCRATCH.name, f"{self.id()}.{name}")

    def killed(self, make_world, kills_wanted, longest):
        """Kills backfill at random moments, and compares what the last run ends with to what the backend has."""
        chance = random.Random(20261124)
        options = ["--rate", "off", "--push-entries", "20", "--progress", "json"]
        kills, worlds = 0, 0
        while kills < kills_wanted:
            worlds += 1
            checkpoint = self.file(f"checkpoint-{worlds}")
            with make_world() as world:
                there = ["--backend", world.backend, "--loki", world.loki, *options, "--checkpoint", str(checkpoint)]
                for _ in range(30):
                    process = subprocess.Popen(
                        **command("backfill", *there), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                    )
                    try:
                        process.wait(timeout=chance.uniform(0.02, longest))
                        break
                    except subprocess.TimeoutExpired:
                        process.kill()
                        process.wait()
                        kills += 1
                done = run("backfill", *there)
                self.assertEqual(done.returncode, 3, done.stderr)
                summary = events(done.stdout)["summary"]
                shown = flushed_until(world, lambda found: len(found) >= summary["shipped"], days=10)
                stored = {(ns, line) for _, ns, line in shown}
                everything_there_is = entries_of(world)
                # What is older than Loki takes is known by the plan; a minute passes meanwhile.
                bar = time.time_ns() - 7 * DAY * 10**9
                self.assertLessEqual(stored, everything_there_is)
                self.assertLessEqual({e for e in everything_there_is if e[0] > bar}, stored)
                self.assertFalse({e for e in stored if e[0] < bar - 60 * 10**9})
                self.assertEqual(summary["shipped"], len(shown))
                self.assertEqual(list(summary["rejected_by_reason"]), ["greater_than_max_sample_age"])
                self.assertEqual(summary["shipped"] + summary["rejected"], summary["fetched"])

    def test_killed_at_a_hundred_random_moments_it_ends_as_if_undisturbed(self):
        self.killed(lambda: Sandbox("--history", "600", "--days", "9", "--servers", "3", "--interval", "off", "--faithful"), 100, 0.35)

    @needs_a_real_loki
    def test_killed_at_random_moments_before_a_real_loki_it_ends_as_if_undisturbed(self):
        def make_world():
            world = RealLoki()
            world.add_history(9 * DAY, 20 * 60, 6, gap=range(7 * DAY - HOUR, 7 * DAY + HOUR))
            return world

        self.killed(make_world, 30, 1)

    def test_a_signal_stops_it_cleanly_and_the_same_command_goes_on(self):
        checkpoint = self.file("checkpoint")
        with Sandbox("--history", "2000", "--interval", "off") as sandbox, Weather(sandbox.loki) as weather:
            weather.delay = 0.05
            there = ["--backend", sandbox.backend, "--loki", weather.url, "--push-entries", "50", "--checkpoint", str(checkpoint)]
            with Process("backfill", *there) as backfill:
                weather.wait_until_asked("push", 20)
                self.assertEqual(backfill.end(), 6, backfill.lines)
                self.assertRegex(
                    backfill.lines[-1], r"interrupted with \d+ entries to ship; run the same command again: it goes on from '"
                )
                shipped = len(everything(sandbox, days=6))
                self.assertIn(f"shipped {shipped}, duplicate 0, rejected 0", backfill.output())
            done = run("backfill", *there, "--progress", "json")
            self.assertEqual(done.returncode, 0, done.stderr)
            plan, summary = events(done.stdout)["plan"], events(done.stdout)["summary"]
            self.assertEqual(plan["resumed"], shipped)
            self.assertEqual(summary["shipped"], plan["entries"])
            self.assertEqual(len(everything(sandbox, days=6)), plan["entries"])

    def test_a_signal_between_two_steps_is_taken(self):
        with Sandbox("--history", "50", "--interval", "off") as sandbox:
            there = ["--backend", sandbox.backend, "--loki", sandbox.loki, "--checkpoint", str(self.file("checkpoint"))]
            self.assertEqual(run("backfill", *there).returncode, 0)
            for _ in range(20):
                with Process("backfill", *there, "--verify") as backfill:
                    backfill.wait_for("reading all history")
                    # The plan comes at once, and there is nothing to ship: it is somewhere there.
                    while not backfill.output() and backfill.process.poll() is None:
                        pass
                    self.assertIn(backfill.end(), (0, 6), backfill.lines)

    def test_a_signal_after_all_is_done_changes_nothing(self):
        with Sandbox("--history", "50", "--interval", "off") as sandbox:
            there = ["--backend", sandbox.backend, "--loki", sandbox.loki, "--checkpoint", str(self.file("checkpoint"))]
            for _ in range(100):
                with Process("backfill", *there) as backfill:
                    while "shipped" not in backfill.output() and backfill.process.poll() is None:
                        pass
                    self.assertEqual(backfill.end(), 0, backfill.lines)

    def test_a_second_signal_ends_it_at_once(self):
        with Sandbox("--history", "50", "--interval", "off") as sandbox, Weather(sandbox.loki) as weather:
            weather.set("hang", only="push")
            with Process("backfill", "--backend", sandbox.backend, "--loki", weather.url) as backfill:
                weather.wait_until_spoilt(1)
                backfill.process.send_signal(signal.SIGINT)
                # The first is taken when it has taken effect: Python cannot see that, so the second comes until it is over.
                end = time.monotonic() + 4
                while backfill.process.poll() is None and time.monotonic() < end:
                    backfill.process.send_signal(signal.SIGINT)
                self.assertEqual(backfill.process.wait(timeout=1), -signal.SIGINT)

    def test_a_checkpoint_that_is_damaged_or_of_something_else_is_refused(self):
        checkpoint = self.file("checkpoint")
        with Sandbox("--history", "50", "--interval", "off") as sandbox:
            there = ["--backend", sandbox.backend, "--loki", sandbox.loki, "--checkpoint", str(checkpoint)]
            self.assertEqual(run("backfill", *there).returncode, 0)
            whole = checkpoint.read_bytes()
            done = run("backfill", *there, "--since", "7d")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("is the checkpoint of another backfill", done.stderr)
            for damage, text in (
                (whole[:-10], "it is damaged"),
                (whole.replace(b'"prefixes":[[', b'"prefixes":[[1'), "it is damaged"),
                (b"", "it is no checkpoint"),
                (b"lokiship-checkpoint-9 1 2\n", "it is of another version"),
            ):
                checkpoint.write_bytes(damage)
                done = run("backfill", *there)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(text, done.stderr)
                self.assertEqual(checkpoint.read_bytes(), damage)
            self.assertEqual(run("backfill", *there, "--plan").returncode, 2)
            checkpoint.write_bytes(whole)
            self.assertEqual(run("backfill", *there).returncode, 0)

    def test_a_disk_that_is_full_or_cannot_be_written_is_named(self):
        def full():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        with Sandbox("--history", "3000", "--interval", "off") as sandbox:
            there = ["--backend", sandbox.backend, "--loki", sandbox.loki]
            done = subprocess.run(**command("backfill", *there), capture_output=True, timeout=PATIENCE, preexec_fn=full)
            self.assertEqual(done.returncode, 9, done.stderr)
            self.assertRegex(done.stderr, r"the spool in '/[^']*': it cannot be written: File too large")
            done = run("backfill", *there, "--spool-dir", "/nowhere")
            self.assertEqual(done.returncode, 9, done.stderr)
            self.assertIn("the spool in '/nowhere': a temporary file cannot be opened: No such file", done.stderr)
            done = run("backfill", *there, "--checkpoint", "/nowhere/c")
            self.assertEqual(done.returncode, 9, done.stderr)
            self.assertIn("'/nowhere/c' cannot be written: No such file", done.stderr)
            done = run("backfill", *there, "--report", "/nowhere/r")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--report: '/nowhere/r' cannot be opened: No such file", done.stderr)
            self.assertEqual(everything(sandbox, days=6), set())

    def test_the_report_is_what_was_said(self):
        report = self.file("report")
        with Sandbox("--history", "50", "--interval", "off") as sandbox:
            done = run(
                "backfill", "--backend", sandbox.backend, "--loki", sandbox.loki, "--progress", "json", "--report", str(report)
            )
        said = events(done.stdout)
        written = json.loads(report.read_text(encoding="utf-8"))
        for part in ("plan", "summary"):
            self.assertEqual({"event": part, **written[part]}, said[part])
        self.assertEqual(written["summary"]["exit_code"], 0)


@unittest.skipIf(os.environ.get("LOKISHIP_SANITIZED"), "a sanitizer takes memory of its own")
class Memory(unittest.TestCase):
    def peak(self, entries, *options):
        """The peak resident memory in KiB of a backfill of so many entries."""
        with History("--entries", str(entries)) as server:
            process = subprocess.Popen(
                **command("backfill", "--backend", server.backend, "--loki", server.loki, "--rate", "off", "--encoding", "json", *options),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            self.assertEqual(process.returncode, 0)
            self.assertEqual(server.count()["entries"], entries)
        return usage.ru_maxrss

    def test_it_does_not_grow_with_the_history(self):
        small, large = self.peak(30_000), self.peak(120_000)
        self.assertLess(large, 64 * 1024)
        self.assertLess(large, small * 1.1)


class Beside:
    """Has a `world` in which executions keep happening."""

    poll = "1s"

    def beside_shipd(self, *options):
        """Runs a backfill beside a shipd; its outcome, what Loki shows, and what the backend has."""
        before = entries_of(self.world)
        newest = sorted({ns for ns, _ in before})[-80]
        first = {(ns, line) for ns, line in before if ns >= newest and not line.startswith("STEP: 0")}
        there = ["--backend", self.world.backend, "--loki", self.world.loki]
        with Process("shipd", *there, "--poll-interval", self.poll) as shipd:
            # What its first poll brings is not seen while it is on its way.
            end = time.monotonic() + 5 * PATIENCE
            while not first <= {(ns, line) for _, ns, line in everything(self.world, days=7)}:
                self.assertLess(time.monotonic(), end)
            done = run("backfill", *there, "--progress", "json", "--push-entries", "20", *options)
            known = entries_of(self.world)
            shown = set()
            while not {e for e in known if e[0] > newest} <= shown:
                self.assertLess(time.monotonic(), end)
                shown = {(ns, line) for _, ns, line in everything(self.world, days=7)}
            self.assertEqual(shipd.end(), 0)
            self.assertFalse([line for line in shipd.lines if "refuse" in line], shipd.lines)
        lost = events(done.stdout)["summary"]["rejected"]
        is_enough = lambda found: len(known - {(ns, line) for _, ns, line in found}) <= lost
        return done, flushed_until(self.world, is_enough, days=7), known

    def test_with_a_label_nothing_is_lost_or_twice(self):
        done, shown, known = self.beside_shipd("--label", "backfill=2026-11")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(events(done.stdout)["plan"]["live_streams"], 0)
        self.assertGreater(events(done.stdout)["plan"]["already_there"], 80)
        # Whatever the streams: each step once.
        entries = [(ns, line) for _, ns, line in shown]
        self.assertEqual(len(entries), len(set(entries)))
        self.assertEqual(known - set(entries), set())
        marked = [labels for labels, _, _ in shown if "backfill" in labels]
        self.assertGreater(len(marked), 200)

    def test_without_one_what_is_refused_is_foreseen(self):
        done, shown, known = self.beside_shipd()
        self.assertEqual(done.returncode, 3, done.stderr)
        plan, summary = events(done.stdout)["plan"], events(done.stdout)["summary"]
        self.assertIn("too_far_behind", refused(plan))
        self.assertIn("--label backfill=", plan["refused"][0]["remedy"])
        self.assertEqual(list(summary["rejected_by_reason"]), ["too_far_behind"])
        # Loki has not forgotten any stream yet.
        self.assertEqual(summary["rejected"], refused(plan)["too_far_behind"] + plan["maybe_too_late"])
        entries = [(ns, line) for _, ns, line in shown]
        self.assertEqual(len(entries), len(set(entries)))
        self.assertEqual(len(known - set(entries)), summary["rejected"])


class BesideALiveShipper(Beside, unittest.TestCase):
    poll = "100ms"

    def setUp(self):
        self.world = self.enterContext(Sandbox("--history", "400", "--days", "6", "--servers", "2", "--interval", "50ms"))


@needs_a_real_loki
class BesideALiveShipperAndARealLoki(Beside, unittest.TestCase):
    def setUp(self):
        self.world = self.enterContext(RealLoki())
        self.world.add_history(6 * DAY, HOUR, 4, gap=range(12 * HOUR))
        self.world.add_history(12 * HOUR, 60, 4)
        over = threading.Event()

        def go_on():
            while not over.wait(0.05):
                self.world.add(1, tag=f"{self.world.tag}-{self.world.next % 4}")

        threading.Thread(target=go_on, daemon=True).start()
        self.addCleanup(over.set)


if __name__ == "__main__":
    unittest.main()
