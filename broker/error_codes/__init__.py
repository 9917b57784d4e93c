"""Every error code, with its cause and cure, by what it is about. docs/errors.md is made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from broker.error_codes import (
    api,
    authorization,
    commands,
    decision,
    installation,
    keys,
    login,
    new_token,
    records,
    request,
    scim,
    store,
    upstream_token,
)
from broker.errors import ErrorCode

_ALL: Final = (
    *request.CODES,
    *upstream_token.CODES,
    *decision.CODES,
    *new_token.CODES,
    *login.CODES,
    *authorization.CODES,
    *scim.CODES,
    *records.CODES,
    *installation.CODES,
    *store.CODES,
    *keys.CODES,
    *api.CODES,
    *commands.CODES,
)

CATALOGUE: Final[Mapping[str, ErrorCode]] = {entry.code: entry for entry in _ALL}
