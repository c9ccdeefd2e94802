"""Either side answers to do harm: memory and time stay bounded, the log names what is wrong, nothing is forged or followed."""

import contextlib
import itertools
import json
import os
import re
import resource
import threading
import time
import unicodedata
import unittest
import zlib

from harness import PATIENCE, Backend, Process, Sandbox, Server, Weather, run

SANITIZED = bool(os.environ.get("LOKISHIP_SANITIZED"))
MIB = 1024 * 1024

# Each would do something to a terminal, to who reads line by line, or to the direction of the text.
CONTROLS = "".join(map(chr, [*range(1, 32), *range(0x7F, 0xA0), 0x2028, 0x2029, 0x202E, 0x2066]))
FORGED = "x\n2026-01-01T00:00:00.000Z error   forged\r\n\x1b[2J\x1b]0;owned\x07" + CONTROLS
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (debug|info|warning|error) +\S")

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def once(*pieces):
    """Sends this, and waits until the client has gone."""

    def send(connection):
        connection.sendall(b"".join(pieces))
        connection.recv(1)

    return send


def endless(head, piece):
    """Sends the piece until the client has gone."""

    def send(connection):
        connection.sendall(head)
        block = piece * max(1, 64 * 1024 // len(piece))
        while True:
            connection.sendall(block)

    return send


def numbered(head, piece, most=10**9):
    """As `endless`, each piece with a number of its own; breaks off after so many."""

    def send(connection):
        connection.sendall(head)
        several = max(1, 256 * 1024 // len(piece))
        for start in range(0, most, several):
            connection.sendall(b"".join(piece.replace(b"N", b"%d" % n) for n in range(start, start + several)))

    return send


def byte_by_byte(head, rest):
    """Sends the rest slowly, but never falls silent."""

    def send(connection):
        connection.sendall(head)
        for byte in itertools.chain(rest, itertools.repeat(32)):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    return send


def answer(status, text, fields=b""):
    head = b"HTTP/1.1 %d X\r\n%bContent-Length: %d\r\n\r\n" % (status, fields, len(text))
    return once(head, text)


def bomb(before, piece):
    """A GiB or so in gzip, in one member."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    first = deflate.compress(before) + deflate.flush(zlib.Z_FULL_FLUSH)
    block = deflate.compress(piece * MIB) + deflate.flush(zlib.Z_FULL_FLUSH)
    head = OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    gzip = bytes.fromhex("1f8b0800000000000003") + first + 1024 * block
    return once(head, b"%x\r\n" % len(gzip), gzip, b"\r\n0\r\n\r\n")


class Hostile(Weather):
    """A proxy that does with a connection what `mode` says, and keeps each request's line, fields and body."""

    def __init__(self, target):
        super().__init__(target)
        self.requests = []

    def answer(self, handler, handle, body):
        with self.changed:
            mode = self.mode if self.only in handler.path else None
            self.requests.append((handler.raw_requestline, handler.headers, body))
            if mode:
                self.spoilt += 1
                self.changed.notify_all()
        if mode is None:
            return super(Weather, self).answer(handler, handle, body)
        handler.close_connection = True
        with contextlib.suppress(OSError):
            mode(handler.connection)


class Watched(Process):
    """One that is ended where it hangs."""

    def __enter__(self):
        self.watchdog = threading.Timer(PATIENCE, self.process.kill)
        self.watchdog.start()
        return self

    def __exit__(self, *arguments):
        self.watchdog.cancel()
        super().__exit__(*arguments)

    def peak(self):
        """The most memory that it ever had, in MiB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1]) / 1024


def unsafe(text):
    """What a terminal or a reader by lines could take for more than text."""
    return {hex(ord(c)) for c in text if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")}


class Case(unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.real = stack.enter_context(Backend())
        self.sandbox = stack.enter_context(Sandbox("--history", "0", "--interval", "off"))
        self.backend = stack.enter_context(Hostile(self.real.url))
        self.loki = stack.enter_context(Hostile(self.sandbox.loki))
        self.there = ["--backend", self.backend.url, "--loki", self.loki.url]

    @contextlib.contextmanager
    def named(self, name):
        try:
            yield
        except AssertionError as failed:
            raise AssertionError(f"{name}: {failed}") from None

    def assert_is_clean(self, lines, output=""):
        for line in lines:
            self.assertRegex(line, LOG_LINE)
        self.assertEqual(unsafe("".join(lines) + output), set())
        self.assertNotIn("error   forged", [line[25:39] for line in lines])

    def assert_is_small(self, process, most):
        if not SANITIZED:
            self.assertLess(process.peak(), most)

    def outlive(self, hostile, cases, *options, most=64, only=""):
        """shipd, whose server does each of these until shipd has said what is wrong, and then is well again."""
        with Watched("shipd", *self.there, "--poll-interval", "100ms", *options) as shipd:
            self.real.add(1)
            shipd.wait_for("2 in all")
            total = 2
            for name, (mode, *words) in cases.items():
                hostile.set(mode, only)
                self.real.add(1)
                total += 2
                with self.named(name):
                    line = shipd.wait_for("does not answer as it should")[-1]
                    hostile.set(None)
                    shipd.wait_for("is back", f"{total} in all")
                    for word in words:
                        self.assertIn(word, line)
                    self.assertIn(hostile.url, line)
                    self.assert_is_small(shipd, most)
            self.assertEqual(shipd.end(), 0)
            self.assertIn(f"shipped {total},", shipd.lines[-1])
            self.assert_is_clean(shipd.lines, shipd.output())
        self.assertEqual(len(self.sandbox.query('{job="aoss"}')), total)


class HostileBackend(Case):
    def test_time_and_heads_are_bounded(self):
        silence, longer = "for 300ms", "took longer than 1800ms"
        self.outlive(
            self.backend,
            {
                "nothing": (once(), "no answer " + silence),
                "half a head": (once(OK), "no answer " + silence),
                "half a body": (once(OK, b"Content-Length: 9\r\n\r\n{"), "the answer stopped after 1 bytes " + silence),
                "slow head": (byte_by_byte(b"", OK + b"X: "), longer),
                "slow body": (byte_by_byte(OK + b"\r\n", b"{"), longer),
                "interim answers": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "interim answers"),
                "fields": (numbered(OK, b"X-N: y\r\n"), "header limit exceeded"),
                "one field": (endless(OK + b"X: ", b"y"), "header limit exceeded"),
                "one field's name": (endless(OK, b"y"), "header limit exceeded"),
                "status line": (endless(b"HTTP/1.1 200 ", b"y"), "header limit exceeded"),
                "no HTTP": (endless(b"", b"y"), "no valid HTTP answer"),
                "line breaks": (endless(b"", b"\r\n"), "no valid HTTP answer"),
                "trailer": (endless(CHUNKED + b"2\r\n{}\r\n0\r\nX: ", b"y"), ""),
                "chunk extension": (endless(CHUNKED + b"2;", b"y"), "the answer is malformed"),
                "chunk size": (endless(CHUNKED, b"0"), ""),
                "length": (once(OK, b"Content-Length: 99999999999999\r\n\r\n"), "the answer stopped after 0 bytes " + silence),
                "depth": (endless(OK + b'\r\n{"x":', b"["), "nested too deeply"),
                "refusal": (endless(b"HTTP/1.1 500 No\r\n\r\n", b"y"), "HTTP status 500: yyy"),
            },
            "--backend-timeout", "300ms",
        )  # fmt: skip

    @unittest.skipIf(SANITIZED, "slow, and a sanitizer takes memory of its own")
    def test_size_is_bounded(self):
        large = "the page is too large: more than 67108864 bytes without a whole record"
        page = OK + b'\r\n{"logs":['
        self.outlive(
            self.backend,
            {
                "one record": (endless(page + b'{"stdout":"', b"y"), "the page is too large: logs[0].stdout: more than 67108864 bytes"),
                "one command": (endless(page + b'{"command":"', b"y"), "logs[0].command: it is longer than 1048576 bytes"),
                "one key": (endless(page + b'{"', b"y"), "the page is too large: logs[0]: more than"),
                "blanks": (endless(OK + b"\r\n", b" "), large),
                "blanks at the end": (endless(OK + b'\r\n{"logs":[]}', b" "), large),
                "one number": (endless(OK + b'\r\n{"total_executions":', b"1"), "total_executions"),
                "zeros in gzip": (bomb(b"", b"\0"), "the page is not valid JSON"),
                "blanks in gzip": (bomb(b"", b" "), large),
                "a string in gzip": (bomb(b'{"logs":[{"stdout":"', b"y"), "the page is too large: logs[0].stdout"),
            },
            "--backend-timeout", "10s",
        )  # fmt: skip

    def test_records_fill_no_memory(self):
        # So many that each would take more, where nothing was left out.
        page = OK + b'\r\n{"logs":['
        for name, mode in {
            "long ones": numbered(page, b'{"step":N,"command":"' + 500_000 * b"y" + b'"},', 200),
            "each of another stream": numbered(page, b'{"step":N,"server_tag":"N"},', 30_000),
            "streams with long names": numbered(page, b'{"step":N,"server_tag":"N' + 2000 * b"y" + b'"},', 11_000),
        }.items():
            self.backend.set(mode)
            with self.named(name), Server(lambda *_: (503, {}, b"not now")) as loki:
                there = ["--backend", self.backend.url, "--loki", loki.url, "--no-redact"]
                with Watched("shipd", *there, "--backend-timeout", "60s") as shipd:
                    shipd.wait_for("it breaks off", "HTTP status 503")
                    self.assert_is_small(shipd, 64)
                    self.assertEqual(shipd.end(), 0)
                    self.assertGreater(int(re.search(r"pending (\d+)", shipd.lines[-1])[1]), 0)

    def test_a_redirection_is_not_followed(self):
        asked = []

        def other(method, path, *_):
            asked.append(path)
            return 200, {}, b'{"logs":[]}'

        with Server(other) as elsewhere:
            to = {s: (answer(s, b"", b"Location: %b/x\r\n" % elsewhere.url.encode()), f"HTTP status {s} (a redirection to '{elsewhere.url}/x', which is not followed)") for s in (301, 302, 303, 307, 308)}  # fmt: skip
            self.outlive(self.backend, to)
            self.real.entries.clear()
            for status, (mode, said) in to.items():
                self.loki.set(mode)
                self.real.add(1)
                done = run("shipd", *self.there, "--once")
                self.assertEqual(done.returncode, 5, done.stderr)
                self.assertIn(said, done.stderr)
                self.assertIn("rejected 0, pending 2", done.stderr)
                self.real.entries.clear()
            self.backend.set(to[302][0])
            done = run("backfill", *self.there)
            self.assertEqual(done.returncode, 4, done.stderr)
            self.assertIn(to[302][1], done.stderr)
        self.assertEqual(asked, [])

    def test_no_answer_forges_a_log_line(self):
        raw = (FORGED + "\0").encode() + b"\xff\x9b2J"
        fields = FORGED.replace("\n", "").replace("\r", "")
        above = "".join(c for c in FORGED if ord(c) > 0x7F).encode()
        self.outlive(
            self.backend,
            {
                "text of an error": (answer(500, raw), "\\x1b[2J", "x\\n2026", "\\u2028"),
                "text of a refusal": (answer(400, raw), "\\x1b[2J", "\\u009b", "\\u202e"),
                "page": (answer(200, raw), "the page is not valid JSON"),
                "reason": (once(b"HTTP/1.1 500 " + fields.encode() + b"\r\nContent-Length: 0\r\n\r\n"), "HTTP"),
                "reason in UTF-8": (once(b"HTTP/1.1 500 " + above + b"\r\nContent-Length: 0\r\n\r\n"), "HTTP status 500"),
                "version": (once(b"HTTP/" + raw + b"\r\n\r\n"), "no valid HTTP answer"),
                "name of a field": (answer(200, b"", fields.encode() + b": x\r\n"), "no valid HTTP answer"),
                "field": (answer(200, b"", b"X: " + fields.encode() + b"\r\n"), "no valid HTTP answer"),
                "encoding": (answer(200, b"x", b"Content-Encoding: " + above + b"\r\n"), "\\u0080", "only gzip is understood"),
                "location": (answer(302, b"", b"Location: " + above + b"\r\n"), "\\u2028", "is not followed"),
                "key": (answer(200, b'{"\\u001b[2J":1}'), "it has no array 'logs'"),
            },
        )  # fmt: skip

    def test_no_record_forges_anything(self):
        labels = {"job", "server_id", "server_tag", "agent_type", "status", "execution_status"}
        texts = ("timestamp", "execution_id", *labels - {"job"}, "command", "stdout", "stderr")
        for number, text in enumerate((FORGED, FORGED + "\0", "x\r\nX-Forged: y\r\n\r\nPOST /")):
            self.real.add(1)
            for step in self.real.entries[:2]:
                step.update({field: text for field in texts}, execution_id=f"{number}{text}")
        for tool in (["shipd", "--once"], ["backfill", "--verify"], ["backfill", "--plan"], ["backfill", "--dry-run"]):
            done = run(*tool[:1], *self.there, "--encoding", "json", *tool[1:])
            self.assertIn(done.returncode, (0, 3), done.stderr)
            self.assert_is_clean(done.stderr.split("\n")[:-1], done.stdout)
            if "--dry-run" in tool:
                self.assertEqual([set(json.loads(line)["labels"]) for line in done.stdout.split("\n")[:-1]], 6 * [labels])
        # Loki quotes what it refuses.
        refusal = answer(400, f"entry for stream '{FORGED}' has timestamp too old".encode())
        self.loki.set(refusal, only="push")
        done = run("shipd", *self.there, "--once", "--encoding", "json")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("Loki refuses entries (greater_than_max_sample_age)", done.stderr)
        self.assert_is_clean(done.stderr.split("\n")[:-1], done.stdout)
        pushes = [r for r in self.loki.requests if b"/push" in r[0]]
        self.assertTrue(pushes)
        for line, headers, body in self.loki.requests:
            self.assertRegex(line, rb"^(GET|POST) /[!-~]* HTTP/1\.1\r\n$")
            self.assertLessEqual(set(headers), {"Host", "User-Agent", "Accept-Encoding", "Accept", "Content-Type", "Content-Length"})
        for _, _, body in pushes:
            for stream in json.loads(body)["streams"]:
                self.assertEqual(set(stream["stream"]), labels)

    def test_backfill_gives_up(self):
        for name, (mode, *words) in {
            "slow": (byte_by_byte(OK + b"\r\n", b"{"), "took longer than 3s"),
            "blanks": (endless(OK + b"\r\n", b" "), "the page is too large" if not SANITIZED else ""),
            "error": (endless(b"HTTP/1.1 400 No\r\n\r\n", b"\x1b"), "HTTP status 400: \\x1b"),
        }.items():
            self.backend.set(mode)
            timeout = "50ms" if name == "slow" else "20s"
            with self.named(name), Watched("backfill", *self.there, "--no-redact", "--backend-timeout", timeout) as backfill:
                if not SANITIZED:
                    resource.prlimit(backfill.process.pid, resource.RLIMIT_DATA, (96 * MIB, 96 * MIB))
                backfill.wait_for(self.backend.url, "; nothing was shipped")
                self.assert_is_clean(backfill.lines, backfill.output())
                for word in words:
                    self.assertIn(word, backfill.lines[-1])
                self.assertEqual(backfill.process.wait(timeout=PATIENCE), 4)


class HostileLoki(Case):
    def test_shipd_outlives_it(self):
        silence, longer, large = "for 300ms", "took longer than 1800ms", "the answer is larger than 16777216 bytes"
        raw = (FORGED + "\0").encode() + b"\xff\x9b2J"
        refused = b"HTTP/1.1 400 No\r\n"
        gzip = bomb(b"", b"y")
        self.outlive(
            self.loki,
            {
                "nothing": (once(), "no answer " + silence),
                "slow refusal": (byte_by_byte(refused + b"\r\n", b""), longer),
                "fields": (numbered(OK, b"X-N: y\r\n"), "header limit exceeded"),
                "interim answers": (endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "interim answers"),
                "refusal": (endless(refused + b"\r\n", b"y" * MIB), large),
                "refusal in gzip": (gzip, large),
                "length": (once(refused, b"Content-Length: 99999999999999\r\n\r\n"), "the answer stopped after 0 bytes " + silence),
                "text": (answer(503, raw), "\\x1b[2J", "x\\n2026", "\\u2028"),
                "tenant": (answer(401, raw), "\\x1b[2J", "x\\n2026", "\\u2028"),
                "success with a text": (answer(200, raw), "HTTP status 200: x\\n2026"),
                "no time to retry after": (answer(503, b"", b"Retry-After: 99999999999999999999999\r\n"), "503"),
                "a date": (answer(503, b"", b"Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n"), "503"),
                "words": (answer(503, b"", b"Retry-After: " + "\u2028\u009b".encode() + b"\r\n"), "503"),
            },
            "--loki-timeout", "300ms", only="push",
        )  # fmt: skip

    def test_a_success_with_a_body_is_one_and_ends_the_connection(self):
        self.loki.set(once(b"HTTP/1.1 204 No Content\r\nContent-Length: 30\r\n\r\nHTTP/1.1 400 forged\r\n\r\n"), "push")
        with Watched("shipd", *self.there, "--poll-interval", "100ms") as shipd:
            for total in (2, 4):
                self.real.add(1)
                shipd.wait_for(f"{total} in all")
            self.assertEqual(shipd.end(), 0)
            self.assertIn("shipped 4, duplicate", shipd.lines[-1])
            self.assertIn("rejected 0, pending 0", shipd.lines[-1])

    def test_what_it_shows_is_bounded_and_escaped(self):
        many = b'{"status":"success","data":{"result":['
        for name, (mode, *words) in {
            "blanks": (endless(OK + b"\r\n", b" "), "the answer is larger than 16777216 bytes"),
            "in gzip": (bomb(many, b" "), "the answer is larger than 16777216 bytes"),
            "arrays": (answer(200, many + 5 * MIB * b"[]," + b"[]]}}"), "it takes too much memory"),
            "numbers": (answer(200, many + 7 * MIB * b"1," + b"1]}}"), "it takes too much memory"),
            "depth": (answer(200, many + MIB * b"["), "not as Loki's"),
            "error": (answer(500, FORGED.encode()), "x\\n2026", "\\u2028"),
            "labels": (answer(200, many + json.dumps({"stream": {FORGED: FORGED}, "values": [[FORGED, FORGED]]}).encode() + b"]}}"), "a time is no integer"),
            "key": (answer(200, json.dumps({FORGED: FORGED}).encode()), "not as Loki's"),
            "redirection": (answer(302, b"", b"Location: http://192.0.2.1/\r\n"), "is not followed"),
        }.items():  # fmt: skip
            self.real.add(1)
            self.loki.set(mode, only="query_range")
            with self.named(name), Watched("shipd", *self.there, "--resume-from-loki") as shipd:
                line = shipd.wait_for("Loki")[-1]
                while "shipping from" in line:
                    line = shipd.wait_for("Loki")[-1]
                for word in words:
                    self.assertIn(word, line)
                self.loki.set(None)
                shipd.wait_for(" in all")
                self.assert_is_small(shipd, 96)
                self.assertEqual(shipd.end(), 0)
                self.assert_is_clean(shipd.lines, shipd.output())

    def test_its_settings_are_bounded_and_escaped(self):
        self.real.add(1)
        for name, mode in {
            "endless": endless(OK + b"\r\n", b" "),
            "nodes": answer(200, b"a: [" + 127 * 1024 * b"1," + b"1]"),
            "depth": answer(200, 200 * 1024 * b"["),
            "maps": answer(200, 100 * 1024 * b"{"),
            "blocks": answer(200, 100 * 1024 * b"- "),
            "aliases": answer(200, b"a0: &a0 [x]\n" + b"".join(b"a%d: &a%d [%b]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 50))),
            "numbers": answer(200, b"limits_config: {ingestion_rate_mb: 1e999, max_query_length: 99999999999999999999h, max_line_size: -1}\n"),
            "escapes": answer(200, b"%" + FORGED.encode()),
        }.items():  # fmt: skip
            self.loki.set(mode, only="/config")
            with self.named(name), Watched("shipd", *self.there, "--log-level", "debug") as shipd:
                shipd.wait_for(" in all")
                self.assert_is_small(shipd, 96)
                self.assertEqual(shipd.end(), 0)
                self.assertEqual(unsafe("".join(shipd.lines)), set())
