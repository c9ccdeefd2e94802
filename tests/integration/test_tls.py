"""Both sides over TLS through a real nginx, with credentials; each failure has a message of its own."""

import base64
import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import PATIENCE, SCRATCH, Backend, Process, Sandbox, run

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"

CONFIG = """
daemon off;
{user}
pid {folder}/nginx.pid;
events {{}}
http {{
  log_format seen '$server_port $request_uri "$ssl_client_s_dn" "$http_authorization" "$http_x_scope_orgid"';
  access_log {folder}/seen seen;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 100m;
  {servers}
}}
"""

SERVER = """
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/{certificate}.pem;
    ssl_certificate_key {folder}/{certificate}.key;
    {more}
    location / {{ proxy_pass {target}; }}
  }}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Authority:
    """Certificates in a folder, by name: `NAME.pem` and `NAME.key`, in a chain of one."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", f"/CN=lokiship test {name}", "-keyout", self.path(".key"), "-out", self.path(".pem"))

    def path(self, end, name=None):
        return str(self.folder / ((name or self.name) + end))

    @staticmethod
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=PATIENCE)

    def issue(self, name, names="IP:127.0.0.1", expired=False):
        """Replaces each file as a whole."""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            new = lambda end: str(pathlib.Path(scratch, "new" + end))
            self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                         "-keyout", new(".key"), "-out", new(".csr"))
            pathlib.Path(new(".ext")).write_text(f"subjectAltName={names}\n", encoding="utf-8")
            pathlib.Path(new(".db")).touch()
            pathlib.Path(new(".conf")).write_text(
                "[ca]\ndefault_ca=it\n[it]\n"
                f"database={new('.db')}\nnew_certs_dir={scratch}\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n"
                f"certificate={self.path('.pem')}\nprivate_key={self.path('.key')}\n[any]\ncommonName=supplied\n",
                encoding="utf-8",
            )
            when = ["20200101000000Z", "20200102000000Z"] if expired else ["20200101000000Z", "20991231000000Z"]
            self.openssl("ca", "-batch", "-notext", "-config", new(".conf"), "-startdate", when[0], "-enddate", when[1],
                         "-extfile", new(".ext"), "-in", new(".csr"), "-out", new(".pem"))
            for end in (".key", ".pem"):
                os.replace(new(end), self.path(end, name))


class Nginx:
    """In front of two servers on loopback. `loki` and `backend` are what stands in their sections."""

    def __init__(self, folder, backend, loki, more="", backend_more="", certificate="server"):
        self.folder = folder
        self.sides = {"backend": (backend, backend_more, "server"), "loki": (loki, more, certificate)}

    def start(self):
        """What it said until it ran or ended."""
        ports = {side: free_port() for side in self.sides}
        servers = "".join(
            SERVER.format(folder=self.folder, target=target, more=more, port=ports[side], certificate=certificate)
            for side, (target, more, certificate) in self.sides.items()
        )
        # Workers of root are somebody else, who may not look into the folder.
        user = "user root;" if os.getuid() == 0 else ""
        config = self.folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=self.folder, servers=servers, user=user), encoding="utf-8")
        self.process = subprocess.Popen(
            [NGINX, "-p", str(self.folder), "-e", "stderr", "-g", "error_log stderr notice;", "-c", str(config)],
            stderr=subprocess.PIPE, text=True,
        )
        self.backend, self.loki = (f"https://127.0.0.1:{ports[side]}" for side in ("backend", "loki"))
        said = []
        for line in self.process.stderr:
            said.append(line)
            if "start worker processes" in line:
                # What it says later must not fill the pipe.
                self.rest = threading.Thread(target=lambda: list(self.process.stderr))
                self.rest.start()
                return None
        self.process.wait()
        self.process.stderr.close()
        return "".join(said)

    def __enter__(self):
        # A port that was free may be taken by now.
        for _ in range(5):
            failed = self.start()
            if not failed:
                return self
            if "Address already in use" not in failed:
                break
        raise AssertionError(failed)

    def __exit__(self, *_):
        # Gracefully: what was answered is then logged.
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=PATIENCE)
        self.rest.join()
        self.process.stderr.close()

    def seen(self):
        """What was asked, a line each, once it has ended."""
        return (self.folder / "seen").read_text(encoding="utf-8").splitlines()


