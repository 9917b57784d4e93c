"""What state can do, wherever it is kept."""

from __future__ import annotations

from typing import Final, Protocol

from broker.errors import Unavailable
from broker.measures import Tally

RETRY_AFTER: Final = 5
"""Seconds after which it is worth asking again for what is not there."""


class State(Protocol):
    """Raises `Unavailable` (`state_unavailable`), within seconds, when it cannot answer."""

    errors: Tally
    """Questions that were not answered, by what went wrong."""

    async def put_once(self, namespace: str, key: str, ttl: int) -> bool:
        """Whether this call, of all calls with the key, is the first in `ttl` seconds.

        Atomic: of any number of calls at once, one is the first. `namespace` is the purpose, a
        word; the same key in another is another key. `ttl` is at least 1.
        """
        ...

    async def put(self, namespace: str, key: str, value: bytes, ttl: int) -> None:
        """Keep a value for `ttl` seconds, whatever was there before."""
        ...

    async def get(self, namespace: str, key: str) -> bytes | None:
        """The value; None when there is none, or none any more."""
        ...

    async def take(self, namespace: str, key: str) -> bytes | None:
        """The value, which is gone then. Atomic: of any number of calls at once, one gets it."""
        ...

    async def replace(
        self, namespace: str, key: str, old: bytes, new: bytes, ttl: int | None = None
    ) -> bool:
        """Whether the value was `old`, and is `new` now. Atomic. None: as long as was left."""
        ...

    async def delete(self, namespace: str, key: str) -> None:
        """Forget a value, if there is one."""
        ...

    async def count(self, namespace: str, key: str, ttl: int) -> int:
        """How often this was called with the key, this time included, in `ttl` seconds from the
        first.
        """
        ...

    async def join(self, namespace: str, key: str, member: str, ttl: int) -> None:
        """Put a member into a set, for `ttl` seconds; the set ends with its last member."""
        ...

    async def leave(self, namespace: str, key: str, member: str) -> None:
        """Take a member out of a set."""
        ...

    async def members(self, namespace: str, key: str) -> list[str]:
        """Who is in a set now, in order of when each will end."""
        ...

    async def check(self) -> None:
        """Raises `Unavailable` where nothing could be asked of it now."""
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


def unavailable() -> Unavailable:
    """The state cannot be asked, or has no room."""
    return Unavailable(
        "state_unavailable",
        "the broker cannot look up now what was done before; try again",
        retry_after=RETRY_AFTER,
    )
