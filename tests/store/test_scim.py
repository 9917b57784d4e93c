"""What directories have provisioned, on both engines."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from broker.errors import Conflict, NotFound
from broker.iam.model import Group, IdentityProvider, ScimCredential, ScimUser
from broker.iam.scim.filters import parse_filter
from broker.iam.scim.schema import FILTERABLE
from broker.iam.uidp import Uidp
from broker.store import Store
from tests.store.samples import NOW, group, person, provider

ACME = group("acme")
FOLDER = group("eu", ACME.id)
OKTA = provider(ACME.id, "okta")
OTHER = provider(FOLDER.id, "other")


def user(at: IdentityProvider = OKTA, name: str = "Ann@acme.example", **more: Any) -> ScimUser:
    values: dict[str, Any] = {
        "id": secrets.token_hex(16),
        "identity_provider": at.id,
        "external_id": secrets.token_hex(8),
        "user_name": name,
        "attributes": {"displayName": "Ann", "emails": [{"value": name, "primary": True}]},
        "created_at": NOW,
        "updated_at": NOW,
    }
    return ScimUser(**values | more)


@pytest.fixture(autouse=True)
async def providers(store: Store) -> None:
    async with store.write() as records:
        for each in (ACME, FOLDER):
            await records.groups.add(replace(each, description=""))
        for login in (OKTA, OTHER):
            await records.identity_providers.add(login)


async def add(store: Store, *users: ScimUser) -> None:
    async with store.write() as records:
        for each in users:
            await records.scim_users.add(each)


async def found(store: Store, text: str = "", *, start: int = 0, count: int = 100) -> list[str]:
    wanted = parse_filter(text, FILTERABLE) if text else None
    async with store.read() as records:
        page = await records.scim_users.find(OKTA.id, wanted, start=start, count=count)
    return [each.id for each in page.users]


async def test_a_credential_comes_back_as_it_was_kept(store: Store) -> None:
    """Every member; the second `put` replaces the first, and nobody else's."""
    full = ScimCredential(
        identity_provider=OKTA.id,
        enabled=True,
        secret_sha256="ab" * 32,
        expires_at=NOW + timedelta(days=365),
        previous_sha256="cd" * 32,
        previous_expires_at=NOW + timedelta(hours=1),
        revoked_at=NOW,
        version=7,
        updated_at=NOW,
    )
    bare = ScimCredential(identity_provider=OTHER.id, updated_at=NOW)
    async with store.write() as records:
        await records.scim_credentials.put(replace(bare, identity_provider=OKTA.id))
        await records.scim_credentials.put(bare)
        await records.scim_credentials.put(full)
    async with store.read() as records:
        assert await records.scim_credentials.get(OKTA.id) == full
        kept = await records.scim_credentials.many([OKTA.id, OTHER.id, ACME.id])
    assert kept == {OKTA.id: full, OTHER.id: bare}


async def test_what_is_provisioned_is_a_providers(store: Store) -> None:
    """There is no credential, and no user, of a provider that does not exist."""
    nowhere = ACME.id.child(secrets.token_bytes)
    with pytest.raises(NotFound, match="identity provider"):
        async with store.write() as records:
            await records.scim_credentials.put(
                ScimCredential(identity_provider=nowhere, updated_at=NOW)
            )
    with pytest.raises(NotFound, match="identity provider"):
        await add(store, replace(user(), identity_provider=nowhere))


async def test_a_user_comes_back_as_they_were_kept(store: Store) -> None:
    """With the case of the userName, found by id and by externalId, at their provider alone."""
    full = user(identity=person("ann").id, active=False, version=3)
    await add(store, full)
    async with store.read() as records:
        assert await records.scim_users.get(OKTA.id, full.id) == full
        assert await records.scim_users.of_external_id(OKTA.id, full.external_id) == full
        assert await records.scim_users.of_identity(OKTA.id, person("ann").id) == [full]
        assert await records.scim_users.get(OTHER.id, full.id) is None
        assert await records.scim_users.of_external_id(OTHER.id, full.external_id) is None
        assert await records.scim_users.of_identity(OTHER.id, person("ann").id) == []
        assert await records.scim_users.get(OKTA.id, "\0") is None
        assert await records.scim_users.of_external_id(OKTA.id, "\ud800") is None


