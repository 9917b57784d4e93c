"""Who signed a request, asked of a stand-in STS that verifies signatures."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from broker.errors import Unauthenticated
from broker.iam.claims import VerifiedClaims
from broker.upstream.aws import AwsVerifier
from broker.upstream.outbound import OutboundClient
from tests.kit.sts import (
    GLOBAL,
    TARGET,
    Principal,
    StandInSts,
    encoded,
    role,
    signed_request,
    user,
)

ISSUER = "https://broker.example.com"
IDENTITY = "43b49a5ad747c66d9820fc8de64784b2329ff490/1e02e4de78b663ca"
REGIONAL = "sts.eu-central-1.amazonaws.com"
CHINA = "sts.cn-north-1.amazonaws.com.cn"
FIPS = "sts-fips.us-east-1.amazonaws.com"


@asynccontextmanager
async def verifier(sts: StandInSts, **settings: Any) -> AsyncIterator[AwsVerifier]:
    """One that finds the stand-in where AWS would be."""
    async with OutboundClient(addresses=sts.addresses, ca_bundles=sts.ca_bundles) as outbound:
        accepted = {"own_audiences": [ISSUER, "broker.example.com"]}
        yield AwsVerifier(outbound, **(accepted | settings))


async def verified(
    sts: StandInSts, token: str, /, now: float | None = None, **settings: Any
) -> VerifiedClaims:
    async with verifier(sts, **settings) as aws:
        moment = time.time() if now is None else now
        return await aws.verify(aws.parse(token), identity=IDENTITY, now=moment)


@pytest.mark.parametrize("who", [role(), user(), user(session_token="s" * 400)])
async def test_who_signed(tmp_path: Path, who: Principal) -> None:
    """The ARN is the subject, the endpoint the issuer, and the request's end the expiry."""
    async with StandInSts(tmp_path, who) as sts:
        token = who.token(ISSUER, IDENTITY)
        claims = await verified(sts, token)
    assert claims.issuer == f"https://{GLOBAL}"
    assert claims.subject == who.arn
    assert claims.audience == (ISSUER,)
    assert claims.claims == {"aws_account": who.account, "arn": who.arn, "user_id": who.user_id}
    assert 890 <= claims.expires_at - time.time() <= 900


async def test_the_request_is_ours(tmp_path: Path) -> None:
    """STS gets a constant target, no body, and of the caller's headers those that were checked."""
    who = role()
    raw = signed_request(
        who, ISSUER, IDENTITY, target="/?Version=2011-06-15&Action=GetCallerIdentity"
    )
    raw = raw.replace(b"\r\nHost", b"\r\nCookie: a=b\r\nUser-Agent: curl/8\r\nHost")
    async with StandInSts(tmp_path, who) as sts:
        await verified(sts, encoded(raw))
    ((method, target, headers, body),) = sts.received
    assert (method, target, body) == ("POST", TARGET, b"")
    sent = {name.lower(): value for name, value in headers}
    assert len(sent) == len(headers)
    assert sent.pop("authorization").startswith("AWS4-HMAC-SHA256 Credential=")
    assert sent.pop("x-amz-date")
    assert sent == {
        "host": GLOBAL,
        "accept": "application/json",
        "accept-encoding": "identity",
        "chainguard-audience": ISSUER,
        "chainguard-identity": IDENTITY,
        "connection": "close",
        "content-length": "0",
        "user-agent": "oidc-broker",
        "x-amz-security-token": who.session_token,
    }


@pytest.mark.parametrize(
    "more",
    [
        [("Content-Length", "0")],
        [("User-Agent", "aws  sdk")],
        [("Content-Type", "application/x-www-form-urlencoded")],
        [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
        [
            (
                "X-Amz-Content-Sha256",
                "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            )
        ],
    ],
    ids=lambda more: more[0][0],
)
async def test_headers_that_other_signers_sign(tmp_path: Path, more: Any) -> None:
    """What other libraries sign besides goes to STS as it was signed, or the signature breaks."""
    who = role()
    token = encoded(signed_request(who, ISSUER, IDENTITY, more=more))
    async with StandInSts(tmp_path, who) as sts:
        assert (await verified(sts, token)).subject == who.arn


async def test_a_session_token_that_was_added_after_signing(tmp_path: Path) -> None:
    """It is sent on although it is not signed."""
    who = role()
    names = ["chainguard-audience", "chainguard-identity", "host", "x-amz-date"]
    token = encoded(signed_request(who, ISSUER, IDENTITY, signed=names))
    async with StandInSts(tmp_path, who) as sts:
        assert (await verified(sts, token)).subject == who.arn


@pytest.mark.parametrize("host", [REGIONAL, CHINA, FIPS])
async def test_other_endpoints_are_a_setting(tmp_path: Path, host: str) -> None:
    """An endpoint that is allowed is asked itself; without the setting it is not asked."""
    who = role()
    token = encoded(signed_request(who, ISSUER, IDENTITY, host=host))
    async with StandInSts(tmp_path, who, hosts=[GLOBAL, host]) as sts:
        claims = await verified(sts, token, hosts=[GLOBAL, host])
        assert claims.issuer == f"https://{host}"
        with pytest.raises(Unauthenticated) as refused:
            await verified(sts, token)
    assert refused.value.code == "aws_request_refused"
    assert refused.value.field == "host"
    assert len(sts.received) == 1


async def test_our_client_signs_for_a_region(tmp_path: Path) -> None:
    """With a region it makes a request to that region's endpoint."""
    who = role()
    async with StandInSts(tmp_path, who, hosts=[REGIONAL]) as sts:
        token = who.token(ISSUER, IDENTITY, region="eu-central-1")
        assert (await verified(sts, token, hosts=[REGIONAL])).subject == who.arn


async def test_the_bare_host_is_an_audience_too(tmp_path: Path) -> None:
    """As for tokens of OpenID providers."""
    who = user()
    token = encoded(signed_request(who, "broker.example.com", IDENTITY))
    async with StandInSts(tmp_path, who) as sts:
        assert (await verified(sts, token)).audience == ("broker.example.com",)


@pytest.mark.parametrize("age", [-299, 0, 899])
async def test_times_that_hold(tmp_path: Path, age: int) -> None:
    """A request is good for 15 minutes, and may be 5 minutes ahead of our clock."""
    who = user()
    now = 1_795_000_000.0
    token = encoded(signed_request(who, ISSUER, IDENTITY, at=now - age))
    async with StandInSts(tmp_path, who, clock=lambda: now) as sts:
        assert (await verified(sts, token, now=now)).expires_at == int(now) - age + 900
