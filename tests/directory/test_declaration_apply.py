"""Applying declarations to a real database."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from broker.directory.declaration import Action, DeclarationProblems, RecordKind
from broker.iam.capabilities import CapabilityTable
from broker.iam.model import ClaimMatch, Identity, Person, RoleBinding, StaticKeys
from broker.iam.uidp import Uidp
from broker.store import Store

from .conftest import Operator

GOOGLE = "https://accounts.google.com"

SMALL = """
version: 1
organizations:
  - name: acme
    owners: [{issuer: "https://accounts.google.com", subject: alice}]
    roles: [{name: deployer, capabilities: [groups.list, repo.create]}]
    folders:
      - name: platform
        identities:
          - name: ci
            issuer: https://ci.example
            subject: main
            roles: [viewer]
        bindings: [{identity: ci, role: deployer}]
"""


def documented() -> str:
    """The example of docs/apply.md."""
    text = (Path(__file__).parents[2] / "docs" / "apply.md").read_text()
    match = re.search(r"<!-- A test applies this file. -->\n```yaml\n(.*?)```", text, re.DOTALL)
    assert match
    return match.group(1)


async def test_the_documented_example_is_applied_and_then_stays(operator: Operator) -> None:
    """The example in the documentation creates every kind of record; a second time, nothing."""
    plan = await operator.apply(documented())
    kinds = Counter(change.kind for change in plan.changes)
    assert kinds == {
        RecordKind.ORGANIZATION: 1,
        RecordKind.FOLDER: 2,
        RecordKind.ROLE: 1,
        RecordKind.IDENTITY: 5,
        RecordKind.OWNER: 1,
        RecordKind.BINDING: 4,
    }
    assert plan.count(Action.CREATE) == 14
    again = await operator.apply(documented(), prune=True)
    assert again.changes == ()
    assert again.located == plan.located
    assert {row["path"]: row["id"] for row in again.as_json()["records"]}[
        "acme/platform/ci"
    ] == next(change.id for change in plan.changes if change.path == "acme/platform/ci")
    assert again.unchanged == 12  # the two people are known by then, not declared by themselves


async def test_records_are_as_declared(operator: Operator) -> None:
    """Each field of the example stands in the stored record."""
    await operator.apply(documented())
    acme = await operator.organization("acme")
    folders, (role,), identities, bindings = await operator.below(acme)
    assert folders == {"platform", "staging"}
    assert role.capabilities == {"groups.list", "repo.create"}
    named = {identity.name: identity for identity in identities}
    assert named["ci"].relationship == ClaimMatch(
        issuer="https://token.actions.githubusercontent.com",
        subject_pattern=r"repo:acme(@\d+)?/shop(@\d+)?:ref:refs/heads/main",
        audience="https://broker.example.com",
        claims={"repository_id": "42", "repository_owner_id": "7"},
        claim_patterns={"ref": "refs/heads/.*"},
    )
    assert named["ci"].max_token_lifetime == 900
    assert named["ci"].expires_with_upstream
    assert named["ci"].single_use
    static = named["cluster"].relationship
    assert isinstance(static, StaticKeys)
    assert json.loads(static.issuer_keys)["keys"][0]["kid"] == "cluster-1"
    assert static.expiration.isoformat() == "2026-12-01T00:00:00+00:00"
    owner = operator.roles.owner.id
    assert [b.identity for b in bindings if b.role == owner] == [
        Uidp.of_person(GOOGLE, "1234567890")
    ]
    async with operator.store.read() as records:
        person = await records.identities.get(Uidp.of_person(GOOGLE, "2345678901"))
    assert person is not None
    assert person.relationship == Person(issuer=GOOGLE, subject="2345678901")


async def test_a_plan_names_paths_and_uidps_and_lines(operator: Operator) -> None:
    """Every change has its path of names, the record's UIDP, and the line that asks for it."""
    plan = await operator.apply(SMALL)
    rows = [(c.kind.value, c.path, c.line) for c in plan.changes]
    assert rows == [
        ("organization", "acme", 4),
        ("role", "acme/deployer", 6),
        ("folder", "acme/platform", 8),
        ("identity", "acme/platform/ci", 10),
        ("identity", f"{GOOGLE} alice", 5),
        ("owner", f"acme: {GOOGLE} alice → owner", 5),
        ("binding", "acme/platform: acme/platform/ci → viewer", 10),
        ("binding", "acme/platform: acme/platform/ci → deployer", 14),
    ]
    acme = await operator.organization("acme")
    assert all(
        change.id and (acme.covers(change.id) or change.id == Uidp.of_person(GOOGLE, "alice"))
        for change in plan.changes
    )
    assert json.loads(json.dumps(plan.as_json()))["create"] == 8


