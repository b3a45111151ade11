"""A recording tap on loopback, between client and server: it may change a request, and keeps what was exchanged."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

HEAD_LIMIT = 1 << 20
ANSWER_SECONDS = 20


@dataclass(frozen=True)
class Request:
    """A request as it is on the wire: field lines in their order."""

    method: str
    target: str
    lines: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """The value of every field line with this name, in lower case."""
        return [value for found, value in self.lines if found.lower() == name]

    def without(self, name: str) -> Request:
        return replace(self, lines=tuple(line for line in self.lines if line[0].lower() != name))

    def with_line(self, name: str, value: str) -> Request:
        return replace(self, lines=(*self.lines, (name, value)))

    def with_body(self, body: bytes) -> Request:
        return replace(self.without("content-length"), body=body).with_line("Content-Length", str(len(body)))

    @property
    def call(self) -> dict[str, Any] | None:
        """The JSON-RPC message of a ``tools/call``, if it is one."""
        if self.method != "POST":
            return None
        try:
            message = json.loads(self.body)
        except ValueError:
            return None
        return message if isinstance(message, dict) and message.get("method") == "tools/call" else None

    def bytes(self) -> bytes:
        head = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in self.lines), "", ""]
        return "\r\n".join(head).encode("latin-1") + self.body


@dataclass
class Exchange:
    """A request as the server received it, and the bytes that it answered with."""

    request: Request
    is_changed: bool
    received: bytes = b""

    @property
    def status(self) -> int:
        return int(self.received.split(b" ", 2)[1])

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Names in lower case, in the order of the wire."""
        head = self.received.partition(b"\r\n\r\n")[0].decode("latin-1")
        pairs = (line.partition(":") for line in head.split("\r\n")[1:])
        return [(name.lower(), value.strip()) for name, _, value in pairs]

    @property
    def body(self) -> bytes:
        body = self.received.partition(b"\r\n\r\n")[2]
        return _unchunked(body) if ("transfer-encoding", "chunked") in self.headers else body


@dataclass(frozen=True)
class Change:
    """What becomes of the first call of a tool: another request, or the same one at another port."""

    request: Callable[[Request], Request] = lambda request: request
    at_faulty_port: bool = False


@dataclass
class Tap:
    """Listens in place of a server."""

    listener: socket.socket
    ports: list[int] = field(default_factory=list)
    """Where the server listens, and where it has a fault of its own."""
    exchanges: list[Exchange] = field(default_factory=list)
    """What went through since the last ``begin``."""
    _change: Change | None = None
    _failures: list[BaseException] = field(default_factory=list)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    @classmethod
    def open(cls) -> Tap:
        return cls(socket.create_server(("127.0.0.1", 0), backlog=256))

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._connection, sock=self.listener, limit=HEAD_LIMIT)

    def begin(self, change: Change | None) -> None:
        """Forgets what was recorded, and changes the next call of a tool."""
        self.exchanges, self._change, self._failures = [], change, []

    async def settle(self) -> None:
        """Waits until every answer is here whole. Raises what went wrong here."""
        if self._open:
            await asyncio.wait(self._open, timeout=ANSWER_SECONDS)
        if self._failures:
            raise self._failures[0]

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if (request := await _read_request(reader)) is not None:
                await self._forward(request, reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
        except Exception as failure:
            self._failures.append(failure)
        finally:
            writer.close()

    async def _forward(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self.ports[0]
        is_changed = self._change is not None and request.call is not None
        if is_changed and self._change is not None:
            port = self.ports[self._change.at_faulty_port]
            request, self._change = self._change.request(request), None
        exchange = Exchange(request, is_changed)
        self.exchanges.append(exchange)
        server, sender = await asyncio.open_connection("127.0.0.1", port)
        # One request for each connection, so that the end of the answer is the end of the connection.
        sender.write(request.without("connection").with_line("Connection", "close").bytes())
        left = asyncio.create_task(reader.read(1))
        answered = asyncio.create_task(_copy(server, writer, exchange))
        try:
            if request.method == "GET":  # it may be answered by a stream without an end
                await asyncio.wait([left, answered], return_when=asyncio.FIRST_COMPLETED)
            else:  # the answer is recorded whole, though a client may have read enough of it
                self._open.add(answered)
                answered.add_done_callback(self._open.discard)
                await asyncio.wait([answered], timeout=ANSWER_SECONDS)
            if answered.done():
                answered.result()
        finally:
            for task in (left, answered):
                task.cancel()
            await asyncio.gather(left, answered, return_exceptions=True)
            sender.close()


async def _read_request(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    request_line, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = request_line.split(" ")
    pairs = (line.partition(":") for line in lines)
    request = Request(method, target, tuple((name, value.strip()) for name, _, value in pairs), b"")
    if request.values("transfer-encoding"):
        raise NotImplementedError("no official client sends chunks")
    (length,) = request.values("content-length") or ["0"]
    return replace(request, body=await reader.readexactly(int(length)))


async def _copy(server: asyncio.StreamReader, client: asyncio.StreamWriter, exchange: Exchange) -> None:
    """Records the answer, and passes it on with the word that nothing follows it on this connection."""
    passed = 0
    # A server that answers before it has read everything may reset the connection behind its answer.
    with contextlib.suppress(ConnectionError):
        while chunk := await server.read(65536):
            exchange.received += chunk
            if b"\r\n\r\n" not in exchange.received:
                continue
            whole = exchange.received
            if ("connection", "close") not in exchange.headers:
                whole = whole.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
            client.write(whole[passed:])
            passed = len(whole)
            if not client.is_closing():
                with contextlib.suppress(ConnectionError):  # the client has read enough
                    await client.drain()


def _unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        whole += body[:length]
        body = body[length + 2 :]
    return whole
