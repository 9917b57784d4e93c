"""`/register`: whether somebody whom nobody knows is to be registered."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broker.errors import BrokerError, NotFound
from broker.grants.login.logins import Logins
from broker.grants.request import Call
from broker.web.login.arrivals import Arrivals, Failed, call_of
from broker.web.login.callback import welcome
from broker.web.login.visitors import Visitor, Visitors
from broker.web.pages import Pages, Register, page_response
from broker.web.parameters import check_names, read_form, read_query, single

_SENT: Final = frozenset({"csrf", "id", "decision"})


class RegisterPage:
    """`base`: the path of the issuer, without a slash at its end."""

    def __init__(
        self, logins: Logins, visitors: Visitors, arrivals: Arrivals, pages: Pages, *, base: str
    ) -> None:
        self._logins = logins
        self._visitors = visitors
        self._arrivals = arrivals
        self._pages = pages
        self._action = f"{base}/register"

    async def show(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """GET: the question."""
        del request_id
        query = read_query(request)
        check_names(query, frozenset({"id"}), repeatable=())
        visitor = await self._visitors.of(request)
        who = await self._logins.registering(single(query, "id"), visitor.browser)
        connector = await self._logins.ways.of_key(who.login.provider)
        page = Register(
            action=self._action,
            csrf=visitor.browser.csrf,
            hidden={"id": who.id},
            name=who.login.name,
            email=who.login.email,
            provider_label=connector.label,
        )
        return page_response(self._pages.register(page))

    async def take(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """POST: the answer."""
        form = await read_form(request)
        check_names(form, _SENT, repeatable=())
        visitor = await self._visitors.of(request)
        visitor.check_form(form)
        call = call_of(request, request_id)
        name = single(form, "id")
        if single(form, "decision") != "register":
            return await self._decline(name, visitor, call)
        who = await self._logins.registering(name, visitor.browser)
        try:
            finished = await self._logins.register(name, visitor.browser, call, old=visitor.session)
        except BrokerError as error:
            failed = Failed(
                intent=who.intent, visitor=visitor, error=error, call=call, after_form=True
            )
            return self._arrivals.turn_away(failed)
        return await welcome(
            finished, visitor, call, self._arrivals, self._visitors, after_form=True
        )

    async def _decline(self, name: str, visitor: Visitor, call: Call) -> web.Response:
        who = await self._logins.decline(name, visitor.browser)
        return self._arrivals.turn_away(
            Failed(
                intent=who.intent,
                visitor=visitor,
                error=NotFound("person_not_registered", "nobody was registered"),
                call=call,
                after_form=True,
                login=who.login,
            )
        )
