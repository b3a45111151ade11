from collections.abc import Mapping, Sequence
from typing import Any, final

from typing_extensions import Self, disjoint_base  # noqa: UP035 - typing has Self from Python 3.11 on

from scopegate._errors import Rejected

__all__ = [
    "AccessToken",
    "Authorizer",
    "Issuer",
    "KeyRequest",
    "NeedBody",
    "Request",
    "Server",
    "environment",
    "pasted",
    "reasons",
]

_Lines = str | bytes | Sequence[str | bytes] | None
_Calls = Sequence[tuple[str, str | None, object]] | None
_Response = tuple[int, tuple[tuple[str, str], ...], bytes]

@final
class AccessToken:
    """What a valid access token says. Made by `ResourceServer` alone, and unchangeable.

    It never holds the token itself: MCP forbids passing a client's token on.
    """

    @property
    def issuer(self) -> str:
        """The authorization server that issued the token (`iss`)."""
    @property
    def subject(self) -> str | None:
        """The user the token speaks for (`sub`); unique for one issuer only."""
    @property
    def client_id(self) -> str | None:
        """The client the token was issued to, from the first claim of `client_id_claims` that is present."""
    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes in the token, in its order, after `scope_prefix`."""
    @property
    def effective_scopes(self) -> tuple[str, ...]:
        """`scopes`, then those that they imply."""
    @property
    def audience(self) -> tuple[str, ...]:
        """Whom the token is for (`aud`), as a tuple even when the claim is one string."""
    @property
    def resource(self) -> str:
        """The configured resource that accepted the token."""
    @property
    def expires_at(self) -> int:
        """When the token expires (`exp`), in seconds since 1970. The leeway is not in it."""
    @property
    def issued_at(self) -> int | None:
        """When the token was issued (`iat`), in seconds since 1970."""
    @property
    def token_id(self) -> str | None:
        """The token's identifier (`jti`)."""
    @property
    def principal(self) -> str | None:
        """The key for sessions and stored state: the issuer, a blank, then the subject, or else the client."""
    @property
    def claims(self) -> dict[str, Any]:
        """The payload as the issuer signed it, parsed anew at each access. Of the claims that have no attribute here,
        only those in `required_claims` were checked.
        """
    @property
    def _claims_json(self) -> str: ...

@disjoint_base
class Authorizer:
    """What `scopegate.ResourceServer` inherits: a function of Python around the call would take as long as what the
    call itself does beside its decision.
    """

    def __new__(cls, *_arguments: object, **_members: object) -> Self: ...
    def authorize(
        self,
        authorization: _Lines,
        *,
        method: str = "",
        target: str = "",
        scopes: Sequence[str] = ...,
        body: bytes | None = None,
        calls: _Calls = None,
        origin: _Lines = ...,
        protocol_version: _Lines = ...,
        mcp_method: _Lines = ...,
        mcp_name: _Lines = ...,
        now: int | None = None,
    ) -> AccessToken:
        """What the token of a request says, once everything about it was checked.

        ``authorization`` holds the value of **every** ``Authorization`` line: two lines are refused. Missing keys are
        fetched, at most once, which blocks for ``http.timeout_seconds`` at the longest; other threads run meanwhile.
        A configuration with a ``policy`` needs ``body`` or ``calls``. The keywords are those of ``RequestDetails``.

        Raises ``Rejected``.
        """
    def _serve(self, server: Server) -> None: ...

@final
class Request:
    def __new__(
        cls,
        *,
        method: str = ...,
        target: str = ...,
        authorization: _Lines = ...,
        origin: _Lines = ...,
        access_control_request_method: _Lines = ...,
        access_control_request_headers: _Lines = ...,
        protocol_version: _Lines = ...,
        mcp_method: _Lines = ...,
        mcp_name: _Lines = ...,
        scopes: Sequence[str] = ...,
        body: bytes | None = None,
        calls: _Calls = None,
        now: int | None = None,
    ) -> Request: ...
    def with_body(self, body: bytes) -> Request: ...
    def with_scopes(self, scopes: Sequence[str]) -> Request: ...

@final
class KeyRequest:
    @property
    def source(self) -> int: ...
    @property
    def longest_wait(self) -> float: ...

@final
class NeedBody:
    @property
    def limit(self) -> int: ...

@final
class Server:
    def __new__(cls, config: str) -> Server: ...
    @staticmethod
    def from_variables(variables: dict[str, str], members: str) -> Server: ...
    def derive(self, changes: str) -> Server: ...
    def declare(self, offered: str) -> tuple[Server, str]: ...
    def check(self, request: Request) -> AccessToken | KeyRequest | NeedBody | Rejected: ...
    def check_once(self, authorization: _Lines, details: Mapping[str, Any]) -> AccessToken | KeyRequest | Rejected: ...
    def check_after(self, request: Request, keys: KeyRequest) -> AccessToken | NeedBody | Rejected: ...
    def authorize(self, request: Request) -> AccessToken | NeedBody | Rejected: ...
    def refresh(self, keys: KeyRequest) -> None: ...
    def start_refresh(self, keys: KeyRequest) -> None: ...
    def internal_error(self, request: Request, detail: str) -> Rejected: ...
    def body_missing(self, request: Request) -> Rejected: ...
    def require(self, token: AccessToken, request: Request) -> Rejected | None: ...
    def calls(self, request: Request) -> list[tuple[str, str | None, str | None]] | Rejected: ...
    def explain(self, authorization: _Lines, details: Mapping[str, Any]) -> tuple[str, str]: ...
    def allowed(self, token: AccessToken, kind: str, name: str) -> bool: ...
    def well_known(self, request: Request) -> _Response | None: ...
    def not_found(self, request: Request) -> _Response | None: ...
    def health_response(self, request: Request) -> _Response | None: ...
    def metrics_response(self, request: Request) -> _Response | None: ...
    def warm_up(self) -> None: ...
    def distrust_key(self, issuer: str, kid: str) -> None: ...
    def replace_keys(self, issuer: str, jwks: str) -> None: ...
    def resume(self, issuer: str) -> None: ...
    def export_keys(self) -> str: ...
    def stats(self) -> str: ...
    def metrics(self) -> str: ...
    def drain_events(self) -> str: ...
    def health(self) -> str: ...
    def warnings(self) -> list[str]: ...
    @property
    def metadata_url(self) -> str: ...
    @property
    def well_known_paths(self) -> list[str]: ...
    @property
    def resource(self) -> str: ...
    @property
    def hostname(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def has_policy(self) -> bool: ...
    @property
    def body_limit(self) -> int: ...
    @property
    def leeway_seconds(self) -> int: ...
    @property
    def configured_origins(self) -> list[str]: ...

@final
class Issuer:
    def __new__(cls, resource: str) -> Issuer: ...
    @property
    def issuer(self) -> str: ...
    def server(self) -> str: ...
    def mint(self, claims: str) -> str: ...
    def rotate(self) -> None: ...

def environment() -> list[str]: ...
def pasted(text: bytes) -> dict[str, Any]: ...
def reasons() -> list[tuple[str, int]]: ...
