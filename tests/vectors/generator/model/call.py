"""The MCP calls of a request: the JSON-RPC body or the parsed calls, and the routing headers (rules 6)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from ..strict_json import NotJson, Object, depth, parse

MAX_DEPTH = 64
MAX_ID = 256
MAX_BATCH = 100
MAX_NAMES = 1000
_NAMED_BY = {
    "tools/call": ("tools", "name"),
    "prompts/get": ("prompts", "name"),
    "resources/read": ("resources", "uri"),
    "resources/subscribe": ("resources", "uri"),
    "resources/unsubscribe": ("resources", "uri"),
}
_COMPLETE = "completion/complete"
_LISTEN = "subscriptions/listen"
_REFERENCES = {"ref/prompt": ("prompts", "name"), "ref/resource": ("resources", "uri")}
_FILTER = "resourceSubscriptions"
_OURS = ("jsonrpc", "method", "params", "id", "result", "error", "name", "uri", "ref", "type", "notifications", _FILTER)
_FOLDED = {name.casefold() for name in _OURS}
_NAME_IN_HEADER = ("tools/call", "prompts/get", "resources/read")


class Unreadable(Exception):
    """No call can be read: the JSON-RPC error to answer with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Call:
    """A request or notification, a response (no method), nothing at all (no method, `empty`), or a batch (no method)."""

    method: str | None = None
    names: tuple[tuple[str, str], ...] = ()  # the map of the policy, and the name or uri
    id: Any = None
    empty: bool = False
    batch: tuple[Call, ...] | None = None

    def each(self) -> tuple[Call, ...]:
        return (self,) if self.batch is None else self.batch


def request_body(request: dict[str, Any]) -> bytes | None:
    """The body bytes, or None when it was not read."""
    if "body_base64" in request:
        return base64.b64decode(request["body_base64"], validate=True)
    return request["body"].encode("utf-8") if "body" in request else None


def is_unread(request: dict[str, Any]) -> bool:
    return request_body(request) is None and "calls" not in request


def read_call(request: dict[str, Any]) -> Call:
    """The call of a request whose body was handed in, or the batch of them."""
    if "calls" in request:
        call = _handed_in(request["calls"])
    else:
        body = request_body(request)
        call = _read_body(body) if body else Call(empty=True)
    named = sum(len(one.names) for one in call.each())
    if named > MAX_NAMES or (call.batch is not None and has_routing_headers(request)):
        raise Unreadable(-32600, "Invalid Request")
    return call


def described_by_headers(request: dict[str, Any]) -> Call | None:
    """The call that verified routing headers stand for; None where only the body says what it is about."""
    methods, names = request.get("mcp_method", []), request.get("mcp_name", [])
    if not has_routing_headers(request) or not methods:
        return None
    if len(methods) > 1 or len(names) > 1:
        raise Unreadable(-32020, "Header mismatch")
    method = methods[0]
    if not method.isascii() or not method or method in (_COMPLETE, _LISTEN):
        return None
    if method not in _NAMED_BY:
        return Call(method)
    if method not in _NAME_IN_HEADER:
        return None
    if names and (not names[0] or not names[0].isascii()):
        return None
    name = _decode_name(names[0]) if names else None
    if name is None or "\0" in name:
        raise Unreadable(-32020, "Header mismatch")
    return Call(method, ((_NAMED_BY[method][0], name),))


def has_routing_headers(request: dict[str, Any]) -> bool:
    """Whether the request names, once, a version that has them."""
    version = request.get("protocol_version", [])
    return len(version) == 1 and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", version[0]) is not None and version[0] >= "2026-07-28"


def known_id(value: Any) -> bool:
    """An integer within ±2^53 or a string of at most 256 bytes; anything else counts as unknown."""
    if isinstance(value, str):
        return len(value.encode("utf-8")) <= MAX_ID
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53


def headers_contradict(request: dict[str, Any], call: Call) -> bool:
    """Whether a version that demands routing headers finds one missing, doubled or different."""
    if not has_routing_headers(request):
        return False
    methods, names = request.get("mcp_method", []), request.get("mcp_name", [])
    if call.method is None:
        return bool(methods or names)
    if methods != [call.method] and (methods or not call.method.startswith("notifications/")):
        return True
    if call.method not in _NAME_IN_HEADER:
        return len(names) > 1
    return [_decode_name(line) for line in names] != [name for _, name in call.names]


