"""When something was last minted for an identity: noted by exchanges, written down in batches.

An exchange must not wait for this, nor fail by it, so noting is a look into memory. It helps who
tidies up and is no evidence, which the audit log is: a time may be some minutes old, and what was
noted since the last batch is lost with a process that is killed.
"""

from __future__ import annotations

import asyncio
import math
from datetime import UTC, datetime
from itertools import islice
from typing import Final

import structlog

from broker.errors import BrokerError
from broker.iam.uidp import Uidp
from broker.store import Store

AGAIN_AFTER: Final = 300.0
"""Seconds for which an identity is not noted again."""

MAX_BATCH: Final = 500
"""Identities a transaction: on SQLite audit records wait for it, and exchanges with them."""

log = structlog.get_logger()


class LastSeen:
    """Who was noted lately, and who of them waits to be written down. `size` bounds both.

    Beyond it, who was noted first is forgotten, and may be written again sooner; and nobody new
    waits, which takes a store that has been away for long.
    """

    def __init__(self, store: Store, *, size: int) -> None:
        self._store = store
        self._size = size
        # by the time at which they were noted, the oldest first
        self._lately: dict[Uidp, float] = {}
        self._waiting: dict[Uidp, float] = {}

    def note(self, identity: Uidp, now: float) -> None:
        """Something was minted for it. `now` is in seconds since the epoch. Raises nothing."""
        # from both sides, or a clock that was ahead would keep everybody from being noted
        if -AGAIN_AFTER < now - self._lately.get(identity, -math.inf) < AGAIN_AFTER:
            return
        self._lately.pop(identity, None)
        if len(self._lately) >= self._size:
            del self._lately[next(iter(self._lately))]
        self._lately[identity] = now
        if len(self._waiting) < self._size or identity in self._waiting:
            self._waiting[identity] = now

    async def flush(self) -> None:
        """Write down what waits. Raises `Unavailable`; what was not written goes on waiting."""
        while batch := dict(islice(self._waiting.items(), MAX_BATCH)):
            seen = {uidp: datetime.fromtimestamp(at, UTC) for uidp, at in batch.items()}
            async with self._store.write() as records:
                await records.identities.touch_seen(seen)
            for uidp, at in batch.items():
                if self._waiting.get(uidp) == at:  # else it was noted again meanwhile
                    del self._waiting[uidp]

    async def watch(self, *, every: float = 30.0) -> None:
        """`flush` for ever, every so many seconds."""
        while True:
            await asyncio.sleep(every)
            await self._try_to_flush()

    async def close(self) -> None:
        """`flush` for the last time; what cannot be written now is lost."""
        await self._try_to_flush()

    async def _try_to_flush(self) -> None:
        try:
            await self.flush()
        except BrokerError as error:
            log.warning(
                "last_seen_not_written",
                identities=len(self._waiting),
                code=error.code,
                reason=error.message,
            )
        except Exception:  # a defect; the next round tries again
            log.exception("last_seen_not_written", identities=len(self._waiting))
