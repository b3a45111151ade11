"""Attacks that choose the algorithm, the key or the form of the signature: whole tables of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ..base64url import encode
from ..keys import base64url_of, ecdsa, ecdsa_der, ecdsa_order, number, octets, public_jwk, rsa_pss, sign
from ..strict_json import compact
from ..suite import OK, Group, Suite, config, key_set, server
from ..tokens import ABSENT, ISSUER, claims, header, jws, object_text, signed_by, signing_input, with_signature

ALL_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
FIELD = 2**255 - 19


def suite() -> Suite:
    result = Suite("attacks_on_keys")
    group = result.group("The default algorithms, one key for each.", config(server("ed-a", "ec-a", public_jwk("rsa-a", alg="RS256"))))
    _no_algorithm(group)
    _public_key_as_secret(group)
    _key_identifiers(group)
    _carried_keys(group)
    _algorithms_against_keys(result)
    _ecdsa_signatures(result)
    _pss_salts(result)
    _rsa_sizes(result)
    _small_order_keys(result)
    return result


def _check(group: Group, id: str, comment: str, credential: str, faults: str | list[str], *refs: str) -> None:
    group.credential(f"attack-{id}", comment, credential, faults, *refs)


def _no_algorithm(group: Group) -> None:
    """No spelling of `none` is an algorithm, with whichever signature."""
    spellings = ("none", "None", "NONE", "nOnE", "NoNe", "none ", " none", "none\t", "none\0", "n\u043ene", "NULL", "")
    for index, name in enumerate(spellings):
        text = header(alg=name)
        message = signing_input(text, claims())
        signatures = (
            ("empty", b""),
            ("random", hashlib.shake_256(message.encode()).digest(64)),
            ("valid", sign("ed-a", "EdDSA", message.encode())),
        )
        for form, signature in signatures:
            credential = f"{message}.{encode(signature)}"
            refs = ("RFC 7515 A.5", "RFC 8725 2.1", "T01")
            _check(group, f"none-{index}-{form}", f"`alg` is {name!r}, the signature {form}.", credential, "algorithm_not_allowed", *refs)


def _public_key_as_secret(group: Group) -> None:
    """HMAC keyed with what an attacker knows of the public key, in each spelling that a library might be given."""
    for name, hash_name in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
        for form, secret in _encodings_of_the_public_key().items():
            text = header(alg=name, kid="rsa-a")
            mac = hmac.digest(secret, signing_input(text, claims()).encode(), hash_name)
            comment = f"{name} with the public key as the secret: {form.replace('-', ' ')}."
            credential = with_signature(text, claims(), mac)
            refs = ("RFC 8725 2.1", "CVE-2022-29217", "T02")
            _check(group, f"secret-{name.lower()}-{form}", comment, credential, "algorithm_not_allowed", *refs)


def _encodings_of_the_public_key() -> dict[str, bytes]:
    jwk = public_jwk("rsa-a", alg="RS256")
    key = rsa.RSAPublicNumbers(number("rsa-a", "e"), number("rsa-a", "n")).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    modulus = octets("rsa-a", "n")
    required = {member: jwk[member] for member in ("e", "kty", "n")}
    return {
        "pem": pem,
        "pem-without-last-line-end": pem.rstrip(b"\n"),
        "pem-crlf": pem.replace(b"\n", b"\r\n"),
        "pem-blank-before": b" " + pem,
        "pem-line-end-before": b"\n" + pem,
        "pem-body": b"".join(pem.splitlines()[1:-1]),
        "pem-rsa": key.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "der": der,
        "der-rsa": key.public_bytes(Encoding.DER, PublicFormat.PKCS1),
        "der-base64": base64.b64encode(der),
        "der-hex": der.hex().encode(),
        "openssh": key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
        "modulus-base64url": jwk["n"].encode(),
        "modulus-hex": modulus.hex().encode(),
        "modulus-with-zero": b"\0" + modulus,
        "jwk-with-blanks": str(jwk).replace("'", '"').encode(),
        "jwk-sorted": compact(dict(sorted(jwk.items()))).encode(),
        "jwk-required-members": compact(required).encode(),
        "key-set": compact(key_set(jwk)).encode(),
        "thumbprint": hashlib.sha256(compact(required).encode()).digest(),
    }


def _key_identifiers(group: Group) -> None:
    """A `kid` is looked up in the set, and is no path, query, command, pattern or template."""
    strange = (
        "/dev/null",
        "../../../../dev/null",
        "..\\..\\windows\\win.ini",
        "/proc/self/environ",
        "file:///etc/passwd",
        "http://127.0.0.1:1/keys",
        "//127.0.0.1/keys",
        "' OR '1'='1",
        "x' UNION SELECT 'secret'-- ",
        '" OR ""="',
        "1; DROP TABLE keys",
        "|sleep 10",
        "; sleep 10",
        "`sleep 10`",
        "$(sleep 10)",
        "&& curl 127.0.0.1:1",
        "${jndi:ldap://127.0.0.1:1/x}",
        "{{7*7}}",
        "%s%s%n",
        "%2e%2e%2f",
        "*",
        "ed-*",
        "ed-?",
        "[e]d-a",
        "^ed-a$",
        "ed-a,ec-a",
        "ed-a ec-a",
        "ed-a\nec-a",
        "ed-a\r\nSet-Cookie: x=1",
        "ed-a\tx",
        "\0",
        "\0ed-a",
        "ed-a\0.pem",
        "\u001b[2J",
        "\ufeffed-a",
        "ed\u2010a",
        "\U0001f511",
        "__proto__",
        "constructor",
        "0",
    )
    for index, kid in enumerate(strange):
        refs = ("RFC 7515 4.1.4", "T10")
        credential = jws(header(kid=kid), claims())
        _check(group, f"kid-{index}", f"The kid {kid!r}, signed by a key that is held.", credential, "unknown_key", *refs)


def _carried_keys(group: Group) -> None:
    """The token carries or points to the key that signed it. Our `kid` or the attacker's own: it is not looked at."""
    attacker = {member: value for member, value in public_jwk("ed-b", "evil").items()}
    carried: dict[str, dict[str, Any]] = {
        "x5c": {"x5c": [base64.b64encode(octets("ed-b", "x")).decode()]},
        "x5t": {"x5t": encode(bytes(20)), "x5t#S256": encode(bytes(32))},
        "jku-file": {"jku": "file:///dev/stdin"},
        "jku-data": {"jku": "data:application/json," + compact({"keys": [attacker]})},
        "all": {"jwk": attacker, "jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/cert", "x5c": ["AA=="]},
    }
    for form, members in carried.items():
        for whose, kid, fault in (("ours", "ed-a", "bad_signature"), ("own", "evil", "unknown_key")):
            credential = jws(header(kid=kid, **members), claims(), "ed-b")
            comment = f"Signed by the attacker, who sends the key along ({form}) under {whose} kid."
            _check(group, f"carried-{form}-{whose}", comment, credential, fault, "RFC 8725 3.10", "CVE-2018-0114", "T09")


