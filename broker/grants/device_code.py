"""Device codes (RFC 8628): somebody at a browser lets a device in that cannot show one.

| namespace           | key                 | value                         | lifetime |
|---------------------|---------------------|-------------------------------|----------|
| `device`            | hash of device code | what is asked, and came of it | 20 min   |
| `device-user`       | user code           | hash of device code           | 15 min   |
| `device-user-taken` | user code           | that it was given             | 20 min   |
| `device-begun`      | address             | devices that it began with    | 10 min   |
| `device-browser`    | mark of the browser | user codes that it sent       | 10 min   |
| `device-address`    | address             | user codes that it sent       | 10 min   |
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Self

import orjson

from broker.errors import Conflict, Denied, Exhausted, NotFound, Stage
from broker.grants.limits import network
from broker.grants.login.browser import Browser
from broker.grants.login.sessions import Session, Sessions
from broker.iam.uidp import RandomBytes
from broker.oauth.device import new_user_code
from broker.state.state import State

LIFETIME: Final = 900
"""Seconds in which somebody has to decide."""
INTERVAL: Final = 5
"""Seconds between two polls, which grow by as many for who does not keep to them (§3.5)."""
MAX_INTERVAL: Final = 60

_WINDOW: Final = 600
_BEGUN: Final = 100
_BROWSER_TRIES: Final = 30
_ADDRESS_TRIES: Final = 300
"""In `_WINDOW` seconds. To meet one of a thousand codes that wait takes 25 million tries (§5.1)."""
_TOLD: Final = 300
"""Seconds in which a device is still told that its code has expired."""
_ATTEMPTS: Final = 8
"""At writing down a decision, while the device polls."""

PENDING, ALLOWED, DENIED = "pending", "allowed", "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRequest:
    """What a device asks for. Times: seconds since the epoch."""

    client_id: str
    user_code: str
    address: str
    """From where it asked."""
    expires_at: int
    scope: tuple[str, ...] = ()
    """As `Authorization.scope`, and so the others."""
    groups: tuple[str, ...] = ()
    audience: tuple[str, ...] = ()
    idp_id: str = ""
    connection: str = ""
    invite: str = ""
    status: str = PENDING
    session: str = ""
    """Of who allowed it."""
    interval: int = INTERVAL
    polled_at: float = 0

    def as_json(self) -> bytes:
        """JSON text."""
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """As `as_json` wrote it."""
        members: dict[str, Any] = orjson.loads(text)
        for name in ("scope", "groups", "audience"):
            members[name] = tuple(members[name])
        return cls(**members)


class DeviceCodes:
    """Begins, decides and hands out. `clock` gives seconds since the epoch."""

    def __init__(
        self, state: State, sessions: Sessions, *, clock: Callable[[], float], random: RandomBytes
    ) -> None:
        self._state = state
        self._sessions = sessions
        self._clock = clock
        self._random = random

    async def begin(self, asked: DeviceRequest) -> tuple[str, DeviceRequest]:
        """The device code, and what is asked with its user code and times filled in.

        Raises `Exhausted` (`too_many_devices`), `Unavailable`.
        """
        if asked.address:
            begun = await self._state.count("device-begun", network(asked.address), _WINDOW)
            if begun > _BEGUN:
                raise _too_many("too_many_devices", "devices")
        device_code = self._random(32).hex()
        request = replace(
            asked,
            user_code=await self._new_user_code(_key(device_code)),
            expires_at=int(self._clock()) + LIFETIME,
        )
        ttl = LIFETIME + _TOLD
        await self._state.put("device", _key(device_code), request.as_json(), ttl)
        return device_code, request

    async def try_code(self, user_code: str, browser: Browser) -> DeviceRequest:
        """What waits under a user code that somebody sent, read by `read_user_code`.

        Raises `NotFound` (`user_code_unknown`), `Exhausted` (`too_many_user_codes`): all that are
        sent count, since each could be a guess.
        """
        tries = await self._state.count("device-browser", browser.mark, _WINDOW)
        if tries > _BROWSER_TRIES:
            raise _too_many("too_many_user_codes", "codes")
        if browser.address:
            tries = await self._state.count("device-address", network(browser.address), _WINDOW)
            if tries > _ADDRESS_TRIES:
                raise _too_many("too_many_user_codes", "codes")
        return await self.find(user_code)

    async def find(self, user_code: str) -> DeviceRequest:
        """The same for a code that this browser has tried. Raises `NotFound`."""
        return (await self._find(user_code))[2]

    async def decide(self, user_code: str, session: Session, *, allow: bool) -> DeviceRequest:
        """Whoever is at the browser lets the device in, or not.

        Raises `NotFound` (`user_code_unknown`), `Conflict` (`device_busy`).
        """
        for _ in range(_ATTEMPTS):
            key, kept, request = await self._find(user_code)
            status = ALLOWED if allow else DENIED
            decided = replace(request, status=status, session=session.id)
            if await self._state.replace("device", key, kept, decided.as_json()):
                await self._state.delete("device-user", user_code)
                return decided
        raise Conflict("device_busy", "the device asks too often to be answered; try again")

    async def redeem(self, device_code: str, *, client_id: str) -> tuple[DeviceRequest, Session]:
        """What was asked for and who allowed it, once.

        Raises `Denied`: `device_code_invalid`, `device_code_expired`, `device_pending`,
        `device_polls_too_often`, `device_denied`, `login_ended`.
        """
        key = _key(device_code)
        kept = await self._state.get("device", key)
        request = DeviceRequest.from_json(kept) if kept is not None else None
        if kept is None or request is None or request.client_id != client_id:
            raise _invalid()
        if request.status == PENDING:
            await self._wait(key, kept, request)
        if await self._state.take("device", key) is None:
            raise _invalid()
        if request.status == DENIED:
            raise _refused("device_denied", "the person did not let the device in")
        session = await self._sessions.get(request.session)
        if session is None:
            raise Denied("login_ended", "the login has ended; log in again", stage=Stage.TOKEN)
        return request, session

    async def _wait(self, key: str, kept: bytes, request: DeviceRequest) -> None:
        """Raises what there is to tell a device for which nobody has decided."""
        now = self._clock()
        if now >= request.expires_at:
            raise _refused("device_code_expired", "nobody has let the device in; begin again")
        too_soon = now < request.polled_at + request.interval
        longer = min(request.interval + INTERVAL, MAX_INTERVAL)
        polled = replace(request, polled_at=now, interval=longer if too_soon else request.interval)
        # of two polls at once one is too many
        was_alone = await self._state.replace("device", key, kept, polled.as_json())
        if too_soon or not was_alone:
            raise _refused(
                "device_polls_too_often", f"wait {polled.interval} s between two requests"
            )
        raise _refused("device_pending", "nobody has let the device in yet")

    async def _find(self, user_code: str) -> tuple[str, bytes, DeviceRequest]:
        named = await self._state.get("device-user", user_code) if user_code else None
        key = named.decode() if named is not None else ""
        kept = await self._state.get("device", key) if key else None
        if kept is None:
            raise _unknown()
        request = DeviceRequest.from_json(kept)
        if request.status != PENDING or self._clock() >= request.expires_at:
            raise _unknown()
        return key, kept, request

    async def _new_user_code(self, key: str) -> str:
        while True:
            code = new_user_code(self._random)
            if await self._state.put_once("device-user-taken", code, LIFETIME + _TOLD):
                await self._state.put("device-user", code, key.encode(), LIFETIME)
                return code


def _key(device_code: str) -> str:
    return hashlib.sha256(b"device " + device_code.encode("utf-8", "replace")).hexdigest()


def _refused(code: str, message: str) -> Denied:
    return Denied(code, message, stage=Stage.TOKEN)


def _invalid() -> Denied:
    return _refused("device_code_invalid", "the device code is not good, or was used already")


def _unknown() -> NotFound:
    return NotFound(
        "user_code_unknown",
        "no device waits under this code; look again at the device, or begin again there",
        field="user_code",
    )


def _too_many(code: str, what: str) -> Exhausted:
    return Exhausted(code, f"too many {what} in a short time; try again later", retry_after=_WINDOW)
