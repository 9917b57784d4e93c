"""Word from one process to the others that something changed.

Nothing may depend on it: word that is sent while Redis does not answer is lost, and so is what a
process would have heard while it was not connected. Whoever listens looks for himself now and then
too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

Handler = Callable[[bytes], None]


class Channel(Protocol):
    """Between processes; no process hears itself."""

    def publish(self, topic: str, message: bytes) -> None:
        """Send it soon, if that can be done. Never waits, never fails."""
        ...

    def listen(self, topic: str, handler: Handler) -> None:
        """Call it with each message of the topic, once `watch` runs. It may not raise."""
        ...

    async def watch(self) -> None:
        """Send and hear, for ever."""
        ...


class NoChannel:
    """For a process that knows of no other."""

    def publish(self, topic: str, message: bytes) -> None:
        """Nobody hears it."""

    def listen(self, topic: str, handler: Handler) -> None:
        """Nobody speaks."""

    async def watch(self) -> None:
        """Nothing to do."""
