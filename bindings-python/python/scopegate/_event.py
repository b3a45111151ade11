"""What ``drain_events`` gives."""

from __future__ import annotations

from typing import Literal, TypedDict

from scopegate._reason import Reason


class AuditedCall(TypedDict):
    """An MCP call that was asked for."""

    method: str
    """The JSON-RPC method."""
    name: str | None
    """The tool, prompt or resource that it names first."""


class AuditEvent(TypedDict):
    """What was decided about one request, for whom, and what they asked for.

    It holds values of claims that were verified, and never the token. All from ``issuer`` on is known only of tokens
    that proved good. Texts are cut after 256 bytes and lists after 32 items, with ``\u2026`` in the place of the rest.
    """

    time: int | None
    """When, in seconds since 1970; ``None`` where the machine's clock cannot be used."""
    resource: str
    """The resource that was asked for, as configured."""
    outcome: Literal["accepted", "refused"]
    """Whether the request may pass."""
    reason: Reason | None
    """Why the request was refused."""
    issuer: str | None
    """The authorization server that issued the token (``iss``)."""
    subject: str | None
    """The user the token speaks for (``sub``)."""
    client_id: str | None
    """The client the token was issued to."""
    scopes_needed: list[str]
    """The scopes that the request needed, as far as they were found out."""
    scopes_granted: list[str]
    """The token's scopes."""
    calls: list[AuditedCall]
    """The MCP calls in the request, where they were read."""
    token: str | None
    """Tells events of one token from events of another: a salted hash, in hexadecimal. Each process draws its salt."""
