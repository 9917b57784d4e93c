"""What follows a login: each intent has a completion, which answers the browser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from aiohttp import hdrs, web

from broker.errors import BrokerError
from broker.grants.login.intents import Intent
from broker.grants.login.outcomes import UNKNOWN_PERSON
from broker.grants.login.sessions import Session
from broker.grants.request import Call
from broker.iam.people import Login
from broker.iam.uidp import Uidp
from broker.web.login.visitors import Visitor
from broker.web.pages import Leaving, NotRegistered, Pages, page_response
from broker.web.rendering import NO_STORE, document_response


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Somebody is known, and why they came."""

    intent: Intent
    visitor: Visitor
    """The browser; its session is the one that it came with."""
    session: Session | None
    """None where the intent is to assume an identity: there is a `login` then."""
    login: Login | None
    """What has just been verified; None where they go on with the session that was there."""
    call: Call
    after_form: bool
    """Whether this answers a form: see `Departures`."""
    joined: tuple[Uidp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """Nobody is known, or what they came for is refused."""

    intent: Intent
    visitor: Visitor
    error: BrokerError
    call: Call
    after_form: bool
    login: Login | None = None
    """Of somebody who is not registered."""


class Completion(Protocol):
    """Of one kind of intent."""

    def client(self, intent: Intent) -> str:
        """Who asks people to log in, for the sign-in page; empty: the broker itself."""
        ...

    async def succeed(self, arrived: Arrived) -> web.Response:
        """The answer. What it raises goes to `fail`."""
        ...

    def fail(self, failed: Failed) -> web.Response | None:
        """The answer; None: a page that says what is wrong."""
        ...


class Departures:
    """The way out of here, to a provider or back to a client.

    A redirect that answers a form is held against the page's `form-action`; a page in between is
    not (`broker.web.pages.response`).
    """

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def to(self, url: str, *, after_form: bool) -> web.Response:
        """An absolute URL, which may hold a code or a token: nobody keeps it, no referrer tells."""
        if after_form:
            headers = {"Referrer-Policy": "no-referrer"}
            return page_response(self._pages.leaving(Leaving(url=url)), headers=headers)
        return see_other(url)


class Arrivals:
    """Finds the completion."""

    def __init__(
        self, completions: Mapping[type[Intent], Completion], pages: Pages, *, again: str
    ) -> None:
        """`again`: the path at which to log in with another account."""
        self._completions = completions
        self._pages = pages
        self._again = again

    def client(self, intent: Intent) -> str:
        """Who asks people to log in; empty: the broker itself."""
        return self._completions[type(intent)].client(intent)

    async def welcome(self, arrived: Arrived) -> web.Response:
        """Give them what they came for. Raises `BrokerError` where nobody waits for a refusal."""
        try:
            return await self._completions[type(arrived.intent)].succeed(arrived)
        except BrokerError as error:
            return self.turn_away(
                Failed(
                    intent=arrived.intent,
                    visitor=arrived.visitor,
                    error=error,
                    call=arrived.call,
                    after_form=arrived.after_form,
                )
            )

    def turn_away(self, failed: Failed) -> web.Response:
        """Tell whoever waits for them, or themself. Raises the error for the usual page."""
        response = self._completions[type(failed.intent)].fail(failed)
        if response is not None:
            return response
        if failed.error.code != UNKNOWN_PERSON or failed.login is None:
            raise failed.error
        page = NotRegistered(
            name=failed.login.name,
            email=failed.login.email,
            provider_label=failed.login.claims.issuer,
            again=self._again,
        )
        return page_response(self._pages.not_registered(page), 404)


def see_other(location: str) -> web.Response:
    """303: go on with a GET there (RFC 9110 §15.4.4)."""
    headers = {**NO_STORE, hdrs.LOCATION: location}
    return document_response(b"", status=303, headers=headers)


def call_of(request: web.BaseRequest, request_id: str) -> Call:
    """For the record."""
    return Call(request_id=request_id, dialect="login", address=request.remote or "")
