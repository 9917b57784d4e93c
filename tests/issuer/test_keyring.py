"""The key ring over a key log on SQLite."""

from __future__ import annotations

import asyncio
from pathlib import Path

import jwt
import orjson
import pytest

from broker.errors import Conflict, Precondition, Unavailable
from broker.issuer.keyring import KeyRing
from broker.issuer.keys import SigningKey
from broker.issuer.schedule import KeyState
from broker.issuer.signer import ALGORITHMS, Algorithm
from broker.issuer.wrapping import KeyFile
from tests.issuer.key_log import SqliteKeyLog
from tests.issuer.rings import (
    LEAD,
    MAX_AGE,
    PERIOD,
    REFRESH,
    Clock,
    key_file,
    key_ring,
    kids,
    schedule,
)

KEPT = 3600 + 60 + 60
DAY = 86_400


class UnreachableKeyLog(SqliteKeyLog):
    """A log whose database goes away when told to."""

    away = False

    async def all(self) -> list[SigningKey]:
        if self.away:
            raise Unavailable("database_unavailable", "the database does not answer")
        return await super().all()


def states(ring: KeyRing, clock: Clock) -> list[KeyState]:
    return [status.state for status in ring.states(clock.now)]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
async def test_the_first_key_signs_at_once(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock, algorithm: Algorithm
) -> None:
    """Opening an empty log makes one key, which signs and is published from that moment."""
    ring = key_ring(log, wrapper, clock, algorithm=algorithm)
    await ring.open()
    signer = ring.signer(clock.now)
    assert kids(ring, clock.now) == [signer.kid]
    public = jwt.PyJWKSet.from_json(ring.jwks(clock.now).decode())[signer.kid]
    token = signer.sign(b'{"sub":"x"}', typ="at+jwt")
    assert jwt.decode(token, public, algorithms=[algorithm]) == {"sub": "x"}


