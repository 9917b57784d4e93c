"""Asking a broker for a token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import aiohttp

from broker.errors import Unavailable
from broker.sdk.refusal import refusal

TIMEOUT: Final = aiohttp.ClientTimeout(total=30)

Credential: TypeAlias = str | Callable[[], str]
"""An upstream token, or what gets one; it may block, and is called in a thread."""


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A token of the broker's."""

    token: str
    expiry: str
    """RFC 3339."""


async def exchange(
    issuer: str,
    token: Credential,
    *,
    identity: str = "",
    audience: Sequence[str] = (),
    scopes: Sequence[str] = (),
    capabilities: Sequence[str] = (),
) -> Exchanged:
    """Exchange an upstream token at `{issuer}/sts/exchange`.

    Raises `Refused` for the broker's own no, `Unavailable` when it cannot be reached, and what a
    callable `token` raises.
    """
    upstream = token if isinstance(token, str) else await asyncio.to_thread(token)
    form = [("aud", value) for value in audience]
    form += [("scopes", value) for value in scopes]
    form += [("cap", value) for value in capabilities]
    form += [("identity", identity)] if identity else []
    url = f"{issuer.rstrip('/')}/sts/exchange"
    match await presented(url, upstream, form):
        case {"token": str(minted), "expiry": str(expiry)}:
            return Exchanged(minted, expiry)
        case _:
            raise Unavailable("broker_unreachable", f"no broker's answer from {url}")


async def presented(url: str, token: str, form: Sequence[tuple[str, str]]) -> Any:
    """What an endpoint of the STS answers to the bearer of a token: JSON.

    Raises `Refused`, `Unavailable`.
    """
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
        raise refusal(body, request_id)
    return body
