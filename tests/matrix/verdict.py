"""What the core answers to the same request, through the Python binding; and whether a server answered that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tap import Exchange, Request

from scopegate import Rejected, ResourceServer

ADDED = {"date", "server", "connection", "keep-alive", "content-length", "transfer-encoding", "x-powered-by"}
"""Header fields that HTTP servers and frameworks add: framing, and their names."""


@dataclass(frozen=True)
class Answer:
    """What the core says. Header names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    reason: str | None = None


def answer_to(gate: ResourceServer, request: Request, scopes: Sequence[str]) -> Answer | None:
    """The refusal or the document that answers this request, or ``None`` where it passes."""
    preflight = {
        "access_control_request_method": request.values("access-control-request-method") or None,
        "access_control_request_headers": request.values("access-control-request-headers") or None,
    }
    document = gate.well_known(request.method, request.target, request.values("origin") or None, **preflight)
    if document is not None:
        return Answer(document.status, _lowered(document.headers), document.body)
    try:
        gate.authorize(
            request.values("authorization"),
            method=request.method,
            target=request.target,
            origin=request.values("origin"),
            scopes=scopes,
            protocol_version=request.values("mcp-protocol-version"),
            mcp_method=request.values("mcp-method"),
            mcp_name=request.values("mcp-name"),
            body=request.body,
        )
    except Rejected as refusal:
        return Answer(refusal.status, _lowered(refusal.headers), refusal.body, refusal.reason)
    return None


def difference(exchange: Exchange, answer: Answer | None, *, sorts_headers: bool) -> str | None:
    """How what a server sent differs from the core's answer, or ``None``. ``sorts_headers``: the host writes the lines
    of a response in the order of their names, whatever order they were set in.
    """
    if not exchange.received:
        return None  # the client left before an answer came
    found_headers = tuple((name, value) for name, value in exchange.headers if name not in ADDED)
    if exchange.request.method == "HEAD":
        found_headers += tuple(line for line in exchange.headers if line[0] == "content-length")
    if answer is None:
        challenged = [value for name, value in found_headers if name == "www-authenticate"]
        return f"{_told(exchange)}: the core lets it pass; the challenge {challenged}" if challenged else None
    body = b"" if exchange.request.method == "HEAD" else answer.body
    order = sorted if sorts_headers else tuple
    expected = (answer.status, order(_with_any_delay(answer.headers)), body)
    found = (exchange.status, order(_with_any_delay(found_headers)), exchange.body)
    return None if found == expected else f"{_told(exchange)}:\n    the core {expected}\n    found    {found}"


def _lowered(headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), value) for name, value in headers)


def _with_any_delay(headers: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """``Retry-After`` is the time until the server's own next fetch: whole seconds, not the same in two processes."""
    return tuple(
        (name, "1 to 60" if name == "retry-after" and value.isdecimal() and 1 <= int(value) <= 60 else value)
        for name, value in headers
    )


def _told(exchange: Exchange) -> str:
    return f"{exchange.request.method} {exchange.request.target} {exchange.request.body[:60]!r}"
