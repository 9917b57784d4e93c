"""Discovery, keys, capability numbers, health."""

from __future__ import annotations

import aiohttp

from tests.kit.brokers import RunningBroker
from tests.kit.calls import call
from tests.kit.organizations import CAPABILITIES


async def test_discovery_names_this_issuer_in_both_documents(broker: RunningBroker) -> None:
    """OpenID Connect Discovery §3 and RFC 8414 §2 require these members."""
    oidc = await call("GET", f"{broker.url}/.well-known/openid-configuration")
    oauth = await call("GET", f"{broker.url}/.well-known/oauth-authorization-server")
    assert oidc.body == oauth.body
    assert oidc.body["issuer"] == broker.url
    assert oidc.body["token_endpoint"] == f"{broker.url}/token"
    for member in (
        "jwks_uri",
        "response_types_supported",
        "subject_types_supported",
        "id_token_signing_alg_values_supported",
        "claims_supported",
        "grant_types_supported",
    ):
        assert oidc.body[member]
    assert oidc.body["grant_types_supported"] == [
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "client_credentials",
        "authorization_code",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
    ]
    assert oidc.body["token_endpoint_auth_methods_supported"] == ["none"]
    assert oidc.headers["Cache-Control"] == "public, max-age=300"


async def test_the_jwks_has_public_keys_alone(broker: RunningBroker) -> None:
    """RFC 7517; no private member leaves."""
    answer = await call("GET", f"{broker.url}/.well-known/jwks.json")
    assert answer.body["keys"]
    for key in answer.body["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert answer.headers["Cache-Control"] == "public, max-age=300"


async def test_the_capability_numbers_are_published(broker: RunningBroker) -> None:
    """Name to bit number."""
    answer = await call("GET", f"{broker.url}/.well-known/capabilities")
    assert answer.body["capabilities"] == {c.name: c.bit for c in CAPABILITIES}


async def test_health(broker: RunningBroker) -> None:
    """Alive, and every part ready."""
    assert (await call("GET", f"{broker.url}/healthz")).body == {"status": "ok"}
    ready = await call("GET", f"{broker.url}/readyz")
    assert (ready.status, ready.body["parts"]) == (200, {"store": "ok", "keys": "ok"})


async def test_unknown_paths_and_methods_are_told_in_json(broker: RunningBroker) -> None:
    """With a request id, as every answer."""
    unknown = await call("GET", f"{broker.url}/nope")
    assert (unknown.status, unknown.body["code"], unknown.reason) == (404, 5, "path_unknown")
    wrong = await call("DELETE", f"{broker.url}/token")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "POST")
    assert len(wrong.request_id) == 32


async def test_documents_answer_head(broker: RunningBroker) -> None:
    """RFC 9110 §9.3.2: as GET, without the body; load balancers ask so. An exchange does not."""
    async with aiohttp.ClientSession() as session:
        for path in ("/healthz", "/readyz", "/.well-known/jwks.json"):
            async with session.head(f"{broker.url}{path}") as answer:
                assert (answer.status, await answer.read()) == (200, b"")
                assert int(answer.headers["Content-Length"]) > 0
        async with session.head(f"{broker.url}/sts/exchange") as answer:
            assert answer.status == 405
