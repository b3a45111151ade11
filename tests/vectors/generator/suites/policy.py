"""The MCP policy: what a call needs."""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..rpc import body, tool_call
from ..suite import OK, Group, Suite, config, request
from ..tokens import ABSENT, token
from . import batches, call_bodies, prompts_and_resources, routing_headers, verified_headers

DENIED = "policy_denied"
MALFORMED = "malformed_call"
SHORT = "insufficient_scope"


def suite() -> Suite:
    result = Suite("policy")
    _defaults(result)
    _methods(result)
    _tools(result)
    _joins(result)
    _plumbing(result)
    _scopes(result)
    call_bodies.add_to(result)
    routing_headers.add_to(result)
    prompts_and_resources.add_to(result)
    batches.add_to(result)
    verified_headers.add_to(result)
    return result


def _good(scope: str = "r") -> str:
    return token(scope=scope)


def _check(group: Group, id: str, comment: str, what: dict[str, Any], faults: str | list[str], *refs: str, **stated: Any) -> None:
    group.authorize(f"policy-{id}", comment, what, faults, list(refs), **stated)


def _needed(group: Group, id: str, comment: str, need: str, text: str, *refs: str) -> None:
    """The call with the scope that it needs, and with another."""
    _check(group, id, comment, request(_good(need), body=text), OK, *refs)
    _check(group, f"{id}-short", comment, request(_good("x"), body=text), SHORT, *refs)


def _defaults(suite: Suite) -> None:
    group = suite.group("`default` is `deny`, nothing is listed.", config(policy={"default": "deny"}))
    for id, comment, text, faults in (
        ("method", "A method without an entry.", body("tools/list"), DENIED),
        ("tool", "A tool without an entry.", tool_call("weather"), DENIED),
        ("unknown-method", "A method that nobody knows.", body("x/y"), DENIED),
        ("empty-method", "An empty method.", body(""), DENIED),
        ("notification", "A call without an id is still a call.", tool_call("weather", ABSENT), DENIED),
    ):
        _check(group, f"default-deny-{id}", comment, request(_good(), body=text), faults, "RFC 6750 3.1")
    group = suite.group("`default` is a list.", config(policy={"default": ["a", "b"]}))
    text = body("tools/list")
    _check(group, "default-list-short", "Both are needed.", request(_good("a"), body=text), SHORT, "MCP-RS-32")
    _check(group, "default-list-all", "Both are granted.", request(_good("b a"), body=text), OK, "MCP-RS-32")
    group = suite.group("`default` is an empty list.", config(policy={"default": []}))
    _check(group, "default-empty", "Any token will do.", request(_good("x"), body=text), OK, "MCP-RS-32")


def _methods(suite: Suite) -> None:
    methods = {
        "tools/list": ["l"],
        "resources/*": ["r1"],
        "resources/templates/*": ["r2"],
        "resources/list": ["r3"],
        "prompts/*": "deny",
        "prompts/list": [],
        "logging/setLevel": "deny",
    }
    group = suite.group("`methods`: exact names and patterns.", config(policy={"default": "deny", "methods": methods}))
    refs = ("MCP-RS-32",)
    for id, comment, method, need in (
        ("exact", "An exact entry.", "tools/list", "l"),
        ("pattern", "A pattern.", "resources/subscribed", "r1"),
        ("longer-pattern", "The longer pattern wins.", "resources/templates/list", "r2"),
        ("exact-over-pattern", "The exact entry wins.", "resources/list", "r3"),
    ):
        _needed(group, f"method-{id}", comment, need, body(method), *refs)
    for id, comment, method, faults in (
        ("pattern-deny", "A pattern that denies.", "prompts/other", DENIED),
        ("exact-in-denied", "An exact entry under a pattern that denies.", "prompts/list", OK),
        ("other-case", "Methods are compared exactly.", "Tools/list", DENIED),
        ("longer", "A longer method is another.", "tools/list/", DENIED),
        ("plumbing-denied", "A plumbing method that is listed.", "logging/setLevel", DENIED),
        ("pattern-needs-prefix", "A pattern begins at the start.", "x/resources/read", DENIED),
    ):
        _check(group, f"method-{id}", comment, request(_good("x"), body=body(method)), faults, *refs)


