"""docs/deployment.md: the container, the manifest, the workers and the proxy do what the page says, on loopback."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pages import REPOSITORY, Block, blocks

sys.path.insert(0, str(REPOSITORY / "bindings-python" / "tests"))
from test_commands import git, pip_install
from visit import INITIALIZE
from wire import Answer, KeyServer, exchange, free_socket, http_request, key_server, serving

from scopegate import ResourceServer
from scopegate.mcp import protect
from scopegate.testing import Issuer

PAGE = "docs/deployment.md"
BLOCKS = list(blocks(PAGE))
ISSUER = "https://as.example.com"
START = 60.0
"""How long a server may take to start, on a machine that is busy."""

CALL = json.dumps(INITIALIZE).encode()
ACCEPT = ("Content-Type: application/json", "Accept: application/json, text/event-stream")


def the(language: str, holds: str = "") -> Block:
    (found,) = [block for block in BLOCKS if block.language == language and holds in block.text]
    return found


MANIFESTS: list[dict[str, Any]] = list(yaml.safe_load_all(the("yaml").text))
DEPLOYMENT = next(manifest for manifest in MANIFESTS if manifest["kind"] == "Deployment")
POD = DEPLOYMENT["spec"]["template"]["spec"]
CONFIGURATION = next(manifest for manifest in MANIFESTS if manifest["kind"] == "ConfigMap")["data"]["scopegate.json"]


@pytest.fixture
def issuer() -> Issuer:
    return Issuer(json.loads(CONFIGURATION)["resource"])


@pytest.fixture
def keys(issuer: Issuer) -> Iterator[KeyServer]:
    with key_server(json.dumps(dict(issuer.server())["jwks"]).encode()) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, issuer: Issuer, keys: KeyServer) -> Path:
    """The working directory of the container, with the configuration of the manifest, but for where the keys are."""
    configuration = json.loads(CONFIGURATION)
    assert configuration["authorization_servers"] == [ISSUER]
    configuration["authorization_servers"] = [{"issuer": issuer.issuer, "jwks_uri": keys.jwks_uri}]
    (tmp_path / "scopegate.json").write_text(json.dumps(configuration))
    (tmp_path / "server.py").write_text(the("python", "mcp.tool(meta=").text)
    (tmp_path / "export_keys.py").write_text(the("python", "def export(").text)
    return tmp_path


@contextlib.contextmanager
def running(words: list[str], folder: Path, environment: dict[str, str]) -> Iterator[int]:
    """A command of the page, on loopback and a free port."""
    with free_socket() as listener:
        port: int = listener.getsockname()[1]
    words = [word.replace("0.0.0.0", "127.0.0.1").replace("8000", str(port)) for word in words]
    process = subprocess.Popen(words, cwd=folder, env=os.environ | environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + START
    try:
        while True:
            with contextlib.suppress(OSError):
                exchange(port, http_request("GET", "/healthz"))
                break
            assert process.poll() is None and time.monotonic() < deadline, "it did not start"
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        _, log = process.communicate(timeout=START)
    assert "Traceback" not in log, log


def ask(port: int, *lines: str, target: str = "/mcp") -> Answer:
    return exchange(port, http_request("POST", target, *ACCEPT, *lines, body=CALL, host="mcp.example.com"))


def assert_that_it_guards(port: int, issuer: Issuer) -> None:
    refused = ask(port)
    assert refused.status == 401
    assert 'resource_metadata="' in (refused.header("www-authenticate") or "")
    assert ask(port, f"Authorization: {issuer.authorization(sub='alice')}").status == 200


def instructions() -> list[tuple[str, str]]:
    text = the("dockerfile").text.replace("\\\n", " ")
    return [(line.partition(" ")[0], line.partition(" ")[2]) for line in text.splitlines() if line]


def test_image_is_made_of_what_there_is() -> None:
    known = {"FROM", "RUN", "COPY", "WORKDIR", "USER", "EXPOSE", "CMD"}
    assert {name for name, _ in instructions()} == known
    assert instructions()[0][0] == "FROM"
    for name, rest in instructions():
        if name == "RUN":
            for words in (shlex.split(command) for command in rest.split("&&")):
                if words[0] == "git":
                    git(words[1:], the("dockerfile"))
                elif words[0] == "/app/bin/pip":
                    pip_install(words[1:], the("dockerfile"))
                else:
                    assert words[0] in ("apt-get", "python3", "rm"), words
    assert ("USER", str(POD["securityContext"]["runAsUser"])) in instructions()
    (port,) = [int(rest) for name, rest in instructions() if name == "EXPOSE"]
    assert port == POD["containers"][0]["ports"][0]["containerPort"]
    rust = re.search(r'^rust-version = "(.+)"$', (REPOSITORY / "Cargo.toml").read_text(), re.MULTILINE)
    assert rust and f"rust:{rust[1]}-" in instructions()[0][1]


def test_manifest_names_what_there_is() -> None:
    ResourceServer.from_json(CONFIGURATION)
    health = re.search(r'health="([^"]+)"', the("python", "mcp.tool(meta=").text)
    for container in [*POD["initContainers"], *POD["containers"]]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        volumes = {volume["name"] for volume in POD["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        mounts = [mount["mountPath"] for mount in container["volumeMounts"]]
        for variable in container["env"]:
            assert f'"{variable["name"]}"' in (REPOSITORY / "core/src/config/environment.rs").read_text()
            assert any(variable["value"].startswith(f"{mount}/") for mount in mounts)
    (container,) = POD["containers"]
    ports = {port["name"] for port in container["ports"]}
    for probe in ("livenessProbe", "readinessProbe"):
        assert health and container[probe]["httpGet"]["path"] == health[1]
        assert container[probe]["httpGet"]["port"] in ports
    (rules,) = [manifest["spec"]["egress"] for manifest in MANIFESTS if manifest["kind"] == "NetworkPolicy"]
    assert {port["port"] for rule in rules for port in rule["ports"]} == {53, 443}
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    selectors = [
        DEPLOYMENT["spec"]["selector"],
        *(m["spec"]["podSelector"] for m in MANIFESTS if "podSelector" in str(m)),
    ]
    assert all(selector["matchLabels"] == labels for selector in selectors)


def test_pod_starts_with_the_keys_of_the_volume_while_the_issuer_is_down(
    folder: Path, issuer: Issuer, keys: KeyServer
) -> None:
    in_pod = {"/etc/scopegate": str(folder), "/keys": str(folder), "/app/bin/python": sys.executable}

    def here(text: str) -> str:
        for path, place in in_pod.items():
            if text == path or text.startswith(f"{path}/"):
                return place + text.removeprefix(path)
        return text

    (before,), (container,) = POD["initContainers"], POD["containers"]
    environment = {variable["name"]: here(variable["value"]) for variable in before["env"]}
    export = [here(word) for word in before["command"]]
    subprocess.run(export, cwd=folder, env=os.environ | environment, check=True)
    assert keys.requests == ["/jwks"]
    keys.status = 503
    again = subprocess.run(export, cwd=folder, env=os.environ | environment, check=True, stderr=subprocess.PIPE)
    assert again.stderr
    fetched = len(keys.requests)
    (command,) = [json.loads(rest) for name, rest in instructions() if name == "CMD"]
    environment = {variable["name"]: here(variable["value"]) for variable in container["env"]}
    there = {path.name for path in folder.iterdir()} | {"__pycache__"}
    with running([here(word) for word in command], folder, environment) as port:
        assert_that_it_guards(port, issuer)
        assert exchange(port, http_request("GET", "/healthz")).status == 200
    assert len(keys.requests) == fetched
    assert {path.name for path in folder.iterdir()} <= there


def command(name: str) -> list[str]:
    return [sys.executable, "-m", *shlex.split(the("sh", f"{name} ").text)]


def test_forked_workers_keep_the_keys_of_their_parent(folder: Path, issuer: Issuer, keys: KeyServer) -> None:
    (folder / "server.py").write_text(the("python", "from flask").text)
    with running(command("gunicorn"), folder, {"SCOPEGATE_CONFIG": str(folder / "scopegate.json")}) as port:
        for _ in range(8):
            assert_that_it_guards(port, issuer)
    assert keys.requests == ["/jwks"]


def test_spawned_workers_fetch_for_themselves(folder: Path, issuer: Issuer, keys: KeyServer) -> None:
    with running(command("uvicorn"), folder, {"SCOPEGATE_CONFIG": str(folder / "scopegate.json")}) as port:
        for _ in range(8):
            assert_that_it_guards(port, issuer)
    assert keys.requests in (["/jwks"], ["/jwks"] * 2)


def of_gateway(resource: str, **headers: str) -> dict[str, Any]:
    """An event of API Gateway (payload format 2.0) for one MCP request."""
    host, path = resource.removeprefix("https://").split("/", 1)
    lines = dict(line.lower().split(": ", 1) for line in ACCEPT)
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": f"/{path}",
        "rawQueryString": "",
        "headers": {"host": host, "x-forwarded-proto": "https", **lines, **headers},
        "requestContext": {
            "domainName": host,
            "http": {"method": "POST", "path": f"/{path}", "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7"},
            "requestId": "1",
            "stage": "$default",
        },
        "body": CALL.decode(),
        "isBase64Encoded": False,
    }


def test_lambda_function_begins_with_the_keys_that_were_exported_for_it_and_answers_events(
    folder: Path, issuer: Issuer, keys: KeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = json.loads((folder / "scopegate.json").read_text()) | {"keys": {"background_refresh": False}}
    (folder / "scopegate.json").write_text(json.dumps(configuration))
    monkeypatch.setenv("SCOPEGATE_CONFIG", str(folder / "scopegate.json"))
    subprocess.run([sys.executable, "export_keys.py", "keys.json"], cwd=folder, check=True)
    assert keys.requests == ["/jwks"]
    keys.status = 503
    monkeypatch.setenv("SCOPEGATE_KEY_SNAPSHOT", str(folder / "keys.json"))
    function: dict[str, Any] = {}
    exec(the("python", "mangum").text, function)
    handler, resource = function["handler"], function["gate"].resource
    good = issuer.authorization(sub="alice")
    for _ in range(2):
        refused = handler(of_gateway(resource), None)
        assert refused["statusCode"] == 401
        assert 'resource_metadata="' in refused["headers"]["www-authenticate"]
        answer = handler(of_gateway(resource, authorization=good), None)
        assert answer["statusCode"] == 200
        assert json.loads(answer["body"])["result"]["serverInfo"]["name"] == "Weather"
    twice = handler(of_gateway(resource, authorization=f"{good},{good}"), None)
    assert twice["statusCode"] == 400
    assert keys.requests == ["/jwks"]


class Proxy(http.server.BaseHTTPRequestHandler):
    """Plays the part of nginx: exact locations alone; a path of ``proxy_pass`` stands in the place of the location."""

    locations: dict[str, tuple[int, str | None]]

    def do_GET(self) -> None:
        self._pass()

    def do_POST(self) -> None:
        self._pass()

    def _pass(self) -> None:
        port, path = self.locations[self.path]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        behind = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        behind.request(self.command, path or self.path, body, dict(self.headers.items()) | {"Connection": "close"})
        answer = behind.getresponse()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer.read())
        behind.close()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def proxied(port: int) -> Iterator[int]:
    """The block for nginx, played in front of this port."""
    locations: dict[str, tuple[int, str | None]] = {}
    for place, body in re.findall(r"location = (\S+) \{(.*?)\n  \}", the("nginx").text, re.DOTALL):
        passed = re.search(r"proxy_pass http://127\.0\.0\.1:8000(/\S*)?;", body)
        assert passed and "proxy_set_header Host $host;" in body
        locations[place] = (port, passed[1])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Here", (Proxy,), {"locations": locations}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_clients_find_everything_behind_a_proxy_that_strips_a_prefix() -> None:
    from mcp.server.mcpserver import MCPServer

    resource = "https://mcp.example.com/tools/mcp"
    issuer = Issuer(resource)
    gate = ResourceServer(resource=resource, authorization_servers=[issuer.server()])
    with serving(protect(MCPServer("Weather"), gate, path="/mcp")) as behind, proxied(behind) as port:
        refused = ask(port, target="/tools/mcp")
        assert refused.status == 401
        named = re.search(
            r'resource_metadata="https://mcp\.example\.com([^"]+)"', refused.header("www-authenticate") or ""
        )
        assert named
        document = exchange(port, http_request("GET", named[1], host="mcp.example.com"))
        assert json.loads(document.body)["resource"] == gate.resource
        good = ask(port, f"Authorization: {issuer.authorization()}", target="/tools/mcp")
        assert good.status == 200
