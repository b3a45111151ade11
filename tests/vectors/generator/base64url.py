"""Base64url without padding, in its one canonical form (RFC 4648 section 5, RFC 7515 section 2)."""

from __future__ import annotations

import base64
import re


class NotBase64Url(Exception):
    """Another alphabet, padding, an impossible length, or unused bits that are set."""


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        raise NotBase64Url(text[:40])
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text:
        raise NotBase64Url(text[:40])
    return data
