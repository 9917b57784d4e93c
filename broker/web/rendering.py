"""The bodies of answers and of errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import orjson
from aiohttp import web

from broker.api.status import WIRES, told
from broker.error_codes import CATALOGUE
from broker.errors import BrokerError, Kind
from broker.oauth import error_codes as oauth

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""RFC 6749 §5.1: what holds a token, or tells why there is none, is not kept."""


BEARER: Final = 'Bearer realm="broker"'

_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Server": "broker",
}
_JSON: Final = {**_ALWAYS, "Content-Type": "application/json"}


class ErrorRenderer(Protocol):
    """How one dialect says that something failed. None: a defect of ours, nothing is told."""

    def __call__(self, error: BrokerError | None, request_id: str) -> web.Response:
        """The response."""


def json_response(
    body: object, *, status: int = 200, headers: Mapping[str, str] = NO_STORE
) -> web.Response:
    """A JSON answer; `bytes` are JSON already. Kept by nobody unless `headers` say otherwise."""
    encoded = body if isinstance(body, bytes) else orjson.dumps(body)
    return web.Response(body=encoded, status=status, headers={**_JSON, **headers})


def document_response(
    body: bytes, *, status: int = 200, headers: Mapping[str, str]
) -> web.Response:
    """Bytes of a type that `headers` name."""
    return web.Response(body=body, status=status, headers={**_ALWAYS, **headers})


def gateway_error(error: BrokerError | None, request_id: str) -> web.Response:
    """As a gRPC gateway answers: `code`, `message`, and `details` with a google.rpc.ErrorInfo."""
    wire, message, info, _ = told(error, request_id)
    detail = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info._asdict()}
    body = {"code": wire.grpc, "message": message, "details": [detail]}
    headers = dict(NO_STORE)
    if wire.status == 401:
        # RFC 6750 §3: without a token there is nothing to say of it
        missing = error is not None and error.code == "token_missing"
        headers["WWW-Authenticate"] = BEARER if missing else f'{BEARER}, error="invalid_token"'
    return json_response(body, status=wire.status, headers=_with_retry(headers, error))


def oauth_code(error: BrokerError) -> str:
    """The word of the RFCs that stands for an error."""
    return CATALOGUE[error.code].oauth


def oauth_error(error: BrokerError | None, request_id: str) -> web.Response:
    """RFC 6749 §5.2. `stage` and `request_id` are additional members, as §8.4 lets us."""
    if error is None:
        body = {"error": oauth.SERVER_ERROR, "error_description": "internal error"}
        return json_response({**body, "request_id": request_id}, status=500, headers=NO_STORE)
    return oauth_refusal(error, request_id, oauth_code(error))


def oauth_refusal(error: BrokerError, request_id: str, code: str) -> web.Response:
    """RFC 6749 §5.2, where the grant type decides which `code` the refusal has."""
    body = {"error": code, "error_description": description(error.message)}
    body |= {"reason": error.code, "request_id": request_id}
    if error.stage is not None:
        body["stage"] = error.stage.value
    headers = dict(NO_STORE)
    status = _oauth_status(error)
    if status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="broker"'
    return json_response(body, status=status, headers=_with_retry(headers, error))


def _oauth_status(error: BrokerError) -> int:
    # §5.2: 400 unless the client is to authenticate otherwise, which is not what an assertion
    # needs that was not acceptable; limits and outages keep their own.
    if oauth_code(error) == oauth.INVALID_CLIENT:
        return 401
    if error.kind in {Kind.EXHAUSTED, Kind.UNAVAILABLE, Kind.NOT_FOUND}:
        return WIRES[error.kind].status
    return 400


def _with_retry(headers: dict[str, str], error: BrokerError | None) -> dict[str, str]:
    if error and error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error and error.limit is not None:
        # draft-ietf-httpapi-ratelimit-headers-10
        name, limit = f'"{error.limit.name}"', error.limit
        headers["RateLimit-Policy"] = f"{name};q={limit.quota};w={limit.window}"
        headers["RateLimit"] = f"{name};r=0;t={error.retry_after}"
    return headers


def description(message: str) -> str:
    """As RFC 6749 §5.2 allows it: printable ASCII without double quotes and backslashes."""
    return "".join(
        c if " " <= c <= "~" and c not in '"\\' else "'" if c == '"' else "?" for c in message
    )
