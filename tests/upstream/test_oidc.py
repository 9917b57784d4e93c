"""Verification as a whole; what it refuses is in tests/abuse/test_jose.py."""

from __future__ import annotations

import json
import time

import pytest

from broker.errors import Stage, Unauthenticated
from broker.jose.compact import parse
from broker.sdk.testing import LocalIssuer
from tests.kit.issuers import loose_verifier, relying_party


async def test_verified_claims() -> None:
    """A verified token gives issuer, subject, audience, expiry and every claim."""
    async with LocalIssuer() as issuer, relying_party() as party:
        token = issuer.token(issuer.github_claims(), aud=["a", "b"], exp=int(time.time()) + 90)
        verified = await party.verify(token, issuer=issuer.url)
    assert verified.issuer == issuer.url
    assert verified.subject == "repo:acme/shop:ref:refs/heads/main"
    assert verified.audience == ("a", "b")
    assert verified.expires_at == verified.claims["exp"]
    assert verified.claims["repository_owner_id"] == "43356"


async def test_fresh_keys_need_no_wait() -> None:
    """While keys are fresh a verification runs to its end without giving up the loop."""
    async with LocalIssuer(algorithm="ES256") as issuer, relying_party() as party:
        token = issuer.token()
        await party.verify(token, issuer=issuer.url)
        running = party.verifier.verify(parse(token), issuer=issuer.url, now=time.time())
        with pytest.raises(StopIteration) as done:
            running.send(None)
    assert done.value.value.issuer == issuer.url


def test_static_keys() -> None:
    """An identity's own keys verify its tokens, and the next set of keys does not."""
    issuer = LocalIssuer(algorithm="ES256", issuer="https://cluster.internal")
    verifier = loose_verifier()
    jwks = json.dumps(issuer.jwks())
    for _ in range(2):
        claims = verifier.verify_static(
            parse(issuer.token()), issuer=issuer.url, jwks=jwks, now=time.time()
        )
        assert claims.issuer == "https://cluster.internal"
    issuer.rotate(keep=False)
    with pytest.raises(Unauthenticated) as refused:
        verifier.verify_static(parse(issuer.token()), issuer=issuer.url, jwks=jwks, now=time.time())
    assert refused.value.code == "token_key_unknown"


@pytest.mark.parametrize("jwks", ["", "{}", "null", '{"keys": 1}', '{"keys": ["\ud800"]}'])
def test_static_keys_of_no_use(jwks: str) -> None:
    """A record whose keys cannot be read verifies nothing."""
    issuer = LocalIssuer(algorithm="ES256", issuer="https://cluster.internal")
    with pytest.raises(Unauthenticated) as refused:
        loose_verifier().verify_static(
            parse(issuer.token()), issuer=issuer.url, jwks=jwks, now=time.time()
        )
    assert (refused.value.code, refused.value.stage) == ("token_key_unknown", Stage.SIGNATURE)
