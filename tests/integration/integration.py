#!/usr/bin/env python3
"""Runs the built tools over real HTTP on loopback and checks what they ship.

usage: integration.py BUILD_TOOLS_FOLDER SOURCE_ROOT
"""
import http.server
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import urllib.request

tools = pathlib.Path(sys.argv[1]).resolve()
root = pathlib.Path(sys.argv[2]).resolve()
here = root / "tests" / "integration"
scratch = tempfile.TemporaryDirectory()


def tool(name, *arguments, **environment):
    """The tool's command and surroundings: nothing of ours leaks in, and no .env lies in its folder."""
    env = {"PATH": os.environ["PATH"], **environment}
    return {"args": [str(tools / name / name), *arguments], "env": env, "cwd": scratch.name, "text": True}


def run(name, *arguments, **environment):
    return subprocess.run(**tool(name, *arguments, **environment), capture_output=True, timeout=60)


class Page:
    """A backend that answers with one file."""

    def __init__(self, path):
        body = pathlib.Path(path).read_bytes()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Sandbox:
    def __init__(self, *arguments):
        self.process = subprocess.Popen(**tool("sandbox", *arguments), stdout=subprocess.PIPE)
        self.backend = self.process.stdout.readline().strip().removeprefix("BACKEND_URL=")
        self.loki = self.process.stdout.readline().strip().removeprefix("LOKI_URL=")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=20) == 0
        self.process.stdout.close()

    def query(self, query):
        """The set of (labels, ns, line) that Loki shows for a query over the last week."""
        now = time.time_ns()
        parameters = {"query": query, "limit": 5000, "start": now - 7 * 24 * 3600 * 10**9, "end": now + 10**9}
        url = f"{self.loki}/loki/api/v1/query_range?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            data = json.load(answer)["data"]
        return {(json.dumps(s["stream"], sort_keys=True), ts, line) for s in data["result"] for ts, line in s["values"]}


def dry_run_equals(page, expected_text, count):
    with Page(page) as backend:
        done = run("backfill", "--dry-run", "--backend", backend, "--log-level", "off")
    assert done.returncode == 0, done.stderr
    actual = pathlib.Path(scratch.name, "actual.ndjson")
    expected = pathlib.Path(scratch.name, "expected.ndjson")
    actual.write_text(done.stdout, encoding="utf-8")
    expected.write_text(expected_text, encoding="utf-8")
    compared = subprocess.run([sys.executable, here / "compare_entries.py", expected, actual], capture_output=True, text=True)
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert compared.stdout.strip().endswith(f"{count} entries equal"), compared.stdout


def test_dry_run_of_the_fixture():
    dry_run_equals(here / "page.json", (here / "page.expected.ndjson").read_text(encoding="utf-8"), 35)


def test_dry_run_of_a_real_backends_answer():
    page = root.parent / "shared" / "data" / "aoss-page.json"
    if not page.exists():
        return
    expected = subprocess.run([sys.executable, here / "expected_entries.py", page], capture_output=True, text=True, check=True)
    dry_run_equals(page, expected.stdout, 367)


def test_every_logql_example_of_the_specification():
    with Sandbox("--history", "80", "--interval", "1h") as sandbox:
        reference = run("backfill", "--dry-run", "--log-level", "off", BACKEND_URL=sandbox.backend, LOKI_URL=sandbox.loki)
        assert reference.returncode == 0, reference.stderr
        entries = [json.loads(line) for line in reference.stdout.splitlines()]
        done = run("shipd", "--once", "--batch-size", "1000", BACKEND_URL=sandbox.backend, LOKI_URL=sandbox.loki)
        assert done.returncode == 0, done.stderr
        examples = {
            '{job="aoss"}': lambda l, _: l["job"] == "aoss",
            '{job="aoss", server_tag="prod-web-01"}': lambda l, _: l["server_tag"] == "prod-web-01",
            '{job="aoss", status="Failed"}': lambda l, _: l["status"] == "Failed",
            '{job="aoss", agent_type="network"}': lambda l, _: l["agent_type"] == "network",
            '{job="aoss"} |= "nginx"': lambda _, line: "nginx" in line,
            '{job="aoss", status="Failed"} |= "STDERR"': lambda l, line: l["status"] == "Failed" and "STDERR" in line,
            '{job="aoss"} |~ "STDERR: .+"': lambda _, line: re.search("STDERR: .+", line),
        }
        for query, wanted in examples.items():
            expected = {(json.dumps(e["labels"], sort_keys=True), e["ts"], e["line"])
                        for e in entries if wanted(e["labels"], e["line"])}
            assert expected, query
            assert sandbox.query(query) == expected, query
        assert len(sandbox.query('{job="aoss"}')) > len(sandbox.query('{job="aoss"} |= "nginx"'))


