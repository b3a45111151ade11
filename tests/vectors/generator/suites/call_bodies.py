"""Bodies under a policy: which of them are one readable call."""

from __future__ import annotations

import base64
from typing import Any

from .. import rpc
from ..rpc import body, tool_call
from ..suite import OK, Group, Suite, config, request
from ..tokens import ABSENT, Raw, token

DENIED = "policy_denied"
MALFORMED = "malformed_call"
SHORT = "insufficient_scope"
LIMIT = 1024
PARSE_ERROR = rpc.error(-32700, "Parse error")
INVALID = rpc.error(-32600, "Invalid Request")
TOO_LARGE = rpc.error(-32600, "Request too large")


def add_to(suite: Suite) -> None:
    policy = {"default": [], "tools": {"erase": "deny", "wéather": []}}
    group = suite.group("Readable and unreadable bodies.", config(required_scopes=["r"], policy=policy))
    _shapes(group)
    _repeated_members(group)
    _names(group)
    _encodings(group)
    _depths(group)
    _handed_in(group)
    _sizes(suite)


def _good(scope: str = "r") -> str:
    return token(scope=scope)


def _check(group: Group, id: str, comment: str, what: dict[str, Any], faults: str | list[str], *refs: str, **stated: Any) -> None:
    group.authorize(f"policy-{id}", comment, what, faults, list(refs), **stated)


def _shapes(group: Group) -> None:
    for id, comment, text in (
        ("whitespace", "Nothing but blanks.", " \r\n"),
        ("text", "No JSON.", "hello"),
        ("cut", "A cut object.", body("ping")[:-1]),
        ("trailing-text", "Text behind the end.", body("ping") + "x"),
        ("trailing-object", "A second message.", body("ping") + body("ping")),
        ("lines", "Two messages in two lines.", body("ping") + "\n" + tool_call("erase")),
        ("trailing-nul", "A NUL behind the end.", body("ping") + "\0"),
        ("trailing-comma", "A comma too many.", body("ping")[:-1] + ",}"),
        ("comment", "A comment.", "/* */" + body("ping")),
        ("nan", "NaN.", body("ping", params=Raw('{"x":NaN}'))),
        ("single-quotes", "Single quotes.", body("ping").replace('"', "'")),
        ("control-character", "A raw line feed in a string.", body("pi\nng").replace("\\n", "\n")),
        ("form", "A form.", "method=ping"),
        ("byte-order-mark", "A byte order mark.", "\ufeff" + body("ping")),
    ):
        _check(group, f"parse-error-{id}", comment, request(_good(), body=text), MALFORMED, "JSON-RPC 2.0 5.1", body=PARSE_ERROR)
    call = {"name": "x"}
    odd = {"Name": "erase", "__proto__": 1}
    for id, comment, text in (
        ("string", "A string.", '"ping"'),
        ("number", "A number.", "1"),
        ("null", "null.", "null"),
        ("empty-object", "No members.", "{}"),
        ("no-version", "No `jsonrpc`.", '{"id":1,"method":"ping"}'),
        ("version-1", "JSON-RPC 1.", '{"jsonrpc":"1.0","id":1,"method":"ping"}'),
        ("version-number", "`jsonrpc` is a number.", '{"jsonrpc":2.0,"id":1,"method":"ping"}'),
        ("no-method", "None of method, result and error.", '{"jsonrpc":"2.0","id":1}'),
        ("method-number", "`method` is a number.", body("x").replace('"x"', "7")),
        ("method-null", "`method` is null.", body("x").replace('"x"', "null")),
        ("method-array", "`method` is a list.", body("x").replace('"x"', '["ping"]')),
        ("method-and-result", "`method` and `result`.", body("ping", result={})),
        ("method-and-error", "`method` and `error`.", body("tools/call", params=call, error={})),
        ("params-array", "`params` is a list.", body("tools/call", params=["x"])),
        ("other-case-method", "A member that Go takes for the method.", body("ping", Method="tools/call")),
        ("other-case-params", "A member that Go takes for the parameters.", body("ping", PARAMS=call)),
        ("other-case-name", "A parameter that Go takes for the name.", body("tools/call", params={"name": "x", "Name": "erase"})),
        ("proto", "A member that JavaScript copies as inherited members.", body("ping", **{"__proto__": {"method": "tools/call"}})),
        ("nul-in-member", "A name that ends early in C.", body("ping", **{"method\0": "tools/call"})),
        ("params-null", "`params` is null.", body("ping", params=None)),
        ("params-string", "`params` is a string.", body("ping", params="x")),
    ):
        _check(group, f"invalid-request-{id}", comment, request(_good(), body=text), MALFORMED, "JSON-RPC 2.0 4", body=INVALID)
    for id, comment, text in (
        ("trailing-newline", "JSON allows blanks around a text.", f" {body('ping')}\r\n"),
        ("members-reordered", "The order of members does not matter.", '{"params":{},"method":"ping","id":1,"jsonrpc":"2.0"}'),
        ("extra-members", "Members that nobody reads.", body("ping", x={"y": 1}, params={"_meta": {"z": None}})),
        ("other-case-arguments", "Arguments may differ by case.", body("tools/call", params={"name": "x", "arguments": odd})),
    ):
        _check(group, f"readable-{id}", comment, request(_good(), body=text), OK, "JSON-RPC 2.0 4")


