"""Providers tried out through the API."""

from __future__ import annotations

from typing import Any

import pytest
from google.rpc import code_pb2

from broker.sdk.testing.issuer import DISCOVERY
from tests.api.world import Acme
from tests.kit.api import Json, Wire, refused
from tests.kit.issuers import answers, answers_text
from tests.kit.login_provider import DrivenProvider

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEST = "broker.v1.IdentityProviderTests/TestIdentityProvider"
SECRET = "sehr-geheim-1234567890"
COMPLETE: Json = {
    "scopes_supported": ["openid", "email", "profile", "groups"],
    "claims_supported": ["sub", "email", "email_verified", "groups"],
    "token_endpoint_auth_methods_supported": ["client_secret_basic", "none"],
}


async def _made(acme: Acme, issuer: str, **oidc: Any) -> str:
    """A provider with groups; its UIDP."""
    whole = {
        "issuer": issuer,
        "client_id": "broker",
        "client_secret": SECRET,
        "additional_scopes": ["groups"],
        "groups_claim": "groups",
    }
    made = await acme.ann(
        "IdentityProviders/Create",
        parent_id=acme.shop,
        identity_provider={"name": "id", "oidc": whole | oidc},
    )
    uidp: str = made["id"]
    return uidp


async def _checks(acme: Acme, wire: Wire, uidp: str) -> tuple[bool, dict[str, Json]]:
    told = await acme.vic.on(wire)(TEST, uid=uidp)
    return told["ok"], {check["name"]: check for check in told["checks"]}


async def test_a_provider_that_has_everything(acme: Acme, wire: Wire) -> None:
    """Every check holds, for a confidential client and for a public one, and no secret is sent."""
    async with DrivenProvider(metadata=COMPLETE) as provider:
        confidential = await _made(acme, provider.url)
        public = await _made(acme, provider.url, client_secret="", pkce_enabled=True)
        for uidp in (confidential, public):
            ok, checks = await _checks(acme, wire, uidp)
            assert ok
            assert list(checks) == [
                "discovery",
                "issuer",
                "authorization_endpoint",
                "token_endpoint",
                "jwks",
                "response_types_supported",
                "code_challenge_methods_supported",
                "token_endpoint_auth_methods_supported",
                "scope openid",
                "scope email",
                "scope profile",
                "scope groups",
                "authorization_response_iss_parameter_supported",
                "claim email",
                "claim email_verified",
                "claim groups",
            ]
            assert not [check for check in checks.values() if check["uncertain"]]
            assert checks["jwks"]["got"] == "ES256"
            assert checks["token_endpoint"]["got"] == f"'{provider.url}/token'"
        assert not provider.asked


