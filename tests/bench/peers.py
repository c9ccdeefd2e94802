"""Rows of --compare: other programs that ship to Loki, beside backfill, over the same entries.

They get more done before they start than backfill does: each entry is a line of JSON in a file, with the finished line, which
they only parse, label and push, while backfill reads the API, redacts, makes the lines, and asks Loki what it has.
"""

import datetime
import json
import re
import shutil
import subprocess
import sys
import time

from backfills import median
from figures import Table
from processes import Sink, cpu_of, free_port, peak_memory_of

LABELS = ("agent_type", "execution_status", "server_id", "server_tag", "status")
SAME = {name: name for name in LABELS}
FIELDS = {**SAME, "timestamp": "timestamp", "message": "message"}


class FluentBit:
    binary = "fluent-bit"

    def command(self, folder, entries, loki):
        (folder / "parsers.conf").write_text(
            "[PARSER]\n    name entry\n    format json\n    time_key timestamp\n    time_format %Y-%m-%dT%H:%M:%S.%L%z\n")
        (folder / "fluent-bit.conf").write_text(f"""
[SERVICE]
    flush        1
    log_level    error
    parsers_file {folder}/parsers.conf
[INPUT]
    name            tail
    path            {entries}
    read_from_head  true
    parser          entry
    buffer_max_size 1M
[OUTPUT]
    name            loki
    match           *
    host            127.0.0.1
    port            {loki.url.rpartition(":")[2]}
    labels          job=aoss
    label_keys      {",".join(f"${name}" for name in LABELS)}
    drop_single_key raw
    retry_limit     no_limits
""")
        return ["-c", folder / "fluent-bit.conf"]


class Promtail:
    binary = "promtail"

    def command(self, folder, entries, loki):
        (folder / "promtail.yaml").write_text(json.dumps({  # JSON is YAML
            "server": {"disable": True},
            "positions": {"filename": f"{folder}/positions.yaml"},
            "clients": [{"url": f"{loki.url}/loki/api/v1/push"}],
            "scrape_configs": [{
                "job_name": "aoss",
                "static_configs": [{"targets": ["localhost"], "labels": {"job": "aoss", "__path__": str(entries)}}],
                "pipeline_stages": [
                    {"json": {"expressions": FIELDS}},
                    {"timestamp": {"source": "timestamp", "format": "RFC3339Nano"}},
                    {"labels": SAME},
                    {"labeldrop": ["filename"]},
                    {"output": {"source": "message"}},
                ]}]}))
        return ["-config.file", folder / "promtail.yaml", "-log.level", "error"]


class Vector:
    binary = "vector"

    def command(self, folder, entries, loki):
        sink = {
            "type": "loki", "inputs": ["parse"], "endpoint": loki.url, "encoding": {"codec": "text"}, "healthcheck": {"enabled": False},
            "out_of_order_action": "accept", "labels": {"job": "aoss", **{name: f"{{{{ {name} }}}}" for name in LABELS}}}
        version = subprocess.run([self.binary, "--version"], capture_output=True, text=True).stdout
        if [int(n) for n in re.findall(r"\d+", version)[:2]] >= [0, 57]:  # which else takes no label without a fixed beginning
            sink["dangerously_allow_unconfined_template_resolution"] = True
        (folder / "vector.json").write_text(json.dumps({
            "data_dir": str(folder),
            "sources": {"read": {"type": "file", "include": [str(entries)], "read_from": "beginning"}},
            "transforms": {"parse": {
                "type": "remap", "inputs": ["read"],
                "source": '. = object!(parse_json!(string!(.message)))\n.timestamp = parse_timestamp!(.timestamp, "%+")'}},
            "sinks": {"push": sink}}))
        return ["-qq", "--config", folder / "vector.json"]


