"""JWTs of AWS accounts with outbound identity federation: issuers like any other."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from broker.iam.model import ClaimMatch
from tests.docs.documents import ROOT, blocks
from tests.kit.brokers import RunningBroker, running_broker
from tests.kit.calls import exchange, record_of
from tests.kit.issuers import MisbehavingIssuer
from tests.kit.organizations import Organization, organization
from tests.kit.sts import ACCOUNT

HOST = "3f4c4f2e-5d1b-4c36-9d0e-0123456789ab.tokens.sts.global.api.aws"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/ci/deploy"
KIDS = {"ES384": "EC384_0", "RS256": "RSA_0"}
DETAILS = "https://sts.amazonaws.com/"


class AwsAccount(MisbehavingIssuer):
    """An account's issuer, with tokens and key ids in the shape that AWS gives them."""

    def __init__(self, algorithm: str, authority: trustme.CA) -> None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(HOST).configure_cert(tls)
        super().__init__(algorithm=algorithm, issuer=f"https://{HOST}", tls=tls)

    async def answer_jwks(self, request: web.Request) -> web.StreamResponse:
        (key,) = self.jwks()["keys"]
        return web.json_response({"keys": [key | {"kid": KIDS[self.algorithm]}]})

    def web_identity_token(self, audience: list[str], **details: Any) -> str:
        """As `sts:GetWebIdentityToken` gives one to the role."""
        told = {
            "aws_account": ACCOUNT,
            "org_id": "o-exampleorgid",
            "ou_path": ["o-exampleorgid/r-root/ou-one/", "o-exampleorgid/r-root/ou-two/"],
            "principal_id": ROLE,
            "principal_tags": {"team": "shop"},
            "request_tags": {"job": "1"},
            "source_region": "eu-central-1",
            "lambda_source_function_arn": f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:x",
        }
        claims = {"sub": ROLE, "aud": audience, DETAILS: told | details}
        return self.token(claims, header={"kid": KIDS[self.algorithm]}, without=["nbf"])


@asynccontextmanager
async def world(folder: Path, algorithm: str) -> AsyncIterator[tuple[RunningBroker, AwsAccount]]:
    """A broker that finds the account's issuer where AWS would have it."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    settings = {"BROKER_ISSUER_CA_BUNDLES": json.dumps({f"https://{HOST}": str(folder / "ca.pem")})}
    async with (
        AwsAccount(algorithm, authority) as account,
        running_broker(folder, addresses={HOST: ("127.0.0.1", account.port)}, **settings) as broker,
    ):
        yield broker, account


def rules(**more: Any) -> ClaimMatch:
    """The account, the role."""
    return ClaimMatch(**({"issuer": f"https://{HOST}", "subject": ROLE} | more))


def pointer(*path: str) -> str:
    """To a detail, as a rule names it."""
    return "/".join(["/https:~1~1sts.amazonaws.com~1", *path])


@pytest.mark.parametrize("algorithm", KIDS)
async def test_nested_claims_are_matched(tmp_path: Path, algorithm: str) -> None:
    """Account, organization, tags and the rest lie under a URL, where a JSON pointer reaches."""
    async with world(tmp_path, algorithm) as (broker, account):
        acme: Organization = await organization(broker.store)
        identity = await acme.identity(
            rules(
                claims={
                    pointer("aws_account"): ACCOUNT,
                    pointer("org_id"): "o-exampleorgid",
                    pointer("principal_tags", "team"): "shop",
                    pointer("ou_path"): "o-exampleorgid/r-root/ou-two/",
                    pointer("ou_path", "0"): "o-exampleorgid/r-root/ou-one/",
                },
                claim_patterns={pointer("source_region"): "eu-(central|west)-1"},
            )
        )
        answer = await exchange(broker, account.web_identity_token([broker.url]), identity)
        assert answer.status == 200, answer.body
        assert answer.claims["act"]["sub"] == ROLE
        assert answer.claims["act"][pointer("aws_account")] == ACCOUNT


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (("aws_account",), {"aws_account": "999999999999"}),
        (("principal_tags", "team"), {"principal_tags": {}}),
        (("org_id",), {"org_id": ["o-other"]}),
    ],
)
async def test_nested_claims_that_differ(
    tmp_path: Path, path: tuple[str, ...], detail: dict[str, Any]
) -> None:
    """A detail that is not as the rule says, or is not there, refuses."""
    wanted = {"aws_account": ACCOUNT, "principal_tags": "shop", "org_id": "o-exampleorgid"}
    async with world(tmp_path, "RS256") as (broker, account):
        acme = await organization(broker.store)
        identity = await acme.identity(rules(claims={pointer(*path): wanted[path[0]]}))
        good = await exchange(broker, account.web_identity_token([broker.url]), identity)
        assert good.status == 200, good.body
        token = account.web_identity_token([broker.url], **detail)
        answer = await exchange(broker, token, identity)
        assert (answer.status, answer.reason) == (403, "identity_refused")
        steps = json.loads((await record_of(broker, answer)).detail)["steps"]
        (failed,) = (step for step in steps if step["passed"] is False)
        assert failed["name"] == f"claims.{pointer(*path)}"


async def test_several_audiences(tmp_path: Path) -> None:
    """Every one has to be accepted: by default ours alone, by a pattern those that it names."""
    several = ["https://registry.acme.example"]
    async with world(tmp_path, "RS256") as (broker, account):
        acme = await organization(broker.store)
        default = await acme.identity(rules())
        named = "https://registry\\.acme\\.example|" + broker.url.replace(".", "\\.")
        both = await acme.identity(rules(audience_pattern=named))
        token = account.web_identity_token([broker.url, *several])
        refused = await exchange(broker, token, default)
        assert (refused.status, refused.reason) == (403, "identity_refused")
        assert (await exchange(broker, token, both)).status == 200
        other = account.web_identity_token([broker.url, *several, "https://evil.example"])
        assert (await exchange(broker, other, both)).status == 403


async def test_the_issuer_of_another_account(tmp_path: Path) -> None:
    """Each account has an issuer of its own, and one account's tokens are none of another's."""
    async with world(tmp_path, "ES384") as (broker, account):
        acme = await organization(broker.store)
        other = f"https://{HOST.replace('3f', '4f', 1)}"
        identity = await acme.identity(rules(issuer=other))
        answer = await exchange(broker, account.web_identity_token([broker.url]), identity)
        assert (answer.status, answer.reason) == (403, "identity_refused")
        assert not account.requests


def test_the_guide_points_to_the_claims() -> None:
    """The pointers in the guide are those that reach the claims in a token's shape."""
    guide = ROOT / "docs" / "guides" / "aws-outbound-federation.md"
    text = "".join(block.text for block in blocks("yaml", among=[guide]))
    for path in (("aws_account",), ("org_id",), ("principal_tags", "team"), ("source_region",)):
        assert f"          {pointer(*path)}: " in text
