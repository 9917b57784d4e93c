"""Error codes: the decision."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth

CODES: Final = (
    ErrorCode(
        "internal",
        Kind.UNAVAILABLE,
        "A defect of the broker: callers are answered 500, the audit record has this code.",
        "Look for the request id in the log, where the traceback is, and report it.",
        oauth.SERVER_ERROR,
    ),
    ErrorCode(
        "identity_refused",
        Kind.DENIED,
        "The identity does not exist, its rules do not accept the token, its static keys have "
        "expired, or no identity was named and nobody is registered for the token's issuer and "
        "subject. Callers get one answer for all of these.",
        "As the identity's owner, look at 'broker audit list --failed' (by the request id): it "
        "shows every rule with what was expected and what the token had.",
    ),
    ErrorCode(
        "scope_not_held",
        Kind.DENIED,
        "A scope is not at or below a group where the identity has a role binding.",
        "Ask for less, or bind a role to the identity there.",
        oauth.INVALID_SCOPE,
    ),
    ErrorCode(
        "capability_not_held",
        Kind.DENIED,
        "A capability that was asked for is in none of the identity's roles in these scopes.",
        "Ask for less, or bind a role that has it.",
        oauth.INVALID_SCOPE,
    ),
    ErrorCode(
        "token_already_used",
        Kind.UNAUTHENTICATED,
        "The token was exchanged before, for an identity that takes each token once.",
        "Get a new token for each exchange. If you did, somebody else used it: the audit log has "
        "that exchange under the token's SHA-256.",
    ),
    ErrorCode(
        "rate_limited",
        Kind.EXHAUSTED,
        "The caller's address had too many exchanges refused (stage request), or there were too "
        "many for the identity or of its issuer (stage use): BROKER_RATE_LIMIT_ADDRESS, "
        "BROKER_RATE_LIMIT_IDENTITY, BROKER_RATE_LIMIT_ISSUER.",
        "Wait as long as Retry-After says; find out what is refused, or what retries.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
)
