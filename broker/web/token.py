"""`POST /token`: the exchange in the words of OAuth (RFC 8693, RFC 7523), and logins.

The identity is the client: `client_id` is its UIDP, in the body or as the user name of HTTP Basic
with an empty password (what clients that insist on authenticating send), or our parameter
`identity`. `scope` holds group UIDPs, `capabilities` (ours) capability names, both separated by
spaces. The grant types of people who log in are in `broker.web.oauth.token_grants`.
"""

from __future__ import annotations

from dataclasses import replace

import structlog
from aiohttp import web

from broker.errors import BrokerError, Invalid, Stage
from broker.grants.exchange import Exchange
from broker.grants.request import Call, Exchanged, ExchangeRequest
from broker.iam.uidp import Uidp
from broker.oauth import token_exchange as rfc8693
from broker.web.basic import basic_user, no_secrets
from broker.web.grant_types import TOKEN_EXCHANGE, GrantType, grant_type, required
from broker.web.oauth.token_grants import LoginGrants
from broker.web.parameters import Parameters, audiences_of, read_form, read_query, single
from broker.web.parameters import uidp as parse_uidp
from broker.web.rendering import json_response, oauth_refusal

log = structlog.get_logger()


class TokenEndpoint:
    """The handler. `logins` has the grant types of people who log in."""

    def __init__(self, exchange: Exchange, logins: LoginGrants) -> None:
        self._exchange = exchange
        self._logins = logins

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """Go on with a login, or exchange an upstream token, whichever grant type it comes by."""
        address = request.remote or ""
        call = Call(request_id=request_id, dialect=TOKEN_EXCHANGE.dialect, address=address)
        try:
            parameters = await _parameters(request)
        except BrokerError as error:
            await self._exchange.refuse(call, error)
            raise
        if single(parameters, "grant_type") in self._logins.names:
            return json_response(await self._logins.answer(request, parameters, request_id))
        return await self._run(request, parameters, call)

    async def _run(
        self, request: web.BaseRequest, parameters: Parameters, call: Call
    ) -> web.Response:
        try:
            grant = grant_type(parameters, also=self._logins.names)
            call = replace(call, dialect=grant.dialect)
            parsed = _parse(request, parameters, grant, call)
        except BrokerError as error:
            await self._exchange.refuse(call, error)
            raise
        try:
            exchanged = await self._exchange.run(parsed)
        except BrokerError as error:
            log.debug("refused", code=error.code, stage=error.stage and error.stage.value)
            return oauth_refusal(error, call.request_id, grant.error(error))
        return json_response(_answer(exchanged, grant, parameters))


def _answer(exchanged: Exchanged, grant: GrantType, parameters: Parameters) -> dict[str, object]:
    """RFC 6749 §5.1, RFC 8693 §2.2.1. `scope` is told: it need not be what was asked for."""
    answer: dict[str, object] = {
        "access_token": exchanged.token.token,
        "token_type": "Bearer",
        "expires_in": exchanged.expires_in,
    }
    if grant is TOKEN_EXCHANGE:
        requested = single(parameters, "requested_token_type")
        answer["issued_token_type"] = requested or rfc8693.ACCESS_TOKEN
    if exchanged.entitlement.capabilities:
        answer["scope"] = " ".join(exchanged.entitlement.capabilities)
    return answer


async def _parameters(request: web.BaseRequest) -> Parameters:
    if read_query(request):
        raise Invalid(
            "parameters_in_query",
            "parameters: expected in the body, never in the URL, where logs keep them",
            stage=Stage.REQUEST,
        )
    return await read_form(request)


def _parse(
    request: web.BaseRequest, parameters: Parameters, grant: GrantType, call: Call
) -> ExchangeRequest:
    identity = _identity(request, parameters)  # first: whoever has a secret needs to know why not
    token = grant.upstream_token(parameters)
    wanted = grant.wanted(single(parameters, "scope"))
    if identity is None and grant.names_a_client:
        required(parameters, "client_id")
    return ExchangeRequest(
        call=call,
        token=token,
        identity=identity,
        audience=tuple(dict.fromkeys([*audiences_of(parameters), *wanted.audience])),
        scopes=wanted.groups,
        capabilities=tuple(dict.fromkeys(single(parameters, "capabilities").split())),
    )


def _identity(request: web.BaseRequest, parameters: Parameters) -> Uidp | None:
    named = {
        name: value
        for name, value in (
            ("client_id", single(parameters, "client_id")),
            ("identity", single(parameters, "identity")),
            ("Authorization", basic_user(request)),
        )
        if value
    }
    if single(parameters, "client_secret"):
        raise no_secrets()
    if len(set(named.values())) > 1:
        raise Invalid(
            "identity_ambiguous",
            f"{' and '.join(named)} name different identities",
            stage=Stage.REQUEST,
            field="client_id",
        )
    return next((parse_uidp(value, name) for name, value in named.items()), None)
