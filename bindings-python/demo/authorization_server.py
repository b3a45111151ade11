"""The authorization server of this repository as a child process."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
from child import Child

ADMIN_SECRET = "test-only-admin-secret"


class AuthorizationServer:
    """A running authorization server: each of its resources has an issuer of its own."""

    def __init__(self, child: Child, http: httpx2.Client) -> None:
        self._child = child
        self._http = http
        self.issuers: Mapping[str, str] = json.loads(child.line("{"))["issuers"]
        """The issuer of each resource, by the resource's id."""

    def token(self, resource: str, client: str, scope: str | None = None) -> str:
        """A token of the client ``client`` for this resource. Its secret is ``secret(client)``."""
        form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope is not None else {})
        response = self._http.post(f"{self.issuers[resource]}/token", data=form, auth=(client, secret(client)))
        token: str = response.raise_for_status().json()["access_token"]
        return token

    def rotate(self, resource: str, *, overlap: bool) -> None:
        """Signs with a new key from now on. With ``overlap`` the old one stays in the key set."""
        self._administer(resource, "rotate", overlap=overlap)

    def set_keys_available(self, resource: str, available: bool) -> None:
        """Whether metadata and key set are served; otherwise both answer 503."""
        self._administer(resource, "keys", available=available)

    def stop(self) -> None:
        """Ends the server: connections are refused from now on."""
        self._child.stop()

    def _administer(self, resource: str, action: str, **flag: bool) -> None:
        credential = {"Authorization": f"Bearer {ADMIN_SECRET}"}
        url = f"{self.issuers[resource]}/admin/{action}"
        self._http.post(url, json=flag, headers=credential).raise_for_status()


def secret(client: str) -> str:
    """The secret of a client in a configuration for ``running``."""
    return f"test-only-{client}-secret"


@contextmanager
def running(
    binary: Path, resources: Sequence[Mapping[str, object]], grants: Mapping[str, Sequence[Mapping[str, object]]]
) -> Iterator[AuthorizationServer]:
    """The server on a free port of 127.0.0.1, with these resources, and clients with these grants.

    Raises ``ChildError`` when it does not start.
    """
    clients = [{"id": client, "secret": secret(client), "grants": grants[client]} for client in grants]
    config = {"admin_secret": ADMIN_SECRET, "resources": resources, "clients": clients}
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "authserver.json")
        path.write_text(json.dumps(config))
        command = [str(binary), "--exit-with-stdin", str(path)]
        with Child("authorization server", command) as child, httpx2.Client(trust_env=False) as http:
            yield AuthorizationServer(child, http)
