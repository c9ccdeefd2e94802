#!/usr/bin/env python3
"""Compares what was pushed with what must be.

usage: compare_entries.py EXPECTED.ndjson ACTUAL.ndjson

Both hold one {"labels": {...}, "line": "...", "ts": "nanoseconds"} per line. They are equal when both have the same
entries, as often; when ACTUAL's timestamps never go back within a label set; and when entries with the same labels and
timestamp come in EXPECTED's order. Exits 0 when equal, else 1; an empty EXPECTED is equal to nothing.
"""

import collections
import json
import re
import sys

MAX_SHOWN = 5

Entry = collections.namedtuple("Entry", "labels ts line")


def read(path):
    entries = []
    with open(path, encoding="utf-8", newline="\n") as file:
        for number, row in enumerate(file, 1):
            try:
                value = json.loads(row)
                strings = [*value["labels"].keys(), *value["labels"].values(), value["ts"], value["line"]]
                if set(value) != set(Entry._fields):
                    raise ValueError("has other keys than labels, ts and line")
                if not all(isinstance(s, str) for s in strings):
                    raise ValueError("has something else than strings")
                if not re.fullmatch(r"-?\d+", value["ts"], re.ASCII):
                    raise ValueError("has a ts that is no integer")
            except (ValueError, KeyError, TypeError, AttributeError) as e:
                sys.exit(f"{path}:{number}: not an entry: {e}: {row[:200].rstrip()}")
            entries.append(Entry(tuple(sorted(value["labels"].items())), int(value["ts"]), value["line"]))
    return entries


def show(entry):
    return json.dumps(
        {"labels": dict(entry.labels), "line": entry.line, "ts": str(entry.ts)},
        ensure_ascii=False,
        separators=(",", ":"),
    )


def lines_by_moment(entries):
    moments = collections.defaultdict(list)
    for entry in entries:
        moments[entry.labels, entry.ts].append(entry.line)
    return moments


def differences(expected, actual):
    want, have = collections.Counter(expected), collections.Counter(actual)
    for entry, count in (want - have).items():
        yield f"missing {count}x: {show(entry)}"
    for entry, count in (have - want).items():
        yield f"too many {count}x: {show(entry)}"

    newest = {}
    for number, entry in enumerate(actual, 1):
        before = newest.get(entry.labels)
        if before is not None and entry.ts < before:
            yield f"goes back from {before} in entry {number}: {show(entry)}"
        newest[entry.labels] = entry.ts if before is None else max(entry.ts, before)

    got = lines_by_moment(actual)
    for (labels, ts), lines in lines_by_moment(expected).items():
        other = got.get((labels, ts), [])
        if lines != other and sorted(lines) == sorted(other):
            first = next(i for i, pair in enumerate(zip(lines, other)) if pair[0] != pair[1])
            yield (
                f"order at ts {ts}: expected {show(Entry(labels, ts, lines[first]))}"
                f" before {show(Entry(labels, ts, other[first]))}"
            )


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    expected, actual = read(sys.argv[1]), read(sys.argv[2])
    if not expected:
        sys.exit(f"{sys.argv[1]} has no entries: nothing was compared")
    found = list(differences(expected, actual))
    for difference in found[:MAX_SHOWN]:
        print(difference)
    if found:
        print(f"{len(found)} differences; {len(expected)} entries expected, {len(actual)} there")
        sys.exit(1)
    print(f"{len(expected)} entries equal")


if __name__ == "__main__":
    main()