def test_backfill_ships_all_and_shipd_follows_until_a_signal():
    with Sandbox("--history", "300", "--interval", "20ms") as sandbox:
        done = run("backfill", "--backend", sandbox.backend, "--loki", sandbox.loki, "--batch-size", "50")
        assert done.returncode == 0, done.stderr
        shipped = int(re.search(r"shipped (\d+)", done.stdout)[1])
        before = len(sandbox.query('{job="aoss"}'))
        assert shipped == before > 300, (shipped, before)
        shipd = subprocess.Popen(**tool("shipd", "--poll-interval", "100ms", "--backend", sandbox.backend, "--loki", sandbox.loki),
                                 stderr=subprocess.PIPE)
        # It logs each round that shipped something; after a few the newest must be there.
        rounds = 0
        for line in shipd.stderr:
            rounds += "shipped" in line
            if rounds == 5:
                break
        after = len(sandbox.query('{job="aoss"}'))
        shipd.send_signal(signal.SIGTERM)
        rest = shipd.stderr.read()
        assert shipd.wait(timeout=20) == 0, rest
        assert "rejected 0, pending 0" in rest, rest
        assert after > before, (before, after)


def test_who_is_not_there_is_named():
    with Sandbox("--history", "5", "--interval", "1h") as sandbox:
        nobody = "http://127.0.0.1:1"
        done = run("backfill", "--backend", nobody, "--loki", sandbox.loki)
        assert done.returncode == 4, done
        assert f"{nobody}: connect: Connection refused" in done.stderr, done.stderr
        done = run("shipd", "--once", "--backend", sandbox.backend, "--loki", nobody)
        assert done.returncode == 5, done
        assert f"{nobody}: connect: Connection refused" in done.stderr, done.stderr


def test_wrong_use_exits_2():
    for arguments, part in ((["--batch-size", "0"], "--batch-size: '0'"), (["--nope"], "--nope"), (["--loki", "x"], "--loki: 'x'")):
        for name in ("shipd", "backfill"):
            done = run(name, *arguments)
            assert done.returncode == 2 and part in done.stderr and done.stdout == "", done
    pathlib.Path(scratch.name, ".env").write_text("LOKI_URL=nonsense\n", encoding="utf-8")
    try:
        done = run("backfill")
        assert done.returncode == 2 and ".env:1 LOKI_URL: 'nonsense' has no scheme" in done.stderr, done
    finally:
        pathlib.Path(scratch.name, ".env").unlink()
    for name in ("shipd", "backfill", "sandbox"):
        assert run(name, "--help").returncode == 0
        assert run(name, "--version").stdout.startswith(name + " ")


def main():
    failed = 0
    tests = [(n, f) for n, f in globals().items() if n.startswith("test_")]
    for name, test in tests:
        try:
            test()
        except Exception:
            failed += 1
            print(f"error: {name}")
            traceback.print_exc(file=sys.stdout)
    print(f"  {len(tests) - failed} test cases out of {len(tests)} passed")
    if failed:
        print(f"  {failed} test cases out of {len(tests)} failed")
    return 1 if failed else 0


sys.exit(main())
