"""The dry run of an exchange: why a token is accepted for an identity, or not."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from google.rpc import code_pb2

from broker.iam.model import AwsIdentity, ClaimMatch, Relationship, StaticKeys
from broker.sdk.testing.issuer import LocalIssuer
from tests.api.world import VIEWER, Acme
from tests.kit.api import Json, Refused, Wire, refused
from tests.kit.calls import exchange

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXPLAIN = "broker.v1.Explain/ExplainIdentity"
MARKS = {"PASSED": "ok", "FAILED": "FAIL", "NOT_REACHED": "-"}


def rules(acme: Acme, **more: Any) -> ClaimMatch:
    """For the main branch of acme/shop."""
    literal = {"issuer": acme.world.issuer.url, "subject": "repo:acme/shop:ref:refs/heads/main"}
    for name in list(literal):
        if f"{name}_pattern" in more:
            del literal[name]
    return ClaimMatch(**(literal | more))


def trace(answer: Json) -> list[str]:
    """`ok issuer`, `FAIL subject`, `- roles`: the steps, in order."""
    return [f"{MARKS[step['outcome']]} {step['name']}" for step in answer["steps"]]


def step(answer: Json, name: str) -> Json:
    """The one of that name."""
    (found,) = [each for each in answer["steps"] if each["name"] == name]
    return dict(found)


async def test_a_token_that_is_accepted(acme: Acme, wire: Wire) -> None:
    """Every step held, and what it was about is told."""
    issuer = acme.world.issuer
    identity = await acme.records.identity(rules(acme, claims={"ref_type": "branch"}))
    await acme.bind(identity, VIEWER, acme.shop)
    answer = await acme.ann.on(wire)(
        EXPLAIN, uid=identity, token=issuer.token(issuer.github_claims())
    )
    assert answer["accepted"] is True
    assert answer["summary"] == "The token is accepted."
    assert trace(answer) == [
        *("ok token", "ok identity", "ok issuer", "ok keys", "ok signature", "ok times"),
        *("ok subject", "ok audience", "ok claims.ref_type", "ok roles"),
    ]
    assert step(answer, "issuer")["got"] == issuer.url
    assert not any(each["unverified"] or each["hint"] for each in answer["steps"])
    assert answer["candidates"] == []


async def test_an_identity_without_roles(acme: Acme, wire: Wire) -> None:
    """Accepts the token, and the summary says that nothing comes of it."""
    issuer = acme.world.issuer
    identity = await acme.records.identity(rules(acme))
    answer = await acme.ann.on(wire)(
        EXPLAIN, uid=identity, token=issuer.token(issuer.github_claims())
    )
    assert answer["accepted"] is True
    assert "no role binding" in answer["summary"]


async def test_nothing_is_minted_and_the_question_is_written_down(acme: Acme, wire: Wire) -> None:
    """No token in the answer; the log has who asked about which identity, and no exchange."""
    issuer, world = acme.world.issuer, acme.world
    identity = await acme.records.identity(rules(acme))
    token = issuer.token(issuer.github_claims())
    before = await world.last_record()
    answer = await acme.ann.on(wire)(EXPLAIN, uid=identity, token=token)
    assert set(answer) == {"accepted", "summary", "steps", "candidates"}
    assert "eyJ" not in json.dumps(answer), "no token of any kind"
    async with world.broker.store.read() as records:
        (record,) = await records.audit.find(after_id=before, limit=10)
        seen = await records.identities.get(identity)
    assert (record.action, record.outcome.value) == ("explain", "ok")
    assert (record.actor, record.subject, record.group) == (
        acme.ann.identity,
        identity,
        acme.shop,
    )
    detail = json.loads(record.detail)
    assert detail["accepted"] is True
    assert detail["failed"] == []
    assert len(record.token_sha256) == 64
    assert token not in record.detail
    assert seen is not None
    assert seen.last_seen is None, "a dry run is no use of the identity"


async def test_it_goes_on_after_what_failed(acme: Acme, wire: Wire) -> None:
    """A wrong audience and a wrong claim are both shown, verified as the signature holds."""
    issuer = acme.world.issuer
    identity = await acme.records.identity(rules(acme, claims={"environment": "prod"}))
    token = issuer.token(issuer.github_claims(), aud="https://elsewhere.example")
    answer = await acme.ann.on(wire)(EXPLAIN, uid=identity, token=token)
    assert answer["accepted"] is False
    assert trace(answer) == [
        *("ok token", "ok identity", "ok issuer", "ok keys", "ok signature", "ok times"),
        *("ok subject", "FAIL audience", "FAIL claims.environment", "- roles"),
    ]
    assert not step(answer, "audience")["unverified"]
    absent = step(answer, "claims.environment")
    assert absent["absent"] is True
    assert absent["got"] == ""
    assert answer["summary"].startswith(
        "The token is not accepted: audience and claims.environment do not hold. Ask the issuer"
    )


async def test_an_expired_token_has_its_rules_compared(acme: Acme, wire: Wire) -> None:
    """The signature was checked and holds, so what it says is not called unverified."""
    issuer = acme.world.issuer
    identity = await acme.records.identity(rules(acme))
    token = issuer.token(issuer.github_claims(ref="refs/heads/dev"), lifetime=-600)
    answer = await acme.ann.on(wire)(EXPLAIN, uid=identity, token=token)
    assert trace(answer) == [
        *("ok token", "ok identity", "ok issuer", "ok keys", "ok signature", "FAIL exp"),
        *("FAIL subject", "ok audience", "- roles"),
    ]
    assert "It expired " in step(answer, "exp")["hint"]
    assert not step(answer, "subject")["unverified"]


async def test_claims_of_a_forged_token_are_called_unverified(acme: Acme, wire: Wire) -> None:
    """They are compared all the same: a wrong key and a wrong claim are both shown."""
    issuer = acme.world.issuer
    identity = await acme.records.identity(rules(acme))
    forger = LocalIssuer(issuer=issuer.url, audience=acme.world.broker.url)
    token = forger.token(forger.github_claims(ref="refs/heads/dev"))
    answer = await acme.ann.on(wire)(EXPLAIN, uid=identity, token=token)
    assert trace(answer) == [
        *("ok token", "ok identity", "ok issuer", "ok keys", "FAIL kid", "ok times"),
        *("FAIL subject", "ok audience", "- roles"),
    ]
    assert step(answer, "subject")["unverified"]
    assert step(answer, "audience")["unverified"]
    assert "changed its keys" in step(answer, "kid")["hint"]


async def test_an_issuer_that_no_rule_allows_is_not_fetched(acme: Acme, wire: Wire) -> None:
    """Whoever may explain can make the broker ask nobody but the issuers of the identity."""
    identity = await acme.records.identity(rules(acme, issuer="https://elsewhere.example"))
    async with LocalIssuer(audience=acme.world.broker.url) as other:
        token = other.token(other.github_claims())
        answer = await acme.ann.on(wire)(EXPLAIN, uid=identity, token=token)
        assert not other.requests
    assert trace(answer)[2:6] == ["FAIL issuer", "- keys", "- signature", "ok times"]
    assert step(answer, "subject")["unverified"]


Hinted = tuple[Callable[[Acme], Relationship], Callable[[LocalIssuer], str], str, str]

HINTS: dict[str, Hinted] = {
    "a slash behind the issuer": (
        lambda acme: rules(acme, issuer=f"{acme.world.issuer.url}/"),
        lambda issuer: issuer.token(issuer.github_claims()),
        "issuer",
        "trailing slash",
    ),
    "GitHub's two forms": (
        rules,
        lambda issuer: issuer.token({"sub": "repo:acme@1/shop@2:ref:refs/heads/main"}),
        "subject",
        "repository_owner_id",
    ),
    "GitHub's two forms, against a pattern": (
        lambda acme: rules(acme, subject_pattern="repo:acme/shop:.*"),
        lambda issuer: issuer.token({"sub": "repo:acme@1/shop@2:ref:refs/heads/main"}),
        "subject",
        "subject_pattern accept both",
    ),
    "an audience nobody asked for": (
        rules,
        lambda issuer: issuer.token(issuer.github_claims(), aud="https://github.com/acme"),
        "audience",
        "when none is asked for",
    ),
    "one audience of two": (
        rules,
        lambda issuer: issuer.token(
            issuer.github_claims(), aud=[issuer.audience, "https://elsewhere.example"]
        ),
        "audience",
        "Every audience",
    ),
    "too late": (
        rules,
        lambda issuer: issuer.token(issuer.github_claims(), lifetime=-3600),
        "exp",
        "It expired ",
    ),
    "too early": (
        rules,
        lambda issuer: issuer.token({**issuer.github_claims(), "nbf": int(time.time()) + 600}),
        "nbf",
        " s from now: the issuer's clock or ours is wrong",
    ),
    "anchored at neither end": (
        lambda acme: rules(acme, subject_pattern="repo:acme/shop"),
        lambda issuer: issuer.token(issuer.github_claims()),
        "subject",
        "match the whole value",
    ),
    "the short name of a branch": (
        lambda acme: rules(acme, claims={"ref": "main"}),
        lambda issuer: issuer.token(issuer.github_claims()),
        "claims.ref",
        "'refs/heads/NAME', not 'NAME'",
    ),
    "an environment in place of a branch": (
        lambda acme: rules(acme, subject="repo:acme/shop:environment:prod"),
        lambda issuer: issuer.token(issuer.github_claims()),
        "subject",
        "'environment:NAME'",
    ),
    "an access token": (
        rules,
        lambda issuer: issuer.token(issuer.github_claims(), header={"typ": "at+jwt"}),
        "typ",
        "Send the ID token",
    ),
    "a secret in place of a key": (
        rules,
        lambda issuer: jwt.encode(
            {"iss": issuer.url, "sub": "s", "aud": "a", "exp": int(time.time()) + 60},
            secrets.token_bytes(32),
            algorithm="HS256",
        ),
        "alg",
        "sign with a key pair",
    ),
    "no JWT at all": (
        rules,
        lambda issuer: f"Bearer {issuer.token(issuer.github_claims())}".replace(" ", ".x."),
        "token_malformed",
        "without 'Bearer'",
    ),
    "another kind of identity": (
        lambda acme: AwsIdentity(account="1" * 12, arn="arn:aws:iam::111111111111:user/u"),
        lambda issuer: issuer.token(issuer.github_claims()),
        "issuer",
        "takes no JWT",
    ),
}


@pytest.mark.parametrize("case", HINTS)
async def test_what_to_change(acme: Acme, wire: Wire, case: str) -> None:
    """The step that failed says it, and an exchange of the same token fails too."""
    relationship, token, name, words = HINTS[case]
    identity = await acme.records.identity(relationship(acme))
    upstream = token(acme.world.issuer)
    answer = await acme.ann.on(wire)(EXPLAIN, uid=identity, token=upstream)
    failed = step(answer, name)
    assert failed["outcome"] == "FAILED"
    assert words in failed["hint"]
    assert answer["accepted"] is False
    assert f"{name} does not hold" in answer["summary"] or "do not hold" in answer["summary"]
    assert (await exchange(acme.world.broker, upstream, identity)).status != 200


async def test_keys_that_the_issuer_has_withdrawn(acme: Acme, wire: Wire) -> None:
    """The kid is not among those published, which are named."""
    async with LocalIssuer(audience=acme.world.broker.url) as issuer:
        identity = await acme.records.identity(rules(acme, issuer=issuer.url))
        token = issuer.token(issuer.github_claims())
        issuer.rotate(keep=False)
        answer = await acme.ann.on(wire)(EXPLAIN, uid=identity, token=token)
        hint = step(answer, "kid")["hint"]
    assert "The issuer's usable keys: " in hint
    assert "it has withdrawn" in hint


async def test_an_issuer_that_does_not_answer(acme: Acme, wire: Wire) -> None:
    """The signature is not reached, the rules are compared with what is said."""
    async with LocalIssuer(audience=acme.world.broker.url) as issuer:
        identity = await acme.records.identity(rules(acme, issuer=issuer.url))
        token = issuer.token(issuer.github_claims())
    answer = await acme.ann.on(wire)(EXPLAIN, uid=identity, token=token)
    assert trace(answer)[2:] == [
        *("ok issuer", "FAIL discovery", "- signature", "ok times"),
        *("ok subject", "ok audience", "- roles"),
    ]
    assert "reachable from the broker" in step(answer, "discovery")["hint"]
    assert step(answer, "subject")["unverified"]


async def test_static_keys(acme: Acme, wire: Wire) -> None:
    """Another key, and keys that have ended, are told apart."""
    private = LocalIssuer(issuer="https://private.example", audience=acme.world.broker.url)
    keys = StaticKeys(
        issuer="https://private.example",
        subject="job",
        issuer_keys=json.dumps(private.jwks()),
        expiration=datetime.now(UTC) + timedelta(days=1),
    )
    ann = acme.ann.on(wire)
    identity = await acme.records.identity(keys)
    answer = await ann(EXPLAIN, uid=identity, token=private.token({"sub": "job"}))
    assert answer["accepted"] is True
    other = LocalIssuer(issuer="https://private.example", audience=acme.world.broker.url)
    answer = await ann(EXPLAIN, uid=identity, token=other.token({"sub": "job"}))
    assert "has static keys" in step(answer, "kid")["hint"]
    ended = replace(keys, expiration=datetime.now(UTC) - timedelta(seconds=1))
    identity = await acme.records.identity(ended)
    answer = await ann(EXPLAIN, uid=identity, token=private.token({"sub": "job"}))
    assert step(answer, "static_keys.expiration")["outcome"] == "FAILED"
    assert trace(answer)[4:7] == ["- keys", "- signature", "ok times"]


async def test_other_identities_are_named(acme: Acme, wire: Wire) -> None:
    """At most three, whose rules hold for what the token says; not those of others."""
    issuer = acme.world.issuer
    wrong = await acme.records.identity(rules(acme, subject="repo:acme/shop:ref:refs/heads/x"))
    right = [await acme.records.identity(rules(acme), name=f"right-{n}") for n in range(2)]
    token = issuer.token(issuer.github_claims())
    answer = await acme.ann.on(wire)(EXPLAIN, uid=wrong, token=token)
    assert {each["uid"]: each["name"] for each in answer["candidates"]} == {
        right[0]: "right-0",
        right[1]: "right-1",
    }
    assert "perhaps the wrong identity was named" in answer["summary"]
    for n in range(3):
        await acme.records.identity(rules(acme), name=f"more-{n}")
    answer = await acme.ann.on(wire)(EXPLAIN, uid=wrong, token=token)
    assert len(answer["candidates"]) == 3


async def test_other_identities_are_those_that_the_caller_may_list(acme: Acme, wire: Wire) -> None:
    """Neither of a folder where they may not, nor of another organization."""
    issuer = acme.world.issuer
    wrong = await acme.records.identity(rules(acme, subject="x"))
    await acme.records.identity(rules(acme), group=acme.id)
    other = await acme.world.organization()
    await other.records.identity(rules(acme))
    caller = await acme.holding({acme.shop: ["identity.list"]})
    token = issuer.token(issuer.github_claims())
    answer = await caller.on(wire)(EXPLAIN, uid=wrong, token=token)
    assert answer["accepted"] is False
    assert answer["candidates"] == []


async def test_what_cannot_be_asked(acme: Acme, wire: Wire) -> None:
    """An identity that does not exist, and no token."""
    ann = acme.ann.on(wire)
    unknown = acme.shop.child(secrets.token_bytes)
    with refused(code_pb2.NOT_FOUND, "identity_not_found", field="uid"):
        await ann(EXPLAIN, uid=unknown, token=acme.world.issuer.token({"sub": "x"}))
    identity = await acme.identity()
    with refused(code_pb2.INVALID_ARGUMENT, "field_invalid", field="token"):
        await ann(EXPLAIN, uid=identity)


async def test_tokens_that_are_too_large(acme: Acme, wire: Wire) -> None:
    """Are told of as such, or with a megabyte not even read."""
    ann = acme.ann.on(wire)
    identity = await acme.identity()
    answer = await ann(EXPLAIN, uid=identity, token="a" * 20_000)
    assert step(answer, "token_too_large")["outcome"] == "FAILED"
    assert trace(answer)[1:] == ["- issuer", "- signature", "- rules"]
    with pytest.raises(Refused) as unread:
        await ann(EXPLAIN, uid=identity, token="a" * 1_000_000)
    # over gRPC the library refuses it, with a code of its own
    assert unread.value.code in {code_pb2.INVALID_ARGUMENT, code_pb2.RESOURCE_EXHAUSTED}
    assert "larger" in unread.value.message
