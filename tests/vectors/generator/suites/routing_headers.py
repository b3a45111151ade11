"""Routing headers: compared with the body on versions that demand them, and never a reason to allow."""

from __future__ import annotations

import base64
from typing import Any

from .. import rpc
from ..rpc import body, tool_call
from ..suite import OK, Group, Suite, config, request
from ..tokens import ABSENT, token

DENIED = "policy_denied"
MALFORMED = "malformed_call"
VERSION = "2026-07-28"
REFS = ["SEP-2243", "JSON-RPC 2.0 5.1"]
MISMATCH = rpc.error(-32020, "Header mismatch", 1)


def add_to(suite: Suite) -> None:
    policy = {"default": [], "tools": {"erase": "deny", "=?base64?d2VhdGhlcg==?=": []}}
    group = suite.group("Routing headers.", config(policy=policy))
    _tool_calls(group)
    _encoded_names(group)
    _other_methods(group)
    _versions(group)
    _handed_in(group)


def _headers(method: list[str] | None, name: list[str] | None, version: list[str] | None = None) -> dict[str, Any]:
    lines = {"protocol_version": [VERSION] if version is None else version, "mcp_method": method, "mcp_name": name}
    return {header: value for header, value in lines.items() if value is not None}


def _check(group: Group, id: str, comment: str, what: dict[str, Any], faults: str | list[str], **stated: Any) -> None:
    if faults == MALFORMED:
        stated = {"body": MISMATCH} | stated
    group.authorize(f"headers-{id}", comment, what, faults, REFS, **stated)


def _call(text: str, headers: dict[str, Any]) -> dict[str, Any]:
    return request(token(), body=text, **headers)


def _tool_calls(group: Group) -> None:
    weather = tool_call("weather")
    for id, comment, method, name, faults in (
        ("agree", "Both agree with the body.", ["tools/call"], ["weather"], OK),
        ("no-method", "`Mcp-Method` is missing.", None, ["weather"], MALFORMED),
        ("no-name", "`Mcp-Name` is missing.", ["tools/call"], None, MALFORMED),
        ("neither", "Both are missing.", None, None, MALFORMED),
        ("method-differs", "`Mcp-Method` differs.", ["tools/list"], ["weather"], MALFORMED),
        ("name-differs", "`Mcp-Name` differs.", ["tools/call"], ["sum"], MALFORMED),
        ("method-case", "Methods are compared exactly.", ["Tools/Call"], ["weather"], MALFORMED),
        ("name-case", "Names are compared exactly.", ["tools/call"], ["Weather"], MALFORMED),
        ("method-twice", "`Mcp-Method` twice.", ["tools/call", "tools/call"], ["weather"], MALFORMED),
        ("name-twice", "`Mcp-Name` twice.", ["tools/call"], ["weather", "weather"], MALFORMED),
        ("name-joined", "Two names in one line.", ["tools/call"], ["weather, weather"], MALFORMED),
        ("empty-method", "`Mcp-Method` is empty.", [""], ["weather"], MALFORMED),
        ("empty-name", "`Mcp-Name` is empty.", ["tools/call"], [""], MALFORMED),
        ("no-lines", "Empty lists of lines.", [], [], MALFORMED),
    ):
        _check(group, id, comment, _call(weather, _headers(method, name)), faults)
    erase = tool_call("erase")
    _check(group, "agree-denied", "Agreeing headers allow nothing.", _call(erase, _headers(["tools/call"], ["erase"])), DENIED)
    _check(group, "hide-denied", "Headers cannot hide a call.", _call(erase, _headers(["ping"], None)), [MALFORMED, DENIED])
    unnamed = _headers(["tools/call"], ["weather"])
    for id, value in (("absent", ABSENT), ("null", None), ("fraction", 1.5)):
        what = _call(tool_call("sum", value), unnamed)
        _check(group, f"id-{id}", "The id is not known.", what, MALFORMED, body=rpc.error(-32020, "Header mismatch"))
    what = _call(tool_call("sum", "call-9"), unnamed)
    _check(group, "id-string", "The id is a string.", what, MALFORMED, body=rpc.error(-32020, "Header mismatch", "call-9"))
    what = _call("{", unnamed)
    _check(group, "no-json", "The body is no JSON: nothing is compared.", what, MALFORMED, body=rpc.error(-32700, "Parse error"))
    what = _call("[]", unnamed)
    _check(group, "no-request", "The body is no request: nothing is compared.", what, MALFORMED, body=rpc.error(-32600, "Invalid Request"))


