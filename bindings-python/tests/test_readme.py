"""The first screen of the repository's README: the program in it answers as it says there."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.testclient import TestClient

from scopegate import ResourceServer
from scopegate.asgi import ASGIApp
from scopegate.testing import Issuer

PACKAGE = Path(__file__).parent.parent
README = PACKAGE.parent / "README.md"
RESOURCE = "https://mcp.example.com/mcp"
ISSUER = "https://as.example.com"
METADATA = "https://mcp.example.com/.well-known/oauth-protected-resource/mcp"


def blocks(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(found) == text.count("```python") > 0
    return found


OPERATING = PACKAGE.parent / "docs" / "operating.md"


def test_first_screen_is_short() -> None:
    before_the_rest = README.read_text(encoding="utf-8").partition("\n---\n")[0]
    assert len(before_the_rest.rstrip().splitlines()) <= 40


def server(authorization_server: object) -> ASGIApp:
    """The program of the repository's README, whose tokens come from this authorization server."""
    program = blocks(README)[0]
    assert program.count('"https://as.example.com"') == 1
    names: dict[str, object] = {"authorization_server": authorization_server}
    exec(program.replace('"https://as.example.com"', "authorization_server"), names)
    app = names["app"]
    assert callable(app)
    return app


CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "weather", "arguments": {"city": "Oslo"}}}


def test_a_client_sees_the_answers_that_the_readme_shows() -> None:
    issuer = Issuer(RESOURCE)
    seen = []
    with TestClient(server(issuer.server()), base_url="https://mcp.example.com") as client:
        good, short = issuer.authorization(scope="mcp:weather"), issuer.authorization(scope="other")
        for name, lines in [
            ("no token", []),
            ("bad token", [issuer.authorization(scope="mcp:weather", expires_in=-60)]),
            ("scope missing", [short]),
            ("two credentials", [good, short]),
        ]:
            answer = client.post("/mcp", headers=[("Authorization", line) for line in lines], json=CALL)
            challenge = answer.headers["WWW-Authenticate"].replace(METADATA, "U")
            seen.append(f"{name:16}  {answer.status_code}  {challenge}")
    with TestClient(
        server({"issuer": ISSUER, "jwks_uri": "http://127.0.0.1:1/"}), base_url="https://mcp.example.com"
    ) as client:
        answer = client.post("/mcp", headers={"Authorization": Issuer(RESOURCE).authorization(iss=ISSUER)}, json=CALL)
        assert "WWW-Authenticate" not in answer.headers
        retry_after = answer.headers["Retry-After"]
        seen.append(f"keys unavailable  {answer.status_code}  no challenge, Retry-After: {retry_after}")
    assert "\n".join(seen) in README.read_text(encoding="utf-8")


def test_every_metric_is_in_the_table() -> None:
    gate = ResourceServer(resource=RESOURCE, authorization_servers=[ISSUER])
    families = re.findall(r"^# TYPE (\w+) ", gate.metrics(), re.MULTILINE)
    assert len(families) > 10
    text = OPERATING.read_text(encoding="utf-8")
    assert [name for name in families if f"`{name}`" not in text] == []
