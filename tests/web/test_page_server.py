"""The server of the page, without a browser and without the servers that its clients ask."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, get_args

import clients
import httpx2
import pytest
from clients import Client, Tool, World
from page_server import page
from reasons import sections
from recording import Recording, cut

from scopegate import Reason
from scopegate.testing import Issuer

ORIGIN = "http://127.0.0.1:8080"
RESOURCE = "http://127.0.0.1:8000/mcp"
CHOICE = {"client": "none", "tool": "weather"}
FILES = {
    "/": "text/html; charset=utf-8",
    "/page.css": "text/css; charset=utf-8",
    "/page.js": "text/javascript; charset=utf-8",
    "/icon.svg": "image/svg+xml",
    "/choices": "application/json",
    "/docs/reasons.md": "text/plain; charset=utf-8",
}


class AuthorizationServer:
    """Stands for the authorization server, which only runs of clients ask."""

    issuers: Mapping[str, str] = {"weather": "http://127.0.0.1:9000/weather"}


def asked(method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None) -> httpx2.Response:
    """What the page's server answers. Unless ``headers`` say otherwise the request is one of the page itself."""
    world: Any = World(AuthorizationServer(), RESOURCE, RESOURCE, Issuer(), Issuer())  # type: ignore[arg-type]

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(page(ORIGIN, world, {}))
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            own = {"Origin": ORIGIN} if method == "POST" else {}
            return await http.request(method, path, headers={**own, **(headers or {})}, json=body)

    return asyncio.run(ask())


def events(response: httpx2.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in response.text.splitlines()]


@pytest.fixture
def playing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Has the client ``none`` do something else."""

    def play(run: clients.Run) -> None:
        monkeypatch.setattr("page_server.CLIENTS", {"none": Client("", "", run)})

    return play


@pytest.mark.parametrize("path", FILES)
def test_every_file_of_the_page_is_served(path: str) -> None:
    response = asked("GET", path)
    assert (response.status_code, response.headers["content-type"]) == (200, FILES[path])


@pytest.mark.parametrize("path", ["/serve.py", "/../serve.py", "/static/page.js", "/docs/decisions.md", "/page.css/"])
def test_nothing_else_is_served(path: str) -> None:
    assert asked("GET", path).status_code == 404


@pytest.mark.parametrize("path", [*FILES, "/elsewhere"])
def test_every_answer_has_the_policy(path: str) -> None:
    assert asked("GET", path).headers["content-security-policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@pytest.mark.parametrize("host", ["evil.test", "evil.test:8080", "127.0.0.1", "127.0.0.1:8081", "localhost:8080", ""])
@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/choices"), ("POST", "/run")])
def test_a_name_that_leads_to_this_machine_reads_nothing(host: str, method: str, path: str) -> None:
    response = asked(method, path, {"Host": host}, CHOICE if method == "POST" else None)
    assert (response.status_code, response.text) == (421, "this page is served to this machine alone")
    assert "content-security-policy" in response.headers


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://127.0.0.1:8081", "http://localhost:8080", ""])
def test_another_origin_has_no_client_do_anything(origin: str) -> None:
    assert asked("POST", "/run", {"Origin": origin}, CHOICE).status_code == 403


def test_a_request_without_origin_has_no_client_do_anything() -> None:
    async def ask() -> httpx2.Response:
        world: Any = None
        transport = httpx2.ASGITransport(page(ORIGIN, world, {}))
        async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as http:
            return await http.post("/run", json=CHOICE)

    assert asyncio.run(ask()).status_code == 403


@pytest.mark.parametrize(
    "body",
    [None, [], "none", {}, {"client": "none"}, {"client": "none", "tool": "rm"}, {"client": ["none"], "tool": {}}],
)
def test_a_choice_that_is_none_is_refused(body: Any) -> None:
    assert asked("POST", "/run", body=body).status_code == 400


def test_a_form_of_another_page_is_no_choice() -> None:
    assert asked("POST", "/run", {"Content-Type": "text/plain"}, CHOICE).status_code == 400


def test_the_choices_are_the_clients_and_the_tools() -> None:
    choices = asked("GET", "/choices").json()
    assert [each["id"] for each in choices["clients"]] == list(clients.CLIENTS)
    assert [each["id"] for each in choices["tools"]] == list(clients.TOOLS)
    assert (choices["resource"], choices["issuer"]) == (RESOURCE, AuthorizationServer.issuers["weather"])


def test_every_reason_has_its_cause_and_its_cure() -> None:
    found = sections()
    assert set(found) == set(get_args(Reason))
    assert found["expired"].number == 5005
    assert asked("GET", "/choices").json()["reasons"]["expired"]["cause"] == found["expired"].cause
    assert all(section.cause and section.cure for section in found.values())


def test_a_run_ends_with_what_came_of_it(playing: Any) -> None:
    async def run(world: World, tool: Tool, recording: Recording) -> str:
        return f"called {tool.title}"

    playing(run)
    assert events(asked("POST", "/run", body=CHOICE)) == [{"type": "result", "text": "called weather"}]


def test_a_run_that_fails_says_so_without_a_word_of_the_error(playing: Any) -> None:
    async def run(world: World, tool: Tool, recording: Recording) -> str:
        raise ConnectionError("a secret")

    playing(run)
    assert events(asked("POST", "/run", body=CHOICE)) == [
        {"type": "failure", "text": "The demo itself failed: ConnectionError"}
    ]


def test_tokens_and_secrets_are_cut() -> None:
    token = Issuer().mint(scope="mcp:tools:weather")
    length = len(token)
    assert cut(f"Bearer {token}") == f"Bearer <token, {length} bytes>"
    assert cut(f"Bearer {token}, Bearer {token}") == f"Bearer <token, {length} bytes>, Bearer <token, {length} bytes>"
    assert cut(f'{{"access_token":"{token}"}}') == f'{{"access_token":"<token, {length} bytes>"}}'
    assert cut("Basic YTpi") == "Basic <client id and secret>"
    assert cut("basic YTpi") == "Basic <client id and secret>"
    assert cut("client_secret=s&scope=a") == "client_secret=<secret>&scope=a"
    assert cut("Sunny in Oslo") == "Sunny in Oslo"
