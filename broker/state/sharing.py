"""Rates that several processes keep together, without a round trip for any request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

import structlog

from broker.errors import Unavailable
from broker.state.rates import Rate, RateLimiter

EVERY: Final = 1.0
"""Seconds in which a process can let through more than is left for all of them together."""

_AT_ONCE: Final = 500
"""Keys; they keep Redis for about a millisecond."""

log = structlog.get_logger()


class SharedUses(Protocol):
    """Where uses are counted together; `broker.state.redis` has it."""

    async def use(self, uses: Mapping[str, tuple[Rate, int]]) -> dict[str, float]:
        """Count, and say in how many seconds all is earned back. Raises `Unavailable`."""
        ...


class RateSharing:
    """Tells others what was used here, and the limiters, by name, what was used altogether."""

    def __init__(self, limiters: Mapping[str, RateLimiter], shared: SharedUses) -> None:
        self._limiters = limiters
        self._shared = shared
        for limiter in limiters.values():
            limiter.take_unshared()  # from now on it keeps them

    async def watch(self) -> None:
        """Share, again and again. While that fails, each process counts for itself."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.share()
            except Unavailable:
                continue  # logged where it happened
            except Exception:  # a defect; without this loop nothing is shared any more
                log.exception("rates_not_shared")

    async def share(self) -> None:
        """Once. Raises `Unavailable`; what was used here since the last time is not shared then."""
        for name, limiter in self._limiters.items():
            taken = list(limiter.take_unshared().items())
            for start in range(0, len(taken), _AT_ONCE):
                some = taken[start : start + _AT_ONCE]
                uses = {f"{name}:{key}": (limiter.rate, count) for key, count in some}
                behind = await self._shared.use(uses)
                for key, _ in some:
                    limiter.settle(key, behind[f"{name}:{key}"])
