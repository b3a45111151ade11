"""ASGI middleware: every request passes the resource server first."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from scopegate._adapter import (
    ENCODING_REFUSED,
    GATE,
    JUDGED,
    NEEDED,
    SESSION_NOT_FOUND,
    TOKEN,
    TYPE_REFUSED,
    Gate,
    Options,
    is_encoded,
    is_json,
    provider,
)
from scopegate._errors import Rejected
from scopegate._log import log_limited
from scopegate._need import Scopes
from scopegate._response import HttpResponse
from scopegate._scopegate import AccessToken, NeedBody, Request
from scopegate._server import ResourceServer
from scopegate._sessions import Sessions, owner_of

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class ScopegateMiddleware:
    """Guards everything it wraps, but for the well-known routes and the paths in ``public``.

    A request that passes has its ``AccessToken`` in ``scope["scopegate.token"]``; any other is answered with the
    refusal, unchanged. The body is read only when it decides on the request, after the token proved good; the
    application then receives it whole, in one message. Such a body is refused with 415 when it has a
    ``Content-Encoding``, or would pass and is not ``application/json`` in UTF-8. An MCP session that the application
    opens belongs to the principal whose request opened it: to any other it is not found. Responses pass untouched.
    WebSockets are refused, since their messages cannot be judged. Needs asyncio.
    """

    def __init__(
        self,
        app: ASGIApp,
        gate: Gate,
        *,
        public: Iterable[str] = (),
        health: str | None = None,
        metrics: str | None = None,
        scopes: Scopes = (),
    ) -> None:
        """``gate``: the resource server, or a function that gives the current one and is called once for each request,
        which that one judges from begin to end.
        ``public``: paths that need no token, compared exactly with the path that the application routes by; a target
        with an escape that its path does not need is none of them.
        ``health``: a path that answers GET and HEAD with ``{"status": ...}``, for probes, without a token.
        ``metrics``: one that answers them with the text of ``gate.metrics()``, for scrapers, without a token. It names
        issuers: have the proxy in front deny the path to all but operators.
        ``scopes``: scopes that every guarded request needs, beside the configuration's; or, in front of an MCP server,
        a function that is given each ``Call`` and returns those that the call needs, with or without ``await``. It is
        asked after the token proved good and the policy allowed the call. What it raises is answered with 500.

        Raises ``ValueError`` for a path that does not begin with a slash, and ``TypeError`` for a string in place of
        a list.
        """
        self.app = app
        self.options = Options(public, health, metrics, scopes)
        self._provider = provider(gate)
        self._sessions: Sessions | None = Sessions()

    @property
    def gate(self) -> ResourceServer:
        """The current resource server."""
        return self._provider()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind == "http":
            await self._judge(self._provider(), scope, receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        elif kind == "lifespan":
            await self.app(scope, receive, send)
        else:
            raise ValueError(f"unknown ASGI scope type {kind!r}")

    async def _judge(self, gate: ResourceServer, scope: Scope, receive: Receive, send: Send) -> None:
        deciding, further = _lines(scope)
        request = Request(method=scope["method"], target=_target(scope), scopes=self.options.need.fixed, **deciding)
        path = routed_path(scope)
        if (response := self.options.answer(gate, request, path)) is not None:
            await _respond(response, scope, send)
            return
        if path not in self.options.public or not _is_as_sent(scope):
            passed = await self._guard(gate, request, further, scope, receive, send)
            if passed is None:
                return
            receive, send = passed
        await self.app(scope, receive, send)

    async def _guard(
        self, gate: ResourceServer, request: Request, lines: _Lines, scope: Scope, receive: Receive, send: Send
    ) -> tuple[Receive, Send] | None:
        """What the application gets of a request that passes; ``None`` once any other was answered."""
        body: bytes | None = b""
        need = self.options.need
        scope[JUDGED], scope[NEEDED] = None, need.fixed
        try:
            outcome = await gate._decide(request)
            if isinstance(outcome, NeedBody) or (need.function and isinstance(outcome, AccessToken)):
                if any(is_encoded(coding) for coding in _values(lines, b"content-encoding")):
                    log_limited(logging.WARNING, "content-encoding", "refused: the body has a Content-Encoding")
                    await _respond(ENCODING_REFUSED, scope, send)
                    return None
                body = await _read(receive, gate._native.body_limit)
                if body is None:
                    return None
                receive = _replay(body, receive)
                scope[JUDGED] = request = request.with_body(body)
                if isinstance(outcome, NeedBody):
                    outcome = await gate._decide(request)
            token = gate._token(request, outcome)
            if need.function is not None:
                scope[NEEDED] = await need.of(gate, request, token)
            scope[TOKEN], scope[GATE] = token, gate
        except Rejected as refusal:
            await _respond(refusal.response, scope, send)
            return None
        if body and not is_json(_values(lines, b"content-type")):
            log_limited(logging.WARNING, "content-type", "refused: the body is not application/json in UTF-8")
            await _respond(TYPE_REFUSED, scope, send)
            return None
        if (sessions := self._sessions) is not None:
            owner = owner_of(token, b"".join(lines[b"authorization"]))
            if sessions.are_foreign(_values(lines, SESSION_HEADER), owner):
                log_limited(logging.WARNING, "mcp-session-id", "refused: the session belongs to another principal")
                await _respond(SESSION_NOT_FOUND, scope, send)
                return None
            send = _noting(sessions, owner, send)
        return receive, send


def _noting(sessions: Sessions, owner: str, send: Send) -> Send:
    """``send``, noting the session that the application opens."""

    async def noting(message: Message) -> None:
        if message["type"] == "http.response.start":
            for name, value in message.get("headers", ()):
                if name.lower() == SESSION_HEADER:
                    sessions.opened(value.decode("latin-1"), owner)
        await send(message)

    return noting


SESSION_HEADER = b"mcp-session-id"

POLICY_VIOLATION = 1008
"""The close code of a refused WebSocket (RFC 6455 section 7.4.1)."""

_Lines = dict[bytes, list[bytes]]
"""The field lines of some headers, each as it came, by the header's name."""

