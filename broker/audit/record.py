"""What is written down of every exchange and of every change."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Self

from broker.errors import BrokerError, Kind
from broker.iam.uidp import Uidp


class Outcome(Enum):
    """How it ended."""

    OK = "ok"
    REFUSED = "refused"
    """The request was answered with a no."""
    FAILED = "failed"
    """Something that the answer needed was not there (an issuer that does not answer)."""

    @classmethod
    def of(cls, refusal: BrokerError | None) -> Self:
        """How what was refused like this ended; None: it was not."""
        if refusal is None:
            return cls.OK
        return cls.FAILED if refusal.kind is Kind.UNAVAILABLE else cls.REFUSED


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """One line of the audit log. Holds no token, only the SHA-256 of one."""

    id: str
    """32 hex characters, ordered by time: 12 of milliseconds since the epoch, 20 random."""
    at: datetime
    action: str
    """`exchange`, or what was done to which noun: `group.created`, `identity.updated`."""
    outcome: Outcome
    actor: str
    """Who acted: `ISSUER SUBJECT` of the upstream token as far as it was verified, a UIDP, or
    `local:COMMAND` for somebody at the machine; empty when unknown."""
    subject: str
    """What was acted on: for an exchange the identity that was named, else the record's UIDP."""
    group: Uidp | None
    """The group whose owners may read this; None where no group is concerned."""
    request_id: str
    stage: str = ""
    """For a refused exchange: the `Stage` that refused."""
    code: str = ""
    """For a refusal: the error code."""
    token_sha256: str = ""
    detail: str = "{}"
    """JSON object: the trace of an exchange (`steps`), or the fields that a change touched."""
