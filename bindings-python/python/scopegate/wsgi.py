"""WSGI middleware, for Flask, Django and their kin: every request passes the resource server."""

from __future__ import annotations

import inspect
import io
import logging
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from scopegate._adapter import (
    ENCODING_REFUSED,
    GATE,
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
from scopegate._need import ScopesOfCall
from scopegate._response import HttpResponse
from scopegate._scopegate import AccessToken, NeedBody, Request
from scopegate._server import ResourceServer
from scopegate._sessions import Sessions, owner_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["ScopegateMiddleware", "require", "token"]


class ScopegateMiddleware:
    """Guards everything it wraps, but for the well-known routes and the paths in ``public``.

    A request that passes has its ``AccessToken`` in ``environ["scopegate.token"]``; any other is answered with the
    refusal, unchanged. The body is read only when it decides on the request, after the token proved good; the
    application then receives the bytes that were judged. Missing keys are fetched in the request that finds them
    missing, which waits for ``http.timeout_seconds`` at the longest.

    An MCP session that the application opened in this process answers its principal alone.

    WSGI servers join repeated header lines with a comma, which the resource server takes for what it is. One that
    keeps a single line of several shows the application the same line.
    """

    def __init__(
        self,
        app: WSGIApplication,
        gate: Gate,
        *,
        public: Iterable[str] = (),
        health: str | None = None,
        metrics: str | None = None,
        scopes: Iterable[str] | ScopesOfCall = (),
    ) -> None:
        """``gate``, ``public``, ``health``, ``metrics``, ``scopes``: as in ``scopegate.asgi.ScopegateMiddleware``, but
        that a function of the call cannot be asynchronous.

        Raises ``ValueError`` for a path that does not begin with a slash, and ``TypeError`` for a string in place of
        a list and for an asynchronous function.
        """
        if inspect.iscoroutinefunction(scopes):
            raise TypeError("scopes: expected a function that is not asynchronous, which WSGI cannot await")
        self.app = app
        self.options = Options(public, health, metrics, scopes)
        self._provider = provider(gate)
        self._sessions = Sessions()

    @property
    def gate(self) -> ResourceServer:
        """The current resource server."""
        return self._provider()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        gate = self._provider()
        request = _request(environ, self.options.need.fixed)
        path = _routed_path(environ)
        if (response := self.options.answer(gate, request, path)) is not None:
            return _respond(response, environ, start_response)
        if path in self.options.public:
            return self.app(environ, start_response)
        return self._guard(gate, request, environ, start_response)

    def _guard(
        self, gate: ResourceServer, request: Request, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        body = b""
        need = self.options.need
        environ[NEEDED] = need.fixed
        try:
            outcome = gate._native.authorize(request)
            if isinstance(outcome, NeedBody) or (need.function and isinstance(outcome, AccessToken)):
                if is_encoded(environ.get("HTTP_CONTENT_ENCODING", "")):
                    log_limited(logging.WARNING, "content-encoding", "refused: the body has a Content-Encoding")
                    return _respond(ENCODING_REFUSED, environ, start_response)
                body = _read(environ, gate._native.body_limit)
                _replay(body, environ)
                request = request.with_body(body)
                if isinstance(outcome, NeedBody):
                    outcome = gate._native.authorize(request)
            verified = gate._token(request, outcome)
            if need.function is not None:
                environ[NEEDED] = need.of_sync(gate, request, verified)
            environ[TOKEN], environ[GATE] = verified, gate
        except Rejected as refusal:
            return _respond(refusal.response, environ, start_response)
        types = [environ["CONTENT_TYPE"]] if environ.get("CONTENT_TYPE") else []
        if body and not is_json(types):
            log_limited(logging.WARNING, "content-type", "refused: the body is not application/json in UTF-8")
            return _respond(TYPE_REFUSED, environ, start_response)
        return self._pass(verified, environ, start_response)

    def _pass(self, token: AccessToken, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Hands the request on, unless it is for a session of another principal's."""
        sessions, owner = self._sessions, owner_of(token, environ["HTTP_AUTHORIZATION"].encode("latin-1"))
        if (session := environ.get("HTTP_MCP_SESSION_ID")) is not None and sessions.are_foreign([session], owner):
            log_limited(logging.WARNING, "mcp-session-id", "refused: the session belongs to another principal")
            return _respond(SESSION_NOT_FOUND, environ, start_response)

        def noting(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            for name, value in headers:
                if name.lower() == SESSION_HEADER:
                    sessions.opened(value, owner)
            return start_response(status, headers, *error)

        return self.app(environ, noting)


SESSION_HEADER = "mcp-session-id"


def token(environ: Mapping[str, Any]) -> AccessToken:
    """The verified token of this request: of Flask's ``request.environ``, or Django's ``request.META``.

    Raises ``RuntimeError`` on a path in ``public``: nothing was verified there.
    """
    verified = environ.get(TOKEN)
    if not isinstance(verified, AccessToken):
        raise RuntimeError("no token was verified: the path is public, or ScopegateMiddleware does not wrap it")
    return verified


def require(environ: WSGIEnvironment, *scopes: str) -> AccessToken:
    """Checks that the token has these scopes too, all of them, and gives the token.

    The challenge of the refusal names every scope that this request was found to need so far.

    Raises ``Rejected``, whose response the application must send; ``ValueError`` when no scope is named.
    """
    if not scopes:
        raise ValueError("require: expected at least one scope")
    verified = token(environ)
    gate: ResourceServer = environ[GATE]
    needed = environ[NEEDED] = (*environ[NEEDED], *scopes)
    gate.require(verified, scopes=needed, method=environ["REQUEST_METHOD"], origin=environ.get("HTTP_ORIGIN"))
    return verified


_FIELDS = {
    "HTTP_AUTHORIZATION": "authorization",
    "HTTP_ORIGIN": "origin",
    "HTTP_ACCESS_CONTROL_REQUEST_METHOD": "access_control_request_method",
    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "access_control_request_headers",
    "HTTP_MCP_PROTOCOL_VERSION": "protocol_version",
    "HTTP_MCP_METHOD": "mcp_method",
    "HTTP_MCP_NAME": "mcp_name",
}


def _request(environ: WSGIEnvironment, scopes: tuple[str, ...]) -> Request:
    fields: dict[str, Any] = {field: environ[key].encode("latin-1") for key, field in _FIELDS.items() if key in environ}
    target = quote(environ.get("PATH_INFO", "").encode("latin-1"))
    return Request(method=environ["REQUEST_METHOD"], target=target, scopes=scopes, **fields)


def _routed_path(environ: WSGIEnvironment) -> str:
    """The path that an application routes by: without the prefix it is mounted at, and decoded (PEP 3333)."""
    path: str = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    return path or "/"


def _read(environ: WSGIEnvironment, limit: int) -> bytes:
    """The whole body, or just over ``limit`` bytes of it, which are refused.

    Without a length it ends where the server says that its stream does; a server that does not say so has none.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    ends = environ.get("wsgi.input_terminated", False)
    left = limit + 1 if ends else min(int(length) if length.isdecimal() else 0, limit + 1)
    chunks: list[bytes] = []
    while left > 0 and (chunk := environ["wsgi.input"].read(left)):
        chunks.append(chunk)
        left -= len(chunk)
    return b"".join(chunks)


def _replay(body: bytes, environ: WSGIEnvironment) -> None:
    """Lets the application read the bytes that were judged, and no others."""
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def _respond(response: HttpResponse, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    headers = list(response.headers)
    sized = any(name.lower() == "content-length" for name, _ in headers)
    if not sized and response.status != HTTPStatus.NO_CONTENT:  # RFC 9110 section 8.6: none in a 204
        headers.append(("Content-Length", str(len(response.body))))
    start_response(f"{response.status} {HTTPStatus(response.status).phrase}", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]
