"""The issuer that ships for tests, checked by a library that shares no code with our verifier."""

from __future__ import annotations

import aiohttp
import jwt
import pytest

from broker.sdk.testing import LocalIssuer
from broker.sdk.testing.issuer import DISCOVERY, JWKS


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"])
async def test_tokens_verify_elsewhere(algorithm: str) -> None:
    """PyJWT verifies a token by the keys that discovery leads to."""
    async with LocalIssuer(algorithm=algorithm, audience="me") as issuer:
        async with aiohttp.ClientSession() as session:
            discovery = await (await session.get(issuer.url + DISCOVERY)).json()
            jwks = await (await session.get(discovery["jwks_uri"])).json()
        assert discovery["issuer"] == issuer.url
        token = issuer.token({"custom": 1}, sub="x")
        key = jwt.PyJWKSet.from_dict(jwks)[issuer.kid]
        claims = jwt.decode(token, key, algorithms=[algorithm], audience="me", issuer=issuer.url)
    assert (claims["sub"], claims["custom"]) == ("x", 1)
    assert claims["exp"] - claims["iat"] == 300
    assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


def test_no_private_key_is_published() -> None:
    """The published set holds public members alone."""
    for algorithm in ("RS256", "ES256", "EdDSA"):
        issuer = LocalIssuer(algorithm=algorithm, issuer="https://issuer.example")
        assert not {"d", "p", "q", "dp", "dq", "qi"} & issuer.jwks()["keys"][0].keys()


def test_hmac_is_refused() -> None:
    """An issuer of HMAC tokens cannot be made."""
    with pytest.raises(ValueError, match="HS256"):
        LocalIssuer(algorithm="HS256")


def test_github_claims() -> None:
    """Claims in GitHub's shape are all strings and can be replaced one by one."""
    issuer = LocalIssuer(algorithm="ES256", issuer="https://issuer.example")
    claims = issuer.github_claims("acme/shop", "refs/tags/v1", environment="production")
    assert all(isinstance(value, str) for value in claims.values())
    assert claims["sub"] == "repo:acme/shop:ref:refs/tags/v1"
    assert (claims["ref_type"], claims["environment"]) == ("tag", "production")


async def test_rotation() -> None:
    """A rotation signs with a new key and keeps publishing the old one unless told otherwise."""
    issuer = LocalIssuer(algorithm="ES256", issuer="https://issuer.example")
    old, new = issuer.kid, issuer.rotate()
    assert [key["kid"] for key in issuer.jwks()["keys"]] == [old, new]
    newest = issuer.rotate(keep=False)
    assert [key["kid"] for key in issuer.jwks()["keys"]] == [newest]


async def test_without_a_port() -> None:
    """An issuer has no address before it was started, and says so."""
    with pytest.raises(RuntimeError, match="started"):
        _ = LocalIssuer(algorithm="ES256").url


async def test_same_port_again() -> None:
    """An issuer that was stopped starts again where it was."""
    issuer = LocalIssuer(algorithm="ES256")
    await issuer.start()
    url = issuer.url
    await issuer.stop()
    async with issuer:
        assert issuer.url == url
