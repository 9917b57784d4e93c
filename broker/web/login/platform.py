"""`/oauth`: how clients of the platform log people in.

Ends at `redirect` with `token` and maybe `refresh_token` in the query, or with `error` and
`status_code`; or, with `headless_code`, at a page, and whoever polls gets the token.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote_plus

from aiohttp import web

from broker.api.status import told
from broker.errors import BrokerError, Invalid, Stage
from broker.grants.audiences import Audiences
from broker.grants.login.assuming import Assuming
from broker.grants.login.intents import HeadlessLogin, Intent, PlatformLogin
from broker.grants.login.redirects import Redirects, origin_of, with_answer
from broker.grants.person_tokens import PersonTokens, Principal, Wanted
from broker.grants.refresh import RefreshGrants
from broker.iam.uidp import Uidp
from broker.issuer.sealing import check_recipient
from broker.web.login.arrivals import Arrived, Departures, Failed
from broker.web.login.entrance import Entrance, Wish
from broker.web.login.visitors import Visitors
from broker.web.parameters import Parameters, check_names, read_query, single, uidp, uidps

NAMES: Final = frozenset(
    {
        "exit",
        "redirect",
        "idp_id",
        "invite",
        "client_id",
        "connection",
        "skip_registration",
        "identity",
        "audience",
        "create_refresh_token",
        "screen_hint",
        "scope",
        "headless_code",
    }
)
_ON_THIS_COMPUTER: Final = "an application on this computer"
_MAX_INVITE: Final = 1024


class PlatformEntry:
    """GET `/oauth`."""

    def __init__(
        self,
        entrance: Entrance,
        visitors: Visitors,
        departures: Departures,
        redirects: Redirects,
        audiences: Audiences,
    ) -> None:
        self._entrance = entrance
        self._visitors = visitors
        self._departures = departures
        self._redirects = redirects
        self._audiences = audiences

    async def __call__(self, request: web.BaseRequest, request_id: str) -> web.Response:
        """To the provider, to the sign-in page, or back with what was wrong."""
        query = read_query(request)
        redirect = self._redirect(query)
        try:
            check_names(query, NAMES, repeatable={"scope"})
            intent = self._headless(query) if redirect is None else self._login(query, redirect)
            visitor = await self._visitors.of(request)
            return await self._entrance.lead(visitor, intent, _wish(query))
        except BrokerError as error:
            if redirect is None:
                raise
            return self._departures.to(_told(redirect, error, request_id), after_form=False)

    def _redirect(self, query: Parameters) -> str | None:
        """Where to say what is wrong; None for a headless login. Raises `Invalid`."""
        if "headless_code" in query and "redirect" not in query:
            return None
        if len(query.get("redirect", ())) != 1:
            raise _invalid("redirect", "expected once")
        return self._redirects.check(single(query, "redirect"))

    def _headless(self, query: Parameters) -> Intent:
        code = single(query, "headless_code")
        check_recipient(code)
        return HeadlessLogin(code=code)

    def _login(self, query: Parameters, redirect: str) -> Intent:
        if "headless_code" in query:
            raise _invalid("headless_code", "expected this or redirect, not both")
        if single(query, "exit") not in {"", "redirect"}:
            raise _invalid("exit", "expected 'redirect'")
        identity, invite = single(query, "identity"), single(query, "invite")
        if len(invite) > _MAX_INVITE:
            raise _invalid("invite", f"longer than {_MAX_INVITE} characters")
        return PlatformLogin(
            redirect=redirect,
            audience=self._audiences.of(_listed(single(query, "audience"))),
            # clients encode each scope once more than the query needs
            scopes=uidps([unquote_plus(scope) for scope in query.get("scope", ())], "scope"),
            identity=uidp(identity, "identity") if identity else "",
            invite=invite,
            skip_registration=_flag(query, "skip_registration"),
            create_refresh_token=_flag(query, "create_refresh_token"),
        )


class PlatformCompletion:
    """Sends the token to `redirect`."""

    def __init__(
        self,
        tokens: PersonTokens,
        grants: RefreshGrants,
        assuming: Assuming,
        departures: Departures,
    ) -> None:
        self._tokens = tokens
        self._grants = grants
        self._assuming = assuming
        self._departures = departures

    def client(self, intent: Intent) -> str:
        """Where the token goes."""
        assert isinstance(intent, PlatformLogin)
        return origin_of(intent.redirect) or _ON_THIS_COMPUTER

    async def succeed(self, arrived: Arrived) -> web.Response:
        """Mint, and go."""
        intent = arrived.intent
        assert isinstance(intent, PlatformLogin)
        answer = await self._answer(intent, arrived)
        return self._departures.to(
            with_answer(intent.redirect, answer), after_form=arrived.after_form
        )

    def fail(self, failed: Failed) -> web.Response:
        """Tell the client."""
        intent = failed.intent
        assert isinstance(intent, PlatformLogin)
        url = _told(intent.redirect, failed.error, failed.call.request_id)
        return self._departures.to(url, after_form=failed.after_form)

    async def _answer(self, intent: PlatformLogin, arrived: Arrived) -> dict[str, str]:
        scopes = tuple(map(Uidp, intent.scopes))
        if intent.identity:
            assert arrived.login is not None, "they have just logged in"
            exchanged = await self._assuming.run(
                arrived.login,
                Uidp(intent.identity),
                audience=intent.audience,
                scopes=scopes,
                call=arrived.call,
            )
            return {"token": exchanged.token.token}
        session = arrived.session
        assert session is not None, "they are known"
        principal = Principal.of_session(session)
        wanted = Wanted(audience=intent.audience, scopes=scopes)
        exchanged = await self._tokens.mint(principal, wanted, arrived.call)
        answer = {"token": exchanged.token.token}
        if intent.create_refresh_token:
            refresh = await self._grants.issue(
                principal,
                "",
                authenticated_at=session.authenticated_at,
                audience=exchanged.audience,
                scopes=scopes,
                call=arrived.call,
            )
            answer |= {"refresh_token": refresh} if refresh else {}
        return answer


def _wish(query: Parameters) -> Wish:
    return Wish(idp_id=single(query, "idp_id"), connection=single(query, "connection"))


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in text.split(",") if each))


def _flag(query: Parameters, name: str) -> bool:
    value = single(query, name)
    if value not in {"", "true", "false"}:
        raise _invalid(name, "expected true or false")
    return value == "true"


def _told(redirect: str, error: BrokerError, request_id: str) -> str:
    wire, message, _, _ = told(error, request_id)
    return with_answer(redirect, {"error": message, "status_code": str(wire.status)})


def _invalid(field: str, fault: str) -> Invalid:
    return Invalid("field_invalid", f"{field}: {fault}", stage=Stage.REQUEST, field=field)
