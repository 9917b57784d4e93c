"""The parser of JWTs, before anything of them is verified."""

from __future__ import annotations

import base64

from broker.errors import Stage, Unauthenticated
from broker.jose.compact import UnverifiedToken, parse

CODES = {"token_too_large", "token_malformed", "token_claim_invalid"}


def check(data: bytes) -> UnverifiedToken | None:
    """The token, or None where it is refused as it should be."""
    try:
        token = parse(data.decode("utf-8", "surrogateescape"))
    except Unauthenticated as error:
        _check_refusal(error)
        return None
    assert token.unverified_issuer
    assert token.unverified_subject
    assert token.unverified_audience
    assert isinstance(token.unverified_algorithm, str)
    return token


def _check_refusal(error: Unauthenticated) -> None:
    assert error.code in CODES
    assert error.stage is Stage.TOKEN
    assert error.message.isprintable()


def one_input(data: bytes) -> None:
    """As a token, and as the header and payload of one."""
    check(data)
    header, _, payload = data.partition(b"\0")
    segments = (base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload))
    check(b".".join([*segments, b""]))
