"""Plays the shared exchanges; tests/exchanges/README.md says what their members mean."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from wire import parse, serving

from scopegate import ResourceServer
from scopegate.asgi import ASGIApp
from scopegate.testing import Issuer

FOLDER = Path(__file__).parents[2] / "tests" / "exchanges"

Make = Callable[[ResourceServer, list[str]], ASGIApp]
"""An application from a gate and a list that its tools write to."""


@dataclass
class Row:
    """A case, what it tells of this host, and what was found."""

    id: str
    answers: list[dict[str, Any]]
    expected: list[str]
    found: list[dict[str, Any]]
    ran: list[str]

    @property
    def difference(self) -> str | None:
        as_told = len(self.found) == len(self.answers) and all(map(_is_told, self.answers, self.found))
        if as_told and self.ran == self.expected:
            return None
        return f"{self.id}: expected {self.answers}, {self.expected}\n  found {self.found}, {self.ran}"


def suites() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]


def play(suite: dict[str, Any], host: str, make: Make, serve: Callable[[Any], Any] = serving) -> list[Row]:
    issuer = Issuer(suite["config"]["resource"])
    with _metadata_of(suite) as metadata:
        config = {**suite["config"], "authorization_servers": [{**issuer.server(), **metadata}]}
        gate = ResourceServer.from_json(json.dumps(config))
        if metadata:
            gate.warm_up()
    tokens = {f"{{{name}}}": issuer.mint(**claims) for name, claims in suite["tokens"].items()}
    ran: list[str] = []
    rows = []
    with serve(make(gate, ran)) as port:
        for case in suite["cases"]:
            told = {**case, **case.get("hosts", {}).get(host, {})}
            leaves = case.get("leaves", False) or any("closed" in answer for answer in told["answers"])
            ran.clear()
            found = exchanged(port, case, leaves, dict(tokens))
            rows.append(Row(case["id"], told["answers"], told["ran"], found, list(ran)))
    return rows


@contextlib.contextmanager
def _metadata_of(suite: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The members of the authorization server whose metadata the suite gives, while it is served."""
    document: str | None = suite.get("authorization_server_metadata")
    if document is None:
        yield {}
        return
    body = document.encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/metadata"
        yield {"discovery_url": url, "metadata_issuer": json.loads(document)["issuer"]}
        server.shutdown()


def _is_told(answer: dict[str, Any], found: dict[str, Any]) -> bool:
    if "closed" in answer or "closed" in found:
        return answer == found
    if "passes" in answer:
        return found["status"] >= 200 and found["challenge"] is None
    fields = answer.get("fields", {}).items()
    has_fields = all(found["fields"].get(name.lower()) == value for name, value in fields)
    return has_fields and all(found[name] == value for name, value in answer.items() if name != "fields")


def exchanged(port: int, case: dict[str, Any], leaves: bool, replacements: dict[str, str]) -> list[dict[str, Any]]:
    """Sends the requests, each on a connection of its own or all in one write on one, and gives what came back."""
    requests = case["requests"]
    found = []
    for together in [requests] if case.get("one_connection") else [[request] for request in requests]:
        answers = _converse(port, together, leaves, replacements)
        if session := answers[0].get("session"):
            replacements["{session}"] = session
        found += answers
    return found


def _converse(
    port: int, requests: list[dict[str, Any]], leaves: bool, replacements: dict[str, str]
) -> list[dict[str, Any]]:
    methods = [request["request_line"].split(" ")[0] for request in requests]
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        try:
            connection.sendall(b"".join(_bytes_of(request, replacements) for request in requests))
            if leaves:
                connection.shutdown(socket.SHUT_WR)
            while chunk := connection.recv(65536):
                received += chunk
                found = _answers(received, methods, ended=False)
                if len(found) < len(requests):
                    continue
                if found[-1]["stream"] or found[-1]["status"] == 101:
                    break
                # A server that took something for one request more answers it before it leaves.
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass  # it may close before it has read everything
    found = _answers(received, methods, ended=True)
    for answer in found:
        del answer["stream"]
    return [*found, *({"closed": True} for _ in requests[len(found) :])]


def _bytes_of(request: dict[str, Any], replacements: dict[str, str]) -> bytes:
    head = "\r\n".join([request["request_line"], *request["field_lines"], "", ""])
    for name, value in replacements.items():
        head = head.replace(name, value)
    body = request.get("body", "").encode()
    if "body_base64" in request:
        body = base64.b64decode(request["body_base64"])
    for text, times in request.get("body_repeated", []):
        body += text.encode() * times
    sent: bytes = head.encode("latin-1") + body
    return sent


def _answers(received: bytes, methods: list[str], *, ended: bool) -> list[dict[str, Any]]:
    """The answers that are whole; all of them, once the connection has ended."""
    found: list[dict[str, Any]] = []
    while b"\r\n\r\n" in received:
        head, _, rest = received.partition(b"\r\n\r\n")
        seen = parse(head + b"\r\n\r\n")
        received = rest
        if seen.status < 200 and seen.status != 101:
            continue
        method = methods[len(found)] if len(found) < len(methods) else ""
        stream = method == "GET" and (seen.header("content-type") or "").startswith("text/event-stream")
        bodiless = method == "HEAD" or seen.status in (101, 204) or stream
        body: bytes | None = b"" if bodiless else rest
        if not bodiless and seen.header("transfer-encoding") == "chunked":
            whole = re.match(rb"(?s)(?:.*?\r\n)?0\r\n\r\n", rest)
            body = whole and parse(head + b"\r\n\r\n" + whole[0]).body
            received = rest[len(whole[0]) :] if whole else b""
        elif not bodiless:
            length = seen.header("content-length")
            body = rest[: int(length)] if length is not None else rest if ended else None
            body = None if length is not None and len(rest) < int(length) else body
            received = rest[len(body or b"") :]
        if body is None:
            break
        found.append(
            {
                "status": seen.status,
                "challenge": seen.header("www-authenticate"),
                "body": body.decode(errors="replace"),
                "fields": {name: seen.header(name) for name in ("content-type", "cache-control", "retry-after")},
                "session": seen.header("mcp-session-id"),
                "stream": stream,
            }
        )
    return found
