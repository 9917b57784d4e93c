"""What only the operator says of an organization: verification, limits, kind and status."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.directory.declaration import Action, DeclarationProblems
from broker.iam.model import Group, OrganizationKind, OrganizationStatus
from broker.iam.uidp import Uidp
from broker.iam.validation import LIMITED
from broker.store import Store

from .conftest import NOW, Operator

FULL = """
version: 1
organizations:
  - name: acme.example
    verified: true
    kind: aws_marketplace
    status: suspended
    resource_limits: {identities: 100, folders: 0}
"""
BARE = "version: 1\norganizations: [{name: acme.example}]"


async def organization(operator: Operator, name: str = "acme.example") -> Group:
    async with operator.store.read() as records:
        group = await records.groups.by_name(None, name)
    assert group is not None
    return group


def standing(group: Group) -> dict[str, Any]:
    return {
        "verified": group.verified,
        "kind": group.kind,
        "status": group.status,
        "resource_limits": dict(group.resource_limits),
    }


async def test_what_the_file_says_stands_in_the_record(operator: Operator) -> None:
    """Each of the four is stored as said, and is in the plan and in the audit record."""
    (change,) = (await operator.apply(FULL)).changes
    assert change.fields == {
        "name": (None, "acme.example"),
        "verified": (None, True),
        "resource_limits.folders": (None, 0),
        "resource_limits.identities": (None, 100),
        "kind": (None, "aws_marketplace"),
        "status": (None, "suspended"),
    }
    assert standing(await organization(operator)) == {
        "verified": True,
        "kind": OrganizationKind.AWS_MARKETPLACE,
        "status": OrganizationStatus.SUSPENDED,
        "resource_limits": {"folders": 0, "identities": 100},
    }
    (record,) = await operator.audit()
    assert json.loads(record.detail)["fields"] == {
        name: {"before": None, "after": after} for name, (_, after) in change.fields.items()
    }
    assert (await operator.apply(FULL)).changes == ()


async def test_what_the_file_leaves_out_stays(operator: Operator) -> None:
    """Unlike a description, none of the four goes when its line does."""
    await operator.apply(FULL)
    before = await organization(operator)
    assert (await operator.apply(BARE, prune=True)).changes == ()
    assert await organization(operator) == before
    text = "version: 1\norganizations: [{name: acme.example, description: Acme}]"
    assert len((await operator.apply(text)).changes) == 1
    assert standing(await organization(operator)) == standing(before)


async def test_a_change_says_what_was_and_what_becomes(operator: Operator) -> None:
    """Limits are compared noun by noun; those that the file no longer lists end."""
    await operator.apply(FULL)
    text = """
version: 1
organizations:
  - name: acme.example
    verified: false
    status: ready
    resource_limits: {identities: 200, roles: 5}
"""
    (change,) = (await operator.apply(text)).changes
    assert change.action is Action.UPDATE
    assert change.fields == {
        "verified": (True, None),
        "resource_limits.folders": (0, None),
        "resource_limits.identities": (100, 200),
        "resource_limits.roles": (None, 5),
        "status": ("suspended", "ready"),
    }
    assert dict((await organization(operator)).resource_limits) == {"identities": 200, "roles": 5}


async def test_an_empty_mapping_lifts_every_limit(operator: Operator) -> None:
    """`resource_limits: {}` says that there are none."""
    await operator.apply(FULL)
    await operator.apply("version: 1\norganizations: [{name: acme.example, resource_limits: {}}]")
    assert (await organization(operator)).resource_limits == {}


async def test_every_noun_that_has_a_limit_can_be_declared(operator: Operator) -> None:
    """The file knows the nouns that the API knows."""
    limits = {noun: number for number, noun in enumerate(LIMITED)}
    document = {"version": 1, "organizations": [{"name": "acme", "resource_limits": limits}]}
    await operator.apply(yaml.safe_dump(document))
    assert (await organization(operator, "acme")).resource_limits == limits


async def test_a_new_organization_is_ready(operator: Operator) -> None:
    """As one that the API creates; a folder has no status."""
    await operator.apply("version: 1\norganizations: [{name: acme, folders: [{name: shop}]}]")
    acme = await organization(operator, "acme")
    assert acme.status is OrganizationStatus.READY
    async with operator.store.read() as records:
        (folder,) = await records.groups.children(acme.id)
    assert folder.status is OrganizationStatus.UNSPECIFIED


async def test_an_organization_without_a_status_is_not_given_one(operator: Operator) -> None:
    """Only creation makes an organization ready; one that exists has what it has."""
    old = Group(
        id=Uidp.new_root(operator.random.randbytes),
        name="acme.example",
        created_at=NOW,
        updated_at=NOW,
    )
    async with operator.store.write() as records:
        await records.groups.add(old)
    assert (await operator.apply(BARE)).changes == ()
    assert await organization(operator) == old


async def test_the_documented_example_is_applied(operator: Operator) -> None:
    """What the document shows of the four fields is a file that can be applied."""
    text = (Path(__file__).parents[2] / "docs" / "apply.md").read_text()
    section = text.partition("## What only the operator says\n")[2].partition("\n## ")[0]
    await operator.apply(section.partition("```yaml\n")[2].partition("```")[0])
    assert standing(await organization(operator)) == {
        "verified": True,
        "kind": OrganizationKind.CUSTOMER,
        "status": OrganizationStatus.READY,
        "resource_limits": {"identities": 100, "folders": 20},
    }


async def test_only_a_domain_is_verified(operator: Operator) -> None:
    """The refusal names the line of `verified`, and nothing is written."""
    with pytest.raises(DeclarationProblems, match="domain") as caught:
        await operator.apply(FULL.replace("acme.example", "acme"))
    (problem,) = caught.value.problems
    assert (problem.line, problem.field) == (5, "organizations[0].verified")
    async with operator.store.read() as records:
        assert await records.groups.roots() == []


SAID = st.fixed_dictionaries(
    {},
    optional={
        "verified": st.booleans(),
        "kind": st.sampled_from([kind.name.lower() for kind in OrganizationKind if kind.value]),
        "status": st.sampled_from([each.name.lower() for each in OrganizationStatus if each.value]),
        "resource_limits": st.dictionaries(st.sampled_from(LIMITED), st.integers(0, 999_999_999)),
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(SAID, min_size=1, max_size=4))
async def test_the_last_word_holds(files: list[dict[str, Any]]) -> None:
    """After any number of files, each field is what the last one that has it says."""
    with TemporaryDirectory() as folder:
        store = Store.open(f"sqlite:///{folder}/broker.sqlite3")
        try:
            await store.migrate()
            operator = Operator(store)
            held: dict[str, Any] = {"status": "ready"}
            for said in files:
                organizations = [{"name": "acme.example", **said}]
                text = yaml.safe_dump({"version": 1, "organizations": organizations})
                preview = await operator.apply(text, dry_run=True)
                changes = (await operator.apply(text)).changes
                assert [each.fields for each in preview.changes] == [
                    each.fields for each in changes
                ]
                assert (await operator.apply(text)).changes == ()
                held |= said
            group = await organization(operator)
        finally:
            await store.close()
    assert group.verified is held.get("verified", False)
    assert group.kind.name.lower() == held.get("kind", "unspecified")
    assert group.status.name.lower() == held["status"]
    assert group.resource_limits == held.get("resource_limits", {})
