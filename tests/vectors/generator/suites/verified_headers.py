"""`policy.headers_verified`: routing headers that stand for the body, for a server that compares them."""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..rpc import body, tool_call
from ..suite import OK, Suite, config, request
from ..tokens import token

DENIED = "policy_denied"
MALFORMED = "malformed_call"
SHORT = "insufficient_scope"
NEEDS_BODY = "internal"  # `authorize` is not given the body that it asks for
VERSION = ["2026-07-28"]
REFS = ["SEP-2243"]
MISMATCH = rpc.error(-32020, "Header mismatch")
POLICY = {
    "default": "deny",
    "headers_verified": True,
    "methods": {"tools/list": ["l"], "completion/complete": [], "subscriptions/listen": []},
    "tools": {"weather": ["w"], "wétter": ["u"], "erase": "deny"},
    "prompts": {"summarise": ["s"]},
    "resources": {"file:///a/*": ["a"]},
}


def add_to(suite: Suite) -> None:
    group = suite.group("Verified headers, refusals in the OAuth form.", config(policy=POLICY, refusal_body="oauth"))

    def check(
        id: str, comment: str, scope: str, faults: str | list[str], method: Any, name: Any, version: Any = VERSION, **members: Any
    ) -> None:
        headers = {"protocol_version": version, "mcp_method": method, "mcp_name": name}
        what = request(token(scope=scope), **{key: value for key, value in headers.items() if value is not None}, **members)
        stated = {"body": MISMATCH} if faults == MALFORMED and not members else {}
        group.authorize(f"verified-{id}", comment, what, faults, REFS, **stated)

    call = ["tools/call"]
    check("tool", "A tool.", "w", OK, call, ["weather"])
    check("tool-short", "A tool.", "x", SHORT, call, ["weather"])
    check("tool-denied", "A tool.", "w", DENIED, call, ["erase"])
    check("tool-unlisted", "A tool without an entry.", "w", DENIED, call, ["sum"])
    check("tool-encoded", "An encoded name.", "u", OK, call, ["=?base64?d8OpdHRlcg==?="])
    check("prompt", "A prompt.", "s", OK, ["prompts/get"], ["summarise"])
    check("resource", "A resource.", "a", OK, ["resources/read"], ["FILE:///a/b"])
    check("resource-no-key", "A resource without a key.", "a", DENIED, ["resources/read"], ["file:///a/../b"])
    check("list", "A method without a name.", "l", OK, ["tools/list"], None)
    check("list-named", "A name that an extension gives a meaning.", "l", OK, ["tools/list"], ["x"])
    check("later-version", "A later version.", "w", OK, call, ["weather"], ["2027-01-01"])
    check("plumbing", "Plumbing.", "x", OK, ["ping"], None)
    check("no-name", "A name is missing.", "w", MALFORMED, call, None)
    check("method-twice", "The method twice.", "w", MALFORMED, ["ping", "ping"], None)
    check("name-twice", "The name twice.", "w", MALFORMED, call, ["weather", "weather"])
    check("bad-encoding", "A wrong encoding.", "w", MALFORMED, call, ["=?base64?d2VhdGhlcg?="])
    check("encoded-no-utf-8", "Encoded bytes that are no UTF-8.", "w", MALFORMED, call, ["=?base64?/w==?="])
    check("encoded-nul", "An encoded NUL.", "w", MALFORMED, call, ["=?base64?AA==?="])
    for id, comment, method, name, version in (
        ("older-version", "Servers of older versions do not compare.", call, ["weather"], ["2025-11-25"]),
        ("no-version", "Without a version nobody does.", call, ["weather"], None),
        ("version-twice", "The version twice.", call, ["weather"], VERSION * 2),
        ("no-method", "Official clients send notifications without it.", None, None, VERSION),
        ("empty-method", "An empty method.", [""], None, VERSION),
        ("empty-name", "An empty name.", call, [""], VERSION),
        ("name-beyond-ascii", "Servers read such bytes differently.", call, ["wétter"], VERSION),
        ("completion", "The reference is in the body alone.", ["completion/complete"], None, VERSION),
        ("listen", "The filter is in the body alone.", ["subscriptions/listen"], None, VERSION),
        ("subscribe", "The uri is in the body alone.", ["resources/subscribe"], ["file:///a/b"], VERSION),
    ):
        check(f"asks-for-body-{id}", comment, "w a", NEEDS_BODY, method, name, version)
    check("body-agrees", "A body that is there is read.", "w", OK, call, ["weather"], body=tool_call("weather"))
    check("body-differs", "A body that is there is read.", "w", [MALFORMED, DENIED], call, ["weather"], body=tool_call("erase"))
    check("body-older", "On older versions the body decides.", "w", DENIED, call, ["weather"], ["2025-11-25"], body=tool_call("erase"))
    reference = {"ref": {"type": "ref/prompt", "name": "summarise"}}
    complete = body("completion/complete", params=reference)
    check("body-completion", "A body that was asked for.", "x", SHORT, ["completion/complete"], None, body=complete)

    group = suite.group("Verified headers, refusals in the form of the body.", config(policy=POLICY))
    headers = {"protocol_version": VERSION, "mcp_method": call, "mcp_name": ["weather"]}
    group.authorize("verified-auto", "No body is needed.", request(token(scope="w"), **headers), OK, REFS)
    what = request(token(scope="x"), **headers)
    group.authorize("verified-auto-short", "The body gives the refusal its id.", what, [NEEDS_BODY, SHORT], REFS)
    what = request(token(scope="x"), **(headers | {"mcp_name": ["erase"]}))
    group.authorize("verified-auto-denied", "The body gives the refusal its id.", what, [NEEDS_BODY, DENIED], REFS)
    what = request(token(scope="x"), **headers, body=tool_call("weather", 5))
    data = {"error": "insufficient_scope", "error_description": "Required scope: w", "scope": "w"}
    stated = rpc.forbidden("Required scope: w", 5, data)
    group.authorize("verified-auto-short-body", "The body gives the refusal its id.", what, SHORT, REFS, body=stated)
    what = request(token(scope="x"), "GET", **headers)
    group.authorize("verified-auto-get", "Other methods have the OAuth form.", what, SHORT, REFS)

    group = suite.group("Headers that nobody vouches for.", config(policy=POLICY | {"headers_verified": False}))
    what = request(token(scope="w"), **headers)
    group.authorize("unverified", "The body is needed.", what, NEEDS_BODY, REFS)
