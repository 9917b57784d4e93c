"""The same exchange by the other grant types of `/token`, on a running broker."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from broker.iam.capabilities import decode
from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit.brokers import RunningBroker
from tests.kit.calls import Answer, client_credentials, granted, jwt_bearer, record_of
from tests.kit.organizations import CAPABILITIES, Organization

Grant = Callable[..., Awaitable[Answer]]
GRANTS = pytest.mark.parametrize(
    ("grant", "dialect"),
    [(jwt_bearer, "jwt-bearer"), (client_credentials, "client-credentials")],
)


@GRANTS
async def test_a_token_is_granted(
    broker: RunningBroker,
    issuer: LocalIssuer,
    acme: Organization,
    ci: Uidp,
    grant: Grant,
    dialect: str,
) -> None:
    """RFC 6749 §5.1; nothing was exchanged, so there is no `issued_token_type`."""
    token = issuer.token(issuer.github_claims())
    answer = await grant(broker, token, ci, audience=["a"], resource=["https://b.example"])
    assert answer.status == 200, answer.body
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.body) == {"access_token", "token_type", "expires_in", "scope"}
    assert answer.body["token_type"] == "Bearer"
    assert answer.body["expires_in"] == 3600
    assert answer.body["scope"] == acme.folder
    assert answer.claims["aud"] == ["a", "https://b.example"]
    assert answer.claims["sub"] == ci
    assert answer.claims["act"]["sub"] == "repo:acme/shop:ref:refs/heads/main"
    detail = json.loads((await record_of(broker, answer)).detail)
    assert detail["dialect"] == dialect


@GRANTS
async def test_it_is_narrowed(
    broker: RunningBroker,
    issuer: LocalIssuer,
    acme: Organization,
    ci: Uidp,
    grant: Grant,
    dialect: str,
) -> None:
    """By the UIDPs of `scope` and by our `capabilities`, as in an exchange."""
    token = issuer.token(issuer.github_claims())
    answer = await grant(broker, token, ci, scope=acme.folder, capabilities="groups.list")
    names = CAPABILITIES.to_names(decode(answer.claims["cap"][acme.folder]))
    assert names == ("groups.list",)
    assert answer.claims["aud"] == broker.url


@GRANTS
@pytest.mark.parametrize("way", ["identity", "basic"])
async def test_the_identity_is_named_otherwise(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, grant: Grant, dialect: str, way: str
) -> None:
    """Not by `client_id`, but by our parameter or by HTTP Basic with an empty password."""
    token = issuer.token(issuer.github_claims())
    if way == "basic":
        basic = base64.b64encode(f"{ci}:".encode()).decode()
        answer = await grant(broker, token, headers={"Authorization": f"Basic {basic}"})
    else:
        answer = await grant(broker, token, identity=ci)
    assert answer.status == 200, answer.body
    assert answer.claims["sub"] == ci


async def test_a_person_names_no_identity(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """A JWT as a grant is about somebody; without a client it is a person."""
    person = await acme.person(issuer.url, "alice")
    answer = await jwt_bearer(broker, issuer.token({"sub": "alice"}))
    assert answer.status == 200, answer.body
    assert answer.claims["sub"] == person


@pytest.mark.parametrize(
    ("scopes", "audience"),
    [
        (["api://registry/.default"], "api://registry"),
        (["https://a.example//.default"], "https://a.example/"),
        (["api://a/.default", "api://b/.default"], ["api://a", "api://b"]),
    ],
)
async def test_a_default_scope_is_an_audience(
    broker: RunningBroker,
    issuer: LocalIssuer,
    acme: Organization,
    ci: Uidp,
    scopes: list[str],
    audience: Any,
) -> None:
    """`RESOURCE/.default` is RESOURCE, with all that the client holds; UIDPs beside it narrow."""
    token = issuer.token(issuer.github_claims())
    answer = await client_credentials(broker, token, ci, scope=" ".join(scopes))
    assert answer.status == 200, answer.body
    assert answer.claims["aud"] == audience
    assert set(answer.claims["cap"]) == {acme.folder}
    narrowed = " ".join([*scopes, acme.folder])
    answer = await client_credentials(broker, token, ci, scope=narrowed, capabilities="groups.list")
    assert answer.claims["aud"] == audience
    assert CAPABILITIES.to_names(decode(answer.claims["cap"][acme.folder])) == ("groups.list",)


async def test_a_default_scope_joins_the_audience(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """Each audience once, in order."""
    token = issuer.token(issuer.github_claims())
    answer = await client_credentials(
        broker, token, ci, audience=["a", "api://b"], scope="api://b/.default api://c/.default"
    )
    assert answer.claims["aud"] == ["a", "api://b", "api://c"]


async def test_the_token_endpoint_of_a_tenant(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """The path that clients of Entra ID make of the tenant `broker` is the token endpoint too."""
    tenant = RunningBroker(f"{broker.url}/broker/oauth2/v2.0", broker.settings, broker.store)
    token = issuer.token(issuer.github_claims())
    answer = await client_credentials(tenant, token, ci, scope="api://registry/.default")
    assert (answer.status, answer.claims["sub"]) == (200, ci)
    refused = await granted(tenant, {"grant_type": "password"})
    assert (refused.status, refused.body["error"]) == (400, "unsupported_grant_type")
