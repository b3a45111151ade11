"""`require`: a further need on a verified token. `allowed`: which tools, prompts and resources a token may use."""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..suite import OK, Suite, config, request, server
from ..tokens import token

SHORT = "insufficient_scope"
METADATA = "https://mcp.test/.well-known/oauth-protected-resource/mcp"


def suite() -> Suite:
    result = Suite("require_and_allowed")
    _require_scopes(result)
    _require_calls(result)
    _allowed(result)
    _allowed_joins(result)
    _allowed_kinds(result)
    return result


def _then(method: str = "POST", **members: Any) -> dict[str, Any]:
    return {"method": method, "target": "/mcp", **members}


def _require_scopes(suite: Suite) -> None:
    members: dict[str, Any] = {"scope_implications": {"admin": ["write"]}, "scope_wildcards": True}
    configuration = config(required_scopes=["r"], scopes_supported=["known"], **members)
    group = suite.group("A further need without a policy.", configuration)
    for id, comment, scope, then, faults in (
        ("covered", "The token holds it.", "r write", _then(scopes=["write"]), OK),
        ("implied", "The token implies it.", "r admin", _then(scopes=["write"]), OK),
        ("wildcard", "A wildcard covers it.", "r mcp:*", _then(scopes=["mcp:x"]), OK),
        ("nothing", "Nothing further.", "r", _then(), OK),
        ("short", "The token lacks it.", "r", _then("GET", scopes=["write"]), SHORT),
        ("one-of-two", "The token lacks one of two.", "r a", _then("GET", scopes=["a", "b"]), SHORT),
        ("unread-body", "A handler need not hand the body in again.", "r", _then(scopes=["write"]), SHORT),
        ("no-body", "A POST without a body.", "r", _then(scopes=["write"], body=""), SHORT),
        ("bad-scopes", "A scope that breaks the grammar.", "r", _then(scopes=["a b"]), ["internal", SHORT]),
        ("offline-access", "`offline_access` can never be asked for.", "r offline_access", _then(scopes=["offline_access"]), "internal"),
    ):
        group.require(f"require-{id}", comment, request(token(scope=scope), "GET"), then, faults, ["MCP-RS-31"])
    challenge = f'Bearer error="insufficient_scope", scope="r write known", resource_metadata="{METADATA}", error_description="Required scope: r write"'
    data = {"error": "insufficient_scope", "error_description": "Required scope: r write", "scope": "r write"}
    body = rpc.forbidden("Required scope: r write", 3, data)
    then = _then(scopes=["write"], body=rpc.tool_call("x", 3))
    comment = "The whole need, what is granted and known, and the id of the call."
    group.require(
        "require-whole", comment, request(token(scope="known r"), "GET"), then, SHORT, ["MCP-RS-33"], www_authenticate=challenge, body=body
    )


def _require_calls(suite: Suite) -> None:
    policy = {"default": "deny", "tools": {"weather": ["w"], "erase": "deny"}}
    group = suite.group("A further need under a policy.", config(required_scopes=["r"], policy=policy))
    first = request(token(scope="r w"), body="")
    short = request(token(scope="r"), body="")
    for id, comment, what, then, faults in (
        ("covered", "A call that the token covers.", first, _then(calls=[{"method": "tools/call", "name": "weather", "id": 1}]), OK),
        ("short", "A call that it does not cover.", short, _then(calls=[{"method": "tools/call", "name": "weather", "id": 1}]), SHORT),
        (
            "denied",
            "A call that the policy denies.",
            first,
            _then(calls=[{"method": "tools/call", "name": "erase", "id": 1}]),
            "policy_denied",
        ),
        ("default", "A method without an entry.", first, _then(calls=[{"method": "tools/list", "id": 1}]), "policy_denied"),
        ("body", "A call in a body.", short, _then(body=rpc.tool_call("weather")), SHORT),
        ("body-covered", "A call in a body.", first, _then(body=rpc.tool_call("weather")), OK),
        ("malformed", "An unreadable call.", first, _then(body="{"), "malformed_call"),
        ("unread", "Without the body the scopes alone are judged.", first, _then(scopes=["w"]), OK),
        ("unread-short", "Without the body the scopes alone are judged.", short, _then(scopes=["w"]), SHORT),
    ):
        group.require(f"require-call-{id}", comment, what, then, faults, ["MCP-RS-32"])


