"""One real token of GitHub Actions, long expired, by GitHub's real keys."""

from __future__ import annotations

import json
import ssl
from pathlib import Path

import pytest
import trustme

from broker.errors import Unauthenticated
from tests.kit.issuers import MisbehavingIssuer, answers, relying_party

VECTORS = Path(__file__).parents[2] / ".." / "shared" / "vectors" / "github-actions"
ISSUER = "https://token.actions.githubusercontent.com"
HOST = "token.actions.githubusercontent.com"
AT = 1743246300.0

pytestmark = pytest.mark.skipif(
    not VECTORS.is_dir(), reason="../shared/vectors/github-actions is not there"
)


async def test_verifies_at_its_time_and_expires_after(tmp_path: Path) -> None:
    """GitHub's token verifies over TLS by discovery and JWKS while it lives, and not later."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST).configure_cert(tls)
    token = (VECTORS / "token.jwt").read_text().strip()
    github = MisbehavingIssuer(
        tls=tls,
        algorithm="ES256",
        on_discovery=answers(json.loads((VECTORS / "openid-configuration.json").read_text())),
        on_jwks=answers(json.loads((VECTORS / "jwks.json").read_text())),
    )
    async with github:
        settings = {
            "allow_http_loopback": False,
            "ca_bundles": {ISSUER: tmp_path / "ca.pem"},
            "addresses": {HOST: ("127.0.0.1", github.port)},
        }
        async with relying_party(outbound=settings) as party:
            claims = await party.verify(token, issuer=ISSUER, now=AT)
            assert claims.audience == ("https://example.com",)
            assert claims.subject == "repo:rgl/github-actions-validate-jwt:ref:refs/heads/main"
            assert claims.claims["repository_id"] == "957014466"
            assert claims.expires_at == 1743267827
            with pytest.raises(Unauthenticated) as late:
                await party.verify(token, issuer=ISSUER, now=1743267827.0 + 60)
    assert late.value.code == "token_expired"
