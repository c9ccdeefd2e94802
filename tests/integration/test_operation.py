"""shipd as those see it who look after it: its endpoint, its log, and what systemd and signals tell it."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest
import urllib.request
import zlib

from harness import HERE, PATIENCE, ROOT, SCRATCH, TOOLS, Backend, Process, Sandbox, Server, Shipd, Weather, run


class Endpoint(unittest.TestCase):
    def test_what_was_shipped_is_shown(self):
        with Sandbox("--history", "30", "--max-chunk-age", "11d") as world, Shipd(world.backend, world.loki) as shipd:
            shipd.wait_for("shipped ")
            state, metrics = shipd.state(), shipd.metrics()
            self.assertEqual(shipd.get("/ready"), (200, "ok\n"))
            self.assertEqual(shipd.get("/healthz"), (200, "ok\n"))
            self.assertEqual(shipd.get("/nothing")[0], 404)
            entries = state["lanes"][0]["entries"]
            self.assertGreater(entries["shipped"], 30)
            outcomes = entries["shipped"] + entries["duplicate"] + entries["rejected"] + entries["pending"]
            self.assertEqual(entries["fetched"], outcomes)
            self.assertGreaterEqual(metrics['lokiship_entries_total{backend="aoss",outcome="shipped",reason=""}'], entries["shipped"])
            self.assertGreater(metrics['lokiship_pushes_total{backend="aoss",status="204"}'], 0)
            self.assertGreater(metrics['lokiship_push_duration_seconds_count{backend="aoss"}'], 0)
            self.assertEqual(metrics['lokiship_loki_up{backend="aoss"}'], 1)
            self.assertGreater(metrics["process_resident_memory_bytes"], 1_000_000)
            html = shipd.get("/status", Accept="text/html")[1]
            self.assertTrue(html.startswith("<!doctype html>"))
            self.assertEqual(shipd.end(), 0)

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_finds_nothing_to_mend(self):
        with Sandbox("--history", "5", "--max-chunk-age", "11d") as world, Shipd(world.backend, world.loki) as shipd:
            shipd.wait_for("shipped ")
            text = shipd.get("/metrics")[1]
            done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            # Or it would find nothing in anything.
            wrong = text.replace("lokiship_entries_fetched_total", "lokiship_entries_fetched")
            done = subprocess.run(["promtool", "check", "metrics"], input=wrong, capture_output=True, text=True, timeout=PATIENCE)
            self.assertNotEqual(done.returncode, 0)

    def test_what_dashboards_and_alerts_ask_for_is_there(self):
        listed = set()
        for line in (HERE / "metrics.txt").read_text().splitlines():
            if not line.startswith("#"):
                name, kind, *labels = line.split()
                listed.add((name, kind, tuple(sorted(labels))))
        with Sandbox("--history", "5", "--max-chunk-age", "11d") as world, Shipd(world.backend, world.loki) as shipd:
            shipd.wait_for("shipped ")
            text = shipd.get("/metrics")[1]
        kinds = dict(re.findall(r"(?m)^# TYPE (\w+) (\w+)$", text))
        served = set()
        for name, labels in re.findall(r"(?m)^(\w+)(?:\{(.*)\})? \S+$", text):
            name = name if name in kinds else re.sub("_(bucket|sum|count)$", "", name)
            names = set(re.findall(r'(\w+)="', labels)) - {"le"}
            served.add((name, kinds[name], tuple(sorted(names))))
        self.assertEqual(served, listed)

    def test_it_says_why_it_does_not_ship(self):
        with Backend() as backend, Sandbox("--history", "0") as world, Weather(world.loki) as loki:
            backend.add(2)
            loki.set("error", only="push")
            with Shipd(backend.url, loki.url) as shipd:
                loki.wait_until_spoilt(1)
                shipd.wait_for("does not answer as it should")
                code, text = shipd.get("/ready")
                self.assertEqual(code, 503)
                self.assertIn(f"Loki ({loki.url}), for backend aoss, does not answer as it should", text)
                self.assertIn("HTTP status 500", text)
                # Servers that are away are no reason to start it again.
                self.assertEqual(shipd.get("/healthz")[0], 200)
                metrics = shipd.metrics()
                self.assertEqual(metrics['lokiship_loki_up{backend="aoss"}'], 0)
                self.assertEqual(metrics['lokiship_entries_pending{backend="aoss"}'], 4)
                self.assertGreater(metrics['lokiship_pushes_total{backend="aoss",status="500"}'], 0)
                loki.set(None)
                shipd.wait_for("is back after")
                self.assertEqual(shipd.get("/ready"), (200, "ok\n"))

    def test_a_port_that_is_taken_is_named(self):
        with Server(lambda *_: (200, {}, b"")) as other:
            port = other.url.rsplit(":", 1)[1]
            done = run("shipd", "--listen", f"127.0.0.1:{port}", "--backend", other.url, "--loki", other.url)
            self.assertEqual(done.returncode, 2, done)
            self.assertIn(f"--listen: '127.0.0.1:{port}' cannot be listened on: Address already in use", done.stderr)
        done = run("shipd", "--listen", "here")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("--listen: 'here' is neither off nor HOST:PORT", done.stderr)

    def test_passwords_are_not_shown(self):
        with Backend() as backend, Sandbox("--history", "0") as world:
            url = world.loki.replace("http://", "http://user:geheim@")
            with Process("shipd", "--listen", "127.0.0.1:0", "--backend", backend.url, "--poll-interval", "100ms",
                         LOKI_URL=url) as shipd:
                said = next(line for line in shipd.wait_for("metrics and status at ") if "metrics and" in line)
                where = re.search(r"http://[^/]+", said)[0]
                # The first poll is over, and /ready has nothing to say.
                backend.add(1)
                shipd.wait_for("shipped 2 entries")
                for path in ("/status", "/metrics", "/ready"):
                    with urllib.request.urlopen(where + path, timeout=PATIENCE) as answer:
                        self.assertNotIn("geheim", answer.read().decode())


class Browser(unittest.TestCase):
    """The page as headless Chromium shows it."""

    def setUp(self):
        self.chromium = shutil.which("chromium")
        if not self.chromium:
            self.skipTest("chromium is not installed")

    def open(self, url, *how):
        with tempfile.TemporaryDirectory() as profile:
            command = [self.chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                       "--disable-background-networking", "--disable-component-update", "--disable-sync",
                       "--disable-dev-shm-usage", f"--user-data-dir={profile}", "--window-size=1100,1000",
                       "--virtual-time-budget=3000", *how, url]
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
            self.assertEqual(done.returncode, 0, done.stderr)
            return done.stdout

    @staticmethod
    def pixels(png):
        """How often each colour is in a picture of 8 bits, without interlacing."""
        data, at, packed, channels = png.read_bytes(), 8, b"", 0
        while at < len(data):
            size, kind = struct.unpack(">I4s", data[at : at + 8])
            chunk = data[at + 8 : at + 8 + size]
            if kind == b"IHDR":
                width, _, _, colour = struct.unpack(">IIBB", chunk[:10])
                channels = {2: 3, 6: 4}[colour]
            elif kind == b"IDAT":
                packed += chunk
            at += 12 + size
        raw, stride, above, seen = zlib.decompress(packed), width * channels, bytes(width * channels), {}
        for row in range(0, len(raw), stride + 1):
            how, line = raw[row], bytearray(raw[row + 1 : row + 1 + stride])
            for i in range(stride):
                left = line[i - channels] if i >= channels else 0
                up, corner = above[i], above[i - channels] if i >= channels else 0
                if how == 1:
                    guess = left
                elif how == 2:
                    guess = up
                elif how == 3:
                    guess = (left + up) // 2
                elif how == 4:
                    # The nearest; of several the first.
                    guess = min((left, up, corner), key=lambda x: abs(left + up - corner - x))
                else:
                    guess = 0
                line[i] = (line[i] + guess) & 255
            for i in range(0, stride, channels):
                colour = bytes(line[i : i + 3])
                seen[colour] = seen.get(colour, 0) + 1
            above = line
        return seen

    GOOD, BAD = bytes.fromhex("1a7f37"), bytes.fromhex("cf222e")

    def test_the_page_shows_that_all_is_well(self):
        with Sandbox("--history", "30", "--max-chunk-age", "11d") as world, Shipd(world.backend, world.loki) as shipd:
            shipd.wait_for("shipped ")
            dom = self.open(shipd.url + "/status", "--dump-dom")
            self.assertRegex(dom, r'<span id="state" class="badge">shipping</span>')
            self.assertIn("Backend aoss", dom)
            self.assertIn(world.loki, dom)
            shown = re.search(r"<th>Shipped</th><td class=\"n\">([\d,]+)", dom)[1]
            self.assertGreater(int(shown.replace(",", "")), 30)
            # "· 0.0/s": it goes on looking.
            self.assertRegex(dom, r"<th>Fetched</th><td class=\"n\">[\d,]+ · [\d.]+/s")
            self.picture(shipd, "well.png", good=True)

    def test_the_page_shows_what_is_wrong(self):
        with Backend() as backend, Sandbox("--history", "0") as world, Weather(world.loki) as loki:
            backend.add(3)
            loki.set("html", only="push")
            with Shipd(backend.url, loki.url) as shipd:
                shipd.wait_for("does not answer as it should")
                dom = self.open(shipd.url + "/status", "--dump-dom")
                self.assertIn("not shipping", dom)
                self.assertIn("HTTP status 502", dom)
                # What a server says is shown as it is.
                self.assertNotIn("<body>\\", dom)
                self.picture(shipd, "wrong.png", good=False)

    def picture(self, shipd, name, good):
        folder = pathlib.Path(os.environ.get("LOKISHIP_SCREENSHOTS", SCRATCH.name))
        png = folder / name
        self.open(shipd.url + "/status", f"--screenshot={png}")
        seen = self.pixels(png)
        self.assertGreater(len(seen), 20, "the page is empty")
        self.assertGreater(seen.get(self.GOOD, 0), 300, "something is up")
        if good:
            self.assertEqual(seen.get(self.BAD, 0), 0)
        else:
            self.assertGreater(seen.get(self.BAD, 0), 300)


class Check(unittest.TestCase):
    """`shipd --check` says what is wrong, and what cures it."""

    def check(self, backend, loki, *arguments, **environment):
        done = run("shipd", "--check", "--backend", backend, "--loki", loki, "--loki-timeout", "2s", *arguments, **environment)
        return done.returncode, done.stdout

    def test_all_is_well(self):
        with Sandbox("--history", "3") as world:
            code, text = self.check(world.backend, world.loki)
            self.assertEqual(code, 0, text)
            for line in (
                f"ok   backend aoss ({world.backend}): answers; its newest execution is ",
                f'ok   Loki ({world.loki}): took a line into {{job="lokiship_check"}}',
                f"ok   Loki ({world.loki}): shows that line",
            ):
                self.assertIn(line, text)
            self.assertNotIn("FAIL", text)
            self.assertRegex(text, r"takes \d+ bytes a second, and into a stream nothing older than its newest less 60 min")
            # Nothing of it stands among what is shipped.
            self.assertEqual(world.query('{job="aoss"}'), set())
            self.assertEqual(len(world.query('{job="lokiship_check"}')), 1)

    def test_a_loki_that_takes_no_structured_metadata_is_named(self):
        for version, taken in ("2.9", False), ("3", True):
            with Sandbox("--history", "3", "--loki-version", version) as world:
                code, text = self.check(world.backend, world.loki, "--structured-metadata")
                self.assertEqual(code, 0, text)
                self.assertEqual("takes no structured metadata, so entries are shipped without" in text, not taken, text)
                self.assertEqual("limits_config.allow_structured_metadata" in text, not taken, text)

    def test_what_is_wrong_with_the_backend_is_named(self):
        gone = Server(lambda *_: (200, {}, b""))
        gone.__exit__()
        with Sandbox("--history", "0") as world:
            for backend, what, cure in (
                (gone.url, "Connection refused", "nothing listens there"),
                ("http://no-such-host.invalid", "no-such-host.invalid", "nobody knows this name"),
                ((401, b"who are you"), "HTTP status 401: who are you", "--backend-token-file"),
                ((404, b""), "HTTP status 404", "something else answers there: see --backend"),
                ((200, b"<html>"), "the answer is no page of logs", "does --backend name an AOSS backend"),
                ((200, b'{"logs":[]}'), "has no execution", "have AOSS execute something"),
            ):
                with self.subTest(what):
                    if isinstance(backend, str):
                        code, text = self.check(backend, world.loki)
                    else:
                        with Server(lambda *_: (backend[0], {}, backend[1])) as server:
                            code, text = self.check(server.url, world.loki)
                    self.assertEqual(code, 0 if "no execution" in what else 4, text)
                    self.assertIn(what, text)
                    self.assertIn(cure, text)
                    # All else is looked at, too.
                    self.assertIn("shows that line", text)

    def test_what_is_wrong_with_loki_is_named(self):
        def answers(status, text, head={}):
            return lambda method, path, *_: (status, head, text) if "push" in path else (404, {}, b"")

        late = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 3600))
        with Backend() as backend:
            backend.add(1)
            for answer, what, cure in (
                (answers(401, b"no org id"), "HTTP status 401: no org id", "--tenant"),
                (answers(404, b"404 page not found"), "HTTP status 404", "something else answers there: see --loki"),
                (answers(429, b"ingestion rate limit exceeded"), "HTTP status 429", "raise ingestion_rate_mb"),
                (answers(204, b""), "that line could not be read back", "HTTP status 404"),
                (answers(500, b"", {"Date": late}), "behind this one", "NTP"),
            ):
                with self.subTest(what), Server(answer) as loki:
                    code, text = self.check(backend.url, loki.url)
                    self.assertEqual(code, 5, text)
                    self.assertIn("newest execution is", text)
                    if what != "that line could not be read back":
                        self.assertIn(what, text)
                    self.assertIn(cure, text)

    def test_each_backend_is_asked(self):
        file = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name)) / "shipd.toml"
        with Backend() as one, Server(lambda *_: (500, {}, b"")) as two, Sandbox("--history", "0") as world:
            file.write_text(f'[[backend]]\nname="one"\nurl="{one.url}"\n[[backend]]\nname="two"\nurl="{two.url}"\n')
            done = run("shipd", "--check", "--config", str(file), "--loki", world.loki)
            self.assertEqual(done.returncode, 4, done)
            self.assertRegex(done.stdout, r"warn backend one .*\n.*\n(.*\n)*FAIL backend two .*HTTP status 500")


class Log(unittest.TestCase):
    def test_formats_for_programs(self):
        with Sandbox("--history", "3", "--max-chunk-age", "11d") as world:
            where = ["--backend", world.backend, "--loki", world.loki, "--once"]
            for line in run("shipd", *where, "--log-format", "json").stderr.splitlines():
                self.assertEqual(list(json.loads(line)), ["ts", "level", "tool", "msg"])
            done = run("shipd", *where, LOKISHIP_LOG_FORMAT="logfmt")
            for line in done.stderr.splitlines():
                self.assertRegex(line, r'^ts=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info tool=shipd msg="[^"]*"$')
            self.assertIn('msg="ended: fetched ', done.stderr)

    def test_a_signal_has_the_state_logged(self):
        with Sandbox("--history", "3", "--max-chunk-age", "11d") as world:
            with Shipd(world.backend, world.loki, "--log-format", "json") as shipd:
                shipd.wait_for("shipped ")
                for _ in range(2):
                    shipd.process.send_signal(signal.SIGUSR1)
                    line = shipd.wait_for('"msg":"state: ')[-1]
                    state = json.loads(json.loads(line)["msg"].removeprefix("state: "))
                    self.assertEqual(state["lanes"][0]["name"], "aoss")
                self.assertEqual(shipd.end(), 0)


class Reload(unittest.TestCase):
    def test_settings_and_secrets_are_read_again(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
        config, token = folder / "shipd.toml", folder / "token"
        seen = []

        def loki(method, path, headers, body):
            if "push" in path:
                seen.append(headers)
            return (204 if "push" in path else 404), {}, b""

        token.write_text("first\n")
        config.write_text('log-format = "text"\n')
        with Backend() as backend, Server(loki) as server:
            backend.add(1)
            with Shipd(backend.url, server.url, "--config", str(config), "--loki-token-file", str(token)) as shipd:
                shipd.wait_for("shipped 2 entries")
                self.assertEqual({h["Authorization"] for h in seen}, {"Bearer first"})
                self.assertNotIn("X-Scope-OrgID", seen[0])
                token.write_text("second\n")
                config.write_text('tenant = "team"\nlog-format = "json"\nencoding = "json"\ndedup-capacity = 5\n')
                shipd.process.send_signal(signal.SIGHUP)
                lines = shipd.wait_for("the settings were read again")
                self.assertTrue(any("--dedup-capacity differs from what shipd was started with" in line for line in lines), lines)
                self.assertEqual(json.loads(lines[-1])["msg"], "reload 1: the settings were read again")
                del seen[:]
                backend.add(1)
                shipd.wait_for("shipped 2 entries, 4 in all")
                self.assertEqual({h["Authorization"] for h in seen}, {"Bearer second"})
                self.assertEqual({h["X-Scope-OrgID"] for h in seen}, {"team"})
                self.assertEqual({h["Content-Type"] for h in seen}, {"application/json"})

                # What is wrong is named, and changes nothing.
                config.write_text('tenant = "a|b"\n')
                shipd.process.send_signal(signal.SIGHUP)
                line = json.loads(shipd.wait_for("the former ones stay")[-1])
                self.assertIn("tenant: 'a|b' names several tenants", line["msg"])
                self.assertEqual(line["level"], "error")
                del seen[:]
                backend.add(1)
                shipd.wait_for("shipped 2 entries, 6 in all")
                self.assertEqual({h["X-Scope-OrgID"] for h in seen}, {"team"})
                metrics = shipd.metrics()
                self.assertEqual(metrics['lokiship_config_reloads_total{outcome="succeeded"}'], 1)
                self.assertEqual(metrics['lokiship_config_reloads_total{outcome="failed"}'], 1)
                # Nothing was dropped or sent twice.
                entries = shipd.state()["lanes"][0]["entries"]
                self.assertEqual((entries["shipped"], entries["rejected"], entries["pending"]), (6, 0, 0))
                self.assertEqual(shipd.end(), 0)

    def test_it_ends_whatever_was_ordered_before(self):
        with Backend() as backend, Sandbox("--history", "0") as world:
            for _ in range(5):
                with Shipd(backend.url, world.loki) as shipd:
                    shipd.wait_for("shipping from")
                    for _ in range(20):
                        shipd.process.send_signal(signal.SIGHUP)
                        shipd.process.send_signal(signal.SIGUSR1)
                    shipd.process.send_signal(signal.SIGTERM)
                    shipd.process.send_signal(signal.SIGHUP)
                    shipd.process.stderr.read()
                    self.assertEqual(shipd.process.wait(PATIENCE), 0)

    def test_a_shorter_interval_begins_at_once(self):
        config = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name)) / "shipd.toml"
        config.write_text('poll-interval = "1d"\n')
        with Backend() as backend, Sandbox("--history", "0") as world:
            backend.add(1)
            where = {"LOKISHIP_POLL_INTERVAL": "", "LOKISHIP_CONFIG": str(config)}
            with Shipd(backend.url, world.loki, **where) as shipd:
                shipd.wait_for("shipped 2 entries")
                config.write_text('poll-interval = "100ms"\n')
                backend.add(1)
                shipd.process.send_signal(signal.SIGHUP)
                shipd.wait_for("shipped 2 entries, 4 in all")
                self.assertEqual(shipd.get("/healthz")[0], 200)
                self.assertEqual(shipd.end(), 0)

    def test_a_file_of_rejects_that_was_moved_is_begun_anew(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
        rejects, moved = folder / "rejects", folder / "rejects.1"
        long_ago = time.time_ns() // 1000 * 1000 - 30 * 24 * 3600 * 10**9
        with Backend() as backend, Sandbox("--history", "0") as world:
            with Shipd(backend.url, world.loki, "--rejects", str(rejects)) as shipd:
                backend.add(1, created=long_ago)
                shipd.wait_until_rejected(2)
                self.assertEqual(len(rejects.read_text().splitlines()), 2)
                rejects.rename(moved)
                shipd.process.send_signal(signal.SIGHUP)
                shipd.wait_for("the settings were read again")
                backend.add(1, created=long_ago + 10**9)
                shipd.wait_until_rejected(4)
                self.assertEqual(len(rejects.read_text().splitlines()), 2)
                self.assertEqual(len(moved.read_text().splitlines()), 2)


class Systemd(unittest.TestCase):
    """What systemd is told, over a socket that only looks like its own."""

    def setUp(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        self.path = tempfile.mktemp(dir=SCRATCH.name)
        self.socket.bind(self.path)
        self.socket.settimeout(PATIENCE)

    def wait_for(self, part):
        """The messages up to the one with this part."""
        out = []
        while not out or part not in out[-1]:
            out.append(self.socket.recv(65536).decode())
        return out

    def test_it_is_told_what_happens(self):
        with Backend() as backend, Sandbox("--history", "0") as world:
            backend.add(1)
            told = {"NOTIFY_SOCKET": self.path, "WATCHDOG_USEC": "4000000"}
            with Shipd(backend.url, world.loki, **told) as shipd:
                self.assertEqual(self.wait_for("READY=1"), ["READY=1"])
                self.wait_for("STATUS=shipping; shipped 2, pending 0")
                self.wait_for("WATCHDOG=1")
                shipd.process.send_signal(signal.SIGHUP)
                self.assertIn("MONOTONIC_USEC=", self.wait_for("RELOADING=1")[-1])
                self.wait_for("READY=1")
                shipd.process.send_signal(signal.SIGTERM)
                self.wait_for("STOPPING=1")
                self.assertEqual(shipd.process.wait(PATIENCE), 0)

    def test_it_is_ready_while_the_servers_are_away(self):
        with Server(lambda *_: (500, {}, b"")) as nobody:
            with Shipd(nobody.url, nobody.url, NOTIFY_SOCKET=self.path) as shipd:
                self.wait_for("READY=1")
                self.wait_for("STATUS=backend aoss")
                self.assertEqual(shipd.end(), 0)



class Units(unittest.TestCase):
    """The units that are installed, as systemd reads them."""

    FOLDER = ROOT / "tools" / "deploy" / "systemd"

    def setUp(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd is not installed")
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=SCRATCH.name))
        for unit in ("shipd.service", "backfill.service", "backfill.timer"):
            text = (self.FOLDER / (unit + ".in")).read_text()
            # What meson fills in.
            (self.folder / unit).write_text(text.replace("@bindir@", str(TOOLS / unit.split(".")[0])))

    def analyze(self, *arguments):
        return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, timeout=PATIENCE)

    def test_they_are_valid(self):
        done = self.analyze("verify", "--man=no", "--recursive-errors=no", *map(str, sorted(self.folder.iterdir())))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        wrong = self.folder / "wrong.service"
        wrong.write_text((self.folder / "shipd.service").read_text().replace("WatchdogSec=", "WatchDog="))
        self.assertIn("WatchDog", self.analyze("verify", "--man=no", "--recursive-errors=no", str(wrong)).stderr)

    def test_they_are_confined(self):
        for unit in ("shipd.service", "backfill.service"):
            done = self.analyze("security", "--offline=true", "--threshold=19", str(self.folder / unit))
            self.assertEqual(done.returncode, 0, done.stdout[-300:])
        open_ = self.folder / "open.service"
        open_.write_text(re.sub("(?m)^(Protect|Private|Restrict|System|Capab).*\n", "", (self.folder / "shipd.service").read_text()))
        self.assertNotEqual(self.analyze("security", "--offline=true", "--threshold=19", str(open_)).returncode, 0)

    def test_credentials_that_systemd_gives_are_used(self):
        (self.folder / "loki-token").write_text("geheim\n")
        done = run("shipd", "--print-config", CREDENTIALS_DIRECTORY=str(self.folder))
        self.assertIn(f'loki-token-file = "{self.folder}/loki-token" # default', done.stdout.replace("'", '"'))
        self.assertIn('backend-token-file = "" # default', done.stdout.replace("'", '"'))

    def test_what_they_start_knows_its_options(self):
        for unit in ("shipd", "backfill"):
            line = re.search(r"(?m)^ExecStart=(.*)$", (self.folder / f"{unit}.service").read_text())[1]
            arguments = line.replace("%S", "/var/lib").split()[1:]
            done = run(unit, *arguments, "--print-config")
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
