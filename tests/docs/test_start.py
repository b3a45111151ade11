"""docs/start.md: its commands, on loopback, in their order, show what the page shows."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from pages import REPOSITORY, blocks

sys.path.insert(0, str(REPOSITORY / "bindings-python" / "tests"))
from wire import exchange, free_socket, http_request

PAGE = "docs/start.md"
AUTHSERVER = os.environ.get("SCOPEGATE_AUTHSERVER", str(REPOSITORY / "target/release/scopegate-authserver"))
START = 60.0
"""How long a server may take to start, on a machine that is busy."""


def exchanges() -> list[tuple[str, str]]:
    """Each command of the page with what it shows below."""
    found: list[tuple[str, str]] = []
    for block in blocks(PAGE):
        if block.language == "shell":
            for part in f"\n{block.text}".split("\n$ ")[1:]:
                command, _, shown = part.partition("\n")
                found.append((command, shown.rstrip("\n")))
    return found


@contextlib.contextmanager
def issuing(resource: str, folder: Path) -> Iterator[str]:
    """The issuer of the page, for this resource."""
    demo = (REPOSITORY / "authserver/examples/demo.json").read_text(encoding="utf-8")
    assert demo.count('"http://127.0.0.1:8000/mcp"') == 1
    (folder / "demo.json").write_text(demo.replace("http://127.0.0.1:8000/mcp", resource))
    command = [AUTHSERVER, "demo.json", "--exit-with-stdin"]
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        with server.stdin:
            yield json.loads(server.stdout.readline())["issuers"]["weather"]


@contextlib.contextmanager
def serving(environment: dict[str, str]) -> Iterator[None]:
    program = REPOSITORY / "bindings-python/examples/server_mcp.py"
    with subprocess.Popen([sys.executable, str(program)], env=os.environ | environment) as server:
        deadline = time.monotonic() + START
        try:
            while True:
                with contextlib.suppress(OSError):
                    exchange(int(environment["PORT"]), http_request("GET", "/"))
                    break
                assert server.poll() is None and time.monotonic() < deadline, "it did not start"
                time.sleep(0.05)
            yield
        finally:
            server.terminate()


def test_commands_show_what_the_page_shows(tmp_path: Path) -> None:
    with free_socket() as listener:
        port: int = listener.getsockname()[1]
    resource = f"http://127.0.0.1:{port}/mcp"
    with issuing(resource, tmp_path) as issuer:
        environment = {"RESOURCE": resource, "PORT": str(port), "ISSUER": issuer}
        script = "".join(f"{command.replace('8000', str(port))}\nprintf '\\n--\\n'\n" for command, _ in exchanges())
        with serving(environment):
            done = subprocess.run(
                ["bash", "-e"], input=script, capture_output=True, text=True, env=os.environ | environment
            )
    assert done.returncode == 0, done.stderr
    came = [part.strip() for part in done.stdout.replace("\r", "").split("\n--\n")][:-1]
    expected = [
        shown.replace("8000", str(port)).replace("http://127.0.0.1:40123/weather", issuer) for _, shown in exchanges()
    ]
    assert came == expected
    assert len([shown for shown in expected if shown]) == 4
