"""Reading bodies: how large, how long, of which type."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from broker.errors import Invalid, Stage
from broker.jose.strict_json import AmbiguousJson, parse_value

JSON: Final = "application/json"
MAX_JSON: Final = 256 * 1024
"""Bytes of the body of an API call; a role with every capability has some 10 KiB."""
BODY_TIMEOUT: Final = 10
"""Seconds that a body may take to arrive."""


async def read_body(request: web.BaseRequest, limit: int) -> bytes:
    """At most `limit` bytes, decompressed. Raises `Invalid` (`body_too_large`,
    `request_malformed`).
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > limit:
                    raise Invalid(
                        "body_too_large",
                        f"the body is larger than {limit // 1024} KiB",
                        stage=Stage.REQUEST,
                    )
    except TimeoutError:
        raise Invalid(
            "request_malformed",
            f"the body did not arrive within {BODY_TIMEOUT} s",
            stage=Stage.REQUEST,
        ) from None
    except web.RequestPayloadError:  # Content-Encoding: gzip, and it is not
        raise Invalid(
            "request_malformed", "the body is not what its headers say", stage=Stage.REQUEST
        ) from None
    return bytes(body)


def check_type(request: web.BaseRequest, *expected: str) -> None:
    """Raises `Invalid` (`content_type_unsupported`) for another media type."""
    if request.content_type not in expected:
        raise Invalid(
            "content_type_unsupported",
            f"Content-Type: expected {' or '.join(expected)}",
            stage=Stage.REQUEST,
        )


def parse_json(body: bytes) -> Any:
    """The JSON value that it is. Raises `Invalid` (`body_malformed`)."""
    try:
        return parse_value(body)
    except AmbiguousJson as error:
        raise Invalid("body_malformed", f"the body {error}", stage=Stage.REQUEST) from None
