"""What a gate decided reaches whoever sent the request, and nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
from gates import protected_server
from judged import KEPT, Judged

from scopegate.testing import Issuer

RESOURCE = "http://127.0.0.1:8000/mcp"
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "send_email", "arguments": {}}}


async def ask(server: Judged, port: int, headers: dict[str, str], method: str = "POST", path: str = "/mcp") -> int:
    transport = httpx2.ASGITransport(server, client=("127.0.0.1", port))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http:
        response = await http.request(method, path, headers=headers, json=CALL if method == "POST" else None)
        return response.status_code


def gated() -> tuple[Issuer, Judged]:
    issuer = Issuer(RESOURCE)
    return issuer, protected_server(RESOURCE, [issuer.server()])


def decision(found: dict[str, Any] | None) -> tuple[object, object]:
    assert found is not None
    return found["outcome"], found["reason"]


def test_each_connection_has_its_own_decision_once() -> None:
    issuer, server = gated()

    async def scenario() -> None:
        assert await ask(server, 1001, {}) == 401
        assert await ask(server, 1002, issuer.headers(scope="mcp:tools:weather")) == 403
        assert decision(server.take(("127.0.0.1", 1002))) == ("refused", "insufficient_scope")
        assert decision(server.take(("127.0.0.1", 1001))) == ("refused", "missing_token")
        assert server.take(("127.0.0.1", 1001)) is None

    asyncio.run(scenario())


def test_where_the_gate_was_not_asked_nothing_is_told() -> None:
    _, server = gated()

    async def scenario() -> None:
        assert await ask(server, 1001, {}) == 401
        assert await ask(server, 1001, {}, "GET", "/.well-known/oauth-protected-resource/mcp") == 200
        assert server.take(("127.0.0.1", 1001)) is None

    asyncio.run(scenario())


def test_decisions_that_nobody_asks_for_are_forgotten() -> None:
    _, server = gated()

    async def scenario() -> None:
        for port in range(1, KEPT + 2):
            assert await ask(server, port, {}) == 401
        assert server.take(("127.0.0.1", 1)) is None
        assert decision(server.take(("127.0.0.1", 2))) == ("refused", "missing_token")

    asyncio.run(scenario())
