"""Identities kept in memory, in front of a real database."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from broker.directory.snapshots import Snapshots
from broker.iam.model import ClaimMatch
from broker.iam.uidp import Uidp
from broker.store import Store
from tests.kit.issuers import ManualClock
from tests.kit.organizations import CAPABILITIES, ROLES, Organization, organization

TTL = 30
SIZE = 2


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def snapshots(store: Store, clock: ManualClock) -> Snapshots:
    return Snapshots(
        store,
        capabilities=CAPABILITIES,
        roles=ROLES,
        own_audiences=("https://broker.example",),
        size=SIZE,
        ttl=TTL,
        clock=clock,
    )


@pytest.fixture
async def acme(store: Store) -> Organization:
    return await organization(store)


async def new_identity(acme: Organization, name: str = "ci") -> Uidp:
    return await acme.identity(ClaimMatch(issuer="https://ci.example", subject="main"), name=name)


async def rename(acme: Organization, identity: Uidp, name: str) -> None:
    async with acme.store.write() as records:
        kept = await records.identities.get(identity)
        assert kept is not None
        await records.identities.update(replace(kept, name=name))


async def name_of(snapshots: Snapshots, identity: Uidp) -> str:
    snapshot = await snapshots.get(identity)
    assert snapshot is not None
    return snapshot.identity.name


async def test_a_change_shows_after_a_refresh(snapshots: Snapshots, acme: Organization) -> None:
    """Until then what is kept answers, without the database."""
    identity = await new_identity(acme)
    await snapshots.refresh()
    assert await name_of(snapshots, identity) == "ci"
    await rename(acme, identity, "new")
    assert await name_of(snapshots, identity) == "ci"
    await snapshots.refresh()
    assert await name_of(snapshots, identity) == "new"


async def test_a_deleted_identity_is_gone_after_a_refresh(
    snapshots: Snapshots, acme: Organization
) -> None:
    """None, as if it had never been."""
    identity = await new_identity(acme)
    assert await snapshots.get(identity) is not None
    async with acme.store.write() as records:
        await records.identities.delete(identity)
    await snapshots.refresh()
    assert await snapshots.get(identity) is None


async def test_what_is_kept_ends_by_its_ttl(
    snapshots: Snapshots, acme: Organization, clock: ManualClock
) -> None:
    """Even when nobody refreshes: the database may be away from `watch`, and back."""
    identity = await new_identity(acme)
    assert await name_of(snapshots, identity) == "ci"
    await rename(acme, identity, "new")
    clock.advance(TTL - 0.1)
    assert await name_of(snapshots, identity) == "ci"
    clock.advance(0.1)
    assert await name_of(snapshots, identity) == "new"


async def test_the_least_recently_used_makes_room(snapshots: Snapshots, acme: Organization) -> None:
    """No more than `size` are kept."""
    one, two, three = [await new_identity(acme, name) for name in ("one", "two", "three")]
    for identity in (one, two, one, three):
        await snapshots.get(identity)
    for identity in (one, two, three):
        await rename(acme, identity, "new")
    assert await name_of(snapshots, one) == "one"
    assert await name_of(snapshots, three) == "three"
    assert await name_of(snapshots, two) == "new"


async def test_unknown_identities_are_not_kept(snapshots: Snapshots, acme: Organization) -> None:
    """One that is made later is found at once, and nobody fills the memory with names."""
    person = Uidp.of_person("https://accounts.google.com", "alice")
    assert await snapshots.get(person) is None
    assert await acme.person("https://accounts.google.com", "alice") == person
    assert await name_of(snapshots, person) == "alice"


async def test_what_changes_while_it_is_loaded_is_not_kept(
    snapshots: Snapshots, acme: Organization
) -> None:
    """Who asked gets what was read; who asks next gets what is there then."""
    identity = await new_identity(acme)
    await snapshots.refresh()
    loading = asyncio.create_task(snapshots.get(identity))
    for _ in range(3):
        await asyncio.sleep(0)  # it waits for the database then
    snapshots.clear()
    assert await loading is not None
    await rename(acme, identity, "new")
    assert await name_of(snapshots, identity) == "new"


async def test_many_who_ask_at_once_cause_one_load(
    snapshots: Snapshots, acme: Organization
) -> None:
    """And one of them who goes away takes nothing from the others."""
    identity = await new_identity(acme)
    waiting = [asyncio.create_task(snapshots.get(identity)) for _ in range(20)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1] is not None
    assert all(one is found[1] for one in found[1:])


async def test_bindings_are_resolved(snapshots: Snapshots, acme: Organization) -> None:
    """Built-in and custom roles; capabilities that the installation does not have are left out."""
    identity = await new_identity(acme)
    custom = await acme.role("custom", "groups.list", "gone.capability")
    await acme.bind(identity, custom)
    await acme.bind(identity, "viewer", acme.id)
    snapshot = await snapshots.get(identity)
    assert snapshot is not None
    held = {grant.role: grant for grant in snapshot.grants}
    assert set(held) == {"custom", "viewer"}
    assert CAPABILITIES.to_names(held["custom"].capabilities) == ("groups.list",)
    assert (held["custom"].group, held["viewer"].group) == (acme.folder, acme.id)


async def test_watching_goes_on_after_a_defect(
    snapshots: Snapshots, acme: Organization, tmp_path: Path
) -> None:
    """A database that answers nonsense for a while does not end the watch for good."""
    identity = await new_identity(acme)
    await snapshots.refresh()
    assert await name_of(snapshots, identity) == "ci"
    with contextlib.closing(
        sqlite3.connect(tmp_path / "broker.sqlite3", timeout=30, isolation_level=None)
    ) as other:
        other.execute("ALTER TABLE generations RENAME TO elsewhere")
        watching = asyncio.create_task(snapshots.watch(every=0.001))
        with pytest.raises(Exception, match="no such table"):
            await acme.store.generation()
        await asyncio.sleep(0.05)
        assert not watching.done()
        other.execute("ALTER TABLE elsewhere RENAME TO generations")
    await rename(acme, identity, "new")
    async with asyncio.timeout(10):
        while await name_of(snapshots, identity) != "new":  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_what_others_say_is_looked_at_at_once(
    snapshots: Snapshots, acme: Organization
) -> None:
    """Not only at the next look of its own, which here never comes."""
    identity = await new_identity(acme)
    watching = asyncio.create_task(snapshots.watch(every=3600))
    while snapshots._checked_at < 0:  # noqa: ASYNC110 - the first look, which tells nobody
        await asyncio.sleep(0.01)
    assert await name_of(snapshots, identity) == "ci"
    await rename(acme, identity, "new")
    snapshots.wake()
    for _ in range(1000):
        if await name_of(snapshots, identity) == "new":
            break
        await asyncio.sleep(0.01)
    assert await name_of(snapshots, identity) == "new"
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def test_others_are_told_of_changes_made_here(store: Store, clock: ManualClock) -> None:
    """Each time, and not of what was heard from them."""
    told: list[str] = []
    snapshots = Snapshots(
        store,
        capabilities=CAPABILITIES,
        roles=ROLES,
        own_audiences=(),
        size=SIZE,
        ttl=TTL,
        clock=clock,
        announce=lambda: told.append("changed"),
    )
    await snapshots.refresh()
    assert told == []
    await snapshots.changed()
    await snapshots.changed()
    assert told == ["changed"] * 2
