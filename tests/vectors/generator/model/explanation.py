"""What `explain` says of a request: the checks by their names, and which of them failed (rules section 2, order of checks)."""

from __future__ import annotations

from typing import Any

from .decision import Decision

CHECKS = (
    "arguments",
    "origin",
    "authorization_line",
    "bearer_token",
    "token_size",
    "one_credential",
    "token_syntax",
    "critical_header",
    "payload_syntax",
    "issuer",
    "algorithm",
    "type",
    "clock",
    "key",
    "signature",
    "claim_types",
    "claims_present",
    "sender_constraint",
    "access_token",
    "audience",
    "expiry",
    "not_before",
    "age",
    "lifetime",
    "required_claims",
    "body",
    "call",
    "policy",
    "scopes",
)
_FAILED = {
    "internal": "arguments",
    "origin_denied": "origin",
    "missing_token": "bearer_token",
    "token_too_large": "token_size",
    "critical_header": "critical_header",
    "untrusted_issuer": "issuer",
    "algorithm_not_allowed": "algorithm",
    "type_not_allowed": "type",
    "clock_unusable": "clock",
    "keys_unavailable": "key",
    "unknown_key": "key",
    "ambiguous_key": "key",
    "bad_signature": "signature",
    "sender_constrained": "sender_constraint",
    "not_an_access_token": "access_token",
    "wrong_audience": "audience",
    "expired": "expiry",
    "not_yet_valid": "not_before",
    "too_old": "age",
    "lifetime_too_long": "lifetime",
    "claim_not_allowed": "required_claims",
    "call_too_large": "call",
    "malformed_call": "call",
    "policy_denied": "policy",
    "insufficient_scope": "scopes",
}
_UNREADABLE = {"multiple_credentials", "missing_token", "token_too_large", "malformed_token", "critical_header"}


def explanation(decision: Decision) -> dict[str, Any]:
    """Everything but what is said of the check that failed."""
    faults, outcome, failed = list(decision.faults), "accepted", None
    if decision.lacks_body:
        # The first fault stands for the body. Without a policy it gives a 403 its form alone, which is not asked for here.
        faults = faults[1:] if decision.config.policy is None or decision.headers_decide else ["body"]
    if faults:
        failed = "body" if faults == ["body"] else _failed(decision, faults[0])
        outcome = {"body": "needs_body", "keys_unavailable": "needs_keys"}.get(faults[0], "refused")
    refused = outcome == "refused"
    answer = decision.answer_to(faults[0]) if refused else {}
    return {
        "outcome": outcome,
        "reason": faults[0] if refused else None,
        "status": answer.get("status"),
        "checks": [f"{_outcome(decision, check, failed)} {check}" for check in CHECKS],
    }


def failed_check(explained: dict[str, Any]) -> str | None:
    return next((check[7:] for check in explained["checks"] if check.startswith("failed ")), None)


def _failed(decision: Decision, reason: str) -> str:
    lines = len(decision.request.get("authorization", []))
    if reason == "multiple_credentials":
        return "authorization_line" if lines > 1 else "one_credential"
    if reason == "malformed_token":
        return "token_syntax" if decision.jws is None or decision.jws.header_fault else "payload_syntax"
    if reason in ("missing_claim", "malformed_claim"):
        of_payload = "claims_present" if reason == "missing_claim" else "claim_types"
        return of_payload if isinstance(decision.issuer, str) and "\0" not in decision.issuer else "issuer"
    return _FAILED[reason]


def _outcome(decision: Decision, check: str, failed: str | None) -> str:
    if check == failed:
        return "failed"
    if not _is_asked_for(decision, check):
        return "not_asked"
    return "passed" if failed is None or CHECKS.index(check) < CHECKS.index(failed) else "not_reached"


def _is_asked_for(decision: Decision, check: str) -> bool:
    """What depends on an issuer that is not known is."""
    config = decision.config
    server = None if _UNREADABLE & set(decision.faults) else decision.trusted
    return {
        "origin": config.allowed_origins is not None,
        "access_token": server is None or server.token_format == "generic",
        "age": config.max_token_age_seconds is not None,
        "lifetime": config.max_token_lifetime_seconds is not None,
        "required_claims": server is None or bool(server.required_claims),
        "body": config.policy is not None,
        "call": config.policy is not None,
        "policy": config.policy is not None,
    }.get(check, True)
