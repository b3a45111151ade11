"""The key under which a policy looks up a resource: one for all spellings of it, or none (rules section 6)."""

from __future__ import annotations

import ipaddress
import re
import string
import unicodedata
from urllib.parse import quote, unquote_to_bytes

_PORTS = {"http": "80", "ws": "80", "https": "443", "wss": "443", "ftp": "21"}
_SPECIAL = (*_PORTS, "file")
_UNRESERVED = string.ascii_letters + string.digits + "-._~"
_PARTS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?://([^/?]*))?([^?]*)(?:\?.*)?", re.DOTALL)


def resource_key(uri: str, may_be_template: bool = False) -> str | None:
    """None for a text that is no absolute URI, and for a URI that servers could read as another one."""
    if may_be_template:
        uri = re.split(r"\{[?&#]", uri)[0]
    parts = _PARTS.fullmatch(uri)
    if parts is None or not _is_unambiguous(uri[len(parts[1]) :], "{}" if may_be_template else ""):
        return None
    scheme, authority, path = parts[1].lower(), parts[2], _escape(parts[3])
    if authority is None and scheme in _SPECIAL:
        return None
    if authority is not None and not _authority_is_plain(scheme, _lower(_escape(authority))):
        return None
    if {".", ".."} & set(path.split("/")):
        return None
    if not path and scheme in _SPECIAL:
        path = "/"
    front = scheme + ":" if authority is None else f"{scheme}://{_lower(_escape(authority))}"
    return front + re.sub("/+", "/", path)


def _is_unambiguous(text: str, further: str) -> bool:
    allowed = _UNRESERVED + ":/?[]@!$&'()*+,;=%" + further
    if any(letter.isascii() and letter not in allowed or letter.isspace() for letter in text):
        return False
    if len(re.findall("%", text)) != len(re.findall("%[0-9A-Fa-f]{2}", text)):
        return False
    escaped = {chr(int(digits, 16)) for digits in re.findall("%([0-9A-Fa-f]{2})", text)}
    if escaped & set(_UNRESERVED + "/\\"):
        return False
    try:
        decoded = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(unicodedata.category(letter) == "Cc" for letter in decoded)


def _escape(text: str) -> str:
    """Everything beyond ASCII escaped, and the digits of escapes in upper case."""
    text = "".join(letter if letter.isascii() else quote(letter) for letter in text)
    return re.sub("%..", lambda escape: escape[0].upper(), text)


def _lower(host: str) -> str:
    return re.sub("(%..)|[A-Z]+", lambda found: found[1] or found[0].lower(), host)


def _authority_is_plain(scheme: str, authority: str) -> bool:
    found = re.fullmatch(r"(\[[^\]]*\]|[^:@]*)(?::(0|[1-9][0-9]*))?", authority)
    if found is None:
        return False
    host, port = found.groups()
    if port is not None and (scheme == "file" or not host or int(port) > 65535 or port == _PORTS.get(scheme)):
        return False
    if host.startswith("["):
        return _is_plain_ipv6(host)
    if scheme not in _SPECIAL:
        return True
    if "%" in host or (not host and scheme != "file") or (host == "localhost" and scheme == "file"):
        return False
    last = host.removesuffix(".").split(".")[-1]
    return not host or not re.fullmatch("0x.*|[0-9]*", last) or _is_ipv4(host)


def _is_ipv4(host: str) -> bool:
    try:
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


def _is_plain_ipv6(host: str) -> bool:
    try:
        address = ipaddress.IPv6Address(host[1:-1])
    except ValueError:
        return False
    return "%" not in host and address.ipv4_mapped is None and f"[{address.compressed}]" == host
