"""Asking a broker for a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp

from broker.errors import (
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

TIMEOUT: Final = aiohttp.ClientTimeout(total=30)

_KINDS: Final[dict[int, type[BrokerError]]] = {
    3: Invalid,
    5: NotFound,
    6: Conflict,
    7: Denied,
    8: Exhausted,
    9: Precondition,
    12: Unimplemented,
    14: Unavailable,
    16: Unauthenticated,
}


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A token of the broker's."""

    token: str
    expiry: str
    """RFC 3339."""


class ExchangeRefused(Exception):
    """The broker said no. The text names the stage and the request id when it told them."""

    def __init__(self, error: BrokerError, *, stage: str, request_id: str) -> None:
        super().__init__(error.message)
        self.error = error
        self.stage = stage
        self.request_id = request_id


async def exchange(
    issuer: str,
    token: str,
    *,
    identity: str = "",
    audience: Sequence[str] = (),
    scopes: Sequence[str] = (),
    capabilities: Sequence[str] = (),
) -> Exchanged:
    """Exchange an upstream token at `{issuer}/sts/exchange`.

    Raises `ExchangeRefused` for the broker's own no, `Unavailable` when it cannot be reached.
    """
    form = [("aud", value) for value in audience]
    form += [("scopes", value) for value in scopes]
    form += [("cap", value) for value in capabilities]
    form += [("identity", identity)] if identity else []
    url = f"{issuer.rstrip('/')}/sts/exchange"
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.post(
                url,
                data=aiohttp.FormData(form) if form else None,
                headers={"Authorization": f"Bearer {token}"},
                allow_redirects=False,
            ) as response,
        ):
            request_id = response.headers.get("X-Request-Id", "")
            body = await response.json(content_type=None)
            status = response.status
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable("broker_unreachable", f"no answer from {url}") from error
    except ValueError:  # the body; what it holds is nobody's to print
        raise Unavailable("broker_unreachable", f"no broker's answer from {url}") from None
    if status != 200:
        raise _refused(body, request_id)
    match body:
        case {"token": str(minted), "expiry": str(expiry)}:
            return Exchanged(minted, expiry)
        case _:
            raise Unavailable("broker_unreachable", f"no broker's answer from {url}")


def _refused(body: Any, request_id: str) -> ExchangeRefused:
    answer = body if isinstance(body, dict) else {}
    match answer:
        case {"code": int(code), "message": str(message), "details": [{"reason": str(reason)}, *_]}:
            error = _KINDS.get(code, Unavailable)(reason, message)
        case _:  # a proxy in between, perhaps
            error = Unavailable("broker_unreachable", "a refusal that is not the broker's")
    match answer:
        case {"details": [{"metadata": {"stage": str(stage)}}, *_]}:
            return ExchangeRefused(error, stage=stage, request_id=request_id)
        case _:
            return ExchangeRefused(error, stage="", request_id=request_id)
