"""Values of messages: times, UIDPs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from broker.errors import Invalid
from broker.iam.uidp import Uidp


def timestamp(moment: datetime | None) -> Timestamp | None:
    """None for a time that is not known: the field stays unset."""
    if moment is None:
        return None
    message = Timestamp()
    message.FromDatetime(moment)
    return message


def moment(message: Timestamp, *, field: str) -> datetime:
    """Aware, in UTC. Raises `Invalid` for a time beyond the years 1 to 9999."""
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(
            "field_invalid", f"{field}: expected a time of the years 1 to 9999", field=field
        ) from None


def duration(message: Duration, *, field: str) -> timedelta:
    """Raises `Invalid` for one beyond 10,000 years."""
    try:
        return message.ToTimedelta()
    except (ValueError, OverflowError):
        raise Invalid("field_invalid", f"{field}: expected a duration", field=field) from None


def optional_uidp(text: str, *, field: str) -> Uidp | None:
    """None for an empty string."""
    return Uidp.parse(text, field=field) if text else None