# The nine kinds of key, and how a token of each algorithm is signed by a key that fits it.
_KINDS: dict[str, dict[str, Any]] = {
    "rsa": public_jwk("rsa-b"),
    "p256": public_jwk("ec-a"),
    "p384": public_jwk("ec-384"),
    "p521": public_jwk("ec-521"),
    "ed25519": public_jwk("ed-a"),
    "x25519": public_jwk("ed-a", crv="X25519"),
    "ed448": public_jwk("ed-a", crv="Ed448"),
    "secp256k1": public_jwk("ec-k1"),
    "oct": {"kty": "oct", "k": encode(b"a secret that somebody published")},
}
_FITTING = {"RS": "rsa", "PS": "rsa", "ES256": "p256", "ES384": "p384", "ES512": "p521", "EdDSA": "ed25519"}
_SIGNERS = {"rsa": "rsa-b", "p256": "ec-a", "p384": "ec-384", "p521": "ec-521", "ed25519": "ed-a"}


def _algorithms_against_keys(suite: Suite) -> None:
    """Ten algorithms, nine kinds of key, and a JWK without `alg`, with the token's, or with another."""
    jwks = []
    for kind, jwk in _KINDS.items():
        jwks.append({**jwk, "kid": kind})
        jwks += [{**jwk, "kid": f"{kind}.{algorithm}", "alg": algorithm} for algorithm in ALL_ALGORITHMS]
    group = suite.group("Every algorithm, and every kind of key with each `alg`.", config(server(*jwks, algorithms=ALL_ALGORITHMS)))
    refs = ("RFC 8725 3.1", "T03", "T04")
    for position, algorithm in enumerate(ALL_ALGORITHMS):
        other = ALL_ALGORITHMS[(position + 1) % len(ALL_ALGORITHMS)]
        fitting = _FITTING.get(algorithm) or _FITTING[algorithm[:2]]
        for kind in _KINDS:
            for form, kid in (("no-alg", kind), ("same-alg", f"{kind}.{algorithm}"), ("other-alg", f"{kind}.{other}")):
                is_taken = kind == fitting and (form == "same-alg" or (form == "no-alg" and algorithm in ("RS256", *ALL_ALGORITHMS[6:])))
                credential = signed_by(_SIGNERS[fitting], algorithm, kid)
                comment = f"A token of {algorithm} and a key of the kind {kind}, {form.replace('-', ' ')}."
                id = f"{algorithm.lower()}-{kind}-{form}"
                _check(group, id, comment, credential, OK if is_taken else "unknown_key", *refs)


