"""What a gate adds to a request of a real server: bare, behind Scopegate, and behind the official SDK's own gate with
the verifier that its users write. One JSON route and one call of an MCP tool; one token again and again, and tokens
that come once.

Usage: run.py FOLDER [WORD...]. FOLDER has what `make bench-requests` puts there: requests-go and pyjwt-2.10. Writes
../requests.json; with words such as `Node.js mcp one` it prints the rows that have them all, and writes nothing. Needs
wrk and Linux with two processors: servers run on one, wrk on the other.
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
STARTS, ROUNDS, SECONDS, CONNECTIONS = 2, 4, 0.35, 16
"""How often each server is started, rounds of each start, and what each run of wrk takes. Servers of one language take
turns in a round, so that what is compared was measured within seconds; and one start of Node.js compiles otherwise than
the next.
"""
WARM_UP = {"Python": 1_000, "Node.js": 12_000, "Go": 5_000}
"""Requests of each server and route that are not counted: the compiler of Node.js learns for thousands of them."""
WARM_UP_SECONDS = 40
DISTINCT = 40_000
"""Tokens. More than are kept, so that one which comes again is as good as new."""
MOST = 12_000
"""More requests than any server answers in a run, on the route of distinct tokens."""
ROUTES, TOKENS = ("json", "mcp"), ("one", "distinct")
CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"city":"Oslo"}}}'


@dataclass(eq=False)
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
    server: Server
    route: str
    tokens: str

    @property
    def name(self) -> str:
        return f"{self.server.language}, {self.server.gate}, {self.route}, {self.tokens}"


@dataclass(frozen=True)
class Run:
    """Less than a second of wrk."""

    rate: float
    """Requests a second."""
    processor: float
    """Microseconds of the server's processor time, of all its threads, for each request."""
    requests: int
    misses: int
    """Tokens that were not held."""


