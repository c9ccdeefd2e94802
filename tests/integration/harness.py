"""What the integration tests share: the built tools as processes, and servers that they talk to, all on loopback."""

import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

TOOLS = pathlib.Path(os.environ["LOKISHIP_TOOLS"]).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "integration"
SCRATCH = tempfile.TemporaryDirectory()
# Seconds. What takes longer hangs, also on a machine that does much else.
PATIENCE = 300


def command(name, *arguments, **environment):
    """The tool's command and surroundings: nothing of ours leaks in, and no .env lies in its folder."""
    # Several run at once: without a port, unless a test names one.
    env = {"PATH": os.environ["PATH"], "LOKISHIP_LISTEN": "off", **environment}
    return {"args": [str(TOOLS / name / name), *arguments], "env": env, "cwd": SCRATCH.name, "text": True}


def run(name, *arguments, **environment):
    return subprocess.run(**command(name, *arguments, **environment), capture_output=True, timeout=PATIENCE)


class Process:
    """A tool that runs until it is told to end; its log can be waited for, line by line."""

    def __init__(self, name, *arguments, **environment):
        self.stdout = tempfile.TemporaryFile("w+", encoding="utf-8", dir=SCRATCH.name)
        self.process = subprocess.Popen(
            **command(name, *arguments, **environment), stdout=self.stdout, stderr=subprocess.PIPE
        )
        self.lines = []

    def wait_for(self, *texts):
        """Reads on until each text was in a line, in any order; the lines that were read."""
        missing, read = set(texts), []
        for line in self.process.stderr:
            read.append(line.rstrip("\n"))
            missing -= {text for text in missing if text in line}
            if not missing:
                self.lines += read
                return read
        raise AssertionError(f"it ended without saying {missing}:\n" + "\n".join(self.lines + read))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.stdout.close()

    def output(self):
        """What it wrote to standard output so far."""
        self.stdout.seek(0)
        return self.stdout.read()

    def end(self):
        """Ends it as systemd does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        for line in self.process.stderr:
            self.lines.append(line.rstrip("\n"))
        return self.process.wait(timeout=60)


class Shipd(Process):
    """A shipd that says where it can be watched."""

    def __init__(self, backend, loki, *arguments, **environment):
        where = {"LOKISHIP_LISTEN": "127.0.0.1:0", "LOKISHIP_POLL_INTERVAL": "100ms"}
        servers = ["--loki", loki] if backend is None else ["--backend", backend, "--loki", loki]
        super().__init__("shipd", *servers, *arguments, **{**where, **environment})
        said = next(line for line in self.wait_for("metrics and status at ") if "metrics and status" in line)
        self.url = re.search(r"http://[^/]+", said)[0]

    def get(self, path, **headers):
        """Status and text."""
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()

    def state(self):
        return json.loads(self.get("/status")[1])

    def wait_until_rejected(self, entries):
        while self.state()["lanes"][0]["entries"]["rejected"] < entries:
            pass

    def metrics(self):
        """The samples by what stands before their values."""
        text = self.get("/metrics")[1]
        return {n: float(v) for n, v in (line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")}


class Server:
    """An HTTP server on a free port; `handle(method, path, headers, body)` gives (status, headers, body)."""

    def __init__(self, handle):
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                try:
                    server.answer(self, handle, body)
                except ConnectionError:  # whoever asked was killed
                    self.close_connection = True

            do_POST = do_GET

            def log_message(self, *_):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                # Who is killed leaves its connection in the middle.
                if not isinstance(sys.exc_info()[1], ConnectionError):
                    super().handle_error(request, client_address)

        self.http = Quiet(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"

    def answer(self, handler, handle, body):
        status, headers, text = handle(handler.command, handler.path, handler.headers, body)
        if "Date" in headers:
            handler.send_response_only(status)
        else:
            handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        if status != 204:
            handler.send_header("Content-Length", str(len(text)))
        handler.end_headers()
        handler.wfile.write(text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()


def page_server(path):
    """A backend that answers with one file."""
    text = pathlib.Path(path).read_bytes()
    return Server(lambda *_: (200, {"Content-Type": "application/json"}, text))


class Weather(Server):
    """A proxy before a server, on whose way things go wrong while `mode` says so."""

    MODES = ("reset", "hang", "error", "html", "half", "nothing", "reset after")

    def __init__(self, target):
        self.target = urllib.parse.urlsplit(target)
        self.mode, self.only = None, ""
        self.spoilt = 0
        self.delay = 0  # seconds before each answer
        self.asked = []
        self.changed = threading.Condition()
        super().__init__(self.forward)

    def set(self, mode, only=""):
        """From now on; `only`: for paths that hold this."""
        with self.changed:
            self.mode, self.only, self.spoilt = mode, only, 0

    def wait_until_spoilt(self, times):
        with self.changed:
            assert self.changed.wait_for(lambda: self.spoilt >= times, timeout=PATIENCE), "nobody asked"

    def wait_until_asked(self, path, times):
        with self.changed:
            asked = lambda: sum(path in p for p in self.asked) >= times
            assert self.changed.wait_for(asked, timeout=PATIENCE), "nobody asked"

    def forward(self, method, path, headers, body):
        time.sleep(self.delay)
        upstream = http.client.HTTPConnection(self.target.hostname, self.target.port, timeout=PATIENCE)
        kept = {n: headers[n] for n in ("Content-Type", "Accept") if n in headers}
        upstream.request(method, path, body, kept)
        answer = upstream.getresponse()
        text = answer.read()
        upstream.close()
        return answer.status, {"Content-Type": answer.headers.get("Content-Type", "text/plain")}, text

    def answer(self, handler, handle, body):
        with self.changed:
            mode = self.mode if self.only in handler.path else None
            self.asked.append(handler.path)
            self.changed.notify_all()
            if mode:
                self.spoilt += 1
                self.changed.notify_all()
        if mode is None:
            super().answer(handler, handle, body)
        elif mode == "error":
            super().answer(handler, lambda *_: (500, {}, b"no way"), body)
        elif mode == "html":
            page = b"<html><body>\x1b[31m502 Bad Gateway</body></html>"
            super().answer(handler, lambda *_: (502, {"Content-Type": "text/html"}, page), body)
        else:
            handler.close_connection = True
            if mode == "hang":
                handler.rfile.read(1)  # until the client gives up
            elif mode == "half":
                head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
                handler.wfile.write(head.encode() + b'{"logs":[{"execution_id":"')
            elif mode in ("reset", "reset after"):
                if mode == "reset after":
                    handle(handler.command, handler.path, handler.headers, body)
                handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                handler.connection.close()


class Backend(Server):
    """An AOSS backend whose executions the test adds; each has two steps."""

    def __init__(self):
        self.entries = []  # newest execution first, its steps in order
        self.lock = threading.Lock()
        self.next = 0
        super().__init__(self.page)

    def add(self, executions, tag="prod-web-01", created=None):
        for _ in range(executions):
            at = created or time.time_ns() // 1000 * 1000
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at // 10**9))
            self.next += 1
            steps = [
                {
                    "timestamp": f"{stamp}.{at // 1000 % 10**6:06}+00:00",
                    "execution_id": f"{self.next:08x}-0000-4000-8000-000000000000",
                    "server_id": "795b929e-9a9a-40fd-aa7b-5bf55eb561a4",
                    "server_tag": tag,
                    "agent_type": "network",
                    "step": step,
                    "command": f"echo {self.next}",
                    "status": "Success",
                    "exit_code": 0,
                    "stdout": f"{self.next}.{step}",
                    "stderr": "",
                    "execution_status": "Success",
                }
                for step in (1, 2)
            ]
            with self.lock:
                self.entries[:0] = steps

    def page(self, method, path, headers, body):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
        limit = int(query.get("limit", ["100"])[0])
        with self.lock:
            logs = self.entries[: 2 * limit]
        page = {"total_executions": len(logs) // 2, "total_log_entries": len(logs), "logs": logs}
        return 200, {"Content-Type": "application/json"}, json.dumps(page).encode()


class RealLoki(Backend):
    """The Loki that LOKISHIP_LIVE_LOKI names, and a backend whose servers have tags that no other run has."""

    def __init__(self):
        super().__init__()
        self.backend, self.loki = self.url, os.environ.get("LOKISHIP_LIVE_LOKI")
        self.tag = f"live-{uuid.uuid4().hex[:12]}"
        self.selector = f'{{job="aoss",server_tag=~"{self.tag}.*"}}'

    def add_history(self, seconds, every, servers, gap=range(0)):
        """Executions up to now on each server in turn, but for those whose age in seconds is in the gap."""
        now = time.time_ns() // 1000 * 1000
        for number, age in enumerate(range(seconds, 0, -every)):
            if age not in gap:
                self.add(1, tag=f"{self.tag}-{number % servers}", created=now - age * 10**9)


class Servers:
    """A program that serves a backend and a Loki, says where, and ends when it is told to."""

    def __init__(self, **started):
        self.process = subprocess.Popen(**started, stdout=subprocess.PIPE)
        self.backend = self.process.stdout.readline().strip().removeprefix("BACKEND_URL=")
        self.loki = self.process.stdout.readline().strip().removeprefix("LOKI_URL=")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            assert self.process.wait(timeout=60) == 0
        finally:
            self.process.kill()
            self.process.stdout.close()


class History(Servers):
    """A history of any length, and a Loki that keeps nothing."""

    def __init__(self, *arguments):
        super().__init__(args=[sys.executable, str(ROOT / "tests/bench/serve_history"), *arguments], text=True)

    def count(self):
        """What Loki was sent."""
        with urllib.request.urlopen(self.loki + "/count", timeout=PATIENCE) as answer:
            return json.load(answer)


class Sandbox(Servers):
    selector = '{job="aoss"}'

    def __init__(self, *arguments):
        super().__init__(**command("sandbox", *arguments))

    def query(self, query):
        """What Loki shows for a query over the last week: the set of (labels, ns, line)."""
        now = time.time_ns()
        parameters = {"query": query, "limit": 5000, "start": now - 7 * 24 * 3600 * 10**9, "end": now + 10**9}
        url = f"{self.loki}/loki/api/v1/query_range?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            data = json.load(answer)["data"]
        found = [(json.dumps(s["stream"], sort_keys=True), ts, line) for s in data["result"] for ts, line in s["values"]]
        assert len(found) == len(set(found)), "something is shown twice"
        return set(found)
