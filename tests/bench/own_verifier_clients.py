"""The clients of own_verifier.py: the official one, which reacts to what it is told, and one that sends many tokens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import httpx2
from mcp import Client, MCPError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from own_verifier_servers import WEATHER

PATIENCE = 20.0
"""Seconds until we no longer wait for an answer."""


@dataclass(frozen=True)
class ToolCall:
    """One tool call of the official client."""

    outcome: str
    response: httpx2.Response
    """The first that the MCP server gave."""
    kept_token: bool
    scope: str | None
    """Of the token that the client holds at the end."""

    @property
    def refusal(self) -> str:
        headers = self.response.headers
        fields = [f"{name}: {headers[name]}" for name in ("WWW-Authenticate", "Retry-After") if name in headers]
        return "; ".join([str(self.response.status_code), *fields])


class Memory:
    """The client's token storage. It begins with a token."""

    def __init__(self, token: str) -> None:
        self.tokens = OAuthToken(access_token=token, expires_in=3600, scope=WEATHER)

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise NotImplementedError("the client is registered already")


async def tool_call(url: str, issuer: str, token: str, tool: str, **arguments: str) -> ToolCall:
    responses: list[httpx2.Response] = []

    async def record(response: httpx2.Response) -> None:
        await response.aread()
        responses.append(response)

    memory = Memory(token)
    auth = ClientCredentialsOAuthProvider(url, memory, "assistant", "test-only", issuer=issuer)
    hooks = {"response": [record]}
    async with (
        httpx2.AsyncClient(auth=auth, event_hooks=hooks, trust_env=False, timeout=30) as http,
        Client(streamable_http_client(url, http_client=http), mode="2026-07-28") as client,
    ):
        try:
            result = await client.call_tool(tool, arguments)
            outcome = "the tool reports an error" if result.is_error else "the tool answers"
        except MCPError:
            outcome = "the call fails"
    return ToolCall(outcome, responses[0], memory.tokens.access_token == token, memory.tokens.scope)


@dataclass(frozen=True)
class Answer:
    status: int | None
    """``None``: none came while we waited."""
    seconds: float


async def send(url: str, tokens: Iterable[str], interval: float) -> list[Answer]:
    """Calls a tool with each token, one each ``interval`` seconds, whether or not those before were answered."""
    call = {"name": "weather", "arguments": {"city": "Oslo"}}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
    headers = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}

    async def post(token: str) -> Answer:
        start, status = time.perf_counter(), None
        request = http.post(url, content=body, headers={**headers, "Authorization": f"Bearer {token}"})
        with contextlib.suppress(asyncio.TimeoutError):
            status = (await asyncio.wait_for(request, PATIENCE)).status_code
        return Answer(status, time.perf_counter() - start)

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx2.AsyncClient(limits=limits, trust_env=False, timeout=None) as http:
        tasks = []
        for token in tokens:
            tasks.append(asyncio.create_task(post(token)))
            await asyncio.sleep(interval)
        return await asyncio.gather(*tasks)


def waits(answers: list[Answer]) -> str:
    """Median and longest wait; a token without an answer counts with the time that we waited for it."""
    seconds = [answer.seconds for answer in answers]
    return f"{statistics.median(seconds):.3f} s at the median, {max(seconds):.3f} s at the most, {statuses(answers)}"


def statuses(answers: list[Answer]) -> str:
    counts = Counter(str(answer.status or f"no answer in {PATIENCE:.0f} s") for answer in answers)
    return ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))
