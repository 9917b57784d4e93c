"""What state can do, wherever it is kept."""

from __future__ import annotations

from typing import Final, Protocol

from broker.errors import Unavailable

RETRY_AFTER: Final = 5
"""Seconds after which it is worth asking again for what is not there."""


class State(Protocol):
    """Raises `Unavailable` (`state_unavailable`), within seconds, when it cannot answer."""

    async def put_once(self, namespace: str, key: str, ttl: int) -> bool:
        """Whether this call, of all calls with the key, is the first in `ttl` seconds.

        Atomic: of any number of calls at once, one is the first. `namespace` is the purpose, a
        word; the same key in another is another key. `ttl` is at least 1.
        """
        ...

    async def close(self) -> None:
        """Let go of what it holds."""
        ...


def unavailable() -> Unavailable:
    """The state cannot be asked, or has no room."""
    return Unavailable(
        "state_unavailable",
        "the broker cannot tell now whether this was done before; try again",
        retry_after=RETRY_AFTER,
    )
