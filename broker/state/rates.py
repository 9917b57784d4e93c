"""How often something may be done, counted in this process and shared with others.

| key                | value                          | lifetime   | bound                      |
|--------------------|--------------------------------|------------|----------------------------|
| address, identity, | when all that was used of the  | until then | `size`; the first come are |
| issuer             | rate is earned back            |            | the first forgotten        |

The generic cell rate algorithm (ITU-T I.371): a rate of 100 a minute lets 100 through at once, and
then one each 0.6 s. It keeps one number for a key, and is asked in memory alone: a round trip to
Redis costs more than an exchange's signature does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple, Self

MAX_KEYS: Final = 100_000
"""About 20 MB."""

_UNITS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE: Final = re.compile(r"([1-9][0-9]{0,8})/(second|minute|hour|day)")
_ROUNDING: Final = 1e-6
"""Seconds; a hundred times 0.6 is not 60."""


class Rate(NamedTuple):
    """A quota of uses in a window of seconds."""

    quota: int
    window: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """`100/minute`. Raises ValueError."""
        match = _RATE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:64]!r}: expected as 100/minute; second, minute, hour or day")
        return cls(int(match[1]), _UNITS[match[2]])

    @property
    def interval(self) -> float:
        """Seconds in which one use is earned back."""
        return self.window / self.quota


class RateLimiter:
    """Who has used how much of one rate. `clock` gives seconds that never go back."""

    def __init__(self, rate: Rate, *, clock: Callable[[], float], size: int = MAX_KEYS) -> None:
        self.rate = rate
        self._interval = rate.interval
        self._window = rate.window
        self._clock = clock
        self._size = size
        self._earned: dict[str, float] = {}
        self._unshared: dict[str, int] | None = None

    def wait(self, key: str) -> float:
        """Seconds until the key may be used once more; 0 for now. Counts nothing."""
        earned = self._earned.get(key)
        if earned is None:
            return 0.0
        wait = earned + self._interval - self._window - self._clock()
        return wait if wait > _ROUNDING else 0.0

    def count(self, key: str) -> None:
        """A use, whether or not there is room for it; nobody is ever behind by more than it all."""
        if key not in self._earned and len(self._earned) >= self._size:
            self._make_room()
        self._add(key, 1, self._clock())
        if self._unshared is not None:
            self._unshared[key] = self._unshared.get(key, 0) + 1

    def take_unshared(self) -> dict[str, int]:
        """The uses by key since the last time, which others are to be told of."""
        taken, self._unshared = self._unshared or {}, {}
        return taken

    def settle(self, key: str, behind: float) -> None:
        """Everybody's uses together are earned back in `behind` seconds, but for unshared ones."""
        now = self._clock()
        self._earned[key] = now + behind
        self._add(key, (self._unshared or {}).get(key, 0), now)

    def _add(self, key: str, uses: int, now: float) -> None:
        earned = max(self._earned.get(key, now), now) + uses * self._interval
        self._earned[key] = min(earned, now + self._window)

    def _make_room(self) -> None:
        now = self._clock()
        live = [(key, earned) for key, earned in self._earned.items() if earned > now]
        # a tenth at least, so that it is not done for each key when too many are live
        self._earned = dict(live[max(0, len(live) - self._size * 9 // 10) :])
        if self._unshared is not None:
            self._unshared = {k: n for k, n in self._unshared.items() if k in self._earned}