async def test_a_log_that_has_a_key_is_not_given_another(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """A second start uses the key of the first."""
    first, second = key_ring(log, wrapper, clock), key_ring(log, wrapper, clock)
    await first.open()
    await second.open()
    assert first.signer(clock.now) == second.signer(clock.now)
    assert len(await log.all()) == 1


async def test_of_many_processes_that_start_at_once_one_makes_the_key(
    tmp_path: Path, wrapper: KeyFile, clock: Clock
) -> None:
    """Losing the race for the first key is a normal start."""
    logs = [SqliteKeyLog(str(tmp_path / "log")) for _ in range(5)]
    rings = [key_ring(log, wrapper, clock) for log in logs]
    await asyncio.gather(*(ring.open() for ring in rings))
    assert len(await logs[0].all()) == 1
    assert len({ring.signer(clock.now).kid for ring in rings}) == 1
    for log in logs:
        log.close()


async def test_a_rotation_is_published_before_it_signs(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """The old key signs for the whole publish lead, the new one from its end."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    old = ring.signer(clock.now)
    rotation = await ring.rotate()
    assert rotation.created
    assert kids(ring, clock.now) == [old.kid, rotation.key.kid]
    clock.seconds = LEAD - 0.001
    await ring.refresh()
    assert ring.signer(clock.now) == old
    # no refresh in between: the turn of the next key comes by the clock alone
    assert ring.signer(clock.now + 0.001).kid == rotation.key.kid


async def test_a_waiting_key_is_not_piled_upon(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """Rotating while a key waits answers with that key and says that it is not new."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    first = await ring.rotate()
    clock.seconds = LEAD - 1
    second = await ring.rotate()
    assert (second.created, second.key) == (False, first.key)
    clock.seconds = LEAD
    assert (await ring.rotate()).created


async def test_of_many_processes_that_rotate_at_once_one_does(
    tmp_path: Path, wrapper: KeyFile, clock: Clock
) -> None:
    """Somebody else's rotation is a normal outcome, and everybody sees the same key."""
    logs = [SqliteKeyLog(str(tmp_path / "log")) for _ in range(5)]
    rings = [key_ring(log, wrapper, clock) for log in logs]
    for ring in rings:
        await ring.open()
    rotations = await asyncio.gather(*(ring.rotate() for ring in rings))
    assert sum(rotation.created for rotation in rotations) == 1
    assert len({rotation.key.kid for rotation in rotations}) == 1
    assert len(await logs[0].all()) == 2
    for log in logs:
        log.close()


async def test_another_conflict_is_not_taken_for_a_rotation(wrapper: KeyFile, clock: Clock) -> None:
    """Only `key_rotated` means that another process was first."""

    class RefusingKeyLog(SqliteKeyLog):
        async def add(self, key: SigningKey) -> None:
            raise Conflict("read_only", "the database is read-only")

    log = RefusingKeyLog()
    with pytest.raises(Conflict, match="read-only"):
        await key_ring(log, wrapper, clock).open()
    log.close()


async def test_a_rotation_elsewhere_is_seen_by_the_next_refresh(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """A ring publishes and uses the key that another process made."""
    here, there = key_ring(log, wrapper, clock), key_ring(log, wrapper, clock)
    await here.open()
    await there.open()
    made = (await there.rotate()).key
    assert made.kid not in kids(here, clock.now)
    clock.seconds = REFRESH
    await here.refresh()
    assert made.kid in kids(here, clock.now)
    clock.seconds = LEAD
    await here.refresh()
    assert here.signer(clock.now).kid == made.kid


async def test_refresh_rotates_a_key_that_is_old_enough(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """At the end of the rotation period, and not before, refreshing appends a key."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    clock.seconds = PERIOD - 1
    await ring.refresh()
    assert states(ring, clock) == [KeyState.ACTIVE]
    for _ in range(2):
        clock.seconds += 1
        await ring.refresh()
        assert states(ring, clock) == [KeyState.ACTIVE, KeyState.NEXT]


async def test_without_a_period_keys_are_rotated_by_hand_alone(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """A ring without a rotation period keeps its key for years."""
    ring = key_ring(log, wrapper, clock, times=schedule(period=None))
    await ring.open()
    clock.seconds = 100 * PERIOD
    await ring.refresh()
    assert states(ring, clock) == [KeyState.ACTIVE]


async def test_rows_of_expired_keys_are_deleted(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """A retired key leaves the JWKS with its last token; its row goes a day later, for all rings."""
    rings = [key_ring(log, wrapper, clock, times=schedule(period=None)) for _ in range(2)]
    for ring in rings:
        await ring.open()
    made = (await rings[0].rotate()).key
    clock.seconds = LEAD + KEPT
    assert kids(rings[0], clock.now) == [made.kid]
    await rings[0].refresh()
    assert states(rings[0], clock) == [KeyState.GONE, KeyState.ACTIVE]
    clock.seconds += DAY
    await asyncio.gather(*(ring.refresh() for ring in rings))
    assert [row.kid for row in await log.all()] == [made.kid]
    for ring in rings:
        await ring.refresh()
        assert states(ring, clock) == [KeyState.ACTIVE]
        assert ring.signer(clock.now).kid == made.kid


async def test_a_chain_whose_beginning_is_gone_rotates_on(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """After deletions the newest key still gets its successor, again and again."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    for _ in range(5):
        clock.seconds += PERIOD
        await ring.refresh()
        clock.seconds += LEAD
        await ring.refresh()
    assert states(ring, clock) == [KeyState.RETIRED, KeyState.ACTIVE]


async def test_each_private_key_is_unwrapped_once(log: SqliteKeyLog, clock: Clock) -> None:
    """Refreshing does not ask the wrapper again, which may be a KMS on a network."""

    class CountingKeyFile(KeyFile):
        contexts: list[str] = []  # noqa: RUF012 - one instance, one test

        def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
            self.contexts.append(context)
            return super().unwrap(wrapped, context=context)

    wrapper = CountingKeyFile(b"k" * 32, lambda n: b"n" * n)
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    await ring.rotate()
    for _ in range(3):
        await ring.refresh()
    assert sorted(wrapper.contexts) == sorted(f"signing-key:{row.kid}" for row in await log.all())


async def test_a_retired_key_is_not_unwrapped(log: SqliteKeyLog, clock: Clock) -> None:
    """A key that signs no more is published without its private half."""
    old, new = key_file(), key_file()
    ring = key_ring(log, old, clock)
    await ring.open()
    rotated = (await ring.rotate()).key
    private = old.unwrap(rotated.wrapped_private, context=f"signing-key:{rotated.kid}")
    await log.delete(rotated.kid)
    wrapped = new.wrap(private, context=f"signing-key:{rotated.kid}")
    await log.add(with_private(rotated, wrapped))
    clock.seconds = LEAD
    other = key_ring(log, new, clock)
    await other.open()
    assert other.signer(clock.now).kid == rotated.kid
    assert len(kids(other, clock.now)) == 2


def with_private(key: SigningKey, wrapped: bytes) -> SigningKey:
    return SigningKey(
        kid=key.kid,
        algorithm=key.algorithm,
        public_jwk=key.public_jwk,
        wrapped_private=wrapped,
        created_at=key.created_at,
        activates_at=key.activates_at,
        predecessor=key.predecessor,
    )


async def test_a_wrong_key_encryption_key_stops_the_start(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """Opening with another key-encryption key fails and leaves the log as it was."""
    await key_ring(log, wrapper, clock).open()
    stranger = key_ring(log, key_file(), clock)
    with pytest.raises(Precondition) as caught:
        await stranger.open()
    assert caught.value.code == "key_encryption_key_mismatch"
    with pytest.raises(Precondition):
        await stranger.rotate()
    assert len(await log.all()) == 1


async def test_a_next_key_that_cannot_be_unwrapped_is_published_and_does_not_sign(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """Others may sign with it, so verifiers learn it; this process stops when its turn comes."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    made = (await ring.rotate()).key
    await log.delete(made.kid)
    await log.add(with_private(made, key_file().wrap(b"x", context=f"signing-key:{made.kid}")))
    other = key_ring(log, wrapper, clock)
    with pytest.raises(Precondition):
        await other.open()
    assert made.kid in kids(other, clock.now)
    assert other.signer(clock.now).kid == made.predecessor
    clock.seconds = LEAD
    with pytest.raises(Precondition):
        await other.refresh()
    with pytest.raises(Unavailable) as caught:
        other.signer(clock.now)
    assert caught.value.code == "signing_key_unusable"


async def test_a_clock_that_goes_back_finds_a_key(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """Whatever the clock says, the ring signs with a key that it publishes."""
    ring = key_ring(log, wrapper, clock)
    clock.seconds = 10 * DAY
    await ring.open()
    await ring.rotate()
    clock.seconds += LEAD + KEPT
    await ring.refresh()
    fresh = key_ring(log, wrapper, clock)
    await fresh.open()
    for seconds in (10 * DAY + LEAD, 10 * DAY, 0, -1000 * DAY):
        clock.seconds = seconds
        for each in (ring, fresh):
            assert each.signer(clock.now).kid in kids(each, clock.now)
            await each.refresh()
            assert each.signer(clock.now).kid in kids(each, clock.now)


async def test_before_it_is_opened_a_ring_signs_nothing(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """A ring without keys refuses, and its empty JWKS is not to be kept."""
    ring = key_ring(log, wrapper, clock)
    with pytest.raises(Unavailable):
        ring.signer(clock.now)
    assert (kids(ring, clock.now), ring.jwks_max_age(clock.now)) == ([], 0)


async def test_a_ring_that_cannot_read_the_log_stops_in_time(
    wrapper: KeyFile, clock: Clock
) -> None:
    """It signs until a key that it does not know could, and lowers its maximum age before."""
    log = UnreachableKeyLog()
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    log.away = True
    with pytest.raises(Unavailable, match="does not answer"):
        await ring.refresh()
    trusted = LEAD - 60
    ages = {
        seconds: ring.jwks_max_age(clock.now + seconds)
        for seconds in (0, trusted - MAX_AGE, trusted - 100, trusted, trusted + DAY)
    }
    assert list(ages.values()) == [MAX_AGE, MAX_AGE, 100, 0, 0]
    assert ring.signer(clock.now + trusted - 1).kid in kids(ring, clock.now)
    with pytest.raises(Unavailable) as caught:
        ring.signer(clock.now + trusted)
    assert caught.value.code == "signing_keys_stale"
    assert len(kids(ring, clock.now + trusted)) == 1
    log.away = False
    clock.seconds = trusted
    await ring.refresh()
    assert ring.signer(clock.now).kid in kids(ring, clock.now)
    log.close()


async def test_the_jwks_holds_public_keys_in_a_stable_order(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """RFC 7517 §5: an object with `keys`; the same bytes until a key comes or leaves."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    await ring.rotate()
    first = ring.jwks(clock.now)
    await ring.refresh()
    assert ring.jwks(clock.now + LEAD) == first
    parsed = orjson.loads(first)
    assert list(parsed) == ["keys"]
    for member in parsed["keys"]:
        assert set(member) == {"kty", "crv", "x", "y", "kid", "use", "alg"}


async def test_keys_of_two_algorithms_live_side_by_side(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """A change of the algorithm takes effect with the next rotation, without a gap."""
    await key_ring(log, wrapper, clock).open()
    ring = key_ring(log, wrapper, clock, algorithm="EdDSA")
    await ring.open()
    assert ring.signer(clock.now).algorithm == "ES256"
    await ring.rotate()
    clock.seconds = LEAD
    await ring.refresh()
    assert ring.signer(clock.now).algorithm == "EdDSA"
    algorithms = [key["alg"] for key in orjson.loads(ring.jwks(clock.now))["keys"]]
    assert algorithms == ["ES256", "EdDSA"]
