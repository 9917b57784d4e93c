"""What can go wrong, in the product's words.

Owns the error kinds that every room raises and the catalogue of their codes. Knows no wire: how a
kind looks in gateway JSON, in RFC 6749 JSON or on a page is decided where that wire is spoken.

The `message` is public: it may name a field and what was expected, never a secret, a token, or
what an upstream answered. What the operator needs besides travels as `__cause__`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import ClassVar


class Kind(Enum):
    """The ten ways in which a call can fail; anything else is a defect of ours."""

    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    ABORTED = "aborted"
    PRECONDITION = "precondition"
    EXHAUSTED = "exhausted"
    UNAVAILABLE = "unavailable"
    UNIMPLEMENTED = "unimplemented"


class Stage(Enum):
    """The step of an exchange that refused. The caller is told.

    An unknown identity and a failed rule are both `IDENTITY`, and look the same in all else.
    """

    REQUEST = "request"
    TOKEN = "token"  # noqa: S105 - the name of a step
    IDENTITY = "identity"
    ISSUER = "issuer"
    SIGNATURE = "signature"
    TIMES = "times"
    SCOPE = "scope"
    USE = "use"
    MINT = "mint"


@dataclass(frozen=True, slots=True)
class Detail:
    """What the owner of the record may know of a failed check, and the caller may not."""

    name: str
    """What was checked: `exp`, `kid`, `jwks_uri`."""
    expected: str
    got: str | None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit on how often something is done, which was reached."""

    name: str
    """What has the limit: `address`, `identity`."""
    quota: int
    window: int
    """Seconds."""


class BrokerError(Exception):
    """An expected failure. `code` is stable and documented in docs/errors.md.

    Raise one of the subclasses; each stands for one `Kind`. `message` and `field` are public,
    `detail` goes to the audit record only.
    """

    kind: ClassVar[Kind]

    def __init__(
        self,
        code: str,
        message: str,
        *,
        stage: Stage | None = None,
        field: str | None = None,
        retry_after: int | None = None,
        detail: Detail | None = None,
        limit: Limit | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.stage = stage
        self.field = field
        self.retry_after = retry_after  # seconds
        self.detail = detail
        self.limit = limit


class Invalid(BrokerError):
    """The request itself is wrong; the same request will fail again."""

    kind = Kind.INVALID


def field_invalid(field: str, fault: str) -> Invalid:
    """For a field whose value alone is wrong: the message names it, then what was expected."""
    return Invalid("field_invalid", f"{field}: {fault}", field=field)


class Unauthenticated(BrokerError):
    """The credential is missing, malformed, expired or not signed by whom it names."""

    kind = Kind.UNAUTHENTICATED


class Denied(BrokerError):
    """The credential is genuine and does not allow this."""

    kind = Kind.DENIED


class NotFound(BrokerError):
    """The named record does not exist."""

    kind = Kind.NOT_FOUND


class Conflict(BrokerError):
    """Somebody else's change came first."""

    kind = Kind.CONFLICT


class Aborted(BrokerError):
    """The change is of a record that is not any more what the caller has read."""

    kind = Kind.ABORTED


class Precondition(BrokerError):
    """The request is right, the state of the installation does not allow it now."""

    kind = Kind.PRECONDITION


class Exhausted(BrokerError):
    """A limit was reached."""

    kind = Kind.EXHAUSTED


class Unimplemented(BrokerError):
    """The contract has it, this version does not yet."""

    kind = Kind.UNIMPLEMENTED


class Unavailable(BrokerError):
    """Something that the answer needs did not answer; trying again may help."""

    kind = Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One row of docs/errors.md."""

    code: str
    kind: Kind
    cause: str
    cure: str
    oauth: str = "invalid_request"
    """The `error` member of RFC 6749 §5.2 that stands for it at `/token`."""
