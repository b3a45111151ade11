"""A Starlette application under uvicorn with one JSON route and one MCP tool, bare or behind a gate. The keys are
fetched from the authorization server.

Usage: server.py GATE PORT ISSUER, where GATE is bare, scopegate, or pyjwt: the official SDK's own gate around PyJWT.
"""

import logging
import sys
from typing import Any

import jwt
import uvicorn
from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from scopegate import ResourceServer
from scopegate.mcp import protect

RESOURCE = "https://mcp.bench.test/mcp"
WEATHER = "mcp:tools:weather"
OPTIONS: dict[str, Any] = {
    "json_response": True,
    "stateless_http": True,
    "transport_security": TransportSecuritySettings(allowed_hosts=["mcp.bench.test"]),
}


def main() -> None:
    gate, port, issuer = sys.argv[1:]
    logging.disable()
    app = {"bare": bare, "scopegate": behind_scopegate, "pyjwt": behind_the_sdk}[gate](issuer)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_config=None, access_log=False)


served = 0
"""Requests that came through."""


def with_tool(mcp: MCPServer[Any], gate: ResourceServer | None = None) -> MCPServer[Any]:
    @mcp.tool()
    def weather(city: str) -> str:
        global served
        served += 1
        return f"Sunny in {city}"

    @mcp.custom_route("/stats", ["GET"])
    async def stats(_: Request) -> JSONResponse:
        return JSONResponse({"served": served, "misses": gate.stats()["token_cache"]["misses"] if gate else 0})

    return mcp


async def forecast(_: Request) -> JSONResponse:
    global served
    served += 1
    return JSONResponse({"city": "Oslo", "sky": "sunny", "degrees": 21})


def bare(_: str) -> ASGIApp:
    mcp = with_tool(MCPServer("Bench"))
    mcp.custom_route("/json", ["GET"])(forecast)
    return mcp.streamable_http_app(**OPTIONS)


def behind_scopegate(issuer: str) -> ASGIApp:
    gate = ResourceServer(
        resource=RESOURCE,
        authorization_servers=[{"issuer": issuer, "jwks_uri": f"{issuer}/jwks", "token_format": "rfc9068"}],
        policy={"default": [], "tools": {"weather": [WEATHER]}},
    )
    mcp = with_tool(MCPServer("Bench"), gate)
    mcp.custom_route("/json", ["GET"])(forecast)
    return protect(mcp, gate, public=["/stats"], **OPTIONS)


class Verifier:
    """The SDK's ``TokenVerifier``, with the key set of a ``PyJWKClient`` held as long as the benchmark takes."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._keys = jwt.PyJWKClient(f"{issuer}/jwks", cache_keys=True, lifespan=3600)

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            claims = jwt.decode(
                token,
                self._keys.get_signing_key_from_jwt(token),
                algorithms=["RS256"],
                audience=RESOURCE,
                issuer=self._issuer,
                leeway=30,
                options={"require": ["exp", "iss", "aud", "client_id"]},
            )
        except jwt.PyJWTError:
            return None
        scopes = claims.get("scope", "").split()
        return AccessToken(
            token=token, client_id=claims["client_id"], scopes=scopes, expires_at=claims["exp"], claims=claims
        )


def behind_the_sdk(issuer: str) -> ASGIApp:
    settings = AuthSettings.model_validate(
        {
            "issuer_url": issuer,
            "resource_server_url": RESOURCE,
            "required_scopes": [WEATHER],
            "validate_token_resource": False,  # the verifier checks the audience
        }
    )
    app = with_tool(MCPServer("Bench", token_verifier=Verifier(issuer), auth=settings)).streamable_http_app(**OPTIONS)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await (await forecast(Request(scope, receive)))(scope, receive, send)

    app.router.routes.append(Route("/json", RequireAuthMiddleware(answer, [WEATHER])))
    return app


if __name__ == "__main__":
    main()
