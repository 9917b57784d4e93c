"""Error codes: users whom an organization's directory provisions."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth
from broker.oauth.authorization import ACCESS_DENIED

CODES: Final = (
    ErrorCode(
        "etag_outdated",
        Kind.ABORTED,
        "A change named an etag, and somebody else has changed the record since.",
        "Read the record again, and decide anew.",
    ),
    ErrorCode(
        "person_deactivated",
        Kind.DENIED,
        "The organization's directory says by SCIM that the person is not active, or has deleted "
        "them.",
        "Assign or reactivate them in the directory, and let it provision again.",
        ACCESS_DENIED,
    ),
    ErrorCode(
        "scim_attribute_read_only",
        Kind.INVALID,
        "A patch names an attribute that the service sets (`id`, `meta`, `groups`).",
        "Take it out of the directory's attribute mapping.",
    ),
    ErrorCode(
        "scim_correlation_rule_missing",
        Kind.PRECONDITION,
        "SCIM is, or is to be turned on, for an identity provider without a correlation rule.",
        "Set `oidc.correlation_rule` of the provider: whether `externalId` is `sub` or `oid`.",
    ),
    ErrorCode(
        "scim_disabled",
        Kind.DENIED,
        "A directory came with the right token, and SCIM is off for its identity provider.",
        "`broker iam identity-providers scim enable IDENTITY_PROVIDER`.",
    ),
    ErrorCode(
        "scim_filter_invalid",
        Kind.INVALID,
        "A filter is no filter, compares what users are not found by, or is too long.",
        "Compare `userName`, `externalId`, `id` or `active` by `eq`; join by `and`, `or` and "
        "parentheses.",
    ),
    ErrorCode(
        "scim_no_target",
        Kind.INVALID,
        "A patch removes without a path, or its filter finds nothing and cannot say what to add.",
        "Name what is to change.",
    ),
    ErrorCode(
        "scim_owners_missing",
        Kind.PRECONDITION,
        "SCIM was to be turned on for an organization that has fewer than two owners who were "
        "bound by hand.",
        "Bind `owner` to a second person, best one who does not log in through this provider.",
    ),
    ErrorCode(
        "scim_path_invalid",
        Kind.INVALID,
        "The path of a patch is malformed, or names no attribute of the schema.",
        "Take the attribute out of the directory's mapping, or spell it as `/Schemas` does.",
    ),
    ErrorCode(
        "scim_syntax_invalid",
        Kind.INVALID,
        "A SCIM request lacks its `schemas`, has an attribute twice, or operations that are none.",
        "Send it in the form of RFC 7644.",
    ),
    ErrorCode(
        "scim_token_exists",
        Kind.PRECONDITION,
        "A SCIM token was to be generated, and there is a good one.",
        "Regenerate it, or revoke it before.",
    ),
    ErrorCode(
        "scim_token_invalid",
        Kind.UNAUTHENTICATED,
        "The token is not the SCIM token of the identity provider in the URL, has expired, or was "
        "revoked.",
        "Regenerate it, and give the directory the new one with the URL that comes with it.",
        oauth.INVALID_GRANT,
    ),
    ErrorCode(
        "scim_token_missing",
        Kind.PRECONDITION,
        "A SCIM token was to be regenerated or revoked, and there is none.",
        "Generate one.",
    ),
    ErrorCode(
        "scim_unsupported",
        Kind.UNIMPLEMENTED,
        "A part of SCIM that is not here: groups, bulk requests, `/Me`, searches by POST.",
        "Provision no groups; map groups to roles by the groups claim of logins.",
    ),
    ErrorCode(
        "scim_user_exists",
        Kind.CONFLICT,
        "Another user of the identity provider has the `userName` or the `externalId`.",
        "Look the user up and update them, or delete the one who is in the way.",
    ),
    ErrorCode(
        "scim_user_not_found",
        Kind.NOT_FOUND,
        "The identity provider has no user with this id: they were deleted, or are another's.",
        "Look the user up by `externalId` or `userName`.",
    ),
    ErrorCode(
        "scim_users_too_many",
        Kind.EXHAUSTED,
        "A directory provisions more than 100,000 users through one identity provider.",
        "Assign the application to the people who use it.",
    ),
    ErrorCode(
        "scim_value_invalid",
        Kind.INVALID,
        "An attribute has a value of the wrong type, is too long, or is required and missing.",
        "Correct the directory's attribute mapping as the message says; `externalId` has to be "
        "mapped.",
    ),
    ErrorCode(
        "scim_version_outdated",
        Kind.PRECONDITION,
        "`If-Match` names a version of a user, and the user has another by now.",
        "Read the user again, and decide anew.",
    ),
)
