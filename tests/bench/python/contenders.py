"""Who is timed: each takes an Authorization value and says whether it is good, and of that subject."""

from __future__ import annotations

import json
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

Check = Callable[[str], bool] | Callable[[str], Awaitable[bool]]


@dataclass(frozen=True)
class Sample:
    """What `bench-rust mint` wrote, as far as contenders need it."""

    issuer: str
    audience: str
    scope: str
    subject: str
    jwks: dict[str, Any]
    algorithms: dict[str, Any]

    def configuration(self, algorithm: str, *, keep: bool) -> str:
        """Of Scopegate, the same in every language."""
        server = {
            "issuer": self.issuer,
            "jwks": self.jwks,
            "algorithms": [algorithm],
            "token_format": "rfc9068",
        }
        configuration: dict[str, Any] = {
            "resource": self.audience,
            "authorization_servers": [server],
            "required_scopes": [self.scope],
        }
        configuration["token_cache"] = {"capacity": 100 if keep else 0}
        return json.dumps(configuration)


@dataclass(frozen=True)
class Contender:
    name: str
    kind: str
    """`ours`, `rival` or `piece`."""
    make: Callable[[Sample, str], Check]
    """For an algorithm."""
    waits: bool = False
    """Whether the check is a coroutine."""
    package: str | None = None
    """Where it comes from, if its name does not say the version."""


def contenders() -> list[Contender]:
    return [
        Contender("Scopegate", "ours", lambda *of: scopegate(*of, keep=True)),
        Contender("Scopegate, cache off", "ours", lambda *of: scopegate(*of, keep=False)),
        Contender("Scopegate async", "ours", scopegate_async, waits=True),
        *only_pyjwt(),
        Contender("joserfc", "rival", joserfc, package="joserfc"),
        Contender("Authlib", "rival", authlib, package="Authlib"),
        Contender("FastMCP", "rival", fastmcp, waits=True, package="fastmcp"),
        Contender("signature alone, cryptography", "piece", cryptography),
    ]


def only_pyjwt() -> list[Contender]:
    return [Contender(f"PyJWT {version('PyJWT')}", "rival", pyjwt)]


def scopegate(sample: Sample, algorithm: str, *, keep: bool) -> Check:
    from scopegate import Rejected, ResourceServer

    gate = ResourceServer.from_json(sample.configuration(algorithm, keep=keep))
    authorize, subject = gate.authorize, sample.subject

    def check(authorization: str) -> bool:
        try:
            return authorize(authorization, method="POST", target="/mcp").subject == subject
        except Rejected:
            return False

    return check


def scopegate_async(sample: Sample, algorithm: str) -> Check:
    from scopegate import Rejected, ResourceServer

    gate = ResourceServer.from_json(sample.configuration(algorithm, keep=True))
    authorize, subject = gate.authorize_async, sample.subject

    async def check(authorization: str) -> bool:
        try:
            return (await authorize(authorization, method="POST", target="/mcp")).subject == subject
        except Rejected:
            return False

    return check


def pyjwt(sample: Sample, algorithm: str) -> Check:
    from jwt import InvalidTokenError, PyJWK, decode

    key = PyJWK(sample.algorithms[algorithm]["jwk"])
    issuer, audience, subject = sample.issuer, sample.audience, sample.subject
    algorithms = [algorithm]
    options = {"require": ["exp", "iss", "aud"]}

    def check(authorization: str) -> bool:
        try:
            claims = decode(
                authorization[7:], key, algorithms=algorithms, audience=audience, issuer=issuer, options=options
            )
            return claims["sub"] == subject
        except InvalidTokenError:
            return False

    return check


def joserfc(sample: Sample, algorithm: str) -> Check:
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    key = import_key(sample.algorithms[algorithm]["jwk"])
    claims = jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": sample.issuer},
        aud={"essential": True, "value": sample.audience},
        exp={"essential": True},
    )
    algorithms, subject = [algorithm], sample.subject

    def check(authorization: str) -> bool:
        try:
            token = jwt.decode(authorization[7:], key, algorithms=algorithms)
            claims.validate(token.claims)
            return token.claims["sub"] == subject
        except JoseError:
            return False

    return check


def authlib(sample: Sample, algorithm: str) -> Check:
    with warnings.catch_warnings(record=True):  # it says that joserfc follows it
        from authlib.jose import JsonWebKey, JsonWebToken
        from authlib.jose.errors import JoseError

    key = JsonWebKey.import_key(sample.algorithms[algorithm]["jwk"])
    jwt = JsonWebToken([algorithm])
    options = {
        "iss": {"essential": True, "value": sample.issuer},
        "aud": {"essential": True, "value": sample.audience},
        "exp": {"essential": True},
    }
    subject = sample.subject

    def check(authorization: str) -> bool:
        try:
            claims = jwt.decode(authorization[7:], key, claims_options=options)
            claims.validate()
            return claims["sub"] == subject
        except JoseError:
            return False

    return check


def fastmcp(sample: Sample, algorithm: str) -> Check:
    from fastmcp.server.auth.providers.jwt import JWTVerifier

    verifier = JWTVerifier(
        public_key=sample.algorithms[algorithm]["pem"],
        issuer=sample.issuer,
        audience=sample.audience,
        algorithm=algorithm,
        required_scopes=[sample.scope],
    )
    subject = sample.subject

    async def check(authorization: str) -> bool:
        token = await verifier.verify_token(authorization[7:])
        return token is not None and token.subject == subject

    return check


def cryptography(sample: Sample, algorithm: str) -> Check:
    """What the libraries above verify with, and so their floor. The parts of the good token are at hand."""
    from base64 import urlsafe_b64decode

    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

    key: Any = serialization.load_pem_public_key(sample.algorithms[algorithm]["pem"].encode())
    sha256 = hashes.SHA256()
    more: tuple[Any, ...] = {
        "RS256": (padding.PKCS1v15(), sha256),
        "PS256": (padding.PSS(padding.MGF1(sha256), 32), sha256),
        "ES256": (ec.ECDSA(sha256),),
        "EdDSA": (),
    }[algorithm]

    def parts(authorization: str) -> tuple[bytes, bytes]:
        message, _, text = authorization[7:].encode().rpartition(b".")
        signature = urlsafe_b64decode(text + b"==")
        if algorithm == "ES256":
            halves = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
            signature = utils.encode_dss_signature(*halves)
        return signature, message

    good = "Bearer " + sample.algorithms[algorithm]["forms"]["at+jwt"]["good"]
    at_hand = parts(good)

    def check(authorization: str) -> bool:
        signature, message = at_hand if authorization == good else parts(authorization)
        try:
            key.verify(signature, message, *more)
        except InvalidSignature:
            return False
        return True

    return check
