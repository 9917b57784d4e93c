"""Error codes: records."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind

CODES: Final = (
    ErrorCode(
        "capability_malformed",
        Kind.INVALID,
        "An operator's capability has a bad name or a number outside of 1024 to 2047.",
        'Write BROKER_CAPABILITIES such as {"deploy.create": 1024}.',
    ),
    ErrorCode(
        "capability_taken",
        Kind.INVALID,
        "An operator's capability has the name or the number of another.",
        "Choose a free one; numbers are never used again.",
    ),
    ErrorCode(
        "field_invalid",
        Kind.INVALID,
        "A field of a request or of a record breaks the rule that the message gives.",
        "Change the field as the message says.",
    ),
    ErrorCode(
        "field_unknown",
        Kind.INVALID,
        "A JSON body has a member, at the path that the message names, that no field has as its "
        "name.",
        "Check the spelling: lowerCamelCase, or as in the .proto files.",
    ),
    ErrorCode(
        "pattern_invalid",
        Kind.INVALID,
        "A pattern is not RE2 syntax, or longer than 1,024 characters.",
        "Mend it: RE2 has no look-around and no back references, and patterns match the whole "
        "value, so anchors are not needed.",
    ),
    ErrorCode(
        "declaration_invalid",
        Kind.INVALID,
        "The file given to 'broker apply' is wrong in form or meaning, or would remove an "
        "organization's last owner.",
        "Change each listed line; nothing was written.",
    ),
    ErrorCode(
        "organization_exists",
        Kind.CONFLICT,
        "'broker bootstrap' was given the name of an organization that exists.",
        "Choose another name, or add the owner by 'broker apply'.",
    ),
)
