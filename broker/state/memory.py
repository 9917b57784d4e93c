"""State of this process alone, gone when it ends.

| key                            | value                | lifetime  | bound, for each namespace |
|--------------------------------|----------------------|-----------|---------------------------|
| namespace and key, as the      | bytes; a count; that | as given  | `size` keys, `room` bytes |
| caller gives them; of a set    | a member is there    |           |                           |
| also the member                |                      |           |                           |

Each namespace has a bound of its own: whoever floods one, as with logins that nobody finishes,
takes no room from another.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

import structlog

from broker.measures import Tally
from broker.state.state import unavailable

log = structlog.get_logger()

MAX_KEYS: Final = 500_000
"""About 200 MB, with keys of 64 characters and no values."""

MAX_BYTES: Final = 100_000_000
"""Of keys and values."""

_SLACK: Final = 1000
"""Ends of what is gone already, over as many as there are keys, before they are thrown out."""

_Key = tuple[str, str]
"""A key, and a member of its set, or nothing."""


class MemoryState:
    """What was put, until it expires. `clock` gives seconds that never go back.

    Where a namespace is full there is no room for another key: to forget one before its time would
    let a token be used again. Everything here raises `Unavailable` (`state_unavailable`) then.
    """

    def __init__(
        self, *, clock: Callable[[], float], size: int = MAX_KEYS, room: int = MAX_BYTES
    ) -> None:
        self._clock = clock
        self._size = size
        self._room = room
        self._spaces: dict[str, _Space] = {}
        self.errors = Tally("fault")

    async def put_once(self, namespace: str, key: str, ttl: int) -> bool:
        """Insert the key."""
        space = self._space(namespace)
        if (key, "") in space.values:
            return False
        space.put((key, ""), b"", ttl)
        return True

    async def put(self, namespace: str, key: str, value: bytes, ttl: int) -> None:
        """Insert or overwrite."""
        self._space(namespace).put((key, ""), value, ttl)

    async def get(self, namespace: str, key: str) -> bytes | None:
        """Look up."""
        return self._space(namespace).values.get((key, ""))

    async def take(self, namespace: str, key: str) -> bytes | None:
        """Remove."""
        return self._space(namespace).remove((key, ""))

    async def replace(
        self, namespace: str, key: str, old: bytes, new: bytes, ttl: int | None = None
    ) -> bool:
        """Compare and overwrite."""
        space = self._space(namespace)
        if space.values.get((key, "")) != old:
            return False
        space.put((key, ""), new, ttl)
        return True

    async def delete(self, namespace: str, key: str) -> None:
        """Remove."""
        self._space(namespace).remove((key, ""))

    async def count(self, namespace: str, key: str, ttl: int) -> int:
        """Add one to a number in decimal digits."""
        space = self._space(namespace)
        counted = space.values.get((key, ""))
        number = int(counted or 0) + 1
        space.put((key, ""), str(number).encode(), ttl if counted is None else None)
        return number

    async def join(self, namespace: str, key: str, member: str, ttl: int) -> None:
        """Insert a key for the member."""
        space = self._space(namespace)
        space.put((key, member), b"", ttl)
        space.sets.setdefault(key, set()).add(member)

    async def leave(self, namespace: str, key: str, member: str) -> None:
        """Remove the member's key."""
        self._space(namespace).remove((key, member))

    async def members(self, namespace: str, key: str) -> list[str]:
        """By the ends of their keys; those with the same end by name."""
        space = self._space(namespace)
        return sorted(space.sets.get(key, ()), key=lambda member: (space.ends[key, member], member))

    async def check(self) -> None:
        """It is always there."""

    async def close(self) -> None:
        """Nothing to let go of."""

    def _space(self, namespace: str) -> _Space:
        """Without what has expired."""
        space = self._spaces.get(namespace)
        if space is None:
            space = _Space(namespace, self._size, self._room)
            self._spaces[namespace] = space
        space.expire(self._clock())
        return space


class _Space:
    """The keys of one namespace."""

    def __init__(self, namespace: str, size: int, room: int) -> None:
        self.values: dict[_Key, bytes] = {}
        self.ends: dict[_Key, float] = {}
        self.sets: dict[str, set[str]] = {}
        self._namespace = namespace
        self._size = size
        self._room = room
        self._bytes = 0
        self._now = 0.0
        self._ending: list[tuple[float, _Key]] = []

    def expire(self, now: float) -> None:
        self._now = now
        while self._ending and self._ending[0][0] <= now:
            end, key = heapq.heappop(self._ending)
            if self.ends.get(key) == end:  # else it was removed, or given more time
                self.remove(key)

    def put(self, key: _Key, value: bytes, ttl: int | None) -> None:
        """None: the key is there, and ends when it would."""
        old = self.values.get(key)
        added = len(value) - len(old) if old is not None else _length(key) + len(value)
        full = old is None and len(self.values) >= self._size
        if full or (added > 0 and self._bytes + added > self._room):
            log.error("state_full", namespace=self._namespace, keys=len(self.values))
            raise unavailable()
        self.values[key] = value
        self._bytes += added
        if ttl is not None:
            self.ends[key] = self._now + ttl
            heapq.heappush(self._ending, (self._now + ttl, key))
            self._tidy()

    def remove(self, key: _Key) -> bytes | None:
        value = self.values.pop(key, None)
        if value is None:
            return None
        del self.ends[key]
        self._bytes -= _length(key) + len(value)
        name, member = key
        if name in self.sets:
            self.sets[name].discard(member)
            if not self.sets[name]:
                del self.sets[name]
        return value

    def _tidy(self) -> None:
        if len(self._ending) > 2 * len(self.ends) + _SLACK:
            self._ending = [(end, key) for key, end in self.ends.items()]
            heapq.heapify(self._ending)


def _length(key: _Key) -> int:
    return len(key[0]) + len(key[1])
