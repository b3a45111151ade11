"""Compressed bodies whose bytes do not depend on a version of zlib: nothing in them is shortened (RFC 1951 3.2.4)."""

from __future__ import annotations

import zlib


def gzipped(data: bytes) -> bytes:
    """RFC 1952."""
    sums = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    return b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + _stored(data) + sums


def deflated(data: bytes) -> bytes:
    """RFC 1950."""
    return b"\x78\x01" + _stored(data) + zlib.adler32(data).to_bytes(4, "big")


def _stored(data: bytes) -> bytes:
    """One block."""
    return b"\x01" + len(data).to_bytes(2, "little") + (len(data) ^ 0xFFFF).to_bytes(2, "little") + data
