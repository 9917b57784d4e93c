"""Tokens at an issuer's token endpoint: what comes with a login, renewing, ending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from broker.errors import Unavailable
from broker.sdk.login.endpoint import Form, posted
from broker.sdk.login.provider import Provider
from broker.sdk.login.request import CLIENT_ID, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """An answer of the token endpoint (RFC 6749 §5.1)."""

    access_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    """Empty where there is none."""
    id_token: str = field(default="", repr=False)


async def requested(session: aiohttp.ClientSession, provider: Provider, form: Form) -> Tokens:
    """One request to the token endpoint. Raises `Refused`, `Unavailable`."""
    return _tokens(await posted(session, provider.token_endpoint, form), provider.token_endpoint)


async def refreshed(
    session: aiohttp.ClientSession,
    provider: Provider,
    refresh_token: str,
    *,
    audience: str = "",
    scopes: Sequence[str] = (),
    capabilities: Sequence[str] = (),
    client_id: str = CLIENT_ID,
) -> Tokens:
    """A new access token, and a refresh token instead of this one, which is used up (RFC 6749 §6).

    `audience`: whom it is for (RFC 8707 §2.2); empty: all that the login was for. It allows less
    where `scopes` (UIDPs of groups) and `capabilities` are named. Raises `Refused`, `Unavailable`.
    """
    form = [
        ("grant_type", "refresh_token"),
        ("client_id", client_id),
        ("refresh_token", refresh_token),
        ("scope", " ".join(scopes)),
        ("capabilities", " ".join(capabilities)),
        *([target(audience)] if audience else []),
    ]
    form = [(name, value) for name, value in form if value]
    return await requested(session, provider, form)


async def revoked(
    session: aiohttp.ClientSession,
    provider: Provider,
    refresh_token: str,
    *,
    client_id: str = CLIENT_ID,
) -> None:
    """End a login: no refresh token of it is good any more (RFC 7009). One that is not good is no
    error. Raises `Refused`, `Unavailable`.
    """
    if not provider.revocation_endpoint:
        raise Unavailable("broker_unreachable", "the issuer has no revocation endpoint")
    form = [
        ("client_id", client_id),
        ("token", refresh_token),
        ("token_type_hint", "refresh_token"),
    ]
    await posted(session, provider.revocation_endpoint, form)


def _tokens(answer: dict[str, Any], url: str) -> Tokens:
    match answer:
        case {"access_token": str(access)} if access:
            return Tokens(
                access_token=access,
                refresh_token=_text(answer, "refresh_token"),
                id_token=_text(answer, "id_token"),
            )
        case _:
            raise Unavailable("broker_unreachable", f"no broker's answer from {url}")


def _text(answer: dict[str, Any], name: str) -> str:
    value = answer.get(name)
    return value if isinstance(value, str) else ""
