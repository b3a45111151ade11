"""The keys of a server: which JWKs are usable, which one a token names (rules 3 "Keys")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from ..base64url import NotBase64Url, decode
from ..keys import thumbprint_input
from .configuration import AuthorizationServer, same_name

_HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_EC: dict[str, tuple[str, ec.EllipticCurve, int]] = {
    "ES256": ("P-256", ec.SECP256R1(), 32),
    "ES384": ("P-384", ec.SECP384R1(), 48),
    "ES512": ("P-521", ec.SECP521R1(), 66),
}
_RSA = ["RS256", "PS256", "RS384", "PS384", "RS512", "PS512"]
_FIELD = 2**255 - 19
_ORDER_8_Y = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
# The y coordinates of the points whose order divides 8.
_SMALL_ORDER_Y = {0, 1, _FIELD - 1, _ORDER_8_Y, _FIELD - _ORDER_8_Y}
_ROCA_PRIMES = [p for p in range(3, 168) if all(p % d for d in range(2, p))]


@dataclass(frozen=True)
class Key:
    kid: str | None
    algorithm: str
    jwk: dict[str, Any]


def usable_keys(server: AuthorizationServer, rsa_max_bits: int) -> list[Key]:
    """The keys that remain, one for each (kid, algorithm, key)."""
    keys: dict[tuple[str | None, str, str], Key] = {}
    for jwk in (server.jwks or {"keys": []})["keys"]:
        algorithm = _bound_algorithm(jwk, server, rsa_max_bits)
        if algorithm is not None:
            keys.setdefault((jwk.get("kid"), algorithm, thumbprint_input(jwk)), Key(jwk.get("kid"), algorithm, jwk))
    return list(keys.values())


def trusted(keys: list[Key], distrusted_kids: set[str]) -> list[Key]:
    """The keys less those of a distrusted kid, whatever else they are called."""
    distrusted = {thumbprint_input(key.jwk) for key in keys if key.kid in distrusted_kids}
    return [key for key in keys if thumbprint_input(key.jwk) not in distrusted]


def select(keys: list[Key], algorithm: str, kid: str | None) -> Key | str:
    """The key for a token, or the reason why there is none."""
    fitting = [key for key in keys if key.algorithm == algorithm and (kid is None or key.kid == kid)]
    if not fitting:
        return "unknown_key"
    return fitting[0] if len(fitting) == 1 else "ambiguous_key"


def verifies(key: Key, message: bytes, signature: bytes) -> bool:
    """Whether the third-party library takes the signature."""
    try:
        if key.algorithm == "EdDSA":
            ed25519.Ed25519PublicKey.from_public_bytes(decode(key.jwk["x"])).verify(signature, message)
        elif key.algorithm in _EC:
            _verify_ecdsa(key, message, signature)
        else:
            _verify_rsa(key, message, signature)
    except InvalidSignature:
        return False
    return True


def _bound_algorithm(jwk: Any, server: AuthorizationServer, rsa_max_bits: int) -> str | None:
    if not isinstance(jwk, dict) or not isinstance(jwk.get("kid", ""), str):
        return None
    if jwk.get("use", "sig") != "sig":
        return None
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or operations.count("verify") != 1:
        return None
    fitting = _fitting_algorithms(jwk, rsa_max_bits)
    if "alg" in jwk:
        named = jwk["alg"]
        return same_name(named) if isinstance(named, str) and same_name(named) in fitting else None
    return next((algorithm for algorithm in server.algorithms if algorithm in fitting), None)


def _fitting_algorithms(jwk: dict[str, Any], rsa_max_bits: int) -> list[str]:
    try:
        if jwk.get("kty") == "RSA":
            return _RSA if _rsa_is_sound(decode(jwk["n"]), decode(jwk["e"]), rsa_max_bits) else []
        if jwk.get("kty") == "EC":
            return [alg for alg, (crv, curve, size) in _EC.items() if jwk["crv"] == crv and _on_curve(jwk, curve, size)]
        if jwk.get("kty") == "OKP" and jwk["crv"] == "Ed25519":
            return ["EdDSA"] if _ed25519_is_sound(decode(jwk["x"])) else []
    except (KeyError, NotBase64Url):
        return []
    return []


def _rsa_is_sound(n_octets: bytes, e_octets: bytes, rsa_max_bits: int) -> bool:
    n, e = int.from_bytes(n_octets, "big"), int.from_bytes(e_octets, "big")
    if n_octets[:1] == b"\0" or e_octets[:1] == b"\0":
        return False
    if not 2048 <= n.bit_length() <= rsa_max_bits or n % 2 == 0:
        return False
    return e % 2 == 1 and 65537 <= e < 2**33 and not _has_roca_fingerprint(n)


def _has_roca_fingerprint(n: int) -> bool:
    """Whether n is a power of 65537 modulo each small prime (CVE-2017-15361)."""
    return all(n % p in {pow(65537, exponent, p) for exponent in range(p)} for p in _ROCA_PRIMES)


def _on_curve(jwk: dict[str, Any], curve: ec.EllipticCurve, size: int) -> bool:
    x, y = decode(jwk["x"]), decode(jwk["y"])
    if len(x) != size or len(y) != size:
        return False
    try:
        _ec_public_key(x, y, curve)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _ed25519_is_sound(x: bytes) -> bool:
    y = int.from_bytes(x, "little") & (2**255 - 1)
    return len(x) == 32 and y < _FIELD and y not in _SMALL_ORDER_Y


def _ec_public_key(x: bytes, y: bytes, curve: ec.EllipticCurve) -> ec.EllipticCurvePublicKey:
    numbers = ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve)
    return numbers.public_key()


def _verify_ecdsa(key: Key, message: bytes, signature: bytes) -> None:
    _, curve, size = _EC[key.algorithm]
    if len(signature) != 2 * size:
        raise InvalidSignature
    r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
    public = _ec_public_key(decode(key.jwk["x"]), decode(key.jwk["y"]), curve)
    public.verify(encode_dss_signature(r, s), message, ec.ECDSA(_HASHES[key.algorithm[2:]]))


def _verify_rsa(key: Key, message: bytes, signature: bytes) -> None:
    hash_algorithm = _HASHES[key.algorithm[2:]]
    n, e = (int.from_bytes(decode(key.jwk[member]), "big") for member in ("n", "e"))
    scheme: padding.AsymmetricPadding = padding.PKCS1v15()
    if key.algorithm.startswith("PS"):
        scheme = padding.PSS(padding.MGF1(hash_algorithm), hash_algorithm.digest_size)
    rsa.RSAPublicNumbers(e, n).public_key().verify(signature, message, scheme, hash_algorithm)
