"""Error codes: people who log in."""

from __future__ import annotations

from typing import Final

from broker.errors import ErrorCode, Kind
from broker.oauth import error_codes as oauth

CODES: Final = (
    ErrorCode(
        "person_gone",
        Kind.DENIED,
        "Somebody who has logged in is not registered any more.",
        "Register again, with an invite where the installation asks for one.",
        oauth.INVALID_GRANT,
    ),
)
