"""What a process counts of itself, cheaply, to be read by whoever shows it (`broker.web.admin`)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds: upper bounds of the buckets of `Durations`, but for the last, which has none."""


class Tally:
    """How often each of a few things happened. A key is the values of `labels`, in order.

    Whoever counts takes care that keys are few: nothing that a caller chooses.
    """

    __slots__ = ("counts", "labels")

    def __init__(self, *labels: str) -> None:
        self.labels = labels
        self.counts: Counter[tuple[str, ...]] = Counter()

    def add(self, *values: str) -> None:
        """Once more."""
        self.counts[values] += 1


class Durations:
    """How long something took, in buckets, by the values of `labels`."""

    __slots__ = ("bounds", "buckets", "labels", "sums")

    def __init__(self, *labels: str, bounds: Sequence[float] = BOUNDS) -> None:
        self.labels = labels
        self.bounds = tuple(bounds)
        self.buckets: dict[tuple[str, ...], list[int]] = {}
        self.sums: dict[tuple[str, ...], float] = {}

    def add(self, seconds: float, *values: str) -> None:
        """Once more."""
        buckets = self.buckets.get(values)
        if buckets is None:
            buckets = self.buckets[values] = [0] * (len(self.bounds) + 1)
            self.sums[values] = 0.0
        buckets[bisect_left(self.bounds, seconds)] += 1
        self.sums[values] += seconds
