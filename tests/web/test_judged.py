"""What a gate decided reaches whoever sent the request, and nobody else."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from gates import protected_server
from judged import KEPT, Judged

from scopegate import ResourceServer
from scopegate.asgi import Receive, Scope, ScopegateMiddleware, Send
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


@pytest.mark.parametrize(
    ("claims", "reason", "failed"),
    [
        ({"scope": "mcp:tools:weather"}, "insufficient_scope", "scopes"),
        ({"expires_in": -3600}, "expired", "expiry"),
        ({"aud": "https://calendar.example/mcp"}, "wrong_audience", "audience"),
        ({"iss": "https://stranger.example"}, "untrusted_issuer", "issuer"),
    ],
)
def test_a_refusal_is_explained(claims: dict[str, Any], reason: str, failed: str) -> None:
    issuer, server = gated()
    asyncio.run(ask(server, 1001, issuer.headers(**claims)))
    found = server.take(("127.0.0.1", 1001))
    assert found is not None
    assert decision(found) == ("refused", reason)
    assert [check["check"] for check in found["checks"] if check["outcome"] == "failed"] == [failed]
    assert len(found["checks"]) == 29


def test_a_request_that_is_being_worked_on_keeps_its_decision_while_another_is_refused() -> None:
    issuer = Issuer(RESOURCE)
    slow = SlowServer(ResourceServer(resource=RESOURCE, authorization_servers=[issuer.server()], events={}))
    server = Judged(slow)  # type: ignore[arg-type]

    async def scenario() -> None:
        accepted = asyncio.create_task(ask(server, 1001, issuer.headers()))
        await slow.working.wait()
        assert await ask(server, 1002, {}) == 401
        slow.done.set()
        assert await accepted == 200
        assert decision(server.take(("127.0.0.1", 1001))) == ("accepted", None)
        assert decision(server.take(("127.0.0.1", 1002))) == ("refused", "missing_token")

    asyncio.run(scenario())


class SlowServer:
    """Answers a request that passes when it is told to."""

    def __init__(self, gate: ResourceServer) -> None:
        self.gate = gate
        self.working, self.done = asyncio.Event(), asyncio.Event()
        self._guarded = ScopegateMiddleware(self._answer, gate)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._guarded(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.working.set()
        await self.done.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


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
