"""Bodies of a 403: their two forms, the id of the call, and bodies that were not handed in."""

from __future__ import annotations

from typing import Any

from .. import rpc
from ..strict_json import compact
from ..suite import OK, Suite, config, request
from ..tokens import ABSENT, Raw, token

SHORT = "insufficient_scope"


def add_to(suite: Suite) -> None:
    _body_forms(suite)
    _ids(suite)
    _ids_without_policy(suite)
    _unread_bodies(suite)


def _body_forms(suite: Suite) -> None:
    policy = {"default": "deny", "methods": {"ping": ["x"]}}
    needed = "Required scope: r x"
    short = {"error": "insufficient_scope", "error_description": needed, "scope": "r x"}
    denied = {"error": "access_denied", "error_description": "Not allowed"}
    for form in ("auto", "oauth"):
        group = suite.group(f"`refusal_body` {form}.", config(required_scopes=["r"], policy=policy, refusal_body=form))
        for method in ("POST", "GET", "DELETE", "post"):
            as_rpc = form == "auto" and method == "POST"
            name = f"{form}-{method.lower()}" + ("-lower-case" if method == "post" else "")
            comment = f"A call with a known id, by {method}."
            stated = rpc.forbidden(needed, 5, short) if as_rpc else compact(short)
            group.authorize(
                f"form-{name}-scope", comment, request(token(), method, body=rpc.body("ping", 5)), SHORT, ["RFC 6750 3.1"], body=stated
            )
            stated = rpc.forbidden("Not allowed", 5, denied) if as_rpc else compact(denied)
            what = request(token(scope="r"), method, body=rpc.body("tools/list", 5))
            group.authorize(f"form-{name}-denied", comment, what, "policy_denied", ["RFC 6750 3.1"], body=stated)
        stated = '{"error":"invalid_token","error_description":"Bearer token is invalid or expired"}'
        what = request(token(exp=1), body=rpc.body("ping", 5))
        group.authorize(
            f"form-{form}-401", "A 401 has the OAuth form, body or not.", what, ["expired", SHORT], ["RFC 6750 3.1"], body=stated
        )
        stated = '{"error":"unauthorized","error_description":"Bearer token required"}'
        what = request(body=rpc.body("ping", 5))
        group.authorize(
            f"form-{form}-no-token", "A 401 has the OAuth form, body or not.", what, "missing_token", ["RFC 6750 3.1"], body=stated
        )
        stated = rpc.error(-32700, "Parse error")
        group.authorize(
            f"form-{form}-400",
            "A 400 for the call has the JSON-RPC form.",
            request(token(scope="r"), body="{"),
            "malformed_call",
            ["JSON-RPC 2.0 5.1"],
            body=stated,
        )


_IDS: tuple[tuple[str, str, Any, bool], ...] = (
    ("zero", "Zero.", 0, True),
    ("one", "One.", 1, True),
    ("negative", "A negative integer.", -1, True),
    ("2-53", "2^53.", 2**53, True),
    ("minus-2-53", "-2^53.", -(2**53), True),
    ("2-53-and-1", "2^53 + 1.", 2**53 + 1, False),
    ("minus-2-53-and-1", "-2^53 - 1.", -(2**53) - 1, False),
    ("2-64", "2^64.", 2**64, False),
    ("minus-zero", "A zero with a sign.", Raw("-0"), False),
    ("fraction", "A fraction.", Raw("1.5"), False),
    ("whole-fraction", "A whole number with a fraction part.", Raw("1.0"), False),
    ("exponent", "An exponent.", Raw("1e3"), False),
    ("null", "null.", None, False),
    ("true", "A boolean.", True, False),
    ("object", "An object.", {"id": 1}, False),
    ("array", "A list.", [1], False),
    ("string", "A string.", "call-1", True),
    ("empty-string", "An empty string.", "", True),
    ("digits", "Digits in a string stay a string.", "1", True),
    ("256-bytes", "256 bytes.", "i" * 256, True),
    ("257-bytes", "257 bytes.", "i" * 257, False),
    ("128-letters", "256 bytes in 128 letters.", "é" * 128, True),
    ("129-letters", "258 bytes in 129 letters.", "é" * 129, False),
    ("unicode", "Letters beyond ASCII stay as they are.", "Zoë-😀-\u2028", True),
    ("escaped-letters", "Escaped letters are written plainly.", Raw('"\\u0041\\/\\ud83d\\ude00\\u00e9"'), True),
    (
        "must-be-escaped",
        "What must be escaped is escaped in its shortest form.",
        Raw('"\\"\\\\\\u0008\\u000C\\u000A\\u000d\\t\\u001F\\u007f"'),
        True,
    ),
)


