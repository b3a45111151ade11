"""Scope claims: where the scopes are, and which strings are scopes."""

from __future__ import annotations

from typing import Any

from ..suite import OK, Group, Suite, config, request, server
from ..tokens import ABSENT, token

MALFORMED = "malformed_claim"
REFS = ["RFC 6749 3.3", "T35"]


def add_to(suite: Suite) -> None:
    _grammar(suite)
    _default_claims(suite)
    _paths(suite)
    _prefix(suite)
    _implications(suite)
    _wildcards(suite)


def _check(group: Group, id: str, comment: str, changes: dict[str, Any], faults: str | list[str], **stated: Any) -> None:
    group.authorize(f"scope-{id}", comment, request(token(**changes)), faults, REFS, **stated)


def _grammar(suite: Suite) -> None:
    group = suite.group("The grammar of scopes.", config())
    _check(group, "order", "The token's order, doubles dropped.", {"scope": "b a b"}, OK, scopes=["b", "a"])
    _check(group, "array-order", "A list: the token's order, doubles dropped.", {"scope": ["b", "a", "b"]}, OK, scopes=["b", "a"])
    _check(group, "characters", "Every kind of character.", {"scope": "!#[]~ https://x/y?z=1"}, OK, scopes=["!#[]~", "https://x/y?z=1"])
    _check(group, "absent-list", "No scope claim.", {"scope": ABSENT}, OK, scopes=[])
    _check(group, "empty-list", "An empty scope claim.", {"scope": ""}, OK, scopes=[])
    _check(group, "offline-access", "A token may hold `offline_access`.", {"scope": "a offline_access"}, OK, scopes=["a", "offline_access"])
    for index, scope in enumerate((" a", "a ", "a  b", " ", "a\tb", "a\nb", 'a"b', "a\\b", "é", "a\u00a0b", "a\u007f", "a\0")):
        _check(group, f"bad-string-{index}", f"{scope!r} is no scope.", {"scope": scope}, MALFORMED)
    for index, entry in enumerate(("a b", "", " a", 'a"', "é", None, 7, True, ["a"], {"a": 1})):
        _check(group, f"bad-entry-{index}", f"{entry!r} in a list is no scope.", {"scope": ["a", entry]}, MALFORMED)
    _check(group, "true", "A boolean.", {"scope": True}, MALFORMED)


def _default_claims(suite: Suite) -> None:
    group = suite.group("The default scope claims.", config())
    for id, comment, changes, scopes in (
        ("scp-string", "`scp` as a string.", {"scp": "a b"}, ["a", "b"]),
        ("scp-array", "`scp` as a list.", {"scp": ["a", "b"]}, ["a", "b"]),
        ("scopes", "`scopes`.", {"scopes": ["a"]}, ["a"]),
        ("permissions", "`permissions`.", {"permissions": ["a"]}, ["a"]),
        ("scp-before-permissions", "The first that is present.", {"permissions": ["a"], "scp": "b"}, ["b"]),
    ):
        _check(group, f"claim-{id}", comment, {"scope": ABSENT} | changes, OK, scopes=scopes)
    _check(group, "claim-others-not-read", "Later claims are not read.", {"scope": "a", "scp": 7, "permissions": "b  c"}, OK, scopes=["a"])
    _check(group, "claim-empty-is-first", "An empty claim is present.", {"scope": "", "scp": "a"}, OK, scopes=[])
    for name, form, value in (
        ("scp", "number", 7),
        ("scp", "null", None),
        ("scp", "object", {}),
        ("scp", "double-blank", "a  b"),
        ("scopes", "number", 7),
        ("permissions", "number", 7),
    ):
        _check(group, f"claim-{name}-{form}", f"`{name}` as {form}.", {"scope": ABSENT, name: value}, MALFORMED)


def _paths(suite: Suite) -> None:
    listed = [["realm_access", "roles"], ["a", "b", "c"], "scope"]
    group = suite.group("`scope_claims` with paths.", config(server(scope_claims=listed)))
    for id, comment, changes, faults, scopes in (
        ("found", "A path of two steps.", {"realm_access": {"roles": ["r1", "r2"]}}, OK, ["r1", "r2"]),
        ("string", "A string at the end of a path.", {"realm_access": {"roles": "r1 r2"}}, OK, ["r1", "r2"]),
        ("first-absent", "The first step is absent: the next entry.", {"scope": "s"}, OK, ["s"]),
        ("last-absent", "The last step is absent: the next entry.", {"realm_access": {}, "scope": "s"}, OK, ["s"]),
        ("three-steps", "A path of three steps.", {"a": {"b": {"c": ["x"]}}}, OK, ["x"]),
        ("second-absent", "The second of three steps is absent.", {"a": {}}, OK, ["mcp:read"]),
        ("unlisted", "A claim that is not listed.", {"scope": ABSENT, "scp": "x"}, OK, []),
        ("through-string", "A path through a string.", {"realm_access": "roles"}, MALFORMED, None),
        ("through-null", "A path through null.", {"realm_access": None}, MALFORMED, None),
        ("through-array", "A path through a list.", {"realm_access": [{"roles": ["r"]}]}, MALFORMED, None),
        ("through-number", "A path through a number.", {"a": {"b": 7}}, MALFORMED, None),
        ("ends-in-object", "An object at the end.", {"realm_access": {"roles": {"r": 1}}}, MALFORMED, None),
        ("ends-in-null", "null at the end.", {"realm_access": {"roles": None}}, MALFORMED, None),
    ):
        stated = {} if scopes is None else {"scopes": scopes}
        _check(group, f"path-{id}", comment, changes, faults, **stated)


