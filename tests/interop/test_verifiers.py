"""Verifiers of other people's making check what the broker mints."""

from __future__ import annotations

import asyncio

import jwt
import pytest

from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit import node
from tests.kit.brokers import RunningBroker
from tests.kit.calls import exchange


@pytest.fixture
async def token(broker: RunningBroker, issuer: LocalIssuer, ci: Uidp) -> str:
    """A minted one."""
    answer = await exchange(broker, issuer.token(issuer.github_claims()), ci, aud="service")
    minted: str = answer.body["token"]
    return minted


async def test_pyjwt_verifies(broker: RunningBroker, token: str, ci: Uidp) -> None:
    """By PyJWKClient, from the JWKS URL."""
    client = jwt.PyJWKClient(f"{broker.url}/.well-known/jwks.json")
    key = await asyncio.to_thread(client.get_signing_key_from_jwt, token)
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="service", issuer=broker.url)
    assert claims["sub"] == ci
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, key, algorithms=["ES256"], audience="another", issuer=broker.url)


@pytest.mark.parametrize(
    ("expected", "error"),
    [
        ({}, None),
        ({"audience": "another"}, "ERR_JWT_CLAIM_VALIDATION_FAILED"),
        ({"issuer": "https://another.example"}, "ERR_JWT_CLAIM_VALIDATION_FAILED"),
        ({"token": "changed"}, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"),
    ],
    ids=str,
)
async def test_jose_verifies(
    broker: RunningBroker, token: str, ci: Uidp, expected: dict[str, str], error: str | None
) -> None:
    """npm jose, which also checks `typ`; it refuses what is not meant for the service."""
    if expected.get("token"):
        head, payload, signature = token.split(".")
        flipped = "A" if signature[10] != "A" else "B"
        changed = signature[:10] + flipped + signature[11:]
        expected = {"token": f"{head}.{payload}.{changed}"}
    wanted = {
        "issuer": broker.url,
        "jwks": f"{broker.url}/.well-known/jwks.json",
        "audience": "service",
        "token": token,
    } | expected
    answer = await node.run("verify.mjs", wanted)
    assert answer.get("error") == error
    if error is None:
        assert answer["payload"]["sub"] == ci
        assert answer["protectedHeader"]["typ"] == "at+jwt"
