"""Ids of audit records: ordered by time, and unguessable enough never to meet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from broker.iam.uidp import RandomBytes

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def record_id(now: datetime, random: RandomBytes) -> str:
    """32 hex characters: 12 of milliseconds since the epoch, 20 random."""
    return f"{(now - _EPOCH) // _MILLISECOND:012x}{random(10).hex()}"


def first_id(moment: datetime) -> str:
    """The lowest id that a record made at `moment` or later can have."""
    return f"{(moment - _EPOCH) // _MILLISECOND:012x}{'0' * 20}"
