"""HTTP Basic at endpoints of OAuth (RFC 6749 §2.3.1): it names a client, and proves nothing."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus

from aiohttp import hdrs, web

from broker.errors import Stage, Unauthenticated


def basic_user(request: web.BaseRequest) -> str:
    """User name of HTTP Basic (RFC 6749 §2.3.1: both parts are form-encoded); empty without."""
    headers = request.headers.getall(hdrs.AUTHORIZATION, [])
    if not headers:
        return ""
    scheme, _, encoded = headers[0].partition(" ")
    try:
        if len(headers) > 1 or scheme.lower() != "basic":
            raise ValueError(scheme)
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
        user, _, password = decoded.partition(":")
    except (ValueError, binascii.Error):
        raise Unauthenticated(
            "client_credentials_malformed",
            "the Authorization header: expected Basic with the client_id and an empty password; "
            "tokens belong into the body",
            stage=Stage.REQUEST,
            field="Authorization",
        ) from None
    if password:
        raise no_secrets()
    return unquote_plus(user)


def no_secrets() -> Unauthenticated:
    """What to raise for a secret: nobody here has one."""
    return Unauthenticated(
        "client_secret_unexpected",
        "client_secret: identities and clients have none",
        stage=Stage.REQUEST,
        field="client_secret",
    )
