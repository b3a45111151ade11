"""Algorithms and signatures: which `alg` is taken, and which bytes are a signature."""

from __future__ import annotations

import hashlib
import hmac
import itertools
from typing import Any

from ..base64url import decode
from ..keys import ecdsa, ecdsa_der, ecdsa_order, number, octets, public_jwk, rsa_pkcs1, rsa_pss, sign
from ..strict_json import compact
from ..suite import OK, Group, Suite, config, server
from ..tokens import claims, header, jws, signed_by, signing_input, token_with_header, with_signature

ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


def add_to(suite: Suite) -> None:
    keys = ("ed-a", "ec-a", public_jwk("rsa-a", alg="RS256"), public_jwk("rsa-b", alg="PS256"))
    group = suite.group("The default algorithms, one key for each.", config(server(*keys)))
    _default_algorithms(group)
    _refused_algorithms(group)
    _confusion(group)
    _mismatched_keys(group)
    _tampered(group)
    _ecdsa_forms(group)
    _eddsa_forms(group)
    _rsa_forms(group)
    _embedded_keys(group)
    _requested_algorithms(suite)


def _default_algorithms(group: Group) -> None:
    for algorithm, key in (("RS256", "rsa-a"), ("PS256", "rsa-b"), ("ES256", "ec-a"), ("EdDSA", "ed-a")):
        group.credential(f"good-{algorithm.lower()}", f"{algorithm} is taken by default.", signed_by(key, algorithm), OK, "RFC 7518 3.1")
    group.credential("good-ed25519", "`Ed25519` is the same as `EdDSA`.", signed_by("ed-a", "Ed25519"), OK, "RFC 9864 2.2")


def _refused_algorithms(group: Group) -> None:
    refused = "algorithm_not_allowed"
    for index, name in enumerate(("none", "None", "NONE", "nOnE", "none ", " none", "")):
        text = header(alg=name)
        input = signing_input(text, claims())
        comment = f"`{name}` is no algorithm."
        refs = ["RFC 8725 2.1", "CVE-2015-9235", "T01"]
        group.credential(f"none-{index}", comment, f"{input}.", refused, *refs)
    signed = jws(header(alg="none"), claims())
    group.credential("none-signed", "`none` is no algorithm, whatever the signature.", signed, refused, "T01")
    for name in ("RS384", "RS512", "PS384", "PS512", "ES384", "ES512"):
        group.credential(f"not-requested-{name.lower()}", "Taken on request only.", token_with_header(alg=name), refused, "RFC 8725 3.1")
    for name in ("ES256K", "Ed448", "RS1", "RSA1_5", "dir", "A256GCM", "ML-DSA-44", "HS1"):
        group.credential(f"never-{name.lower()}", "Never taken.", token_with_header(alg=name), refused, "RFC 8725 3.1", "T03")
    for index, name in enumerate(("eddsa", "EDDSA", "ed25519", "EdDSA ", "EdDSA\0", "rs256", "RS-256", "Rs256")):
        group.credential(f"spelling-{index}", "Names are compared exactly.", token_with_header(alg=name), refused, "RFC 7515 4.1.1")


def _confusion(group: Group) -> None:
    secrets = {"modulus": octets("rsa-a", "n"), "jwk": compact(public_jwk("rsa-a", alg="RS256")).encode(), "empty": b""}
    for name, hash_name in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
        for form, secret in secrets.items():
            text = header(alg=name, kid="rsa-a")
            mac = hmac.digest(secret, signing_input(text, claims()).encode(), hash_name)
            comment = f"{name} with the public key as the secret ({form})."
            credential = with_signature(text, claims(), mac)
            group.credential(f"confusion-{name.lower()}-{form}", comment, credential, "algorithm_not_allowed", "CVE-2022-29217", "T02")


def _mismatched_keys(group: Group) -> None:
    key_of = {"RS256": "rsa-a", "PS256": "rsa-b", "ES256": "ec-a", "EdDSA": "ed-a"}
    algorithm_of = {key: algorithm for algorithm, key in key_of.items()}
    for algorithm, kid in (
        ("RS256", "ec-a"),
        ("RS256", "ed-a"),
        ("RS256", "rsa-b"),
        ("PS256", "rsa-a"),
        ("ES256", "ed-a"),
        ("ES256", "rsa-a"),
        ("EdDSA", "ec-a"),
        ("EdDSA", "rsa-a"),
    ):
        comment = f"The kid is that of a key of {algorithm_of[kid]}: a held kid without a key for the algorithm is unknown."
        credential = signed_by(key_of[algorithm], algorithm, kid)
        group.credential(f"{algorithm.lower()}-under-{kid}", comment, credential, "unknown_key", "RFC 8725 3.1", "T03", "T04")


