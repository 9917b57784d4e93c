"""What a scenario found, and the table of it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Final

COLUMNS: Final = ("scenario", "requests", "answered", "lost", "wrong", "p50 ms", "p99 ms", "back s")
_ROW: Final = "{:<18} {:>8} {:>8} {:>5} {:>5} {:>8} {:>8} {:>6}"


@dataclass(slots=True)
class Outcomes:
    """Of requests. Times are seconds."""

    requests: int = 0
    answered: int = 0
    lost: int = 0
    """Had no answer, however often a client asked who does as the contract says."""
    wrong: int = 0
    """An answer that is not what this request has to get."""
    latencies: list[float] = field(default_factory=list)
    """From when a request was due to its answer, attempts that failed included."""
    failed_at: list[float] = field(default_factory=list)
    """When attempts failed that were tried again."""
    statuses: Counter[int] = field(default_factory=Counter)
    """Of attempts; 0 where the connection broke."""
    faults: Counter[str] = field(default_factory=Counter)
    """What was wrong, in words."""
    minted: set[str] = field(default_factory=set)
    """`jti` of what clients received."""

    def percentile(self, share: float) -> float:
        """Milliseconds; NaN where nothing was answered."""
        if not self.latencies:
            return math.nan
        ranked = sorted(self.latencies)
        return ranked[min(int(len(ranked) * share), len(ranked) - 1)] * 1000

    def note_wrong(self, fault: str) -> None:
        """One more that is wrong."""
        self.wrong += 1
        self.faults[fault] += 1

    def recovered_after(self, lifted: float) -> float:
        """Seconds from when the fault was `lifted` to the last attempt that failed."""
        return max(0.0, max(self.failed_at, default=lifted) - lifted)


@dataclass(slots=True)
class Report:
    """Of a scenario: its load, and what it expected besides."""

    name: str
    load: Outcomes
    back: float | None = None
    """Seconds until no attempt failed any more; None where nothing was to come back."""
    notes: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    """What the scenario expected and did not find."""

    def expect(self, condition: bool, failure: str) -> None:
        """Note the `failure` unless the condition holds."""
        if not condition:
            self.failures.append(failure)

    @property
    def passed(self) -> bool:
        """Whether nothing was lost or wrong, and all was as expected."""
        return self.load.lost == self.load.wrong == 0 and not self.failures

    def lines(self) -> list[str]:
        """The row of the table, then notes."""
        load = self.load
        back = "" if self.back is None else f"{self.back:.1f}"
        row = _ROW.format(
            self.name,
            load.requests,
            load.answered,
            load.lost,
            load.wrong,
            f"{load.percentile(0.5):.1f}",
            f"{load.percentile(0.99):.1f}",
            back,
        )
        wrong = [f"wrong: {fault} ({count})" for fault, count in load.faults.items()]
        failed = [f"FAILED: {failure}" for failure in self.failures]
        return [row, *(f"    {line}" for line in (*self.notes, *wrong, *failed))]


def heading() -> str:
    """The first line of the table."""
    return _ROW.format(*COLUMNS)
