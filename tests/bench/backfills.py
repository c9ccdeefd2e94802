"""Rows about backfill."""

import statistics
import subprocess

from figures import Chart, Table
from processes import ROOT, Nginx, Sink, measure


def median(figures):
    return [statistics.median(column) for column in zip(*figures)]


class Histories:
    """Made-up histories, as files with the backend's answer; there is one at a time."""

    def __init__(self, folder):
        self.folder = folder

    def page(self, entries, size, streams):
        page = self.folder / f"page-{entries}-{size}-{streams}"
        if not page.exists():
            for old in self.folder.glob("page-*"):
                old.unlink()
            for file, n in ((page, entries), (page.with_suffix(".short"), min(entries, 200))):
                subprocess.run([ROOT / "tests/bench/serve_history", "--entries", str(n), "--entry-bytes", str(size), "--streams",
                                str(streams), "--days", "5", "--non-ascii", "5", "--page", file], check=True)
        return page

    def served(self, entries, size, streams):
        page = self.page(entries, size, streams)
        return Nginx(self.folder, page, page.with_suffix(".short"))


class Backfill:
    """Runs backfill on a history, once a call, each time with a new sink that must get every entry."""

    def __init__(self, build, options):
        self.build, self.options = build, options

    def __call__(self, backend, entries, *options, sink=()):
        """CPU seconds, wall seconds and MiB; and what the sink counted."""
        with Sink(self.build, *sink) as loki:
            figures = measure(self.build / "tools/backfill/backfill", "--backend", backend.url, "--loki", loki.url,
                              "--progress", "never", "--log-level", "error", *options, *self.options)
            return figures, loki.expect(entries)


class BesideTheFloor:
    """CPU of backfill by the CPU of reading and parsing the same answer, which take turns."""

    def __init__(self, histories, backfill, runs):
        self.histories, self.backfill, self.runs = histories, backfill, runs
        self.table = Table(
            "backfill --rate off beside the floor", ("entries", "d"), ("bytes", "d"), ("streams", "d"), ("options", "20"),
            ("floor CPU s", ".3f"), ("CPU s", ".3f"), ("ratio", ".2f"), ("µs/entry", ".2f"), ("wall s", ".2f"), ("entries/s", ".0f"),
            ("MiB", ".1f"))
        self.chart = Chart("lokiship backfill", "CPU time of shipping a history, as a multiple of that of only reading and parsing it")

    def row(self, group, label, entries, size=777, streams=16, options=()):
        floors, fills = [], []
        with self.histories.served(entries, size, streams) as backend:
            for n in range(self.runs + 1):
                floor = measure(self.backfill.build / "tests/bench/floor", backend.url)
                fill, _ = self.backfill(backend, entries, "--rate", "off", *options)
                if n != 0:  # to warm up
                    floors.append(floor)
                    fills.append(fill)
        floor, fill = median(floors), median(fills)
        self.table.add(entries, size, streams, " ".join(options) or "-", floor[0], fill[0], fill[0] / floor[0],
                       fill[0] / entries * 1e6, fill[1], entries / fill[1], fill[2])
        self.chart.add(group, label, fill[0] / floor[0])


class Latency:
    """How fast backfill is where Loki takes its time, by how fast it is where Loki does not."""

    MS = 50

    def __init__(self, histories, backfill, runs):
        self.histories, self.backfill, self.runs = histories, backfill, runs
        self.table = Table(
            f"backfill --rate off, answers of Loki after {self.MS} ms beside 0 ms", ("entries", "d"), ("bytes", "d"), ("streams", "d"),
            ("pushes", "d"), ("entries/s, 0 ms", ".0f"), (f"{self.MS} ms", ".0f"), ("whole run", ".1%"), ("pushing alone", ".1%"))

    def row(self, entries, size=777, streams=16):
        speeds = {0: [], self.MS: []}
        with self.histories.served(entries, size, streams) as backend:
            for n in range(self.runs + 1):
                for ms, found in speeds.items():
                    (_, wall, _), count = self.backfill(backend, entries, "--rate", "off", sink=[ms])
                    if n != 0:
                        pushing = (count["last"] - count["first"]) / 1e9 + ms / 1e3
                        found.append((entries / wall, entries / pushing))
        quick, slow = median(speeds[0]), median(speeds[self.MS])
        self.table.add(entries, size, streams, count["pushes"], quick[0], slow[0], slow[0] / quick[0], slow[1] / quick[1])


class Limits:
    """How much of what Loki's limits allow is used, and how much is refused. What the tenant's first burst lets through does
    not count."""

    RATE = 4 << 20

    def __init__(self, histories, backfill):
        self.histories, self.backfill = histories, backfill
        self.table = Table(
            "backfill against Loki's default limits", ("entries", "d"), ("bytes", "d"), ("streams", "d"), ("seconds", ".1f"),
            ("MB/s of lines", ".2f"), ("of 4 MB/s", ".1%"), ("pushes", "d"), ("429", "d"), ("of pushes", ".2%"))

    def row(self, entries, size=777, streams=16):
        with self.histories.served(entries, size, streams) as backend:
            _, count = self.backfill(backend, entries, sink=["--limits"])
        seconds = count["steady_ns"] / 1e9
        if count["steady_bytes"] < self.RATE:
            raise SystemExit("the history is too short to be limited")
        rate = count["steady_bytes"] / seconds
        self.table.add(entries, size, streams, seconds, rate / (1 << 20), rate / self.RATE, count["pushes"], count["refused"],
                       count["refused"] / count["pushes"])