def _tampered(group: Group) -> None:
    bad = "bad_signature"
    for key, algorithm, other in (
        ("rsa-a", "RS256", "rsa-b"),
        ("rsa-b", "PS256", "rsa-a"),
        ("ec-a", "ES256", "ec-b"),
        ("ed-a", "EdDSA", "ed-b"),
    ):
        name = algorithm.lower()
        head, payload, signature = signed_by(key, algorithm).split(".")
        raw = decode(signature)
        changed = signing_input(header(alg=algorithm, kid=key), claims(sub="mallory")).split(".")[1]
        other_typ = signing_input(header(alg=algorithm, kid=key, typ="JWT"), claims()).split(".")[0]
        forms = (
            ("payload-changed", "The payload was changed.", f"{head}.{changed}.{signature}"),
            ("header-changed", "The header was changed.", f"{other_typ}.{payload}.{signature}"),
            ("other-key", "Signed by another key under this kid.", signed_by(other, algorithm, key)),
            ("first-bit", "One bit of the signature differs.", _signed(algorithm, key, bytes([raw[0] ^ 1]) + raw[1:])),
            ("short", "The signature lacks its last byte.", _signed(algorithm, key, raw[:-1])),
            ("long", "The signature has a byte too many.", _signed(algorithm, key, raw + b"\0")),
            ("leading-zero", "The signature has a leading zero byte too many.", _signed(algorithm, key, b"\0" + raw)),
            ("zero", "A signature of zeros.", _signed(algorithm, key, bytes(len(raw)))),
            ("empty", "No signature.", _signed(algorithm, key, b"")),
        )
        for id, comment, credential in forms:
            group.credential(f"{name}-{id}", comment, credential, bad, "RFC 7515 5.2")


def _signed(algorithm: str, key: str, signature: bytes) -> str:
    return with_signature(header(alg=algorithm, kid=key), claims(), signature)


def _ecdsa_forms(group: Group) -> None:
    message = signing_input(header(alg="ES256", kid="ec-a"), claims()).encode()
    raw = ecdsa("ec-a", message)
    r, s = raw[:32], raw[32:]
    order = ecdsa_order("ec-a")
    high = (order - int.from_bytes(s, "big")).to_bytes(32, "big")
    n = order.to_bytes(32, "big")
    one = (1).to_bytes(32, "big")
    group.credential("es256-other-s", "R and n - S verify as R and S do.", _signed("ES256", "ec-a", r + high), OK, "RFC 7518 3.4", "T08")
    for id, comment, signature in (
        ("der", "ASN.1 in place of R and S side by side.", ecdsa_der("ec-a", message)),
        ("swapped", "S before R.", s + r),
        ("r-zero", "R is 0.", bytes(32) + s),
        ("s-zero", "S is 0.", r + bytes(32)),
        ("order", "R and S are the order of the group.", n + n),
        ("one", "R and S are 1.", one + one),
        ("r-plus-order", "R is out of range.", n + s),
        ("half", "R alone.", r),
    ):
        group.credential(f"es256-{id}", comment, _signed("ES256", "ec-a", signature), "bad_signature", "RFC 7518 3.4", "T06", "T07")


def _eddsa_forms(group: Group) -> None:
    message = signing_input(header(), claims()).encode()
    raw = sign("ed-a", "EdDSA", message)
    s = int.from_bytes(raw[32:], "little")
    for id, comment, signature in (
        ("s-out-of-range", "S plus the order of the group.", raw[:32] + (s + ED25519_ORDER).to_bytes(32, "little")),
        ("halves-swapped", "S before R.", raw[32:] + raw[:32]),
        ("prehashed", "A signature over the SHA-512 digest.", sign("ed-a", "EdDSA", hashlib.sha512(message).digest())),
    ):
        group.credential(f"eddsa-{id}", comment, _signed("EdDSA", "ed-a", signature), "bad_signature", "RFC 8032 5.1.7", "RFC 8037 3.1")


def _rsa_forms(group: Group) -> None:
    rs = signing_input(header(alg="RS256", kid="rsa-a"), claims()).encode()
    ps = signing_input(header(alg="PS256", kid="rsa-b"), claims()).encode()
    for id, comment, algorithm, key, signature in (
        ("pss-under-rs256", "A PSS signature under RS256.", "RS256", "rsa-a", rsa_pss("rsa-a", "sha256", rs)),
        ("sha1-under-rs256", "A SHA-1 digest under RS256.", "RS256", "rsa-a", rsa_pkcs1("rsa-a", "sha1", rs)),
        ("sha512-under-rs256", "A SHA-512 digest under RS256.", "RS256", "rsa-a", rsa_pkcs1("rsa-a", "sha512", rs)),
        ("pkcs1-under-ps256", "A PKCS #1 v1.5 signature under PS256.", "PS256", "rsa-b", rsa_pkcs1("rsa-b", "sha256", ps)),
        ("salt-0", "A salt of no bytes.", "PS256", "rsa-b", rsa_pss("rsa-b", "sha256", ps, 0)),
        ("salt-20", "A salt of 20 bytes.", "PS256", "rsa-b", rsa_pss("rsa-b", "sha256", ps, 20)),
        ("salt-64", "A salt of 64 bytes.", "PS256", "rsa-b", rsa_pss("rsa-b", "sha256", ps, 64)),
        ("sha512-under-ps256", "A SHA-512 digest under PS256.", "PS256", "rsa-b", rsa_pss("rsa-b", "sha512", ps)),
    ):
        refs = ["RFC 7518 3.3"] if algorithm == "RS256" else ["RFC 7518 3.5", "T17"]
        group.credential(f"rsa-{id}", comment, _signed(algorithm, key, signature), "bad_signature", *refs)
    comment = "The signature plus the modulus: out of range."
    group.credential("rsa-signature-plus-modulus", comment, _signature_out_of_range(), "bad_signature", "RFC 8017 5.2.2")


