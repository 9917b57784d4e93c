"""What each signing key does when: a function of the key log's chain and the clock alone.

Pure. Instants are seconds since the epoch here; the rows' datetimes are aware.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

from broker.errors import Invalid
from broker.issuer.keys import SigningKey

LONGEST_TOKEN: Final = timedelta(hours=1)
"""No token of ours lives longer, whatever is configured now or was when it was minted."""

MARGIN: Final = timedelta(seconds=60)
"""For what no setting states: clocks of two replicas that differ, a commit that takes long."""

LEEWAY: Final = timedelta(seconds=60)
"""What verifiers commonly add to `exp` for clocks that differ."""

BURIAL: Final = timedelta(days=1)
"""How long the row of a key outlives its place in the JWKS, so that a replica whose clock is
wrong by hours does not delete what the others need."""


def least_publish_lead(*, jwks_max_age: timedelta, refresh_interval: timedelta) -> timedelta:
    """The shortest time for which a key has to be published before it signs.

    A replica sees a new key one refresh interval after another made it; a verifier that fetched
    the JWKS from it just before may keep that for its maximum age. Only then does everybody
    know the key.
    """
    return jwks_max_age + refresh_interval + MARGIN


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationSchedule:
    """The times of a rotation. Raises `Invalid` if verifiers could meet a key they do not know."""

    publish_lead: timedelta
    """How long a key is published before it signs."""
    jwks_max_age: timedelta
    """How long verifiers may keep our JWKS."""
    refresh_interval: timedelta
    """How often every process looks at the key log."""
    rotation_period: timedelta | None
    """Age at which a signing key is replaced; None: only by hand."""
    token_lifetime: timedelta = LONGEST_TOKEN
    """Longest life of a token, of those too that were minted under older settings."""
    leeway: timedelta = LEEWAY
    """What verifiers add to `exp`."""

    def __post_init__(self) -> None:
        least = least_publish_lead(
            jwks_max_age=self.jwks_max_age, refresh_interval=self.refresh_interval
        )
        if self.publish_lead < least:
            raise Invalid(
                "key_publish_lead_too_short",
                f"key_publish_lead: {_seconds(self.publish_lead)} s is too short; JWKS maximum "
                f"age, refresh interval and {_seconds(MARGIN)} s of margin make "
                f"{_seconds(least)} s, and before that verifiers meet keys that they do not know",
                field="key_publish_lead",
            )
        if self.rotation_period is not None and self.rotation_period < self.publish_lead:
            raise Invalid(
                "key_rotation_period_too_short",
                "rotation period: shorter than the time for which a key is published before it "
                f"signs ({_seconds(self.publish_lead)} s); leave it out to rotate by hand only",
                field="rotation_period",
            )

    @property
    def trusted_for(self) -> float:
        """Seconds for which a reading of the key log tells which keys sign.

        A key that was made just after the reading signs only after that, by anybody's clock.
        """
        return (self.publish_lead - MARGIN).total_seconds()


class KeyState(Enum):
    """What a key does, in the order in which each goes through them."""

    NEXT = "next"
    """Published, signs later."""
    ACTIVE = "active"
    """Signs."""
    RETIRED = "retired"
    """Published for the tokens that it signed."""
    GONE = "gone"
    """Not published any more; its row is deleted some time later."""
    REVOKED = "revoked"
    """Known to others: neither signs nor is published, from the moment of its revocation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStatus:
    """A key with its state at a moment, as `broker keys list` shows it."""

    key: SigningKey
    state: KeyState
    signs_from: datetime
    signs_until: datetime | None
    """None as long as it has no successor."""
    leaves_jwks_at: datetime | None
    """None as long as it has no successor."""


@dataclass(frozen=True, slots=True)
class _Entry:
    key: SigningKey
    signs_from: float
    signs_until: float
    """When the first of the later keys takes over; infinity for the newest."""
    leaves: float


