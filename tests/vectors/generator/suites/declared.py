"""What tools, prompts and resources declare, beside the policy."""

from __future__ import annotations

from typing import Any

from ..rpc import body, tool_call
from ..suite import OK, Group, Suite, config, request
from ..tokens import token

METADATA = "https://mcp.test/.well-known/oauth-protected-resource/mcp"
DENIED = "policy_denied"
SHORT = "insufficient_scope"
REFS = ["MCP-RS-32"]


def suite() -> Suite:
    result = Suite("declared")
    _joined(result)
    _in_place_of_default(result)
    _without_policy(result)
    _resources(result)
    _challenges(result)
    return result


def _tool(name: str, scopes: Any = None) -> dict[str, Any]:
    return _offered("tool", name, scopes)


def _offered(kind: str, name: str, scopes: Any = None) -> dict[str, Any]:
    return {"kind": kind, "name": name} | ({} if scopes is None else {"scopes": scopes})


def _check(group: Group, id: str, comment: str, granted: str, text: str, faults: str | list[str], **stated: Any) -> None:
    group.authorize(f"declared-{id}", comment, request(token(scope=granted), body=text), faults, REFS, **stated)


def _joined(suite: Suite) -> None:
    policy = {
        "default": "deny",
        "methods": {"prompts/get": ["method"]},
        "tools": {"weather": ["w"], "calendar_*": ["c"], "drop": "deny", "old": ["o"], "gone_*": ["g"]},
        "prompts": {"summarise": ["p"]},
    }
    offered = [
        _tool("weather", ["d", "w"]),
        _tool("calendar_read", ["r"]),
        _tool("drop", ["d"]),
        _tool("calendar_drop", "deny"),
        _tool("calendar_list"),
        _tool("echo"),
        _offered("prompt", "summarise", ["s"]),
        _offered("prompt", "greet", []),
    ]
    group = suite.group("Declared scopes join the rules of the method and the name.", config(policy=policy), offered)
    group.reports(
        unmatched_rules=[{"kind": "tool", "name": "gone_*"}, {"kind": "tool", "name": "old"}],
        defaulted=[{"kind": "tool", "name": "echo"}],
        default="deny",
        forgotten=[
            "policy.tools.gone_*: matches no tool that is offered",
            "policy.tools.old: matches no tool that is offered",
            "tools.echo: has no rule, so by default nobody may use it",
        ],
    )
    for id, comment, granted, text, faults in (
        ("exact-both", "Configured and declared scopes, both granted.", "w d", tool_call("weather"), OK),
        ("exact-configured-alone", "The declared one is short.", "w", tool_call("weather"), SHORT),
        ("exact-declared-alone", "The configured one is short.", "d", tool_call("weather"), SHORT),
        ("pattern-both", "A pattern joins too.", "c r", tool_call("calendar_read"), OK),
        ("pattern-short", "A pattern is not replaced by the declaration.", "r", tool_call("calendar_read"), SHORT),
        ("denied-by-rule", "A declaration opens nothing that a rule denies.", "d", tool_call("drop"), DENIED),
        ("denied-by-declaration", "A declaration may deny.", "c", tool_call("calendar_drop"), DENIED),
        ("silent", "What declares nothing has its rule.", "c", tool_call("calendar_list"), OK),
        ("silent-default", "What declares nothing and has no rule has `default`.", "w c d r", tool_call("echo"), DENIED),
        ("not-offered", "What is not offered has `default`.", "w c d r", tool_call("other"), DENIED),
        ("other-case", "Declared names are compared exactly.", "w c d r", tool_call("Weather"), DENIED),
        ("prompt-all", "Method, name and declaration.", "method p s", body("prompts/get", params={"name": "summarise"}), OK),
        ("prompt-short", "The declared scope of a prompt.", "method p", body("prompts/get", params={"name": "summarise"}), SHORT),
        ("prompt-method", "A declaration of nothing leaves the method's rule.", "x", body("prompts/get", params={"name": "greet"}), SHORT),
        (
            "prompt-nothing",
            "A declaration of nothing under a rule for the method.",
            "method",
            body("prompts/get", params={"name": "greet"}),
            OK,
        ),
    ):
        _check(group, f"joined-{id}", comment, granted, text, faults)
    what = request(token(scope="w"), body=tool_call("weather"))
    group.allowed("declared-allowed-short", "Lists leave it out.", what | {"body": body("ping")}, "weather", False, REFS)
    both = request(token(scope="w d"), body=body("ping"))
    group.allowed("declared-allowed", "Lists show it.", both, "weather", True, REFS)
    group.require("declared-require", "A further need is judged by it too.", both, request(body=tool_call("weather")), OK, REFS)


