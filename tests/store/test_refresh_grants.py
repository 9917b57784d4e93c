"""Refresh grants, on both engines."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.errors import Conflict, NotFound
from broker.iam.model import RefreshGrant
from broker.iam.uidp import Uidp
from broker.store import Store
from tests.store.samples import NOW, person

ANN = person("ann")


def grant(identity: Uidp = ANN.id, **more: Any) -> RefreshGrant:
    values: dict[str, Any] = {
        "id": secrets.token_hex(16),
        "identity": identity,
        "client_id": "broker-cli",
        "provider": "google",
        "audience": ("https://api.example", "an audience with spaces"),
        "scopes": (Uidp("ab" * 20), Uidp(f"{'ab' * 20}/{'cd' * 8}")),
        "capabilities": ("groups.list",),
        "openid_scope": ("openid", "offline_access"),
        "generation": 0,
        "secret_sha256": secrets.token_hex(32),
        "authenticated_at": NOW,
        "created_at": NOW,
        "used_at": NOW,
        "expires_at": NOW + timedelta(days=7),
        "ends_at": NOW + timedelta(days=30),
    }
    return RefreshGrant(**values | more)


def renewal(used: RefreshGrant) -> RefreshGrant:
    """The next generation."""
    return replace(
        used,
        generation=used.generation + 1,
        secret_sha256=secrets.token_hex(32),
        used_at=NOW + timedelta(hours=1),
        expires_at=NOW + timedelta(days=8),
    )


@pytest.fixture(autouse=True)
async def registered(store: Store) -> None:
    async with store.write() as records:
        await records.identities.add(ANN)


async def add(store: Store, *grants: RefreshGrant) -> None:
    async with store.write() as records:
        for each in grants:
            await records.refresh_grants.add(each)


async def test_a_grant_comes_back_as_it_was_kept(store: Store) -> None:
    """Every member, with lists that are empty or have several values."""
    full = grant()
    bare = grant(client_id="", audience=(), scopes=(), capabilities=(), openid_scope=())
    await add(store, full, bare)
    async with store.read() as records:
        assert await records.refresh_grants.get(full.id) == full
        assert await records.refresh_grants.get(bare.id) == bare
        assert await records.refresh_grants.get("00" * 16) is None
        found = await records.refresh_grants.of_identity(ANN.id)
    assert found == sorted([full, bare], key=lambda each: each.id)


async def test_a_grant_is_somebodys(store: Store) -> None:
    """Nobody has one who is not registered, and no two have the same id."""
    one = grant()
    await add(store, one)
    with pytest.raises(Conflict, match="exists already"):
        await add(store, replace(one, client_id="other"))
    with pytest.raises(NotFound, match="identity"):
        await add(store, grant(person("bob").id))


async def test_the_newest_generation_alone_is_renewed(store: Store) -> None:
    """By generation and hash: another secret of the same generation renews nothing."""
    used = grant()
    newer = renewal(used)
    await add(store, used)
    async with store.write() as records:
        forged = replace(used, secret_sha256="00" * 32)
        assert not await records.refresh_grants.rotate(forged, newer)
        assert await records.refresh_grants.rotate(used, newer)
        assert not await records.refresh_grants.rotate(used, renewal(used))
        assert await records.refresh_grants.get(used.id) == newer


async def test_of_many_who_renew_at_once_one_does(store: Store) -> None:
    """In one transaction each, at the same time."""
    used = grant()
    await add(store, used)

    async def renew() -> bool:
        async with store.write() as records:
            return await records.refresh_grants.rotate(used, renewal(used))

    assert sorted(await asyncio.gather(*(renew() for _ in range(5)))) == [False] * 4 + [True]


async def test_grants_end_one_by_one_with_their_person_or_in_time(store: Store) -> None:
    """What is deleted is told, and nothing else is touched."""
    one, two, old = grant(), grant(), grant(expires_at=NOW)
    bob = person("bob")
    async with store.write() as records:
        await records.identities.add(bob)
    await add(store, one, two, old, theirs := grant(bob.id))
    async with store.write() as records:
        assert await records.refresh_grants.delete(one.id)
        assert not await records.refresh_grants.delete(one.id)
        assert await records.refresh_grants.delete_expired(NOW) == 1
        assert await records.refresh_grants.get(old.id) is None
        assert await records.refresh_grants.delete_of_identity(ANN.id) == 1
        assert await records.refresh_grants.get(theirs.id) == theirs
