"""docs/reasons.md: what refusals mean, and what helps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "reasons.md"

SECTION = re.compile(
    r"^## (?P<name>\w+)\n\n(?P<number>\d{4}), .*\n\n\*\*Cause\.\*\* (?P<cause>.*)\n\n\*\*Cure\.\*\* (?P<cure>.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Section:
    """The section of one reason."""

    name: str
    number: int
    cause: str
    cure: str


def sections() -> dict[str, Section]:
    """Every section, by the name of its reason."""
    found = (match.groupdict() for match in SECTION.finditer(PAGE.read_text()))
    return {each["name"]: Section(each["name"], int(each["number"]), each["cause"], each["cure"]) for each in found}
