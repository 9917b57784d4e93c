"""Login on another device, which has a browser (RFC 8628)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from broker.errors import Denied, Precondition, Unavailable
from broker.sdk.login.endpoint import posted
from broker.sdk.login.provider import Provider
from broker.sdk.login.request import LoginRequest
from broker.sdk.login.tokens import Tokens, requested
from broker.sdk.refusal import Refused

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_INTERVAL: Final = 5.0
"""Seconds between two questions, where the server says nothing (§3.2)."""
SLOW_DOWN: Final = 5.0
"""Seconds that are added when the server asks for it (§3.5)."""
MAX_INTERVAL: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What the person is shown, and what the device asks with (§3.2)."""

    user_code: str
    verification_uri: str
    verification_uri_complete: str
    """With the code in it; empty where the server has none."""
    device_code: str = field(repr=False)
    expires_in: float
    """Seconds."""
    interval: float


async def log_in(
    session: aiohttp.ClientSession,
    provider: Provider,
    request: LoginRequest,
    show: Callable[[DeviceCode], None],
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Tokens:
    """Get a code, have it shown, and ask until the person has decided.

    Raises `Refused` for the broker's own no, `Denied` (`login_denied`) when the person says no,
    `Precondition` (`login_unsupported`, `login_timed_out`), `Unavailable`.
    """
    if not provider.device_authorization_endpoint:
        raise Precondition("login_unsupported", f"{provider.issuer} has no login by device code")
    code = _parsed(
        await posted(session, provider.device_authorization_endpoint, request.parameters()),
        provider.device_authorization_endpoint,
    )
    show(code)
    form = [
        ("grant_type", GRANT_TYPE),
        ("client_id", request.client_id),
        ("device_code", code.device_code),
    ]
    ends, interval = clock() + code.expires_in, code.interval
    while clock() < ends:
        await sleep(interval)
        try:
            return await requested(session, provider, form)
        except Refused as refusal:
            interval += _pause(refusal, interval)
        except Unavailable:
            # §3.5: a connection that failed is no reason to give up, but to ask less often
            interval = min(interval * 2, MAX_INTERVAL)
    raise _timed_out()


def _pause(refusal: Refused, interval: float) -> float:
    """By how much longer to wait from now on. Raises when it is over."""
    match refusal.oauth:
        case "authorization_pending":
            return 0.0
        case "slow_down":
            return min(SLOW_DOWN, MAX_INTERVAL - interval)
        case "access_denied":
            raise Denied("login_denied", "the login was refused in the browser") from refusal
        case "expired_token":
            raise _timed_out() from refusal
        case _:
            raise refusal


def _parsed(answer: dict[str, Any], url: str) -> DeviceCode:
    match answer:
        case {
            "device_code": str(device_code),
            "user_code": str(user_code),
            "verification_uri": str(uri),
            "expires_in": int(expires_in),
        }:
            complete, interval = answer.get("verification_uri_complete"), answer.get("interval")
            return DeviceCode(
                user_code=user_code,
                verification_uri=uri,
                verification_uri_complete=complete if isinstance(complete, str) else "",
                device_code=device_code,
                expires_in=float(expires_in),
                interval=_seconds(interval),
            )
        case _:
            raise Unavailable("broker_unreachable", f"no broker's answer from {url}")


def _seconds(interval: object) -> float:
    if isinstance(interval, int | float) and interval >= 0:
        return min(float(interval), MAX_INTERVAL)
    return DEFAULT_INTERVAL


def _timed_out() -> Precondition:
    return Precondition("login_timed_out", "the code expired before anybody logged in with it")