def main() -> None:
    folder, words = Path(sys.argv[1]).absolute(), sys.argv[2:]
    if not shutil.which("wrk"):
        sys.exit("wrk: not found; it is the Debian package wrk")
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("two processors are needed: one for the servers, one for wrk")
    began = time.monotonic()
    with authorization_server() as issuer, tempfile.TemporaryDirectory() as temporary:
        load = Load(Path(temporary) / "tokens", mint(issuer))
        cells = [cell for cell in all_cells(folder) if all(word in cell.name for word in words)]
        runs: dict[Cell, list[Run]] = {cell: [] for cell in cells}
        for _, language in itertools.product(range(STARTS), {cell.server.language: None for cell in cells}):
            measure([cell for cell in cells if cell.server.language == language], runs, issuer, load)
    rows = [row(cell, runs) for cell in cells]
    if words:
        print(*rows, sep="\n")
        return
    report = {
        "machine": machine(),
        "versions": versions(folder),
        "starts": STARTS,
        "rounds": ROUNDS,
        "seconds": SECONDS,
        "connections": CONNECTIONS,
        "distinct_tokens": DISTINCT,
        "took_seconds": round(time.monotonic() - began),
        "rows": rows,
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


def all_cells(folder: Path) -> list[Cell]:
    """A server that looks at no token serves all alike."""
    product = itertools.product(ROUTES, all_servers(folder), TOKENS)
    return [Cell(server, route, kind) for route, server, kind in product if kind == "one" or server.gate != "none"]


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


@dataclass
class Load:
    """The tokens that wrk sends: a file which is written anew for each run."""

    file: Path
    tokens: list[str]

    def write(self, place: int, count: int) -> None:
        tokens = self.tokens[place : place + count]
        tokens += self.tokens[: count - len(tokens)]
        self.file.write_text("".join(f"{token}\n" for token in tokens))


def measure(cells: list[Cell], runs: dict[Cell, list[Run]], issuer: AuthorizationServer, load: Load) -> None:
    """Starts the servers of one language. They take turns, this way round and that, on one route after the other."""
    with contextlib.ExitStack() as stack:
        for server in dict.fromkeys(cell.server for cell in cells):
            stack.enter_context(running(server, issuer.issuer))
            expect_a_gate(server, issuer)
        for route in dict.fromkeys(cell.route for cell in cells):
            turns = [cell for cell in cells if cell.route == route]
            for server in dict.fromkeys(cell.server for cell in turns):
                warm_up(Cell(server, route, "one"), load)
            for number in range(ROUNDS):
                for cell in turns if number % 2 == 0 else reversed(turns):
                    runs[cell].append(one_run(cell, load))


def warm_up(cell: Cell, load: Load) -> None:
    answered, began = 0, time.monotonic()
    while answered < WARM_UP[cell.server.language] and time.monotonic() - began < WARM_UP_SECONDS:
        answered += one_run(cell, load).requests


def one_run(cell: Cell, load: Load, attempts: int = 3) -> Run:
    server = cell.server
    load.write(*((0, 1) if cell.tokens == "one" else (server.place, MOST)))
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d1m", "-s", HERE / "load.lua", f"http://127.0.0.1:{server.port}"]
    words += ["--", load.file, cell.route]
    before, used_before = stats(server), processor_seconds(server.pid)
    wrk = subprocess.Popen(
        [str(word) for word in words], stdout=subprocess.PIPE, text=True, preexec_fn=lambda: on_processor(1)
    )
    time.sleep(SECONDS)
    wrk.send_signal(signal.SIGINT)
    found = json.loads(wrk.communicate()[0].splitlines()[-1])
    used = processor_seconds_when_done(server.pid) - used_before
    now = stats(server)
    served = now["served"] - before["served"]  # and not what wrk counts: it waits for no answer when it stops
    if not served and not found["failed"] and attempts > 1:  # a machine that had no time for us
        return one_run(cell, load, attempts - 1)
    if found["failed"] or not served:
        sys.exit(f"{cell.name}: {found}")
    if cell.tokens == "distinct":
        server.place = (server.place + served) % DISTINCT
    rate = found["requests"] * 1e6 / found["microseconds"]
    return Run(rate, used * 1e6 / served, served, now["misses"] - before["misses"])


def processor_seconds_when_done(pid: int) -> float:
    """Once the server has answered what wrk did not wait for."""
    used, deadline = -1.0, time.monotonic() + 1
    while used != (now := processor_seconds(pid)) and time.monotonic() < deadline:
        used = now
        time.sleep(0.01)
    return used


def processor_seconds(pid: int) -> float:
    """Of all threads that live: none ends while requests come."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def stats(server: Server) -> dict[str, int]:
    """How many requests came through, and how many tokens were not held."""
    status, body = ask(server, "stats", None)
    if status != 200:
        sys.exit(f"{server.language} with {server.gate}: /stats says {status}")
    found: dict[str, int] = json.loads(body)
    return found


def row(cell: Cell, runs: dict[Cell, list[Run]]) -> dict[str, Any]:
    server, mine = cell.server, runs[cell]
    found: dict[str, Any] = {
        "language": server.language,
        "gate": server.gate,
        "route": cell.route,
        "tokens": cell.tokens,
        "requests_a_second": round(statistics.median(run.rate for run in mine)),
        "processor_us": round(statistics.median(run.processor for run in mine), 1),
    }
    bare = [
        runs[other]
        for other in runs
        if (other.server.language, other.server.gate, other.route) == (server.language, "none", cell.route)
    ]
    if server.gate != "none" and bare:
        added = [run.processor - without.processor for run, without in zip(mine, bare[0], strict=True)]
        lower, middle, upper = statistics.quantiles(added, n=4)
        found["added_us"] = round(middle, 1)
        found["half_of_rounds"] = [round(lower, 1), round(upper, 1)]
    if server.gate == "Scopegate":
        misses = sum(run.misses for run in mine)
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