def _ecdsa_signatures(suite: Suite) -> None:
    """R and S that are no signature, and encodings that RFC 7518 does not know, on each curve."""
    algorithms = ["ES256", "ES384", "ES512"]
    group = suite.group("ECDSA on three curves.", config(server("ec-a", "ec-384", "ec-521", algorithms=algorithms)))
    for algorithm, key, size in (("ES256", "ec-a", 32), ("ES384", "ec-384", 48), ("ES512", "ec-521", 66)):
        text = header(alg=algorithm, kid=key)
        message = signing_input(text, claims()).encode()
        raw = ecdsa(key, message)
        r, s = raw[:size], raw[size:]
        order = ecdsa_order(key)
        zero, one = bytes(size), (1).to_bytes(size, "big")
        n, below = order.to_bytes(size, "big"), (order - 1).to_bytes(size, "big")
        other_s = (order - int.from_bytes(s, "big")).to_bytes(size, "big")
        forms: tuple[tuple[str, str, bytes], ...] = (
            ("zeros", "R and S are 0.", zero + zero),
            ("r-zero", "R is 0.", zero + s),
            ("s-zero", "S is 0.", r + zero),
            ("ones", "R and S are 1.", one + one),
            ("zero-one", "R is 0, S is 1.", zero + one),
            ("one-zero", "R is 1, S is 0.", one + zero),
            ("order", "R and S are the order of the group.", n + n),
            ("zero-order", "R is 0, S is the order.", zero + n),
            ("below-order", "R and S are one less than the order.", below + below),
            ("largest", "R and S are all ones.", b"\xff" * (2 * size)),
            ("der", "ASN.1 in place of R and S side by side.", ecdsa_der(key, message)),
            ("der-zeros", "ASN.1 of R and S that are 0.", bytes.fromhex("3006020100020100")),
            ("long", "A byte too many behind S.", raw + b"\0"),
            ("padded", "A zero byte before both numbers.", b"\0" + r + b"\0" + s),
            ("short", "A byte too few.", raw[:-1]),
            ("twice", "The signature twice.", raw + raw),
            ("swapped", "S before R.", s + r),
        )
        for form, comment, signature in forms:
            name = f"{algorithm.lower()}-{form}"
            refs = ("RFC 7518 3.4", "CVE-2022-21449", "T06", "T07")
            _check(group, name, comment, with_signature(text, claims(), signature), "bad_signature", *refs)
        comment = "R and n - S verify as R and S do; the claims are the same."
        _check(group, f"{algorithm.lower()}-other-s", comment, with_signature(text, claims(), r + other_s), OK, "RFC 7518 3.4", "T08")


