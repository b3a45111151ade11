"""The Authorization lines and the compact JWS in them (rules 3, order of checks 3 to 9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ..base64url import NotBase64Url, decode
from ..strict_json import NotJson, Object, depth, has_repeated_member, parse, parse_prefix

AROUND = " \t"
"""Optional white space at the ends of a field value (RFC 9110 section 5.5)."""
MAX_TOKEN = 16384
MAX_HEADER = 4096
MAX_DEPTH = 32
MAX_KID = 256


def after_scheme(line: str) -> str | None:
    """What follows `Bearer` and blanks; None when that is nothing or the scheme is another (RFC 9110 section 11.4)."""
    scheme, _, rest = line.strip(AROUND).partition(" ")
    if scheme.lower() != "bearer":
        return None
    return rest.lstrip(" ") or None


@dataclass(frozen=True)
class Jws:
    """The parts of a token, as far as they can be read, and what is wrong with its syntax."""

    header: Object | None
    claims: Object | None
    payload: bytes
    signing_input: bytes
    signature: bytes | None
    header_fault: str | None
    payload_fault: str | None


def read_jws(token: str) -> Jws:
    """Reads on behind a fault where a careless reader would, so that a second fault is seen too."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]*", token):
        return _unreadable("a byte that no token has")
    if token.count(".") != 2:
        return _unreadable("not two dots")
    header_text, payload_text, signature_text = token.split(".")
    if not header_text or not payload_text:
        return _unreadable("an empty part")
    try:
        header_bytes, payload = decode(header_text), decode(payload_text)
        signature = decode(signature_text)
    except NotBase64Url:
        return _unreadable("no canonical base64url")
    header, header_fault = _read_object(header_bytes)
    if len(header_bytes) > MAX_HEADER:
        header_fault = "a header over 4 KiB"
    claims, payload_fault = _read_object(payload)
    return Jws(
        header=header,
        claims=claims,
        payload=payload,
        signing_input=f"{header_text}.{payload_text}".encode("ascii"),
        signature=signature,
        header_fault=header_fault or _header_member_fault(header or Object()),
        payload_fault=payload_fault,
    )


def kid_is_well_formed(header: dict[str, Any]) -> bool:
    """Absent, or a string of 1 to 256 bytes."""
    kid = header.get("kid", "absent")
    return isinstance(kid, str) and 1 <= len(kid.encode("utf-8")) <= MAX_KID


def _unreadable(fault: str) -> Jws:
    return Jws(None, None, b"", b"", None, fault, None)


def _read_object(text: bytes) -> tuple[Object | None, str | None]:
    try:
        value, fault = parse(text), None
    except NotJson:
        value, fault = parse_prefix(text), "not strict JSON"
    if not isinstance(value, Object):
        return None, fault or "not an object"
    if has_repeated_member(value):
        fault = fault or "a member twice"
    if depth(value) > MAX_DEPTH:
        fault = fault or "too deep"
    return value, fault


def _header_member_fault(header: dict[str, Any]) -> str | None:
    if not isinstance(header.get("alg"), str):
        return "alg"
    if not isinstance(header.get("typ", ""), str):
        return "typ"
    if not kid_is_well_formed(header):
        return "kid"
    return "enc or zip" if "enc" in header or "zip" in header else None
