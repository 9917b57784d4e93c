"""The grants of `/token` for people: `authorization_code`, `refresh_token`, `device_code`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from aiohttp import web

from broker.errors import BrokerError, Invalid, Stage
from broker.grants.authorization_code import AuthorizationCodes
from broker.grants.clients import Clients
from broker.grants.device_code import DeviceCodes
from broker.grants.login_tokens import Issued, LoginTokens
from broker.grants.person_tokens import Wanted
from broker.grants.refresh import RefreshGrants, narrowed, narrowed_scope
from broker.grants.request import Call
from broker.oauth import authorization as rfc6749
from broker.oauth import device as rfc8628
from broker.web.basic import basic_user, no_secrets
from broker.web.grant_types import required
from broker.web.oauth.asking import REPEATABLE, read_scope
from broker.web.parameters import Parameters, audiences_of, check_names, single

Refuse = Callable[[Call, BrokerError], Awaitable[None]]
"""Writes a refusal down."""

_COMMON: Final = frozenset({"grant_type", "client_id", "client_secret", *REPEATABLE})
_NOT_REFUSED: Final = frozenset({"device_pending", "device_polls_too_often"})
"""A device that waits: nothing to write down, every five seconds."""

Ready = Callable[[], Awaitable[Issued]]
"""All is checked that can be refused; what is minted then has a record of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grant:
    dialect: str
    """In the record."""
    parameters: frozenset[str]
    """Beside those that all have."""
    check: Callable[[str, Parameters, Call], Awaitable[Ready]]
    """Client id, parameters, call."""


class LoginGrants:
    """What the token endpoint asks for these grant types."""

    def __init__(
        self,
        *,
        clients: Clients,
        codes: AuthorizationCodes,
        devices: DeviceCodes,
        refresh_grants: RefreshGrants,
        tokens: LoginTokens,
        refuse: Refuse,
    ) -> None:
        self._clients = clients
        self._codes = codes
        self._devices = devices
        self._refresh_grants = refresh_grants
        self._tokens = tokens
        self._refuse = refuse
        self._grants: Mapping[str, _Grant] = {
            rfc6749.GRANT_TYPE: _Grant(
                dialect="authorization-code",
                parameters=frozenset({"code", "redirect_uri", "code_verifier"}),
                check=self._code,
            ),
            rfc6749.REFRESH_TOKEN: _Grant(
                dialect="refresh-token",
                parameters=frozenset({"refresh_token", "scope", "capabilities"}),
                check=self._refresh,
            ),
            rfc8628.GRANT_TYPE: _Grant(
                dialect="device-code",
                parameters=frozenset({"device_code", "scope"}),
                check=self._device,
            ),
        }

    @property
    def names(self) -> tuple[str, ...]:
        """Values of `grant_type`."""
        return tuple(self._grants)

    async def answer(
        self, request: web.BaseRequest, parameters: Parameters, request_id: str
    ) -> dict[str, object]:
        """RFC 6749 §5.1, OpenID Connect Core §3.1.3.3. Raises `BrokerError`."""
        grant = self._grants[single(parameters, "grant_type")]
        call = Call(request_id=request_id, dialect=grant.dialect, address=request.remote or "")
        try:
            check_names(parameters, _COMMON | grant.parameters, REPEATABLE)
            client_id = self._client(request, parameters)
            ready = await grant.check(client_id, parameters, call)
        except BrokerError as error:
            if error.code not in _NOT_REFUSED:
                await self._refuse(call, error)
            raise
        return _answer(await ready())

    def _client(self, request: web.BaseRequest, parameters: Parameters) -> str:
        """A public client names itself (RFC 6749 §3.2.1)."""
        return client_of(request, parameters, self._clients)

    async def _code(self, client_id: str, parameters: Parameters, call: Call) -> Ready:
        code = required(parameters, "code")
        audience = tuple(dict.fromkeys(audiences_of(parameters)))
        authorized = await self._codes.redeem(
            code,
            client_id=client_id,
            redirect_uri=required(parameters, "redirect_uri"),
            verifier=required(parameters, "code_verifier"),
            call=call,
        )
        wanted = self._tokens.wanted_of_code(authorized, audience)
        return partial(self._tokens.of_code, authorized, code, wanted, call)

    async def _refresh(self, client_id: str, parameters: Parameters, call: Call) -> Ready:
        scope, groups = read_scope(single(parameters, "scope"))
        wanted = Wanted(
            audience=tuple(dict.fromkeys(audiences_of(parameters))),
            scopes=groups,
            capabilities=tuple(dict.fromkeys(single(parameters, "capabilities").split())),
        )
        text = required(parameters, "refresh_token")
        used = await self._refresh_grants.examine(text, client_id=client_id, call=call)
        wanted = narrowed(used.grant, wanted)
        scope = narrowed_scope(used.grant, scope)
        return partial(self._tokens.of_refresh, used, wanted, scope, call)

    async def _device(self, client_id: str, parameters: Parameters, call: Call) -> Ready:
        code = required(parameters, "device_code")
        asked, session = await self._devices.redeem(code, client_id=client_id)
        return partial(self._tokens.of_device, asked, session, call)


def client_of(request: web.BaseRequest, parameters: Parameters, clients: Clients) -> str:
    """The id of the client that sends this, in the body or as the user name of HTTP Basic with an
    empty password, as some libraries do for public clients too.

    Raises `Invalid` (`client_unknown`, `parameter_missing`, `identity_ambiguous`) and
    `Unauthenticated` for a secret.
    """
    if single(parameters, "client_secret"):
        raise no_secrets()
    named, in_body = basic_user(request), single(parameters, "client_id")
    if named and in_body and named != in_body:
        raise Invalid(
            "identity_ambiguous",
            "client_id and Authorization name different clients",
            stage=Stage.REQUEST,
            field="client_id",
        )
    return clients.get(named or required(parameters, "client_id")).id


def _answer(issued: Issued) -> dict[str, object]:
    exchanged = issued.exchanged
    groups = exchanged.entitlement.capabilities
    told = {
        "scope": " ".join([*issued.scope, *groups]),
        "id_token": issued.id_token,
        "refresh_token": issued.refresh_token,
    }
    return {
        "access_token": exchanged.token.token,
        "token_type": "Bearer",
        "expires_in": exchanged.expires_in,
        **{name: value for name, value in told.items() if value},
    }
