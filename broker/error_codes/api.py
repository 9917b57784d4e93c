"""Error codes: the API."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind

CODES: Final = (
    ErrorCode(
        "access_token_audience",
        Kind.UNAUTHENTICATED,
        "The access token was minted for another service than the broker's own API.",
        "Exchange without an audience, or with the issuer's URL (or BROKER_API_URL) as one of"
        " them.",
    ),
    ErrorCode(
        "access_token_expected",
        Kind.UNAUTHENTICATED,
        "The bearer token at the API is not an access token of the broker; an upstream token,"
        " for example.",
        "Exchange it first, and send what the broker mints.",
    ),
    ErrorCode(
        "token_issuer_unexpected",
        Kind.UNAUTHENTICATED,
        "The access token at the API was minted by another broker, or under another issuer URL.",
        "Exchange at this broker.",
    ),
    ErrorCode(
        "token_identity_gone",
        Kind.UNAUTHENTICATED,
        "The identity of the access token was deleted after the token was minted.",
        "Exchange for an identity that exists.",
    ),
    ErrorCode(
        "association_not_found",
        Kind.NOT_FOUND,
        "The group has no account association.",
        "Create one.",
    ),
    ErrorCode(
        "mapping_not_found",
        Kind.NOT_FOUND,
        "No group role mapping has this UIDP.",
        "List the mappings of the identity provider.",
    ),
    ErrorCode(
        "capability_missing",
        Kind.DENIED,
        "The caller lacks a capability at the group, or at the record, that the call is "
        "about. It counts what the token carries and what the identity holds now.",
        "Have an owner bind a role that has it; exchange again if the token was narrowed or "
        "is from before.",
    ),
    ErrorCode(
        "capability_internal",
        Kind.DENIED,
        "A custom role would have a capability of the installation's own services.",
        "Leave it out.",
    ),
    ErrorCode(
        "field_reserved",
        Kind.DENIED,
        "A field of an organization that only an operator sets: verified, resource_limits, "
        "kind, status.",
        "Leave it out, or have an identity of BROKER_OPERATORS set it.",
    ),
    ErrorCode(
        "grant_exceeds_own",
        Kind.DENIED,
        "A role, binding, invite, default role or mapping would give capabilities that the caller "
        "does not hold there; or other rules of an identity, or another configuration of a "
        "provider, would hand over what it holds.",
        "Give a smaller role, or have somebody do it who holds them.",
    ),
    ErrorCode(
        "organization_creation_denied",
        Kind.DENIED,
        "The caller may not create organizations (BROKER_ORGANIZATION_CREATORS).",
        "Name a parent to create a folder, or ask an operator.",
    ),
    ErrorCode(
        "group_has_folders",
        Kind.PRECONDITION,
        "A group with folders is not deleted.",
        "Delete the folders first, the deepest first.",
    ),
    ErrorCode(
        "invite_malformed",
        Kind.INVALID,
        "The text is not an invite code.",
        "Copy the whole code, or ask for another invite.",
    ),
    ErrorCode(
        "last_owner",
        Kind.PRECONDITION,
        "The organization would be left without an owner.",
        "Make somebody else an owner first.",
    ),
    ErrorCode(
        "lint_refused",
        Kind.INVALID,
        "The rules of an identity have an error that lint finds, and BROKER_LINT refuses those.",
        "Write what the message advises; docs/lint.md explains the rule that it names.",
    ),
    ErrorCode(
        "not_a_person",
        Kind.PRECONDITION,
        "Only the identity of a person has an account and a profile.",
        "Delete or update an assumable identity as such.",
    ),
    ErrorCode(
        "resource_limit_reached",
        Kind.EXHAUSTED,
        "The organization has as many of these records as its limits allow.",
        "Delete some, or ask the operator for more.",
    ),
    ErrorCode(
        "role_built_in",
        Kind.PRECONDITION,
        "Built-in roles are part of the program.",
        "Make a custom role with the capabilities that you need.",
    ),
    ErrorCode(
        "update_mask_invalid",
        Kind.INVALID,
        "The update mask names a field that the message does not have.",
        "Take the names from the reference, in snake case or lowerCamelCase.",
    ),
    ErrorCode(
        "verified_name_fixed",
        Kind.PRECONDITION,
        "The name of a verified organization is its domain.",
        "Have the operator take the verification away first.",
    ),
)
