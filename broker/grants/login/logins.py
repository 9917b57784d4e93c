"""Logins under way: to the provider and back, and what the browser has to show for it.

| namespace     | key          | value               | lifetime |
|---------------|--------------|---------------------|----------|
| `interaction` | its id       | why somebody is here| 15 min   |
| `login`       | `state`      | the way back        | 10 min   |
| `registering` | its id       | who may register    | 10 min   |

Each is of one browser, whose mark it carries; the last two are good once.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Final

import orjson

from broker.errors import BrokerError, NotFound, Unauthenticated
from broker.grants.limits import ExchangeLimits
from broker.grants.login.browser import Browser
from broker.grants.login.intents import (
    Intent,
    assumed_identity,
    intent_as_json,
    intent_from_json,
    invite_of,
    needs_login,
    skips_registration,
)
from broker.grants.login.journal import Journal
from broker.grants.login.outcomes import (
    UNKNOWN_PERSON,
    CallbackParameters,
    Finished,
    Unregistered,
    can_register,
    interaction_unknown,
    not_pending,
    refused_there,
)
from broker.grants.login.pending import Interaction, PendingLogin
from broker.grants.login.people import Entered, Offer, Provisioning, Registration, SessionRoles
from broker.grants.login.sessions import Session, Sessions
from broker.grants.login.ways import Ways
from broker.grants.request import Call
from broker.iam.people import Login
from broker.iam.uidp import RandomBytes
from broker.state.state import State
from broker.upstream.login.connector import Connector, Redirection, Returned
from broker.upstream.login.keeping import login_as_json, login_from_json

INTERACTION_TTL: Final = 900
LOGIN_TTL: Final = 600
REGISTERING_TTL: Final = 600
"""Seconds, as the others."""
MAX_ID: Final = 128
"""Characters of what a browser brings back; what is longer was not made here."""


class Logins:
    """`callback` is the URL to which providers send browsers back. `clock` gives seconds since
    the epoch. `random` makes secrets.
    """

    def __init__(
        self,
        *,
        state: State,
        sessions: Sessions,
        ways: Ways,
        registration: Registration,
        roles: SessionRoles,
        provisioning: Provisioning,
        limits: ExchangeLimits,
        journal: Journal,
        callback: str,
        clock: Callable[[], float],
        random: RandomBytes,
    ) -> None:
        self.ways = ways
        self._state = state
        self._sessions = sessions
        self._registration = registration
        self._roles = roles
        self._provisioning = provisioning
        self._limits = limits
        self._journal = journal
        self._callback = callback
        self._clock = clock
        self._random = random

    async def ask(
        self,
        intent: Intent,
        browser: Browser,
        *,
        fresh: bool = False,
        choices: tuple[str, ...] = (),
        login_hint: str = "",
        prompt: str = "",
    ) -> str:
        """Remember why somebody is here; the id under which `asked` tells."""
        interaction = Interaction(
            mark=browser.mark,
            intent=intent,
            fresh=fresh or needs_login(intent),
            choices=choices,
            login_hint=login_hint,
            prompt=prompt,
        )
        name = self._secret()
        await self._state.put("interaction", name, interaction.as_json(), INTERACTION_TTL)
        return name

    async def asked(self, name: str, browser: Browser) -> Interaction:
        """Why. Raises `Unauthenticated` (`interaction_unknown`), and `Exhausted` when the address
        has guessed too often.
        """
        self._limits.admit(browser.address)
        kept = await self._state.get("interaction", name) if 0 < len(name) <= MAX_ID else None
        interaction = Interaction.from_json(kept) if kept is not None else None
        if interaction is None or not browser.is_marked(interaction.mark):
            raise self._counted(browser, interaction_unknown())
        return interaction

    async def answered(self, name: str, browser: Browser) -> Interaction:
        """As `asked`, and the answer counts once."""
        interaction = await self.asked(name, browser)
        if await self._state.take("interaction", name) is None:
            raise interaction_unknown()
        return interaction

    async def offer(self, invite: str) -> Offer:
        """What an invite gives. Raises what speaks against it."""
        return await self._registration.offer(invite, now=self._clock())

    async def begin(
        self,
        intent: Intent,
        connector: Connector,
        browser: Browser,
        *,
        login_hint: str = "",
        prompt: str = "",
    ) -> str:
        """Where to send the browser. Raises what `Connector.authorization_url` raises."""
        state, nonce, verifier = self._secret(), self._secret(), self._secret()
        url = await connector.authorization_url(
            Redirection(
                redirect_uri=self._callback,
                state=state,
                nonce=nonce,
                code_verifier=verifier,
                login_hint=login_hint,
                prompt=prompt,
            )
        )
        pending = PendingLogin(
            mark=browser.mark,
            intent=intent,
            provider=connector.key,
            nonce=nonce,
            code_verifier=verifier,
        )
        await self._state.put("login", state, pending.as_json(), LOGIN_TTL)
        return url

    async def returned(self, state: str, browser: Browser, call: Call) -> PendingLogin:
        """The login with which a browser comes back, which is over with that.

        Raises `Unauthenticated` (`login_not_pending`): it was never begun, or in another browser,
        or a callback was there before. Raises `Exhausted` when the address failed too often.
        """
        self._limits.admit(browser.address)
        kept = await self._state.take("login", state) if 0 < len(state) <= MAX_ID else None
        pending = PendingLogin.from_json(kept) if kept is not None else None
        if pending is None or not browser.is_marked(pending.mark):
            refusal = self._counted(browser, not_pending())
            await self._journal.refused(call, refusal)
            raise refusal
        return pending

    async def finish(
        self,
        pending: PendingLogin,
        came: CallbackParameters,
        browser: Browser,
        call: Call,
        *,
        old: Session | None,
    ) -> Finished | Unregistered:
        """Who it is. `old`: the session that the browser had, which ends.

        Raises `BrokerError`; a refusal has been written down then.
        """
        login: Login | None = None
        try:
            login = await self._login(pending, came)
            return await self._enter(pending.intent, login, browser, call, old=old, register=False)
        except BrokerError as refusal:
            self._limits.note_refusal(browser.address, refusal)
            await self._journal.refused(call, refusal, provider=pending.provider, login=login)
            raise

    async def registering(self, name: str, browser: Browser) -> Unregistered:
        """Who is asked whether to register. Raises `Unauthenticated` (`interaction_unknown`)."""
        self._limits.admit(browser.address)
        kept = await self._state.get("registering", name) if 0 < len(name) <= MAX_ID else None
        found = _kept(name, kept, browser) if kept is not None else None
        if found is None:
            raise self._counted(browser, interaction_unknown())
        return found

    async def register(
        self, name: str, browser: Browser, call: Call, *, old: Session | None
    ) -> Finished:
        """They said yes; once. Raises as `registering`, and as `Registration.enter`."""
        who = await self.registering(name, browser)
        if await self._state.take("registering", name) is None:
            raise interaction_unknown()
        try:
            finished = await self._enter(
                who.intent, who.login, browser, call, old=old, register=True
            )
        except BrokerError as refusal:
            await self._journal.refused(call, refusal, provider=who.login.provider, login=who.login)
            raise
        assert isinstance(finished, Finished), "they may register"
        return finished

    async def decline(self, name: str, browser: Browser) -> Unregistered:
        """They said no: who it was."""
        who = await self.registering(name, browser)
        await self._state.delete("registering", name)
        return who

    async def _login(self, pending: PendingLogin, came: CallbackParameters) -> Login:
        if came.error or not came.code:
            raise refused_there(came.error)
        connector = await self.ways.of_key(pending.provider)
        returned = Returned(
            code=came.code,
            iss=came.iss,
            redirect_uri=self._callback,
            nonce=pending.nonce,
            code_verifier=pending.code_verifier,
        )
        return await connector.login(returned, now=self._clock())

    async def _enter(
        self,
        intent: Intent,
        login: Login,
        browser: Browser,
        call: Call,
        *,
        old: Session | None,
        register: bool,
    ) -> Finished | Unregistered:
        # here, and so once more when they have thought about registering for ten minutes
        await self._provisioning.check(login)
        if assumed_identity(intent) is not None:
            await self._journal.logged_in(call, login, session="")
            return Finished(intent=intent, login=login, session=None)
        now = self._clock()
        try:
            entered = await self._registration.enter(
                login,
                invite=invite_of(intent),
                may_register=register,
                request_id=call.request_id,
                now=now,
            )
        except NotFound as error:
            if register or error.code != UNKNOWN_PERSON:
                raise
            if can_register(error) and not skips_registration(intent):
                return await self._ask_to_register(intent, login, browser)
            await self._journal.refused(call, error, provider=login.provider, login=login)
            return Unregistered(id="", intent=intent, login=login, refusal=error)
        return await self._begin_session(intent, login, entered, browser, call, old)

    async def _begin_session(
        self,
        intent: Intent,
        login: Login,
        entered: Entered,
        browser: Browser,
        call: Call,
        old: Session | None,
    ) -> Finished:
        mappings = await self._roles.of(login, request_id=call.request_id, now=self._clock())
        session, cookie = await self._sessions.begin(login, mappings, browser)
        if old is not None:
            await self._sessions.end(old)
        await self._journal.logged_in(
            call, login, session=session.id, registered=entered.registered, joined=entered.joined
        )
        return Finished(
            intent=intent,
            login=login,
            session=session,
            cookie=cookie,
            registered=entered.registered,
            joined=entered.joined,
        )

    async def _ask_to_register(
        self, intent: Intent, login: Login, browser: Browser
    ) -> Unregistered:
        name = self._secret()
        kept = {
            "mark": browser.mark,
            "intent": intent_as_json(intent),
            "login": login_as_json(login).decode(),
        }
        await self._state.put("registering", name, orjson.dumps(kept), REGISTERING_TTL)
        return Unregistered(id=name, intent=intent, login=login)

    def _counted(self, browser: Browser, refusal: Unauthenticated) -> Unauthenticated:
        self._limits.note_refusal(browser.address, refusal)
        return refusal

    def _secret(self) -> str:
        return base64.urlsafe_b64encode(self._random(32)).rstrip(b"=").decode()


def _kept(name: str, text: bytes, browser: Browser) -> Unregistered | None:
    members = orjson.loads(text)
    if not browser.is_marked(members["mark"]):
        return None
    return Unregistered(
        id=name,
        intent=intent_from_json(members["intent"]),
        login=login_from_json(members["login"].encode()),
    )
