"""Error codes: the store."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth

CODES: Final = (
    ErrorCode(
        "backup_damaged",
        Kind.PRECONDITION,
        "A file is not a sound SQLite database of the broker.",
        "Take another backup.",
    ),
    ErrorCode(
        "backup_exists",
        Kind.CONFLICT,
        "There is a file already where a backup was to be written.",
        "Name another file; nothing was overwritten.",
    ),
    ErrorCode(
        "backup_failed",
        Kind.PRECONDITION,
        "A database could not be read, or a copy not written.",
        "Check paths, permissions and free space.",
    ),
    ErrorCode(
        "backup_not_sqlite",
        Kind.PRECONDITION,
        "'broker backup' and 'broker restore' are for SQLite.",
        "Use PostgreSQL's own tools: docs/operations/backup.md.",
    ),
    ErrorCode(
        "database_exists",
        Kind.CONFLICT,
        "A restore would have taken the place of a database that is there.",
        "Say --replace to put it aside, or move it away.",
    ),
    ErrorCode(
        "database_in_use",
        Kind.PRECONDITION,
        "A database that was to be replaced is open in another process.",
        "Stop the broker, and commands that use the database.",
    ),
    ErrorCode(
        "store_url_invalid",
        Kind.INVALID,
        "BROKER_DATABASE_URL is neither sqlite:///PATH nor a well-formed PostgreSQL URI.",
        "Correct it; characters such as @ and / in a password are URL-encoded.",
    ),
    ErrorCode(
        "store_unavailable",
        Kind.UNAVAILABLE,
        "The database does not answer, refuses the login or a right, is full, damaged or "
        "read-only.",
        "Look at the database; try again.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "store_busy",
        Kind.UNAVAILABLE,
        "Others held the database, or all connections were in use, for too long.",
        "Try again; look for long transactions.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "audit_unavailable",
        Kind.UNAVAILABLE,
        "The audit record could not be kept, and without its record no token leaves.",
        "Look at the database: disk space, permissions, connection.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "schema_outdated",
        Kind.PRECONDITION,
        "The database's schema is older than this version, or missing.",
        "Run 'broker migrate'.",
    ),
    ErrorCode(
        "schema_newer",
        Kind.PRECONDITION,
        "A newer version of the broker has migrated the database.",
        "Run that version, or restore the backup made before it.",
    ),
    ErrorCode(
        "group_exists",
        Kind.CONFLICT,
        "A group with this UIDP exists.",
        "Read the existing record.",
    ),
    ErrorCode(
        "identity_exists",
        Kind.CONFLICT,
        "An identity with this UIDP exists.",
        "Read the existing record.",
    ),
    ErrorCode(
        "role_exists",
        Kind.CONFLICT,
        "A role with this UIDP exists.",
        "Read the existing record.",
    ),
    ErrorCode(
        "binding_exists",
        Kind.CONFLICT,
        "The identity has this role at this group.",
        "Nothing.",
    ),
    ErrorCode(
        "page_token_invalid",
        Kind.INVALID,
        "A page token is not one that a list in this order has given.",
        "Send the next_page_token of the page before, with the same filters and order_by.",
    ),
    ErrorCode(
        "too_many_ids",
        Kind.INVALID,
        "A filter names more than 1,000 UIDPs.",
        "Ask for them in parts.",
    ),
    ErrorCode(
        "association_exists",
        Kind.CONFLICT,
        "The group has account associations; it can have one record of them.",
        "Update the record that there is.",
    ),
    ErrorCode(
        "mapping_exists",
        Kind.CONFLICT,
        "The provider's group has this role at this scope, or a mapping with this UIDP exists.",
        "Nothing.",
    ),
    ErrorCode(
        "identity_provider_exists",
        Kind.CONFLICT,
        "An identity provider with this UIDP exists.",
        "Read the existing record.",
    ),
    ErrorCode(
        "invite_exists",
        Kind.CONFLICT,
        "An invite with this UIDP or key id exists.",
        "Create it anew.",
    ),
    ErrorCode(
        "subscription_exists",
        Kind.CONFLICT,
        "A subscription with this UIDP exists.",
        "Read the existing record.",
    ),
    ErrorCode(
        "name_taken",
        Kind.CONFLICT,
        "Another group beside it has the name.",
        "Choose another name.",
    ),
    ErrorCode(
        "group_not_found",
        Kind.NOT_FOUND,
        "A group that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "identity_not_found",
        Kind.NOT_FOUND,
        "An identity that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "role_not_found",
        Kind.NOT_FOUND,
        "A role that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "binding_not_found",
        Kind.NOT_FOUND,
        "A role binding that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "identity_provider_not_found",
        Kind.NOT_FOUND,
        "An identity provider that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "invite_not_found",
        Kind.NOT_FOUND,
        "An invite that was named does not exist, or was used up.",
        "Check the id, or ask for a new invite.",
    ),
    ErrorCode(
        "subscription_not_found",
        Kind.NOT_FOUND,
        "A subscription that was named does not exist.",
        "Check the id.",
    ),
    ErrorCode(
        "credential_not_found",
        Kind.PRECONDITION,
        "A client was given no upstream token, and there is no sign of a platform that has one.",
        "Run it where one is, or hand one over: `--token FILE`, or standard input.",
    ),
    ErrorCode(
        "credential_unavailable",
        Kind.UNAVAILABLE,
        "The platform that a client runs on did not give it an upstream token.",
        "Try again; the reason that follows is the platform's own.",
    ),
    ErrorCode(
        "credential_unusable",
        Kind.PRECONDITION,
        "The source of an upstream token that a client was to use is not there, or is not set up "
        "to give one.",
        "Follow the message; docs/exchange.md says what each platform needs.",
    ),
    ErrorCode(
        "key_not_found",
        Kind.NOT_FOUND,
        "A signing key that was named does not exist.",
        "Check the id.",
    ),
)