async def test_an_update_says_what_each_field_was_and_becomes(operator: Operator) -> None:
    """Only fields that differ are in a change, with both values; the UIDP and creation stay."""
    await operator.apply(SMALL)
    acme = await operator.organization("acme")
    _, _, (before,), _ = await operator.below(acme)
    operator.now += 60
    changed = SMALL.replace(
        "subject: main", 'subject_pattern: "main|dev"\n            claims: {ref: x}'
    ).replace("[groups.list, repo.create]", "[groups.list, repo.list]")
    plan = await operator.apply(changed)
    role, identity = plan.changes
    assert (role.action, role.path) == (Action.UPDATE, "acme/deployer")
    assert role.fields == {
        "capabilities": (["groups.list", "repo.create"], ["groups.list", "repo.list"])
    }
    assert identity.fields == {
        "subject": ("main", None),
        "subject_pattern": (None, "main|dev"),
        "claims.ref": (None, "x"),
    }
    _, (stored_role,), (after,), _ = await operator.below(acme)
    assert stored_role.capabilities == {"groups.list", "repo.list"}
    assert (after.id, after.created_at) == (before.id, before.created_at)
    assert after.updated_at == before.updated_at + timedelta(seconds=60)


async def test_fields_that_are_left_out_get_their_default(operator: Operator) -> None:
    """Taking a description out of the file takes it out of the record."""
    await operator.apply("version: 1\norganizations: [{name: acme, description: Acme}]")
    plan = await operator.apply("version: 1\norganizations: [{name: acme}]")
    (change,) = plan.changes
    assert change.fields == {"description": ("Acme", None)}


async def test_static_keys_in_another_spelling_are_no_change(operator: Operator) -> None:
    """The same JWK set as YAML, or as JSON text with other white space, leaves the record."""
    head = """
version: 1
organizations:
  - name: acme
    identities:
      - name: k
        issuer: https://k8s.example
        subject: s
        static_keys:
          expiration: 2026-12-01T00:00:00Z
          issuer_keys: """
    await operator.apply(head + "{keys: [{kty: OKP, crv: Ed25519, x: AAAA}]}")
    same = await operator.apply(
        head + """'{ "keys": [{"x": "AAAA", "crv": "Ed25519", "kty": "OKP"}] }'"""
    )
    assert same.changes == ()
    other = await operator.apply(head + "{keys: [{kty: OKP, crv: Ed25519, x: BBBB}]}")
    (change,) = other.changes
    ((before, after),) = change.fields.values()
    assert before.startswith("sha256:")
    assert after.startswith("sha256:")
    assert before != after


async def test_static_keys_may_end_thirty_days_after_the_creation_and_not_later(
    operator: Operator,
) -> None:
    """An update counts the 30 days from the identity's creation, not from the update."""
    text = """
version: 1
organizations:
  - name: acme
    identities:
      - name: k
        issuer: https://k8s.example
        subject: s
        static_keys:
          issuer_keys: {{keys: [{{kty: OKP}}]}}
          expiration: {expiration}
"""
    await operator.apply(text.format(expiration="2026-12-01T00:00:00Z"))
    operator.now += timedelta(days=20).total_seconds()
    plan = await operator.apply(text.format(expiration="2026-12-24T12:00:00Z"))
    assert plan.count(Action.UPDATE) == 1
    with pytest.raises(DeclarationProblems, match="30 days") as caught:
        await operator.apply(text.format(expiration="2026-12-24T12:00:01Z"))
    assert caught.value.problems[0].line == 11


async def test_a_dry_run_writes_nothing(operator: Operator) -> None:
    """A dry run gives the plan, without UIDPs that are not known yet, and no record of it."""
    plan = await operator.apply(SMALL, dry_run=True)
    assert plan.count(Action.CREATE) == 8
    assert [c.id for c in plan.changes if c.id] == [Uidp.of_person(GOOGLE, "alice")]
    assert [each.id for each in plan.located if each.id] == [Uidp.of_person(GOOGLE, "alice")]
    async with operator.store.read() as records:
        assert await records.groups.roots() == []
        assert await records.identities.get(Uidp.of_person(GOOGLE, "alice")) is None
    assert await operator.audit() == []
    assert await operator.store.generation() == 0


