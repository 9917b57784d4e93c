"""Error codes: the new token."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind

CODES: Final = (
    ErrorCode(
        "minted_token_too_large",
        Kind.PRECONDITION,
        "The new token would exceed 6 KiB, which proxies commonly cut.",
        "Name scopes, so that it carries the roles of those groups alone.",
    ),
    ErrorCode(
        "token_expires_at_once",
        Kind.PRECONDITION,
        "The identity binds new tokens to the upstream token's exp, which has come.",
        "Send a fresh upstream token.",
    ),
    ErrorCode(
        "token_claims_unencodable",
        Kind.PRECONDITION,
        "A claim that the rules matched holds an integer beyond 64 bits or nests too deep.",
        "Leave the claim out of the rules, or mend it upstream.",
    ),
    ErrorCode(
        "token_lifetime_invalid",
        Kind.INVALID,
        "A token was to be minted for less than a second or more than an hour.",
        "Report it: settings and records are checked before.",
    ),
    ErrorCode(
        "token_audience_missing",
        Kind.INVALID,
        "A token was to be minted without an audience.",
        "Report it: requests without one get the default.",
    ),
)
