"""Flask routes behind Scopegate, with a check of a further scope in a handler."""
import os

from flask import Flask, request
from flask.typing import ResponseReturnValue

from scopegate import Rejected, ResourceServer
from scopegate.wsgi import ScopegateMiddleware, require, token

gate = ResourceServer(resource=os.environ["RESOURCE"], authorization_servers=[os.environ["ISSUER"]])
app = Flask(__name__)
app.wsgi_app = ScopegateMiddleware(app.wsgi_app, gate, public=["/healthz"])  # type: ignore[method-assign]


@app.errorhandler(Rejected)
def refuse(refusal: Rejected) -> ResponseReturnValue:
    return refusal.body, refusal.status, list(refusal.headers)


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/reports")
def read() -> dict[str, str | None]:
    return {"reader": token(request.environ).subject}


@app.post("/reports")
def create() -> dict[str, str | None]:
    return {"author": require(request.environ, "reports:write").subject}


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.environ["PORT"]))