class Alloy:
    binary = "alloy"

    def command(self, folder, entries, loki):
        (folder / "config.alloy").write_text(f"""
loki.source.file "read" {{
  targets    = [{{ __path__ = {json.dumps(str(entries))}, job = "aoss" }}]
  forward_to = [loki.process.parse.receiver]
}}
loki.process "parse" {{
  forward_to = [loki.write.push.receiver]
  stage.json {{
    expressions = {self.map(FIELDS)}
  }}
  stage.timestamp {{
    source = "timestamp"
    format = "RFC3339Nano"
  }}
  stage.labels {{
    values = {self.map(SAME)}
  }}
  stage.label_drop {{
    values = ["filename"]
  }}
  stage.output {{
    source = "message"
  }}
}}
loki.write "push" {{
  endpoint {{
    url = "{loki.url}/loki/api/v1/push"
  }}
}}
""")
        return ["run", "--disable-reporting", f"--server.http.listen-addr=127.0.0.1:{free_port()}", f"--storage.path={folder}/alloy",
                folder / "config.alloy"]

    @staticmethod
    def map(names):
        return "{ " + ", ".join(f'{name} = "{value}"' for name, value in names.items()) + " }"


class Peers:
    """CPU until Loki has all entries, and by how much that is more than backfill's."""

    PATIENCE = 600  # seconds

    def __init__(self, histories, backfill, runs):
        self.histories, self.backfill, self.runs = histories, backfill, runs
        self.table = Table(
            "the same entries with others", ("entries", "d"), ("bytes", "d"), ("streams", "d"), ("program", "12"), ("CPU s", ".3f"),
            ("by backfill's", ".2f"), ("µs/entry", ".2f"), ("wall s", ".2f"), ("MiB", ".1f"))
        self.peers = [peer for peer in (FluentBit(), Promtail(), Vector(), Alloy()) if shutil.which(peer.binary)]
        missing = [peer.binary for peer in (FluentBit, Promtail, Vector, Alloy) if not shutil.which(peer.binary)]
        if missing:
            print(f"not on PATH, left out: {', '.join(missing)}", file=sys.stderr)

    def row(self, entries, size=777, streams=16):
        programs = {"backfill": [], **{peer.binary: [] for peer in self.peers}}
        with self.histories.served(entries, size, streams) as backend:
            file = self.write_entries(backend)
            for n in range(self.runs + 1):
                figures, count = self.backfill(backend, entries, "--rate", "off")
                programs["backfill"].append(figures)
                for peer in self.peers:
                    programs[peer.binary].append(self.run(peer, file, entries, count["line_bytes"]))
        medians = {name: median(figures[1:]) for name, figures in programs.items()}  # the first warms up
        for name, (cpu, wall, memory) in medians.items():
            self.table.add(entries, size, streams, name, cpu, cpu / medians["backfill"][0], cpu / entries * 1e6, wall, memory)

    def write_entries(self, backend):
        """What backfill would push, in its order."""
        file = self.histories.folder / "entries.ndjson"
        command = [self.backfill.build / "tools/backfill/backfill", "--backend", backend.url, "--dry-run", "--log-level", "error"]
        dry_run = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        with dry_run, open(file, "w", encoding="utf-8") as out:
            for line in dry_run.stdout:
                entry = json.loads(line)
                seconds, fraction = divmod(int(entry["ts"]), 10**9)
                when = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
                record = {"timestamp": f"{when:%Y-%m-%dT%H:%M:%S}.{fraction:09}Z", **entry["labels"], "message": entry["line"]}
                del record["job"]
                out.write(json.dumps(record, ensure_ascii=False) + "\n")
        if dry_run.returncode != 0:
            sys.exit(f"backfill --dry-run ended with {dry_run.returncode}")
        return file

    def run(self, peer, file, entries, line_bytes):
        folder = self.histories.folder / peer.binary
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with Sink(self.backfill.build) as loki:
            command = [peer.binary, *map(str, peer.command(folder, file, loki))]
            begun = time.monotonic()
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            try:
                while loki.count()["entries"] < entries:
                    if process.poll() is not None or time.monotonic() - begun > self.PATIENCE:
                        sys.exit(f"{peer.binary} did not ship all: {loki.count()}")
                    time.sleep(0.05)
                figures = cpu_of(process.pid), time.monotonic() - begun, peak_memory_of(process.pid)
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            if loki.expect(entries)["line_bytes"] != line_bytes:
                sys.exit(f"{peer.binary} shipped other lines than backfill")
        return figures
