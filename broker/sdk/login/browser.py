"""Login in the person's browser: a code, with PKCE (RFC 6749 §4.1, RFC 7636, RFC 8252)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import urlencode

import aiohttp

from broker.errors import Precondition, Unauthenticated
from broker.sdk.login.endpoint import refusal_of
from broker.sdk.login.loopback import Callback, listening
from broker.sdk.login.provider import Provider
from broker.sdk.login.request import LoginRequest
from broker.sdk.login.tokens import Tokens, requested

PATIENCE: Final = 900.0
"""Seconds in which somebody has logged in."""


async def log_in(
    session: aiohttp.ClientSession,
    provider: Provider,
    request: LoginRequest,
    show: Callable[[str], None],
    *,
    patience: float = PATIENCE,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> Tokens:
    """Send the browser to the broker, wait until it comes back, redeem the code.

    `show` is given the URL to open, and must not wait until somebody has logged in. Raises
    `Refused` for the broker's own no, `Precondition` (`login_unsupported`, `login_timed_out`),
    `Unauthenticated` (`login_mixed_up`) for an answer of somebody else's, `Unavailable`, OSError.
    """
    if not provider.authorization_endpoint:
        raise Precondition("login_unsupported", f"{provider.issuer} has no login in the browser")
    state, verifier = _urlsafe(random(32)), _urlsafe(random(32))
    async with listening(state) as loopback:
        query = [
            ("response_type", "code"),
            ("redirect_uri", loopback.redirect_uri),
            ("state", state),
            ("code_challenge", code_challenge(verifier)),
            ("code_challenge_method", "S256"),
            *request.parameters(),
        ]
        show(_with_query(provider.authorization_endpoint, query))
        answer = await loopback.answer(patience)
    form = [
        ("grant_type", "authorization_code"),
        ("client_id", request.client_id),
        ("code", _code(answer, provider)),
        ("redirect_uri", loopback.redirect_uri),
        ("code_verifier", verifier),
        *request.resource(),
    ]
    return await requested(session, provider, form)


def code_challenge(verifier: str) -> str:
    """RFC 7636 §4.2, method S256."""
    return _urlsafe(hashlib.sha256(verifier.encode("ascii")).digest())


def _code(answer: Callback, provider: Provider) -> str:
    """The code, from whom we asked and nobody else (RFC 9207 §2.4)."""
    said = answer.get("iss")
    if (said or provider.names_itself) and not hmac.compare_digest(
        said.encode(), provider.issuer.encode()
    ):
        raise Unauthenticated("login_mixed_up", "the answer in the browser is of another issuer")
    if not answer.get("code"):
        raise refusal_of(answer.parameters)
    return answer.get("code")


def _with_query(endpoint: str, query: list[tuple[str, str]]) -> str:
    """RFC 6749 §3.1: a query that the endpoint has stays."""
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"


def _urlsafe(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
