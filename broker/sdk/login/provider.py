"""Where an issuer's endpoints are: OpenID Connect Discovery 1.0, RFC 8414."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp

from broker.errors import Precondition, Unavailable
from broker.sdk.login.endpoint import fetched


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """An authorization server. An endpoint that it has not is empty."""

    issuer: str
    token_endpoint: str
    authorization_endpoint: str = ""
    device_authorization_endpoint: str = ""
    """RFC 8628 §4."""
    revocation_endpoint: str = ""
    """RFC 7009."""
    names_itself: bool = False
    """Whether its answers through the browser carry `iss` (RFC 9207 §3)."""


async def discovered(session: aiohttp.ClientSession, issuer: str) -> Provider:
    """The authorization server whose issuer URL this is.

    Raises `Unavailable` where it cannot be reached, `Precondition` (`issuer_mismatch`) when the
    document is of another issuer: tokens from there would be for somebody else.
    """
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    document = await fetched(session, url)
    if document.get("issuer") != issuer:
        raise Precondition(
            "issuer_mismatch",
            f"{url} is not of the issuer {issuer}; give the issuer as the broker writes it",
        )
    token_endpoint = _url(document, "token_endpoint", issuer)
    if not token_endpoint:
        raise Unavailable("broker_unreachable", f"no broker's answer from {url}")
    return Provider(
        issuer=issuer,
        token_endpoint=token_endpoint,
        authorization_endpoint=_url(document, "authorization_endpoint", issuer),
        device_authorization_endpoint=_url(document, "device_authorization_endpoint", issuer),
        revocation_endpoint=_url(document, "revocation_endpoint", issuer),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _url(document: dict[str, Any], name: str, issuer: str) -> str:
    """An endpoint; codes and tokens that go to an https issuer never go over plain http."""
    value = document.get(name)
    schemes = ("https://",) if issuer.startswith("https://") else ("https://", "http://")
    return value if isinstance(value, str) and value.startswith(schemes) else ""