async def test_a_dry_run_shows_the_uidp_of_what_exists(operator: Operator) -> None:
    """Updates and deletions name the record that they are about."""
    await operator.apply(SMALL)
    acme = await operator.organization("acme")
    plan = await operator.apply(
        "version: 1\norganizations: [{name: acme, description: x}]", dry_run=True, prune=True
    )
    assert plan.changes[0].id == acme
    assert all(change.id for change in plan.changes)


async def test_a_wrong_file_writes_nothing(operator: Operator) -> None:
    """One wrong field keeps the entire file from being written."""
    with pytest.raises(DeclarationProblems):
        await operator.apply(SMALL.replace("role: deployer", "role: nobody"))
    async with operator.store.read() as records:
        assert await records.groups.roots() == []


async def test_each_change_has_an_audit_record(operator: Operator) -> None:
    """Creations, updates and deletions are written down by `local:apply`, in their order."""
    plan = await operator.apply(SMALL, request_id="r1")
    records = await operator.audit()
    assert {(r.actor, r.outcome.value, r.request_id) for r in records} == {
        ("local:apply", "ok", "r1")
    }
    assert Counter(r.action for r in records) == {
        "group.created": 2,
        "role.created": 1,
        "identity.created": 2,
        "role_binding.created": 3,
    }
    assert {r.subject for r in records} == {change.id for change in plan.changes}
    acme = await operator.organization("acme")
    people = [r for r in records if r.group is None]
    assert [r.subject for r in people] == [Uidp.of_person(GOOGLE, "alice")]
    assert all(acme.covers(r.group) for r in records if r.group)

    operator.now += 1
    await operator.apply(SMALL.replace("subject: main", "subject: dev"), request_id="r2")
    operator.now += 1
    await operator.apply(SMALL[: SMALL.index("    folders:")], prune=True, request_id="r3")
    later = (await operator.audit())[len(records) :]
    assert later[0].action == "identity.updated"
    assert json.loads(later[0].detail) == {
        "fields": {"subject": {"before": "main", "after": "dev"}}
    }
    assert Counter(r.action for r in later[1:]) == {
        "role_binding.deleted": 2,
        "identity.deleted": 1,
        "group.deleted": 1,
    }


async def test_applies_at_once_are_carried_out_one_after_the_other(
    operator: Operator, store: Store
) -> None:
    """Eight equal applies at the same time make each record once."""
    others = [Operator(store) for _ in range(8)]
    for number, other in enumerate(others):
        other.random.seed(number)
    plans = await asyncio.gather(*(other.apply(SMALL) for other in others))
    assert sorted(plan.count(Action.CREATE) for plan in plans) == [0] * 7 + [8]
    acme = await operator.organization("acme")
    folders, roles, identities, bindings = await operator.below(acme)
    assert (len(folders), len(roles), len(identities), len(bindings)) == (1, 1, 1, 3)


async def test_two_organizations_share_a_person(operator: Operator) -> None:
    """A person who owns two organizations of a file is one identity."""
    text = "version: 1\norganizations:\n" + "".join(
        f'  - {{name: {name}, owners: [{{issuer: "{GOOGLE}", subject: alice}}]}}\n'
        for name in ("acme", "other")
    )
    plan = await operator.apply(text)
    assert [c.kind.value for c in plan.changes].count("identity") == 1
    assert (await operator.apply(text)).changes == ()


async def test_a_person_is_bound_by_uidp_once_known(operator: Operator) -> None:
    """A person's UIDP binds when the person has a record, whoever made it."""
    alice = (await operator.bootstrap("other", GOOGLE, "alice")).identity
    text = f"""
version: 1
organizations:
  - name: acme
    bindings: [{{identity: {alice}, role: viewer}}]
"""
    plan = await operator.apply(text)
    assert [change.kind.value for change in plan.changes] == ["organization", "binding"]


async def test_an_identity_of_another_organization_is_not_bound(operator: Operator) -> None:
    """Neither its UIDP nor a path leads to an identity of another organization."""
    plan = await operator.apply(SMALL)
    ci = next(c.id for c in plan.changes if c.path == "acme/platform/ci")
    for identity, words in [(ci, "belongs to another organization"), ("acme/platform/ci", "no")]:
        text = f"""
version: 1
organizations:
  - name: other
    bindings:
      - role: viewer
        identity: {identity}
"""
        with pytest.raises(DeclarationProblems, match=words) as caught:
            await operator.apply(text)
        (problem,) = caught.value.problems
        assert (problem.line, problem.field) == (7, "organizations[0].bindings[0].identity")


