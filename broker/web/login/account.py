"""`/account`: who is logged in here, in which browsers and applications; and `/signout`."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broker.grants.clients import Clients
from broker.grants.login.intents import Intent, Visit
from broker.grants.login.own_logins import OwnLogins
from broker.grants.login.sessions import Session
from broker.iam.model import RefreshGrant
from broker.web.login.agents import browser_of
from broker.web.login.arrivals import Arrived, Failed, call_of, see_other
from broker.web.login.entrance import Entrance
from broker.web.login.visitors import Visitor, Visitors
from broker.web.pages import (
    Account,
    ApplicationShown,
    Pages,
    SessionShown,
    SignedOut,
    SignOutConfirm,
    page_response,
)
from broker.web.parameters import Parameters, check_names, read_form, single

_NAMELESS: Final = "An application on your computer"


class AccountPages:
    """`base`: the path of the issuer, without a slash at its end."""

    def __init__(
        self,
        logins: OwnLogins,
        visitors: Visitors,
        entrance: Entrance,
        clients: Clients,
        pages: Pages,
        *,
        base: str,
    ) -> None:
        self._logins = logins
        self._visitors = visitors
        self._entrance = entrance
        self._clients = clients
        self._pages = pages
        self._base = base

    async def show(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """GET `/account`: the page; who is not logged in is asked to."""
        del request_id
        visitor = await self._visitors.of(request)
        if visitor.session is None:
            return await self._entrance.lead(visitor, Visit())
        page = await self._page(visitor, visitor.session)
        return self._visitors.greet(page_response(self._pages.account(page)), visitor)

    async def end_session(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """POST `/account/sessions/end`."""
        visitor, form = await self._sent(request, "id")
        session = visitor.expect_session()
        call = call_of(request, request_id)
        await self._logins.end_session(session.identity, single(form, "id"), call)
        return see_other(f"{self._base}/account")

    async def end_application(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """POST `/account/applications/end`."""
        visitor, form = await self._sent(request, "id")
        session = visitor.expect_session()
        call = call_of(request, request_id)
        await self._logins.end_application(session.identity, single(form, "id"), call)
        return see_other(f"{self._base}/account")

    async def ask_to_sign_out(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """GET `/signout`: whether to. No link signs anybody out."""
        del request_id
        visitor = await self._visitors.of(request)
        if visitor.session is None:
            return self._signed_out()
        page = SignOutConfirm(
            action=f"{self._base}/signout",
            csrf=visitor.browser.csrf,
            signed_in_as=visitor.session.label,
        )
        response = page_response(self._pages.sign_out_confirm(page))
        return self._visitors.greet(response, visitor)

    async def sign_out(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """POST `/signout`."""
        visitor, form = await self._sent(request, "decision")
        if single(form, "decision") == "stay":
            return see_other(f"{self._base}/account")
        if visitor.session is not None:
            call = call_of(request, request_id)
            await self._logins.end_session(visitor.session.identity, visitor.session.id, call)
        return self._visitors.sign_out(self._signed_out())

    async def _sent(self, request: web.BaseRequest, name: str) -> tuple[Visitor, Parameters]:
        form = await read_form(request)
        check_names(form, {"csrf", name}, repeatable=())
        visitor = await self._visitors.of(request)
        visitor.check_form(form)
        return visitor, form

    def _signed_out(self) -> web.Response:
        page = SignedOut(again=f"{self._base}/account")
        return page_response(self._pages.signed_out(page))

    async def _page(self, visitor: Visitor, current: Session) -> Account:
        sessions = await self._logins.sessions(current.identity)
        applications = await self._logins.applications(current.identity)
        return Account(
            csrf=visitor.browser.csrf,
            name=current.name or current.email or current.subject,
            email=current.email,
            provider_label=await self._logins.provider_label(current.provider),
            sessions=tuple(_session(each, current) for each in sessions),
            applications=tuple(self._application(each) for each in applications),
            identity=current.identity,
            end_session=f"{self._base}/account/sessions/end",
            end_application=f"{self._base}/account/applications/end",
            sign_out=f"{self._base}/signout",
        )

    def _application(self, grant: RefreshGrant) -> ApplicationShown:
        name = self._clients.name_of(grant.client_id) if grant.client_id else _NAMELESS
        return ApplicationShown(
            id=grant.id,
            name=name,
            started=int(grant.created_at.timestamp()),
            last_used=int(grant.used_at.timestamp()),
            ends=int(grant.expires_at.timestamp()),
        )


class VisitCompletion:
    """Who came for nothing else sees their account."""

    def __init__(self, *, base: str) -> None:
        self._base = base

    def client(self, intent: Intent) -> str:
        """Nobody else asks."""
        del intent
        return ""

    async def succeed(self, arrived: Arrived) -> web.Response:
        """On to it."""
        del arrived
        return see_other(f"{self._base}/account")

    def fail(self, failed: Failed) -> None:
        """A page."""


def _session(session: Session, current: Session) -> SessionShown:
    return SessionShown(
        id=session.id,
        current=session.id == current.id,
        browser=browser_of(session.agent),
        address=session.address,
        started=session.authenticated_at,
        last_used=session.used_at,
    )
