"""Logins with several processes, and with a certified provider."""

from __future__ import annotations

from pathlib import Path

import pytest
from yarl import URL

from broker.iam.uidp import Uidp
from tests.kit.brokers import running_broker
from tests.kit.oidc_provider import running_provider
from tests.kit.people import Browser, claims_of, installation
from tests.kit.redis import running_redis

REDIRECT = "http://localhost:8123/callback?token=true&error=true"


async def test_a_login_ends_at_another_process_than_it_began(tmp_path: Path) -> None:
    """With Redis, the browser may come back to any process, and is known by all of them."""
    with running_redis() as redis:
        async with (
            installation(tmp_path, BROKER_REDIS_URL=redis.url) as here,
            running_broker(tmp_path, BROKER_ISSUER=here.url, BROKER_REDIS_URL=redis.url) as other,
        ):
            port = other.settings.port
            browser = await here.browser()
            page = await browser.get("/oauth", redirect=REDIRECT, idp_id=here.provider.id)
            callback = URL(here.acme.authorize(page.onward), encoded=True).with_port(port)
            page = await browser.get(str(callback))
            assert "token" in page.answer, page.text
            assert "Your account" in (await browser.open("/account")).text
            assert "Your account" in (await browser.get(f"http://127.0.0.1:{port}/account")).text
            page = await browser.get(str(callback.with_port(URL(here.url).port)))
            assert page.status == 401, "it was taken by the other one"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_login_at_a_certified_provider(tmp_path: Path, algorithm: str) -> None:
    """With npm's oidc-provider, which is certified, as a public and as a confidential client."""
    secret = "for the length of a test"
    async with running_provider(algorithm=algorithm) as provider:
        settings = {
            "BROKER_GITLAB_ISSUER": provider.issuer,
            "BROKER_GITLAB_CLIENT_ID": "broker",
            "BROKER_GITLAB_CLIENT_SECRET": secret,
        }
        async with installation(tmp_path, **settings) as here:
            await provider.account("ann", email="ann@acme.example", email_verified=True)
            callback = f"{here.url}/oauth/callback"
            await provider.add_client("broker", secret=secret, redirect_uris=[callback])
            browser: Browser = await here.browser()
            page = await browser.get("/oauth", redirect=REDIRECT, connection="gitlab")
            page = await browser.open(await provider.authorize(page.onward))
            page = await browser.submit(page, "decision", "register")
            claims = claims_of(page.answer["token"])
            assert claims["sub"] == Uidp.of_person(provider.issuer, "ann")
            assert (claims["email"], claims["email_verified"]) == ("ann@acme.example", True)
            assert claims["idp"] == "gitlab"
