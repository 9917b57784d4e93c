"""Headless logins: whether a terminal elsewhere gets a token, and `/login/headless`, the answer."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broker.grants.headless import HeadlessSessions, fingerprint
from broker.grants.login.intents import HeadlessLogin, Intent
from broker.grants.login.logins import Logins
from broker.grants.person_tokens import PersonTokens, Principal, Wanted
from broker.web.login.arrivals import Arrived, Failed, call_of
from broker.web.login.visitors import Visitors
from broker.web.pages import Done, HeadlessConfirm, Pages, page_response
from broker.web.parameters import check_names, read_form, single

_SENT: Final = frozenset({"csrf", "interaction", "decision"})


class HeadlessCompletion:
    """Asks. `base`: the path of the issuer, without a slash at its end."""

    def __init__(self, logins: Logins, pages: Pages, *, base: str) -> None:
        self._logins = logins
        self._pages = pages
        self._action = f"{base}/login/headless"

    def client(self, intent: Intent) -> str:
        """Somewhere else."""
        del intent
        return "a terminal on another machine"

    async def succeed(self, arrived: Arrived) -> web.Response:
        """The question: whoever sent them the link may be somebody else."""
        assert isinstance(arrived.intent, HeadlessLogin)
        assert arrived.session is not None, "nobody else is assumed here"
        name = await self._logins.ask(arrived.intent, arrived.visitor.browser)
        page = HeadlessConfirm(
            action=self._action,
            csrf=arrived.visitor.browser.csrf,
            hidden={"interaction": name},
            fingerprint=fingerprint(arrived.intent.code),
            signed_in_as=arrived.session.label,
        )
        return page_response(self._pages.headless_confirm(page))

    def fail(self, failed: Failed) -> None:
        """A page."""


class HeadlessDecision:
    """POST `/login/headless`."""

    def __init__(
        self,
        logins: Logins,
        visitors: Visitors,
        tokens: PersonTokens,
        headless: HeadlessSessions,
        pages: Pages,
    ) -> None:
        self._logins = logins
        self._visitors = visitors
        self._tokens = tokens
        self._headless = headless
        self._pages = pages

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """Mint and keep the token for who polls, or do not."""
        form = await read_form(request)
        check_names(form, _SENT, repeatable=())
        visitor = await self._visitors.of(request)
        visitor.check_form(form)
        session = visitor.expect_session()
        interaction = await self._logins.answered(single(form, "interaction"), visitor.browser)
        intent = interaction.intent
        if single(form, "decision") != "allow" or not isinstance(intent, HeadlessLogin):
            text = "The terminal did not get access."
            return self._done(Done(title="Request denied", text=text, stopped=True))
        principal = Principal.of_session(session)
        minted = await self._tokens.mint(principal, Wanted(), call_of(request, request_id))
        await self._headless.put(intent.code, minted.token.token)
        return self._done(
            Done(title="Your terminal is signed in", text="Go back to it to continue.")
        )

    def _done(self, page: Done) -> web.Response:
        return page_response(self._pages.done(page))