def _encoded_names(group: Group) -> None:
    def encoded(name: str | bytes) -> str:
        data = name if isinstance(name, bytes) else name.encode()
        return f"=?base64?{base64.b64encode(data).decode('ascii')}?="

    for id, comment, name, line, faults in (
        ("plain-letters", "A name of ASCII letters may be encoded.", "weather", encoded("weather"), OK),
        ("utf-8", "A name beyond ASCII.", "wétter-😀", encoded("wétter-😀"), OK),
        ("blanks", "A name with blanks at its ends.", " weather ", encoded(" weather "), OK),
        ("like-encoded", "A name that looks encoded is encoded once more.", "=?base64?d2VhdGhlcg==?=", encoded("=?base64?d2VhdGhlcg==?="), OK),
        ("like-encoded-plain", "A name that looks encoded, sent as it is.", "=?base64?d2VhdGhlcg==?=", "=?base64?d2VhdGhlcg==?=", MALFORMED),
        ("differs", "Another name, encoded.", "weather", encoded("sum"), MALFORMED),
        ("no-padding", "No padding.", "weather", "=?base64?d2VhdGhlcg?=", MALFORMED),
        ("unused-bits", "Unused bits that are set.", "weather", "=?base64?d2VhdGhlch==?=", MALFORMED),
        ("url-alphabet", "The base64url alphabet.", "a?>b>?", "=?base64?" + base64.urlsafe_b64encode(b"a?>b>?").decode() + "?=", MALFORMED),
        ("blank-within", "A blank within.", "weather", "=?base64?d2Vh dGhlcg==?=", MALFORMED),
        ("upper-case-marker", "The markers are lower case.", "weather", "=?BASE64?d2VhdGhlcg==?=", MALFORMED),
        ("quoted-printable", "Another encoding.", "weather", "=?utf-8?q?weather?=", MALFORMED),
        ("no-end", "No end marker.", "weather", "=?base64?d2VhdGhlcg==", MALFORMED),
        ("invalid-utf-8", "Bytes that are no UTF-8.", "weather", encoded(b"\xffweather"), MALFORMED),
    ):  # fmt: skip
        what = _call(tool_call(name), _headers(["tools/call"], [line]))
        _check(group, f"encoded-{id}", comment, what, faults)
    what = _call(tool_call("erase"), _headers(["tools/call"], [encoded("erase")]))
    _check(group, "encoded-denied", "Encoding hides nothing.", what, DENIED)


