"""oidc-provider, a third party's authorization server, as a child process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx2
from child import Child

FOLDER = Path(__file__).parents[1] / "oidc-provider"
CLIENT = ("assistant", "test-only-assistant-secret")


class OidcProvider:
    """A running oidc-provider whose resources differ in their signature algorithms."""

    def __init__(self, child: Child, http: httpx2.Client) -> None:
        self._child = child
        self._http = http
        ready = json.loads(child.line("{"))
        self.issuer: str = ready["issuer"]
        """Its one issuer."""
        self.resources: Mapping[str, str] = ready["resources"]
        """The identifier of each resource, by algorithm."""
        self._token_endpoint: str = ready["token_endpoint"]

    @classmethod
    @contextmanager
    def running(cls) -> Iterator[OidcProvider]:
        """It on a free port of 127.0.0.1.

        Raises ``ChildError`` when it does not start.
        """
        node = FOLDER / "node_modules" / ".bin" / "node"
        if not node.exists():
            raise FileNotFoundError(f"{node}: run `npm ci` in {FOLDER}")
        command = [str(node), str(FOLDER / "provider.js")]
        with Child("oidc-provider", command) as child, httpx2.Client(trust_env=False) as http:
            yield cls(child, http)

    def token(self, algorithm: str | None, scope: str = "") -> str:
        """A token for the resource with this algorithm; for no resource, and thus opaque, when ``None``."""
        form = {"grant_type": "client_credentials"}
        form |= {"resource": self.resources[algorithm]} if algorithm is not None else {}
        form |= {"scope": scope} if scope else {}
        response = self._http.post(self._token_endpoint, data=form, auth=CLIENT)
        token: str = response.raise_for_status().json()["access_token"]
        return token

    def rotate(self, *, overlap: bool) -> None:
        """Signs with new keys from now on. With ``overlap`` the old ones stay in the key set."""
        self._child.write(json.dumps({"overlap": overlap}))
        self._child.line("{")
