"""A WSGI application that tells what it received, behind the middleware; its configuration is in ``GATE``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from scopegate import Rejected, ResourceServer
from scopegate.wsgi import ScopegateMiddleware, require, token

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    status, headers, body = "200 OK", [("Content-Type", "application/json")], b"null"
    if environ["PATH_INFO"] == "/mcp/write":
        try:
            body = json.dumps(require(environ, "write", "more").subject).encode()
        except Rejected as refusal:
            status, headers, body = f"{refusal.status} Refused", list(refusal.headers), refusal.body
    elif environ["PATH_INFO"] != "/open":
        read = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        seen = {"who": token(environ).subject, "body": read.decode(), "path": environ["PATH_INFO"]}
        body = json.dumps(seen).encode()
    start_response(status, [*headers, ("Content-Length", str(len(body)))])
    return [body]


gate = ResourceServer.from_json(os.environ["GATE"])
application = ScopegateMiddleware(answer, gate, public=["/open"], health="/healthz", scopes=["api"])

if __name__ == "__main__":
    import sys

    from werkzeug.serving import make_server

    make_server("127.0.0.1", int(sys.argv[1]), application, threaded=True).serve_forever()
