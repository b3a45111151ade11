from collections.abc import Mapping, Sequence
from typing import Any, final

from scopegate._errors import Rejected

__all__ = ["AccessToken", "Issuer", "KeyRequest", "NeedBody", "Request", "Server", "reasons"]

_Lines = str | bytes | Sequence[str | bytes] | None
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
        calls: Sequence[tuple[str, str | None, object]] | None = None,
        now: int | None = None,
    ) -> Request: ...
    def with_body(self, body: bytes) -> Request: ...

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
    def check(self, request: Request) -> AccessToken | KeyRequest | NeedBody | Rejected: ...
    def check_once(self, authorization: _Lines, details: Mapping[str, Any]) -> AccessToken | KeyRequest | Rejected: ...
    def authorize_once(self, authorization: _Lines, details: Mapping[str, Any]) -> AccessToken | Rejected: ...
    def check_after(self, request: Request, keys: KeyRequest) -> AccessToken | NeedBody | Rejected: ...
    def authorize(self, request: Request) -> AccessToken | NeedBody | Rejected: ...
    def refresh(self, keys: KeyRequest) -> None: ...
    def start_refresh(self, keys: KeyRequest) -> None: ...
    def body_missing(self, request: Request) -> Rejected: ...
    def require(self, token: AccessToken, request: Request) -> Rejected | None: ...
    def allowed(self, token: AccessToken, kind: str, name: str) -> bool: ...
    def well_known(self, request: Request) -> _Response | None: ...
    def not_found(self, request: Request) -> _Response | None: ...
    def warm_up(self) -> None: ...
    def distrust_key(self, issuer: str, kid: str) -> None: ...
    def replace_keys(self, issuer: str, jwks: str) -> None: ...
    def resume(self, issuer: str) -> None: ...
    def export_keys(self) -> str: ...
    def stats(self) -> str: ...
    def health(self) -> str: ...
    def warnings(self) -> list[str]: ...
    @property
    def metadata_url(self) -> str: ...
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

def reasons() -> list[tuple[str, int]]: ...
