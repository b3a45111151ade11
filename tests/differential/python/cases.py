"""The cases, and the file of a judge's answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Judge = Callable[[bytes], str | None]
"""Takes a token and gives the name of its refusal, or None."""


@dataclass(frozen=True)
class Profile:
    """What a token must be, as the generator's server was told it."""

    name: str
    now: int
    issuer: str
    audience: str
    leeway: int
    max_age: int | None
    jwks: dict[str, Any]
    algorithms: list[str]

    @property
    def is_rfc9068(self) -> bool:
        return self.name == "rfc9068"

    @property
    def required_claims(self) -> list[str]:
        more = ["sub", "client_id", "iat", "jti"] if self.is_rfc9068 else []
        return ["iss", "exp", "aud", *more]


AT_JWT = {"at+jwt", "application/at+jwt"}
"""RFC 9068 section 4, compared without case."""


def profiles(folder: Path) -> list[Profile]:
    return [Profile(**profile) for profile in json.loads((folder / "profiles.json").read_text("utf-8"))]


def cases(folder: Path) -> Iterator[dict[str, Any]]:
    with (folder / "cases.jsonl").open(encoding="utf-8", newline="\n") as lines:
        yield from map(json.loads, lines)


def judge_all(folder: Path, name: str, judges: dict[str, Judge]) -> None:
    """Writes the answer to each case that holds a token; Python's libraries read no field lines."""
    with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as answers:
        for case in cases(folder):
            if "token" in case:
                refusal = judges[case["profile"]](case["token"].encode("latin-1"))
                answers.write(json.dumps({"id": case["id"], "refusal": refusal}) + "\n")
