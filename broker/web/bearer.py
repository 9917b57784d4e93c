"""The Authorization header (RFC 6750 §2.1)."""

from __future__ import annotations

from aiohttp import hdrs, web

from broker.errors import Stage, Unauthenticated


def bearer(request: web.BaseRequest, *, expected: str) -> str | None:
    """The token; None when there is no header.

    `expected` says what belongs there. Raises `Unauthenticated` (`token_missing`) when the header
    is repeated, or not Bearer and a token.
    """
    values = request.headers.getall(hdrs.AUTHORIZATION, [])
    if not values:
        return None
    if len(values) > 1:
        raise missing("is given more than once", expected)
    scheme, _, token = values[0].partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or not token:
        raise missing("is not of that form", expected)
    return token


def missing(fault: str, expected: str) -> Unauthenticated:
    """What to raise when there is no token."""
    return Unauthenticated(
        "token_missing",
        f"the Authorization header {fault}; expected 'Bearer' and {expected}",
        stage=Stage.REQUEST,
        field="Authorization",
    )