def _repeated_members(group: Group) -> None:
    refs = ("T24", "SEP-2243")
    for id, comment, text in (
        ("method", "The method twice: servers take the last.", body("ping")[:-1] + ',"method":"tools/call","params":{"name":"erase"}}'),
        ("method-same", "The method twice, the same.", body("ping")[:-1] + ',"method":"ping"}'),
        ("method-escaped", "The method twice, once escaped.", body("ping")[:-1] + ',"m\\u0065thod":"tools/call"}'),
        ("params", "The parameters twice.", tool_call("x")[:-1] + ',"params":{"name":"erase"}}'),
        ("id", "The id twice.", body("ping")[:-1] + ',"id":2}'),
        ("jsonrpc", "The version twice.", body("ping")[:-1] + ',"jsonrpc":"2.0"}'),
        ("unread", "A member that nobody reads twice.", body("ping")[:-1] + ',"x":1,"x":1}'),
        ("name", "The name twice.", tool_call("x")[:-2] + ',"name":"erase"}}'),
        ("name-escaped", "The name twice, once escaped.", tool_call("x")[:-2] + ',"n\\u0061me":"erase"}}'),
        ("params-unread", "A parameter that nobody reads twice.", tool_call("x")[:-2] + ',"x":1,"x":1}}'),
        (
            "ref-name",
            "The name in `params.ref` twice.",
            body("completion/complete", params=Raw('{"ref":{"type":"ref/prompt","name":"a","name":"b"}}')),
        ),
        (
            "ref-name-escaped",
            "The name in `params.ref` twice, once escaped.",
            body("completion/complete", params=Raw('{"ref":{"type":"ref/prompt","name":"a","\\u006eame":"b"}}')),
        ),
        ("result", "The result of a response twice.", rpc.response()[:-1] + ',"result":{}}'),
    ):
        _check(group, f"twice-{id}", comment, request(_good(), body=text), MALFORMED, *refs, body=INVALID)
    text = body("tools/call", params=Raw('{"name":"x","arguments":{"a":1,"a":2,"b":{"c":1,"c":2}}}'))
    _check(group, "twice-argument", "An argument twice is the tool's own affair.", request(_good(), body=text), OK, *refs)


def _names(group: Group) -> None:
    for id, comment, params in (
        ("no-params", "No parameters.", ABSENT),
        ("absent", "No name.", {"arguments": {}}),
        ("null", "The name is null.", {"name": None}),
        ("number", "The name is a number.", {"name": 7}),
        ("array", "The name is a list.", {"name": ["x"]}),
        ("object", "The name is an object.", {"name": {"x": 1}}),
        ("boolean", "The name is a boolean.", {"name": True}),
        ("other-case", "Member names differ by case.", {"Name": "x"}),
    ):
        _check(group, f"name-{id}", comment, request(_good(), body=body("tools/call", params=params)), MALFORMED, "SEP-2243", body=INVALID)
    for method, member in (
        ("prompts/get", "name"),
        ("resources/read", "uri"),
        ("resources/subscribe", "uri"),
        ("resources/unsubscribe", "uri"),
    ):
        id = method.replace("/", "-")
        _check(group, f"name-{id}", "The name is there.", request(_good(), body=body(method, params={member: "x:y"})), OK, "SEP-2243")
        for form, params in (("absent", {"x": 1}), ("number", {member: 7})):
            text = body(method, params=params)
            _check(
                group,
                f"name-{id}-{form}",
                f"`{member}` of {method}: {form}.",
                request(_good(), body=text),
                MALFORMED,
                "SEP-2243",
                body=INVALID,
            )


