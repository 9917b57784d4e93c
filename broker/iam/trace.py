"""The account of a decision: what was expected, what was there, whether it held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from broker.errors import Stage


@dataclass(frozen=True, slots=True)
class Step:
    """One check. `got` is None when the token has no such claim."""

    stage: Stage
    name: str
    """What was checked: `claims.repository`, `signature`, `exp`."""
    expected: str
    got: str | None
    passed: bool
    hint: str = ""
    """For a failed step: a sentence on what to change."""

    def as_json(self) -> dict[str, Any]:
        """For the audit record."""
        row: dict[str, Any] = {
            "stage": self.stage.value,
            "name": self.name,
            "expected": self.expected,
            "got": self.got,
            "passed": self.passed,
        }
        if self.hint:
            row["hint"] = self.hint
        return row
