"""Made-up executions whose queries have a known result, shipped by `backfill` to the sandbox's Loki, or to a real one where
LOKISHIP_LIVE_LOKI is set."""

import contextlib
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

from harness import PATIENCE, Backend, Sandbox, run

# agent, server, status of the execution, and its steps: status, command, exit code, stdout, stderr.
EXECUTIONS = [
    ("network", "prod-web-01", "Success", [
        ("Success", "systemctl status nginx", 0, "Active: active (running)", ""),
        ("Success", "nginx -t", 0, "", "syntax is ok\ntest is successful\n"),
    ]),
    ("network", "prod-web-01", "Failed", [
        ("Success", "uptime", 0, "up 41 days", ""),
        ("Failed", "curl http://backend.internal/", 6, "", "curl: (6) Could not resolve host\n"),
        ("Failed", "curl http://backend.internal/", 6, "", "curl: (6) Could not resolve host\n"),
    ]),
    ("database", "db-01", "Failed", [
        ("Failed", "psql -c 'select 1 | 2'", 1, "", "ERROR:  no such operator\n"),
    ]),
    ("network", "db-01", "Failed", [
        ("Failed", "ping -c 1 10.0.9.9", 1, "100% packet loss\n", ""),
    ]),
    ("general", "prod-web-02", "Failed", [
        ("Success", "df -h /", 0, "40G\n", ""),
        ("Failed", "sleep 600", -15, "", "Terminated\n"),
    ]),
    ("general", "prod-web-02", "Failed", [
        ("Failed", "htop", 127, "", "htop: not found\n"),
    ]),
    ("general", "prod-web-02", "Planned", []),
]  # fmt: skip


class Executions(Backend):
    """The executions, a minute apart, the last one five minutes ago; `loki` is where they are."""

    def __init__(self, executions=EXECUTIONS, arguments=(), version=None):
        super().__init__()
        self.arguments = arguments
        self.version = version
        self.run = uuid.uuid4().hex[:12]
        self.now = time.time_ns() // 60_000_000_000 * 60_000_000_000
        self.times = []
        for i, (agent, tag, outcome, steps) in enumerate(executions):
            at = self.now - (10 - i) * 60_000_000_000
            self.times.append(at)
            self.entries[:0] = [
                self.entry(i, number, agent, tag, outcome, at, *step)
                for number, step in enumerate(steps or [(outcome, "", None, "", "")], 1 if steps else 0)
            ]

    def entry(self, execution, number, agent, tag, outcome, at, status, command, code, stdout, stderr):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 10**9))
        return {
            "timestamp": f"{stamp}+00:00", "execution_id": f"{execution:08x}-0000-4000-8000-000000000000",
            "user_id": f"user_{execution % 2}",
            "server_id": f"{self.run}-{tag}", "server_tag": tag, "agent_type": agent, "step": number,
            "command": command, "status": status, "exit_code": code, "stdout": stdout, "stderr": stderr,
            "execution_status": outcome,
        }  # fmt: skip

    def page(self, method, path, headers, body):
        limit = int(urllib.parse.parse_qs(urllib.parse.urlsplit(path).query).get("limit", ["100"])[0])
        shown = list(dict.fromkeys(e["execution_id"] for e in self.entries))[:limit]
        logs = [e for e in self.entries if e["execution_id"] in shown]
        page = {"total_executions": len(shown), "total_log_entries": len(logs), "logs": logs}
        return 200, {"Content-Type": "application/json"}, json.dumps(page).encode()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.callback(super().__exit__)
            self.loki = None if self.version else os.environ.get("LOKISHIP_LIVE_LOKI")
            if not self.loki:
                version = self.version or os.environ.get("LOKISHIP_LOKI_VERSION", "3")
                sandbox = Sandbox("--history", "0", "--interval", "off", "--loki-version", version)
                self.loki = stack.enter_context(sandbox).loki
            done = run("backfill", "--backend", self.url, "--loki", self.loki, *self.arguments)
            assert done.returncode == 0, done.stderr
            self.takes_metadata = "Loki does not take the structured metadata" not in done.stderr
            self.ends = stack.pop_all()
        return self

    def __exit__(self, *_):
        self.ends.close()

    def ask(self, query, instant=False, **parameters):
        """The `data` of Loki's answer, for this run's entries alone: over the last quarter of an hour, or at its end."""
        query = query.replace('{job="aoss"', f'{{job="aoss", server_id=~"{self.run}-.*"')
        assert self.run in query or "{" not in query, query
        begin, end = self.now - 900 * 10**9, self.now
        times = {"time": end} if instant else {"start": begin, "end": end}
        text = urllib.parse.urlencode({"query": query, "limit": 1000, **times, **parameters})
        try:
            with urllib.request.urlopen(f"{self.loki}/loki/api/v1/query{'' if instant else '_range'}?{text}", timeout=PATIENCE) as a:
                return json.load(a)["data"]
        except urllib.error.HTTPError as e:
            raise AssertionError(f"{e.code} {e.read().decode()}: {query}") from None

    def lines(self, query, **parameters):
        """The lines that a log query finds, sorted."""
        data = self.ask(query, **parameters)
        assert data["resultType"] == "streams", data
        return sorted(line for stream in data["result"] for _, line in stream["values"])

    def values(self, query, *labels):
        """What a metric query gives at the end: the value by those labels."""
        data = self.ask(query, instant=True)
        assert data["resultType"] == "vector", data
        return {tuple(s["metric"].get(l, "") for l in labels): float(s["value"][1]) for s in data["result"]}
