"""`/auth/join`: to accept an invite."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broker.grants.login.intents import Intent, Joining
from broker.grants.login.logins import Logins
from broker.web.login.arrivals import Arrived, Failed
from broker.web.login.entrance import Entrance, Wish
from broker.web.login.visitors import Visitors
from broker.web.pages import Done, Invite, Pages, page_response
from broker.web.parameters import check_names, read_form, read_query, single

_SENT: Final = frozenset({"csrf", "invite", "decision"})


class JoinPage:
    """`base`: the path of the issuer, without a slash at its end."""

    def __init__(
        self, logins: Logins, visitors: Visitors, entrance: Entrance, pages: Pages, *, base: str
    ) -> None:
        self._logins = logins
        self._visitors = visitors
        self._entrance = entrance
        self._pages = pages
        self._action = f"{base}/auth/join"

    async def show(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """GET: what it offers."""
        del request_id
        query = read_query(request)
        check_names(query, frozenset({"invite"}), repeatable=())
        code = single(query, "invite")
        offer = await self._logins.offer(code)
        visitor = await self._visitors.of(request)
        page = Invite(
            action=self._action,
            csrf=visitor.browser.csrf,
            hidden={"invite": code},
            organization=offer.organization,
            role=offer.role,
            email=offer.email,
            expires=int(offer.expires_at.timestamp()),
            signed_in_as=visitor.session.label if visitor.session else "",
        )
        return self._visitors.greet(page_response(self._pages.invite(page)), visitor)

    async def take(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """POST: on to log in, which accepts it."""
        del request_id
        form = await read_form(request)
        check_names(form, _SENT, repeatable=())
        visitor = await self._visitors.of(request)
        visitor.check_form(form)
        if single(form, "decision") != "accept":
            text = "Nothing has changed. The invite can still be accepted until it expires."
            done = Done(title="Invite declined", text=text, stopped=True)
            return page_response(self._pages.done(done))
        code = single(form, "invite")
        offer = await self._logins.offer(code)
        intent = Joining(invite=code, organization=offer.organization)
        if visitor.session is None:
            return await self._entrance.lead(visitor, intent, after_form=True)
        # as who they are, once more: what speaks for them has to be of now
        wish = Wish(login_hint=visitor.session.email)
        key = visitor.session.provider
        return await self._entrance.send(visitor, intent, key, wish, after_form=True)


class JoinCompletion:
    """Says so."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def client(self, intent: Intent) -> str:
        """Nobody else asks."""
        del intent
        return ""

    async def succeed(self, arrived: Arrived) -> web.Response:
        """The invite was accepted at the login."""
        assert isinstance(arrived.intent, Joining)
        name = arrived.intent.organization
        title = f"You have joined {name}" if name else "You have joined"
        text = "The role of the invite is yours."
        return page_response(self._pages.done(Done(title=title, text=text)))

    def fail(self, failed: Failed) -> None:
        """A page."""
