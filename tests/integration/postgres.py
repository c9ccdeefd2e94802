"""A PostgreSQL of the tests' own, and an AOSS backend before it: Debian's packages, in a temporary folder, on loopback."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time

from compare_entries import Entry
from expected_entries import entry
from harness import HERE, PATIENCE

PROGRAMS = pathlib.Path("/usr/lib/postgresql/15/bin")
# Not the one that runs the tests: that may be another, which has not what Debian's has.
PYTHON = "/usr/bin/python3"

SCHEMA = """
    create table servers (id uuid primary key, user_id text, server_tag text, ip_address inet);
    -- Executions remain when their server is deleted, so that server_id is no foreign key.
    create table execution_logs (id uuid primary key, user_id text, server_id uuid, query text, plan json,
        execution_results json, status text, created_at timestamptz default now(), agent_summary text);
    create role reader login;
    grant select on servers, execution_logs to reader;"""
# Of what the tables hold, and by xmin of whether a row was written again as it was.
CHECKSUM = """
    select md5(string_agg(row, ' ' order by row)) from (
        select xmin || t::text as row from servers t union all select xmin || t::text from execution_logs t) rows;"""
SERVERS = "select coalesce(json_object_agg(id, server_tag), '{}') from servers;"
EXECUTIONS = """
    select row_to_json(e) from (
        select id, server_id, query, execution_results, status, (extract(epoch from created_at) * 1000000)::bigint as created
        from execution_logs order by created_at desc) e;"""


class Postgres:
    """Listens on a socket in its folder only, and whoever gets there may be whom he likes. Not run by root: it refuses."""

    def __init__(self):
        # A socket's path is short, and another user's server must get there, whatever TMPDIR is.
        self.folder = tempfile.mkdtemp(prefix="lokiship-postgres-", dir="/tmp")
        self.user = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
            self.user = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        self.started = {"cwd": self.folder, "text": True, "env": {"PATH": "/usr/bin:/bin"}, **self.user}
        options = ["--username=owner", "--auth=trust", "--locale=C.UTF-8", "--no-sync"]
        assert PROGRAMS.exists(), "PostgreSQL 15 is missing: tools/install-dependencies --tests"
        done = subprocess.run([PROGRAMS / "initdb", "data", *options], capture_output=True, **self.started)
        assert done.returncode == 0, done.stderr
        self.start()
        self.sql(SCHEMA)

    def start(self):
        options = ["--listen_addresses=", f"--unix_socket_directories={self.folder}", "--fsync=off"]
        command = [PROGRAMS / "postgres", "-D", "data", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, **self.started)
        log = []
        for line in self.process.stderr:
            log.append(line)
            if "ready to accept connections" in line:
                # Whoever writes into a pipe that nobody reads waits one day.
                self.drained = threading.Thread(target=self.process.stderr.read, daemon=True)
                self.drained.start()
                return
        raise AssertionError("".join(log))

    def crash(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=PATIENCE)
        self.drained.join()
        self.process.stderr.close()

    def close(self):
        self.crash()
        shutil.rmtree(self.folder)

    def connection(self, user):
        return f"host={self.folder} user={user} dbname=postgres"

    def sql(self, *statements, user="owner"):
        """Lines of what was selected."""
        done = subprocess.run(
            ["/usr/bin/psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.connection(user)],
            input="\n".join(statements),
            capture_output=True,
            encoding="utf-8",
            env={"PATH": "/usr/bin:/bin", "PGCLIENTENCODING": "UTF8"},
        )
        assert done.returncode == 0, done.stderr[-1000:]
        return done.stdout.split("\n")[:-1]


def literal(value):
    if value is None:
        return "null"
    text = value if isinstance(value, str) else json.dumps(value)
    return "'" + text.replace("'", "''") + "'"


def insert(table, **values):
    """The statement for one row."""
    return f"insert into {table} ({', '.join(values)}) values ({', '.join(map(literal, values.values()))});"


def readable(servers, executions, agent_types):
    """What is to lie in Loki by the rows: an entry for each key that makes a step the same when it is read again."""
    found = {}
    for row in executions:
        if row["created"] is None:
            continue  # nobody can say what time it is given
        for step in row["execution_results"] or [{"step": 0, "status": row["status"]}]:
            log = {
                "timestamp": "1970-01-01T00:00:00Z",
                "server_id": row["server_id"],
                "server_tag": servers.get(row["server_id"], "unknown"),
                "agent_type": agent_types[row["query"]],
                "execution_status": row["status"],
                **step,
            }
            e = entry(log)
            key = row["id"], log["step"], e["labels"]["status"], e["line"]
            found.setdefault(key, Entry(tuple(sorted(e["labels"].items())), row["created"] * 1000, e["line"]))
    return found


class Aoss:
    """The tables, which only the test changes, and the backend that may only read them."""

    def __init__(self, postgres, agent_types):
        self.postgres, self.agent_types = postgres, agent_types
        self.now, self.ever = {}, {}  # what can be read, and what could be for long enough
        postgres.sql("truncate servers, execution_logs;")
        self.checksum = self.sum()
        self.requests, self.recorded = [], threading.Condition()
        self.process = subprocess.Popen(
            [PYTHON, "-B", HERE / "aoss_backend.py", postgres.connection("reader")],
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": "/usr/bin:/bin"},
        )
        self.url = self.process.stdout.readline().strip()
        assert self.url, "the backend did not start: tools/install-dependencies --tests"
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def sum(self):
        return self.postgres.sql(CHECKSUM)[0]

    def read(self):
        for line in self.process.stdout:
            with self.recorded:
                self.requests.append(json.loads(line))
                self.recorded.notify_all()

    def wait_for(self, is_it, times=1):
        """Until so many requests were answered of which it is true."""
        with self.recorded:
            enough = lambda: sum(map(is_it, self.requests)) >= times
            assert self.recorded.wait_for(enough, timeout=PATIENCE), "nobody asked"

    def change(self, *statements):
        """Does all of it at once."""
        lines = self.postgres.sql(CHECKSUM, "begin;", *statements, "commit;", CHECKSUM, SERVERS, EXECUTIONS)
        before, after, servers, *executions = lines
        assert before == self.checksum, "somebody else has written"
        self.checksum, self.changed = after, time.monotonic()
        self.now = readable(json.loads(servers), map(json.loads, executions), self.agent_types)

    def remember(self):
        """Call it when what can be read now has been: a step stays as it was when it was read first."""
        self.ever = {**self.now, **self.ever}

    def check(self):
        """Nobody did anything but read."""
        others = [r for r in self.requests if r["method"] != "GET"]
        assert not others, f"something else was asked than to read: {others}"
        assert self.sum() == self.checksum, "somebody else has written"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=PATIENCE)
        self.reader.join()
        self.process.stdout.close()
        self.check()