@pytest.mark.parametrize("same", [{"name": "ANN@acme.example"}, {"external_id": "00u1"}], ids=str)
async def test_no_two_users_of_a_provider_are_alike(store: Store, same: dict[str, Any]) -> None:
    """userName without regard to case, externalId with it; another provider's do not count."""
    await add(store, user(external_id="00u1"), user(name="bob", external_id="00U1"))
    await add(store, user(OTHER, external_id="00u1"))
    with pytest.raises(Conflict, match="another user"):
        await add(store, user(**{"name": "carl"} | same))
    await add(store, carl := user(name="carl"))
    with pytest.raises(Conflict, match="another user"):
        async with store.write() as records:
            await records.scim_users.update(
                replace(carl, user_name="ann@ACME.example")
                if "name" in same
                else replace(carl, external_id="00u1")
            )


async def test_users_are_found_by_filters(store: Store) -> None:
    """By id, externalId, userName (without regard to case) and active, joined by and and or."""
    ann, bob = user(external_id="00u1"), user(name="bob", external_id="00u2", active=False)
    await add(store, ann, bob, user(OTHER, external_id="00u3"))
    for text, expected in {
        'userName eq "ANN@ACME.example"': [ann],
        'externalId eq "00u2"': [bob],
        'externalId eq "00U2"': [],
        f'id eq "{ann.id}"': [ann],
        "active eq true": [ann],
        'active eq "False"': [bob],
        'userName eq "bob" and active eq true': [],
        'externalId eq "00u1" or userName eq "bob" and active eq false': [ann, bob],
        '(externalId eq "00u1" or userName eq "bob") and active eq false': [bob],
        'externalId eq "00u3"': [],
        "": [ann, bob],
    }.items():
        assert await found(store, text) == sorted(each.id for each in expected), text


async def test_pages_of_users(store: Store) -> None:
    """By id; the total is of all that the filter finds, also where no page is asked for."""
    users = [user(name=f"user {number}") for number in range(5)]
    await add(store, *users)
    ids = sorted(each.id for each in users)
    assert await found(store, start=1, count=3) == ids[1:4]
    assert await found(store, start=4, count=3) == ids[4:]
    assert await found(store, start=9) == []
    async with store.read() as records:
        page = await records.scim_users.find(OKTA.id, None, start=0, count=0)
    assert (page.users, page.total) == ([], 5)


async def test_who_was_deleted_is_in_nobodys_way(store: Store) -> None:
    """They are counted and found for logins, and nowhere else; their names may be given anew."""
    gone = user(external_id="00u1", deleted_at=NOW, active=False)
    await add(store, gone)
    assert await found(store) == []
    assert await found(store, f'id eq "{gone.id}"') == []
    async with store.read() as records:
        assert await records.scim_users.of_external_id(OKTA.id, "00u1") == gone
        assert await records.scim_users.count(OKTA.id) == 1
    await add(store, other := user(name=gone.user_name))
    await add(store, again := user(name="ann again", external_id="00u1"))
    assert await found(store) == sorted([other.id, again.id])
    async with store.write() as records:
        assert await records.scim_users.count(OKTA.id) == 2
        await records.scim_users.link(again, person("ann").id)
    async with store.read() as records:
        kept = await records.scim_users.of_external_id(OKTA.id, "00u1")
    assert kept == replace(again, identity=person("ann").id)


@pytest.mark.parametrize("gone", ["provider", "folder", "organization"])
async def test_what_is_provisioned_goes_with_its_provider(store: Store, gone: str) -> None:
    """Deleted itself, or with its group."""
    mine: list[tuple[Uidp, ScimUser]] = []
    for at in (OKTA, OTHER):
        await add(store, one := user(at))
        mine.append((at.id, one))
        async with store.write() as records:
            await records.scim_credentials.put(
                ScimCredential(identity_provider=at.id, updated_at=NOW)
            )
    async with store.write() as records:
        match gone:
            case "provider":
                await records.identity_providers.delete(OTHER.id)
            case "folder":
                await _delete(records.groups, FOLDER)
            case _:
                await _delete(records.groups, ACME)
    async with store.read() as records:
        kept = [at for at, one in mine if await records.scim_users.get(at, one.id)]
        assert set(kept) == set(await records.scim_credentials.many([OKTA.id, OTHER.id]))
    assert kept == ([] if gone == "organization" else [OKTA.id])


async def _delete(groups: Any, at: Group) -> None:
    await groups.delete(at.id)
