"""An example of the package, run as it stands: a program of its own, whose issuer is a URL that it has to discover."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wire import free_socket, key_server, wait_for

from scopegate.testing import Issuer

EXAMPLES = Path(__file__).parent.parent / "examples"


@dataclass
class Example:
    """A running example."""

    port: int
    claims: dict[str, Any]
    """The issuer and the audience of tokens for it."""


@contextlib.contextmanager
def running(program: str, issuer: Issuer, path: str) -> Iterator[Example]:
    """The example, with this path as its resource's, and tokens of this issuer."""
    with free_socket() as listener:
        port: int = listener.getsockname()[1]
    resource = f"http://127.0.0.1:{port}{path}"
    with key_server(json.dumps(issuer.server()["jwks"]).encode()) as keys:
        metadata = {"issuer": keys.url, "jwks_uri": keys.jwks_uri}
        keys.documents["/.well-known/oauth-authorization-server"] = json.dumps(metadata).encode()
        environment = {**os.environ, "RESOURCE": resource, "ISSUER": keys.url, "PORT": str(port)}
        server = subprocess.Popen([sys.executable, str(EXAMPLES / program)], env=environment)
        try:
            wait_for(port)
            yield Example(port, {"iss": keys.url, "aud": resource})
        finally:
            server.terminate()
            server.wait(20)
