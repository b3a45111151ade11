"""What comes back: our refusals as literal text, and answers that are somebody else's."""

from __future__ import annotations

from typing import Any

Answer = dict[str, Any]

PASSES: Answer = {"passes": True}
"""The request reached the SDK, and the answer is the SDK's: no challenge in it."""
CLOSED: Answer = {"closed": True}
"""The connection ends without an answer."""


def status(code: int) -> Answer:
    """The answer of the HTTP server, the framework or the SDK, by its status alone."""
    return {"status": code}


def _ours(code: int, challenge: str | None, body: str) -> Answer:
    return {"status": code, "challenge": challenge, "body": body}


def _rpc(code: int, text: str, id: str = "null", more: str = "") -> str:
    return f'{{"jsonrpc":"2.0","id":{id},"error":{{"code":{code},"message":"{text}"{more}}}}}'


_URL = 'resource_metadata="https://mcp.test/.well-known/oauth-protected-resource{}"'
_DENIED = '{"error":"access_denied","error_description":"Not allowed"}'


def no_token(path: str = "/mcp") -> Answer:
    body = '{"error":"unauthorized","error_description":"Bearer token required"}'
    return _ours(401, f"Bearer {_URL.format(path)}", body)


NO_TOKEN = no_token()
BAD_TOKEN = _ours(
    401,
    f'Bearer error="invalid_token", {_URL.format("/mcp")}, error_description="Bearer token is invalid or expired"',
    '{"error":"invalid_token","error_description":"Bearer token is invalid or expired"}',
)
TWO_CREDENTIALS = _ours(
    400,
    f'Bearer error="invalid_request", {_URL.format("/mcp")}',
    '{"error":"invalid_request","error_description":"More than one credential was sent"}',
)


def denied(id: str | None = "1", path: str = "/mcp") -> Answer:
    """The policy denies the call. `id`: its text where it is known, else the body has the OAuth form."""
    body = _DENIED if id is None else _rpc(-32001, "Not allowed", id, f',"data":{_DENIED}')
    return _ours(403, f"Bearer {_URL.format(path)}", body)


DENIED = denied()


def email_short(id: str | None = "1") -> Answer:
    """A call of `send_email` by a token that has the scope of `weather` alone. `id`: as for `denied`."""
    return _short("mcp:tools:email:send", "mcp:tools:email:send mcp:tools:weather", id)


def brief_short() -> Answer:
    """The prompt `brief`, by that token."""
    return _short("mcp:prompts:brief", "mcp:prompts:brief mcp:tools:weather", "1")


def _short(need: str, listed: str, id: str | None) -> Answer:
    text = f"Required scope: {need}"
    challenge = f'Bearer error="insufficient_scope", scope="{listed}", {_URL.format("/mcp")}, error_description="{text}"'
    body = f'{{"error":"insufficient_scope","error_description":"{text}","scope":"{need}"}}'
    return _ours(403, challenge, body if id is None else _rpc(-32001, text, id, f',"data":{body}'))


EMAIL_SHORT = email_short()
_BOTH = "mcp:tools:weather mcp:tools:email:send"
BATCH_SHORT = _short(_BOTH, _BOTH, None)
"""A batch of both calls by that token: it needs the scopes of both."""
NOT_JSON = _ours(400, None, _rpc(-32700, "Parse error"))
NOT_A_REQUEST = _ours(400, None, _rpc(-32600, "Invalid Request"))
TOO_LARGE = _ours(413, None, _rpc(-32600, "Request too large"))
ENCODED = _ours(415, None, _rpc(-32600, "Content-Encoding not supported"))
OTHER_TYPE = _ours(415, None, _rpc(-32600, "Content-Type not supported"))
PREFLIGHT = _ours(204, None, "")


def mismatch(id: str = "1") -> Answer:
    return _ours(400, None, _rpc(-32020, "Header mismatch", id))


MISMATCH = mismatch()


def _served(content_type: str, body: str) -> Answer:
    fields = {"Content-Type": content_type, "Cache-Control": "no-store"}
    return {"status": 200, "challenge": None, "body": body, "fields": fields}


SERVED_HEALTH = _served("application/json", '{"status":"ok"}')


def served_metrics(*refused: str) -> Answer:
    """The counters where nothing was accepted. `refused`: the samples of refusals."""
    return _served("text/plain; version=0.0.4; charset=utf-8", _METRICS.format("".join(f"{line}\n" for line in refused)))


_METRICS = """\
# HELP scopegate_accepted_total Accepted requests.
# TYPE scopegate_accepted_total counter
scopegate_accepted_total 0
# HELP scopegate_refused_total Refused requests by reason.
# TYPE scopegate_refused_total counter
{}# HELP scopegate_not_rfc9068_total Accepted tokens that token_format rfc9068 would refuse.
# TYPE scopegate_not_rfc9068_total counter
scopegate_not_rfc9068_total 0
# HELP scopegate_token_cache_lookups_total Tokens by whether they were held when they came.
# TYPE scopegate_token_cache_lookups_total counter
scopegate_token_cache_lookups_total{{result="hit"}} 0
scopegate_token_cache_lookups_total{{result="miss"}} 0
# HELP scopegate_token_cache_entries Verified tokens that are held.
# TYPE scopegate_token_cache_entries gauge
scopegate_token_cache_entries 0
# HELP scopegate_token_cache_bytes The memory that they take.
# TYPE scopegate_token_cache_bytes gauge
scopegate_token_cache_bytes 0
# HELP scopegate_events_total Audit events by whether there was room for them.
# TYPE scopegate_events_total counter
scopegate_events_total{{result="recorded"}} 0
scopegate_events_total{{result="dropped"}} 0
# HELP scopegate_events_waiting Audit events that wait to be drained.
# TYPE scopegate_events_waiting gauge
scopegate_events_waiting 0
# HELP scopegate_keys Usable keys that are held.
# TYPE scopegate_keys gauge
scopegate_keys{{issuer="https://issuer.test"}} 1
# HELP scopegate_keys_usable Whether tokens of the issuer can be judged now.
# TYPE scopegate_keys_usable gauge
scopegate_keys_usable{{issuer="https://issuer.test"}} 1
# HELP scopegate_keys_degraded Whether the keys are overdue and a fetch has failed.
# TYPE scopegate_keys_degraded gauge
scopegate_keys_degraded{{issuer="https://issuer.test"}} 0
# HELP scopegate_keys_age_seconds The age of the keys that are held.
# TYPE scopegate_keys_age_seconds gauge
# HELP scopegate_keys_skipped Published keys that were left aside, by reason.
# TYPE scopegate_keys_skipped gauge
# HELP scopegate_fetches_total Finished fetches by outcome, or the step that failed.
# TYPE scopegate_fetches_total counter
# HELP scopegate_fetches_waiting Requests that wait for a fetch.
# TYPE scopegate_fetches_waiting gauge
scopegate_fetches_waiting{{issuer="https://issuer.test"}} 0
# HELP scopegate_metadata_usable Whether the authorization server's metadata is served now.
# TYPE scopegate_metadata_usable gauge
# HELP scopegate_metadata_age_seconds The age of the authorization server's metadata.
# TYPE scopegate_metadata_age_seconds gauge
# HELP scopegate_metadata_fetches_total Fetches of it by outcome, or the step that failed.
# TYPE scopegate_metadata_fetches_total counter
"""
