"""State of this process alone, gone when it ends."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

import structlog

from broker.state.state import unavailable

log = structlog.get_logger()

MAX_KEYS: Final = 500_000
"""About 200 MB, with keys of 64 characters."""


class MemoryState:
    """The keys that were put, until they expire. `clock` gives seconds that never go back.

    Where `size` keys are held there is no room for another: to forget one before its time would
    let it be put again.
    """

    def __init__(self, *, clock: Callable[[], float], size: int = MAX_KEYS) -> None:
        self._clock = clock
        self._size = size
        self._put: set[tuple[str, str]] = set()
        self._expiring: list[tuple[float, tuple[str, str]]] = []

    async def put_once(self, namespace: str, key: str, ttl: int) -> bool:
        """Insert the key. Raises `Unavailable` (`state_unavailable`) when there is no room."""
        now = self._clock()
        while self._expiring and self._expiring[0][0] <= now:
            self._put.discard(heapq.heappop(self._expiring)[1])
        entry = (namespace, key)
        if entry in self._put:
            return False
        if len(self._put) >= self._size:
            log.error("state_full", keys=len(self._put))
            raise unavailable()
        self._put.add(entry)
        heapq.heappush(self._expiring, (now + ttl, entry))
        return True

    async def close(self) -> None:
        """Nothing to let go of."""
