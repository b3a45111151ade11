"""The clients that the page offers, and what each does with a tool."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from authorization_server import AuthorizationServer, secret
from mcp import MCPError
from mcp.client.auth import OAuthTokenError
from official_client import PROTOCOL_VERSION, OfficialClient, authenticating, cause
from recording import Recording
from tokens import tampered

from scopegate.testing import Issuer

SESSION_VERSION = "2025-11-25"
"""The last version of MCP that has sessions."""


@dataclass(frozen=True)
class Tool:
    """What a client asks for."""

    title: str
    needs: str
    method: str
    params: Mapping[str, Any]

    @property
    def name(self) -> str | None:
        """The tool, where one is called."""
        name: str | None = self.params.get("name")
        return name


TOOLS: Mapping[str, Tool] = {
    "weather": Tool(
        "weather", "needs mcp:tools:weather", "tools/call", {"name": "weather", "arguments": {"city": "Oslo"}}
    ),
    "send_email": Tool(
        "send_email",
        "needs mcp:tools:email:send",
        "tools/call",
        {"name": "send_email", "arguments": {"to": "ada@example.com"}},
    ),
    "drop_tables": Tool("drop_tables", "denied to everyone", "tools/call", {"name": "drop_tables", "arguments": {}}),
    "tools/list": Tool("tools/list", "needs no scope", "tools/list", {}),
}


@dataclass(frozen=True)
class World:
    """Who is there."""

    authorization_server: AuthorizationServer
    resource: str
    """The MCP server."""
    resource_in_outage: str
    """The one whose authorization server does not answer for its keys."""
    second_issuer: Issuer
    """Signs what the authorization server would not: tokens that are expired. The MCP server trusts it."""
    stranger: Issuer
    """Signs in the name of the authorization server, with a key of its own."""

    async def token(self, resource: str, client: str, scope: str | None = None) -> str:
        """A token of the authorization server, asked for beside what the page shows."""
        return await asyncio.to_thread(self.authorization_server.token, resource, client, scope)


Run = Callable[[World, Tool, Recording], Awaitable[str]]
"""Does what the client does, and returns what came of it."""


@dataclass(frozen=True)
class Client:
    """A client to choose."""

    title: str
    about: str
    run: Run


async def _official(client_id: str, world: World, tool: Tool, recording: Recording) -> str:
    issuer = world.authorization_server.issuers["weather"]
    try:
        async with authenticating(world.resource, issuer, client_id, secret(client_id), recording) as client:
            return await _used(client, tool)
    except Exception as error:
        if not isinstance(cause(error), OAuthTokenError | MCPError):
            raise
        return f"The client gave up with {type(cause(error)).__name__}: {cause(error)}"


async def _used(client: OfficialClient, tool: Tool) -> str:
    if tool.name is None:
        return f"The client was shown these tools: {', '.join(await client.tools())}"
    return f"The client was answered: {await client.call(tool.name, **tool.params['arguments'])}"


def official(client_id: str) -> Run:
    """The official client. It gets its tokens itself, as the challenges tell it."""

    async def run(world: World, tool: Tool, recording: Recording) -> str:
        return await _official(client_id, world, tool, recording)

    return run


def presenting(*tokens: Callable[[World], Awaitable[str]], outage: bool = False) -> Run:
    """One request with these credentials, each on a line of its own."""

    async def run(world: World, tool: Tool, recording: Recording) -> str:
        credentials = [("Authorization", f"Bearer {await token(world)}") for token in tokens]
        resource = world.resource_in_outage if outage else world.resource
        async with _http_client(recording) as http:
            response = await _post(http, resource, tool, PROTOCOL_VERSION, *credentials)
        return f"The client was answered {response.status_code} {response.reason_phrase}"

    return run


async def _good(world: World) -> str:
    return await world.token("weather", "reader")


async def _expired(world: World) -> str:
    return world.second_issuer.mint(scope="mcp:tools:weather mcp:tools:email:send", expires_in=-3600)


async def _for_another_audience(world: World) -> str:
    return await world.token("calendar", "assistant")


async def _changed(world: World) -> str:
    return tampered(await _good(world), scope="mcp:tools:weather mcp:tools:email:send")


async def _of_a_stranger(world: World) -> str:
    issuer = world.authorization_server.issuers["weather"]
    # From an hour ago: a key that is newer than the last fetch might be the issuer's, and that is answered with 503.
    return world.stranger.mint(iss=issuer, scope="mcp:tools:weather", iat=int(time.time()) - 3600)


async def _that_cannot_be_judged(world: World) -> str:
    return await world.token("outage", "assistant")


async def _foreign_session(world: World, tool: Tool, recording: Recording) -> str:
    owner = ("Authorization", f"Bearer {await world.token('weather', 'assistant')}")
    other = ("Authorization", f"Bearer {await world.token('weather', 'neighbour')}")
    opening = Tool(
        "initialize",
        "",
        "initialize",
        {
            "protocolVersion": SESSION_VERSION,
            "capabilities": {},
            "clientInfo": {"name": "page", "version": "1"},
        },
    )
    async with _http_client(recording) as http:
        opened = await _post(http, world.resource, opening, SESSION_VERSION, owner)
        session = ("Mcp-Session-Id", opened.headers["Mcp-Session-Id"])
        answers = [await _post(http, world.resource, tool, SESSION_VERSION, who, session) for who in (owner, other)]
    own, foreign = (f"{answer.status_code} {answer.reason_phrase}" for answer in answers)
    return f"On its own session the first user was answered {own}, the other one {foreign}"


CLIENTS: Mapping[str, Client] = {
    "official": Client(
        "Official client",
        "Knows the URL alone. Challenged, it discovers, gets a token, and steps up when a tool needs more.",
        official("assistant"),
    ),
    "official-denied": Client(
        "Official client, denied more",
        "The authorization server grants it mcp:tools:weather and nothing else.",
        official("reader"),
    ),
    "good": Client("Good token", "One request, with a token for mcp:tools:weather.", presenting(_good)),
    "none": Client("No token", "One request without any credential.", presenting()),
    "expired": Client(
        "Expired token", "Good once, of a second issuer that the gate trusts. An hour too old.", presenting(_expired)
    ),
    "audience": Client(
        "Token for another audience", "Good, and meant for a calendar.", presenting(_for_another_audience)
    ),
    "changed": Client(
        "Changed token", "A scope was written into it, under the signature that it had.", presenting(_changed)
    ),
    "stranger": Client(
        "Token signed by a stranger", "In the issuer's name, with a key of the stranger's.", presenting(_of_a_stranger)
    ),
    "two": Client("Two credentials", "Two Authorization lines, each with a token.", presenting(_good, _good)),
    "session": Client(
        "Another user's token on my session",
        "Both tokens are good. The session is the first user's, so the server behind the gate has none for the other.",
        _foreign_session,
    ),
    "outage": Client(
        "Keys unavailable",
        "A good token at a second MCP server, whose issuer answers 503 for its keys.",
        presenting(_that_cannot_be_judged, outage=True),
    ),
}


def _http_client(recording: Recording) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(event_hooks={"response": [recording.record]}, trust_env=False)


async def _post(
    http: httpx2.AsyncClient, url: str, tool: Tool, version: str, *headers: tuple[str, str]
) -> httpx2.Response:
    params = dict(tool.params)
    lines = [("Accept", "application/json, text/event-stream"), ("MCP-Protocol-Version", version), *headers]
    if version == PROTOCOL_VERSION:
        lines.append(("Mcp-Method", tool.method))
        if tool.name is not None:
            lines.append(("Mcp-Name", tool.name))
        params["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientInfo": {"name": "page", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
    message = {"jsonrpc": "2.0", "id": 1, "method": tool.method, "params": params}
    return await http.post(url, json=message, headers=lines)
