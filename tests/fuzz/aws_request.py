"""The parser of signed AWS requests."""

from __future__ import annotations

import base64

from broker.errors import Stage, Unauthenticated
from broker.upstream.aws_request import UnverifiedAwsRequest, parse_request

ISSUER = "https://broker.example.com"
IDENTITY = "43b49a5ad747c66d9820fc8de64784b2329ff490/1e02e4de78b663ca"
HOSTS = {"sts.amazonaws.com"}
PREFIXES = ("Chainguard", "Acme")
CODES = {"token_too_large", "token_malformed", "aws_request_malformed", "aws_request_refused"}
SENT = {
    "accept",
    "authorization",
    "content-type",
    "user-agent",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    *(f"{prefix.lower()}-{name}" for prefix in PREFIXES for name in ("audience", "identity")),
}


def check(data: bytes) -> UnverifiedAwsRequest | None:
    """The request that the token spells, or None where it is refused as it should be."""
    token = data.decode("utf-8", "surrogateescape")
    try:
        taken = parse_request(token, hosts=HOSTS, prefixes=PREFIXES)
    except Unauthenticated as error:
        _check_refusal(error)
        return None
    assert taken.host in HOSTS
    assert taken.unverified_audience
    assert taken.unverified_identity
    assert taken.headers.keys() <= SENT
    for value in taken.headers.values():
        assert value.isascii()
        assert value.isprintable()
        assert value == value.strip()
    return taken


def _check_refusal(error: Unauthenticated) -> None:
    assert error.code in CODES
    assert error.stage is Stage.TOKEN
    assert error.message.isprintable()
    assert len(error.message) < 1000


def one_input(data: bytes) -> None:
    """As a token, and as what a token spells."""
    check(data)
    check(base64.urlsafe_b64encode(data))
