"""The two errors of the package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from scopegate._reason import Reason
from scopegate._response import HttpResponse


class Rejected(Exception):
    """A request was refused. It carries the whole response; send that unchanged.

    Nothing in it comes from the token, so it may be logged.
    """

    reason: Reason
    """Why, for operators and tests. The wire shows one fixed text for each class of reasons."""
    code: int
    """The number of the reason, the same in every language."""
    status: int
    """The status code of the response."""
    headers: tuple[tuple[str, str], ...]
    """The header fields of the response, in the order they are sent."""
    body: bytes
    """The body of the response."""
    detail: str
    """A sentence for the operator that says what was expected. It is never sent."""

    def __init__(
        self, reason: Reason, code: int, status: int, headers: tuple[tuple[str, str], ...], body: bytes, detail: str
    ) -> None:
        super().__init__(reason, code, status, headers, body, detail)
        self.reason = reason
        self.code = code
        self.status = status
        self.headers = headers
        self.body = body
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"

    @property
    def unavailable(self) -> bool:
        """Whether nothing was judged, because the keys are not to be had now: a case for an alert."""
        return self.reason == "keys_unavailable"

    @property
    def _undecided(self) -> bool:
        """Whether nothing was judged, for whatever cause: the token may be good."""
        return self.reason in ("keys_unavailable", "internal", "clock_unusable")

    @property
    def response(self) -> HttpResponse:
        """``status``, ``headers`` and ``body`` together."""
        return HttpResponse(self.status, self.headers, self.body)


class ConfigMistake(NamedTuple):
    """One mistake in a configuration."""

    path: str
    """The field, such as ``authorization_servers[0].issuer``."""
    message: str
    """What is expected there."""


class ConfigError(ValueError):
    """A configuration was refused. Nothing was started."""

    errors: tuple[ConfigMistake, ...]
    """Every mistake in it."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        super().__init__(errors)
        self.errors = tuple(ConfigMistake(path, message) for path, message in errors)

    def __str__(self) -> str:
        return "\n".join(f"{path}: {message}" if path else message for path, message in self.errors)
