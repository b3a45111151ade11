"""An issuer in memory, for the tests of a server: no network, no account."""

from __future__ import annotations

import json

from scopegate import _scopegate
from scopegate._config import AuthorizationServer


class Issuer:
    """An authorization server in memory, which signs whatever it is asked to.

    Its keys are made anew for each instance and protect nothing.
    """

    def __init__(self, resource: str = "https://mcp.test/mcp") -> None:
        """``resource``: the audience of its tokens, unless they say otherwise."""
        self._native = _scopegate.Issuer(resource)

    @property
    def issuer(self) -> str:
        """The ``iss`` of its tokens."""
        return self._native.issuer

    def server(self) -> AuthorizationServer:
        """An entry for ``authorization_servers`` with the present key. A ``ResourceServer`` that was made from it does
        not see a later ``rotate``.
        """
        server: AuthorizationServer = json.loads(self._native.server())
        return server

    def mint(self, **claims: object) -> str:
        """A signed token (RFC 9068). Each required claim has a default; the arguments replace it, and ``None`` leaves
        it out. ``scope`` is a string with single blanks; ``expires_in`` sets ``exp`` to so many seconds from now, and
        may be negative.
        """
        return self._native.mint(json.dumps(claims))

    def authorization(self, **claims: object) -> str:
        """The value of an ``Authorization`` header with a token as ``mint`` makes it."""
        return f"Bearer {self.mint(**claims)}"

    def headers(self, **claims: object) -> dict[str, str]:
        """Request headers with a token as ``mint`` makes it."""
        return {"Authorization": self.authorization(**claims)}

    def rotate(self) -> None:
        """Signs with a new key from now on. Servers that were made before know only the old one."""
        self._native.rotate()