def _pss_salts(suite: Suite) -> None:
    """The salt is as long as the digest (RFC 7518 section 3.5)."""
    algorithms = ["PS256", "PS384", "PS512"]
    jwks = [public_jwk("rsa-b", algorithm, alg=algorithm) for algorithm in algorithms]
    group = suite.group("RSASSA-PSS with salts of each length.", config(server(*jwks, algorithms=algorithms)))
    for algorithm, right in (("PS256", 32), ("PS384", 48), ("PS512", 64)):
        text = header(alg=algorithm, kid=algorithm)
        message = signing_input(text, claims()).encode()
        for size in (0, 1, 20, 32, 48, 64, 94):
            signature = rsa_pss("rsa-b", f"sha{algorithm[2:]}", message, size)
            faults: str | list[str] = OK if size == right else "bad_signature"
            comment = f"A salt of {size} bytes under {algorithm}."
            _check(
                group, f"{algorithm.lower()}-salt-{size}", comment, with_signature(text, claims(), signature), faults, "RFC 7518 3.5", "T17"
            )


def _rsa_sizes(suite: Suite) -> None:
    """Sizes and exponents of RSA keys. A forged signature tells a key that would be used from one that is not held."""
    bits = (512, 1024, 2040, 2047, 2048, 2056, 4096, 4097, 8192, 8193, 16384, 131072)
    exponents = {
        "0": 0,
        "1": 1,
        "2": 2,
        "3": 3,
        "65535": 65535,
        "65536": 65536,
        "65537": 65537,
        "2-33-less-1": 2**33 - 1,
        "2-33-and-1": 2**33 + 1,
        "256-bytes": 2**2047 + 1,
    }
    jwks = [_rsa_jwk(f"n-{size}", size, 65537) for size in bits]
    jwks += [_rsa_jwk(f"e-{name}", 2048, value) for name, value in exponents.items()]
    group = suite.group("RSA keys of each size, and with each exponent.", config(server("ed-a", *jwks)))
    for kid in (jwk["kid"] for jwk in jwks):
        is_sound = kid in ("n-2048", "n-2056", "n-4096", "e-65537", "e-2-33-less-1")
        credential = with_signature(header(alg="RS256", kid=kid), claims(), b"\x01" * 256)
        comment = f"A forged signature under the key {kid}, which is {'sound' if is_sound else 'not sound and not held'}."
        _check(group, f"rsa-{kid}", comment, credential, "bad_signature" if is_sound else "unknown_key", "RFC 7518 6.3.1", "T13")


def _rsa_jwk(kid: str, bits: int, exponent: int) -> dict[str, Any]:
    """A number that looks like a modulus of this size. Nobody has its factors, and nothing here needs them."""
    digits = int.from_bytes(hashlib.shake_256(f"modulus of {bits} bits".encode()).digest((bits + 7) // 8), "big")
    modulus = digits % 2**bits | 1 << (bits - 1) | 1
    return {"kty": "RSA", "kid": kid, "alg": "RS256", "n": base64url_of(modulus), "e": base64url_of(exponent, 1 if not exponent else None)}


def _small_order_keys(suite: Suite) -> None:
    """The fourteen encodings of Ed25519 points of small order: under such a key anybody can sign."""
    order_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
    points = (0, 1, FIELD - 1, order_8, FIELD - order_8, FIELD, FIELD + 1)
    encodings = [(y | sign << 255).to_bytes(32, "little") for y in points for sign in (0, 1)]
    jwks = [{"kty": "OKP", "crv": "Ed25519", "kid": f"order-{index}", "x": encode(x)} for index, x in enumerate(encodings)]
    group = suite.group("Ed25519 keys of small order.", config(server("ec-a", *jwks)))
    for index, x in enumerate(encodings):
        text = header(kid=f"order-{index}")
        credential = with_signature(text, claims(), x + bytes(32))
        _check(
            group,
            f"small-order-{index}",
            f"The key {x.hex()}, and R the same point, S 0.",
            credential,
            "unknown_key",
            "RFC 8032 5.1.3",
            "T15",
        )
    no_kid = with_signature(object_text({"alg": "EdDSA"}), claims(iss=ISSUER), encodings[2] + bytes(32))
    _check(group, "small-order-no-kid", "Without a kid none of them fits.", no_kid, "unknown_key", "T15")
    nameless = jws(header(kid=ABSENT, alg="ES256"), claims(), "ec-a", "ES256")
    _check(group, "small-order-beside", "The sound key beside them works.", nameless, OK, "T15")
