"""How an installation begins."""

from __future__ import annotations

import asyncio
import json

import pytest

from broker.errors import Conflict, Invalid
from broker.iam.model import OrganizationStatus, Person
from broker.iam.uidp import Uidp
from broker.store import Store

from .conftest import Operator

GOOGLE = "https://accounts.google.com"


async def test_an_organization_has_its_first_owner(operator: Operator) -> None:
    """The organization, the person and the binding to `owner` are there under their UIDPs."""
    made = await operator.bootstrap("acme", GOOGLE, "alice", description="Acme", owner_name="Alice")
    assert made.identity == Uidp.of_person(GOOGLE, "alice")
    assert made.role_binding.parent == made.organization
    async with operator.store.read() as records:
        group = await records.groups.get(made.organization)
        person = await records.identities.get(made.identity)
        (binding,) = await records.bindings.of_identity(made.identity)
    assert group is not None
    assert (group.name, group.description) == ("acme", "Acme")
    assert group.status is OrganizationStatus.READY
    assert person is not None
    assert person.relationship == Person(issuer=GOOGLE, subject="alice")
    assert person.name == "Alice"
    assert (binding.id, binding.role) == (made.role_binding, operator.roles.owner.id)


async def test_each_record_is_written_down(operator: Operator) -> None:
    """The three creations are audit records of `local:bootstrap`."""
    made = await operator.bootstrap("acme", GOOGLE, "alice", request_id="r1")
    records = await operator.audit()
    assert {(r.actor, r.request_id) for r in records} == {("local:bootstrap", "r1")}
    assert {(r.action, r.subject, r.group) for r in records} == {
        ("group.created", made.organization, made.organization),
        ("identity.created", made.identity, None),
        ("role_binding.created", made.role_binding, made.organization),
    }
    (group,) = [json.loads(r.detail) for r in records if r.action == "group.created"]
    assert group == {
        "fields": {
            "name": {"before": None, "after": "acme"},
            "status": {"before": None, "after": "ready"},
        }
    }


async def test_a_name_is_taken_once(operator: Operator) -> None:
    """A second organization of the same name is a conflict, and nothing of it stays."""
    await operator.bootstrap("acme", GOOGLE, "alice")
    with pytest.raises(Conflict) as caught:
        await operator.bootstrap("acme", GOOGLE, "bob")
    assert (caught.value.code, caught.value.field) == ("organization_exists", "name")
    async with operator.store.read() as records:
        assert await records.identities.get(Uidp.of_person(GOOGLE, "bob")) is None
    assert len(await operator.audit()) == 3


async def test_bootstraps_at_once_make_one_organization(operator: Operator, store: Store) -> None:
    """Of several at the same time one succeeds, the others are conflicts."""
    others = [Operator(store) for _ in range(5)]
    for number, other in enumerate(others):
        other.random.seed(number)
    outcomes = await asyncio.gather(
        *(other.bootstrap("acme", GOOGLE, "alice") for other in others), return_exceptions=True
    )
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 4


async def test_a_person_owns_several_organizations(operator: Operator) -> None:
    """Somebody who exists is bound as they are; their record is not made again."""
    first = await operator.bootstrap("acme", GOOGLE, "alice", owner_name="Alice")
    second = await operator.bootstrap("other", GOOGLE, "alice", owner_name="A.")
    assert first.identity == second.identity
    async with operator.store.read() as records:
        person = await records.identities.get(first.identity)
        bindings = await records.bindings.of_identity(first.identity)
    assert person is not None
    assert person.name == "Alice"
    assert {b.group for b in bindings} == {first.organization, second.organization}


@pytest.mark.parametrize(
    ("name", "issuer", "subject", "field"),
    [
        ("", GOOGLE, "alice", "name"),
        ("a/b", GOOGLE, "alice", "name"),
        ("a\x00b", GOOGLE, "alice", "name"),
        ("acme", "http://accounts.google.com", "alice", "issuer"),
        ("acme", "accounts", "alice", "issuer"),
        ("acme", "http://127.0.0.1:9000", "alice", "issuer"),
        ("acme", GOOGLE, "", "subject"),
        ("acme", GOOGLE, "a\nb", "subject"),
        ("acme", GOOGLE, "a" * 5000, "subject"),
    ],
)
async def test_wrong_arguments_are_named(
    operator: Operator, name: str, issuer: str, subject: str, field: str
) -> None:
    """A wrong argument is refused by its field, and nothing is written."""
    with pytest.raises(Invalid) as caught:
        await operator.bootstrap(name, issuer, subject)
    assert caught.value.field == field
    async with operator.store.read() as records:
        assert await records.groups.roots() == []


async def test_a_development_installation_takes_a_loopback_issuer(operator: Operator) -> None:
    """http on loopback is an issuer where the installation allows it."""
    made = await operator.bootstrap(
        "acme", "http://127.0.0.1:9000", "alice", allow_http_loopback=True
    )
    assert made.identity == Uidp.of_person("http://127.0.0.1:9000", "alice")


async def test_a_subject_of_any_length_and_script_is_a_person(operator: Operator) -> None:
    """A subject that is too long for a name, or ends in spaces where it is cut, is one too."""
    subject = "x" * 200 + " " * 100 + "y"
    made = await operator.bootstrap("acme", GOOGLE, subject)
    async with operator.store.read() as records:
        person = await records.identities.get(made.identity)
    assert person is not None
    assert person.name == "x" * 200


async def test_apply_goes_on_from_a_bootstrap(operator: Operator) -> None:
    """The organization and owner that bootstrap made are the ones that a file names."""
    await operator.bootstrap("acme", GOOGLE, "alice")
    plan = await operator.apply(
        "version: 1\norganizations:\n  - name: acme\n"
        f"    owners: [{{issuer: '{GOOGLE}', subject: alice}}]\n",
        prune=True,
    )
    assert plan.changes == ()
    assert plan.unchanged == 2
