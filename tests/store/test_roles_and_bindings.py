from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from broker.errors import Conflict, NotFound
from broker.iam.uidp import Uidp
from broker.store import Store
from tests.store.samples import OWNER, binding, group, identity, person, role


async def test_a_role_comes_back_as_it_went_in(store: Store) -> None:
    """Its capabilities are a set again, also after an update."""
    organization = group("acme")
    before = role(organization.id)
    after = replace(before, name="n", capabilities=frozenset({"x.y"}), description="d")
    async with store.write() as records:
        await records.groups.add(organization)
        await records.roles.add(before)
    async with store.write() as records:
        assert await records.roles.get(before.id) == before
        await records.roles.update(after)
    async with store.read() as records:
        assert await records.roles.get(before.id) == after


async def test_roles_are_visible_at_their_group_and_below(store: Store) -> None:
    """`visible_at` goes up, `below` goes down, `in_group` stays."""
    acme, other = group("acme"), group("other")
    folder = group("prod", acme.id)
    deep = group("eu", folder.id)
    at_acme, at_folder, at_deep = role(acme.id, "a"), role(folder.id, "b"), role(deep.id, "c")
    async with store.write() as records:
        for each in (acme, other, folder, deep):
            await records.groups.add(each)
        for one in (at_acme, at_folder, at_deep, role(other.id)):
            await records.roles.add(one)
    async with store.read() as records:
        assert await records.roles.visible_at(folder.id) == [at_acme, at_folder]
        assert await records.roles.below(folder.id) == [at_folder, at_deep]
        assert await records.roles.in_group(folder.id) == [at_folder]


async def test_a_deleted_role_takes_its_bindings(store: Store) -> None:
    """Who held it holds it no more; what else they hold stays."""
    acme = group("acme")
    releaser, deployer = role(acme.id), identity(acme.id)
    kept = binding(acme.id, deployer.id)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.roles.add(releaser)
        await records.identities.add(deployer)
        await records.bindings.add(kept)
        await records.bindings.add(binding(acme.id, deployer.id, releaser.id))
        await records.roles.delete(releaser.id)
    async with store.read() as records:
        assert await records.bindings.of_identity(deployer.id) == [kept]


async def test_bindings_come_with_their_custom_roles(store: Store) -> None:
    """`with_roles` joins the custom role and gives None for a built-in one."""
    acme = group("acme")
    releaser, alice = role(acme.id), person("alice")
    custom = binding(acme.id, alice.id, releaser.id)
    builtin = binding(acme.id, alice.id, OWNER)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.roles.add(releaser)
        # before the person exists: an invitation binds who has not logged in yet
        await records.bindings.add(custom)
        await records.bindings.add(builtin)
        await records.bindings.add(binding(acme.id, person("bob").id))
    async with store.read() as records:
        found = await records.bindings.with_roles(alice.id)
        assert {each.id: each_role for each, each_role in found} == {
            custom.id: releaser,
            builtin.id: None,
        }
        assert {each for each, _ in found} == {custom, builtin}


async def test_bindings_are_listed_by_group_subtree_and_identity(store: Store) -> None:
    """`at_group` is one group, `below` the group and its descendants."""
    acme = group("acme")
    folder = group("prod", acme.id)
    alice = person("alice").id
    here, deeper = binding(acme.id, alice), binding(folder.id, alice)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.groups.add(folder)
        await records.bindings.add(here)
        await records.bindings.add(deeper)
    async with store.read() as records:
        assert await records.bindings.at_group(acme.id) == [here]
        assert set(await records.bindings.below(acme.id)) == {here, deeper}
        assert await records.bindings.below(folder.id) == [deeper]
        assert set(await records.bindings.of_identity(alice)) == {here, deeper}
        assert await records.bindings.get(here.id) == here


async def test_the_same_grant_twice_is_a_conflict(store: Store) -> None:
    """One identity has one role at one group once; any of the three may differ."""
    acme = group("acme")
    folder = group("prod", acme.id)
    alice, bob = person("alice").id, person("bob").id
    releaser = role(acme.id)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.groups.add(folder)
        await records.roles.add(releaser)
        await records.bindings.add(binding(acme.id, alice))
        await records.bindings.add(binding(acme.id, bob))
        await records.bindings.add(binding(folder.id, alice))
        await records.bindings.add(binding(acme.id, alice, releaser.id))
    with pytest.raises(Conflict) as refused:
        async with store.write() as records:
            await records.bindings.add(binding(acme.id, alice))
    assert refused.value.code == "binding_exists"


async def test_missing_roles_and_bindings_cannot_be_changed(store: Store) -> None:
    """Update and delete of what is not there raise NotFound."""
    missing = role(Uidp.new_root(secrets.token_bytes))
    with pytest.raises(NotFound, match="role"):
        async with store.write() as records:
            await records.roles.update(missing)
    with pytest.raises(NotFound, match="role"):
        async with store.write() as records:
            await records.roles.delete(missing.id)
    with pytest.raises(NotFound, match="role binding"):
        async with store.write() as records:
            await records.bindings.delete(missing.id)


async def test_a_deleted_binding_is_gone(store: Store) -> None:
    """And can be made anew."""
    acme = group("acme")
    one = binding(acme.id, person("alice").id)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.bindings.add(one)
        await records.bindings.delete(one.id)
        assert await records.bindings.get(one.id) is None
        await records.bindings.add(one)


async def test_an_updated_binding_gives_something_else(store: Store) -> None:
    """Identity and role are new; what it gave before can be given again."""
    acme = group("acme")
    alice, bob, releaser = person("alice").id, person("bob").id, role(acme.id)
    one = binding(acme.id, alice)
    changed = replace(one, identity=bob, role=releaser.id)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.bindings.add(one)
        await records.bindings.update(changed)
        await records.bindings.update(changed)
        assert await records.bindings.get(one.id) == changed
        assert await records.bindings.of_identity(alice) == []
        await records.bindings.add(binding(acme.id, alice))
        with pytest.raises(NotFound) as refused:
            await records.bindings.update(binding(acme.id, alice))
    assert refused.value.code == "binding_not_found"


async def test_an_update_to_what_another_binding_gives_is_refused(store: Store) -> None:
    """As an addition would be, and nothing changes."""
    acme = group("acme")
    alice, bob = binding(acme.id, person("alice").id), binding(acme.id, person("bob").id)
    async with store.write() as records:
        await records.groups.add(acme)
        await records.bindings.add(alice)
        await records.bindings.add(bob)
    with pytest.raises(Conflict) as refused:
        async with store.write() as records:
            await records.bindings.update(replace(bob, identity=alice.identity))
    assert refused.value.code == "binding_exists"
    async with store.read() as records:
        assert await records.bindings.get(bob.id) == bob


async def test_holders_are_those_of_one_role_at_one_group(store: Store) -> None:
    """Not of a folder below, of another organization, or of another role."""
    acme, other = group("acme"), group("other")
    folder, releaser = group("prod", acme.id), role(acme.id)
    alice, bob = person("alice").id, person("bob").id
    owners = [binding(acme.id, alice), binding(acme.id, bob)]
    async with store.write() as records:
        for each in (acme, other, folder):
            await records.groups.add(each)
        for bound in (
            *owners,
            binding(folder.id, alice),
            binding(other.id, alice),
            binding(acme.id, alice, releaser.id),
        ):
            await records.bindings.add(bound)
    async with store.read() as records:
        found = await records.bindings.holders(acme.id, OWNER)
    assert found == sorted(owners, key=lambda each: each.id)
