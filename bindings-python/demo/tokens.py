"""JWT access tokens (RFC 9068) from a client's side: read, and falsified."""

from __future__ import annotations

import base64
import json
from typing import Any


def header_and_claims(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the token says. Nothing is verified."""
    header, claims, _ = token.split(".")
    return _decoded(header), _decoded(claims)


def tampered(token: str, **claims: object) -> str:
    """The token with other claims, under the signature that it had."""
    header, _, signature = token.split(".")
    _, signed = header_and_claims(token)
    forged = base64.urlsafe_b64encode(json.dumps(signed | claims).encode()).decode()
    return f"{header}.{forged.rstrip('=')}.{signature}"


def _decoded(part: str) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded
