"""What a gate decided on each request, and why, for whoever sent the request."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from scopegate import AuditEvent, Explanation, ResourceServer
from scopegate.asgi import Message, Receive, Scope, Send
from scopegate.mcp import Protected

Peer = tuple[str, int]
"""The address and the port that a request came from."""

TOKEN = "scopegate.token"
"""Where the record of a request holds the ``AccessToken`` of one that passed."""

KEPT = 64
"""So many decisions are kept for those who have not asked for theirs."""

FIELDS = {
    b"origin": "origin",
    b"mcp-protocol-version": "protocol_version",
    b"mcp-method": "mcp_method",
    b"mcp-name": "mcp_name",
}


class Judged:
    """A protected MCP server, as it is, and beside it what its gate decided. The gate needs ``events``."""

    def __init__(self, protected: Protected) -> None:
        self._protected = protected
        self._events: list[AuditEvent] = []
        self._decisions: OrderedDict[Peer, dict[str, Any]] = OrderedDict()

    def take(self, peer: Peer) -> dict[str, Any] | None:
        """What was decided on the last request of this connection; ``None`` where the gate was not asked, as for its
        own metadata.
        """
        return self._decisions.pop(peer, None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._protected(scope, receive, send)
            return
        chunks: list[bytes] = []

        async def reading() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                chunks.append(message.get("body", b""))
            return message

        async def answering(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._note(scope, b"".join(chunks) if chunks else None)
            await send(message)

        await self._protected(scope, reading, answering)

    def _note(self, scope: Scope, body: bytes | None) -> None:
        gate = self._protected.gate
        peer = tuple(scope["client"])
        self._decisions.pop(peer, None)
        if (event := self._event("accepted" if TOKEN in scope else "refused")) is not None:
            explanation = _explained(gate, scope, body)
            self._decisions[peer] = {
                "outcome": event["outcome"],
                "reason": event["reason"],
                "checks": [check._asdict() for check in explanation.checks],
            }
        while len(self._decisions) > KEPT:
            self._decisions.popitem(last=False)

    def _event(self, outcome: str) -> AuditEvent | None:
        """The event of a request that is about to be answered. A refusal is answered at once, so its event is the only
        one of a refusal that waits; those of accepted requests say the same of each.
        """
        self._events += self._protected.gate.drain_events()
        found = next((event for event in self._events if event["outcome"] == outcome), None)
        if found is not None:
            self._events.remove(found)
        return found


def _explained(gate: ResourceServer, scope: Scope, body: bytes | None) -> Explanation:
    """Why the gate decides so on this request; asked when it has just decided."""
    lines: dict[bytes, list[bytes]] = {}
    for name, value in scope["headers"]:
        lines.setdefault(name, []).append(value)
    fields: Any = {field: lines[name] for name, field in FIELDS.items() if name in lines}
    target = scope["raw_path"].decode("latin-1")
    return gate.explain(lines.get(b"authorization"), method=scope["method"], target=target, body=body, **fields)