def _tools(suite: Suite) -> None:
    tools = {
        "weather": ["w"],
        "calendar_*": ["c"],
        "calendar_admin_*": ["ca"],
        "calendar_admin_list": ["cl"],
        "drop_*": "deny",
        "drop_draft": ["d"],
        "open": [],
    }
    group = suite.group("`tools`: exact names and patterns.", config(policy={"default": "deny", "tools": tools}))
    refs = ("MCP-RS-32",)
    for id, comment, name, need in (
        ("exact", "An exact entry.", "weather", "w"),
        ("pattern", "A pattern.", "calendar_read", "c"),
        ("longer-pattern", "The longer pattern wins.", "calendar_admin_drop", "ca"),
        ("exact-over-pattern", "The exact entry wins.", "calendar_admin_list", "cl"),
        ("exact-in-denied", "An exact entry under a pattern that denies.", "drop_draft", "d"),
    ):
        _needed(group, f"tool-{id}", comment, need, tool_call(name), *refs)
    for id, comment, name, faults in (
        ("open", "An empty list: any token will do.", "open", OK),
        ("unlisted", "A tool without an entry.", "erase", DENIED),
        ("pattern-deny", "A pattern that denies.", "drop_all", DENIED),
        ("other-case", "Names are compared exactly.", "Weather", DENIED),
        ("trailing-blank", "A blank too many.", "weather ", DENIED),
        ("nul", "A NUL too many: the name would end early in C.", "weather\0", MALFORMED),
        ("empty", "An empty name.", "", DENIED),
        ("star", "A star in a name is a letter.", "w*", DENIED),
        ("look-alike", "A letter of another script.", "we\u0430ther", DENIED),
    ):
        _check(group, f"tool-{id}", comment, request(_good("x"), body=tool_call(name)), faults, *refs)
    escaped = '{"jsonrpc":"2.0","id":1,"method":"tools\\/c\\u0061ll","params":{"name":"\\u0077eather"}}'
    _check(group, "tool-escaped", "Names are compared after unescaping.", request(_good("w"), body=escaped), OK, *refs)
    escaped = escaped.replace("\\u0077eather", "dr\\u006fp_all")
    _check(group, "tool-escaped-denied", "Names are compared after unescaping.", request(_good("w"), body=escaped), DENIED, *refs)
    _check(
        group,
        "tool-notification",
        "A call without an id needs the same.",
        request(_good("x"), body=tool_call("weather", ABSENT)),
        SHORT,
        *refs,
    )
    text = body("tools/list", params={"name": "weather"})
    _check(group, "tool-other-method", "The name counts in tools/call alone.", request(_good("w"), body=text), DENIED, *refs)
    group = suite.group("A lone star.", config(policy={"default": "deny", "tools": {"*": ["any"], "weather": []}}))
    _check(group, "tool-lone-star", "It matches every name.", request(_good("any"), body=tool_call("x")), OK, *refs)
    _check(group, "tool-lone-star-exact", "The exact entry wins.", request(_good("x"), body=tool_call("weather")), OK, *refs)
    _check(
        group, "tool-lone-star-method", "It is no entry for other methods.", request(_good("any"), body=body("tools/list")), DENIED, *refs
    )


def _joins(suite: Suite) -> None:
    policy = {"default": ["d"], "methods": {"tools/call": ["m", "x"]}, "tools": {"weather": ["t", "x"], "erase": "deny"}}
    group = suite.group("The entry of the method and the entry of the name are joined.", config(policy=policy, challenge_scopes="required"))
    for id, comment, scope, name, faults, need in (
        ("both", "Both are granted.", "m t x", "weather", OK, None),
        ("method-alone", "The name's is short.", "m x", "weather", SHORT, "m x t"),
        ("name-alone", "The method's is short.", "t x", "weather", SHORT, "m x t"),
        ("unlisted", "Without an entry of the name that of the method is enough.", "m x", "sum", OK, None),
        ("unlisted-default", "`default` does not count beside it.", "d", "sum", SHORT, "m x"),
        ("name-denies", "The name denies.", "m x t d", "erase", DENIED, None),
    ):
        stated = {} if need is None else {"body": _short_body(need)}
        _check(group, f"join-{id}", comment, request(_good(scope), body=tool_call(name)), faults, "MCP-RS-33", **stated)
    denying = {"default": [], "methods": {"tools/call": "deny"}, "tools": {"weather": []}}
    group = suite.group("The entry of the method denies.", config(policy=denying))
    _check(group, "join-method-denies", "Either one refuses.", request(_good(), body=tool_call("weather")), DENIED, "MCP-RS-33")


