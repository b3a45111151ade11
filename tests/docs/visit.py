"""Imports a documented program and asks its application, if it has one: run as a program by test_python.py.

A stranger must be refused with a challenge, and a token of the program's issuer let in. The issuer that pages name is
on no network, so its keys are put beside it first.
"""

from __future__ import annotations

import json
import os
import re
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.testclient import TestClient

from scopegate.testing import Issuer

ISSUER = "https://as.example.com"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "visitor", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


def main(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    resources = set(re.findall(r'resource="(https://[^"]+)"', source))
    resource = resources.pop() if resources else "https://mcp.example.com/mcp"
    issuer = Issuer(resource)
    os.environ |= {
        "SCOPEGATE_RESOURCE": resource,
        "SCOPEGATE_AUTHORIZATION_SERVERS": json.dumps([dict(issuer.server()) | {"issuer": ISSUER}]),
    }
    server = json.dumps({"issuer": ISSUER, "jwks": dict(issuer.server())["jwks"]})
    module = types.ModuleType("program")
    sys.modules["program"] = module
    exec(compile(source.replace(f'["{ISSUER}"]', f"[{server}]"), str(path), "exec"), module.__dict__)
    scopes = " ".join(sorted(set(re.findall(r'"([a-z]+(?::[a-z]+)+)"', source))))
    good = issuer.headers(iss=ISSUER, sub="alice", scope=scopes)
    if (application := application_of(module)) is None:
        print("ran")
        return
    target = urlsplit(resource).path or "/reports"
    with application(resource) as client:
        refused = client.post(target, headers=ACCEPT, json=INITIALIZE)
        assert refused.status_code == 401, refused.text
        assert 'resource_metadata="' in refused.headers["WWW-Authenticate"]
        passed = client.post(target, headers=ACCEPT | good, json=INITIALIZE)
        # What is no MCP server has no answer to this call, but its own.
        expected = {200} if hasattr(module, "mcp") else {200, 404, 405}
        assert passed.status_code in expected, passed.text
    print("answered")


def application_of(module: types.ModuleType) -> Callable[[str], Any] | None:
    """What makes a client of the application that the program has."""
    names = vars(module)
    if "wsgi_app" in dir(names.get("app")) or "application" in names:
        return lambda resource: WsgiClient(names.get("application", names.get("app")), resource)
    app = names.get("app")
    if app is None and hasattr(names.get("mcp"), "http_app"):
        app = names["mcp"].http_app(stateless_http=True)
    if app is None:
        return None
    return lambda resource: TestClient(app, base_url="{0.scheme}://{0.netloc}".format(urlsplit(resource)))


class WsgiClient:
    """Asks a WSGI application as Starlette's client asks an ASGI one."""

    def __init__(self, application: Any, resource: str) -> None:
        from werkzeug.test import Client

        self._client, self._url = Client(application), "{0.scheme}://{0.netloc}".format(urlsplit(resource))

    def __enter__(self) -> WsgiClient:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def post(self, path: str, **arguments: Any) -> Any:
        return self._client.post(path, base_url=self._url, **arguments)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
