"""`GET|POST /logout` (OpenID Connect RP-Initiated Logout 1.0): a client asks to end the session.

Without an ID token of the session at hand, which only a client has that the person let in, the
person is asked: or any page could sign people out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from broker.errors import Invalid, Stage, Unauthenticated
from broker.grants.clients import Client, Clients
from broker.grants.login.own_logins import OwnLogins
from broker.issuer.id_tokens import IdToken, IdTokens
from broker.oauth.authorization import with_parameters
from broker.web.login.arrivals import Departures, call_of, see_other
from broker.web.login.visitors import Visitor, Visitors
from broker.web.oauth.asking import not_taken, short
from broker.web.pages import Pages, SignedOut, SignOutConfirm, page_response
from broker.web.parameters import Parameters, check_names, read_form, read_query, single

MAX_STATE: Final = 512
_CARRIED: Final = ("client_id", "post_logout_redirect_uri", "state")
_OURS: Final = frozenset({"csrf", "decision", *_CARRIED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What the client sends, checked."""

    hint: IdToken | None
    client: Client | None
    redirect: str
    """With `state`; empty: to our own page."""
    carried: dict[str, str]
    """For the form that asks the person."""


class LogoutEndpoint:
    """The handlers. `base`: the path of the issuer. `clock` gives seconds since the epoch."""

    def __init__(
        self,
        *,
        clients: Clients,
        id_tokens: IdTokens,
        own_logins: OwnLogins,
        visitors: Visitors,
        departures: Departures,
        pages: Pages,
        base: str,
        clock: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._id_tokens = id_tokens
        self._own_logins = own_logins
        self._visitors = visitors
        self._departures = departures
        self._pages = pages
        self._base = base
        self._clock = clock

    async def show(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """GET: end the session, or ask."""
        asked = self._read(read_query(request))
        visitor = await self._visitors.of(request)
        session = visitor.session
        if session is None:
            return self._gone(asked, after_form=False)
        if asked.hint is not None and asked.hint.session == session.id:
            return await self._end(request, request_id, visitor, asked, after_form=False)
        page = SignOutConfirm(
            action=f"{self._base}/logout",
            csrf=visitor.browser.csrf,
            hidden=asked.carried,
            client=asked.client.name if asked.client else "",
            signed_in_as=session.email or session.name or session.identity,
        )
        return self._visitors.greet(page_response(self._pages.sign_out_confirm(page)), visitor)

    async def take(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """POST: of our own form the decision; of a client the same as GET.

        A browser sends no cookies with the form of another site (SameSite=Lax), but does with the
        GET that follows.
        """
        form = await read_form(request)
        if "csrf" not in form:
            query = urlencode([(name, value) for name, values in form.items() for value in values])
            return see_other(f"{self._base}/logout?{query}")
        check_names(form, _OURS, ())
        visitor = await self._visitors.of(request)
        visitor.check_form(form)
        asked = self._read(form)
        if single(form, "decision") != "sign_out":
            return see_other(f"{self._base}/account")
        return await self._end(request, request_id, visitor, asked, after_form=True)

    def _read(self, sent: Parameters) -> _Request:
        hint = self._hint(single(sent, "id_token_hint"))
        client_id = single(sent, "client_id")
        if hint is not None and client_id not in {"", hint.client_id}:
            raise not_taken("client_id", "the audience of the id_token_hint")
        named = hint.client_id if hint else client_id
        client = self._clients.get(named) if named else None
        redirect = single(sent, "post_logout_redirect_uri")
        state = short(sent, "state", MAX_STATE)
        if redirect and (client is None or redirect not in client.post_logout_redirect_uris):
            raise Invalid(
                "logout_redirect_unknown",
                "post_logout_redirect_uri: expected one that is registered for the client, and "
                "client_id or id_token_hint to name it",
                stage=Stage.REQUEST,
                field="post_logout_redirect_uri",
            )
        values = {"client_id": named, "post_logout_redirect_uri": redirect, "state": state}
        return _Request(
            hint=hint,
            client=client,
            redirect=with_parameters(redirect, {"state": state}) if redirect else "",
            carried={name: value for name, value in values.items() if value},
        )

    def _hint(self, text: str) -> IdToken | None:
        """None for one that is none, or whose key is gone: the person is asked then."""
        try:
            clients = self._clients.by_id.keys()
            return self._id_tokens.verify(text, clients=clients, now=self._clock(), expired=True)
        except Unauthenticated:
            return None

    async def _end(
        self,
        request: web.BaseRequest,
        request_id: str,
        visitor: Visitor,
        asked: _Request,
        *,
        after_form: bool,
    ) -> web.Response:
        session = visitor.session
        if session is not None:
            call = call_of(request, request_id)
            await self._own_logins.end_session(session.identity, session.id, call)
        return self._gone(asked, after_form=after_form)

    def _gone(self, asked: _Request, *, after_form: bool) -> web.Response:
        if asked.redirect:
            response = self._departures.to(asked.redirect, after_form=after_form)
        else:
            page = SignedOut(again=f"{self._base}/login")
            response = page_response(self._pages.signed_out(page))
        return self._visitors.sign_out(response)
