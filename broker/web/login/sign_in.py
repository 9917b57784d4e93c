"""`/login`: the page where people say how they log in, and what they send from it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from broker.errors import BrokerError, NotFound
from broker.grants.login.intents import Visit, invite_of
from broker.grants.login.logins import Logins
from broker.grants.login.pending import Interaction
from broker.grants.request import Call
from broker.web.login.arrivals import Arrivals, Arrived, Failed, call_of
from broker.web.login.entrance import Entrance, Wish
from broker.web.login.visitors import Visitor, Visitors
from broker.web.pages import Choice, InviteShown, Pages, SignIn, page_response
from broker.web.parameters import Parameters, check_names, read_form, read_query, single

_SENT: Final = frozenset({"csrf", "interaction", "organization", "connector", "continue"})
UNKNOWN: Final = (
    "No sign-in is set up under this name or address. Check the spelling, or ask your "
    "administrator."
)


class SignInPage:
    """`base`: the path of the issuer, without a slash at its end."""

    def __init__(
        self,
        logins: Logins,
        visitors: Visitors,
        entrance: Entrance,
        arrivals: Arrivals,
        pages: Pages,
        *,
        base: str,
    ) -> None:
        self._logins = logins
        self._visitors = visitors
        self._entrance = entrance
        self._arrivals = arrivals
        self._pages = pages
        self._action = f"{base}/login"

    async def show(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """GET: the page; who comes without a reason gets to their account."""
        query = read_query(request)
        check_names(query, frozenset({"interaction"}), repeatable=())
        visitor = await self._visitors.of(request)
        name = single(query, "interaction")
        if not name:
            return await self._entrance.lead(visitor, Visit())
        interaction = await self._logins.asked(name, visitor.browser)
        return await self._page(visitor, name, interaction, call_of(request, request_id))

    async def take(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """POST: on to the provider, or back to why they came."""
        form = await read_form(request)
        check_names(form, _SENT, repeatable=())
        visitor = await self._visitors.of(request)
        visitor.check_form(form)
        name = single(form, "interaction")
        interaction = await self._logins.asked(name, visitor.browser)
        call = call_of(request, request_id)
        if single(form, "continue") and visitor.session is not None and not interaction.fresh:
            return await self._go_on(visitor, interaction, call)
        try:
            return await self._chosen(visitor, interaction, form)
        except NotFound as error:
            if error.code != "login_provider_unknown":
                raise
            typed = single(form, "organization")
            return await self._page(visitor, name, interaction, call, typed=typed, error=UNKNOWN)

    async def _go_on(self, visitor: Visitor, interaction: Interaction, call: Call) -> web.Response:
        return await self._arrivals.welcome(
            Arrived(
                intent=interaction.intent,
                visitor=visitor,
                session=visitor.session,
                login=None,
                call=call,
                after_form=True,
            )
        )

    async def _chosen(
        self, visitor: Visitor, interaction: Interaction, form: Parameters
    ) -> web.Response:
        wish = Wish(login_hint=interaction.login_hint, prompt=interaction.prompt)
        key = single(form, "connector")
        if key not in self._choices(interaction):
            typed = single(form, "organization")
            keys = await self._logins.ways.of_name(typed)
            if len(keys) > 1:
                return await self._choose(visitor, interaction, keys)
            key, hint = keys[0], typed if "@" in typed else ""
            wish = Wish(login_hint=hint or interaction.login_hint, prompt=interaction.prompt)
        return await self._entrance.send(visitor, interaction.intent, key, wish, after_form=True)

    async def _choose(
        self, visitor: Visitor, interaction: Interaction, keys: tuple[str, ...]
    ) -> web.Response:
        name = await self._logins.ask(
            interaction.intent,
            visitor.browser,
            fresh=True,
            choices=keys,
            login_hint=interaction.login_hint,
            prompt=interaction.prompt,
        )
        return self._entrance.page(visitor, name)

    def _choices(self, interaction: Interaction) -> tuple[str, ...]:
        return interaction.choices or tuple(self._logins.ways.public)

    async def _labels(self, interaction: Interaction) -> tuple[Choice, ...]:
        ways = self._logins.ways
        if not interaction.choices:
            return tuple(Choice(value=key, label=label) for key, label in ways.public.items())
        found = [await ways.of_key(key) for key in interaction.choices]
        return tuple(Choice(value=each.key, label=each.label) for each in found)

    async def _page(
        self,
        visitor: Visitor,
        name: str,
        interaction: Interaction,
        call: Call,
        *,
        typed: str = "",
        error: str = "",
    ) -> web.Response:
        intent = interaction.intent
        try:
            invite = await self._invite(invite_of(intent))
        except BrokerError as refusal:
            return self._arrivals.turn_away(
                Failed(
                    intent=intent,
                    visitor=visitor,
                    error=refusal,
                    call=call,
                    after_form=bool(error),
                )
            )
        session = visitor.session if not interaction.fresh else None
        page = SignIn(
            action=self._action,
            csrf=visitor.browser.csrf,
            hidden={"interaction": name},
            organization=typed,
            connectors=await self._labels(interaction),
            session=Choice(value=session.id, label=session.label) if session else None,
            client=self._arrivals.client(intent),
            error=error,
            invite=invite,
        )
        response = page_response(self._pages.sign_in(page), 404 if error else 200)
        return self._visitors.greet(response, visitor)

    async def _invite(self, code: str) -> InviteShown | None:
        if not code:
            return None
        offer = await self._logins.offer(code)
        return InviteShown(
            organization=offer.organization,
            role=offer.role,
            expires=int(offer.expires_at.timestamp()),
        )
