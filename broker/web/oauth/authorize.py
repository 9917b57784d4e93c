"""`GET|POST /authorize` (RFC 6749 §3.1, OpenID Connect Core §3.1.2), and the code at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web

from broker.errors import BrokerError, Denied, Invalid, Kind, Stage
from broker.grants.audiences import Audiences
from broker.grants.authorization_code import AuthorizationCodes
from broker.grants.clients import Clients
from broker.grants.login.intents import Authorization, Intent, needs_login
from broker.grants.login.sessions import Session
from broker.grants.login.ways import CONNECTIONS
from broker.issuer.id_tokens import IdTokens
from broker.oauth import authorization as rfc6749
from broker.oauth import error_codes as oauth
from broker.web.login.arrivals import Arrived, Departures, Failed, call_of
from broker.web.login.entrance import Entrance, Wish
from broker.web.login.visitors import Visitor, Visitors
from broker.web.oauth.asking import short
from broker.web.oauth.authorization_request import AuthorizationRequest, read_request
from broker.web.parameters import Parameters, check_single, read_form, read_query, single
from broker.web.rendering import description, oauth_code

MAX_STATE: Final = 512


class AuthorizationCompletion:
    """A code, or an error, at the redirect URI; always with `iss` (RFC 9207)."""

    def __init__(
        self,
        codes: AuthorizationCodes,
        clients: Clients,
        departures: Departures,
        *,
        issuer: str,
        clock: Callable[[], float],
    ) -> None:
        self._codes = codes
        self._clients = clients
        self._departures = departures
        self._issuer = issuer
        self._clock = clock

    def client(self, intent: Intent) -> str:
        """Who asks."""
        return self._clients.name_of(_authorization(intent).client_id)

    async def succeed(self, arrived: Arrived) -> web.Response:
        """A code. Raises `Denied` (`login_required`) for another person than was asked for."""
        wanted = _authorization(arrived.intent)
        session = arrived.session
        if session is not None:
            # who has just logged in is recent enough, whatever the clock says by now
            now = self._clock() if arrived.login is None else session.authenticated_at
            if not is_recent(session, wanted.max_age, now) or not is_meant(session, wanted):
                raise login_required()
        code = await self._codes.give(wanted, session=session, login=arrived.login)
        return self.answer(
            wanted.redirect_uri,
            {"code": code, "state": wanted.state},
            after_form=arrived.after_form,
        )

    def fail(self, failed: Failed) -> web.Response:
        """An error."""
        wanted = _authorization(failed.intent)
        return self.refuse(
            wanted.redirect_uri, wanted.state, failed.error, after_form=failed.after_form
        )

    def refuse(
        self, redirect_uri: str, state: str, error: BrokerError, *, after_form: bool = False
    ) -> web.Response:
        """RFC 6749 §4.1.2.1."""
        told = {
            "error": _error(error),
            "error_description": description(error.message),
            "state": state,
        }
        return self.answer(redirect_uri, told, after_form=after_form)

    def answer(
        self, redirect_uri: str, parameters: dict[str, str], *, after_form: bool
    ) -> web.Response:
        """Back to the client."""
        url = rfc6749.with_parameters(redirect_uri, {**parameters, "iss": self._issuer})
        return self._departures.to(url, after_form=after_form)


class AuthorizationEndpoint:
    """The handler."""

    def __init__(
        self,
        *,
        clients: Clients,
        audiences: Audiences,
        id_tokens: IdTokens,
        visitors: Visitors,
        entrance: Entrance,
        completion: AuthorizationCompletion,
        clock: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._audiences = audiences
        self._id_tokens = id_tokens
        self._visitors = visitors
        self._entrance = entrance
        self._completion = completion
        self._clock = clock

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """Until the redirect URI is known to be the client's, what is wrong is told on a page."""
        sent = await read_form(request) if request.method == "POST" else read_query(request)
        redirect_uri, state = self._way_back(sent)
        try:
            return await self._lead(request, request_id, sent)
        except BrokerError as error:
            return self._completion.refuse(redirect_uri, state, error)

    def _way_back(self, sent: Parameters) -> tuple[str, str]:
        ours = {n: v for n, v in sent.items() if n in {"client_id", "redirect_uri", "state"}}
        check_single(ours, ())
        client = self._clients.get(single(sent, "client_id"))
        redirect_uri = single(sent, "redirect_uri")
        if not client.redirects_to(redirect_uri):
            raise Invalid(
                "redirect_uri_unknown",
                f"redirect_uri: expected one that is registered for {client.name}",
                stage=Stage.REQUEST,
                field="redirect_uri",
            )
        return redirect_uri, short(sent, "state", MAX_STATE)

    async def _lead(
        self, request: web.BaseRequest, request_id: str, sent: Parameters
    ) -> web.Response:
        asked = read_request(
            sent, self._audiences, self._id_tokens, set(self._clients.by_id), now=self._clock()
        )
        visitor = await self._visitors.of(request)
        session = self._usable(visitor, asked)
        is_native = rfc6749.is_native(asked.authorization.redirect_uri)
        if asked.is_silent and session is None:
            raise login_required()
        if asked.is_silent and is_native:
            raise Denied(
                "interaction_required",
                "an application on the person's machine is let in by a click (RFC 8252 §8.6)",
            )
        if session is not None and not is_native and not asked.is_asked:
            return await self._go_on(request, request_id, visitor, session, asked)
        wish = Wish(
            idp_id=asked.idp_id,
            connection=asked.connection,
            login_hint=asked.login_hint,
            prompt=asked.prompt,
            fresh=session is None,
        )
        return await self._entrance.lead(visitor, asked.authorization, wish)

    async def _go_on(
        self,
        request: web.BaseRequest,
        request_id: str,
        visitor: Visitor,
        session: Session,
        asked: AuthorizationRequest,
    ) -> web.Response:
        arrived = Arrived(
            intent=asked.authorization,
            visitor=visitor,
            session=session,
            login=None,
            call=call_of(request, request_id),
            after_form=False,
        )
        return await self._completion.succeed(arrived)

    def _usable(self, visitor: Visitor, asked: AuthorizationRequest) -> Session | None:
        """The session that the browser has, if it is enough."""
        session = visitor.session
        if session is None or asked.prompt or needs_login(asked.authorization):
            return None
        named = asked.idp_id or CONNECTIONS.get(asked.connection, asked.connection)
        if named not in {"", session.provider}:
            return None
        wanted = asked.authorization
        is_enough = is_recent(session, wanted.max_age, self._clock()) and is_meant(session, wanted)
        return session if is_enough else None


