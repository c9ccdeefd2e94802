"""Rows about shipd."""

import json
import statistics
import subprocess
import threading
import time
import urllib.request

from figures import Table
from processes import ROOT, PageServer, Process, Sink, cpu_of, measure, peak_memory_of

EXECUTIONS = 100  # what a poll asks for by default


class Shipd:
    def __init__(self, build):
        self.build = build
        with Process(ROOT / "tests/bench/serve_history", "--entries", 3 * EXECUTIONS, "--streams", 16, "--days", 1) as backend:
            with urllib.request.urlopen(f"{backend.url}/api/monitoring/logs?limit={EXECUTIONS}") as answer:
                self.page = answer.read()
        self.entries = json.loads(self.page)["total_log_entries"]

    def command(self, backend, loki, *options):
        return [self.build / "tools/shipd/shipd", "--backend", backend.url, "--loki", loki.url, "--log-level", "error", *options]

    def floor(self, times=1):
        with PageServer(self.page) as backend:
            return measure(self.build / "tests/bench/floor", backend.url, times)


class UnchangedPage:
    """What a poll costs that brings nothing new, once shipd has started, beside reading and parsing the page."""

    INTERVAL = "100ms"  # the shortest that shipd takes
    FIRST = 10

    def __init__(self, shipd):
        self.shipd = shipd
        self.table = Table(
            f"shipd --poll-interval {self.INTERVAL}, an unchanged page", ("polls", "d"), ("executions", "d"), ("entries", "d"),
            ("page KiB", ".0f"), ("floor ms/poll", ".3f"), ("CPU ms/poll", ".3f"), ("ratio", ".2f"), ("peak MiB", ".1f"))

    def row(self, polls):
        process, started, done, found = None, threading.Event(), threading.Event(), {}

        def asked(n):
            if n in (self.FIRST, self.FIRST + polls):
                started.wait()
                found[n] = cpu_of(process.pid)
                found["MiB"] = peak_memory_of(process.pid)
            if n == self.FIRST + polls:
                done.set()

        with PageServer(self.shipd.page, asked) as backend, Sink(self.shipd.build) as loki:
            process = subprocess.Popen(self.shipd.command(backend, loki, "--poll-interval", self.INTERVAL))
            started.set()
            try:
                while not done.wait(1):
                    if process.poll() is not None:
                        raise SystemExit(f"shipd ended with {process.returncode}")
            finally:
                process.terminate()
                process.wait()
            loki.expect(self.shipd.entries)
        floor = (self.shipd.floor(polls + 1)[0] - self.shipd.floor()[0]) / polls
        cpu = (found[self.FIRST + polls] - found[self.FIRST]) / polls
        self.table.add(polls, EXECUTIONS, self.shipd.entries, len(self.shipd.page) / 1024, floor * 1e3, cpu * 1e3, cpu / floor, found["MiB"])


class FirstPush:
    """From the start of the process until Loki has the first push, beside a whole run of the floor, in turns."""

    def __init__(self, shipd):
        self.shipd = shipd
        self.table = Table(
            "shipd, from its start to the first push", ("runs", "d"), ("entries", "d"), ("floor ms", ".1f"), ("ms", ".1f"), ("ratio", ".2f"))

    def row(self, runs):
        floors, waits = [], []
        for n in range(runs + 1):
            floor = self.shipd.floor()[1] * 1e3
            with PageServer(self.shipd.page) as backend, Sink(self.shipd.build) as loki:
                begun = time.time_ns()
                measure(*self.shipd.command(backend, loki, "--once"))
                wait = (loki.expect(self.shipd.entries)["first"] - begun) / 1e6
            if n != 0:  # to warm up
                floors.append(floor)
                waits.append(wait)
        floor, wait = statistics.median(floors), statistics.median(waits)
        self.table.add(runs, self.shipd.entries, floor, wait, wait / floor)
