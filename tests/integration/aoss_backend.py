"""An AOSS backend: GET /api/monitoring/logs, answered from the PostgreSQL that the connection string, its argument, names.

Runs under Debian's Python, which has FastAPI, uvicorn and psycopg2. Prints its URL, then a line of JSON for each request.
"""

import contextlib
import json
import socket
import sys
import time

import fastapi
import psycopg2
import psycopg2.extras
import uvicorn

MAX_OUTPUT = 500
AGENT_TYPES = {
    "network": ("network", "firewall", "dns", "port"),
    "database": ("database", "postgres", "mysql", "sql"),
    "security": ("security", "audit", "permission", "user"),
}
NEWEST = """
    select e.id, e.user_id, e.server_id, e.query, e.execution_results, e.status, e.created_at, e.agent_summary,
        s.id is null as server_gone, s.server_tag, host(s.ip_address) as server_ip
    from execution_logs e left join servers s on s.id = e.server_id
    where (%(server_id)s is null or e.server_id = %(server_id)s::uuid) and (%(status)s is null or e.status = %(status)s)
    order by e.created_at desc limit %(limit)s"""

app = fastapi.FastAPI()


def agent_type(query):
    words = (query or "").lower()
    return next((name for name, signs in AGENT_TYPES.items() if any(sign in words for sign in signs)), "general")


def cut(text):
    return text[:MAX_OUTPUT] + "..." if text and len(text) > MAX_OUTPUT else text


def entries(row):
    nothing_yet = {"step": 0, "command": "", "status": row["status"], "exit_code": None, "stdout": "", "stderr": ""}
    for step in row["execution_results"] or [nothing_yet]:
        yield {
            "timestamp": row["created_at"] and row["created_at"].isoformat(),
            "execution_id": row["id"],
            "user_id": row["user_id"],
            "server_id": row["server_id"],
            "server_tag": "unknown" if row["server_gone"] else row["server_tag"],
            "server_ip": row["server_ip"],
            "agent_type": agent_type(row["query"]),
            "query": row["query"],
            "step": step.get("step"),
            "command": step.get("command"),
            "status": step.get("status"),
            "exit_code": step.get("exit_code"),
            "stdout": cut(step.get("stdout")),
            "stderr": cut(step.get("stderr")),
            "execution_status": row["status"],
            "agent_summary": row["agent_summary"],
        }


@app.get("/api/monitoring/logs")
def logs(limit: int = 100, server_id: str | None = None, status: str | None = None):
    asked = {"limit": limit, "server_id": server_id, "status": status}
    with contextlib.closing(psycopg2.connect(sys.argv[1], cursor_factory=psycopg2.extras.RealDictCursor)) as database:
        with database.cursor() as cursor:
            cursor.execute(NEWEST, asked)
            rows = cursor.fetchall()
    found = [entry for row in rows for entry in entries(row)]
    return {"total_executions": len(rows), "total_log_entries": len(found), "logs": found}


async def recorded(scope, receive, send):
    """Lets only GET through, and tells of each request."""
    came, status = time.monotonic(), None

    async def answer(message):
        nonlocal status
        status = message.get("status", status)
        await send(message)

    only_get = fastapi.responses.PlainTextResponse("Method Not Allowed", 405)
    try:
        await (app if scope["method"] == "GET" else only_get)(scope, receive, answer)
    finally:
        asked = {"method": scope["method"], "path": scope["path"], "query": scope["query_string"].decode()}
        print(json.dumps({**asked, "status": status, "came": came}), flush=True)


def main():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        uvicorn.Server(uvicorn.Config(recorded, log_level="critical", lifespan="off", ws="none")).run(sockets=[listener])


if __name__ == "__main__":
    main()