def _ids(suite: Suite) -> None:
    group = suite.group("The id of a refused call.", config(required_scopes=["r"], policy={"default": []}))
    data = {"error": "insufficient_scope", "error_description": "Required scope: r", "scope": "r"}
    written = {"escaped-letters": Raw('"A/😀é"'), "must-be-escaped": Raw('"\\"\\\\\\b\\f\\n\\r\\t\\u001f\x7f"')}
    for id, comment, value, known in _IDS:
        body = rpc.forbidden("Required scope: r", written.get(id, value), data) if known else compact(data)
        group.authorize(f"id-{id}", comment, request(token(), body=rpc.body("ping", value)), SHORT, ["JSON-RPC 2.0 5"], body=body)
    notification = rpc.body("notifications/initialized", ABSENT)
    group.authorize(
        "id-absent", "A notification has no id.", request(token(), body=notification), SHORT, ["JSON-RPC 2.0 4.1"], body=compact(data)
    )
    for id, calls, body in (
        ("calls-number", [{"method": "ping", "id": 3}], rpc.forbidden("Required scope: r", 3, data)),
        ("calls-string", [{"method": "ping", "id": "x"}], rpc.forbidden("Required scope: r", "x", data)),
        ("calls-none", [{"method": "ping"}], compact(data)),
    ):
        group.authorize(
            f"id-{id}", "The id of a call that was handed in.", request(token(), calls=calls), SHORT, ["JSON-RPC 2.0 5"], body=body
        )
    group = suite.group("The id in a header mismatch.", config(policy={"default": []}))
    for id, comment, value, known in _IDS[:4] + _IDS[-4:]:
        body = rpc.error(-32020, "Header mismatch", written.get(id, value) if known else None)
        what = request(token(), body=rpc.body("ping", value), protocol_version=["2026-07-28"])
        group.authorize(f"mismatch-id-{id}", comment, what, "malformed_call", ["JSON-RPC 2.0 5.1"], body=body)


def _ids_without_policy(suite: Suite) -> None:
    group = suite.group("Without a policy a body is read only for the id.", config(required_scopes=["r"]))
    data = {"error": "insufficient_scope", "error_description": "Required scope: r", "scope": "r"}
    for id, comment, body, known in (
        ("request", "A request.", rpc.tool_call("x", 9), True),
        ("empty", "No body.", "", False),
        ("not-json", "No JSON.", "{", False),
        ("batch", "A batch.", f"[{rpc.body('ping', 9)}]", False),
        ("no-version", "No `jsonrpc`.", '{"id":9,"method":"ping"}', False),
        ("id-twice", "Two ids.", '{"jsonrpc":"2.0","id":9,"method":"ping","id":10}', False),
    ):
        stated = rpc.forbidden("Required scope: r", 9, data) if known else compact(data)
        group.authorize(f"no-policy-{id}", comment, request(token(), body=body), SHORT, ["JSON-RPC 2.0 5"], body=stated)
    what = request(token(scope="r"), body="{")
    group.authorize("no-policy-unreadable", "An unreadable body passes.", what, OK)
    what = request(token(scope="r"), body=rpc.tool_call("a"), protocol_version=["2026-07-28"], mcp_method=["x"], mcp_name=["y"])
    group.authorize("no-policy-headers", "Routing headers are not compared.", what, OK)
    what = request(token(scope="r"), calls=[{"method": "ping"}, {"method": "ping"}])
    group.authorize("no-policy-two-calls", "Two calls pass.", what, OK)


def _unread_bodies(suite: Suite) -> None:
    group = suite.group("A body that is needed and was not handed in, no policy.", config(required_scopes=["r"]))
    fault = ["internal", SHORT]
    group.authorize("unread-403", "The form of a 403 to a POST depends on the body.", request(token()), fault)
    group.authorize("unread-403-get", "That of a 403 to a GET does not.", request(token(), "GET"), SHORT)
    group.authorize("unread-403-delete", "That of a 403 to a DELETE does not.", request(token(), "DELETE"), SHORT)
    group.authorize("unread-401", "That of a 401 does not.", request(token(exp=1)), ["expired", *fault])
    group.authorize("unread-good", "A token that covers the need asks for no body.", request(token(scope="r")), OK)
    group.authorize("unread-own-scopes", "The request's own scopes are short.", request(token(scope="r"), scopes=["o"]), fault)
    group = suite.group("A body that is not needed: `refusal_body` oauth, no policy.", config(required_scopes=["r"], refusal_body="oauth"))
    group.authorize("unread-oauth-403", "One form only.", request(token()), SHORT)
    group = suite.group("A body that a policy needs.", config(policy={"default": []}))
    group.authorize("unread-policy", "A policy reads every body.", request(token()), "internal")
    group.authorize("unread-policy-bad-token", "Not for strangers.", request(token(exp=1)), ["expired", "internal"])
    group.authorize("unread-policy-no-token", "Not for strangers.", request(), "missing_token")
    group.authorize("unread-policy-empty", "A request known to have no body.", request(token(), body=""), OK)