def _encodings(group: Group) -> None:
    for id, comment, data in (
        ("invalid-utf-8", "A byte that is no UTF-8.", body("tools/call", params={"name": "X"}).encode().replace(b"X", b"\xff")),
        ("latin-1", "Latin-1.", body("tools/call", params={"name": "wéather"}).encode("latin-1")),
        ("overlong", "An overlong sequence.", body("ping", params={"x": "X"}).encode().replace(b'"X"', b'"\xc0\xaf"')),
        ("surrogate", "A surrogate in UTF-8.", body("ping", params={"x": "X"}).encode().replace(b'"X"', b'"\xed\xa0\x80"')),
        ("utf-16-le", "UTF-16 without a mark.", body("ping").encode("utf-16-le")),
        ("utf-16-be-mark", "UTF-16 with a mark.", b"\xfe\xff" + body("ping").encode("utf-16-be")),
        ("utf-32-le", "UTF-32.", body("ping").encode("utf-32-le")),
        ("gzip", "The first bytes of gzip.", bytes.fromhex("1f8b08000000000000ff")),
        ("nul", "One NUL.", b"\0"),
    ):
        what = request(_good(), body_base64=base64.b64encode(data).decode("ascii"))
        _check(group, f"encoding-{id}", comment, what, MALFORMED, "T25", "SEP-2243", body=PARSE_ERROR)
    _check(group, "encoding-utf-8", "UTF-8.", request(_good(), body=tool_call("wéather")), OK, "T25")
    plain = base64.b64encode(tool_call("erase").encode()).decode("ascii")
    _check(group, "encoding-bytes", "The same call as text and as bytes.", request(_good(), body_base64=plain), DENIED, "T25")


def _depths(group: Group) -> None:
    def nested(total: int) -> str:
        inner = total - 2
        return body("ping", params=Raw('{"x":' + "[" * inner + "]" * inner + "}"))

    _check(group, "depth-64", "Sixty-four containers.", request(_good(), body=nested(64)), OK, "T26")
    _check(group, "depth-65", "Sixty-five containers.", request(_good(), body=nested(65)), MALFORMED, "T26", body=INVALID)
    _check(group, "depth-400", "Four hundred containers.", request(_good(), body=nested(400)), MALFORMED, "T26", body=INVALID)
    objects = body("ping", params=Raw('{"x":' * 64 + "1" + "}" * 64))
    _check(group, "depth-65-objects", "Sixty-five objects.", request(_good(), body=objects), MALFORMED, "T26", body=INVALID)


def _handed_in(group: Group) -> None:
    erase = {"method": "tools/call", "name": "erase", "id": 1}
    for id, comment, calls, faults in (
        ("one", "One call.", [{"method": "tools/call", "name": "x", "id": 1}], OK),
        ("no-id", "A notification.", [{"method": "notifications/initialized"}], OK),
        ("denied", "A call that the policy denies.", [erase], DENIED),
        ("two", "Two calls are a batch.", [{"method": "ping", "id": 1}, {"method": "ping", "id": 2}], OK),
        ("two-denied", "Two calls are a batch.", [{"method": "ping", "id": 1}, erase], DENIED),
        ("two-no-name", "One of two has no name.", [{"method": "ping"}, {"method": "tools/call"}], MALFORMED),
        ("hundred", "A hundred calls.", [{"method": "ping"}] * 100, OK),
        ("hundred-and-one", "A batch has at most a hundred.", [{"method": "ping"}] * 101, MALFORMED),
        ("no-name", "A tool call without a name.", [{"method": "tools/call", "id": 1}], MALFORMED),
        ("resource", "A resource.", [{"method": "resources/read", "name": "file:///a", "id": 1}], OK),
        ("resource-without-key", "A resource.", [{"method": "resources/read", "name": "file:///a/..", "id": 1}], DENIED),
        ("completion", "A reference is for the body.", [{"method": "completion/complete", "name": "x", "id": 1}], MALFORMED),
        ("listen", "A listen filter is for the body.", [{"method": "subscriptions/listen", "id": 1}], MALFORMED),
    ):
        stated = {"body": INVALID} if faults == MALFORMED else {}
        _check(group, f"calls-{id}", comment, request(_good(), calls=calls), faults, "SEP-2243", **stated)
    _check(group, "calls-short", "The scope is short.", request(_good("x"), calls=[{"method": "ping", "id": 4}]), SHORT, "SEP-2243")


def _sizes(suite: Suite) -> None:
    group = suite.group("`max_body_bytes`.", config(policy={"default": [], "max_body_bytes": LIMIT}))
    for id, comment, text, faults in (
        ("1024", "As large as it may be.", body("ping").ljust(LIMIT), OK),
        ("1025", "One byte over.", body("ping").ljust(LIMIT + 1), "call_too_large"),
        ("1025-get", "Whatever the method.", body("ping").ljust(LIMIT + 1), "call_too_large"),
    ):
        method = "GET" if id.endswith("get") else "POST"
        stated = {"body": TOO_LARGE} if faults else {}
        _check(group, f"size-{id}", comment, request(_good(), method, body=text), faults, "RFC 9110 15.5.14", **stated)
    letters = body("ping", params={"x": "é" * 512})
    _check(group, "size-letters", "Bytes count, not letters.", request(_good(), body=letters), "call_too_large", "RFC 9110 15.5.14")
    group = suite.group("The default limit of 4 MiB.", config(policy={"default": []}))
    _check(group, "size-default", "A body of 20,000 bytes.", request(_good(), body=body("ping", params={"x": "y" * 20000})), OK)
