"""Clients of other people's making exchange tokens at a running broker."""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path

import jwt
import pytest
from google.auth import identity_pool
from google.auth.transport import requests as google_requests

from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from tests.kit import node
from tests.kit.brokers import RunningBroker
from tests.kit.organizations import Organization

needs_curl = pytest.mark.skipif(
    shutil.which("curl") is None, reason="curl is not on this machine; it comes from no wheel"
)


async def curl(*arguments: str) -> dict[str, str]:
    """Run curl, as a workflow's shell step does."""
    process = await asyncio.create_subprocess_exec(
        "curl", "--silent", "--show-error", *arguments, stdout=PIPE
    )
    out, _ = await process.communicate()
    answer: dict[str, str] = json.loads(out)
    return answer


@needs_curl
async def test_curl_exchanges_by_query_and_by_form(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """The lines that the documentation shows."""
    bearer = f"Authorization: Bearer {issuer.token(issuer.github_claims())}"
    url = f"{broker.url}/sts/exchange"
    by_query = await curl("--header", bearer, f"{url}?identity={ci}&aud=a")
    by_form = await curl("--header", bearer, url, "--data", f"identity={ci}", "--data", "aud=a")
    for answer in (by_query, by_form):
        claims = jwt.decode(answer["token"], options={"verify_signature": False})
        assert (claims["sub"], claims["aud"]) == (ci, "a")


@needs_curl
async def test_curl_without_a_body(
    broker: RunningBroker, issuer: LocalIssuer, acme: Organization
) -> None:
    """A person's POST has neither query nor body."""
    person = await acme.person(issuer.url, "alice")
    bearer = f"Authorization: Bearer {issuer.token({'sub': 'alice'})}"
    answer = await curl("--request", "POST", "--header", bearer, f"{broker.url}/sts/exchange")
    assert jwt.decode(answer["token"], options={"verify_signature": False})["sub"] == person


async def test_google_auth_refreshes_an_external_account(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp, tmp_path: Path
) -> None:
    """Its configuration file with our `/token` as token_url; it sends Basic, empty password."""
    source = tmp_path / "upstream.jwt"
    source.write_text(issuer.token(issuer.github_claims()))
    configuration = {
        "type": "external_account",
        "audience": "https://service.example",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{broker.url}/token",
        "credential_source": {"file": str(source)},
        "client_id": ci,
        "client_secret": "",
    }
    credentials = identity_pool.Credentials.from_info(configuration)  # type: ignore[no-untyped-call]
    request = google_requests.Request()
    try:
        await asyncio.to_thread(credentials.refresh, request)
    finally:
        request.session.close()
    claims = jwt.decode(credentials.token, options={"verify_signature": False})
    assert (claims["sub"], claims["aud"]) == (ci, "https://service.example")
    assert credentials.valid


async def test_openid_client_discovers_and_exchanges(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """npm openid-client, a certified relying party, as a public client."""
    wanted = {
        "issuer": broker.url,
        "identity": ci,
        "token": issuer.token(issuer.github_claims()),
        "audience": "https://service.example",
    }
    answer = await node.run("exchange.mjs", wanted)
    assert answer["token_type"] == "bearer"
    assert answer["expires_in"] == 3600
    claims = jwt.decode(answer["access_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["aud"]) == (ci, "https://service.example")


async def test_openid_client_understands_a_refusal(
    broker: RunningBroker, issuer: LocalIssuer, ci: Uidp
) -> None:
    """RFC 6749 §5.2 as it parses it."""
    wanted = {
        "issuer": broker.url,
        "identity": ci,
        "token": issuer.token(issuer.github_claims(ref="refs/heads/other")),
        "audience": "a",
    }
    answer = await node.run("exchange.mjs", wanted)
    assert (answer["error"], answer["status"]) == ("invalid_request", 400)
    assert "does not exist or its rules do not accept" in answer["description"]
