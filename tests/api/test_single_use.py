"""Identities that take each token once, and the API, which has no word for it."""

from __future__ import annotations

import pytest

from tests.api.world import Acme
from tests.kit.api import Wire
from tests.kit.calls import exchange
from tests.kit.organizations import github

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_dry_run_is_no_use(acme: Acme, wire: Wire) -> None:
    """A token can be explained as often as anybody likes, and exchanged after that, once."""
    issuer = acme.world.issuer
    identity = await acme.records.identity(github(issuer.url), single_use=True)
    token = issuer.token(issuer.github_claims())
    for _ in range(2):
        answer = await acme.ann.on(wire)(
            "broker.v1.Explain/ExplainIdentity", uid=identity, token=token
        )
        assert answer["accepted"] is True
    assert (await exchange(acme.world.broker, token, identity)).status == 200
    assert (await exchange(acme.world.broker, token, identity)).reason == "token_already_used"


async def test_updates_keep_it(acme: Acme, wire: Wire) -> None:
    """In either version: what a message does not have, an update of all fields leaves alone."""
    ann, issuer = acme.ann.on(wire), acme.world.issuer
    identity = await acme.records.identity(github(issuer.url), single_use=True)
    rules = {"issuer": issuer.url, "subject": "repo:acme/shop:ref:refs/heads/main"}
    await ann("Identities/Update", id=identity, name="renamed", claim_match=rules)
    await ann("v2.IdentitiesService/UpdateIdentity", identity={"uid": identity, "name": "again"})
    async with acme.world.broker.store.read() as records:
        kept = await records.identities.get(identity)
    assert kept is not None
    assert (kept.name, kept.single_use) == ("again", True)
