"""What is written down of logins that go on, beside the tokens that are minted for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from broker.audit.record import AuditRecord, Outcome
from broker.audit.writer import AuditWriter
from broker.grants.request import Call
from broker.iam.uidp import Uidp


class LoginRecords:
    """`clock` gives seconds since the epoch, `record_id` a fresh id for a moment."""

    def __init__(
        self,
        audit: AuditWriter,
        *,
        clock: Callable[[], float],
        record_id: Callable[[datetime], str],
    ) -> None:
        self._audit = audit
        self._clock = clock
        self._record_id = record_id

    async def write(
        self, call: Call, action: str, identity: Uidp, detail: Mapping[str, Any]
    ) -> None:
        """Return when it is durable: what was done to a login of this person.

        Raises `Unavailable`.
        """
        at = datetime.fromtimestamp(self._clock(), UTC)
        told = {"dialect": call.dialect, "address": call.address, **detail}
        await self._audit.write(
            AuditRecord(
                id=self._record_id(at),
                at=at,
                action=action,
                outcome=Outcome.OK,
                actor=identity,
                subject=identity,
                group=None,
                request_id=call.request_id,
                detail=orjson.dumps(told).decode(),
            )
        )
