"""Raw HTTP on loopback: what clients normalise, tests must send and see as it is."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvicorn
from werkzeug.serving import WSGIRequestHandler, make_server

from scopegate.asgi import ASGIApp

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass
class Answer:
    """A response as it came over the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def decided(self) -> list[tuple[str, str]]:
        """The header fields without those that the HTTP server adds."""
        return [(name, value) for name, value in self.headers if name not in ("date", "server", "connection")]

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key == name]
        return ", ".join(found) if found else None


def free_socket() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    return listener


@contextlib.contextmanager
def serving(app: ASGIApp, listener: socket.socket | None = None) -> Iterator[int]:
    """The application on uvicorn in a thread; yields its port."""
    listener = listener or free_socket()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        deadline = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive() and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.01)
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextlib.contextmanager
def serving_wsgi(app: WSGIApplication) -> Iterator[int]:
    """The application on Werkzeug's server in a thread; yields its port."""

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: object) -> None:
            pass

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wait_for(port: int) -> None:
    """Until something listens there."""
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)


def exchange(port: int, request: bytes) -> Answer:
    """Sends these bytes, reads to the end of the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        return parse(read_all(connection))


def read_all(connection: socket.socket) -> bytes:
    chunks = []
    while chunk := connection.recv(65536):
        chunks.append(chunk)
    return b"".join(chunks)


def parse(response: bytes) -> Answer:
    head, _, body = response.partition(b"\r\n\r\n")
    status_line, *lines = head.decode("latin-1").split("\r\n")
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        headers.append((name.lower(), value.strip()))
    if ("transfer-encoding", "chunked") in headers:
        body = unchunked(body)
    return Answer(int(status_line.split(" ")[1]), headers, body)


def unchunked(body: bytes) -> bytes:
    out = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        out += body[:length]
        body = body[length + 2 :]
    return out


def http_request(method: str, target: str, *lines: str, body: bytes | None = None, host: str = "mcp.test") -> bytes:
    """One request that closes the connection; ``lines`` are header lines, sent in this order."""
    head = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *lines]
    if body is not None:
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + (body or b"")


@dataclass
class KeyServer:
    """An authorization server that publishes documents, and counts who asks."""

    port: int
    documents: dict[str, bytes]
    delay: float = 0.0
    status: int = 200
    requests: list[str] = field(default_factory=list)
    closed: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def jwks_uri(self) -> str:
        return f"{self.url}/jwks"

    def wait_for_requests(self, count: int) -> None:
        deadline = time.monotonic() + 20
        while len(self.requests) < count:
            assert time.monotonic() < deadline, self.requests
            time.sleep(0.005)


@contextlib.contextmanager
def key_server(key_set: bytes) -> Iterator[KeyServer]:
    """Serves this key set at ``jwks_uri``."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            served.requests.append(self.path)
            served.closed.wait(served.delay)
            with contextlib.suppress(ConnectionError):
                document = served.documents.get(self.path)
                self.send_response(served.status if document is not None else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(document or b"")))
                self.end_headers()
                self.wfile.write(document or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = KeyServer(server.server_address[1], {"/jwks": key_set})
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield served
    finally:
        served.closed.set()
        server.shutdown()
        thread.join()
        server.server_close()
