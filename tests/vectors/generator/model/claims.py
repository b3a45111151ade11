"""The claims of a token, typed, and the checks on them (rules 3, order of checks 16 to 22)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any

from .configuration import AuthorizationServer, Configuration

MAX_TIME = 2**53 - 1
SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
_ACCESS_TOKEN_TYPES = ("at+jwt", "application/at+jwt")
_OTHER_PAYLOAD_TYPES = ("ID", "Refresh", "Offline", "Logout")
_RFC9068_CLAIMS = ("exp", "aud", "sub", "client_id", "iat", "jti")


class Malformed(Exception):
    """A claim that is there in a form it may not have."""


@dataclass
class Claims:
    """What could be read. A malformed claim is None here and named in `malformed`."""

    raw: dict[str, Any]
    header_typ: str | None
    malformed: list[str] = field(default_factory=list)
    exp: int | None = None
    nbf: int | None = None
    iat: int | None = None
    audience: list[str] | None = None
    subject: str | None = None
    token_id: str | None = None
    client_id: str | None = None
    has_client_id: bool = False
    scopes: list[str] = field(default_factory=list)
    has_scopes: bool = False
    confirmation: dict[str, Any] | None = None
    token_use: str | None = None
    payload_typ: str | None = None
    client_audience: str | None = None


def text(value: Any) -> str:
    """A string without U+0000."""
    if not isinstance(value, str) or "\0" in value:
        raise Malformed
    return value


def read_claims(raw: dict[str, Any], header_typ: str | None, server: AuthorizationServer) -> Claims:
    claims = Claims(raw, header_typ.lower() if header_typ is not None else None)

    def read(name: str, reader: Any) -> Any:
        if name not in raw:
            return None
        try:
            return reader(raw[name])
        except Malformed:
            claims.malformed.append(name)
            return None

    claims.exp = read("exp", lambda value: math.floor(_time(value)))
    claims.nbf = read("nbf", lambda value: math.ceil(_time(value)))
    claims.iat = read("iat", lambda value: math.ceil(_time(value)))
    claims.audience = read("aud", _audience)
    claims.subject = read("sub", text)
    claims.token_id = read("jti", text)
    for name in server.client_id_claims:
        if name in raw:
            claims.has_client_id, claims.client_id = True, read(name, text)
            break
    _read_scopes(claims, server)
    claims.confirmation = read("cnf", _object)
    if server.token_format == "generic":
        claims.token_use = read("token_use", text)
        claims.payload_typ = read("typ", text)
    if server.unsafe_client_audience is not None:
        claims.client_audience = read(server.unsafe_client_audience["claim"], text)
    return claims


def missing_claims(claims: Claims, server: AuthorizationServer, config: Configuration) -> list[str]:
    needed = ["exp"]
    if server.unsafe_client_audience is None:
        needed.append("aud")
    elif "aud" not in claims.raw:
        needed.append(server.unsafe_client_audience["claim"])
    if server.token_format == "rfc9068":
        needed += _RFC9068_CLAIMS
    if config.max_token_age_seconds is not None or config.max_token_lifetime_seconds is not None:
        needed.append("iat")
    needed += sorted(server.required_claims)
    return [name for name in needed if name not in claims.raw]


def is_not_an_access_token(claims: Claims, server: AuthorizationServer) -> bool:
    if server.token_format != "generic":
        return False
    if any(name in claims.raw for name in ("at_hash", "c_hash", "events")):
        return True
    if claims.token_use not in (None, "access") or claims.payload_typ in _OTHER_PAYLOAD_TYPES:
        return True
    if "nonce" in claims.raw and claims.header_typ not in _ACCESS_TOKEN_TYPES and claims.payload_typ != "Bearer":
        return True
    return not claims.has_scopes and not claims.has_client_id


def type_is_allowed(typ: str | None, server: AuthorizationServer) -> bool:
    if typ is None:
        return server.token_format == "generic"
    return typ.lower() in _ACCESS_TOKEN_TYPES or (server.token_format == "generic" and typ.lower() == "jwt")


def audience_is_wrong(claims: Claims, server: AuthorizationServer, config: Configuration) -> bool:
    if claims.audience is None:
        rule = server.unsafe_client_audience
        return rule is not None and claims.client_audience is not None and claims.client_audience not in rule["values"]
    others = config.additional_audiences + server.additional_audiences
    ours = [is_resource(value, config.resource) or value in others for value in claims.audience]
    return not all(ours) if config.reject_foreign_audiences else not any(ours)


def is_resource(value: str, resource: str) -> bool:
    """Equal, or equal once scheme and host are lower-cased, the default port dropped and an empty path a slash."""
    normal = _normalise(value)
    return value == resource or (normal is not None and normal == _normalise(resource))


def time_faults(claims: Claims, config: Configuration, now: int) -> list[str]:
    faults = []
    leeway = config.leeway_seconds
    if claims.exp is not None and not now < claims.exp + leeway:
        faults.append("expired")
    if any(start is not None and not now >= start - leeway for start in (claims.nbf, claims.iat)):
        faults.append("not_yet_valid")
    age, lifetime = config.max_token_age_seconds, config.max_token_lifetime_seconds
    if claims.iat is not None and age is not None and now - claims.iat > age + leeway:
        faults.append("too_old")
    if claims.iat is not None and claims.exp is not None and lifetime is not None and claims.exp - claims.iat > lifetime:
        faults.append("lifetime_too_long")
    return faults


def has_refused_claim(claims: Claims, server: AuthorizationServer) -> bool:
    for name, wanted in server.required_claims.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        if name in claims.raw and not (isinstance(claims.raw[name], str) and claims.raw[name] in values):
            return True
    return False


def _time(value: Any) -> int | float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_TIME:
        raise Malformed
    return value


def _audience(value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    if not values:
        raise Malformed
    return [text(entry) for entry in values]


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed
    return value


def _read_scopes(claims: Claims, server: AuthorizationServer) -> None:
    try:
        present, value, only_text = _find_scope_claim(claims.raw, server)
        if not present:
            return
        claims.has_scopes = True
        scopes = _scope_list(value, only_text)
    except Malformed:
        claims.has_scopes = True
        claims.malformed.append("scope")
        return
    prefix = server.scope_prefix
    prefixed = [scope if scope.startswith(prefix) else prefix + scope for scope in scopes]
    claims.scopes = list(dict.fromkeys(prefixed))


def _find_scope_claim(raw: dict[str, Any], server: AuthorizationServer) -> tuple[bool, Any, bool]:
    strict = server.token_format == "rfc9068"
    for entry in server.scope_claims:
        path = entry if isinstance(entry, list) else [entry]
        value: Any = raw
        for name in path:
            if not isinstance(value, dict):
                raise Malformed
            if name not in value:
                break
            value = value[name]
        else:
            return True, value, strict and path == ["scope"]
    return False, None, False


def _scope_list(value: Any, only_text: bool) -> list[str]:
    if isinstance(value, str):
        scopes = value.split(" ") if value else []
    elif isinstance(value, list) and not only_text:
        scopes = value
    else:
        raise Malformed
    if not all(isinstance(scope, str) and SCOPE_TOKEN.fullmatch(scope) for scope in scopes):
        raise Malformed
    return scopes


def _normalise(value: str) -> tuple[str, str, str, str] | None:
    parts = re.fullmatch(r"([A-Za-z]+)://([^/?#@]+?)(?::([0-9]+))?(/[^?#]*)?(\?[^#]*)?", value, re.DOTALL)
    if parts is None:
        return None
    scheme, host, port, path, query = parts.groups()
    default = {"https": "443", "http": "80"}.get(scheme.lower())
    kept_port = "" if port is None or port == default else port
    return scheme.lower(), f"{host.lower()}:{kept_port}", path or "/", query or ""
