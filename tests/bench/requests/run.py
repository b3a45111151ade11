"""Requests a second of real servers: bare, behind Scopegate, and behind the official SDK's own gate with the verifier
that its users write. One JSON route and one call of an MCP tool; one token again and again, and tokens that come once.

Usage: run.py FOLDER, which has what `make bench-requests` puts there: requests-go and pyjwt-2.10. Writes
../requests.json. Needs wrk and Linux with two processors: servers run on one, wrk on the other.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent)]

from machine import machine, version_of  # noqa: E402
from own_verifier_servers import AuthorizationServer, authorization_server  # noqa: E402

RESOURCE, WEATHER = "https://mcp.bench.test/mcp", "mcp:tools:weather"
ROUNDS, SECONDS, CONNECTIONS = 5, 1, 16
WARM_UP = {"Python": 1_000, "Node.js": 12_000, "Go": 5_000}
"""Requests of each server and route that are not counted: the compiler of Node.js learns for thousands of them."""
WARM_UP_RUNS = 15
DISTINCT = 40_000
"""Tokens. More than are kept, so that one which comes again is as good as new."""
MOST = 20_000
"""More requests than any server answers in a second, on the route of distinct tokens."""
ROUTES, TOKENS = ("json", "mcp"), ("one", "distinct")
CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"city":"Oslo"}}}'


@dataclass
class Server:
    language: str
    gate: str
    command: list[object]
    environment: dict[str, str] = field(default_factory=dict)
    port: int = 0
    pid: int = 0
    place: int = 0
    """The next of the distinct tokens."""


@dataclass(frozen=True)
class Cell:
    server: int
    route: str
    tokens: str


@dataclass(frozen=True)
class Run:
    """One second of wrk."""

    microseconds: float
    """Of each request, of the time that passed."""
    processor: float
    """Of each request, of the server's processor time."""
    requests: int
    misses: int
    """Tokens that were not held."""

    @property
    def rate(self) -> float:
        return 1e6 / self.microseconds


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    if not shutil.which("wrk"):
        sys.exit("wrk: not found; it is the Debian package wrk")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two processors are needed: one for the servers, one for wrk")
    began = time.monotonic()
    with authorization_server() as issuer, tempfile.TemporaryDirectory() as temporary:
        tokens = Path(temporary) / "tokens"
        tokens.write_text("".join(f"{token}\n" for token in mint(issuer)))
        with contextlib.ExitStack() as stack:
            servers = all_servers(folder)
            for server in servers:
                stack.enter_context(running(server, issuer.issuer))
                expect_a_gate(server, issuer)
            runs = measure(servers, tokens)
    report = {
        "machine": machine(),
        "versions": versions(folder),
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "connections": CONNECTIONS,
        "distinct_tokens": DISTINCT,
        "took_seconds": round(time.monotonic() - began),
        "rows": [row(servers, cell, runs) for cell in runs],
    }
    (HERE.parent / "requests.json").write_text(json.dumps(report, indent=1) + "\n")


def all_servers(folder: Path) -> list[Server]:
    python, node, go = [sys.executable, HERE / "server.py"], ["node", HERE / "server.mjs"], [folder / "requests-go"]
    older = {"PYTHONPATH": str(folder / "pyjwt-2.10")}
    return [
        Server("Python", "none", [*python, "bare"]),
        Server("Python", "Scopegate", [*python, "scopegate"]),
        Server("Python", "SDK with PyJWT 2.15", [*python, "pyjwt"]),
        Server("Python", "SDK with PyJWT 2.10", [*python, "pyjwt"], older),
        Server("Node.js", "none", [*node, "bare"]),
        Server("Node.js", "Scopegate", [*node, "scopegate"]),
        Server("Node.js", "SDK with jose", [*node, "jose"]),
        Server("Go", "none", [*go, "bare"]),
        Server("Go", "Scopegate", [*go, "scopegate"]),
        Server("Go", "SDK with golang-jwt", [*go, "golang-jwt"]),
    ]


_issuer: AuthorizationServer


def mint(issuer: AuthorizationServer) -> list[str]:
    """Two processes sign: forked, they have the key."""
    global _issuer
    _issuer = issuer
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return pool.map(_mint, range(DISTINCT), chunksize=500)


def _mint(_: int) -> str:
    return _issuer.mint(RESOURCE, f"{WEATHER} mcp:tools:email:send")


@contextlib.contextmanager
def running(server: Server, issuer: str) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
    words = [str(word) for word in [*server.command, server.port, issuer]]
    environment = os.environ | server.environment | {"NODE_ENV": "production"}
    process = subprocess.Popen(words, env=environment, preexec_fn=lambda: on_processor(0))
    server.pid = process.pid
    try:
        wait_for(server, process)
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def on_processor(number: int) -> None:
    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[number]})


def wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(ConnectionError):
            ask(server, "json", None)
            return
        time.sleep(0.05)
    sys.exit(f"{server.language} with {server.gate} does not answer")


def expect_a_gate(server: Server, issuer: AuthorizationServer) -> None:
    """What is measured is a server that lets in whom it should and no one else."""
    good = issuer.mint(RESOURCE)
    forged = good[:-8] + ("AAAAAAAA" if not good.endswith("AAAAAAAA") else "BBBBBBBB")
    refused = 200 if server.gate == "none" else 401
    for route, (token, status) in itertools.product(ROUTES, [(good, 200), (None, refused), (forged, refused)]):
        found, body = ask(server, route, token)
        if found != status or (status == 200 and b"unny" not in body):
            sys.exit(f"{server.language} with {server.gate}, {route}: expected {status}, not {found}: {body[:500]!r}")