def _short_body(need: str) -> str:
    data = {"error": "insufficient_scope", "error_description": f"Required scope: {need}", "scope": need}
    return rpc.forbidden(f"Required scope: {need}", 1, data)


def _plumbing(suite: Suite) -> None:
    group = suite.group("Plumbing and responses need `required_scopes` only.", config(required_scopes=["r"], policy={"default": "deny"}))
    messages = {
        "initialize": body("initialize", params={"protocolVersion": "2025-11-25"}),
        "server-discover": body("server/discover"),
        "ping": body("ping"),
        "logging-set-level": body("logging/setLevel", params={"level": "info"}),
        "notifications-initialized": body("notifications/initialized", ABSENT),
        "notifications-cancelled": body("notifications/cancelled", ABSENT, params={"requestId": 1}),
        "notifications-with-id": body("notifications/x", 1),
        "response": rpc.response(),
        "error-response": '{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"x"}}',
        "no-body": "",
    }
    for id, text in messages.items():
        _check(group, f"plumbing-{id}", "The required scope is granted.", request(_good(), body=text), OK, "MCP-RS-54")
    for id in ("ping", "notifications-initialized", "response", "no-body"):
        _check(group, f"plumbing-{id}-short", "It is not.", request(_good("x"), body=messages[id]), SHORT, "MCP-RS-54")
    for method in ("notificationsx", "Ping", "pin", "initialized", "server/discover/x", "logging/other"):
        id = method.lower().replace("/", "-") + ("-upper-case" if method == "Ping" else "")
        _check(group, f"no-plumbing-{id}", "Another method.", request(_good(), body=body(method)), DENIED, "MCP-RS-54")
    for method in ("GET", "DELETE"):
        _check(group, f"no-body-{method.lower()}", f"A {method} without a body.", request(_good(), method, body=""), OK, "MCP-RS-54")
        _check(
            group,
            f"body-{method.lower()}",
            f"A {method} with a body is read.",
            request(_good(), method, body=tool_call("x")),
            DENIED,
            "MCP-RS-54",
        )
        _check(
            group,
            f"bad-body-{method.lower()}",
            f"A {method} with a body is read.",
            request(_good(), method, body="{"),
            MALFORMED,
            "MCP-RS-54",
        )
    listed = {"default": [], "methods": {"ping": ["p"], "notifications/*": ["n"], "initialize": "deny"}}
    group = suite.group("Plumbing that is listed.", config(policy=listed))
    for id, method, scope, faults in (
        ("ping", "ping", "p", OK),
        ("ping-short", "ping", "x", SHORT),
        ("notification", "notifications/x", "n", OK),
        ("notification-short", "notifications/x", "x", SHORT),
        ("initialize", "initialize", "x", DENIED),
        ("not-listed", "server/discover", "x", OK),
    ):
        _check(group, f"listed-plumbing-{id}", "The entry counts.", request(_good(scope), body=body(method)), faults, "MCP-RS-54")


def _scopes(suite: Suite) -> None:
    members: dict[str, Any] = {"scope_implications": {"admin": ["w"]}, "scope_wildcards": True}
    policy = {"default": "deny", "tools": {"weather": ["w"], "mail": ["mcp:tools:email:send"]}}
    group = suite.group("Implications and wildcards under a policy.", config(policy=policy, **members))
    for id, scope, name, faults in (
        ("implied", "admin", "weather", OK),
        ("not-implied", "admins", "weather", SHORT),
        ("wildcard", "mcp:tools:*", "mail", OK),
        ("wildcard-other", "mcp:prompts:*", "mail", SHORT),
        ("wildcard-denied", "mcp:*", "erase", DENIED),
    ):
        _check(group, f"scope-{id}", f"`{scope}` is granted.", request(_good(scope), body=tool_call(name)), faults, "MCP-RS-35")