class Proxy:
    """A proxy that knows where `NAME:PORT` is: what is asked of it goes to a port of this machine, by CONNECT only."""

    def __init__(self, ports, credentials=None):
        self.ports, self.asked = ports, []
        self.wanted = credentials and "Basic " + base64.b64encode(credentials.encode()).decode()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                piece = client.recv(1)
                if not piece:
                    return
                head += piece
            lines = head.decode().split("\r\n")
            self.asked.append(lines[0])
            method, target, _ = lines[0].split()
            given = [line.partition(": ")[2] for line in lines if line.startswith("Proxy-Authorization: ")]
            if self.wanted and given != [self.wanted]:
                client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            elif method != "CONNECT" or target not in self.ports:
                client.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            else:
                with socket.create_connection(("127.0.0.1", self.ports[target])) as server:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    back = threading.Thread(target=self.copy, args=(server, client))
                    back.start()
                    self.copy(client, server)
                    back.join()

    @staticmethod
    def copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Tls(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=SCRATCH.name)
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.ca = Authority(self.folder)
        self.ca.issue("server")

    def file(self, name, text=None):
        path = self.folder / name
        if text is not None:
            path.with_name(name + ".new").write_text(text, encoding="utf-8")
            os.replace(path.with_name(name + ".new"), path)
        return str(path)

    def servers(self, **nginx):
        """A backend with an execution of two steps, a Loki, and nginx before both."""
        stack = self.stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.backend = stack.enter_context(Backend())
        self.backend.add(1)
        self.sandbox = stack.enter_context(Sandbox("--history", "0", "--interval", "off"))
        self.nginx = stack.enter_context(Nginx(self.folder, self.backend.url, self.sandbox.loki, **nginx))
        return ["--backend", self.nginx.backend, "--loki", self.nginx.loki]

    def trusted(self):
        return ["--backend-ca", self.file("ca.pem"), "--loki-ca", self.file("ca.pem")]

    def shipped(self):
        return len(self.sandbox.query('{job="aoss"}'))

    def test_each_side_gets_its_own_credentials(self):
        digest = subprocess.run(["openssl", "passwd", "-apr1", "geheim"], check=True, capture_output=True, text=True).stdout
        self.file("users", "shipd:" + digest)
        there = self.servers(
            more=f"auth_basic x; auth_basic_user_file {self.folder}/users;",
            backend_more='if ($http_authorization != "Bearer t0k3n") { return 401; }',
        )
        there += [*self.trusted(), "--tenant", "team-a", "--loki-user", "shipd", "--backend-token-file", self.file("token", "t0k3n\n")]
        for name in ("shipd", "backfill"):
            once = ["--once"] if name == "shipd" else []
            wrong = run(name, *there, *once, LOKI_PASSWORD="falsch")
            self.assertEqual(wrong.returncode, 5, wrong)
            self.assertIn("401", wrong.stderr)
            done = run(name, *there, *once, LOKI_PASSWORD="geheim")
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual(self.shipped(), 2)
            self.file("token", "0ther")
            denied = run(name, *there, *once, LOKI_PASSWORD="geheim")
            self.file("token", "t0k3n")
            self.assertEqual(denied.returncode, 4, denied)
            self.assertIn("401", denied.stderr)
            for secret in ("falsch", "geheim", "t0k3n", "0ther", "c2hpcGQ6"):
                self.assertNotIn(secret, "".join((wrong.stderr, done.stderr, denied.stderr, wrong.stdout, done.stdout)))
        self.stack.close()
        for line in self.nginx.seen():
            self.assertIn('"Bearer ' if "/api/monitoring" in line else '"Basic ', line)
            self.assertTrue(line.endswith(' "-"' if "/api/monitoring" in line else ' "team-a"'), line)

    def test_each_failure_has_its_own_message(self):
        self.ca.issue("expired", expired=True)
        self.ca.issue("elsewhere", names="DNS:loki.example")
        Authority(self.folder, "itself")
        client = f"ssl_client_certificate {self.folder}/ca.pem; ssl_verify_client on;"
        trusted = ["--loki-ca", self.file("ca.pem")]
        cases = (
            ({"certificate": "expired"}, trusted, "TLS: the server's certificate expired on Jan  2 00:00:00 2020 GMT"),
            ({"certificate": "elsewhere"}, trusted, "is not for 127.0.0.1 but for loki.example"),
            ({}, [], "is from 'CN = lokiship test ca', which is not trusted"),
            ({"certificate": "itself"}, [], "is signed by itself and not trusted"),
            ({"more": client}, trusted, "the server wants a client certificate, and none was given"),
            ({"more": "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;"}, trusted, "does not speak TLS 1.2 or later"),
        )
        for nginx, options, message in cases:
            with self.subTest(message):
                there = self.servers(**nginx)
                done = run("shipd", *there, "--backend-ca", self.file("ca.pem"), *options, "--once")
                self.assertEqual(done.returncode, 5, done)
                self.assertIn(self.nginx.loki, done.stderr)
                self.assertIn(message, done.stderr)
                self.assertIn("rejected 0, pending 2", done.stderr)
                self.assertEqual(self.shipped(), 0)
        there = self.servers()
        done = run("backfill", *there, *trusted)
        self.assertEqual(done.returncode, 4, done)
        self.assertIn(f"{self.nginx.backend}: TLS: the server's certificate is from", done.stderr)
        broken = run("shipd", *there, *trusted, "--loki-cert", self.file("server.pem"), "--loki-key", self.file("ca.key"))
        self.assertEqual(broken.returncode, 2, broken)
        self.assertIn(f"{self.nginx.loki}: the key file '{self.folder}/ca.key' is not that of", broken.stderr)
        self.assertNotIn("[", broken.stderr)

    def test_unchecked_only_where_it_is_said_and_warned_of(self):
        there = self.servers()
        done = run("shipd", *there, "--backend-ca", self.file("ca.pem"), "--loki-insecure-skip-verify", "--once")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(self.shipped(), 2)
        self.assertEqual(done.stderr.count("is not checked"), 1)

    def test_what_changes_in_a_file_counts_from_then_on(self):
        self.ca.issue("first")
        self.ca.issue("second")
        take = lambda name: [self.file("client" + end, (self.folder / (name + end)).read_text()) for end in (".key", ".pem")]
        key, certificate = take("first")
        token = self.file("token", "old\n")
        there = self.servers(
            # A connection for each request.
            more=f"ssl_client_certificate {self.folder}/ca.pem; ssl_verify_client on; keepalive_timeout 0;",
        )
        there += [*self.trusted(), "--loki-cert", certificate, "--loki-key", key, "--loki-token-file", token]
        with Process("shipd", *there, "--poll-interval", "100ms") as shipd:

            def round():
                self.backend.add(1)
                shipd.wait_for("shipped")

            shipd.wait_for("shipped")
            # Halfway through: what was good goes on.
            self.file("client.key", "")
            self.file("token", "")
            self.backend.add(1)
            shipd.wait_for("the key file", "credentials: ", "shipped")
            take("second")
            self.file("token", "new")
            round()
            round()
            self.assertEqual(shipd.end(), 0, shipd.lines)
        self.assertEqual(self.shipped(), 8)
        self.stack.close()
        pushes = [line for line in self.nginx.seen() if "/push" in line]
        self.assertEqual(len(pushes), 4)
        for number, line in enumerate(pushes):
            self.assertIn('"CN=first" "Bearer old"' if number < 2 else '"CN=second" "Bearer new"', line)

    def test_a_proxy_sees_neither_requests_nor_credentials(self):
        self.ca.issue("server", names="DNS:loki.test")
        self.servers()
        # Names that only the proxy knows.
        there = ["--backend", self.backend.url, "--loki", "https://loki.test", "--loki-ca", self.file("ca.pem"), "--once"]
        ports = {"loki.test:443": int(self.nginx.loki.rpartition(":")[2])}
        with Proxy(ports, "me:geheim") as proxy:
            host = proxy.url.removeprefix("http://")
            done = run("shipd", *there, HTTPS_PROXY=f"http://me:geheim@{host}", LOKI_TOKEN="t0k3n")
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual(self.shipped(), 2)
            self.assertIn(f"https://loki.test is reached via proxy http://me:****@{host}", done.stderr)
            self.assertEqual(set(proxy.asked), {"CONNECT loki.test:443 HTTP/1.1"})
            cases = (
                (host, there, f"via proxy http://{host}: the proxy refuses to connect with HTTP status 407; it wants a user"),
                (f"me:geheim@{host}", [*there[:3], "https://other.test", *there[4:]], "with HTTP status 502"),
            )
            for address, options, message in cases:
                failed = run("shipd", *options, https_proxy=address)
                self.assertEqual(failed.returncode, 5, failed)
                self.assertIn(message, failed.stderr)
                self.assertNotIn("geheim", failed.stderr)
            asked = len(proxy.asked)
            # This machine needs no proxy.
            done = run("shipd", "--backend", self.backend.url, "--loki", self.sandbox.loki, "--once", ALL_PROXY=proxy.url)
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual(len(proxy.asked), asked)
        gone = run("shipd", *there, HTTPS_PROXY=proxy.url)
        self.assertEqual(gone.returncode, 5, gone)
        self.assertIn(f"https://loki.test via proxy {proxy.url}: connect: Connection refused", gone.stderr)