def ask(server: Server, route: str, token: str | None) -> tuple[int, bytes]:
    headers = {"Host": "mcp.bench.test"} | ({"Authorization": f"Bearer {token}"} if token else {})
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    with contextlib.closing(connection):
        if route == "mcp":
            headers |= {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
            connection.request("POST", "/mcp", CALL, headers | {"MCP-Protocol-Version": "2025-11-25"})
        else:
            connection.request("GET", f"/{route}", headers=headers)
        response = connection.getresponse()
        return response.status, response.read()


def measure(servers: list[Server], tokens: Path) -> dict[Cell, list[Run]]:
    """Every cell once in each round, those of a language one after the other."""
    numbers = range(len(servers))
    # Who looks at no token serves all alike.
    cells = [
        Cell(number, route, kind)
        for route, number, kind in itertools.product(ROUTES, numbers, TOKENS)
        if kind == "one" or servers[number].gate != "none"
    ]
    runs: dict[Cell, list[Run]] = {cell: [] for cell in cells}
    for number, route in itertools.product(numbers, ROUTES):
        warm_up(servers[number], Cell(number, route, "one"), tokens)
    for _ in range(ROUNDS):
        for cell in cells:
            runs[cell].append(one_run(servers[cell.server], cell, tokens))
    return runs


def warm_up(server: Server, cell: Cell, tokens: Path) -> None:
    answered = 0
    for _ in range(WARM_UP_RUNS):
        answered += one_run(server, cell, tokens).requests
        if answered >= WARM_UP[server.language]:
            return


def one_run(server: Server, cell: Cell, tokens: Path) -> Run:
    place, count = (0, 1) if cell.tokens == "one" else (server.place, MOST)
    words: list[object] = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", HERE / "load.lua"]
    words += [f"http://127.0.0.1:{server.port}", "--", tokens, place, count, cell.route]
    before, missed_before = processor_seconds(server.pid), missed(server)
    done = subprocess.run(
        [str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: on_processor(1)
    )
    used, missed_now = processor_seconds(server.pid) - before, missed(server)
    found = json.loads(done.stdout.splitlines()[-1])
    if found["failed"] or not found["requests"]:
        sys.exit(f"{server.language} with {server.gate}, {cell.route}, {cell.tokens}: {done.stdout}")
    requests = found["requests"]
    if cell.tokens == "distinct":
        server.place = (place + requests) % DISTINCT
    return Run(found["microseconds"] / requests, used * 1e6 / requests, requests, missed_now - missed_before)


def processor_seconds(pid: int) -> float:
    """Of all threads that live: none ends while requests come."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def missed(server: Server) -> int:
    if server.gate != "Scopegate":
        return 0
    status, body = ask(server, "stats", None)
    if status != 200:
        sys.exit(f"{server.language}: /stats says {status}")
    misses: int = json.loads(body)["token_cache"]["misses"]
    return misses


def row(servers: list[Server], cell: Cell, runs: dict[Cell, list[Run]]) -> dict[str, Any]:
    server, mine = servers[cell.server], runs[cell]
    bare = next(number for number, other in enumerate(servers) if other.language == server.language)
    pairs = list(zip(mine, runs[Cell(bare, cell.route, "one")], strict=True))
    found: dict[str, Any] = {
        "language": server.language,
        "gate": server.gate,
        "route": cell.route,
        "tokens": cell.tokens,
        "requests_a_second": round(statistics.median(run.rate for run in mine)),
        "slowest": round(min(run.rate for run in mine)),
        "fastest": round(max(run.rate for run in mine)),
    }
    if server.gate != "none":
        added = [run.microseconds - without.microseconds for run, without in pairs]
        processor = [run.processor - without.processor for run, without in pairs]
        found["added_us"] = round(statistics.median(added), 1)
        found["added_processor_us"] = round(statistics.median(processor), 1)
    if server.gate == "Scopegate":
        misses = sum(run.misses for run in mine)  # of requests, too, that wrk did not wait for
        found["held"] = round(max(0.0, 1 - misses / sum(run.requests for run in mine)), 3)
    return found


def versions(folder: Path) -> dict[str, str]:
    packages = json.loads((HERE / "package-lock.json").read_text())["packages"]
    go_modules = version_of("go", "version", "-m", folder / "requests-go")
    found = {
        "wrk": subprocess.run(["wrk", "-v"], stdout=subprocess.PIPE, text=True).stdout.split()[1],
        "CPython": sys.version.split()[0],
        "Node.js": version_of("node", "--version"),
        "Go": version_of("go", "version").split()[2],
    }
    installed = json.loads(version_of(sys.executable, "-m", "pip", "list", "--format=json"))
    pythons = {package["name"]: package["version"] for package in installed}
    found |= {name: pythons[name] for name in ("starlette", "uvicorn", "mcp", "PyJWT", "cryptography")}
    older = next((folder / "pyjwt-2.10").glob("PyJWT-*.dist-info"))
    found["PyJWT (older)"] = older.name.removeprefix("PyJWT-").removesuffix(".dist-info")
    for name in ("express", "jose", "@modelcontextprotocol/server", "@modelcontextprotocol/express"):
        found[name] = packages[f"node_modules/{name}"]["version"]
    for name in ("golang-jwt/jwt/v5", "MicahParks/keyfunc/v3", "modelcontextprotocol/go-sdk"):
        line = next(line for line in go_modules.splitlines() if f"github.com/{name}\t" in line)
        found[name] = line.split("\t")[3]
    return found


if __name__ == "__main__":
    main()
