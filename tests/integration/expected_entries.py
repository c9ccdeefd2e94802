#!/usr/bin/env python3
"""Says what must be pushed for one answer of GET /api/monitoring/logs.

usage: expected_entries.py PAGE.json

Prints one JSON object per entry, {"labels": {...}, "line": "...", "ts": "nanoseconds"}, oldest first; entries with
equal timestamps in the page's order. Shares nothing with the library: it is the other opinion.
"""

import datetime
import json
import re
import sys

MAX_OUTPUT = 300

TIMESTAMP = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?"
    r"(?:[Zz]|([+-])(\d{2})(?::(\d{2})(?::(\d{2}))?)?)?",
    re.ASCII,
)


def nanoseconds(text):
    """Nanoseconds since 1970 in UTC, exact: no float, no microsecond in between."""
    match = TIMESTAMP.fullmatch(text)
    if not match:
        raise ValueError(f"not a timestamp: {text!r}")
    date, hour, minute, second, fraction, sign, *offset = match.groups()
    days = datetime.date.fromisoformat(date).toordinal() - datetime.date(1970, 1, 1).toordinal()
    seconds = days * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second)
    east = sum(int(part or 0) * unit for part, unit in zip(offset, (3600, 60, 1)))
    seconds -= -east if sign == "-" else east
    return seconds * 10**9 + int((fraction or "").ljust(9, "0")[:9])


def text(value):
    """What is absent is empty; half a surrogate pair is no character."""
    return "" if value is None else re.sub("[\ud800-\udfff]", "\ufffd", str(value))


def cut(value):
    value = text(value)
    return value if len(value) <= MAX_OUTPUT else value[:MAX_OUTPUT] + "..."


def entry(log):
    labels = {
        "agent_type": text(log.get("agent_type")) or "general",
        "execution_status": text(log.get("execution_status")) or "unknown",
        "job": "aoss",
        "server_id": text(log.get("server_id")) or "unknown",
        "server_tag": text(log.get("server_tag")) or "unknown",
        "status": text(log.get("status")) or "unknown",
    }
    parts = [
        "STEP: " + text(log.get("step")),
        "COMMAND: " + text(log.get("command")),
        "EXIT_CODE: " + text(log.get("exit_code")),
        "STDOUT: " + cut(log.get("stdout")),
        "STDERR: " + cut(log.get("stderr")),
    ]
    return {"labels": labels, "line": " | ".join(parts), "ts": str(nanoseconds(log["timestamp"]))}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        entries = [entry(log) for log in json.load(file)["logs"]]
    entries.sort(key=lambda e: int(e["ts"]))
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    for e in entries:
        print(json.dumps(e, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


if __name__ == "__main__":
    main()
