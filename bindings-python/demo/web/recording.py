"""What went over the wire, as the page shows it. No token and no secret is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

import httpx2
from exchanges import Exchanges
from judged import Judged
from tokens import header_and_claims

JWT = re.compile(r"\beyJ[\w-]*\.[\w-]*\.[\w-]*")
BASIC = re.compile(r"(?i)^basic\s.*")
CLIENT_SECRET = re.compile(r"(client_secret=)[^&]*")


class Recording(Exchanges):
    """The exchanges of an HTTP client, told one by one as they happen."""

    def __init__(self, servers: Mapping[str, Judged], tell: Callable[[dict[str, Any]], None]) -> None:
        """``servers``: the protected servers by their origin. ``tell`` is given each exchange."""
        super().__init__()
        self._servers = servers
        self._tell = tell

    async def record(self, response: httpx2.Response) -> None:
        peer = response.extensions["network_stream"].get_extra_info("client_addr")
        await super().record(response)
        request = response.request
        server = self._servers.get(f"{request.url.scheme}://{request.url.netloc.decode()}")
        self._tell(
            {
                "type": "exchange",
                "to": "MCP server" if server is not None else "authorization server",
                "title": _title(request),
                "scope": _scope_asked_for(request),
                "request": {
                    "method": request.method,
                    "target": request.url.raw_path.decode(),
                    "headers": _headers(request.headers),
                    "body": _body(request.content),
                    "claims": _claims(request.headers),
                },
                "response": {
                    "version": response.http_version,
                    "status": response.status_code,
                    "phrase": response.reason_phrase,
                    "headers": _headers(response.headers),
                    "body": _body(response.content),
                },
                "decision": server.take(peer) if server is not None else None,
            }
        )


def cut(text: str) -> str:
    """The text with each token replaced by its length, and without a client's secret."""
    text = JWT.sub(lambda found: f"<token, {len(found[0])} bytes>", text)
    return CLIENT_SECRET.sub(r"\1<secret>", BASIC.sub("Basic <client id and secret>", text))


def _title(request: httpx2.Request) -> str:
    path = request.url.path
    if path.startswith("/.well-known/oauth-protected-resource"):
        return "Protected resource metadata"
    if path.startswith("/.well-known/"):
        return "Authorization server metadata"
    if path.endswith("/token"):
        return "Token request"
    call = json.loads(request.content)
    name = call.get("params", {}).get("name")
    return f"{call['method']} {name}" if name is not None else str(call["method"])


def _scope_asked_for(request: httpx2.Request) -> str | None:
    """By a token request."""
    if request.headers.get("content-type") != "application/x-www-form-urlencoded":
        return None
    return parse_qs(request.content.decode()).get("scope", [None])[0]


def _headers(headers: httpx2.Headers) -> list[tuple[str, str]]:
    return [(name.decode(), cut(value.decode("latin-1"))) for name, value in headers.raw]


def _body(content: bytes) -> str:
    return cut(content.decode())


def _claims(headers: httpx2.Headers) -> list[dict[str, Any]]:
    """What each token of a request says; nothing is verified."""
    tokens = [token for value in headers.get_list("authorization") for token in JWT.findall(value)]
    return [header_and_claims(token)[1] for token in tokens]
