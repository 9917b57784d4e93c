"""Answers and errors of SCIM (RFC 7644 §3.12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from aiohttp import web

from broker.api.status import told
from broker.errors import BrokerError
from broker.web.rendering import BEARER, NO_STORE, document_response

SCIM: Final = "application/scim+json"
LIST_URN: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_ERROR_URN: Final = "urn:ietf:params:scim:api:messages:2.0:Error"

_TYPES: Final[Mapping[str, str]] = {
    "body_malformed": "invalidSyntax",
    "scim_attribute_read_only": "mutability",
    "scim_filter_invalid": "invalidFilter",
    "scim_no_target": "noTarget",
    "scim_path_invalid": "invalidPath",
    "scim_syntax_invalid": "invalidSyntax",
    "scim_user_exists": "uniqueness",
    "scim_value_invalid": "invalidValue",
}
"""`scimType` by error code."""

_STATUSES: Final[Mapping[str, int]] = {
    "body_too_large": 413,
    "content_type_unsupported": 415,
    "method_not_allowed": 405,
    "scim_version_outdated": 412,
}
"""Where HTTP has one of its own."""


def scim_response(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] = NO_STORE
) -> web.Response:
    """A resource, or a message."""
    return document_response(
        orjson.dumps(body), status=status, headers={**NO_STORE, "Content-Type": SCIM, **headers}
    )


def list_response(resources: list[dict[str, Any]], *, total: int, start: int) -> web.Response:
    """RFC 7644 §3.4.2. `start`: 1 is the first."""
    return scim_response(
        {
            "schemas": [LIST_URN],
            "totalResults": total,
            "startIndex": start,
            "itemsPerPage": len(resources),
            "Resources": resources,
        }
    )


def scim_error(error: BrokerError | None, request_id: str) -> web.Response:
    """`detail` says what and, after it, which request; `status` is a string there."""
    wire, message, _, retry_after = told(error, request_id)
    status = _STATUSES.get(error.code, wire.status) if error else wire.status
    kind = {"scimType": _TYPES[error.code]} if error and error.code in _TYPES else {}
    body = {
        "schemas": [_ERROR_URN],
        "status": str(status),
        **kind,
        "detail": f"{message} (request {request_id})",
    }
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else {}
    if status == 401:
        headers["WWW-Authenticate"] = BEARER
    return scim_response(body, status=status, headers=headers)
