"""Error codes: keys."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth

CODES: Final = (
    ErrorCode(
        "kms_not_configured",
        Kind.PRECONDITION,
        "AWS is not configured where the broker runs: no region, or a profile that is not there.",
        "Set AWS_REGION, or give BROKER_KMS_KEY as an ARN, which names the region.",
    ),
    ErrorCode(
        "kms_refused",
        Kind.PRECONDITION,
        "AWS KMS refused to use BROKER_KMS_KEY: it does not exist, is disabled, or the broker may "
        "not use it.",
        "Check the key, and allow kms:GenerateDataKey and kms:Decrypt.",
    ),
    ErrorCode(
        "kms_unavailable",
        Kind.UNAVAILABLE,
        "AWS KMS did not answer, or was too busy.",
        "Try again; check the network between the broker and KMS if it lasts.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "key_file_missing",
        Kind.PRECONDITION,
        "There is no key-encryption key in BROKER_KEYS_DIR.",
        "Run 'broker keys init' on a new installation; restore the file on an old one.",
    ),
    ErrorCode(
        "key_file_exists",
        Kind.CONFLICT,
        "'broker keys init' found a key-encryption key.",
        "Nothing: the file was kept.",
    ),
    ErrorCode(
        "key_file_exposed",
        Kind.PRECONDITION,
        "Group or others may read or write the key-encryption key.",
        "chmod 600 the file.",
    ),
    ErrorCode(
        "key_file_malformed",
        Kind.PRECONDITION,
        "The key-encryption key is not 32 bytes in base64url on one line.",
        "Restore the file from its backup.",
    ),
    ErrorCode(
        "key_file_unreadable",
        Kind.PRECONDITION,
        "The system does not let the process read the key-encryption key.",
        "Correct its owner or BROKER_KEYS_DIR.",
    ),
    ErrorCode(
        "key_file_unwritable",
        Kind.PRECONDITION,
        "The key-encryption key or its folder cannot be made.",
        "Correct the path, its permissions or its file system (hard links are needed).",
    ),
    ErrorCode(
        "keys_directory_exposed",
        Kind.PRECONDITION,
        "Group or others may write in BROKER_KEYS_DIR.",
        "chmod 700 the folder.",
    ),
    ErrorCode(
        "key_encryption_key_mismatch",
        Kind.PRECONDITION,
        "The signing keys in the database were encrypted with another key-encryption key.",
        "Put back the file that belongs to this database.",
    ),
    ErrorCode(
        "wrapped_key_damaged",
        Kind.PRECONDITION,
        "A signing key in the database was altered, moved, or written by a newer version.",
        "Restore the database.",
    ),
    ErrorCode(
        "signing_key_damaged",
        Kind.PRECONDITION,
        "A decrypted signing key does not fit its kid or algorithm.",
        "Restore the database.",
    ),
    ErrorCode(
        "key_publish_lead_too_short",
        Kind.INVALID,
        "BROKER_KEY_PUBLISH_LEAD is less than jwks_max_age, key_refresh and a minute together.",
        "Raise it.",
    ),
    ErrorCode(
        "key_rotation_period_too_short",
        Kind.INVALID,
        "The rotation period is shorter than the publish lead.",
        "Choose a longer one, or 0 to rotate by hand.",
    ),
    ErrorCode(
        "key_rotated",
        Kind.CONFLICT,
        "Another process rotated the signing key at the same time.",
        "Nothing: its key is the next one.",
    ),
    ErrorCode(
        "signing_keys_stale",
        Kind.UNAVAILABLE,
        "The key log could not be read for so long that the process may not know which key signs.",
        "Restore the connection to the database.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
    ErrorCode(
        "signing_key_unusable",
        Kind.UNAVAILABLE,
        "This process cannot decrypt the key that signs now.",
        "Give every process the same key-encryption key.",
        oauth.TEMPORARILY_UNAVAILABLE,
    ),
)
