"""Scopes that stand beside the tools, and what the policy forgot, behind the servers of the SDKs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
import uvicorn
from conftest import RESOURCE
from example_server import running
from fastmcp import Context, FastMCP, FastMCPApp
from fastmcp.server.auth import require_scopes
from fastmcp.server.providers.addressing import hashed_backend_name
from fastmcp.server.transforms.search import RegexSearchTransform
from hosts import JSON, MODERN, bearer, client, initialize, message, post, tool
from mcp.server.mcpserver import MCPServer
from starlette.routing import Mount, Router
from starlette.testclient import TestClient
from wire import Answer, exchange, free_socket, http_request, serving

from scopegate import ConfigError, Policy, ResourceServer
from scopegate._adapter import Gate
from scopegate.asgi import ASGIApp, Receive, Scope, Send
from scopegate.fastmcp import Scopegate
from scopegate.fastmcp import list_filter as fastmcp_list_filter
from scopegate.mcp import Protected, list_filter, protect
from scopegate.testing import Issuer

Declared = dict[str, Any]
"""Tool -> what its meta declares; ``None`` declares nothing."""


def meta(declared: Any) -> dict[str, Any] | None:
    return None if declared is None else {"scopegate/scopes": declared, "other": 1}


def plans() -> str:
    return "plans"


class Official:
    """The official SDK's server."""

    def __init__(self, gate: Gate, tools: Declared, strict: bool = False) -> None:
        self.mcp: MCPServer[Any] = MCPServer("Stage", middleware=[list_filter()])
        for name, declared in tools.items():
            self.add(name, declared)
        self.mcp.resource("file:///a/plans", name="plans", meta=meta(["plans"]))(plans)
        self.protected: Protected = protect(self.mcp, gate, strict=strict, stateless_http=True)
        self.app: ASGIApp = self.protected

    def add(self, name: str, declared: Any) -> None:
        self.mcp.add_tool(lambda: "ran", name=name, meta=meta(declared))

    async def refresh(self) -> None:
        await self.protected.refresh()

    @property
    def gate(self) -> ResourceServer:
        return self.protected.gate


class Fast:
    """FastMCP's."""

    def __init__(self, gate: Gate, tools: Declared, strict: bool = False) -> None:
        self.auth = Scopegate(gate, strict=strict)
        self.mcp = FastMCP("Stage", auth=self.auth, middleware=[fastmcp_list_filter()])
        for name, declared in tools.items():
            self.add(name, declared)
        self.mcp.resource("file:///a/plans", meta=meta(["plans"]))(plans)
        self.app: ASGIApp = cast(ASGIApp, self.mcp.http_app(path="/mcp", stateless_http=True))

    def add(self, name: str, declared: Any) -> None:
        def run() -> str:
            return "ran"

        self.mcp.tool(run, name=name, meta=meta(declared))

    async def refresh(self) -> None:
        await self.auth.refresh()

    @property
    def gate(self) -> ResourceServer:
        return self.auth.gate


Host = Callable[..., "Official | Fast"]
OFFICIAL_AND_FAST = pytest.mark.parametrize("host", [Official, Fast])


@pytest.fixture
def configured(issuer: Issuer) -> Callable[..., ResourceServer]:
    def make(default: Any = (), **tools: Any) -> ResourceServer:
        policy: Policy = {
            "default": default if default == "deny" else list(default),
            "methods": {"tools/list": [], "resources/read": []},
            "tools": tools,
        }
        return ResourceServer(resource=RESOURCE, authorization_servers=[issuer.server()], policy=policy)

    return make


def need(answer: Answer) -> str | None:
    """The need that a 403 names, ``deny`` when it names none, ``None`` for what passes."""
    if answer.status == 200:
        return None
    assert answer.status == 403
    told = json.loads(answer.body)["error"]["data"]
    return cast(str, told.get("scope", "deny"))


def called(port: int, issuer: Issuer, name: str, scope: str = "x") -> str | None:
    return need(post(port, bearer(issuer, scope=scope), body=tool(name)))


