"""What `--prune` deletes, and what it never does."""

from __future__ import annotations

import pytest

from broker.directory.declaration import Action, DeclarationProblems
from broker.iam.model import Group, RoleBinding
from broker.iam.uidp import Uidp

from .conftest import NOW, Operator

GOOGLE = "https://accounts.google.com"

FULL = """
version: 1
organizations:
  - name: acme
    owners: [{issuer: "https://accounts.google.com", subject: alice}]
    roles: [{name: deployer, capabilities: [groups.list, repo.create]}]
    identities: [{name: audit, issuer: "https://ci.example", subject: audit, roles: [viewer]}]
    folders:
      - name: platform
        folders: [{name: deep, folders: [{name: deeper}]}]
        identities: [{name: ci, issuer: "https://ci.example", subject: main, roles: [viewer]}]
        bindings:
          - {identity: ci, role: deployer}
          - {identity: {issuer: "https://accounts.google.com", subject: bob}, role: viewer}
    bindings:
      - {identity: platform/ci, role: editor}
"""

BARE = """
version: 1
organizations:
  - name: acme
"""


async def deleted(operator: Operator, text: str) -> list[str]:
    plan = await operator.apply(text, prune=True)
    return [f"{c.kind.value} {c.path}" for c in plan.changes if c.action is Action.DELETE]


async def test_nothing_is_deleted_without_being_asked(operator: Operator) -> None:
    """A file that has lost everything changes nothing without `--prune`."""
    await operator.apply(FULL)
    plan = await operator.apply(BARE)
    assert plan.changes == ()


async def test_what_the_file_no_longer_has_is_deleted(operator: Operator) -> None:
    """Folders, roles, assumable identities and their bindings go; each is a line of the plan."""
    await operator.apply(FULL)
    lines = await deleted(operator, BARE)
    assert sorted(lines[:5]) == [
        "binding acme/platform: acme/platform/ci → deployer",
        "binding acme/platform: acme/platform/ci → viewer",
        "binding acme/platform: https://accounts.google.com bob → viewer",
        "binding acme: acme/audit → viewer",
        "binding acme: acme/platform/ci → editor",
    ]
    assert lines[5:] == [
        "identity acme/audit",
        "identity acme/platform/ci",
        "role acme/deployer",
        "folder acme/platform/deep/deeper",
        "folder acme/platform/deep",
        "folder acme/platform",
    ]
    folders, roles, identities, bindings = await operator.below(await operator.organization("acme"))
    assert (folders, roles, identities) == (set(), [], [])
    assert [binding.identity for binding in bindings] == [Uidp.of_person(GOOGLE, "alice")]
    assert await deleted(operator, BARE) == []


async def test_one_binding_out_of_the_file_is_one_deletion(operator: Operator) -> None:
    """What stays in the file stays in the store."""
    await operator.apply(FULL)
    without = FULL.replace("          - {identity: ci, role: deployer}\n", "")
    assert await deleted(operator, without) == [
        "binding acme/platform: acme/platform/ci → deployer"
    ]


async def test_an_identity_under_another_name_is_another_identity(operator: Operator) -> None:
    """A rename makes a new record and deletes the old one, with its bindings."""
    await operator.apply(FULL)
    renamed = FULL.replace("name: audit", "name: auditor")
    plan = await operator.apply(renamed, prune=True)
    assert [(c.action.value, c.kind.value, c.path) for c in plan.changes] == [
        ("create", "identity", "acme/auditor"),
        ("create", "binding", "acme: acme/auditor → viewer"),
        ("delete", "binding", "acme: acme/audit → viewer"),
        ("delete", "identity", "acme/audit"),
    ]


async def test_organizations_that_the_file_does_not_name_are_left(operator: Operator) -> None:
    """Pruning looks only into the organizations of the file, and deletes none of them."""
    await operator.apply(FULL)
    other = "version: 1\norganizations: [{name: other}]"
    await operator.apply(other)
    assert await deleted(operator, other) == []
    assert await deleted(operator, "version: 1") == []
    folders, *_ = await operator.below(await operator.organization("acme"))
    assert folders == {"platform", "deep", "deeper"}


async def test_bindings_of_people_stay_unless_the_file_manages_people(operator: Operator) -> None:
    """People come by invites too: only `manage_people` makes the file the whole truth."""
    await operator.apply(FULL)
    line = '          - {identity: {issuer: "https://accounts.google.com", subject: bob}, role: viewer}\n'
    without_bob = FULL.replace(line, "")
    assert without_bob != FULL
    assert await deleted(operator, without_bob) == []
    managed = without_bob.replace("- name: acme", "- name: acme\n    manage_people: true")
    assert await deleted(operator, managed) == [
        "binding acme/platform: https://accounts.google.com bob → viewer"
    ]
    async with operator.store.read() as records:
        assert await records.identities.get(Uidp.of_person(GOOGLE, "bob")) is not None


