from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from broker.iam.listing import Selection
from broker.iam.model import Group, IdentityProvider, Role
from broker.store import Countable, Records, Store
from tests.store.samples import (
    OWNER,
    acceptance,
    association,
    binding,
    group,
    identity,
    invite,
    mapping,
    person,
    provider,
    role,
    subscription,
)

NOUNS = (
    *("groups", "identities", "roles", "bindings", "invites", "identity_providers"),
    *("group_role_mappings", "account_associations", "terms", "subscriptions"),
)


async def everything(store: Store) -> dict[str, list[Any]]:
    async with store.read() as records:
        return {
            noun: list((await getattr(records, noun).page(Selection())).records) for noun in NOUNS
        }


@dataclass
class Furnished:
    """A group with one of everything, and the parts that others can speak of."""

    group: Group
    role: Role
    provider: IdentityProvider
    identity: Any


async def furnish(records: Records, at: Group) -> Furnished:
    await records.groups.add(at)
    await records.roles.add(own := role(at.id))
    await records.identities.add(one := identity(at.id))
    await records.bindings.add(binding(at.id, one.id, own.id))
    await records.invites.add(invite(at.id, own.id))
    await records.identity_providers.add(login := provider(at.id, default_role=own.id))
    await records.group_role_mappings.add(mapping(login, role=own.id))
    await records.account_associations.add(association(at.id))
    await records.terms.accept(acceptance(at.id))
    await records.subscriptions.add(subscription(at.id))
    return Furnished(at, own, login, one)


async def test_a_deleted_group_takes_everything_that_is_or_speaks_of_what_is_below(
    store: Store,
) -> None:
    """Records of the subtree, and elsewhere those that name its roles, providers and groups."""
    acme = group("acme")
    folder = group("prod", acme.id)
    async with store.write() as records:
        kept = await furnish(records, acme)
        await furnish(records, group("other"))
        await records.identities.add(alice := person("alice"))
        await records.bindings.add(binding(acme.id, alice.id))
    before = await everything(store)
    async with store.write() as records:
        inner = await furnish(records, folder)
        deep = await furnish(records, group("eu", folder.id))
        login = provider(acme.id, default_role=deep.role.id)
        await records.identity_providers.add(login)
        for gone in (inner, deep):
            await records.bindings.add(binding(acme.id, gone.identity.id, kept.role.id))
            await records.bindings.add(binding(acme.id, kept.identity.id, gone.role.id))
            await records.invites.add(invite(acme.id, gone.role.id))
            for one in (
                mapping(kept.provider, role=gone.role.id),
                mapping(kept.provider, scope=gone.group.id),
                replace(mapping(gone.provider), id=mapping(kept.provider).id, scope=acme.id),
                replace(
                    mapping(kept.provider),
                    id=mapping(gone.provider).id,
                    external_group=gone.group.name,
                ),
            ):
                await records.group_role_mappings.add(one)
    async with store.write() as records:
        await records.groups.delete(folder.id)
    after = await everything(store)
    # it stays, without the default that went
    after["identity_providers"].remove(replace(login, default_role=None))
    assert after == before


async def test_a_deleted_role_takes_whatever_gives_it(store: Store) -> None:
    """Bindings, invites and mappings go; a provider stays, without a default role."""
    acme = group("acme")
    async with store.write() as records:
        own = await furnish(records, acme)
        other = role(acme.id, "other")
        await records.roles.add(other)
        await records.bindings.add(bound := binding(acme.id, own.identity.id, other.id))
        await records.invites.add(invited := invite(acme.id, other.id))
        await records.identity_providers.add(login := provider(acme.id, default_role=other.id))
        await records.group_role_mappings.add(mapped := mapping(own.provider, role=other.id))
        await records.roles.delete(own.role.id)
    after = await everything(store)
    assert after["roles"] == [other]
    assert after["bindings"] == [bound]
    assert after["invites"] == [invited]
    assert after["group_role_mappings"] == [mapped]
    assert {each.id: each.default_role for each in after["identity_providers"]} == {
        own.provider.id: None,
        login.id: other.id,
    }


async def test_a_deleted_provider_takes_its_mappings(store: Store) -> None:
    """Those of another provider stay."""
    acme = group("acme")
    async with store.write() as records:
        own = await furnish(records, acme)
        await records.identity_providers.add(login := provider(acme.id))
        await records.group_role_mappings.add(mapped := mapping(login))
        await records.identity_providers.delete(own.provider.id)
    after = await everything(store)
    assert after["identity_providers"] == [login]
    assert after["group_role_mappings"] == [mapped]


async def test_an_organization_is_counted_with_all_its_folders(store: Store) -> None:
    """Everything at the root and below; the root is no folder, and a neighbour does not count."""
    acme, other = group("acme"), group("other")
    folder = group("prod", acme.id)
    deep = group("eu", folder.id)
    async with store.write() as records:
        for each in (acme, folder, deep, other):
            await furnish(records, each)
        await records.bindings.add(binding(acme.id, person("alice").id, OWNER))
    async with store.read() as records:
        found = {noun: await records.count_below(noun, acme.id) for noun in Countable}
        inner = {noun: await records.count_below(noun, folder.id) for noun in Countable}
    expected = dict.fromkeys(Countable, 3)
    assert found == expected | {Countable.FOLDERS: 2, Countable.ROLE_BINDINGS: 4}
    assert inner == dict.fromkeys(Countable, 2) | {Countable.FOLDERS: 1}
