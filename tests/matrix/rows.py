"""The rows of the matrix: what a client does, what the tap makes of its call, and the reason that the core then has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tap import Change, Request

from scopegate.testing import Issuer

MCP, WEATHER, EMAIL = "mcp", "mcp:tools:weather", "mcp:tools:email:send"
BODY_LIMIT = 65536
DOWN = "https://down.test"
"""An issuer whose keys are not to be had."""
CALLER = {"scope": f"{MCP} {WEATHER}", "sub": "alice", "client_id": "app"}


@dataclass(frozen=True)
class Row:
    """The client connects, lists the tools, calls ``tool``, and then another one that needs no scope of its own."""

    title: str
    reason: str | None = None
    """Why the core refuses the call, or ``None`` where it passes."""
    change: Callable[[Issuer], Change] | None = None
    """What becomes of the call on its way."""
    tool: str = "weather"
    arguments: Mapping[str, Any] = field(default_factory=dict)
    era: str = "auto"
    """``legacy``: the client opens a session, whatever it speaks otherwise."""
    gets_tokens: bool = False
    """The client has no token; it gets its tokens itself, as the challenges tell it."""
    claims: Mapping[str, Any] | None = field(default_factory=lambda: CALLER)
    """Of the token that the client holds from the start, or ``None`` for a client without one."""
    connects: bool = True
    """Whether it gets as far as the call: elsewhere the reason is that of every request."""
    refused_by_host: bool = False
    """The gate lets the call pass, and the server refuses it: the session is another user's."""


def configuration(resource: str, authorization_server: str, issuer: Issuer, origin: str) -> dict[str, Any]:
    """What every server of the matrix is configured with. ``origin`` is the one whose scripts may read."""
    return {
        "resource": resource,
        "authorization_servers": [
            {"issuer": authorization_server, "token_format": "rfc9068"},
            {**issuer.server(), "advertise": False},
            {"issuer": DOWN, "jwks_uri": "http://127.0.0.1:1/jwks", "advertise": False},
        ],
        "required_scopes": [MCP],
        "scopes_supported": [MCP, WEATHER, EMAIL],
        "allowed_origins": [origin],
        "cors_origins": [origin],
        "policy": {
            "default": [],
            "tools": {"weather": [WEATHER], "send_*": [EMAIL], "drop_*": "deny"},
            "max_body_bytes": BODY_LIMIT,
        },
    }


def presenting(**claims: Any) -> Callable[[Issuer], Change]:
    """The same call with another token."""

    def change(issuer: Issuer) -> Change:
        value = issuer.authorization(**{**CALLER, **claims})
        return changed(lambda request: request.without("authorization").with_line("Authorization", value))

    return lambda issuer: change(issuer)


def changed(how: Callable[[Request], Request]) -> Change:
    return Change(how)


def _forged(request: Request) -> Request:
    (value,) = request.values("authorization")
    return request.without("authorization").with_line("Authorization", value[:-8] + "AAAAAAAA")


def _twice(request: Request) -> Request:
    (value,) = request.values("authorization")
    return request.with_line("Authorization", value)


def _contradicted(request: Request) -> Request:
    plain = request.without("mcp-protocol-version").without("mcp-method").without("mcp-name")
    return plain.with_line("MCP-Protocol-Version", "2026-07-28").with_line("Mcp-Method", "ping")


ROWS: Mapping[str, Row] = {
    "good": Row("good call"),
    "connect-without": Row("no credential, from the start", "missing_token", claims=None, connects=False),
    "connect-expired": Row(
        "expired token, from the start", "expired", claims={**CALLER, "expires_in": -3600}, connects=False
    ),
    "connect-keys": Row(
        "keys unavailable, from the start", "keys_unavailable", claims={**CALLER, "iss": DOWN}, connects=False
    ),
    "no-credential": Row(
        "no credential", "missing_token", lambda _: changed(lambda request: request.without("authorization"))
    ),
    "two-credentials": Row("more than one credential", "multiple_credentials", lambda _: changed(_twice)),
    "bad-token": Row("bad token", "bad_signature", lambda _: changed(_forged)),
    "expired": Row("expired token", "expired", presenting(expires_in=-3600)),
    "scope-short": Row("scope short", "insufficient_scope", tool="send_email"),
    "policy": Row("policy refuses", "policy_denied", tool="drop_table"),
    "not-json": Row(
        "not JSON", "malformed_call", lambda _: changed(lambda request: request.with_body(request.body[1:]))
    ),
    "unreadable": Row(
        "not one readable request",
        "malformed_call",
        lambda _: changed(lambda request: request.with_body(b"[[" + request.body + b"]]")),
    ),
    "too-large": Row("too large", "call_too_large", arguments={"city": "x" * BODY_LIMIT}),
    "headers": Row("routing headers contradict the body", "malformed_call", lambda _: changed(_contradicted)),
    "origin": Row(
        "origin not allowed",
        "origin_denied",
        lambda _: changed(lambda request: request.with_line("Origin", "https://evil.test")),
    ),
    "keys": Row("keys unavailable", "keys_unavailable", presenting(iss=DOWN)),
    "fault": Row("our own fault", "internal", lambda _: Change(at_faulty_port=True)),
    "second-user": Row(
        "second user's token on the first one's session",
        change=presenting(sub="bob"),
        era="legacy",
        refused_by_host=True,
    ),
    "step-up": Row("step-up, from no token at all", "insufficient_scope", claims=None, gets_tokens=True),
    "renewal": Row(
        "token expires, client gets another",
        "expired",
        presenting(expires_in=-3600),
        tool="greet",
        claims=None,
        gets_tokens=True,
    ),
}
