"""`GET|POST /sts/exchange`: the platform's dialect of the exchange.

`Authorization: Bearer <upstream token>`; parameters `aud` (repeats), `scope`, `scopes` (repeats),
`identity`, `cap` (repeats) in the query or in a form body. Answers `token`, `refreshToken`,
`expiry` (RFC 3339).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from aiohttp import hdrs, web

from broker.errors import BrokerError, Invalid, Stage, Unauthenticated
from broker.grants.exchange import Exchange
from broker.grants.request import Call, ExchangeRequest
from broker.web.parameters import Parameters, check_names, read_form, read_query, single
from broker.web.parameters import uidp as parse_uidp
from broker.web.parameters import uidps as parse_uidps
from broker.web.rendering import json_response

NAMES: Final = frozenset({"aud", "scope", "scopes", "identity", "cap"})
REPEATABLE: Final = frozenset({"aud", "scopes", "cap"})
UNSUPPORTED: Final = frozenset({"identity_provider"})


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
    parameters = await _parameters(request)
    check_names(parameters, NAMES, REPEATABLE, unsupported=UNSUPPORTED)
    identity = single(parameters, "identity")
    scopes = [*parameters.get("scope", ()), *parameters.get("scopes", ())]
    return ExchangeRequest(
        call=call,
        token=bearer(request),
        identity=parse_uidp(identity, "identity") if identity else None,
        audience=tuple(dict.fromkeys(parameters.get("aud", ()))),
        scopes=parse_uidps([scope for scope in scopes if scope], "scopes"),
        capabilities=tuple(dict.fromkeys(parameters.get("cap", ()))),
    )


async def _parameters(request: web.BaseRequest) -> Parameters:
    query = read_query(request)
    form = await read_form(request) if request.can_read_body else {}
    if query and form:
        raise Invalid(
            "parameters_split",
            "parameters: expected in the query or in the body, not in both",
            stage=Stage.REQUEST,
        )
    return query or form


def bearer(request: web.BaseRequest) -> str:
    """The bearer token (RFC 6750 §2.1). Raises `Unauthenticated` when there is none."""
    values = request.headers.getall(hdrs.AUTHORIZATION, [])
    if len(values) != 1:
        fault = "is missing" if not values else "is given more than once"
        raise Unauthenticated(
            "token_missing",
            f"the Authorization header {fault}; expected 'Bearer' and the upstream token",
            stage=Stage.REQUEST,
            field="Authorization",
        )
    scheme, _, token = values[0].partition(" ")
    token = token.strip(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(
            "token_missing",
            "the Authorization header: expected 'Bearer' and the upstream token",
            stage=Stage.REQUEST,
            field="Authorization",
        )
    return token
