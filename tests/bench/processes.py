"""What is measured, and what it talks to: processes and servers, all on loopback."""

import http.server
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Process:
    """Runs as long as the block, and says on its first line where it answers."""

    def __init__(self, *command):
        self.command = [str(part) for part in command]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True)
        self.url = self.process.stdout.readline().strip().partition("=")[2]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Sink(Process):
    """A Loki that keeps nothing; `--limits`: one that refuses as Loki does."""

    def __init__(self, build, *options):
        super().__init__(build / "tests/bench/sink", *options)

    def count(self):
        with urllib.request.urlopen(self.url + "/count") as answer:
            return json.load(answer)

    def expect(self, entries):
        """Its counts; ends the run where it has not got every entry once."""
        count = self.count()
        if count["entries"] != entries:
            sys.exit(f"Loki got {count['entries']} entries, not {entries}")
        return count


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


class Nginx:
    """Serves a page as the backend does, and a short one to whoever wants fewer than all."""

    def __init__(self, folder, page, short):
        self.folder, self.page, self.short = folder, page, short

    def __enter__(self):
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        configuration = f"""
            daemon off; pid {self.folder}/nginx.pid; error_log stderr warn; worker_processes 1;
            {"user root;" if os.geteuid() == 0 else ""}
            events {{}}
            http {{
                access_log off; default_type application/json; sendfile on; keepalive_requests 1000000;
                client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;
                fastcgi_temp_path {self.folder}/f; uwsgi_temp_path {self.folder}/u; scgi_temp_path {self.folder}/s;
                map $arg_limit $page {{ default {self.short}; 1000000000 {self.page}; }}
                server {{ listen 127.0.0.1:{port}; location / {{ root /; try_files $page =404; }} }}
            }}"""
        (self.folder / "nginx.conf").write_text(configuration)
        nginx = "/usr/sbin/nginx" if os.path.exists("/usr/sbin/nginx") else "nginx"
        self.process = subprocess.Popen([nginx, "-c", self.folder / "nginx.conf", "-p", self.folder])
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/api/monitoring/logs?limit=1").read()
                return self
            except OSError:
                if self.process.poll() is not None:
                    sys.exit("nginx does not start")
                time.sleep(0.01)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class PageServer:
    """A backend that answers each question with one page; before the nth answer it calls `asked(n)`."""

    def __init__(self, page, asked=lambda n: None):
        times = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self):
                nonlocal times
                times += 1
                asked(times)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def measure(*command):
    """CPU and wall seconds, and peak memory in MiB."""
    begun = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{command[0]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def cpu_of(pid):
    """Seconds of CPU that a process, and those that it waited for, took so far."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def peak_memory_of(pid):
    """In MiB, so far."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))
