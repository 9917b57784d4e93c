"""The account of a decision: what was expected, what was there, whether it held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from broker.errors import Stage


@dataclass(frozen=True, slots=True)
class Step:
    """One check. `got` is None when the token has no such claim, or nobody looked."""

    stage: Stage
    name: str
    """What was checked: `claims.repository`, `signature`, `exp`."""
    expected: str
    got: str | None
    passed: bool | None
    """None: not reached."""
    hint: str = ""
    """For a failed step: a sentence on what to change."""
    unverified: bool = False
    """Whether `got` is a claim that nobody vouches for: a check before this one did not hold."""

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
        if self.unverified:
            row["unverified"] = True
        return row


def not_reached(stage: Stage, name: str, expected: str) -> Step:
    """A check that was not made, since one before it failed."""
    return Step(stage, name, expected, None, passed=None)