def _prefix(suite: Suite) -> None:
    configuration = config(
        server(scope_prefix="api://app/"), required_scopes=["api://app/read"], scope_implications={"api://app/write": ["api://app/read"]}
    )
    group = suite.group("`scope_prefix`.", configuration)
    _check(group, "prefix-added", "Put before each scope.", {"scope": "read x"}, OK, scopes=["api://app/read", "api://app/x"])
    _check(group, "prefix-there", "Not put twice.", {"scope": "api://app/read"}, OK, scopes=["api://app/read"])
    _check(group, "prefix-double", "Two spellings of one scope are one.", {"scope": "read api://app/read"}, OK, scopes=["api://app/read"])
    _check(
        group,
        "prefix-implied",
        "Implication sees the prefixed form.",
        {"scope": "write"},
        OK,
        effective_scopes=["api://app/write", "api://app/read"],
    )
    _check(group, "prefix-array", "Put before each entry of a list.", {"scope": ["read"]}, OK, scopes=["api://app/read"])


def _implications(suite: Suite) -> None:
    implications = {"admin": ["write", "zeta", "alpha"], "write": ["read"], "read": ["list"], "list": ["read"]}
    group = suite.group(
        "`scope_implications`, closed over any number of steps.", config(required_scopes=["list"], scope_implications=implications)
    )
    for id, comment, scope, effective in (
        ("itself", "The scope itself.", "list", ["list", "read"]),
        ("one-step", "One step.", "read", ["read", "list"]),
        ("two-steps", "Two steps.", "write", ["write", "list", "read"]),
        ("three-steps", "Three steps, sorted by bytes.", "admin", ["admin", "alpha", "list", "read", "write", "zeta"]),
        (
            "already-granted",
            "What is granted already is not repeated.",
            "x read admin",
            ["x", "read", "admin", "alpha", "list", "write", "zeta"],
        ),
    ):
        _check(group, f"implied-{id}", comment, {"scope": scope}, OK, effective_scopes=effective, scopes=scope.split())
    for id, scope in (("not-upwards", "zeta"), ("unknown", "other"), ("prefix", "rea"), ("longer", "lists"), ("other-case", "LIST")):
        comment = "Not granted, not implied."
        what = request(token(scope=scope), method="GET")
        group.authorize(f"scope-implied-{id}", comment, what, "insufficient_scope", [*REFS, "MCP-RS-35"])


def _wildcards(suite: Suite) -> None:
    for on in (True, False):
        name = "on" if on else "off"
        group = suite.group(f"`scope_wildcards` {name}.", config(required_scopes=["mcp:tools:weather"], scope_wildcards=on))
        for id, scope, covers in (
            ("exact", "mcp:tools:weather", True),
            ("one-level", "mcp:tools:*", on),
            ("two-levels", "mcp:*", on),
            ("other-branch", "mcp:prompts:*", False),
            ("no-colon", "mcp:tools*", False),
            ("star-alone", "*", False),
            ("in-the-middle", "mcp:*:weather", False),
            ("not-below-itself", "mcp:tools:weather:*", False),
            ("half-a-name", "mcp:tools:wea*", False),
        ):
            what = request(token(scope=scope), method="GET")
            faults: str | list[str] = OK if covers else "insufficient_scope"
            stated: dict[str, Any] = {"effective_scopes": [scope]} if covers else {}
            group.authorize(f"scope-wildcard-{name}-{id}", f"`{scope}` is granted.", what, faults, [*REFS, "MCP-RS-35"], **stated)
    group = suite.group("`scope_wildcards`: one or more characters.", config(required_scopes=["mcp:tools:"], scope_wildcards=True))
    what = request(token(scope="mcp:tools:*"), method="GET")
    group.authorize("scope-wildcard-nothing-behind", "Nothing stands for the star.", what, "insufficient_scope", REFS)
    group = suite.group("`scope_wildcards`: a need that is a wildcard.", config(required_scopes=["mcp:tools:*"], scope_wildcards=True))
    for id, scope, covers in (("itself", "mcp:tools:*", True), ("above", "mcp:*", True), ("below", "mcp:tools:weather", False)):
        what = request(token(scope=scope), method="GET")
        faults = OK if covers else "insufficient_scope"
        group.authorize(f"scope-wildcard-need-{id}", f"`{scope}` is granted.", what, faults, REFS)
