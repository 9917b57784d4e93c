"""Issuers that the installation or the organization does not allow, whatever identities say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.rpc import code_pb2

from broker.audit.record import Outcome
from broker.iam.issuer_policy import policy_of
from broker.iam.model import StaticKeys
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.api.world import world
from tests.kit.api import refused
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.calls import client_credentials, exchange, oauth, record_of
from tests.kit.organizations import Organization, github, organization

OTHER = {"allow": ["https://other.example"], "allow_patterns": ["https://[a-z]+[.]other[.]example"]}
WHOSE = pytest.mark.parametrize("whose", ["installation", "organization"])


@dataclass(frozen=True, slots=True)
class Place:
    """A broker with a policy, and an identity that it is about."""

    broker: RunningBroker
    issuer: LocalIssuer
    acme: Organization
    ci: Uidp


@asynccontextmanager
async def place(folder: Path, whose: str, **policy: Any) -> AsyncIterator[Place]:
    """The policy is the installation's or the organization's."""
    settings: dict[str, Any] = {}
    if whose == "installation":
        settings["BROKER_ISSUER_POLICY"] = json.dumps(policy)
    async with (
        running_broker(folder, **settings) as broker,
        LocalIssuer(audience=broker.url) as issuer,
    ):
        acme = await organization(broker.store)
        if whose == "organization":
            await set_policy(acme, **policy)
        ci = await acme.identity(github(issuer.url))
        await acme.bind(ci, "viewer")
        yield Place(broker, issuer, acme, ci)


async def set_policy(acme: Organization, **policy: Any) -> None:
    """As `broker apply` does."""
    async with acme.store.write() as records:
        group = await records.groups.get(acme.id)
        assert group is not None
        await records.groups.update(replace(group, issuer_policy=policy_of(policy)))


@WHOSE
async def test_a_token_of_an_issuer_that_is_not_allowed(tmp_path: Path, whose: str) -> None:
    """Is refused in every dialect before anything is fetched from there, and written down."""
    async with place(tmp_path, whose, **OTHER) as at:
        token = at.issuer.token(at.issuer.github_claims())
        for answer, status in (
            (await exchange(at.broker, token, at.ci), 403),
            (await oauth(at.broker, token, at.ci), 400),
            (await client_credentials(at.broker, token, at.ci), 400),
        ):
            assert (answer.status, answer.reason) == (status, "issuer_not_allowed"), answer.body
            assert answer.stage == "issuer"
            record = await record_of(at.broker, answer)
            assert (record.outcome, record.code) == (Outcome.REFUSED, "issuer_not_allowed")
            steps = json.loads(record.detail)["steps"]
            (step,) = [each for each in steps if each["name"] == "issuer policy"]
            assert step["expected"] == f"an issuer that the {whose} allows"
            assert step["got"] == at.issuer.url
        assert not at.issuer.requests


@WHOSE
async def test_a_token_of_an_issuer_that_is_allowed(tmp_path: Path, whose: str) -> None:
    """By a pattern that takes all of it; the identity's own rule holds beside."""
    async with place(tmp_path, whose, allow_patterns=["http://127[.]0[.]0[.]1:[0-9]+"]) as at:
        token = at.issuer.token(at.issuer.github_claims())
        assert (await exchange(at.broker, token, at.ci)).status == 200
        async with LocalIssuer(audience=at.broker.url) as other:
            answer = await exchange(at.broker, other.token(other.github_claims()), at.ci)
            assert (answer.reason, answer.stage) == ("identity_refused", "identity")
            assert not other.requests


@WHOSE
async def test_audit_mode_lets_pass_and_writes_down(tmp_path: Path, whose: str) -> None:
    """Who would not have allowed it, in the record of a success and of a refusal."""
    async with place(tmp_path, whose, **OTHER, mode="audit") as at:
        accepted = at.issuer.token(at.issuer.github_claims())
        wrong = at.issuer.token(at.issuer.github_claims(ref="refs/heads/other"))
        for token, status in ((accepted, 200), (wrong, 403)):
            answer = await exchange(at.broker, token, at.ci)
            assert answer.status == status
            detail = json.loads((await record_of(at.broker, answer)).detail)
            assert detail["issuer_not_allowed_by"] == [whose]


@WHOSE
async def test_a_policy_that_is_off(tmp_path: Path, whose: str) -> None:
    """Keeps its list and is not asked."""
    async with place(tmp_path, whose, **OTHER, mode="off") as at:
        answer = await exchange(at.broker, at.issuer.token(at.issuer.github_claims()), at.ci)
        assert answer.status == 200
        assert "issuer_not_allowed_by" not in (await record_of(at.broker, answer)).detail