@OFFICIAL_AND_FAST
def test_declared_scopes_join_the_rules(host: Host, issuer: Issuer, configured: Any) -> None:
    tools = {"free": None, "mail": ["mail"], "both": ["more", "rule"], "off": "deny", "denied": ["mail"], "open": []}
    gate = configured(default=["base"], both=["rule"], denied="deny", free=[])
    with serving(host(gate, tools).app) as port:
        expected = {"free": None, "mail": "mail", "both": "rule more", "off": "deny", "denied": "deny", "open": None}
        assert {name: called(port, issuer, name) for name in tools} == expected
        assert called(port, issuer, "both", "rule more") is None
        assert called(port, issuer, "unknown") == "base"
        listed = post(port, bearer(issuer, scope="mail"), body=message("tools/list"))
        text = listed.body.decode()
        assert ['"name":"mail"' in text, '"name":"both"' in text, '"name":"off"' in text] == [True, False, False]
        read = message("resources/read", uri="file:///a/plans")
        assert need(post(port, bearer(issuer), body=read)) == "plans"
        assert need(post(port, bearer(issuer, scope="plans"), body=read)) is None


@OFFICIAL_AND_FAST
def test_declaration_is_enforced_where_there_is_no_policy(host: Host, issuer: Issuer, gate: ResourceServer) -> None:
    with serving(host(gate, {"free": None, "mail": ["mail"]}).app) as port:
        assert [called(port, issuer, name) for name in ("free", "mail")] == [None, "mail"]


@OFFICIAL_AND_FAST
def test_joined_gate_counts_its_own_decisions(host: Host, issuer: Issuer, configured: Any) -> None:
    gate = configured()
    stage = host(gate, {"free": None})
    with serving(stage.app) as port:
        assert called(port, issuer, "free") is None
        assert stage.gate is not gate and stage.gate.stats()["accepted"] == 1


def test_counters_go_on_where_nothing_is_declared(configured: Any) -> None:
    gate = configured()
    official, fast = protect(MCPServer("Plain"), gate), Scopegate(gate)
    for app in (official, FastMCP("Plain", auth=fast).http_app()):
        with serving(cast(ASGIApp, app)):
            assert official.gate is fast.gate is gate


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "scopegate"]


FORGOTTEN = [
    "policy: policy.tools.wether: matches no tool that is offered",
    "policy: tools.forecast: has no rule, so by default it needs no scope",
    "policy: tools.weather: has no rule, so by default it needs no scope",
]


@OFFICIAL_AND_FAST
def test_what_the_policy_forgot_is_told_at_the_start(
    host: Host, configured: Any, caplog: pytest.LogCaptureFixture
) -> None:
    tools = {"weather": None, "forecast": None, "mail": ["mail"], "send_one": None}
    gate = configured(**{"wether": ["w"], "send_*": ["mail"]})
    with caplog.at_level(logging.WARNING, "scopegate"), serving(host(gate, tools).app):
        assert lines(caplog) == FORGOTTEN


@OFFICIAL_AND_FAST
def test_fitting_policy_is_silent_and_starts_when_strict(
    host: Host, configured: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = host(configured(weather=["w"]), {"weather": None, "mail": ["m"]}, strict=True).app
    with caplog.at_level(logging.WARNING, "scopegate"), serving(app):
        assert lines(caplog) == []


def starts(app: ASGIApp) -> bool:
    """Whether uvicorn, left to its defaults, serves the application."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    listener = free_socket()

    def run() -> None:
        with contextlib.suppress(SystemExit):
            server.run(sockets=[listener])

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive() and not server.started:
        thread.join(0.01)
    began = server.started
    server.should_exit = True
    thread.join()
    listener.close()
    return began


@OFFICIAL_AND_FAST
def test_strict_server_refuses_to_start_and_names_each(host: Host, configured: Any) -> None:
    stage = host(configured(wether=["w"]), {"weather": None, "forecast": None}, strict=True)
    with pytest.raises(ConfigError) as refused, TestClient(stage.app):
        pass
    found = [f"policy: {path}: {message}" for path, message in refused.value.errors]
    assert found == FORGOTTEN
    assert not starts(host(configured(wether=["w"]), {}, strict=True).app)
    assert starts(host(configured(wether=["w"]), {}).app)


WRONG: list[Any] = ["mail", [1], {"a": 1}, ["not a scope"], ["offline_access"], 7, [object()]]


@OFFICIAL_AND_FAST
@pytest.mark.parametrize("declared", WRONG)
def test_scopes_that_are_none_keep_the_server_from_starting(host: Host, configured: Any, declared: Any) -> None:
    with pytest.raises(ConfigError), TestClient(host(configured(), {"weather": declared}).app):
        pass


@OFFICIAL_AND_FAST
def test_template_with_scopes_is_refused_since_only_a_pattern_covers_it(host: Host, configured: Any) -> None:
    stage = host(configured(), {})

    @stage.mcp.resource("note:///{name}", meta=meta(["notes"]))
    def note(name: str) -> str:
        return name

    with pytest.raises(ConfigError, match="pattern"), TestClient(stage.app):
        pass


@OFFICIAL_AND_FAST
def test_application_without_a_lifespan_lists_at_its_first_request(host: Host, issuer: Issuer, configured: Any) -> None:
    """Mounted where the parent runs the server's lifespan, and not ours."""
    stage = host(configured(), {"mail": ["mail"]})
    router = Router([Mount("/", stage.app)])

    async def parent(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await router(scope, receive, send)
            return
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})

    with serving(parent) as port:
        assert called(port, issuer, "mail") == "mail"


