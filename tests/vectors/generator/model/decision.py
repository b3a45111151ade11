"""The order of checks (rules section 2): every check of a request, in order, whether or not an earlier one failed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from .call import Call, Unreadable, described_by_headers, headers_contradict, is_unread, read_call, request_body
from .claims import (
    SCOPE_TOKEN,
    Claims,
    Malformed,
    audience_is_wrong,
    has_refused_claim,
    is_not_an_access_token,
    missing_claims,
    read_claims,
    text,
    time_faults,
    type_is_allowed,
)
from .configuration import AuthorizationServer, Configuration, same_name
from .credential import MAX_TOKEN, Jws, after_scheme, kid_is_well_formed, read_jws
from .key_set import Key, select, trusted, usable_keys, verifies
from .policy import covers, effective_scopes, name_is_allowed, policy_need
from .wire import NUMBERS, Refusal, response

DEFAULT_MAX_BODY = 4194304


@dataclass
class Decision:
    """What a request comes to. `faults` holds every failed check in order; the first is the reason."""

    config: Configuration
    request: dict[str, Any]
    now: int
    faults: list[str] = field(default_factory=list)
    is_further: bool = False  # `require`: a body that is not there is not asked for

    @property
    def reason(self) -> str | None:
        return self.faults[0] if self.faults else None

    @cached_property
    def rest(self) -> str | None:
        """What follows `Bearer` on the first line."""
        lines = self.request.get("authorization", [])
        return after_scheme(lines[0]) if lines else None

    @cached_property
    def jws(self) -> Jws | None:
        """The token; of several joined by commas, the first."""
        return None if self.rest is None else read_jws(self.rest.split(",")[0])

    @cached_property
    def issuer(self) -> Any:
        return self.jws.claims.get("iss") if self.jws and self.jws.claims else None

    @cached_property
    def trusted(self) -> AuthorizationServer | None:
        return next((server for server in self.config.servers if self.issuer in server.issuers), None)

    @cached_property
    def server(self) -> AuthorizationServer:
        """The trusted server, or the first one where the issuer has failed already."""
        return self.trusted or self.config.servers[0]

    @cached_property
    def algorithm(self) -> str:
        named = self.jws.header.get("alg") if self.jws and self.jws.header else None
        return same_name(named) if isinstance(named, str) else ""

    @cached_property
    def key(self) -> Key | str | None:
        """The key, or the reason why there is none; None where the algorithm or the kid has failed already."""
        if self.jws is None or self.jws.header is None or self.algorithm not in self.server.algorithms:
            return None
        if not kid_is_well_formed(self.jws.header):
            return None
        kid = self.jws.header.get("kid")
        distrusted = self.config.distrusted_kids(self.server)
        if kid in distrusted:
            return "unknown_key"
        if self.server.jwks is None:
            return "keys_unavailable"
        keys = usable_keys(self.server, self.config.rsa_max_bits)
        return select(trusted(keys, distrusted), self.algorithm, kid)

    @cached_property
    def claims(self) -> Claims | None:
        if self.jws is None or self.jws.header is None or self.jws.claims is None:
            return None
        typ = self.jws.header.get("typ")
        return read_claims(self.jws.claims, typ if isinstance(typ, str) else None, self.server)

    @cached_property
    def effective(self) -> list[str]:
        return effective_scopes(self.claims.scopes if self.claims else [], self.config)

    @cached_property
    def call(self) -> Call | Unreadable:
        try:
            return read_call(self.request) if self.described is None else self.described
        except Unreadable as error:
            return error

    @cached_property
    def described(self) -> Call | None:
        """The call of a body that was not read, where the routing headers stand for it."""
        policy = self.config.policy or {}
        if self.is_further or not is_unread(self.request) or not policy.get("headers_verified", False):
            return None
        return described_by_headers(self.request)

    @cached_property
    def headers_decide(self) -> bool:
        """Whether the body is not needed, because the headers stand for it or are wrong for themselves."""
        try:
            return self.described is not None
        except Unreadable:
            return True

    @cached_property
    def need(self) -> list[str] | None:
        """The whole need; None when the policy refuses whatever the scope."""
        policy: list[str] | None = []
        judged = not (self.is_further and is_unread(self.request))
        if self.config.policy is not None and isinstance(self.call, Call) and judged:
            policy = policy_need(self.config.policy, self.call)
        if policy is None:
            return None
        return list(dict.fromkeys(self.config.required_scopes + policy + self.request.get("scopes", [])))

    @cached_property
    def lacks_body(self) -> bool:
        """Whether the first fault is that the body was not read."""
        return self.reason == "internal" and not list(_argument_checks(self))

    def refusal(self) -> dict[str, Any]:
        """The answer to a request that is refused, as `expect` of a case."""
        return self.answer_to(self.reason or "")

    def answer_to(self, reason: str) -> dict[str, Any]:
        """The answer where this is the reason."""
        unreadable = self.call if isinstance(self.call, Unreadable) else Unreadable(-32020, "Header mismatch")
        answer = response(
            Refusal(
                config=self.config,
                request=self.request,
                reason=reason,
                need=self.need or [],
                granted=self.claims.scopes if self.claims else [],
                call_id=self.call.id if isinstance(self.call, Call) else None,
                rpc_code=unreadable.code,
                rpc_message=unreadable.message,
            )
        )
        return {"reason": reason, "code": NUMBERS[reason], **answer}

    def token(self) -> dict[str, Any]:
        """What the caller learns of a token that is accepted."""
        if self.claims is None or self.jws is None:
            raise ValueError("no token was read")
        claims = self.claims
        who = claims.subject or claims.client_id or None
        return {
            "issuer": self.issuer,
            "subject": claims.subject,
            "client_id": claims.client_id,
            "scopes": claims.scopes,
            "effective_scopes": self.effective,
            "audience": claims.audience or [],
            "resource": self.config.resource,
            "expires_at": claims.exp,
            "issued_at": claims.iat,
            "token_id": claims.token_id,
            "principal": None if who is None else f"{self.issuer} {who}",
            "claims": self.jws.payload.decode("utf-8"),
        }


def decide(config: Configuration, request: dict[str, Any], now: int) -> Decision:
    """Runs every check on one request."""
    decision = Decision(config, request, now)
    checks = (_request_checks, _credential_checks, _key_checks, _claim_checks, _call_checks)
    decision.faults = [fault for check in checks for fault in check(decision)]
    return decision


def decide_further(first: Decision, then: dict[str, Any]) -> Decision:
    """`require`: what a further request asks of a token that was accepted."""
    request = {"authorization": first.request["authorization"], **then}
    decision = Decision(first.config, request, first.now, is_further=True)
    decision.faults = [fault for check in (_argument_checks, _call_checks) for fault in check(decision)]
    return decision


def is_allowed(first: Decision, kind: str, name: str) -> bool:
    """`allowed` for a tool, a prompt or a resource."""
    return name_is_allowed(first.config.policy, kind, name, first.effective, first.config)


def _argument_checks(d: Decision) -> Iterator[str]:
    for scope in d.request.get("scopes", []):
        if not SCOPE_TOKEN.fullmatch(scope) or scope == "offline_access":
            yield "internal"


def _request_checks(d: Decision) -> Iterator[str]:
    yield from _argument_checks(d)
    origin, allowed = d.request.get("origin", []), d.config.allowed_origins
    if allowed is not None and origin and (len(origin) > 1 or origin[0] not in allowed):
        yield "origin_denied"
    if len(d.request.get("authorization", [])) > 1:
        yield "multiple_credentials"


def _credential_checks(d: Decision) -> Iterator[str]:
    if d.rest is None or d.jws is None:
        yield "missing_token"
        return
    if len(d.rest) > MAX_TOKEN:
        yield "token_too_large"
    if "," in d.rest:
        yield "multiple_credentials"
    if d.jws.header_fault:
        yield "malformed_token"
    if d.jws.header is not None and ("crit" in d.jws.header or "b64" in d.jws.header):
        yield "critical_header"
    if d.jws.payload_fault:
        yield "malformed_token"
    yield from _issuer_checks(d)


def _issuer_checks(d: Decision) -> Iterator[str]:
    if d.jws is None or d.jws.claims is None:
        return
    if "iss" not in d.jws.claims:
        yield "missing_claim"
        return
    try:
        text(d.issuer)
    except Malformed:
        yield "malformed_claim"
        return
    if d.trusted is None:
        yield "untrusted_issuer"


def _key_checks(d: Decision) -> Iterator[str]:
    if d.jws is None or d.jws.header is None:
        return
    if isinstance(d.jws.header.get("alg"), str) and d.algorithm not in d.server.algorithms:
        yield "algorithm_not_allowed"
    typ = d.jws.header.get("typ")
    if not type_is_allowed(typ if isinstance(typ, str) else None, d.server):
        yield "type_not_allowed"
    if d.now < 0:
        yield "clock_unusable"
    if isinstance(d.key, str):
        yield d.key
    if isinstance(d.key, Key) and not verifies(d.key, d.jws.signing_input, d.jws.signature or b""):
        yield "bad_signature"


def _claim_checks(d: Decision) -> Iterator[str]:
    if d.claims is None:
        return
    if d.claims.malformed:
        yield "malformed_claim"
    if missing_claims(d.claims, d.server, d.config):
        yield "missing_claim"
    if d.claims.confirmation is not None:
        yield "sender_constrained"
    if is_not_an_access_token(d.claims, d.server):
        yield "not_an_access_token"
    if audience_is_wrong(d.claims, d.server, d.config):
        yield "wrong_audience"
    yield from time_faults(d.claims, d.config, d.now)
    if has_refused_claim(d.claims, d.server):
        yield "claim_not_allowed"


def _call_checks(d: Decision) -> Iterator[str]:
    if d.claims is None:
        return
    unread, policy = is_unread(d.request) and not d.headers_decide, d.config.policy
    need = d.config.required_scopes + d.request.get("scopes", []) if d.need is None else d.need
    short = not covers(d.effective, need, d.config)
    refused = d.need is None or short
    by_headers = d.headers_decide and isinstance(d.call, Call)
    if unread and not d.is_further and (policy is not None or (short and _form_depends_on_body(d))):
        yield "internal"
    if by_headers and refused and _form_depends_on_body(d):
        yield "internal"
    if policy is not None and not unread:
        if len(request_body(d.request) or b"") > policy.get("max_body_bytes", DEFAULT_MAX_BODY):
            yield "call_too_large"
        if isinstance(d.call, Unreadable) or (not by_headers and headers_contradict(d.request, d.call)):
            yield "malformed_call"
    if d.need is None:
        yield "policy_denied"
    if short:
        yield "insufficient_scope"


def _form_depends_on_body(d: Decision) -> bool:
    return d.config.refusal_body == "auto" and d.request["method"] == "POST"
