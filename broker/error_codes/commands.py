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
        "configuration_invalid",
        Kind.INVALID,
        "The file of 'broker config' is no TOML, or has a key or a value that there is not.",
        "Correct what the message names, by 'broker config edit' or 'broker config unset'.",
    ),
    ErrorCode(
        "configuration_unusable",
        Kind.PRECONDITION,
        "The file of 'broker config' cannot be found, read or written.",
        "Set HOME or XDG_CONFIG_HOME, or name a file by --config; correct its permissions.",
    ),
    ErrorCode(
        "extra_missing",
        Kind.PRECONDITION,
        "What was asked for needs packages that an installation has only by an extra.",
        "Install the extra that the message names.",
    ),
    ErrorCode(
        "issuer_mismatch",
        Kind.PRECONDITION,
        "The discovery document at an issuer URL given to a command names another issuer.",
        "Give the issuer letter for letter as the broker writes it: --issuer, BROKER_ISSUER, or "
        "'broker config set issuer URL'.",
    ),
    ErrorCode(
        "login_denied",
        Kind.DENIED,
        "Whoever was shown the code of a device login refused it.",
        "Log in again, and confirm only a code that you see on your own device.",
    ),
    ErrorCode(
        "login_mixed_up",
        Kind.UNAUTHENTICATED,
        "The browser came back to a command with an answer of another issuer than was asked "
        "(RFC 9207).",
        "Log in again; if it happens again, somebody is in between.",
    ),
    ErrorCode(
        "login_timed_out",
        Kind.PRECONDITION,
        "Nobody finished the login that a command waited for.",
        "Run the command again.",
    ),
    ErrorCode(
        "login_unsupported",
        Kind.PRECONDITION,
        "The issuer's discovery document has no endpoint for the login that was asked for.",
        "Check --issuer; leave --headless out, or give it.",
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
    ErrorCode(
        "not_logged_in",
        Kind.UNAUTHENTICATED,
        "A command needs somebody's login, and there is none, or it has ended.",
        "Run 'broker auth login'.",
    ),
    ErrorCode(
        "token_cache_unusable",
        Kind.PRECONDITION,
        "The folder in which commands keep a person's tokens cannot be found, read or written.",
        "Set HOME or XDG_CACHE_HOME; correct the owner and the permissions of what is named.",
    ),
)
