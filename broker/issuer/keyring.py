"""The signing keys of this process, kept in step with the key log that all processes share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import orjson

from broker.errors import Conflict, NotFound, Unavailable
from broker.issuer import signer as signing
from broker.issuer.keys import SigningKey
from broker.issuer.schedule import KeyStatus, RotationSchedule, Timeline
from broker.issuer.signer import Algorithm, NewKey, Signer
from broker.issuer.wrapping import KeyWrapper

KEY_ROTATED: Final = "key_rotated"
"""Code of the `Conflict` that says that another row has the same predecessor."""


class KeyLog(Protocol):
    """The rows of the signing keys, shared by all processes of an installation."""

    async def all(self) -> list[SigningKey]:
        """Every row, in any order, its datetimes aware."""
        ...

    async def add(self, key: SigningKey) -> None:
        """Raises `Conflict` (`key_rotated`) if a row with the same predecessor exists."""
        ...

    async def revoke(self, kid: str, at: datetime) -> None:
        """Note that the key is known to others. Raises `NotFound` (`key_not_found`)."""
        ...

    async def delete(self, kid: str) -> None:
        """Does nothing if the row is gone already."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """The outcome of `KeyRing.rotate`."""

    key: SigningKey
    """The key that signs next."""
    created: bool
    """False if it was waiting already, from an earlier rotation or by another process."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A span of time in which the same key signs."""

    start: float
    end: float
    signer: Signer | None


_NEVER: Final = _Window(0.0, 0.0, None)

_ATTEMPTS: Final = 3


