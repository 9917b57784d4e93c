from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest

from broker.errors import Conflict, NotFound
from broker.iam.model import ClaimMatch, OrganizationKind, OrganizationStatus
from broker.iam.uidp import MAX_LENGTH, Uidp
from broker.store import Store
from tests.store.samples import (
    NOW,
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


async def test_a_group_comes_back_as_it_went_in(store: Store) -> None:
    """What `get` returns equals what was added, to the microsecond."""
    organization = group("acme")
    folder = group("prod", organization.id)
    async with store.write() as records:
        await records.groups.add(organization)
        await records.groups.add(folder)
    async with store.read() as records:
        assert await records.groups.get(organization.id) == organization
        assert await records.groups.get(folder.id) == folder
        assert await records.groups.get(folder.id.child(secrets.token_bytes)) is None


async def test_an_update_changes_what_may_change(store: Store) -> None:
    """All is new but UIDP and time of creation."""
    organization = group("acme")
    later = NOW + timedelta(days=1)
    changed = replace(
        organization,
        name="Acme",
        description="",
        resource_limits={"identities": 3, "folders": 0},
        verified=True,
        kind=OrganizationKind.CUSTOMER,
        status=OrganizationStatus.SUSPENDED,
        updated_at=later,
    )
    async with store.write() as records:
        await records.groups.add(organization)
        await records.groups.update(replace(changed, created_at=later))
    async with store.read() as records:
        assert await records.groups.get(organization.id) == changed


async def test_groups_are_found_by_parent_and_name(store: Store) -> None:
    """`by_name` looks right below one parent only, and among the organizations for None."""
    organization, other = group("acme"), group("other")
    folder = group("acme", organization.id)
    async with store.write() as records:
        for each in (organization, other, folder):
            await records.groups.add(each)
    async with store.read() as records:
        assert await records.groups.by_name(None, "acme") == organization
        assert await records.groups.by_name(organization.id, "acme") == folder
        assert await records.groups.by_name(other.id, "acme") is None
        assert await records.groups.roots() == [organization, other]


async def test_descendants_are_those_below_and_no_others(store: Store) -> None:
    """A UIDP that differs in its last digit, or is longer without a '/', is not a descendant."""
    organization = replace(group("acme"), id=Uidp("a" * 39 + "0"))
    neighbours = [replace(group(c), id=Uidp("a" * 39 + c)) for c in "1f"]
    child = group("child", organization.id)
    grandchild = group("grandchild", child.id)
    async with store.write() as records:
        for each in (organization, *neighbours, child, grandchild):
            await records.groups.add(each)
        await records.groups.add(group("child", neighbours[0].id))
    async with store.read() as records:
        assert await records.groups.descendants(organization.id) == [child, grandchild]
        assert await records.groups.descendants(child.id) == [grandchild]
        assert await records.groups.children(organization.id) == [child]


async def test_many_are_found_at_once(store: Store) -> None:
    """More than a statement takes parameters, some twice; those that are missing are left out."""
    acme = group("acme")
    folders = [group(f"{n}", acme.id) for n in range(1200)]
    roles = [role(acme.id, f"{n}") for n in range(3)]
    async with store.write() as records:
        await records.groups.add(acme)
        for each in folders:
            await records.groups.add(each)
        for one in roles:
            await records.roles.add(one)
    missing = [acme.id.child(secrets.token_bytes) for _ in range(40_000)]
    async with store.read() as records:
        wanted = [*missing, *(each.id for each in folders), *(each.id for each in folders)]
        assert await records.groups.many(wanted) == {each.id: each for each in folders}
        assert await records.groups.many([]) == {}
        found = await records.roles.many([OWNER, *(one.id for one in roles)])
        assert found == {one.id: one for one in roles}


@pytest.mark.parametrize("level", ["organization", "folder"])
async def test_a_name_is_taken_once_beside_another(store: Store, level: str) -> None:
    """Two organizations, or two folders of one parent, cannot have one name."""
    organization = group("acme")
    parent = organization.id if level == "folder" else None
    async with store.write() as records:
        await records.groups.add(organization)
        if parent:
            await records.groups.add(group("acme", parent))
    with pytest.raises(Conflict) as refused:
        async with store.write() as records:
            await records.groups.add(group("acme", parent))
    assert (refused.value.code, refused.value.field) == ("name_taken", "name")


async def test_a_rename_to_a_taken_name_is_refused(store: Store) -> None:
    """An update runs into the same rule as an addition, and changes nothing."""
    acme, other = group("acme"), group("other")
    async with store.write() as records:
        await records.groups.add(acme)
        await records.groups.add(other)
    with pytest.raises(Conflict, match="name"):
        async with store.write() as records:
            await records.groups.update(replace(other, name="acme"))
    async with store.read() as records:
        assert await records.groups.get(other.id) == other


async def test_the_same_uidp_twice_is_another_conflict(store: Store) -> None:
    """A UIDP that exists is told apart from a name that is taken."""
    organization = group("acme")
    async with store.write() as records:
        await records.groups.add(organization)
    with pytest.raises(Conflict) as refused:
        async with store.write() as records:
            await records.groups.add(replace(organization, name="another"))
    assert refused.value.code == "group_exists"


async def test_what_is_added_to_a_missing_group_is_refused(store: Store) -> None:
    """Folders, identities, roles and bindings need their group."""
    missing = Uidp.new_root(secrets.token_bytes)
    for kind in ("groups", "identities", "roles", "bindings"):
        value = {
            "groups": group("folder", missing),
            "identities": identity(missing),
            "roles": role(missing),
            "bindings": binding(missing, missing),
        }[kind]
        with pytest.raises(NotFound) as refused:
            async with store.write() as records:
                await getattr(records, kind).add(value)
        assert refused.value.code == "group_not_found"


async def test_missing_groups_cannot_be_changed(store: Store) -> None:
    """Update and delete of a group that is not there raise NotFound."""
    missing = group("acme")
    with pytest.raises(NotFound, match="group"):
        async with store.write() as records:
            await records.groups.update(missing)
    with pytest.raises(NotFound, match="group"):
        async with store.write() as records:
            await records.groups.delete(missing.id)


async def test_a_deleted_group_takes_everything_below_and_what_it_was_bound_by(
    store: Store,
) -> None:
    """Bindings elsewhere of identities and roles that went are gone too; the rest stays."""
    acme, other = group("acme"), group("other")
    folder = group("prod", acme.id)
    deep = group("eu", folder.id)
    gone, kept = identity(deep.id), identity(acme.id)
    gone_role, kept_role = role(deep.id), role(acme.id)
    alice = person("alice")
    kept_bindings = [
        binding(acme.id, kept.id, kept_role.id),
        binding(other.id, alice.id),
        binding(acme.id, alice.id),
    ]
    gone_bindings = [
        binding(deep.id, kept.id),
        binding(folder.id, alice.id),
        binding(acme.id, gone.id),
        binding(other.id, gone.id, kept_role.id),
        binding(acme.id, kept.id, gone_role.id),
    ]
    async with store.write() as records:
        for each in (acme, other, folder, deep):
            await records.groups.add(each)
        for one in (gone, kept, alice):
            await records.identities.add(one)
        for held in (gone_role, kept_role):
            await records.roles.add(held)
        for bound in (*kept_bindings, *gone_bindings):
            await records.bindings.add(bound)
    async with store.write() as records:
        await records.groups.delete(folder.id)
    async with store.read() as records:
        assert await records.groups.roots() == [acme, other]
        assert await records.groups.descendants(acme.id) == []
        assert await records.identities.below(acme.id) == [kept]
        assert await records.identities.get(alice.id) == alice
        assert await records.roles.below(acme.id) == [kept_role]
        left = [*await records.bindings.below(acme.id), *await records.bindings.below(other.id)]
        assert {each.id for each in left} == {each.id for each in kept_bindings}


async def test_the_deepest_and_longest_records_fit(store: Store) -> None:
    """At the limits of depth and of the lengths of names and rules nothing is refused."""
    at = group("acme")
    async with store.write() as records:
        await records.groups.add(at)
        while len(at.id) + 34 <= MAX_LENGTH:
            at = group("n" * 256, at.id)
            await records.groups.add(at)
        await records.groups.add(
            replace(group("", at.id), name="".join(map(chr, range(0x4E00, 0x4F00))))
        )
        deployer = identity(at.id)
        rules = ClaimMatch(issuer=f"https://{random_text(2000)}", subject=random_text(2048))
        deployer = replace(deployer, relationship=rules)
        await records.identities.add(deployer)
        await records.roles.add(releaser := role(at.id))
        await records.bindings.add(binding(at.id, deployer.id, releaser.id))
        await records.invites.add(invite(at.id, releaser.id, email=random_text(256)))
        await records.identity_providers.add(
            login := provider(at.id, random_text(256), default_role=releaser.id)
        )
        await records.group_role_mappings.add(
            mapping(login, external_group=random_text(2048), role=releaser.id)
        )
        await records.account_associations.add(association(at.id, random_text(256)))
        await records.terms.accept(acceptance(at.id, random_text(256)))
        await records.subscriptions.add(subscription(at.id, random_text(2048)))
    async with store.read() as records:
        found = await records.identities.by_issuer_subject(rules.issuer, rules.subject)
        assert found == [deployer]


def random_text(length: int) -> str:
    """Not compressible: PostgreSQL's limit is on what is left after compression."""
    return "".join(chr(0x4E00 + secrets.randbelow(0x5000)) for _ in range(length))