async def test_keys_on_record_do_not_get_around_it(tmp_path: Path) -> None:
    """An identity with static keys says itself who its issuer is."""
    async with place(tmp_path, "organization", **OTHER) as at:
        private = LocalIssuer(issuer="https://private.example", audience=at.broker.url)
        keys = StaticKeys(
            issuer=private.url,
            subject="job",
            issuer_keys=json.dumps(private.jwks()),
            expiration=datetime.now(UTC) + timedelta(days=1),
        )
        identity = await at.acme.identity(keys, name="private")
        answer = await exchange(at.broker, private.token({"sub": "job"}), identity)
        assert (answer.status, answer.reason) == (403, "issuer_not_allowed")


async def test_a_policy_of_one_organization_is_not_anothers(tmp_path: Path) -> None:
    """It holds in the organization and all its folders, and nowhere else."""
    async with place(tmp_path, "organization", **OTHER) as at:
        elsewhere = await organization(at.broker.store, "elsewhere")
        identity = await elsewhere.identity(github(at.issuer.url))
        token = at.issuer.token(at.issuer.github_claims())
        assert (await exchange(at.broker, token, identity)).status == 200
        assert (await exchange(at.broker, token, at.ci)).reason == "issuer_not_allowed"


async def test_it_does_not_tell_who_is_registered(tmp_path: Path) -> None:
    """A person's UIDP can be worked out: with a policy, too, both answers are the same."""
    async with place(tmp_path, "installation", **OTHER) as at:
        await at.acme.person(at.issuer.url, "alice")
        known = await exchange(at.broker, at.issuer.token({"sub": "alice"}))
        unknown = await exchange(at.broker, at.issuer.token({"sub": "bob"}))
        for answer in (known, unknown):
            assert (answer.status, answer.reason, answer.stage) == (
                *(403, "identity_refused", "identity"),
            )
        assert known.body["message"] == unknown.body["message"]
        steps = json.loads((await record_of(at.broker, known)).detail)["steps"]
        assert "issuer policy" in [step["name"] for step in steps]
        assert not at.issuer.requests


async def test_an_identity_of_an_issuer_that_is_not_allowed_is_not_saved(tmp_path: Path) -> None:
    """Neither made nor given such rules; a new name for one that was there before is in order."""
    policy = {"allow": ["https://ci.example"]}
    create, update = "v2.IdentitiesService/CreateIdentity", "v2.IdentitiesService/UpdateIdentity"
    async with world(tmp_path) as running:
        acme = await running.organization()
        before = await acme.records.identity(github("https://old.example"), name="old")
        await set_policy(acme.records, **policy)
        rules = {"issuer": "https://other.example", "subject": "a"}
        with refused(code_pb2.PERMISSION_DENIED, "issuer_not_allowed", field="issuer"):
            await acme.ann(create, parent=acme.id, identity={"name": "a", "claim_match": rules})
        allowed = {"issuer": "https://ci.example", "subject": "a"}
        made = await acme.ann(
            create, parent=acme.id, identity={"name": "a", "claim_match": allowed}
        )
        with refused(code_pb2.PERMISSION_DENIED, "issuer_not_allowed", field="issuer"):
            changed = {"uid": made["uid"], "claim_match": rules}
            await acme.ann(update, identity=changed, update_mask="claimMatch")
        renamed = {"uid": before, "name": "renamed"}
        await acme.ann(update, identity=renamed, update_mask="name")
        group = {"uid": acme.id, "description": "said by its owner"}
        await acme.ann("v2.GroupsService/UpdateGroup", group=group, update_mask="description")
        async with running.broker.store.read() as records:
            kept = await records.groups.get(Uidp(acme.id))
        assert kept is not None
        assert kept.issuer_policy == policy_of(policy)


async def test_audit_mode_tells_and_writes_down_what_is_saved(tmp_path: Path) -> None:
    """With the findings of lint, in the audit record of the change."""
    policy = json.dumps({**OTHER, "mode": "audit"})
    async with world(tmp_path, BROKER_ISSUER_POLICY=policy) as running:
        acme = await running.organization()
        after = await running.last_record()
        rules = {"issuer": "https://ci.example", "subject": "a"}
        identity = {"name": "a", "claim_match": rules}
        await acme.ann("v2.IdentitiesService/CreateIdentity", parent=acme.id, identity=identity)
        (record,) = await running.audit(after)
        (finding,) = json.loads(record.detail)["lint"]
        assert (finding["rule"], finding["field"]) == ("issuer-not-allowed", "issuer")


async def test_a_dry_run_shows_it_and_fetches_nothing(tmp_path: Path) -> None:
    """The step is there with what was expected; nobody can be made to ask that issuer."""
    async with world(tmp_path) as running, LocalIssuer(audience=running.broker.url) as other:
        acme = await running.organization()
        await set_policy(acme.records, **OTHER)
        identity = await acme.records.identity(github(other.url), name="ci")
        answer = await acme.ann(
            "broker.v1.Explain/ExplainIdentity",
            uid=identity,
            token=other.token(other.github_claims()),
        )
        failed = [step for step in answer["steps"] if step["outcome"] == "FAILED"]
        assert [(step["stage"], step["name"]) for step in failed] == [("issuer", "issuer policy")]
        assert not answer.get("accepted")
        assert not other.requests
