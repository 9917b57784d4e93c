"""The way in: straight to the provider that was named, or to the page where one is chosen."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web

from broker.errors import Invalid
from broker.grants.login.intents import Intent, invite_of
from broker.grants.login.logins import Logins
from broker.web.login.arrivals import Departures, see_other
from broker.web.login.visitors import Visitor, Visitors


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How somebody wants to log in, as far as a URL says it."""

    idp_id: str = ""
    """UIDP of an identity provider, or the name of a verified organization."""
    connection: str = ""
    """`google-oauth2`, `github`, `gitlab`."""
    login_hint: str = ""
    prompt: str = ""
    """Handed on to the provider: `login`, `select_account`."""
    fresh: bool = False
    """Whether the session that the browser has does not count."""


ANYHOW = Wish()


class Entrance:
    """`base`: the path of the issuer, without a slash at its end."""

    def __init__(
        self, logins: Logins, visitors: Visitors, departures: Departures, *, base: str
    ) -> None:
        self._logins = logins
        self._visitors = visitors
        self._departures = departures
        self._base = base

    async def lead(
        self, visitor: Visitor, intent: Intent, wish: Wish = ANYHOW, *, after_form: bool = False
    ) -> web.Response:
        """To the provider, or to the sign-in page.

        Raises `Invalid`, `NotFound` (`login_provider_unknown`), and what a connector raises.
        """
        keys = await self._named(wish)
        if len(keys) == 1 and not invite_of(intent):  # an invite is accepted by a click
            return await self.send(visitor, intent, keys[0], wish, after_form=after_form)
        name = await self._logins.ask(
            intent,
            visitor.browser,
            fresh=wish.fresh or bool(keys),
            choices=keys,
            login_hint=wish.login_hint,
            prompt=wish.prompt,
        )
        return self.page(visitor, name)

    def page(self, visitor: Visitor, interaction: str) -> web.Response:
        """To the sign-in page."""
        query = urlencode({"interaction": interaction})
        return self._visitors.greet(see_other(f"{self._base}/login?{query}"), visitor)

    async def send(
        self, visitor: Visitor, intent: Intent, key: str, wish: Wish, *, after_form: bool
    ) -> web.Response:
        """To this provider."""
        connector = await self._logins.ways.of_key(key)
        url = await self._logins.begin(
            intent,
            connector,
            visitor.browser,
            login_hint=wish.login_hint,
            prompt=wish.prompt,
        )
        response = self._departures.to(url, after_form=after_form)
        return self._visitors.greet(response, visitor)

    async def _named(self, wish: Wish) -> tuple[str, ...]:
        if wish.idp_id and wish.connection:
            raise Invalid(
                "field_invalid", "connection: expected this or idp_id, not both", field="connection"
            )
        if wish.connection:
            return (self._logins.ways.of_connection(wish.connection).key,)
        return await self._logins.ways.of_idp_id(wish.idp_id) if wish.idp_id else ()
