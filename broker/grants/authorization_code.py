"""Authorization codes (RFC 6749 §4.1), each good once, for a minute, for whoever asked for it.

| namespace    | key             | value                                    | lifetime      |
|--------------|-----------------|------------------------------------------|---------------|
| `code`       | hash of code    | what was authorized, as JSON             | 60 s          |
| `code-given` | hash of code    | that there was one                       | 10 min        |
| `code-twice` | hash of code    | that it was redeemed again               | 10 min        |
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import orjson

from broker.errors import Denied, Detail, Stage
from broker.grants.login.intents import Authorization, intent_as_json, intent_from_json
from broker.grants.login.sessions import Session, Sessions
from broker.grants.request import Call
from broker.iam.people import Login
from broker.iam.uidp import RandomBytes
from broker.oauth.pkce import proves
from broker.state.state import State
from broker.upstream.login.keeping import login_as_json, login_from_json

LIFETIME: Final = 60
"""Seconds; RFC 6749 §4.1.2 has ten minutes as the most."""
REMEMBERED: Final = 600
"""Seconds in which a code that comes again ends what came of it."""

_CODE, _GIVEN, _TWICE = "code", "code-given", "code-twice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorized:
    """What a code stood for."""

    authorization: Authorization
    session: Session | None
    """None where an identity is to be assumed: there is a `login` then."""
    login: Login | None
    family: bytes
    """Of the refresh tokens that come of it: the code makes it, so that whoever sees the code
    again knows what to revoke."""


class AuthorizationCodes:
    """Gives and redeems them.

    `end_family` ends the refresh tokens that came of a code, if there are any.
    """

    def __init__(
        self,
        state: State,
        sessions: Sessions,
        *,
        end_family: Callable[[bytes, Call], Awaitable[None]],
        random: RandomBytes,
    ) -> None:
        self._state = state
        self._sessions = sessions
        self._end_family = end_family
        self._random = random

    async def give(
        self, authorization: Authorization, *, session: Session | None, login: Login | None
    ) -> str:
        """A new code, told once, for one of `session` and `login`. Raises `Unavailable`."""
        code = self._random(32).hex()
        kept: dict[str, Any] = {"intent": intent_as_json(authorization)}
        if session is not None:
            kept["session"] = session.id
        elif login is not None:
            kept["login"] = login_as_json(login).decode()
        await self._state.put(_GIVEN, _key(code), b"1", REMEMBERED)
        await self._state.put(_CODE, _key(code), orjson.dumps(kept), LIFETIME)
        return code

    async def redeem(
        self, code: str, *, client_id: str, redirect_uri: str, verifier: str, call: Call
    ) -> Authorized:
        """What it stood for; it is gone then, whatever is wrong with the rest.

        One that comes again ends what came of it (RFC 6749 §4.1.2). Raises `Denied`
        (`code_invalid`, `login_ended`).
        """
        kept = await self._state.take(_CODE, _key(code))
        if kept is None:
            await self._refuse_unknown(code, call)
        members = orjson.loads(kept)
        authorization = intent_from_json(members["intent"])
        assert isinstance(authorization, Authorization), "nothing else gets a code"
        if authorization.client_id != client_id:
            raise _invalid("client_id", "the client that asked for it")
        if authorization.redirect_uri != redirect_uri:
            raise _invalid("redirect_uri", "as at the authorization endpoint")
        if not proves(verifier, authorization.code_challenge):
            raise _invalid("code_verifier", "that of the code_challenge")
        family = family_of(code)
        if "login" in members:
            login = login_from_json(members["login"].encode())
            return Authorized(authorization=authorization, session=None, login=login, family=family)
        session = await self._sessions.get(members["session"])
        if session is None:
            raise Denied("login_ended", "the login has ended; log in again", stage=Stage.TOKEN)
        return Authorized(authorization=authorization, session=session, login=None, family=family)

    async def expect_once(self, code: str, call: Call) -> None:
        """Asked once all that comes of a code is written down: whether it came again meanwhile.

        Raises `Denied` (`code_invalid`), after what came of it has ended.
        """
        if await self._state.get(_TWICE, _key(code)) is not None:
            await self._end_family(family_of(code), call)
            raise _reused()

    async def _refuse_unknown(self, code: str, call: Call) -> NoReturn:
        if await self._state.get(_GIVEN, _key(code)) is None:
            raise _invalid("code", "a code that was given")
        # first the mark, then the end of what is there: whoever redeems it right now either has
        # written it down already, or sees the mark when they have
        await self._state.put(_TWICE, _key(code), b"1", REMEMBERED)
        await self._end_family(family_of(code), call)
        raise _reused()


_MESSAGE: Final = (
    "the authorization code is not good (any more), or is not that of this client, redirect URI "
    "and code verifier"
)


def family_of(code: str) -> bytes:
    """What the refresh tokens that come of a code have in common; 32 bytes."""
    return hashlib.sha256(b"family " + code.encode("utf-8", "replace")).digest()


def _key(code: str) -> str:
    return hashlib.sha256(b"code " + code.encode("utf-8", "replace")).hexdigest()


def _reused() -> Denied:
    return _invalid("code", "sent once, within its minute")


def _invalid(name: str, expected: str) -> Denied:
    # the caller is not told which: there is nothing to try out
    detail = Detail(name, expected, "another")
    return Denied("code_invalid", _MESSAGE, stage=Stage.TOKEN, detail=detail)