def _handed_in(calls: list[dict[str, Any]]) -> Call:
    if not calls:
        return Call(empty=True)
    if len(calls) > MAX_BATCH:
        raise Unreadable(-32600, "Invalid Request")
    read = tuple(_one_handed_in(call) for call in calls)
    return Call(batch=read) if len(read) > 1 else read[0]


def _one_handed_in(call: dict[str, Any]) -> Call:
    """Of a prompt or a resource that a reference or a filter names, a parsed call does not tell."""
    method, name = call["method"], call.get("name")
    if method in (_COMPLETE, _LISTEN) or (method in _NAMED_BY and name is None):
        raise Unreadable(-32600, "Invalid Request")
    names = ((_NAMED_BY[method][0], name),) if method in _NAMED_BY else ()
    if any("\0" in text for text in (method, *(name for _, name in names))):
        raise Unreadable(-32600, "Invalid Request")
    return Call(method, names, call.get("id"))


def _read_body(body: bytes) -> Call:
    try:
        message = parse(body)
    except NotJson as error:
        raise Unreadable(-32700, "Parse error") from error
    if depth(message) > MAX_DEPTH:
        raise Unreadable(-32600, "Invalid Request")
    if not isinstance(message, list):
        return _read_message(message)
    if not 1 <= len(message) <= MAX_BATCH:
        raise Unreadable(-32600, "Invalid Request")
    read = [_read_message(element) for element in message]
    return Call(batch=tuple(call for call in read if call.method is not None))


def _read_message(message: Any) -> Call:
    if not _is_one_message(message):
        raise Unreadable(-32600, "Invalid Request")
    if "method" not in message:
        return Call()  # the id of a response names a request of the server's
    names = _names(message["method"], message.get("params", Object()))
    if names is None or any(not isinstance(name, str) or "\0" in name for _, name in names):
        raise Unreadable(-32600, "Invalid Request")
    return Call(message["method"], tuple(names), message.get("id"))


def _is_one_message(message: Any) -> bool:
    if not isinstance(message, Object) or _is_ambiguous(message):
        return False
    if message.get("jsonrpc") != "2.0":
        return False
    answers = "result" in message or "error" in message
    if "method" not in message:
        return answers
    params = message.get("params", Object())
    if answers or not isinstance(message["method"], str) or not isinstance(params, Object) or _is_ambiguous(params):
        return False
    ref = params.get("ref")
    if isinstance(ref, Object) and _is_ambiguous(ref):
        return False
    return "\0" not in message["method"]


def _names(method: str, params: Object) -> list[tuple[str, Any]] | None:
    """What the call is about; None where that cannot be read."""
    if method in _NAMED_BY:
        kind, member = _NAMED_BY[method]
        return [(kind, params.get(member))]
    if method == _COMPLETE:
        ref = params.get("ref")
        type = ref.get("type") if isinstance(ref, Object) else None
        kind, member = _REFERENCES.get(type, (None, None)) if isinstance(type, str) else (None, None)
        return None if kind is None else [(kind, ref.get(member))]
    if method == _LISTEN:
        wanted = params.get("notifications")
        if not isinstance(wanted, Object) or _is_ambiguous(wanted) or "resource_subscriptions" in wanted:
            return None
        uris = wanted.get(_FILTER, [])
        return [("resources", uri) for uri in uris] if isinstance(uris, list) else None
    return []


def _is_ambiguous(members: Object) -> bool:
    """A repeated name, one of ours in another case, one with U+0000, or `__proto__`: parsers take them differently."""
    odd = (name for name in members if name not in _OURS)
    return members.repeated or any(name.casefold() in _FOLDED or name == "__proto__" or "\0" in name for name in odd)


def _decode_name(line: str) -> str | None:
    encoded = re.fullmatch(r"=\?base64\?(.*)\?=", line, re.DOTALL)
    try:
        if encoded is None:
            return line.encode("latin-1").decode("utf-8")
        data = base64.b64decode(encoded[1], validate=True)
        canonical = base64.b64encode(data).decode("ascii") == encoded[1]
        return data.decode("utf-8") if canonical else None
    except (binascii.Error, ValueError):
        return None
