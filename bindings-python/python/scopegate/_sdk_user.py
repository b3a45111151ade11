"""The authenticated user that the official MCP SDK expects of the gate in front of it."""

from __future__ import annotations

import hashlib
from typing import Any

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken as SdkAccessToken
from starlette.authentication import AuthCredentials

from scopegate._adapter import TOKEN
from scopegate._scopegate import AccessToken
from scopegate.asgi import ASGIApp, Receive, Scope, Send


class SdkUser:
    """Hands the SDK the user that its own gate would have made."""

    def __init__(self, app: ASGIApp, expose_token: bool) -> None:
        self._app = AuthContextMiddleware(app)
        self._expose_token = expose_token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = scope.get(TOKEN)
        if isinstance(token, AccessToken):
            scope["user"] = self._user(token, scope)
            scope["auth"] = AuthCredentials(token.effective_scopes)
        await self._app(scope, receive, send)

    def _user(self, token: AccessToken, scope: Scope) -> AuthenticatedUser:
        if self._expose_token or _names_nobody(token):
            return AuthenticatedUser(sdk_token(token, _credential(scope), self._expose_token))
        return _User(token)


class _User(AuthenticatedUser):
    """The SDK's user, made when somebody looks at it: its token has the claims parsed, and most tools ask for none."""

    def __init__(self, token: AccessToken) -> None:
        self._token = token

    def __getattr__(self, name: str) -> Any:
        own = vars(self)
        if "access_token" not in own and "_token" in own:
            made = AuthenticatedUser(sdk_token(own["_token"], "", expose_token=False))
            own.update(vars(made))  # at once: threads may look at the same time
        if name in own:
            return own[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)


def sdk_token(token: AccessToken, credential: str, expose_token: bool) -> SdkAccessToken:
    """The SDK's form of a verified token, with the effective scopes. ``token`` is ``""`` unless exposed."""
    return SdkAccessToken(
        token=credential if expose_token is True else "",  # the text "false" is not
        client_id=_client_id(token, credential),
        scopes=list(token.effective_scopes),
        expires_at=token.expires_at,
        resource=token.resource,
        subject=token.subject,
        claims=token.claims,
    )


def _client_id(token: AccessToken, credential: str) -> str:
    """The client. The SDK tells principals apart by client, issuer and subject; a token without a principal names
    neither client nor subject, or both by empty names: it is its own, or any two of them could share a session.
    """
    if not _names_nobody(token):
        return token.client_id or ""
    return "anonymous:" + hashlib.sha256(credential.encode()).hexdigest()


def _names_nobody(token: AccessToken) -> bool:
    return token.principal is None


def _credential(scope: Scope) -> str:
    """The token of a request that passed: it has one Authorization line, and that one Bearer token."""
    lines = (value for name, value in scope["headers"] if name.lower() == b"authorization")
    credential: str = next(lines).split()[-1].decode("ascii")
    return credential
