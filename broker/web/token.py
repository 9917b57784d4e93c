"""`POST /token`: the exchange in the words of RFC 8693.

The identity is the client: `client_id` is its UIDP, in the body or as the user name of HTTP Basic
with an empty password (what clients that insist on authenticating send), or our parameter
`identity`. `scope` holds group UIDPs, `capabilities` (ours) capability names, both separated by
spaces.
"""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import unquote_plus

from aiohttp import hdrs, web

from broker.errors import BrokerError, Invalid, Stage, Unauthenticated
from broker.grants.exchange import Exchange
from broker.grants.request import Call, Exchanged, ExchangeRequest
from broker.iam.uidp import Uidp
from broker.oauth import token_exchange as rfc8693
from broker.web.parameters import Parameters, check_names, read_form, read_query, single
from broker.web.parameters import uidp as parse_uidp
from broker.web.parameters import uidps as parse_uidps
from broker.web.rendering import json_response

NAMES: Final = frozenset(
    {
        "grant_type",
        "subject_token",
        "subject_token_type",
        "requested_token_type",
        "audience",
        "resource",
        "scope",
        "client_id",
        "client_secret",
        "identity",
        "capabilities",
    }
)
UNSUPPORTED: Final = frozenset({"actor_token", "actor_token_type"})
_POST: Final = "UE9TV"
"""How a signed AWS request begins: `POST` in base64."""


class TokenEndpoint:
    """The handler."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """Exchange the subject token."""
        call = Call(request_id=request_id, dialect="oauth", address=request.remote or "")
        try:
            parameters = await _parameters(request)
            parsed = _parse(request, parameters, call)
        except BrokerError as error:
            await self._exchange.refuse(call, error)
            raise
        exchanged = await self._exchange.run(parsed)
        issued = single(parameters, "requested_token_type") or rfc8693.ACCESS_TOKEN
        return json_response(_answer(exchanged, issued))


def _answer(exchanged: Exchanged, issued_token_type: str) -> dict[str, object]:
    """RFC 8693 §2.2.1. `scope` is told, since it need not be what was asked for."""
    answer: dict[str, object] = {
        "access_token": exchanged.token.token,
        "issued_token_type": issued_token_type,
        "token_type": "Bearer",
        "expires_in": exchanged.expires_in,
    }
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


def _parse(request: web.BaseRequest, parameters: Parameters, call: Call) -> ExchangeRequest:
    grant_type = single(parameters, "grant_type")
    if grant_type != rfc8693.GRANT_TYPE:
        raise Invalid(
            "grant_type_unsupported" if grant_type else "parameter_missing",
            f"grant_type: expected {rfc8693.GRANT_TYPE}",
            stage=Stage.REQUEST,
            field="grant_type",
        )
    check_names(parameters, NAMES, rfc8693.REPEATABLE, unsupported=UNSUPPORTED)
    _check_token_types(parameters)
    return ExchangeRequest(
        call=call,
        token=_subject_token(parameters),
        identity=_identity(request, parameters),
        audience=_targets(parameters),
        scopes=parse_uidps(single(parameters, "scope").split(), "scope"),
        capabilities=tuple(dict.fromkeys(single(parameters, "capabilities").split())),
    )


def _required(parameters: Parameters, name: str) -> str:
    value = single(parameters, name)
    if not value:
        raise Invalid("parameter_missing", f"{name}: required", stage=Stage.REQUEST, field=name)
    return value


def _check_token_types(parameters: Parameters) -> None:
    subject = _required(parameters, "subject_token_type")
    requested = single(parameters, "requested_token_type") or rfc8693.ACCESS_TOKEN
    for name, value, accepted in (
        ("subject_token_type", subject, rfc8693.SUBJECT_TOKEN_TYPES),
        ("requested_token_type", requested, rfc8693.REQUESTED_TOKEN_TYPES),
    ):
        if value not in accepted:
            raise Invalid(
                "token_type_unsupported",
                f"{name}: expected {' or '.join(sorted(accepted))}",
                stage=Stage.REQUEST,
                field=name,
            )


def _subject_token(parameters: Parameters) -> str:
    """The token, which has to be of the type that is said, as far as its form tells."""
    token = _required(parameters, "subject_token")
    said_aws = single(parameters, "subject_token_type") == rfc8693.AWS4_REQUEST
    is_jwt, is_aws = "." in token, token.startswith(_POST) and "." not in token
    if (is_jwt and said_aws) or (is_aws and not said_aws):
        raise Invalid(
            "token_type_mismatch",
            "subject_token_type: the subject token is of another type",
            stage=Stage.REQUEST,
            field="subject_token_type",
        )
    return token


def _targets(parameters: Parameters) -> tuple[str, ...]:
    resources = parameters.get("resource", [])
    for resource in resources:
        if ":" not in resource or "#" in resource:
            raise Invalid(
                "audience_invalid",
                "resource: expected an absolute URI without a fragment (RFC 8707 §2)",
                stage=Stage.REQUEST,
                field="resource",
            )
    return tuple(dict.fromkeys([*parameters.get("audience", []), *resources]))


def _identity(request: web.BaseRequest, parameters: Parameters) -> Uidp | None:
    named = {
        name: value
        for name, value in (
            ("client_id", single(parameters, "client_id")),
            ("identity", single(parameters, "identity")),
            ("Authorization", _basic_user(request)),
        )
        if value
    }
    if single(parameters, "client_secret"):
        raise _no_secrets()
    if len(set(named.values())) > 1:
        raise Invalid(
            "identity_ambiguous",
            f"{' and '.join(named)} name different identities",
            stage=Stage.REQUEST,
            field="client_id",
        )
    return next((parse_uidp(value, name) for name, value in named.items()), None)


def _basic_user(request: web.BaseRequest) -> str:
    """User name of HTTP Basic (RFC 6749 §2.3.1: both parts are form-encoded); empty without."""
    headers = request.headers.getall(hdrs.AUTHORIZATION, [])
    if not headers:
        return ""
    scheme, _, encoded = headers[0].partition(" ")
    try:
        if len(headers) > 1 or scheme.lower() != "basic":
            raise ValueError(scheme)
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
        user, _, password = decoded.partition(":")
    except (ValueError, binascii.Error):
        raise Unauthenticated(
            "client_credentials_malformed",
            "the Authorization header: expected Basic with the identity's UIDP and an empty "
            "password; the subject token belongs into the body",
            stage=Stage.REQUEST,
            field="Authorization",
        ) from None
    if password:
        raise _no_secrets()
    return unquote_plus(user)


def _no_secrets() -> Unauthenticated:
    return Unauthenticated(
        "client_secret_unexpected",
        "client_secret: identities have none; the subject token is the credential",
        stage=Stage.REQUEST,
        field="client_secret",
    )
