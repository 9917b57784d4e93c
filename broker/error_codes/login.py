"""Error codes: people who log in."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth

CODES: Final = (
    ErrorCode(
        "identity_provider_unavailable",
        Kind.UNAVAILABLE,
        "An identity provider does not answer, or its metadata, token endpoint or userinfo answer "
        "something that cannot be used.",
        "Try again; the owner of the provider's record can test it, the operator's log has the "
        "reason.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "identity_provider_unreachable",
        Kind.PRECONDITION,
        "PKCE is turned on for an identity provider whose discovery document cannot be read, so "
        "that nobody knows whether it can.",
        "Correct the issuer, or try again when the provider answers.",
    ),
    ErrorCode(
        "identity_provider_unsuitable",
        Kind.PRECONDITION,
        "An identity provider refuses this service as a client, or lacks something that a login "
        "needs: an endpoint, a way to authenticate, PKCE, groups as a list of strings.",
        "Test the provider, and change what the test names, there or in its record.",
    ),
    ErrorCode(
        "identity_provider_without_pkce",
        Kind.PRECONDITION,
        "PKCE is turned on for an identity provider whose discovery document says that it does "
        "not support S256.",
        "Leave pkce_enabled off, or turn S256 on at the provider.",
    ),
    ErrorCode(
        "login_code_refused",
        Kind.UNAUTHENTICATED,
        "The identity provider does not take the code that it gave: it expired, or was used.",
        "Log in once more.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "login_groups_too_many",
        Kind.PRECONDITION,
        "The identity provider names more than 1,000 groups of a person, or one of more than 512 "
        "characters.",
        "Have the provider send only the groups that are mapped to roles.",
    ),
    ErrorCode(
        "login_not_verified",
        Kind.UNAUTHENTICATED,
        "The ID token of a login, or what userinfo adds to it, does not hold: signature, times, "
        "aud, azp, nonce, sub or at_hash.",
        "Log in once more; if it stays, the operator's log names the check.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "login_provider_mismatch",
        Kind.UNAUTHENTICATED,
        "The answer to a login says that it comes from another identity provider than the one "
        "that was asked, or does not say from whom though the provider always does (RFC 9207).",
        "Log in once more, from this service's own page.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "person_gone",
        Kind.DENIED,
        "Somebody who has logged in is not registered any more.",
        "Register again, with an invite where the installation asks for one.",
        oauth.INVALID_GRANT,
    ),
)