def _in_place_of_default(suite: Suite) -> None:
    offered = [
        _tool("weather", ["w"]),
        _tool("silent"),
        _tool("open", []),
        _tool("twice", ["a"]),
        _tool("twice", ["b"]),
        _tool("shut", "deny"),
        _tool("*", ["star"]),
    ]
    group = suite.group("A declaration stands in the place of `default`.", config(policy={"default": ["deep", "deeper"]}), offered)
    group.reports(
        defaulted=[{"kind": "tool", "name": "silent"}],
        default=["deep", "deeper"],
        forgotten=["tools.silent: has no rule, so by default it needs deep deeper"],
    )
    for id, comment, granted, text, faults in (
        ("scopes", "Its scopes alone.", "w", tool_call("weather"), OK),
        ("short", "`default` does not do.", "deep", tool_call("weather"), SHORT),
        ("empty", "Nothing is needed.", "x", tool_call("open"), OK),
        ("twice", "Declared twice: both count.", "a b", tool_call("twice"), OK),
        ("twice-short", "Declared twice: one is short.", "b", tool_call("twice"), SHORT),
        ("denied", "Nobody may.", "deep", tool_call("shut"), DENIED),
        ("star", "A declared star is a name.", "star", tool_call("*"), OK),
        ("no-pattern", "A declared star is no pattern.", "star", tool_call("other"), SHORT),
        ("kind", "A tool's declaration is none of a prompt.", "w", body("prompts/get", params={"name": "weather"}), SHORT),
    ):
        _check(group, f"default-{id}", comment, granted, text, faults)


def _without_policy(suite: Suite) -> None:
    group = suite.group("No policy is configured.", config(required_scopes=["base"]), [_tool("weather", ["w"]), _tool("echo")])
    by_default = "tools.echo: has no rule, so by default it needs no scope"
    group.reports(defaulted=[{"kind": "tool", "name": "echo"}], default=[], forgotten=[by_default])
    for id, comment, granted, text, faults in (
        ("declared", "The declared tool needs its scopes.", "base w", tool_call("weather"), OK),
        ("declared-short", "The declared tool needs its scopes.", "base", tool_call("weather"), SHORT),
        ("required", "`required_scopes` stay needed.", "w", tool_call("weather"), SHORT),
        ("other", "Everything else needs `required_scopes` alone.", "base", tool_call("echo"), OK),
        ("method", "A method too.", "base", body("tools/list"), OK),
        ("unreadable", "What cannot be read is refused.", "base w", "{", "malformed_call"),
    ):
        _check(group, f"no-policy-{id}", comment, granted, text, faults)
    group = suite.group("No policy, and nothing that is declared needs a scope.", config(), [_tool("echo"), _tool("open", [])])
    group.reports(defaulted=[{"kind": "tool", "name": "echo"}], default=[], forgotten=[by_default])
    _check(group, "nothing-unread", "Calls are not read, as before.", "x", "{", OK)


def _resources(suite: Suite) -> None:
    policy = {"default": "deny", "resources": {"file:///reports/*": ["r"], "weather://*": ["w"], "news:*": ["n"]}}
    offered = [
        _offered("resource", "FILE:///reports/2026", ["y"]),
        _offered("resource", "file:///notes", ["n"]),
        _offered("resource", "weather://{city}/now"),
        _offered("resource", "file:///a b"),
        _offered("resource", "docs://{page}"),
    ]
    group = suite.group("Resources are declared by their URIs.", config(policy=policy), offered)
    group.reports(
        unmatched_rules=[{"kind": "resource", "name": "news:*"}],
        defaulted=[{"kind": "resource", "name": "docs://{page}"}],
        default="deny",
        unreadable=[{"kind": "resource", "name": "file:///a b"}],
        forgotten=[
            "policy.resources.news:*: matches no resource that is offered",
            "resources.docs://{page}: has no rule, so by default nobody may use it",
            "resources.file:///a b: nobody may use it: servers can take this URI for another",
        ],
    )
    for id, comment, granted, uri, faults in (
        ("both", "Pattern and declaration.", "r y", "file:///reports/2026", OK),
        ("short", "The declared scope is short.", "r", "file:///reports/2026", SHORT),
        ("spelling", "Another spelling of the same resource.", "r", "file:///reports/2026?x=1", SHORT),
        ("alone", "In the place of `default`.", "n", "file:///notes", OK),
        ("template", "What a template stands for has its pattern.", "w", "weather://paris/now", OK),
        ("unlisted", "What is not offered has `default`.", "n", "file:///other", DENIED),
    ):
        _check(group, f"resource-{id}", comment, granted, body("resources/read", params={"uri": uri}), faults)


def _challenges(suite: Suite) -> None:
    members: dict[str, Any] = {
        "required_scopes": ["base"],
        "scopes_supported": ["base", "more"],
        "policy": {"default": "deny", "tools": {"m": ["m"]}},
    }
    offered = [_tool("z", ["z"]), _tool("a", ["a"]), _tool("m")]
    group = suite.group("Declared scopes are scopes that the configuration knows.", config(**members), offered)
    group.reports(default="deny")
    challenge = (
        f'Bearer error="insufficient_scope", scope="base z a m", resource_metadata="{METADATA}", error_description="Required scope: base z"'
    )
    comment = "The need first, then granted scopes, some of which only a declaration names."
    _check(group, "challenge-granted", comment, "m a base unknown", tool_call("z"), SHORT, www_authenticate=challenge)
    _check(group, "challenge-configured", "The need of a configured rule.", "z a base", tool_call("m"), SHORT)
    group.well_known(
        "declared-metadata",
        "The metadata lists `scopes_supported` alone.",
        request(method="GET", target="/.well-known/oauth-protected-resource/mcp"),
        200,
        REFS,
    )
