"""The exchange over both dialects, on a running broker."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from broker.audit.record import Outcome
from broker.iam.capabilities import decode
from broker.iam.model import StaticKeys
from broker.iam.uidp import Uidp
from broker.oauth import token_exchange
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker
from tests.kit.calls import call, exchange, oauth, record_of
from tests.kit.organizations import CAPABILITIES, Organization, github


async def test_a_token_is_exchanged(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, ci: Uidp
) -> None:
    """The minted token has every claim of the design, signed by a published key."""
    upstream = issuer.token(issuer.github_claims())
    before = int(time.time())
    answer = await exchange(broker, upstream, ci)
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.body) == {"token", "refreshToken", "expiry"}
    client = jwt.PyJWKClient(f"{broker.url}/.well-known/jwks.json")
    key = await asyncio.to_thread(client.get_signing_key_from_jwt, answer.body["token"])
    claims = jwt.decode(
        answer.body["token"], key, algorithms=["ES256"], audience=broker.url, issuer=broker.url
    )
    assert jwt.get_unverified_header(answer.body["token"]) == {
        "alg": "ES256",
        "typ": "at+jwt",
        "kid": key.key_id,
    }
    assert claims["sub"] == ci
    assert claims["act"] == {
        "iss": issuer.url,
        "sub": "repo:acme/shop:ref:refs/heads/main",
        "aud": broker.url,
    }
    assert [b["role"] for b in claims["role_bindings"]] == ["viewer"]
    assert [b["group"] for b in claims["role_bindings"]] == [acme.folder]
    assert "groups.list" in CAPABILITIES.to_names(decode(claims["cap"][acme.folder]))
    assert "groups.create" not in CAPABILITIES.to_names(decode(claims["cap"][acme.folder]))
    assert before <= claims["iat"] == claims["nbf"] == claims["exp"] - 3600
    assert answer.body["expiry"] == datetime.fromtimestamp(claims["exp"], UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    assert "email" not in claims


async def test_a_success_is_recorded_without_the_token(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """Who became whom, by which claims; the token by its hash alone."""
    upstream = issuer.token(issuer.github_claims())
    record = await record_of(broker, await exchange(broker, upstream, ci))
    assert record.outcome is Outcome.OK
    assert record.subject == ci
    assert record.group == ci.parent
    assert record.actor == f"{issuer.url} repo:acme/shop:ref:refs/heads/main"
    detail = json.loads(record.detail)
    assert detail["actor"]["sub"] == "repo:acme/shop:ref:refs/heads/main"
    assert upstream not in record.detail
    assert len(record.token_sha256) == 64


@pytest.mark.parametrize("where", ["query", "form", "json"])
async def test_parameters_come_in_the_query_in_a_form_or_in_json(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, ci: Uidp, where: str
) -> None:
    """GET with a query, POST with a form or with JSON: the same answer."""
    parameters = [("identity", ci), ("aud", "a"), ("aud", "b"), ("scope", acme.folder)]
    parameters += [("scopes", acme.folder), ("cap", "groups.list"), ("cap", "roles.list")]
    headers = {"Authorization": f"Bearer {issuer.token(issuer.github_claims())}"}
    url = f"{broker.url}/sts/exchange"
    if where == "query":
        answer = await call("GET", url, params=parameters, headers=headers)
    elif where == "form":
        answer = await call("POST", url, data=parameters, headers=headers)
    else:
        message = {
            "identity": ci,
            "aud": ["a", "b"],
            "scope": acme.folder,
            "scopes": [acme.folder],
            "cap": ["groups.list", "roles.list"],
            "identity_provider": "",
        }
        headers["Content-Type"] = "application/json; charset=utf-8"
        answer = await call("POST", url, data=json.dumps(message), headers=headers)
    assert answer.status == 200, answer.body
    assert answer.claims["aud"] == ["a", "b"]
    assert answer.claims["role_bindings"] == []
    assert CAPABILITIES.to_names(decode(answer.claims["cap"][acme.folder])) == (
        "groups.list",
        "roles.list",
    )


async def test_scopes_narrow_and_inherit(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, ci: Uidp
) -> None:
    """A binding at the organization holds in the folder; only what was asked for is carried."""
    await acme.bind(ci, "registry.pull", acme.id)
    token = issuer.token(issuer.github_claims())
    whole = (await exchange(broker, token, ci)).claims
    assert {b["group"]: b["role"] for b in whole["role_bindings"]} == {
        acme.folder: "viewer",
        acme.id: "registry.pull",
    }
    narrowed = (await exchange(broker, token, ci, scopes=acme.folder)).claims
    assert list(narrowed["cap"]) == [acme.folder]
    assert {b["role"] for b in narrowed["role_bindings"]} == {"viewer", "registry.pull"}


async def test_matched_claims_stand_in_act(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """Services can decide by them; the upstream iss, sub and aud cannot be overwritten."""
    rules = github(issuer.url, claims={"repository_owner_id": "43356", "iss": issuer.url})
    identity = await acme.identity(rules)
    claims = (await exchange(broker, issuer.token(issuer.github_claims()), identity)).claims
    assert claims["act"]["repository_owner_id"] == "43356"
    assert claims["act"]["iss"] == issuer.url


async def test_a_lifetime_is_bound_by_the_identity_and_by_the_upstream_token(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """The shorter of the two, where the identity asks for it."""
    token = issuer.token(issuer.github_claims(), lifetime=120)
    short = await acme.identity(github(issuer.url), max_token_lifetime=600)
    bound = await acme.identity(github(issuer.url), expires_with_upstream=True)
    claims = (await exchange(broker, token, short)).claims
    assert claims["exp"] - claims["iat"] == 600
    claims = (await exchange(broker, token, bound)).claims
    assert claims["exp"] - claims["iat"] <= 120


async def test_the_host_alone_is_accepted_as_audience(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """Workloads send our URL or our bare host."""
    token = issuer.token(issuer.github_claims(), aud="127.0.0.1")
    assert (await exchange(broker, token, ci)).status == 200


async def test_a_registered_person_names_no_identity(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """Known by issuer and subject, in both dialects; the token has the e-mail."""
    person = await acme.person(issuer.url, "alice")
    await acme.bind(person, "owner", acme.id)
    token = issuer.token({"sub": "alice", "email": "alice@acme.example", "email_verified": True})
    for answer in (await exchange(broker, token), await oauth(broker, token)):
        assert answer.status == 200, answer.body
        assert answer.claims["sub"] == person
        assert answer.claims["email"] == "alice@acme.example"
        assert answer.claims["email_verified"] is True
        assert list(answer.claims["cap"]) == [acme.id]


async def test_an_email_that_is_not_verified_is_said_to_be_so(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """Only a literal true counts."""
    await acme.person(issuer.url, "alice")
    token = issuer.token({"sub": "alice", "email": "a@acme.example", "email_verified": "true"})
    assert (await exchange(broker, token)).claims["email_verified"] is False


async def test_static_keys_need_no_reachable_issuer(
    broker: RunningBroker, acme: Organization
) -> None:
    """The keys are in the record, and they end."""
    private = LocalIssuer(issuer="https://private.cluster.example", audience=broker.url)
    now = datetime.now(UTC)
    keys = StaticKeys(
        issuer="https://private.cluster.example",
        subject="system:serviceaccount:ns:name",
        issuer_keys=json.dumps(private.jwks()),
        expiration=now + timedelta(days=1),
    )
    identity = await acme.identity(keys)
    token = private.token({"sub": "system:serviceaccount:ns:name"})
    assert (await exchange(broker, token, identity)).status == 200
    forged = LocalIssuer(issuer="https://private.cluster.example", audience=broker.url)
    answer = await exchange(
        broker, forged.token({"sub": "system:serviceaccount:ns:name"}), identity
    )
    assert (answer.status, answer.stage) == (401, "signature")


async def test_a_removed_binding_is_out_of_new_tokens(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, ci: Uidp
) -> None:
    """A change by another process is noticed within about a second."""
    token = issuer.token(issuer.github_claims())
    binding = await acme.bind(ci, "registry.pull")
    assert len((await exchange(broker, token, ci)).claims["role_bindings"]) == 2
    async with broker.store.write() as records:
        await records.bindings.delete(binding)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if len((await exchange(broker, token, ci)).claims["role_bindings"]) == 1:
            return
    pytest.fail("the binding is still in new tokens")


async def test_the_rfc_dialect_answers_as_rfc_8693(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, ci: Uidp
) -> None:
    """§2.2.1: token, its type, its life, its scope."""
    token = issuer.token(issuer.github_claims())
    answer = await oauth(broker, token, ci, audience=["a"], resource=["https://b.example"])
    assert answer.status == 200, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.body["token_type"] == "Bearer"
    assert answer.body["issued_token_type"] == token_exchange.ACCESS_TOKEN
    assert answer.body["expires_in"] == 3600
    assert answer.body["scope"] == acme.folder
    assert answer.claims["aud"] == ["a", "https://b.example"]


@pytest.mark.parametrize("way", ["client_id", "identity", "basic", "encoded basic"])
async def test_the_identity_is_named_in_four_ways(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, way: str
) -> None:
    """RFC 6749 §2.3.1 has Basic credentials form-encoded; many clients do not."""
    token = issuer.token(issuer.github_claims())
    user = ci.replace("/", "%2F") if way == "encoded basic" else ci
    headers = {"Authorization": "Basic " + base64.b64encode(f"{user}:".encode()).decode()}
    if "basic" in way:
        answer = await oauth(broker, token, headers=headers)
    else:
        named: Any = {way: ci}
        answer = await oauth(broker, token, **named)
    assert answer.status == 200, answer.body
    assert answer.claims["sub"] == ci


async def test_the_rfc_dialect_narrows(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization, ci: Uidp
) -> None:
    """`scope` and our `capabilities`, both separated by spaces."""
    answer = await oauth(
        broker,
        issuer.token(issuer.github_claims()),
        ci,
        scope=acme.folder,
        capabilities="groups.list roles.list",
        requested_token_type=token_exchange.JWT,
    )
    assert answer.body["issued_token_type"] == token_exchange.JWT
    assert CAPABILITIES.to_names(decode(answer.claims["cap"][acme.folder])) == (
        "groups.list",
        "roles.list",
    )
