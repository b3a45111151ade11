"""The official MCP client, with a record of what it sends and receives."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from exchanges import Exchanges, Unexpected
from mcp import Client, MCPError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from mcp.types import TextContent

PROTOCOL_VERSION = "2026-07-28"

logging.getLogger("mcp").addHandler(logging.NullHandler())  # it logs every refusal with a stack


class OfficialClient:
    """A connected client."""

    def __init__(self, client: Client, exchanges: Exchanges, tokens: TokenMemory) -> None:
        self.exchanges = exchanges
        """What went over the wire."""
        self._client = client
        self._tokens = tokens

    @property
    def token(self) -> str:
        """The access token that it holds."""
        if self._tokens.tokens is None:
            raise Unexpected("the client holds no token")
        return self._tokens.tokens.access_token

    async def tools(self) -> list[str]:
        """The names of the tools that the server lists."""
        return [tool.name for tool in (await self._client.list_tools()).tools]

    async def call(self, tool: str, **arguments: str) -> str:
        """The text that a tool answers.

        Raises ``MCPError`` for a refused call.
        """
        result = await self._client.call_tool(tool, arguments)
        return "".join(content.text for content in result.content if isinstance(content, TextContent))

    async def refused_call(self, tool: str, **arguments: str) -> None:
        """Calls a tool.

        Raises ``Unexpected`` when it answers.
        """
        try:
            await self.call(tool, **arguments)
        except MCPError:
            return
        raise Unexpected(f"the tool {tool} was called")


class TokenMemory:
    """The token storage that the SDK asks for."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return None

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise NotImplementedError("the client is registered already")


@asynccontextmanager
async def authenticating(
    url: str, issuer: str, client_id: str, client_secret: str, exchanges: Exchanges | None = None
) -> AsyncIterator[OfficialClient]:
    """A client that gets its tokens itself, as the challenges of the server tell it. What it exchanges is recorded in
    ``exchanges``, or in a record of its own.
    """
    tokens, exchanges = TokenMemory(), exchanges if exchanges is not None else Exchanges()
    auth = ClientCredentialsOAuthProvider(url, tokens, client_id, client_secret, issuer=issuer)
    async with (
        _http_client(exchanges, auth=auth) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        yield OfficialClient(client, exchanges, tokens)


@asynccontextmanager
async def presenting(url: str, token: str) -> AsyncIterator[OfficialClient]:
    """A client that presents this token and gets no other. It sends nothing before its first call."""
    exchanges = Exchanges()
    async with (
        _http_client(exchanges, headers={"Authorization": f"Bearer {token}"}) as http,
        Client(streamable_http_client(url, http_client=http), mode=PROTOCOL_VERSION) as client,
    ):
        yield OfficialClient(client, exchanges, TokenMemory())


def cause(error: BaseException) -> BaseException:
    """What went wrong. The SDK wraps the errors of a connection, and those of the code that uses it, in groups."""
    while members := getattr(error, "exceptions", None):
        error = members[0]
    return error


def _http_client(
    exchanges: Exchanges, *, auth: httpx2.Auth | None = None, headers: dict[str, str] | None = None
) -> httpx2.AsyncClient:
    hooks = {"response": [exchanges.record]}
    return httpx2.AsyncClient(auth=auth, headers=headers, event_hooks=hooks, trust_env=False)