class KeyRing:
    """Which key signs, and which are published.

    `signer` and `jwks` answer from memory; `open` and `refresh` read the log. Between two
    refreshes a ring acts on what it read for `RotationSchedule.trusted_for`; a ring that cannot
    read the log for longer stops signing, and says that its JWKS is not to be kept.

    `now` is in seconds since the epoch.
    """

    def __init__(
        self,
        log: KeyLog,
        wrapper: KeyWrapper,
        *,
        algorithm: Algorithm,
        schedule: RotationSchedule,
        clock: Callable[[], datetime],
    ) -> None:
        self._log = log
        self._wrapper = wrapper
        self._algorithm = algorithm
        self._schedule = schedule
        self._clock = clock
        self._timeline = Timeline((), schedule)
        self._read_at = 0.0
        self._signers: dict[str, Signer] = {}
        self._window = _NEVER
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        """Read the log, and make the first key if there is none.

        Raises `Precondition` if the wrapper cannot unwrap the key that signs.
        """
        async with self._lock:
            await self._load()

    async def refresh(self) -> None:
        """Read the log anew, delete rows that nobody needs, replace the signing key if it is due.

        To be called every `refresh_interval`. Raises what the log raises, and `Precondition` if
        a key cannot be unwrapped; what was known before stays in use.
        """
        async with self._lock:
            await self._load()
            now = self._clock().timestamp()
            for key in self._timeline.buried(now):
                await self._log.delete(key.kid)
            period = self._schedule.rotation_period
            active, _ = self._timeline.active(now)
            if period and now - active.activates_at.timestamp() >= period.total_seconds():
                await self._rotate()

    async def rotate(self) -> Rotation:
        """Append a key that signs after the publish lead; one that waits already is enough."""
        async with self._lock:
            await self._load()
            return await self._rotate()

    async def replace_now(self, revoke: str | None = None) -> SigningKey:
        """Append a key that signs at once; with `revoke`, a kid, that key is nowhere from now on.

        For emergencies: a verifier that keeps our JWKS does not know the key before it fetches
        anew, and takes tokens of a revoked one until then. Other processes notice when they
        refresh. Raises `NotFound` (`key_not_found`), and `Conflict` when others keep rotating.
        """
        async with self._lock:
            await self._load()
            if revoke is not None and revoke not in {key.kid for key in await self._log.all()}:
                raise NotFound("key_not_found", "the signing key does not exist", field="kid")
            new, wrapped = await asyncio.to_thread(self._generate)
            row = await self._append_now(new, wrapped)
            if revoke is not None:
                await self._log.revoke(revoke, self._clock())
            await self._load()
            return row

    async def _append_now(self, new: NewKey, wrapped: bytes) -> SigningKey:
        for attempt in range(_ATTEMPTS):
            now, newest = self._clock(), self._timeline.newest
            row = _row(new, wrapped, created=now, activates=now, predecessor=newest.kid)
            try:
                await self._log.add(row)
            except Conflict:
                if attempt == _ATTEMPTS - 1:
                    raise
                self._timeline = Timeline(await self._log.all(), self._schedule)
            else:
                return row
        raise AssertionError("the last attempt returns or raises")

    def signer(self, now: float) -> Signer:
        """The signer of this moment. Raises `Unavailable` if this process may not sign now."""
        window = self._window
        if window.signer is not None and window.start <= now < window.end:
            return window.signer
        return self._find_signer(now)

    def jwks(self, now: float) -> bytes:
        """The JWK Set (RFC 7517 §5): keys that sign, will sign, or signed what may still live."""
        keys = [orjson.Fragment(key.public_jwk) for key in self._timeline.published(now)]
        return orjson.dumps({"keys": keys})

    def jwks_max_age(self, now: float) -> int:
        """Seconds for which a verifier may keep what `jwks` answers now (RFC 9111 §5.2.2.1).

        The configured maximum age, less while the log cannot be read; 0 at the end.
        """
        left = self._read_at + self._schedule.trusted_for - now
        return int(max(0.0, min(self._schedule.jwks_max_age.total_seconds(), left)))

    def read_age(self, now: float) -> float:
        """Seconds since the log was read."""
        return now - self._read_at

    def states(self, now: float) -> list[KeyStatus]:
        """Every key of the log with its state and times, oldest first."""
        return self._timeline.statuses(now)

    def _find_signer(self, now: float) -> Signer:
        trusted_until = self._read_at + self._schedule.trusted_for
        if self._timeline.empty or now >= trusted_until:
            raise Unavailable(
                "signing_keys_stale",
                "the signing keys could not be read from the database for too long; "
                "try again later",
            )
        # A later key stands in where the clock went back to one that was not unwrapped: it has
        # signed before, so it is published.
        due = self._timeline.upcoming(now)
        signer = next((self._signers[key.kid] for key in due if key.kid in self._signers), None)
        if signer is None:
            raise Unavailable(
                "signing_key_unusable",
                "the signing key of this moment could not be decrypted by this process",
            )
        _, until = self._timeline.active(now)
        self._window = _Window(now, min(until, trusted_until), signer)
        return signer

    async def _load(self) -> None:
        read_at = self._clock().timestamp()
        rows = await self._log.all()
        if not rows:
            await self._add_first()
            rows = await self._log.all()
        self._timeline = Timeline(rows, self._schedule)
        if self._timeline.empty:  # every key was revoked: there has to be one that is not
            await self._append_now(*await asyncio.to_thread(self._generate))
            rows = await self._log.all()
            self._timeline = Timeline(rows, self._schedule)
        self._read_at = read_at
        self._window = _NEVER
        # Published before unwrapped: others may sign with a key that this process cannot use.
        upcoming = self._timeline.upcoming(read_at)
        known = {row.kid for row in rows if row.revoked_at is None}
        self._signers = {kid: s for kid, s in self._signers.items() if kid in known}
        for key in upcoming:
            if key.kid not in self._signers:
                self._signers[key.kid] = await asyncio.to_thread(self._unwrap, key)

    async def _add_first(self) -> None:
        new, wrapped = await asyncio.to_thread(self._generate)
        now = self._clock()
        try:
            await self._log.add(_row(new, wrapped, created=now, activates=now, predecessor=""))
        except Conflict as conflict:
            if conflict.code != KEY_ROTATED:
                raise  # otherwise another process was first, and its key is the key

    async def _rotate(self) -> Rotation:
        newest = self._timeline.newest
        active, _ = self._timeline.active(self._clock().timestamp())
        if newest.kid != active.kid and newest.revoked_at is None:
            return Rotation(key=newest, created=False)
        new, wrapped = await asyncio.to_thread(self._generate)
        now = self._clock()  # only now: an RSA key takes its time, which is not time published
        activates = now + self._schedule.publish_lead
        row = _row(new, wrapped, created=now, activates=activates, predecessor=newest.kid)
        try:
            await self._log.add(row)
        except Conflict as conflict:
            if conflict.code != KEY_ROTATED:
                raise
            await self._load()
            return Rotation(key=self._timeline.newest, created=False)
        await self._load()
        return Rotation(key=row, created=True)

    def _generate(self) -> tuple[NewKey, bytes]:
        new = signing.generate(self._algorithm)
        return new, self._wrapper.wrap(new.private_der, context=key_context(new.kid))

    def _unwrap(self, key: SigningKey) -> Signer:
        private_der = self._wrapper.unwrap(key.wrapped_private, context=key_context(key.kid))
        return signing.load(private_der, kid=key.kid, algorithm=key.algorithm)


def key_context(kid: str) -> str:
    """What a private key is bound to while it is wrapped."""
    return f"signing-key:{kid}"


def _row(
    new: NewKey, wrapped: bytes, *, created: datetime, activates: datetime, predecessor: str
) -> SigningKey:
    return SigningKey(
        kid=new.kid,
        algorithm=new.algorithm,
        public_jwk=new.public_jwk,
        wrapped_private=wrapped,
        created_at=created,
        activates_at=activates,
        predecessor=predecessor,
    )
