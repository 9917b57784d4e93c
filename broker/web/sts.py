"""`GET|POST /sts/exchange`: the platform's dialect of the exchange.

`Authorization: Bearer <upstream token>`; parameters `aud` (repeats), `scope`, `scopes` (repeats),
`identity`, `identity_provider`, `cap` (repeats) in the query, in a form, or in JSON, whose names
may be in either spelling of the proto3 mapping. Answers `token`, `refreshToken`, `expiry` (RFC
3339).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from aiohttp import web
from google.protobuf.message import Message

from broker.contract.json_input import from_json
from broker.contract.proto.oidc.v1.security_token_service_pb2 import (
    ExchangeRequest as ExchangeMessage,
)
from broker.errors import BrokerError, Invalid, Stage
from broker.grants.exchange import Exchange
from broker.grants.request import Call, ExchangeRequest
from broker.web.bearer import bearer, missing
from broker.web.bodies import JSON, check_type, parse_json, read_body
from broker.web.parameters import (
    FORM,
    MAX_FORM,
    Parameters,
    check_names,
    parse,
    read_query,
    single,
)
from broker.web.parameters import uidp as parse_uidp
from broker.web.parameters import uidps as parse_uidps
from broker.web.rendering import json_response

NAMES: Final = frozenset({"aud", "scope", "scopes", "identity", "identity_provider", "cap"})
REPEATABLE: Final = frozenset({"aud", "scopes", "cap"})


class StsExchange:
    """The handler."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """Exchange the bearer token."""
        call = Call(request_id=request_id, dialect="sts", address=request.remote or "")
        try:
            parsed = await _parse(request, call)
        except BrokerError as error:
            await self._exchange.refuse(call, error)
            raise
        minted = (await self._exchange.run(parsed)).token
        expiry = datetime.fromtimestamp(minted.expires_at, UTC).isoformat()[:19] + "Z"
        return json_response({"token": minted.token, "refreshToken": "", "expiry": expiry})


async def _parse(request: web.BaseRequest, call: Call) -> ExchangeRequest:
    parameters = await read_parameters(request, ExchangeMessage)
    check_names(parameters, NAMES, REPEATABLE)
    provider = single(parameters, "identity_provider")
    identity = single(parameters, "identity")
    scopes = [*parameters.get("scope", ()), *parameters.get("scopes", ())]
    return ExchangeRequest(
        call=call,
        token=_upstream_token(request),
        identity=parse_uidp(identity, "identity") if identity else None,
        identity_provider=parse_uidp(provider, "identity_provider") if provider else None,
        audience=tuple(dict.fromkeys(parameters.get("aud", ()))),
        scopes=parse_uidps([scope for scope in scopes if scope], "scopes"),
        capabilities=tuple(dict.fromkeys(parameters.get("cap", ()))),
    )


async def read_parameters(request: web.BaseRequest, message: type[Message]) -> Parameters:
    """From the query, or from the body: a form, or the JSON of such a message."""
    query = read_query(request)
    body = await _read_body(request, message) if request.can_read_body else {}
    if query and body:
        raise Invalid(
            "parameters_split",
            "parameters: expected in the query or in the body, not in both",
            stage=Stage.REQUEST,
        )
    return query or body


async def _read_body(request: web.BaseRequest, message: type[Message]) -> Parameters:
    body = await read_body(request, MAX_FORM)
    if not body:
        return {}
    check_type(request, FORM, JSON)
    if request.content_type != JSON:
        return parse(body)
    return _as_parameters(parse_json(body), message)


def _as_parameters(document: object, kind: type[Message]) -> Parameters:
    """Its fields, under the names of the parameters."""
    try:
        message = from_json(document, kind)
    except Invalid as error:
        error.stage = Stage.REQUEST
        raise
    return {
        field.name: list(value) if field.is_repeated else [value]
        for field, value in message.ListFields()
    }


def _upstream_token(request: web.BaseRequest) -> str:
    expected = "the upstream token"
    token = bearer(request, expected=expected)
    if token is None:
        raise missing("is missing", expected)
    return token