@OFFICIAL_AND_FAST
def test_later_tools_fall_to_default_until_the_server_is_listed_again(
    host: Host, issuer: Issuer, configured: Any
) -> None:
    stage = host(configured(default=["base"]), {"free": []})
    with serving(stage.app) as port:
        stage.add("late", ["late"])
        assert called(port, issuer, "late") == "base"
        asyncio.run(stage.refresh())
        assert called(port, issuer, "late") == "late"
        stage.add("broken", ["not a scope"])
        with pytest.raises(ConfigError, match="broken"):
            asyncio.run(stage.refresh())
        assert called(port, issuer, "late") == "late"


@OFFICIAL_AND_FAST
def test_declarations_join_whatever_gate_is_the_current_one(host: Host, issuer: Issuer, configured: Any) -> None:
    current = [configured()]
    stage = host(lambda: current[0], {"mail": ["mail"], "free": None}, strict=False)
    with serving(stage.app) as port:
        assert called(port, issuer, "mail") == "mail"
        current[0] = configured(mail=["new"], free=["free"])
        assert [called(port, issuer, name) for name in ("mail", "free")] == ["new mail", "free"]


class TestFastMcp:
    """What is FastMCP's own."""

    def test_its_own_scopes_step_up_too_and_other_checks_stay_its_own(self, issuer: Issuer, configured: Any) -> None:
        stage = Fast(configured(), {})

        @stage.mcp.tool(auth=require_scopes("b", "a"), meta=meta(["c"]))
        def guarded() -> str:
            return "ran"

        @stage.mcp.tool(auth=[require_scopes("d"), lambda ctx: False], meta=meta("deny"))
        def never() -> str:
            return "ran"

        @stage.mcp.tool(auth=lambda ctx: False)
        def checked() -> str:
            return "ran"

        @stage.mcp.prompt(auth=require_scopes("p"))
        def greet() -> str:
            return "Hello"

        with serving(stage.app) as port:
            assert called(port, issuer, "guarded") == "c a b"
            assert called(port, issuer, "guarded", "a b c") is None
            assert called(port, issuer, "never") == "deny"
            answer = post(port, bearer(issuer), body=tool("checked"))
            assert (answer.status, b"ran" in answer.body) == (200, False)
            assert need(post(port, bearer(issuer), body=message("prompts/get", name="greet"))) == "p"

    @pytest.mark.parametrize("declared", WRONG)
    def test_its_own_scopes_hide_no_declaration_that_is_none(self, configured: Any, declared: Any) -> None:
        stage = Fast(configured(), {})
        stage.mcp.tool(plans, auth=require_scopes("own"), meta=meta(declared))
        with pytest.raises(ConfigError), TestClient(stage.app):
            pass

    @pytest.mark.parametrize("namespace", [None, "in"])
    def test_second_name_of_a_tool_is_judged_as_the_one_that_is_listed(
        self, issuer: Issuer, configured: Any, namespace: str | None
    ) -> None:
        listed = "erase" if namespace is None else f"{namespace}_erase"
        ran = []
        app, inner = FastMCPApp("Crm"), FastMCP("Inner")

        @app.tool()
        def erase() -> str:
            ran.append("erase")
            return "ran"

        inner.add_provider(app)
        for rule, scope, runs in (("deny", "admin", False), (["admin"], "other", False), (["admin"], "admin", True)):
            stage = Fast(configured(**{listed: rule}), {})
            stage.mcp.mount(inner, namespace=namespace)
            with serving(stage.app) as port:
                answer = post(port, bearer(issuer, scope=scope), body=tool(hashed_backend_name("Crm", "erase")))
                assert (answer.status, b"Unknown tool" in answer.body, bool(ran)) == (200, not runs, runs)

    def test_tool_that_calls_others_reaches_what_its_caller_may_use(self, issuer: Issuer, configured: Any) -> None:
        unfiltered = FastMCP("Stage", auth=Scopegate(configured(erase="deny", mail=["mail"])))
        for name in ("erase", "mail"):
            unfiltered.tool(lambda: "ran", name=name)
        unfiltered.add_transform(RegexSearchTransform())
        with serving(cast(ASGIApp, unfiltered.http_app(path="/mcp", stateless_http=True))) as port:
            for name, scope, runs in (("erase", "mail", False), ("mail", "other", False), ("mail", "mail", True)):
                answer = post(port, bearer(issuer, scope=scope), body=tool("call_tool", name=name))
                assert (answer.status, b'"ran"' in answer.body) == (200, runs)

    def test_disabled_tools_declare_too_since_a_session_may_enable_them(self, issuer: Issuer, configured: Any) -> None:
        stage = Fast(configured(), {"hidden": ["hidden"]})
        stage.mcp.disable(names={"hidden"})
        stage.mcp.mount(inner := FastMCP("Inner"), namespace="in")
        inner.tool(plans, meta=meta(["inner"]))
        inner.disable(names={"plans"})

        @stage.mcp.tool
        async def show(context: Context) -> str:
            await context.enable_components(names={"hidden"})
            return "shown"

        with serving(cast(ASGIApp, stage.mcp.http_app(path="/mcp"))) as port:
            assert called(port, issuer, "hidden") == "hidden"
            opened = post(port, bearer(issuer), body=initialize())
            session = f"Mcp-Session-Id: {opened.header('mcp-session-id')}"
            assert b"shown" in post(port, bearer(issuer), session, body=tool("show")).body
            assert need(post(port, bearer(issuer), session, body=tool("hidden"))) == "hidden"
            granted = bearer(issuer, scope="hidden")
            assert b"shown" in post(port, granted, session, body=tool("show")).body
            assert b"ran" in post(port, granted, session, body=tool("hidden")).body

    def test_mounted_servers_declare_under_their_prefix(self, issuer: Issuer, configured: Any) -> None:
        stage, inner = Fast(configured(), {}), FastMCP("Inner")

        @inner.tool(meta=meta(["inner"]))
        def secret() -> str:
            return "secret"

        stage.mcp.mount(inner, namespace="in")

        @inner.tool(auth=require_scopes("own"), meta=meta(["declared"]))
        def guarded() -> str:
            return "guarded"

        @inner.tool(auth=require_scopes("own"))
        def theirs() -> str:
            return "theirs"

        with serving(stage.app) as port:
            assert called(port, issuer, "in_secret") == "inner"
            assert called(port, issuer, "in_guarded") == "declared"
            # FastMCP does not tell the server in front of the check, and makes it itself.
            refused = post(port, bearer(issuer), body=tool("in_theirs"))
            assert (refused.status, b"isError" in refused.body or b"error" in refused.body) == (200, True)
            assert b'"text":"theirs"' not in refused.body

    async def test_before_the_start_there_is_nothing_to_list(self, configured: Any) -> None:
        gate = configured()
        auth = Scopegate(gate)
        await auth.refresh()
        assert auth.gate is gate

    def test_routes_beside_the_server_stay_open(self, issuer: Issuer, configured: Any) -> None:
        stage = Fast(configured(), {"mail": ["mail"]})
        with serving(stage.app) as port:
            assert exchange(port, http_request("GET", "/other")).status == 404
            lines = (*JSON, bearer(issuer), f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: initialize")
            assert exchange(port, http_request("POST", "/mcp", *lines, body=initialize())).status < 500


async def test_example_server_runs_as_it_stands(issuer: Issuer) -> None:
    with running("server_declared.py", issuer, "/mcp") as example:

        async def pay(scope: str, amount: int) -> str:
            async with client(example.port, issuer.headers(**example.claims, scope=scope)) as connected:
                result = await connected.call_tool("pay", {"account": "a", "amount": amount})
            return cast(str, result.content[0].text)  # type: ignore[union-attr]

        async with client(example.port, issuer.headers(**example.claims, scope="bank:read")) as connected:
            assert [tool.name for tool in (await connected.list_tools()).tools] == ["balance"]
        assert await pay("bank:pay", 1000) == "Paid 1000 to a"
        assert await pay("bank:pay bank:pay:large", 1001) == "Paid 1001 to a"
        lines = ("Authorization: " + issuer.authorization(**example.claims, scope="bank:pay"),)
        answer = post(
            example.port, *lines, body=tool("pay", account="a", amount=1001), host=f"127.0.0.1:{example.port}"
        )
        assert need(answer) == "bank:pay bank:pay:large"
