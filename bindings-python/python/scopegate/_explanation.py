"""What ``explain`` gives."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from scopegate._reason import Reason


class ExplainedCheck(NamedTuple):
    """One check of a request."""

    check: str
    """Its name, which stays."""
    outcome: Literal["passed", "failed", "not_reached", "not_asked"]
    """``failed``: it is not met, or cannot be told, and no later one was made. ``not_reached``: an earlier one failed.
    ``not_asked``: the configuration does not ask for it."""
    expected: str | None
    """What it expects; ``None`` where that depends on an issuer that is not known, and where it is not asked for."""
    found: str | None
    """What was found, where the check was made."""
    hint: str | None
    """What often is behind a failure that looks like this one."""
    reference: str
    """Where more is to be read: the section of an RFC, or of ``docs/reasons.md``."""


@dataclass(frozen=True)
class Explanation:
    """Why a request would be accepted or refused.

    It shows values of claims that a check is about, also where nothing has verified them: escaped, and cut after 128
    bytes. It shows no part of the token as it was sent, no other claim, and nothing else of the ``Authorization``
    lines. ``str()`` has a line for each check.
    """

    outcome: Literal["accepted", "refused", "needs_keys", "needs_body"]
    """``needs_keys``: it cannot be told for want of keys. ``needs_body``: the token is good, and the rest cannot
    be told without the body."""
    reason: Reason | None
    """Why the request is refused."""
    status: int | None
    """The HTTP status of the refusal."""
    detail: str | None
    """The ``detail`` of the refusal."""
    checks: tuple[ExplainedCheck, ...]
    """All checks, in the order in which they are made: the first that fails is the reason."""
    _json: str = field(repr=False)
    _text: str = field(repr=False)

    def __str__(self) -> str:
        return self._text

    def to_json(self) -> str:
        """The same as a JSON object, the same bytes in every language."""
        return self._json

    @classmethod
    def _read(cls, document: str, text: str) -> Explanation:
        members = json.loads(document)
        checks = tuple(ExplainedCheck(**check) for check in members.pop("checks"))
        return cls(**members, checks=checks, _json=document, _text=text)
