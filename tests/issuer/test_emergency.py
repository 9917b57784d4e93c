"""A key that is known to others: another signs at once, and that one is nowhere any more."""

from __future__ import annotations

import asyncio
import json

import pytest

from broker.errors import NotFound
from broker.issuer.schedule import BURIAL, KeyState
from broker.issuer.wrapping import KeyFile
from tests.issuer.key_log import SqliteKeyLog
from tests.issuer.rings import REFRESH, Clock, key_ring, kids


async def test_another_key_signs_at_once_and_the_revoked_one_is_not_published(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """No publish lead, no hour in which the old key is still good for the tokens it signed."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    leaked = ring.signer(clock.now).kid
    new = await ring.replace_now(leaked)
    assert ring.signer(clock.now).kid == new.kid
    assert kids(ring, clock.now) == [new.kid]
    states = [status.state for status in ring.states(clock.now)]
    assert states == [KeyState.REVOKED, KeyState.ACTIVE]


async def test_other_processes_follow_at_their_next_refresh(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """A ring that knew the revoked key, and had it unwrapped, signs with the new one."""
    ring, other = key_ring(log, wrapper, clock), key_ring(log, wrapper, clock)
    await ring.open()
    await other.open()
    leaked = other.signer(clock.now).kid
    new = await ring.replace_now(leaked)
    clock.seconds += REFRESH
    await other.refresh()
    assert other.signer(clock.now).kid == new.kid
    assert kids(other, clock.now) == [new.kid]


async def test_a_key_that_waits_can_be_revoked_before_it_signs(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """Its turn never comes, and the key that signs meanwhile stays published."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    first = ring.signer(clock.now).kid
    waiting = (await ring.rotate()).key.kid
    new = await ring.replace_now(waiting)
    assert kids(ring, clock.now) == [first, new.kid]
    assert ring.signer(clock.now).kid == new.kid


async def test_a_rotation_after_a_revocation_goes_on(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """The chain does not end with a revoked key."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    new = await ring.replace_now(ring.signer(clock.now).kid)
    await log.revoke(new.kid, clock())
    await ring.refresh()
    assert ring.signer(clock.now).kid != new.kid
    following = await ring.rotate()
    assert following.created


async def test_an_unknown_key_changes_nothing(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """A mistyped kid makes no key."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    before = kids(ring, clock.now)
    with pytest.raises(NotFound) as refusal:
        await ring.replace_now("mistyped")
    assert refusal.value.code == "key_not_found"
    assert kids(ring, clock.now) == before


async def test_two_operators_at_once_both_get_a_key(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """Each revokes what it found to be known, and neither key is used by either ring."""
    rings = [key_ring(log, wrapper, clock) for _ in range(2)]
    for ring in rings:
        await ring.open()
    leaked = rings[0].signer(clock.now).kid
    made = await asyncio.gather(*(ring.replace_now(leaked) for ring in rings))
    assert made[0].kid != made[1].kid
    for ring in rings:
        await ring.refresh()
        assert leaked not in kids(ring, clock.now)
    signing = {ring.signer(clock.now).kid for ring in rings}
    assert len(signing) == 1
    assert signing <= {key.kid for key in made}


async def test_a_revoked_row_is_deleted_in_the_end(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """The log keeps it for a day, for replicas whose clocks are wrong, and no longer."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    leaked = ring.signer(clock.now).kid
    await ring.replace_now(leaked)
    clock.seconds += BURIAL.total_seconds() - 1
    await ring.refresh()
    assert leaked in {key.kid for key in await log.all()}
    clock.seconds += 1
    await ring.refresh()
    assert leaked not in {key.kid for key in await log.all()}


async def test_the_public_half_of_a_revoked_key_is_not_served(
    log: SqliteKeyLog, wrapper: KeyFile, clock: Clock
) -> None:
    """Not under another kid either."""
    ring = key_ring(log, wrapper, clock)
    await ring.open()
    (leaked,) = json.loads(ring.jwks(clock.now))["keys"]
    await ring.replace_now(leaked["kid"])
    assert leaked["x"] not in ring.jwks(clock.now).decode()