def is_recent(session: Session, max_age: int | None, now: float) -> bool:
    """Whether the person proved lately enough who they are (OpenID Connect Core §3.1.2.1)."""
    return max_age is None or now - session.authenticated_at <= max_age


def is_meant(session: Session, wanted: Authorization) -> bool:
    """Whether it is the person of the `id_token_hint`, if there is one."""
    return wanted.person in {"", session.identity}


def login_required() -> Denied:
    """Nobody is logged in, not lately enough, or somebody else."""
    return Denied("login_required", "nobody is logged in who was asked for, or not lately enough")


def _error(error: BrokerError) -> str:
    """RFC 6749 §4.1.2.1, where the kind says more than the code of the token endpoint."""
    code = oauth_code(error)
    if code not in {oauth.INVALID_REQUEST, oauth.INVALID_CLIENT, oauth.INVALID_GRANT}:
        return code
    match error.kind:
        case Kind.INVALID:
            return oauth.INVALID_REQUEST
        case Kind.UNAVAILABLE | Kind.EXHAUSTED:
            return oauth.TEMPORARILY_UNAVAILABLE
        case _:
            return rfc6749.ACCESS_DENIED


def _authorization(intent: Intent) -> Authorization:
    assert isinstance(intent, Authorization), "the completion of this intent"
    return intent
