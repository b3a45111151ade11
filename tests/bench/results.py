"""What a run measured, as results.json holds it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
LIMIT = "signature alone"
"""The contender of Rust that the others are measured by: aws-lc-rs with a key that was parsed before."""
CHECKS = {"signature", "issuer", "audience", "expired"}
"""What a library must refuse by itself or its user by hand, to be compared as a validator."""


@dataclass(frozen=True)
class Row:
    language: str
    contender: str
    algorithm: str
    workload: str
    lane: str
    median_us: float
    min_us: float


@dataclass(frozen=True)
class Results:
    command: str
    taken: str
    machine: dict[str, Any]
    rounds: int
    batch_seconds: float
    versions: dict[str, dict[str, str]]
    contenders: dict[str, list[dict[str, Any]]]
    rows: list[Row]

    @classmethod
    def read(cls, path: Path = RESULTS) -> Results:
        members = json.loads(path.read_text("utf-8"))
        return cls(**members | {"rows": [Row(**row) for row in members["rows"]]})

    def write(self, path: Path) -> None:
        """One line for each row, so that two runs can be compared."""
        members = asdict(self) | {"rows": "ROWS"}
        rows = ",\n".join(f"    {json.dumps(asdict(row))}" for row in self.rows)
        path.write_text(json.dumps(members, indent=2).replace('"ROWS"', f"[\n{rows}\n  ]") + "\n", "utf-8")

    @cached_property
    def _medians(self) -> dict[tuple[str, ...], float]:
        return {
            (row.language, row.contender, row.algorithm, row.workload, row.lane): row.median_us for row in self.rows
        }

    def median(
        self, language: str, contender: str, algorithm: str, workload: str, lane: str = "1 thread"
    ) -> float | None:
        return self._medians.get((language, contender, algorithm, workload, lane))

    def limit(self, algorithm: str, lane: str = "1 thread") -> float:
        """Of one thread, or of two."""
        return self._medians["Rust", LIMIT, algorithm, "hot", "1 thread" if lane == "1 thread" else "2 threads"]

    def validators(self, language: str) -> list[str]:
        """Other libraries that check what a resource server must."""
        found = self.contenders[language]
        return [each["name"] for each in found if each["kind"] == "rival" and set(each["refuses"]) >= CHECKS]

    def best(self, language: str, algorithm: str, workload: str) -> tuple[str, float]:
        """The fastest other validator on one thread."""
        medians = [(name, self.median(language, name, algorithm, workload)) for name in self.validators(language)]
        return min(((name, median) for name, median in medians if median is not None), key=lambda pair: pair[1])

    def titled(self, language: str, contender: str) -> str:
        """The name with the version, where that is not in the name."""
        version = next(each["version"] for each in self.contenders[language] if each["name"] == contender)
        name, comma, more = contender.partition(",")
        return f"{name} {version}{comma}{more}" if version else contender