def _other_methods(group: Group) -> None:
    for id, comment, text, method, name, faults in (
        ("list", "No name, and none is sent.", body("tools/list"), ["tools/list"], None, OK),
        ("list-named", "One name on another method is an extension's business.", body("tools/list"), ["tools/list"], ["weather"], OK),
        ("list-named-twice", "Two names are nobody's.", body("tools/list"), ["tools/list"], ["a", "a"], MALFORMED),
        ("list-no-method", "`Mcp-Method` is missing.", body("tools/list"), None, None, MALFORMED),
        ("prompt", "prompts/get is named.", body("prompts/get", params={"name": "p"}), ["prompts/get"], ["p"], OK),
        ("prompt-no-name", "prompts/get without `Mcp-Name`.", body("prompts/get", params={"name": "p"}), ["prompts/get"], None, MALFORMED),
        ("prompt-differs", "Another prompt.", body("prompts/get", params={"name": "p"}), ["prompts/get"], ["q"], MALFORMED),
        (
            "resource",
            "resources/read is named by its uri.",
            body("resources/read", params={"uri": "file:///a"}),
            ["resources/read"],
            ["file:///a"],
            OK,
        ),
        (
            "resource-no-name",
            "resources/read without `Mcp-Name`.",
            body("resources/read", params={"uri": "file:///a"}),
            ["resources/read"],
            None,
            MALFORMED,
        ),
        (
            "resource-differs",
            "Another uri.",
            body("resources/read", params={"uri": "file:///a"}),
            ["resources/read"],
            ["file:///b"],
            MALFORMED,
        ),
        (
            "resource-case",
            "URIs are compared exactly.",
            body("resources/read", params={"uri": "file:///a"}),
            ["resources/read"],
            ["FILE:///a"],
            MALFORMED,
        ),
        ("ping", "Plumbing too.", body("ping"), ["ping"], None, OK),
        ("ping-no-method", "Plumbing too.", body("ping"), None, None, MALFORMED),
    ):
        _check(group, f"other-{id}", comment, _call(text, _headers(method, name)), faults)
    note = body("notifications/cancelled", ABSENT)
    _check(group, "notification", "A notification.", _call(note, _headers(["notifications/cancelled"], None)), OK)
    what = _call(note, _headers(None, None))
    _check(group, "notification-no-method", "Official clients send it with requests only.", what, OK)
    what = _call(note, _headers(["tools/call"], None))
    _check(group, "notification-differs", "If it is there it agrees.", what, MALFORMED, body=rpc.error(-32020, "Header mismatch"))
    what = _call(rpc.response(), _headers(["tools/call"], None))
    _check(group, "response-named", "A response has no method.", what, MALFORMED, body=rpc.error(-32020, "Header mismatch"))
    _check(group, "response", "A response has no method to name.", _call(rpc.response(), _headers(None, None)), OK)
    _check(group, "no-body", "No body, nothing to compare.", request(token(), "GET", body="", **_headers(None, None)), OK)


def _versions(group: Group) -> None:
    differing = {"mcp_method": ["x"], "mcp_name": ["y"]}
    for id, comment, version, faults in (
        ("2026-07-28", "The first version that demands them.", [VERSION], MALFORMED),
        ("2026-07-29", "A later one.", ["2026-07-29"], MALFORMED),
        ("2027-01-01", "A later year.", ["2027-01-01"], MALFORMED),
        ("9999-12-31", "A far later one.", ["9999-12-31"], MALFORMED),
        ("2026-07-27", "The day before.", ["2026-07-27"], OK),
        ("2025-11-25", "An older version.", ["2025-11-25"], OK),
        ("2025-03-26", "An older version.", ["2025-03-26"], OK),
        ("none", "No version.", None, OK),
        ("empty", "An empty version.", [""], OK),
        ("twice", "The version twice.", [VERSION, VERSION], OK),
        ("two", "Two versions.", ["2025-11-25", VERSION], OK),
        ("joined", "Two versions in one line.", [f"{VERSION}, {VERSION}"], OK),
        ("short", "Another form.", ["2026-7-28"], OK),
        ("draft", "Another form.", ["DRAFT-2026-v1"], OK),
        ("suffix", "Another form.", ["2026-07-28-rc1"], OK),
        ("letters", "Another form.", ["latest"], OK),
    ):
        headers = differing if version is None else differing | {"protocol_version": version}
        _check(group, f"version-{id}", comment, _call(tool_call("weather"), headers), faults)
    old = {"protocol_version": ["2025-11-25"], "mcp_method": ["ping"]}
    _check(group, "old-version-denied", "Ignored headers hide nothing.", _call(tool_call("erase"), old), DENIED)
    _check(group, "no-version-denied", "Ignored headers hide nothing.", _call(tool_call("erase"), {"mcp_method": ["ping"]}), DENIED)


def _handed_in(group: Group) -> None:
    calls = [{"method": "tools/call", "name": "weather", "id": 1}]
    for id, name, faults in (("agree", "weather", OK), ("differ", "sum", MALFORMED)):
        what = request(token(), calls=calls, **_headers(["tools/call"], [name]))
        _check(group, f"calls-{id}", "A call that was handed in is compared too.", what, faults)
