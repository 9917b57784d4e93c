"""What a broker said when it said no."""

from __future__ import annotations

from typing import Any, Final

from broker.errors import (
    Aborted,
    BrokerError,
    Conflict,
    Denied,
    Exhausted,
    Invalid,
    NotFound,
    Precondition,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)

_KINDS: Final[dict[int, type[BrokerError]]] = {
    3: Invalid,
    5: NotFound,
    6: Conflict,
    10: Aborted,
    7: Denied,
    8: Exhausted,
    9: Precondition,
    12: Unimplemented,
    14: Unavailable,
    16: Unauthenticated,
}
"""By gRPC code (google.rpc.Code)."""


class Refused(Exception):
    """The broker's own no. `stage` is that of an exchange, empty elsewhere; `oauth` the `error` of
    RFC 6749 where an endpoint of OAuth said it.
    """

    def __init__(self, error: BrokerError, *, stage: str, request_id: str, oauth: str = "") -> None:
        super().__init__(error.message)
        self.error = error
        self.stage = stage
        self.request_id = request_id
        self.oauth = oauth


def refusal(body: Any, request_id: str) -> Refused:
    """Read the body of an answer that is not 200: the gateway's form, with an ErrorInfo.

    A body of another form is a proxy's in between, perhaps, and its text is told to nobody.
    """
    answer = body if isinstance(body, dict) else {}
    match answer:
        case {"code": int(code), "message": str(message), "details": [{"reason": str(reason)}, *_]}:
            error = _KINDS.get(code, Unavailable)(reason, message)
        case _:
            error = Unavailable("broker_unreachable", "a refusal that is not the broker's")
    match answer:
        case {"details": [{"metadata": {"stage": str(stage)}}, *_]}:
            return Refused(error, stage=stage, request_id=request_id)
        case _:
            return Refused(error, stage="", request_id=request_id)