async def test_an_owner_is_replaced_where_the_file_manages_people(operator: Operator) -> None:
    """A new owner in the file lets the old one go in the same apply."""
    await operator.bootstrap("acme", GOOGLE, "root")
    text = """
version: 1
organizations:
  - name: acme
    manage_people: true
    owners: [{issuer: "https://accounts.google.com", subject: alice}]
"""
    assert await deleted(operator, text) == [f"owner acme: {GOOGLE} root → owner"]


async def test_an_owner_of_bootstrap_stays_where_the_file_only_adds_owners(
    operator: Operator,
) -> None:
    """Listing owners does not remove one who is not listed."""
    await operator.bootstrap("acme", GOOGLE, "root")
    text = """
version: 1
organizations:
  - name: acme
    owners: [{issuer: "https://accounts.google.com", subject: alice}]
"""
    assert await deleted(operator, text) == []


@pytest.mark.parametrize("owners", ["", "    owners: []\n"])
async def test_the_last_owner_is_never_removed(operator: Operator, owners: str) -> None:
    """A file that would leave an organization without owner is refused at its line."""
    await operator.bootstrap("acme", GOOGLE, "root")
    text = f"version: 1\norganizations:\n  - name: acme\n    manage_people: true\n{owners}"
    with pytest.raises(DeclarationProblems, match="last owner") as caught:
        await operator.apply(text, prune=True)
    (problem,) = caught.value.problems
    assert problem.line == (5 if owners else 3)
    *_, bindings = await operator.below(await operator.organization("acme"))
    assert len(bindings) == 1


async def test_an_assumable_identity_that_is_the_last_owner_stays_too(operator: Operator) -> None:
    """The last owner may be automation; pruning it is refused as well."""
    await operator.apply(
        "version: 1\norganizations:\n  - name: acme\n    identities:\n"
        "      - {name: root, issuer: 'https://a.example', subject: s, roles: [owner]}\n"
    )
    with pytest.raises(DeclarationProblems, match="last owner"):
        await operator.apply(BARE, prune=True)
    plan = await operator.apply(
        BARE + '    owners: [{issuer: "https://accounts.google.com", subject: alice}]\n',
        prune=True,
    )
    assert plan.count(Action.DELETE) == 2


async def test_an_organization_without_owners_can_be_pruned(operator: Operator) -> None:
    """Who never had an owner loses none."""
    await operator.apply(BARE + "    folders: [{name: a}]\n")
    assert await deleted(operator, BARE) == ["folder acme/a"]


async def test_a_binding_to_what_pruning_would_delete_is_refused(operator: Operator) -> None:
    """A file cannot bind an identity or a role that the same apply deletes."""
    await operator.apply(FULL)
    text = """
version: 1
organizations:
  - name: acme
    identities: [{name: new, issuer: "https://a.example", subject: s}]
    bindings:
      - {identity: platform/ci, role: viewer}
      - {identity: new, role: deployer}
"""
    assert (await operator.apply(text, dry_run=True)).count(Action.CREATE) == 3
    with pytest.raises(DeclarationProblems) as caught:
        await operator.apply(text, prune=True)
    assert [(p.line, p.field) for p in caught.value.problems] == [
        (7, "organizations[0].bindings[0].identity"),
        (8, "organizations[0].bindings[1].role"),
    ]
    assert all("pruning would delete it" in p.message for p in caught.value.problems)


async def test_bindings_made_elsewhere_are_pruned(operator: Operator) -> None:
    """A binding of an assumable identity that only the API made is not in the file."""
    await operator.apply(FULL)
    acme = await operator.organization("acme")
    _, _, identities, _ = await operator.below(acme)
    audit = next(identity for identity in identities if identity.name == "audit")
    async with operator.store.write() as records:
        await records.groups.add(
            Group(id=Uidp(f"{acme}/00000000000000aa"), name="api", created_at=NOW, updated_at=NOW)
        )
        await records.bindings.add(
            RoleBinding(
                id=Uidp(f"{acme}/00000000000000bb"),
                identity=audit.id,
                role=operator.roles.owner.id,
                created_at=NOW,
            )
        )
    assert await deleted(operator, FULL) == [
        "binding acme: acme/audit → owner",
        "folder acme/api",
    ]