class Timeline:
    """The rows of the key log in the order of their rotations.

    The newest key whose time has come signs. Where none has (a clock that went back), the
    oldest does: it has been published for the longest.
    """

    def __init__(self, rows: Iterable[SigningKey], schedule: RotationSchedule) -> None:
        keep = (schedule.token_lifetime + schedule.leeway + MARGIN).total_seconds()
        until = float("inf")
        entries: list[_Entry] = []
        self._chain = _in_order(rows)
        for key in reversed(self._chain):
            if key.revoked_at is not None:
                continue  # whoever came before it signs for as long as if it had never been
            signs_from = key.activates_at.timestamp()
            entries.append(_Entry(key, signs_from, until, until + keep))
            until = min(until, signs_from)
        self._entries = tuple(reversed(entries))

    @property
    def empty(self) -> bool:
        """Whether there is no key that may be used."""
        return not self._entries

    @property
    def newest(self) -> SigningKey:
        """The end of the chain, which the next key replaces."""
        return self._chain[-1]

    def active(self, now: float) -> tuple[SigningKey, float]:
        """The key that signs at `now`, and until when."""
        entry = self._entries[self._position(now)]
        return entry.key, entry.signs_until

    def upcoming(self, now: float) -> list[SigningKey]:
        """The key that signs at `now` and those that will, in this order."""
        return [entry.key for entry in self._entries[self._position(now) :]]

    def published(self, now: float) -> list[SigningKey]:
        """The keys that a verifier may meet, oldest first.

        Every row is among them until its last token expired, even if it was made in what is the
        future of this clock.
        """
        position = self._position(now)
        return [e.key for n, e in enumerate(self._entries) if n >= position or now < e.leaves]

    def buried(self, now: float) -> list[SigningKey]:
        """The keys whose rows nobody needs any more, oldest first; never the one that signs."""
        before = now - BURIAL.total_seconds()
        earlier = self._entries[: self._position(now)]
        revoked = [key for key in self._chain[:-1] if _was_revoked(key, before)]
        return [*revoked, *(entry.key for entry in earlier if entry.leaves <= before)]

    def statuses(self, now: float) -> list[KeyStatus]:
        """Every key with its state, oldest first."""
        position = self._position(now)
        live = {
            entry.key.kid: KeyStatus(
                key=entry.key,
                state=_state(n, position, entry, now),
                signs_from=entry.key.activates_at,
                signs_until=_datetime(entry.signs_until),
                leaves_jwks_at=_datetime(entry.leaves),
            )
            for n, entry in enumerate(self._entries)
        }
        return [live.get(key.kid) or _revoked(key) for key in self._chain]

    def _position(self, now: float) -> int:
        for n in range(len(self._entries) - 1, 0, -1):
            if self._entries[n].signs_from <= now:
                return n
        return 0


def _state(n: int, position: int, entry: _Entry, now: float) -> KeyState:
    if n > position:
        return KeyState.NEXT
    if n == position:
        return KeyState.ACTIVE
    return KeyState.RETIRED if now < entry.leaves else KeyState.GONE


def _was_revoked(key: SigningKey, before: float) -> bool:
    return key.revoked_at is not None and key.revoked_at.timestamp() <= before


def _revoked(key: SigningKey) -> KeyStatus:
    return KeyStatus(
        key=key,
        state=KeyState.REVOKED,
        signs_from=key.activates_at,
        signs_until=key.revoked_at,
        leaves_jwks_at=key.revoked_at,
    )


def _in_order(rows: Iterable[SigningKey]) -> Sequence[SigningKey]:
    """By the chain. Where it is broken (a row was deleted), its pieces stand by age.

    The chain decides before the clock: a successor made after a clock was set back replaces its
    predecessor, even if its times are the earlier ones.
    """
    by_age = sorted(rows, key=lambda key: (key.activates_at, key.created_at, key.kid))
    kids = {key.kid for key in by_age}
    following = {key.predecessor: key for key in by_age}
    ordered: dict[str, SigningKey] = {}
    heads = [key for key in by_age if key.predecessor not in kids]
    # a row that no head leads to (a loop) is no work of ours; it is kept, not dropped
    for head in [*heads, *by_age]:
        key: SigningKey | None = head
        while key is not None and key.kid not in ordered:
            ordered[key.kid] = key
            key = following.get(key.kid)
    return list(ordered.values())


def _datetime(instant: float) -> datetime | None:
    return None if instant == float("inf") else datetime.fromtimestamp(instant, UTC)


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
