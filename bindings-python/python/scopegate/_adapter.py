"""What the adapters of HTTP hosts share: their options, and the answers that are theirs and not the core's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus

from scopegate._errors import Rejected
from scopegate._log import log_refusal
from scopegate._need import Need, Scopes
from scopegate._response import HttpResponse
from scopegate._scopegate import Request
from scopegate._server import ResourceServer

TOKEN = "scopegate.token"
"""Where the host's own record of a request holds the ``AccessToken`` of one that passed."""

GATE = "scopegate.gate"
"""Where it holds the ``ResourceServer`` that let it pass."""

NEEDED = "scopegate.needed"
"""Where it holds the scopes that this request needed beside those of the configuration, in order."""

JUDGED = "scopegate.judged"
"""Where it holds the request with the body that decided on it; ``None`` where the body was not read."""

Gate = ResourceServer | Callable[[], ResourceServer]
"""A resource server, or a function that gives the current one, which is called once for each request."""


def provider(gate: Gate) -> Callable[[], ResourceServer]:
    """A function that gives the current resource server.

    It raises ``TypeError`` when the function that it stands for gives something else.

    Raises ``TypeError`` for what is neither a resource server nor a function.
    """
    if isinstance(gate, ResourceServer):
        return lambda: gate
    if not callable(gate):
        raise TypeError(f"gate: expected a ResourceServer, or a function that gives one, not {type(gate).__name__}")

    def current() -> ResourceServer:
        found = gate()
        if not isinstance(found, ResourceServer):
            raise TypeError(f"gate: expected a function that gives a ResourceServer, not {type(found).__name__}")
        return found

    return current


def _error(status: HTTPStatus, code: int, message: str, *headers: tuple[str, str]) -> HttpResponse:
    body = f'{{"jsonrpc":"2.0","id":null,"error":{{"code":{code},"message":"{message}"}}}}'
    common = (("Content-Type", "application/json"), ("Cache-Control", "no-store"))
    return HttpResponse(status, (*common, *headers), body.encode())


def _unsupported(what: str, *headers: tuple[str, str]) -> HttpResponse:
    return _error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, -32600, f"{what} not supported", *headers)


ENCODING_REFUSED = _unsupported("Content-Encoding", ("Accept-Encoding", "identity"))
"""The body decides, and is read as sent: inflating it here would be a second parser in front of the server's."""

TYPE_REFUSED = _unsupported("Content-Type")
"""The body decides, and is read as JSON in UTF-8: a server behind may read another type otherwise."""


SESSION_NOT_FOUND = _error(HTTPStatus.NOT_FOUND, -32001, "Session not found")
"""As the SDKs answer for a session that they do not know: no one learns that it is another's."""


class Options:
    """The options of an adapter, checked."""

    def __init__(self, public: Iterable[str], health: str | None, metrics: str | None, scopes: Scopes) -> None:
        """Raises ``ValueError`` for a path that does not begin with a slash, and ``TypeError`` for a string in place
        of a list.
        """
        if isinstance(public, str):
            raise TypeError("public: expected a list of strings, not one string")
        self.public = frozenset(public)
        self.health = health
        self.metrics = metrics
        self.need = Need(scopes)
        for path in (*self.public, health, metrics):
            if path is not None and not path.startswith("/"):
                raise ValueError(f"public, health and metrics: expected a path that begins with a slash, not {path!r}")

    def answer(self, gate: ResourceServer, request: Request, path: str) -> HttpResponse | None:
        """The answer to what needs no token and is not the application's; ``path`` is the one that it routes by."""
        try:
            return self._document(gate, request, path)
        except Rejected as fault:
            log_refusal(fault)
            return fault.response

    def _document(self, gate: ResourceServer, request: Request, path: str) -> HttpResponse | None:
        native = gate._native
        response = native.well_known(request)
        if response is None and path == self.health:
            response = native.health_response(request)
        if response is None and path == self.metrics:
            response = native.metrics_response(request)
        if response is None and path not in self.public:
            response = native.not_found(request)
        return None if response is None else HttpResponse(*response)


def is_encoded(coding: str) -> bool:
    """Whether a ``Content-Encoding`` says that the body is not as it stands."""
    return coding.strip().lower() not in ("", "identity")


def is_json(content_types: list[str]) -> bool:
    """Whether every parser of these Content-Type lines (RFC 9110 section 8.3) takes the body for JSON in UTF-8; without
    one nothing says otherwise.
    """
    if not content_types or content_types == _PLAIN:
        return True
    essence, *parameters = (part.strip().lower() for part in content_types[0].split(";"))
    is_utf8 = all(_UTF8.fullmatch(part) for part in parameters if "charset" in part)
    return len(content_types) == 1 and "," not in content_types[0] and essence == "application/json" and is_utf8


_PLAIN = ["application/json"]
"""What most clients send."""

_UTF8 = re.compile('charset="?utf-?8"?')