@pytest.mark.parametrize(
    ("metadata", "oidc", "name", "uncertain"),
    [
        ({"issuer": "https://other.example"}, {}, "issuer", False),
        ({"authorization_endpoint": None}, {}, "authorization_endpoint", False),
        ({"token_endpoint": "http://other.example/token"}, {}, "token_endpoint", False),
        ({"jwks_uri": None}, {}, "jwks", False),
        ({"jwks_uri": "https://10.0.0.1/keys"}, {}, "jwks", False),
        ({"response_types_supported": ["id_token"]}, {}, "response_types_supported", False),
        ({"response_types_supported": None}, {}, "response_types_supported", True),
        (
            {"code_challenge_methods_supported": ["plain"]},
            {},
            "code_challenge_methods_supported",
            True,
        ),
        (
            {"code_challenge_methods_supported": None},
            {"pkce_enabled": True},
            "code_challenge_methods_supported",
            True,
        ),
        (
            {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
            {},
            "token_endpoint_auth_methods_supported",
            False,
        ),
        (
            {"token_endpoint_auth_methods_supported": None},
            {"client_secret": "", "pkce_enabled": True},
            "token_endpoint_auth_methods_supported",
            True,
        ),
        ({"scopes_supported": ["profile"]}, {}, "scope openid", False),
        ({"scopes_supported": ["openid"]}, {}, "scope groups", True),
        (
            {"authorization_response_iss_parameter_supported": None},
            {},
            "authorization_response_iss_parameter_supported",
            True,
        ),
        ({"claims_supported": ["email"]}, {}, "claim groups", True),
        ({"claims_supported": None}, {"groups_claim": "/realm/roles"}, "claim realm", True),
    ],
    ids=str,
)
async def test_what_is_missing(
    acme: Acme, wire: Wire, metadata: Json, oidc: Json, name: str, uncertain: bool
) -> None:
    """Each check says what was expected and what is there; only what logins cannot do without
    fails the test."""
    async with DrivenProvider() as provider:
        uidp = await _made(acme, provider.url, **oidc)
        provider.metadata = COMPLETE | metadata
        ok, checks = await _checks(acme, wire, uidp)
    check = checks[name]
    assert (ok, check["ok"], check["uncertain"]) == (uncertain, uncertain, uncertain), check
    assert check["expected"]
    assert check["got"]


async def test_pkce_that_went_away(acme: Acme, wire: Wire) -> None:
    """A provider that stopped supporting S256 fails a record that needs it."""
    async with DrivenProvider() as provider:
        uidp = await _made(acme, provider.url, pkce_enabled=True)
        provider.metadata = COMPLETE | {"code_challenge_methods_supported": ["plain"]}
        ok, checks = await _checks(acme, wire, uidp)
    check = checks["code_challenge_methods_supported"]
    assert (ok, check["ok"]) == (False, False)


async def test_a_provider_that_is_not_there(acme: Acme, wire: Wire) -> None:
    """Where there is no discovery document nothing else is looked at, and nothing it answered is
    told."""
    async with DrivenProvider() as provider:
        uidp = await _made(acme, provider.url)
        for answer, told in (
            (answers_text("secret words", status=503), "HTTP 503"),
            (answers_text("<html>secret words</html>"), "is not JSON"),
            (answers([]), "is not a JSON object"),
        ):
            provider.on_discovery = answer
            ok, checks = await _checks(acme, wire, uidp)
            assert not ok
            assert list(checks) == ["discovery"]
            assert told in checks["discovery"]["got"]
            assert "secret words" not in str(checks)
    ok, checks = await _checks(acme, wire, uidp)
    assert "failed connection" in checks["discovery"]["got"]


async def test_keys_that_sign_nothing(acme: Acme, wire: Wire) -> None:
    """A key set without a key that is good for ID tokens is one with which nobody logs in."""
    async with DrivenProvider() as provider:
        uidp = await _made(acme, provider.url)
        sets: tuple[Json, ...] = ({"keys": []}, {"keys": [{"kty": "oct", "k": "eA"}]}, {})
        for keys in sets:
            provider.on_jwks = answers(keys)
            ok, checks = await _checks(acme, wire, uidp)
            assert (ok, checks["jwks"]["ok"]) == (False, False)


async def test_it_is_asked_each_time(acme: Acme, wire: Wire) -> None:
    """Who changes something at the provider sees it at once."""
    async with DrivenProvider() as provider:
        uidp = await _made(acme, provider.url)
        for times in (1, 2):
            await _checks(acme, wire, uidp)
            assert provider.requests[DISCOVERY] == times


async def test_who_may(acme: Acme, wire: Wire) -> None:
    """Only who may see the record has its provider asked."""
    async with DrivenProvider() as provider:
        uidp = await _made(acme, provider.url)
        with refused(code_pb2.PERMISSION_DENIED):
            await acme.oda.on(wire)(TEST, uid=uidp)
        assert not provider.requests
    with refused(code_pb2.NOT_FOUND, "identity_provider_not_found", field="uid"):
        await acme.ann.on(wire)(TEST, uid=f"{acme.shop}/0123456789abcdef")
    with refused(code_pb2.INVALID_ARGUMENT, field="uid"):
        await acme.ann.on(wire)(TEST, uid="id")
