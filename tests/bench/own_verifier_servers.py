"""The servers that own_verifier.py compares: one MCP server, its tokens checked in four ways, and the authorization
server that all of them trust. The keys are made anew for each run and protect nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import json
import logging
import multiprocessing
import os
import socket
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from scopegate import ResourceServer
from scopegate.asgi import ASGIApp
from scopegate.mcp import protect

WEATHER, EMAIL = "mcp:tools:weather", "mcp:tools:email:send"
KEY_SET_SECONDS = 300
"""How long a key set lives: the default of PyJWKClient, and the least that Scopegate takes from ``max-age``."""


@dataclass(frozen=True)
class Verifier:
    """How an MCP server checks its tokens."""

    name: str
    scopegate: bool = False
    in_thread: bool = False
    """Whether keys are looked up in a thread, or on the event loop."""
    tells_outage: bool = False
    """Whether a failed fetch is told from a bad token."""
    cache_keys: bool = False
    """Whether keys are kept for good, beside the key set, which is kept for ``lifespan`` seconds."""
    lifespan: float = KEY_SET_SECONDS
    required_scopes: tuple[str, ...] = (WEATHER,)


SHORT = Verifier("own, short")
CAREFUL = Verifier("own, careful", in_thread=True, tells_outage=True)
CACHED = Verifier("own, careful, cache_keys", in_thread=True, tells_outage=True, cache_keys=True)
SCOPEGATE = Verifier("Scopegate", scopegate=True)


class OwnVerifier:
    """The SDK's ``TokenVerifier`` as an author writes it with PyJWT."""

    def __init__(self, verifier: Verifier, jwks_uri: str, issuer: str, resource: str) -> None:
        self._verifier, self._issuer, self._resource = verifier, issuer, resource
        self._keys = jwt.PyJWKClient(jwks_uri, cache_keys=verifier.cache_keys, lifespan=verifier.lifespan, timeout=5)

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            if self._verifier.in_thread:
                key = await asyncio.to_thread(self._keys.get_signing_key_from_jwt, token)
            else:
                key = self._keys.get_signing_key_from_jwt(token)
            claims = self.decode(token, key)
        except jwt.PyJWKClientConnectionError:
            if self._verifier.tells_outage:
                raise
            return None
        except jwt.PyJWTError:
            return None
        scopes = claims.get("scope", "").split()
        return AccessToken(
            token=token, client_id=claims["client_id"], scopes=scopes, expires_at=claims["exp"], claims=claims
        )

    def verify(self, token: str) -> dict[str, Any]:
        """The same without the event loop, for a token that is good."""
        return self.decode(token, self._keys.get_signing_key_from_jwt(token))

    def decode(self, token: str, key: jwt.PyJWK) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=["RS256"],
            audience=self._resource,
            issuer=self._issuer,
            leeway=30,
            options={"require": ["exp", "iss", "aud", "client_id"]},
        )


class AuthorizationServer:
    """Issues tokens, publishes keys, and counts who asks."""

    def __init__(self) -> None:
        self.issuer = ""
        self.delay, self.status = 0.0, 200
        """How it answers who asks for the keys."""
        self.key_requests, self.token_requests = 0, 0
        self.rotate()

    def rotate(self) -> None:
        """Publishes another key in place of the present one."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._kid = f"test-only-{uuid.uuid4()}"

    def mint(self, audience: str, scope: str = WEATHER) -> str:
        now = int(time.time())
        who = {"iss": self.issuer, "aud": audience, "sub": "alice", "client_id": "assistant", "scope": scope}
        claims = {**who, "jti": str(uuid.uuid4()), "iat": now, "exp": now + 3600}
        return jwt.encode(claims, self._key, "RS256", {"kid": self._kid, "typ": "at+jwt"})

    def key_set(self) -> dict[str, Any]:
        key = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**key, "kid": self._kid, "alg": "RS256", "use": "sig"}]}

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "response_types_supported": ["code"],
            "grant_types_supported": ["client_credentials"],
        }

    def answer_get(self, path: str) -> tuple[int, dict[str, Any]]:
        if path != "/jwks":
            return (200, self.metadata()) if path == "/.well-known/oauth-authorization-server" else (404, {})
        self.key_requests += 1
        time.sleep(self.delay)
        return self.status, self.key_set()

    def answer_post(self, form: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        self.token_requests += 1
        scope = form.get("scope", [""])[0]
        token = self.mint(form["resource"][0], scope)
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": scope}


@contextlib.contextmanager
def authorization_server() -> Iterator[AuthorizationServer]:
    """An authorization server on loopback, in threads of this process."""
    published = AuthorizationServer()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(*published.answer_get(self.path))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.reply(*published.answer_post(urllib.parse.parse_qs(body)))

        def reply(self, status: int, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            with contextlib.suppress(ConnectionError):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Cache-Control", f"max-age={KEY_SET_SECONDS}")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    published.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield published
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def mcp_server(verifier: Verifier, issuer: str, jwks_uri: str | None = None) -> Iterator[str]:
    """The MCP server in a process of its own; yields its URL."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    url, well_known = f"{origin}/mcp", f"{origin}/.well-known/oauth-protected-resource/mcp"
    arguments = (listener, verifier, url, issuer, jwks_uri or f"{issuer}/jwks")
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=arguments)
    process.start()
    listener.close()
    try:
        with urllib.request.urlopen(well_known, timeout=60):  # answered once it serves
            pass
        yield url
    finally:
        process.kill()  # a blocked event loop does not hear SIGTERM
        process.join()


def _serve(listener: socket.socket, verifier: Verifier, resource: str, issuer: str, jwks_uri: str) -> None:
    logging.disable()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    app = application(verifier, resource, issuer, jwks_uri)
    config = uvicorn.Config(app, log_config=None, access_log=False, backlog=2048)
    uvicorn.Server(config).run(sockets=[listener])


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    os._exit(1)


def application(verifier: Verifier, resource: str, issuer: str, jwks_uri: str) -> ASGIApp:
    if verifier.scopegate:
        gate = ResourceServer(
            resource=resource,
            authorization_servers=[{"issuer": issuer, "jwks_uri": jwks_uri, "token_format": "rfc9068"}],
            policy={"default": [], "tools": {"weather": [WEATHER], "send_email": [EMAIL]}},
        )
        return protect(with_tools(MCPServer("Bench")), gate, json_response=True, stateless_http=True)
    settings = AuthSettings.model_validate(
        {
            "issuer_url": issuer,  # as a string: AnyHttpUrl(...) would append a slash
            "resource_server_url": resource,
            "required_scopes": verifier.required_scopes,
            "validate_token_resource": False,  # the verifier checks the audience
        }
    )
    own = OwnVerifier(verifier, jwks_uri, issuer, resource)
    mcp = with_tools(MCPServer("Bench", token_verifier=own, auth=settings))
    return mcp.streamable_http_app(json_response=True, stateless_http=True)


def with_tools(mcp: MCPServer[Any]) -> MCPServer[Any]:
    """Two tools. The second checks its scope itself: the SDK's gate knows none for a single tool. Behind a policy that
    check always passes.
    """

    @mcp.tool()
    def weather(city: str) -> str:
        return f"Sunny in {city}"

    @mcp.tool()
    def send_email(to: str) -> str:
        token = get_access_token()
        if token is None or EMAIL not in token.scopes:
            raise ToolError(f"Required scope: {EMAIL}")
        return f"Sent to {to}"

    return mcp
