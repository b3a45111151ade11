"""``python -m scopegate explain``: what it reads, what it says, and its exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from scopegate import ResourceServer
from scopegate.testing import Issuer

RESOURCE = "https://mcp.example.com/mcp"
NOW = 1800000000
CALL = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "weather", "arguments": {}}})


class Scene:
    """A configuration in a file, and tokens for it."""

    def __init__(self, folder: Path, **members: Any) -> None:
        self.issuer = Issuer(RESOURCE)
        self.members: dict[str, Any] = {
            "resource": RESOURCE,
            "authorization_servers": [self.issuer.server()],
            **members,
        }
        self.config = folder / "scopegate.json"
        self.config.write_text(json.dumps(self.members))

    def token(self, **claims: Any) -> str:
        return self.issuer.mint(**{"iat": NOW - 60, "exp": NOW + 300, "scope": "mcp:read", **claims})

    def run(self, pasted: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(pasted, "--config", str(self.config), "--now", str(NOW), *arguments)


def run(pasted: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scopegate", "explain", *arguments]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SCOPEGATE_")}
    return subprocess.run(command, input=pasted, capture_output=True, text=True, env=clean | environment, timeout=60)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.parametrize(
    "form",
    [
        "{token}",
        "{token}\n",
        "Bearer {token}",
        "Authorization: Bearer {token}\n",
        "GET /mcp HTTP/1.1\nAuthorization: Bearer {token}\n\n",
    ],
)
def test_a_good_token_is_accepted_in_each_form(scene: Scene, form: str) -> None:
    done = scene.run(form.format(token=scene.token()))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Accepted.\n")


def test_a_refusal_is_told_as_the_library_tells_it(scene: Scene, tmp_path: Path) -> None:
    token = scene.token(aud="https://other.test/mcp")
    gate = ResourceServer(**scene.members)
    explanation = gate.explain(f"Bearer {token}", method="POST", target="/mcp", now=NOW)
    done = scene.run(token)
    assert (done.returncode, done.stdout) == (1, str(explanation))
    file = tmp_path / "token"
    file.write_text(token)
    assert scene.run("", "--token-file", str(file), "--json").stdout == explanation.to_json() + "\n"
    assert explanation.reason == "wrong_audience"


def test_the_body_and_scopes_are_taken_into_account(tmp_path: Path) -> None:
    scene = Scene(tmp_path, policy={"default": "deny", "tools": {"weather": ["mcp:read"]}})
    body = tmp_path / "body.json"
    body.write_text(CALL)
    assert scene.run(scene.token()).returncode == 2
    assert scene.run(scene.token(), "--body", str(body)).returncode == 0
    pasted = f"POST /mcp HTTP/1.1\r\nAuthorization: Bearer {scene.token()}\r\n\r\n{CALL}"
    assert scene.run(pasted).returncode == 0
    assert scene.run(pasted, "--scope", "a", "--scope", "b").returncode == 1
    assert scene.run(pasted, "--method", "GET", "--target", "/other").returncode == 0


def test_missing_keys_are_said(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.config.write_text(
        json.dumps(
            {
                "resource": RESOURCE,
                "authorization_servers": [{"issuer": "https://issuer.test", "jwks_uri": "http://127.0.0.1:1/"}],
            }
        )
    )
    asked = scene.run(scene.token())
    assert asked.returncode == 2
    assert asked.stderr.startswith("scopegate: no keys: https://issuer.test: connect")
    offline = scene.run(scene.token(), "--offline")
    assert (offline.returncode, offline.stderr) == (2, "")
    assert offline.stdout.startswith("Cannot tell before the issuer's keys are fetched.\n")


def test_the_environment_is_the_configuration(scene: Scene) -> None:
    done = run(scene.token(), "--now", str(NOW), SCOPEGATE_CONFIG_JSON=json.dumps(scene.members))
    assert (done.returncode, done.stderr) == (0, "")


def test_mistakes_are_told_and_no_token_is_repeated(scene: Scene) -> None:
    nothing = run("")
    assert nothing.returncode == 2
    assert "scopegate: no configuration: expected --config FILE" in nothing.stderr
    assert "scopegate: resource: required" in run("", SCOPEGATE_REQUIRED_SCOPES="a").stderr
    token = scene.token()
    for arguments in (
        [token],
        ["--token", token],
        [f"--token={token}"],
        ["--token-file", "/nowhere"],
        ["--now", "soon"],
    ):
        done = scene.run("", *arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert token[:12] not in done.stderr
        assert done.stderr != ""


def test_help_and_version_need_no_configuration() -> None:
    for arguments, said in [
        (["--version"], version("scopegate") + "\n"),
        (["--help"], "usage: python -m scopegate"),
        (["explain", "--help"], "exit status: 0 the request may pass, 1 it is refused"),
    ]:
        done = subprocess.run(
            [sys.executable, "-m", "scopegate", *arguments], capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")
        assert said in done.stdout


def test_the_documentation_shows_what_comes_out(tmp_path: Path) -> None:
    scene = Scene(tmp_path, required_scopes=["mcp:read"])
    done = scene.run(scene.token(aud=f"{RESOURCE}/"))
    page = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
    assert f"```text\n{done.stdout}```\n" in page
