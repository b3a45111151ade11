"""Challenges: which scopes a 401 and a 403 ask for."""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..suite import Suite, config, request
from ..tokens import token

METADATA = "https://mcp.test/.well-known/oauth-protected-resource/mcp"
SHORT = "insufficient_scope"


def add_to(suite: Suite) -> None:
    _first_scopes(suite)
    _needs(suite)
    _granted(suite)
    _long_challenges(suite)
    _metadata_urls(suite)


def _first_scopes(suite: Suite) -> None:
    lists: tuple[tuple[str, dict[str, Any], list[str], str], ...] = (
        ("nothing", {}, [], ""),
        ("required", {"required_scopes": ["b", "a"]}, [], "b a"),
        ("own", {}, ["z", "y"], "z y"),
        ("required-and-own", {"required_scopes": ["b", "a"]}, ["a", "z", "b", "z"], "b a z"),
        ("initial", {"required_scopes": ["b"], "initial_scopes": ["i", "b"]}, ["z"], "i b"),
        ("supported", {"scopes_supported": ["s"]}, [], ""),
        ("policy", {"policy": {"default": ["p"]}}, [], ""),
    )
    for id, members, own, scope in lists:
        group = suite.group("The scopes of a 401.", config(**members))
        own_scopes: dict[str, Any] = {"scopes": own} if own else {}
        start = f'scope="{scope}", ' if scope else ""
        metadata = f'resource_metadata="{METADATA}"'
        what = request(**own_scopes)
        group.authorize(
            f"first-scopes-{id}-none", "No token.", what, "missing_token", ["MCP-RS-23"], www_authenticate=f"Bearer {start}{metadata}"
        )
        challenge = f'Bearer error="invalid_token", {start}{metadata}, error_description="Bearer token is invalid or expired"'
        group.authorize(
            f"first-scopes-{id}-bad",
            "A bad token.",
            request("a.b", **own_scopes),
            "malformed_token",
            ["MCP-RS-23"],
            www_authenticate=challenge,
        )


def _needs(suite: Suite) -> None:
    policy = {"default": ["p"], "methods": {"tools/call": ["m", "r"]}, "tools": {"weather": ["t", "m"]}}
    group = suite.group("The whole need in one challenge.", config(required_scopes=["r"], policy=policy, challenge_scopes="required"))
    weather = rpc.tool_call("weather")
    for id, comment, scope, what, need in (
        ("all", "Required, policy, own: first mention, no doubles.", "x", {"body": weather, "scopes": ["o", "t", "o"]}, "r m t o"),
        ("one-short", "What is granted is named too.", "r m t", {"body": weather, "scopes": ["o"]}, "r m t o"),
        ("required-alone", "A plumbing method.", "x", {"body": rpc.body("ping")}, "r"),
        ("default", "A method without an entry.", "r", {"body": rpc.body("tools/list")}, "r p"),
        ("empty-body", "A request without a body.", "x", {"body": "", "scopes": ["o"]}, "r o"),
    ):
        challenge = (
            f'Bearer error="insufficient_scope", scope="{need}", resource_metadata="{METADATA}", error_description="Required scope: {need}"'
        )
        group.authorize(
            f"need-{id}", comment, request(token(scope=scope), **what), SHORT, ["MCP-RS-33", "MCP-RS-25"], www_authenticate=challenge
        )


def _granted(suite: Suite) -> None:
    policy = {"default": "deny", "methods": {"tools/list": ["pz"]}, "tools": {"t": ["need"], "u": ["pa", "pm", "s2"], "v": "deny"}}
    members: dict[str, Any] = {
        "required_scopes": ["r2", "r1"],
        "initial_scopes": ["i2", "r1", "i1"],
        "scopes_supported": ["s2", "i1", "s1"],
        "policy": policy,
        "scope_implications": {"s1": ["s2"], "outside": ["i1"]},
    }
    call = rpc.tool_call("t")
    for setting in ("required_and_granted", "required"):
        group = suite.group(f"`challenge_scopes` {setting}.", config(**members, challenge_scopes=setting))
        for id, comment, scope, granted in (
            ("none", "Nothing but what is required is granted.", "r1 r2", ""),
            (
                "all",
                "In the configuration's order, not the token's; the policy's sorted.",
                "pz pm pa s1 s2 i1 i2 r1 r2",
                " i2 i1 s2 s1 pa pm pz",
            ),
            ("reversed", "The same scopes in another order give the same bytes.", "r2 r1 i2 i1 s2 s1 pa pm pz", " i2 i1 s2 s1 pa pm pz"),
            ("foreign", "What the configuration does not know is left out.", "r1 r2 foreign outside", ""),
            ("offline", "`offline_access` is never named.", "r1 r2 offline_access s1", " s1"),
            ("implied", "What is implied is not granted.", "r1 r2 s1", " s1"),
        ):
            shown = "r2 r1 need" + (granted if setting == "required_and_granted" else "")
            challenge = f'Bearer error="insufficient_scope", scope="{shown}", resource_metadata="{METADATA}", error_description="Required scope: r2 r1 need"'
            stated: dict[str, Any] = {"www_authenticate": challenge}
            group.authorize(
                f"granted-{setting.replace('_', '-')}-{id}",
                comment,
                request(token(scope=scope), body=call),
                SHORT,
                ["MCP-RS-34", "CL-06"],
                **stated,
            )


def _long_challenges(suite: Suite) -> None:
    fixed = len(
        f'Bearer error="insufficient_scope", scope="need ", resource_metadata="{METADATA}", error_description="Required scope: need"'
    )
    refs = ["MCP-RS-34"]
    for id, comment, length, kept in (
        ("4096", "Exactly 4096 bytes.", 4096, True),
        ("4097", "One byte over.", 4097, False),
        ("8000", "Far over.", 8000, False),
    ):
        known = _scopes_of_length(length - fixed)
        group = suite.group("A long challenge first loses the granted scopes.", config(required_scopes=["need"], scopes_supported=known))
        what = request(token(scope=" ".join(known)), method="GET")
        shown = " ".join(["need", *(known if kept else [])])
        challenge = (
            f'Bearer error="insufficient_scope", scope="{shown}", resource_metadata="{METADATA}", error_description="Required scope: need"'
        )
        group.authorize(f"challenge-{id}-bytes", comment, what, SHORT, refs, www_authenticate=challenge)


def _scopes_of_length(length: int) -> list[str]:
    """Distinct scopes that take this many bytes, the blanks between them included."""
    scopes = [f"scope-{index:03}-{'x' * 90}" for index in range(length // 101)]
    return [*scopes, "y" * (length - 101 * len(scopes))] if length % 101 else [*scopes[:-1], scopes[-1] + "y"]


def _metadata_urls(suite: Suite) -> None:
    other = config(resource="http://127.0.0.1:8080/", required_scopes=["r"])
    group = suite.group("The metadata URL of a root resource.", other)
    challenge = 'Bearer scope="r", resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource"'
    group.authorize(
        "root-resource", "The slash after the host is dropped.", request(), "missing_token", ["RFC 9728 3.1"], www_authenticate=challenge
    )
    group = suite.group("The metadata URL of a resource with a trailing slash.", config(resource="https://mcp.test:8443/a/b/"))
    challenge = 'Bearer resource_metadata="https://mcp.test:8443/.well-known/oauth-protected-resource/a/b/"'
    group.authorize(
        "slash-resource",
        "Only the slash after the host is dropped.",
        request(),
        "missing_token",
        ["RFC 9728 3.1"],
        www_authenticate=challenge,
    )
