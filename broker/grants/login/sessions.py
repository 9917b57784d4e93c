"""Browser sessions: somebody who has logged in, and is known by a cookie from then on.

| namespace  | key           | value                      | lifetime                             |
|------------|---------------|----------------------------|--------------------------------------|
| `session`  | session id    | the session, as JSON       | `idle` after its last use, `lifetime`|
|            |               |                            | after the login at most              |
| `sessions` | identity UIDP | the ids of their sessions  | `lifetime`                           |
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Self

import orjson

from broker.grants.login.browser import Browser
from broker.iam.people import Login
from broker.iam.uidp import RandomBytes, Uidp
from broker.state.state import State

_NAMESPACE: Final = "session"
_INDEX: Final = "sessions"
MAPPED_LIFETIME: Final = 3600
"""Seconds, at most, of a session with roles that groups at the provider brought: who leaves a group
there has them no longer than that."""
_TOUCH: Final = 60
"""Seconds in which a use is not written down again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who is at a browser, since when, and by whose word. Times: seconds since the epoch."""

    id: str
    """32 hex characters, no secret; `sid` in tokens."""
    identity: Uidp
    provider: str
    """As `Login.provider`."""
    issuer: str
    subject: str
    audience: tuple[str, ...]
    """Of the login at the provider, as `issuer` and `subject`: what `act` says."""
    email: str = ""
    email_verified: bool = False
    name: str = ""
    mappings: tuple[Uidp, ...] = ()
    """The group role mappings that hold for its length."""
    authenticated_at: int
    used_at: int
    ends_at: int
    address: str = ""
    agent: str = ""
    secret_sha256: str = field(default="", repr=False)

    @property
    def label(self) -> str:
        """Who it is, for themself."""
        return self.email or self.name or self.subject

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """As `as_json` wrote it."""
        members: dict[str, Any] = orjson.loads(text)
        members["identity"] = Uidp(members["identity"])
        members["audience"] = tuple(members["audience"])
        members["mappings"] = tuple(map(Uidp, members["mappings"]))
        return cls(**members)

    def as_json(self) -> bytes:
        """JSON text."""
        return orjson.dumps(asdict(self), default=str)


class Sessions:
    """Begins, finds and ends them. `idle` and `lifetime` are seconds; `clock` gives them since
    the epoch.
    """

    def __init__(
        self,
        state: State,
        *,
        idle: int,
        lifetime: int,
        clock: Callable[[], float],
        random: RandomBytes,
    ) -> None:
        self._state = state
        self._idle = idle
        self._lifetime = lifetime
        self._clock = clock
        self._random = random

    async def begin(
        self, login: Login, mappings: tuple[Uidp, ...], browser: Browser
    ) -> tuple[Session, str]:
        """A new one, and the value of its cookie, which is told once. Raises `Unavailable`.

        It has never been anybody else's: whatever session the browser had is left (`end`).
        """
        now = int(self._clock())
        secret = self._random(32).hex()
        lifetime = min(self._lifetime, MAPPED_LIFETIME) if mappings else self._lifetime
        session = Session(
            id=self._random(16).hex(),
            identity=login.identity,
            provider=login.provider,
            issuer=login.claims.issuer,
            subject=login.claims.subject,
            audience=login.claims.audience,
            email=login.email,
            email_verified=login.email_verified,
            name=login.name,
            mappings=mappings,
            authenticated_at=now,
            used_at=now,
            ends_at=now + lifetime,
            address=browser.address,
            agent=browser.agent,
            secret_sha256=_sha256(secret),
        )
        await self._state.put(_NAMESPACE, session.id, session.as_json(), self._left(session, now))
        await self._state.join(_INDEX, session.identity, session.id, self._lifetime)
        return session, f"{session.id}.{secret}"

    async def of_cookie(self, cookie: str) -> Session | None:
        """The session of a cookie's value; None when it is none, or has ended. Counts as a use."""
        sid, _, secret = cookie.partition(".")
        session = await self.get(sid) if len(sid) == 32 and sid.isalnum() else None
        if session is None or not hmac.compare_digest(session.secret_sha256, _sha256(secret)):
            return None
        return await self._used(session)

    async def get(self, sid: str) -> Session | None:
        """By its id, which says nothing of who asks."""
        kept = await self._state.get(_NAMESPACE, sid)
        session = Session.from_json(kept) if kept is not None else None
        return session if session is not None and session.ends_at > self._clock() else None

    async def of_identity(self, identity: Uidp) -> list[Session]:
        """All of a person, the one used last first."""
        found = [await self.get(sid) for sid in await self._state.members(_INDEX, identity)]
        sessions = [session for session in found if session is not None]
        return sorted(sessions, key=lambda session: session.used_at, reverse=True)

    async def end(self, session: Session) -> None:
        """It is over."""
        await self._state.delete(_NAMESPACE, session.id)
        await self._state.leave(_INDEX, session.identity, session.id)

    async def end_all(self, identity: Uidp) -> int:
        """All of a person; how many there were."""
        sessions = await self.of_identity(identity)
        for session in sessions:
            await self.end(session)
        return len(sessions)

    async def end_through(self, identity: Uidp, provider: str) -> int:
        """All of a person that began at this provider; how many there were."""
        sessions = [each for each in await self.of_identity(identity) if each.provider == provider]
        for session in sessions:
            await self.end(session)
        return len(sessions)

    async def _used(self, session: Session) -> Session:
        now = int(self._clock())
        if now - session.used_at < _TOUCH:
            return session
        used = replace(session, used_at=now)
        # not put: one that has just been ended must not come back
        await self._state.replace(
            _NAMESPACE, session.id, session.as_json(), used.as_json(), self._left(used, now)
        )
        return used

    def _left(self, session: Session, now: int) -> int:
        return max(1, min(self._idle, session.ends_at - now))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
