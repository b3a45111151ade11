"""The fixed TEST-ONLY keys: public JWKs for the configurations, signatures for the tokens."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from .base64url import decode, encode

_FILE = Path(__file__).parent.parent / "keys" / "test-only-private-keys.json"
_PRIVATE: dict[str, dict[str, str]] = json.loads(_FILE.read_text("utf-8"))["keys"]
_CURVES: dict[str, tuple[ec.EllipticCurve, int]] = {
    "P-256": (ec.SECP256R1(), 32),
    "P-384": (ec.SECP384R1(), 48),
    "P-521": (ec.SECP521R1(), 66),
    "secp256k1": (ec.SECP256K1(), 32),
}
_CURVE_HASHES: dict[str, hashes.HashAlgorithm] = {
    "P-256": hashes.SHA256(),
    "P-384": hashes.SHA384(),
    "P-521": hashes.SHA512(),
    "secp256k1": hashes.SHA256(),
}
_DIGEST_INFO = {
    "sha1": "3021300906052b0e03021a05000414",
    "sha256": "3031300d060960864801650304020105000420",
    "sha384": "3041300d060960864801650304020205000430",
    "sha512": "3051300d060960864801650304020305000440",
}


def public_jwk(name: str, /, kid: str | None = None, **members: Any) -> dict[str, Any]:
    """The public JWK of a key. `kid` is the key's name unless given; a member given as None is left out."""
    jwk: dict[str, Any] = {"kty": _PRIVATE[name]["kty"], "kid": kid or name}
    jwk |= {member: value for member, value in _PRIVATE[name].items() if member in ("crv", "n", "e", "x", "y")}
    jwk |= members
    return {member: value for member, value in jwk.items() if value is not None}


def private_jwk(name: str) -> dict[str, Any]:
    """The whole JWK, for the vector of an issuer that publishes its private key."""
    return {"kid": name, **_PRIVATE[name]}


def octets(name: str, member: str) -> bytes:
    """The bytes of one member of a key."""
    return decode(_PRIVATE[name][member])


def number(name: str, member: str) -> int:
    """One member of a key as a number."""
    return int.from_bytes(octets(name, member), "big")


def sign(name: str, algorithm: str, message: bytes) -> bytes:
    """The JWS signature of `message` under the named key. The same input gives the same bytes."""
    if algorithm in ("EdDSA", "Ed25519"):
        return ed25519.Ed25519PrivateKey.from_private_bytes(octets(name, "d")).sign(message)
    if algorithm.startswith("ES"):
        return ecdsa(name, message)
    hash_name = "sha" + algorithm[2:]
    if algorithm.startswith("RS"):
        return rsa_pkcs1(name, hash_name, message)
    return rsa_pss(name, hash_name, message)


def ecdsa(name: str, message: bytes) -> bytes:
    """R and S side by side (RFC 7518 section 3.4), with the nonce of RFC 6979."""
    size = _CURVES[_PRIVATE[name]["crv"]][1]
    r, s = decode_dss_signature(ecdsa_der(name, message))
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def ecdsa_der(name: str, message: bytes) -> bytes:
    """The same signature as ASN.1, which JWS does not allow."""
    curve, _ = _CURVES[_PRIVATE[name]["crv"]]
    hash_algorithm = _CURVE_HASHES[_PRIVATE[name]["crv"]]
    key = ec.derive_private_key(number(name, "d"), curve)
    return key.sign(message, ec.ECDSA(hash_algorithm, deterministic_signing=True))


def rsa_pkcs1(name: str, hash_name: str, message: bytes) -> bytes:
    """RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.1)."""
    return _rsa_private(name, pkcs1_encoding(len(octets(name, "n")), hash_name, message))


def pkcs1_encoding(size: int, hash_name: str, message: bytes) -> bytes:
    """The encoded message itself: what a key with exponent 1 takes for a signature."""
    digest_info = bytes.fromhex(_DIGEST_INFO[hash_name]) + hashlib.new(hash_name, message).digest()
    return b"\0\1" + b"\xff" * (size - len(digest_info) - 3) + b"\0" + digest_info


def rsa_pss(name: str, hash_name: str, message: bytes, salt_length: int | None = None) -> bytes:
    """RSASSA-PSS (RFC 8017 sections 8.1.1 and 9.1.1) with a fixed salt, so that the vectors stay the same."""
    bits = number(name, "n").bit_length() - 1
    digest = hashlib.new(hash_name, message).digest()
    salt = b"\x5a" * (len(digest) if salt_length is None else salt_length)
    h = hashlib.new(hash_name, bytes(8) + digest + salt).digest()
    size = (bits + 7) // 8
    block = bytes(size - len(salt) - len(h) - 2) + b"\1" + salt
    masked = bytearray(a ^ b for a, b in zip(block, _mgf1(hash_name, h, len(block)), strict=True))
    masked[0] &= 0xFF >> (8 * size - bits)
    return _rsa_private(name, bytes(masked) + h + b"\xbc")


def ecdsa_order(name: str) -> int:
    """The order of the group of an EC key."""
    return _CURVES[_PRIVATE[name]["crv"]][0].group_order


def thumbprint_input(jwk: dict[str, Any]) -> str:
    """What tells two keys apart (RFC 7638 section 3.2)."""
    return json.dumps({member: jwk[member] for member in ("crv", "e", "kty", "n", "x", "y") if member in jwk})


def base64url_of(value: int, size: int | None = None) -> str:
    """A number as a JWK writes it."""
    return encode(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _rsa_private(name: str, encoded: bytes) -> bytes:
    """The private operation, modulo each prime (RFC 8017 section 5.1.2): four times as fast as modulo n."""
    p, q, d = number(name, "p"), number(name, "q"), number(name, "d")
    message = int.from_bytes(encoded, "big")
    by_p, by_q = pow(message, d % (p - 1), p), pow(message, d % (q - 1), q)
    signature = by_q + (by_p - by_q) * pow(q, -1, p) % p * q
    return signature.to_bytes(len(octets(name, "n")), "big")


def _mgf1(hash_name: str, seed: bytes, length: int) -> bytes:
    blocks = range(-(-length // hashlib.new(hash_name).digest_size))
    return b"".join(hashlib.new(hash_name, seed + block.to_bytes(4, "big")).digest() for block in blocks)[:length]