_DECIDING = {
    b"authorization": "authorization",
    b"origin": "origin",
    b"access-control-request-method": "access_control_request_method",
    b"access-control-request-headers": "access_control_request_headers",
    b"mcp-protocol-version": "protocol_version",
    b"mcp-method": "mcp_method",
    b"mcp-name": "mcp_name",
}
"""The headers that the core reads, and what it calls them."""

_FURTHER = frozenset((b"authorization", b"content-encoding", b"content-type", SESSION_HEADER))
"""Those that are looked at here."""


def _lines(scope: Scope) -> tuple[dict[str, Any], _Lines]:
    """Every field line as it came, since frameworks join or drop repeated ones: those for the core, those for here."""
    deciding: dict[str, Any] = {}
    further: _Lines = {}
    for name, value in scope["headers"]:
        name = name.lower()
        if name in _DECIDING:
            deciding.setdefault(_DECIDING[name], []).append(value)
        if name in _FURTHER:
            further.setdefault(name, []).append(value)
    return deciding, further


def _target(scope: Scope) -> str:
    """The path as sent, without the prefix that a proxy or a parent application took off."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return _without_root(raw.decode("latin-1"), scope)


def routed_path(scope: Scope) -> str:
    """The decoded path that an application routes by."""
    return _without_root(scope["path"], scope)


def _without_root(path: str, scope: Scope) -> str:
    root: str = scope.get("root_path", "")
    rest = path[len(root) :]
    return rest if path.startswith(root) and rest[:1] in ("", "/") else path


def _is_as_sent(scope: Scope) -> bool:
    """Whether the path was sent without a needless escape: an application that routes by the path as it was sent finds
    another route behind one that only looks public once it is decoded.
    """
    raw: bytes | None = scope.get("raw_path")
    path: str = scope["path"]
    whole = (path, scope.get("root_path", "") + path)
    return not raw or raw in {form.encode() for text in whole for form in (text, quote(text, safe=_UNESCAPED))}


_UNESCAPED = "/!$&'()*+,;=:@"
"""What RFC 3986 section 3.3 lets stand in a path beside the unreserved characters."""


def _values(lines: _Lines, name: bytes) -> list[str]:
    return [value.decode("latin-1") for value in lines.get(name, ())]


async def _read(receive: Receive, limit: int) -> bytes | None:
    """The whole body, or just over ``limit`` bytes of it, which are refused; ``None`` when the client has left."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > limit or not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """``receive`` for the application: the body that was read, then whatever the server has to say."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _respond(response: HttpResponse, scope: Scope, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    sized = any(name == b"content-length" for name, _ in headers)
    if not sized and response.status != HTTPStatus.NO_CONTENT:  # RFC 9110 section 8.6: none in a 204
        headers.append((b"content-length", b"%d" % len(response.body)))
    body = b"" if scope["method"] == "HEAD" else response.body
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
