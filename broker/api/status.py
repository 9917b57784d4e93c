"""One table from error kinds to wires, and what every wire tells of an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from broker.errors import BrokerError, Kind


class Wire(NamedTuple):
    """How a kind looks: HTTP status and gRPC code (google.rpc.Code)."""

    status: int
    grpc: int


WIRES: Final[Mapping[Kind, Wire]] = {
    Kind.INVALID: Wire(400, 3),
    Kind.UNAUTHENTICATED: Wire(401, 16),
    Kind.DENIED: Wire(403, 7),
    Kind.NOT_FOUND: Wire(404, 5),
    Kind.CONFLICT: Wire(409, 6),
    Kind.ABORTED: Wire(409, 10),
    Kind.PRECONDITION: Wire(400, 9),
    Kind.EXHAUSTED: Wire(429, 8),
    Kind.UNAVAILABLE: Wire(503, 14),
    Kind.UNIMPLEMENTED: Wire(501, 12),
}

INTERNAL: Final = Wire(500, 13)


class ErrorInfo(NamedTuple):
    """The fields of google.rpc.ErrorInfo."""

    reason: str
    domain: str
    metadata: Mapping[str, str]


class Told(NamedTuple):
    """What a caller is told of an error, in any dialect of the API."""

    wire: Wire
    message: str
    info: ErrorInfo
    retry_after: int | None
    """Seconds."""


def told(error: BrokerError | None, request_id: str) -> Told:
    """None: a defect of ours, of which nothing is told but the request id."""
    if error is None:
        info = ErrorInfo("internal", "broker", {"request_id": request_id})
        return Told(INTERNAL, "internal error", info, None)
    metadata = {"request_id": request_id}
    if error.stage:
        metadata["stage"] = error.stage.value
    if error.field:
        metadata["field"] = error.field
    info = ErrorInfo(error.code, "broker", metadata)
    return Told(WIRES[error.kind], error.message, info, error.retry_after)