async def test_what_exists_and_is_not_in_the_file_can_be_bound(operator: Operator) -> None:
    """Without pruning, a file may bind identities and roles that another file declared."""
    plan = await operator.apply(SMALL)
    ci = next(c.id for c in plan.changes if c.path == "acme/platform/ci")
    for identity in ("platform/ci", str(ci)):
        text = f"""
version: 1
organizations:
  - name: acme
    folders:
      - name: f{len(identity)}
        bindings: [{{identity: {identity}, role: deployer}}]
"""
        assert (await operator.apply(text)).count(Action.CREATE) == 2


async def test_the_nearest_role_of_a_name_is_bound(operator: Operator) -> None:
    """A folder's role hides the organization's of the same name, for the folder and below."""
    text = """
version: 1
organizations:
  - name: acme
    roles: [{name: deployer, capabilities: [groups.list]}]
    identities: [{name: ci, issuer: "https://a.example", subject: s, roles: [deployer]}]
    folders:
      - name: platform
        roles: [{name: deployer, capabilities: [repo.create]}]
        folders:
          - name: deep
            bindings: [{identity: /ci, role: deployer}]
"""
    await operator.apply(text)
    _, roles, _, bindings = await operator.below(await operator.organization("acme"))
    held = {binding.group.depth: binding.role for binding in bindings}
    at = {role.id: role.id.depth for role in roles}
    assert {depth: at[role] for depth, role in held.items()} == {0: 1, 2: 2}


async def test_two_identities_of_one_name_cannot_be_told_apart(operator: Operator) -> None:
    """Where the store has a name twice, the file that uses it is refused at its line."""
    plan = await operator.apply(SMALL)
    ci = next(c.record for c in plan.changes if c.path == "acme/platform/ci")
    assert isinstance(ci, Identity)
    twin = Uidp(f"{ci.id.parent}/0123456789abcdef")
    async with operator.store.write() as records:
        await records.identities.add(
            Identity(
                id=twin,
                name="ci",
                relationship=ci.relationship,
                created_at=ci.created_at,
                updated_at=ci.updated_at,
            )
        )
    with pytest.raises(DeclarationProblems, match="several records") as caught:
        await operator.apply(SMALL)
    assert {problem.line for problem in caught.value.problems} == {10, 14}


async def test_custom_capabilities_of_the_installation_can_be_declared(operator: Operator) -> None:
    """A role may hold what the operator added to the capability table."""
    text = (
        "version: 1\norganizations:\n"
        "  - {name: acme, roles: [{name: r, capabilities: [deploy.create]}]}\n"
    )
    with pytest.raises(DeclarationProblems, match=r"deploy\.create"):
        await operator.apply(text)
    operator.capabilities = CapabilityTable.load({"deploy.create": 1024})
    assert (await operator.apply(text)).count(Action.CREATE) == 2


async def test_names_in_any_script_are_kept(operator: Operator) -> None:
    """Names are texts, compared as they are written."""
    text = 'version: 1\norganizations: [{name: "Größe 東京 🦊", folders: [{name: "d\'é"}]}]'
    await operator.apply(text)
    assert (await operator.apply(text)).changes == ()
    assert await operator.organization("Größe 東京 🦊")


async def test_loopback_issuers_are_for_development(operator: Operator) -> None:
    """http on loopback is an issuer only where the installation allows it."""
    text = SMALL.replace("https://ci.example", "http://127.0.0.1:9000")
    with pytest.raises(DeclarationProblems, match="expected https"):
        await operator.apply(text)
    assert (await operator.apply(text, allow_http_loopback=True)).count(Action.CREATE) == 8


async def test_bindings_that_exist_are_kept_as_they_are(operator: Operator) -> None:
    """A binding that was made elsewhere is the declared one if group, identity and role are."""
    await operator.apply(SMALL.replace("        bindings: [{identity: ci, role: deployer}]\n", ""))
    acme = await operator.organization("acme")
    _, (role,), (ci,), _ = await operator.below(acme)
    assert ci.id.parent
    made = RoleBinding(
        id=Uidp(f"{ci.id.parent}/00000000000000aa"),
        identity=ci.id,
        role=role.id,
        created_at=ci.created_at,
    )
    async with operator.store.write() as records:
        await records.bindings.add(made)
    assert (await operator.apply(SMALL, prune=True)).changes == ()
