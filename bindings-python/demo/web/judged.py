"""What a gate decided on each request, with its explanation, for whoever sent the request."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from scopegate.asgi import Message, Receive, Scope, Send
from scopegate.mcp import Protected

Peer = tuple[str, int]
"""The address and the port that a request came from."""

KEPT = 64
"""So many decisions are kept for those who have not asked for theirs."""

FIELDS = {
    b"authorization": "authorization",
    b"origin": "origin",
    b"mcp-protocol-version": "protocol_version",
    b"mcp-method": "mcp_method",
    b"mcp-name": "mcp_name",
}


class Judged:
    """A protected MCP server, as it is, and beside it what its gate decided. The gate needs ``events``."""

    def __init__(self, protected: Protected) -> None:
        self._protected = protected
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
        for event in gate.drain_events():
            self._decisions[peer] = {"outcome": event["outcome"], "reason": event["reason"], "checks": []}
        while len(self._decisions) > KEPT:
            self._decisions.popitem(last=False)
