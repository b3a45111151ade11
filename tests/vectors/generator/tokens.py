"""Tokens for the cases: a good one, and the same with one thing changed."""

from __future__ import annotations

import json
from typing import Any

from .base64url import encode
from .keys import sign

NOW = 1800000000
ISSUER = "https://as.test"
RESOURCE = "https://mcp.test/mcp"
ABSENT = object()


class Raw(str):
    """JSON text that goes into a header or payload as it stands."""


GOOD_HEADER: dict[str, Any] = {"alg": "EdDSA", "typ": "at+jwt", "kid": "ed-a"}
GOOD_CLAIMS: dict[str, Any] = {
    "iss": ISSUER,
    "sub": "alice",
    "aud": RESOURCE,
    "exp": NOW + 300,
    "iat": NOW - 60,
    "jti": "id-1",
    "client_id": "app",
    "scope": "mcp:read",
}


def header(**changes: Any) -> str:
    """The text of the good header with members changed, added, or left out (ABSENT)."""
    return object_text(GOOD_HEADER | changes)


def claims(**changes: Any) -> str:
    """The text of the good claims with members changed, added, or left out (ABSENT)."""
    return object_text(GOOD_CLAIMS | changes)


def object_text(members: dict[str, Any]) -> str:
    """A JSON object without blanks, members in their order."""
    written = (f"{json.dumps(name)}:{_value_text(value)}" for name, value in members.items() if value is not ABSENT)
    return "{" + ",".join(written) + "}"


def jws(header_text: str | bytes, payload_text: str | bytes, key: str = "ed-a", algorithm: str = "EdDSA") -> str:
    """A compact JWS over exactly these bytes, signed with the named key."""
    message = f"{encode(_octets(header_text))}.{encode(_octets(payload_text))}"
    return f"{message}.{encode(sign(key, algorithm, message.encode('ascii')))}"


def token(**changes: Any) -> str:
    """A good EdDSA token with claims changed."""
    return jws(header(), claims(**changes))


def token_with_header(**changes: Any) -> str:
    """A good EdDSA token with header members changed; the signature stays EdDSA under the same key."""
    return jws(header(**changes), claims())


def signed_by(key: str, algorithm: str, kid: Any = None, **changes: Any) -> str:
    """A good token signed with another key; `kid` is the key's name unless given."""
    return jws(header(alg=algorithm, kid=key if kid is None else kid), claims(**changes), key, algorithm)


def with_signature(header_text: str, payload_text: str, signature: bytes) -> str:
    """A compact JWS with a signature made elsewhere."""
    return f"{signing_input(header_text, payload_text)}.{encode(signature)}"


def signing_input(header_text: str, payload_text: str) -> str:
    return f"{encode(_octets(header_text))}.{encode(_octets(payload_text))}"


def bearer(credential: str) -> list[str]:
    """The one Authorization line that carries a credential."""
    return [f"Bearer {credential}"]


def _octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8")


def _value_text(value: Any) -> str:
    return str(value) if isinstance(value, Raw) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
