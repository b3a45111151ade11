"""The code blocks of the READMEs are programs that type-check and run, and answer as the repository's README says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from scopegate import ConfigError, ResourceServer
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
PAGES = (README, PACKAGE / "README.md", OPERATING)
PROGRAMS = [(path.parent.name, block) for path in PAGES for block in blocks(path)]


@pytest.mark.parametrize("block", [block for _, block in PROGRAMS], ids=range(len(PROGRAMS)))
def test_block_is_strictly_typed_and_runs(block: str, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(block, encoding="utf-8")
    type_check = ["-m", "mypy", "--strict", "--cache-dir", str(PACKAGE / ".mypy_cache"), str(program)]
    for command in (type_check, ["-c", "import program"]):
        done = subprocess.run([sys.executable, *command], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


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


def test_every_setting_is_in_the_table() -> None:
    with pytest.raises(ConfigError) as caught:
        ResourceServer.from_json("{}")
    assert {mistake.path for mistake in caught.value.errors} == {"resource", "authorization_servers"}
    schema = (PACKAGE.parent / "core" / "config.schema.json").read_text(encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    settings = re.findall(r'^    "(\w+)": \{$', schema.partition('"$defs"')[0], re.MULTILINE)
    assert len(settings) > 20
    missing = [name for name in settings if f"`{name}`" not in text]
    assert missing == []


def test_every_metric_is_in_the_table() -> None:
    gate = ResourceServer(resource=RESOURCE, authorization_servers=[ISSUER])
    families = re.findall(r"^# TYPE (\w+) ", gate.metrics(), re.MULTILINE)
    assert len(families) > 10
    text = OPERATING.read_text(encoding="utf-8")
    assert [name for name in families if f"`{name}`" not in text] == []
