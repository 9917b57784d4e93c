"""Error codes: commands."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth

CODES: Final = (
    ErrorCode(
        "token_not_valid",
        Kind.UNAUTHENTICATED,
        "'broker token verify' found a claim or type that the token must not have.",
        "The message names it; ask the broker for a token with the right audience.",
    ),
    ErrorCode(
        "aws_credentials_missing",
        Kind.PRECONDITION,
        "A token was to be made from AWS credentials, and botocore found none.",
        "Run it where AWS gives credentials, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and the rest.",
    ),
    ErrorCode(
        "aws_region_unknown",
        Kind.INVALID,
        "A token was to be made for the STS of a region that AWS does not have.",
        "Give a region such as eu-central-1, or none for the global endpoint.",
    ),
    ErrorCode(
        "broker_unreachable",
        Kind.UNAVAILABLE,
        "The command did not get an answer from the broker.",
        "Check the --issuer or --api URL and that the broker is running.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "extra_missing",
        Kind.PRECONDITION,
        "What was asked for needs packages that an installation has only by an extra.",
        "Install the extra that the message names.",
    ),
    ErrorCode(
        "name_ambiguous",
        Kind.INVALID,
        "A name given to a command is that of several records, which the message lists.",
        "Give the UIDP of one, or more of the path: acme/shop/deploy.",
    ),
    ErrorCode(
        "name_not_found",
        Kind.NOT_FOUND,
        "No record that the caller may list has the name that was given to a command.",
        "Check the spelling, or give the UIDP; a name is a path such as acme/shop/deploy.",
    ),
)