def _signature_out_of_range() -> str:
    """A token whose signature verifies modulo n and is not less than n, in as many bytes as n has."""
    text, n = header(alg="RS256", kid="rsa-a"), number("rsa-a", "n")
    for attempt in itertools.count():
        payload = claims(jti=f"id-{attempt}")
        signature = rsa_pkcs1("rsa-a", "sha256", signing_input(text, payload).encode())
        above = int.from_bytes(signature, "big") + n
        if above.bit_length() <= n.bit_length():
            return with_signature(text, payload, above.to_bytes(len(signature), "big"))
    raise AssertionError("the loop ends by returning")


def _embedded_keys(group: Group) -> None:
    attacker: dict[str, Any] = {"kty": "OKP", "crv": "Ed25519", "x": public_jwk("ed-b")["x"]}
    for id, comment, members, fault in (
        ("jwk", "The attacker's key in the header, our kid.", {"jwk": attacker}, "bad_signature"),
        ("jku", "The attacker's key set in the header, our kid.", {"jku": "http://127.0.0.1:1/attacker"}, "bad_signature"),
        ("x5u", "The attacker's certificate in the header, our kid.", {"x5u": "http://127.0.0.1:1/attacker"}, "bad_signature"),
        (
            "jwk-own-kid",
            "The attacker's key in the header, the attacker's kid.",
            {"jwk": attacker | {"kid": "evil"}, "kid": "evil"},
            "unknown_key",
        ),
    ):
        credential = jws(header(**members), claims(), "ed-b")
        group.credential(f"attacker-{id}", comment, credential, fault, "RFC 8725 3.10", "CVE-2018-0114", "T09")


def _requested_algorithms(suite: Suite) -> None:
    algorithms = ["RS384", "RS512", "PS384", "PS512", "ES384", "ES512", "Ed25519"]
    keys = (
        public_jwk("rsa-a", "rs384", alg="RS384"),
        public_jwk("rsa-a", "rs512", alg="RS512"),
        public_jwk("rsa-b", "ps384", alg="PS384"),
        public_jwk("rsa-b", "ps512", alg="PS512"),
        "ec-384",
        "ec-521",
        "ec-a",
        "ed-a",
    )
    group = suite.group("The other algorithms, on request, and none of RS256, PS256, ES256.", config(server(*keys, algorithms=algorithms)))
    for algorithm, key, kid in (
        ("RS384", "rsa-a", "rs384"),
        ("RS512", "rsa-a", "rs512"),
        ("PS384", "rsa-b", "ps384"),
        ("PS512", "rsa-b", "ps512"),
        ("ES384", "ec-384", "ec-384"),
        ("ES512", "ec-521", "ec-521"),
    ):
        name = algorithm.lower()
        group.credential(f"requested-{name}", "Taken on request.", signed_by(key, algorithm, kid), OK, "RFC 7518 3.1")
        forged = sign(key, algorithm, b"another message")
        credential = with_signature(header(alg=algorithm, kid=kid), claims(), forged)
        group.credential(f"requested-{name}-forged", "A signature over another message.", credential, "bad_signature", "RFC 7515 5.2")
    group.credential("requested-ed25519-eddsa", "`Ed25519` on request takes `EdDSA`.", signed_by("ed-a", "EdDSA"), OK, "RFC 9864 2.2")
    group.credential(
        "requested-ed25519", "`Ed25519` on request takes `Ed25519`.", signed_by("ed-a", "Ed25519", jti="2"), OK, "RFC 9864 2.2"
    )
    group.credential(
        "not-requested-rs256", "RS256 was not asked for.", signed_by("rsa-a", "RS256", "rs384"), "algorithm_not_allowed", "RFC 8725 3.1"
    )
    group.credential("not-requested-es256", "ES256 was not asked for.", signed_by("ec-a", "ES256"), "algorithm_not_allowed", "RFC 8725 3.1")
    group.credential(
        "es384-under-p-521", "The kid is that of a key of ES512.", signed_by("ec-384", "ES384", "ec-521"), "unknown_key", "T04"
    )
