"""The MCP call of a request: the JSON-RPC body or the parsed calls, and the routing headers (rules 6)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any

from ..strict_json import NotJson, Object, depth, parse

MAX_DEPTH = 64
MAX_ID = 256
_NAMED_BY = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "resources/subscribe": "uri",
    "resources/unsubscribe": "uri",
}
_OURS = ("jsonrpc", "method", "params", "id", "result", "error", "name", "uri", "ref", "type")
_NAME_IN_HEADER = ("tools/call", "prompts/get", "resources/read")


class Unreadable(Exception):
    """No call can be read: the JSON-RPC error to answer with."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Call:
    """A request or notification, a response (no method), or nothing at all (no method, `empty`)."""

    method: str | None = None
    name: str | None = None
    id: Any = None
    empty: bool = False


def request_body(request: dict[str, Any]) -> bytes | None:
    """The body bytes, or None when it was not read."""
    if "body_base64" in request:
        return base64.b64decode(request["body_base64"], validate=True)
    return request["body"].encode("utf-8") if "body" in request else None


def is_unread(request: dict[str, Any]) -> bool:
    return request_body(request) is None and "calls" not in request


def read_call(request: dict[str, Any]) -> Call:
    """The one call of a request whose body was handed in."""
    if "calls" in request:
        return _handed_in(request["calls"])
    body = request_body(request)
    return Call(empty=True) if not body else _read_body(body)


def known_id(value: Any) -> bool:
    """An integer within ±2^53 or a string of at most 256 bytes; anything else counts as unknown."""
    if isinstance(value, str):
        return len(value.encode("utf-8")) <= MAX_ID
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53


def headers_contradict(request: dict[str, Any], call: Call) -> bool:
    """Whether a version that demands routing headers finds one missing, doubled or different."""
    version = request.get("protocol_version", [])
    if len(version) != 1 or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", version[0]) or version[0] < "2026-07-28":
        return False
    methods, names = request.get("mcp_method", []), request.get("mcp_name", [])
    if call.method is None:
        return bool(methods or names)
    if methods != [call.method] and (methods or not call.method.startswith("notifications/")):
        return True
    if call.method not in _NAME_IN_HEADER:
        return len(names) > 1
    return [_decode_name(line) for line in names] != [call.name]


def _handed_in(calls: list[dict[str, Any]]) -> Call:
    if len(calls) != 1:
        raise Unreadable(-32600, "Invalid Request")
    call = calls[0]
    if call["method"] in _NAMED_BY and "name" not in call:
        raise Unreadable(-32600, "Invalid Request")
    return Call(call["method"], call.get("name"), call.get("id"))


def _read_body(body: bytes) -> Call:
    try:
        message = parse(body)
    except NotJson as error:
        raise Unreadable(-32700, "Parse error") from error
    if not _is_one_message(message):
        raise Unreadable(-32600, "Invalid Request")
    if "method" not in message:
        return Call()  # the id of a response names a request of the server's
    return Call(message["method"], _name(message), message.get("id"))


def _is_one_message(message: Any) -> bool:
    if not isinstance(message, Object) or _is_ambiguous(message) or depth(message) > MAX_DEPTH:
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
    naming = _NAMED_BY.get(message["method"])
    named = [message["method"]] if naming is None else [message["method"], params.get(naming)]
    return all(isinstance(text, str) and "\0" not in text for text in named)


def _is_ambiguous(members: Object) -> bool:
    """A repeated name, one of ours in another case, one with U+0000, or `__proto__`: parsers take them differently."""
    odd = (name for name in members if name not in _OURS)
    return members.repeated or any(name.casefold() in _OURS or name == "__proto__" or "\0" in name for name in odd)


def _name(message: dict[str, Any]) -> str | None:
    naming = _NAMED_BY.get(message["method"])
    return None if naming is None else message["params"][naming]


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