def _allowed(suite: Suite) -> None:
    tools = {"weather": ["w"], "calendar_*": ["c"], "calendar_admin_*": ["ca"], "erase": "deny", "open": []}
    members: dict[str, Any] = {"scope_implications": {"admin": ["w"]}, "scope_wildcards": True}
    group = suite.group(
        "Tools that a token may call.", config(policy={"default": "deny", "tools": tools, "methods": {"ping": []}}, **members)
    )
    for id, scope, tool, allowed in (
        ("exact", "w", "weather", True),
        ("exact-short", "x", "weather", False),
        ("implied", "admin", "weather", True),
        ("pattern", "c", "calendar_read", True),
        ("pattern-short", "w", "calendar_read", False),
        ("longer-pattern", "ca", "calendar_admin_drop", True),
        ("longer-pattern-short", "c", "calendar_admin_drop", False),
        ("open", "x", "open", True),
        ("denied", "w c ca", "erase", False),
        ("unlisted", "w c ca", "other", False),
        ("other-case", "w", "Weather", False),
        ("empty-name", "w", "", False),
    ):
        comment = f"`{tool}` with the scope `{scope}`."
        group.allowed(f"allowed-{id}", comment, request(token(scope=scope), body=""), tool, allowed, ["MCP-RS-61"])
    group = suite.group("Tools without a policy.", config())
    group.allowed("allowed-no-policy", "Every tool.", request(token()), "anything", True, ["MCP-RS-61"])
    group = suite.group("Tools under a list as the default.", config(policy={"default": ["d"]}))
    group.allowed("allowed-default", "The default is granted.", request(token(scope="d"), body=""), "anything", True, ["MCP-RS-61"])
    group.allowed("allowed-default-short", "It is not.", request(token(scope="x"), body=""), "anything", False, ["MCP-RS-61"])


def _allowed_joins(suite: Suite) -> None:
    policy = {"default": [], "methods": {"tools/call": ["m"]}, "tools": {"weather": ["w"]}}
    group = suite.group("The entry of tools/call is joined.", config(server(), policy=policy))
    for id, scope, tool, allowed in (
        ("both", "m w", "weather", True),
        ("name-alone", "w", "weather", False),
        ("method-alone", "m", "weather", False),
        ("unlisted", "m", "other", True),
        ("unlisted-short", "x", "other", False),
    ):
        group.allowed(
            f"allowed-joined-{id}",
            f"`{tool}` with the scope `{scope}`.",
            request(token(scope=scope), body=""),
            tool,
            allowed,
            ["MCP-RS-61"],
        )
    group = suite.group(
        "The entry of tools/call denies.", config(policy={"default": [], "methods": {"tools/call": "deny"}, "tools": {"weather": []}})
    )
    group.allowed("allowed-method-denies", "No tool may be called.", request(token(), body=""), "weather", False, ["MCP-RS-61"])


def _allowed_kinds(suite: Suite) -> None:
    policy = {
        "default": "deny",
        "methods": {"resources/read": []},
        "tools": {"x:y": ["t"]},
        "prompts": {"x:y": ["p"], "review_*": ["rv"]},
        "resources": {"x:y": ["r"], "file:///a/*": ["a"], "file:///a/b/*": "deny"},
    }
    members: dict[str, Any] = {"scope_implications": {"admin": ["p", "a"]}, "scope_wildcards": True}
    group = suite.group("Prompts and resources that a token may use.", config(policy=policy, **members))
    for id, kind, scope, name, allowed in (
        ("tool", "tools", "t", "x:y", True),
        ("tool-short", "tools", "p r", "x:y", False),
        ("prompt", "prompts", "p", "x:y", True),
        ("prompt-short", "prompts", "t r", "x:y", False),
        ("prompt-implied", "prompts", "admin", "x:y", True),
        ("prompt-pattern", "prompts", "rv", "review_code", True),
        ("prompt-unlisted", "prompts", "p rv", "other", False),
        ("resource", "resources", "r", "x:y", True),
        ("resource-short", "resources", "t p", "x:y", False),
        ("resource-implied", "resources", "admin", "file:///a/c", True),
        ("resource-pattern", "resources", "a", "FILE:///a/c", True),
        ("resource-denied", "resources", "a", "file:///a/b/c", False),
        ("resource-unlisted", "resources", "x", "file:///c", True),
        ("resource-no-key", "resources", "a r", "file:///a/../c", False),
        ("resource-no-uri", "resources", "a r", "c", False),
        ("template", "resources", "a", "file:///a/{name}", True),
        ("template-short", "resources", "x", "file:///a/{name}", False),
        ("template-denied", "resources", "a", "file:///a/b/{name}{?q}", False),
    ):
        comment = f"`{name}` of the {kind} with the scope `{scope}`."
        group.allowed(f"allowed-kind-{id}", comment, request(token(scope=scope), body=""), name, allowed, ["MCP-RS-61"], kind)
