"""The trace in the record of a refused exchange: what passed, what failed, what was not reached."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from broker.iam.model import StaticKeys
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker
from tests.kit.calls import exchange, record_of
from tests.kit.organizations import Organization

MARKS = {True: "ok", False: "FAIL", None: "-"}


async def traced(broker: RunningBroker, token: str, identity: Uidp) -> list[str]:
    """`ok issuer`, `FAIL subject`, `- roles`: the steps of a refused exchange, in order."""
    record = await record_of(broker, await exchange(broker, token, identity))
    return [f"{MARKS[s['passed']]} {s['name']}" for s in json.loads(record.detail)["steps"]]


@pytest.mark.parametrize(
    ("misdeed", "expected"),
    [
        (
            "expired",
            "ok token, - identity, - issuer, - keys, - signature, FAIL exp, - rules, - roles",
        ),
        (
            "unsigned",
            "ok token, - identity, - issuer, - keys, FAIL alg, - times, - rules, - roles",
        ),
        (
            "other issuer",
            "ok token, ok identity, FAIL issuer, - keys, - signature, ok times, - rules, - roles",
        ),
        (
            "forged",
            "ok token, ok identity, ok issuer, ok keys, FAIL kid, ok times, - rules, - roles",
        ),
        ("not a token", "FAIL token_malformed"),
    ],
)
async def test_the_trace_goes_on_to_the_end(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, misdeed: str, expected: str
) -> None:
    """Steps stand in one order, whatever failed first, and nothing unknown is said to have held."""
    elsewhere = LocalIssuer(issuer="https://elsewhere.example", audience=broker.url)
    forger = LocalIssuer(issuer=issuer.url, audience=broker.url)
    claims = issuer.github_claims()
    tokens = {
        "expired": issuer.token(claims, lifetime=-3600),
        "unsigned": issuer.token(claims, header={"alg": "none"}),
        "other issuer": elsewhere.token(elsewhere.github_claims()),
        "forged": forger.token(forger.github_claims()),
        "not a token": "hello",
    }
    assert await traced(broker, tokens[misdeed], ci) == expected.split(", ")


async def test_every_rule_is_told_of(broker: RunningBroker, issuer: LocalIssuer, ci: Uidp) -> None:
    """Also those behind the one that failed."""
    token = issuer.token(issuer.github_claims(ref="refs/heads/other"), aud="https://elsewhere")
    assert await traced(broker, token, ci) == [
        *("ok token", "ok identity", "ok issuer", "ok keys", "ok signature", "ok times"),
        *("FAIL subject", "FAIL audience", "- roles"),
    ]


async def test_an_issuer_without_keys_is_where_the_trace_ends(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """The signature was not looked at, and the trace does not say otherwise."""
    await issuer.stop()
    steps = await traced(broker, issuer.token(issuer.github_claims()), ci)
    assert steps[3:6] == ["FAIL discovery", "- signature", "ok times"]


async def test_an_unknown_identity_has_a_trace(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """The operator sees that it does not exist."""
    unknown = Uidp(f"{acme.folder}/{'0' * 16}")
    steps = await traced(broker, issuer.token(issuer.github_claims()), unknown)
    assert steps == [
        *("ok token", "FAIL identity", "- issuer", "- keys", "- signature", "ok times"),
        *("- rules", "- roles"),
    ]


async def test_static_keys_that_ended_are_told_of(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """Between the identity's rules and the signature, which is not looked at."""
    private = LocalIssuer(issuer="https://private.example", audience=broker.url)
    keys = StaticKeys(
        issuer="https://private.example",
        subject="job",
        issuer_keys=json.dumps(private.jwks()),
        expiration=datetime.now(UTC) - timedelta(minutes=1),
    )
    identity = await acme.identity(keys)
    assert await traced(broker, private.token({"sub": "job"}), identity) == [
        *("ok token", "ok identity", "ok issuer", "FAIL static_keys.expiration"),
        *("- keys", "- signature", "ok times", "- rules", "- roles"),
    ]


async def test_a_scope_that_is_not_held_comes_last(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, ci: Uidp
) -> None:
    """Everything before it held."""
    answer = await exchange(broker, issuer.token(issuer.github_claims()), ci, scopes=acme.id)
    steps = json.loads((await record_of(broker, answer)).detail)["steps"]
    assert [step["name"] for step in steps if not step["passed"]] == ["scope"]
    assert steps[-1]["name"] == "scope"
