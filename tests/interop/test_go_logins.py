"""People log in with the platform's Go SDK, version 0.1.40, through a certified provider.

`make test-interop-go` runs it, as `test_go_sdk.py`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from broker.iam.uidp import Uidp
from broker.sdk.testing.issuer import LocalIssuer
from broker.sdk.token_cache import Kind, TokenCache
from tests.interop.test_go_sdk import NAMES, WITH_LOGIN, passes, pytestmark
from tests.kit.brokers import running_broker
from tests.kit.oidc_provider import running_provider
from tests.kit.organizations import organization
from tests.kit.people import DOMAIN, identity_provider

__all__ = ["pytestmark"]

CACHED = "TestLoginOfTheCommandLine"


@asynccontextmanager
async def settings(folder: Path) -> AsyncIterator[dict[str, str]]:
    """A broker, a verified organization with a provider, and Ann at her browser."""
    async with running_broker(folder) as broker, running_provider() as provider:
        await provider.account("ann", email="ann@acme.example", email_verified=True)
        callback = f"{broker.url}/oauth/callback"
        await provider.add_client("broker", redirect_uris=[callback])
        org = await organization(broker.store, DOMAIN)
        record = await identity_provider(org, provider.issuer)
        async with broker.store.write() as records:
            group = await records.groups.get(org.id)
            assert group is not None
            await records.groups.update(replace(group, verified=True))
        yield {
            "BROKER_URL": broker.url,
            "BROKER_PROVIDER": record.id,
            "BROKER_ORGANIZATION": DOMAIN,
            "BROKER_PERSON": Uidp.of_person(provider.issuer, "ann"),
        }


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name.startswith(WITH_LOGIN) and name != CACHED]
)
async def test_go_login(name: str, tmp_path: Path) -> None:
    """One test of tests/interop/go/login_test.go passes against this broker."""
    async with settings(tmp_path) as given:
        await passes(name, **given)


async def test_the_cache_of_the_command_line(tmp_path: Path) -> None:
    """The SDK finds, reads and deletes what `broker auth login` keeps."""
    url = "https://broker.example"
    async with LocalIssuer() as issuer:
        token = issuer.token({"sub": "ann"}, iss=url, aud=url)
    TokenCache(tmp_path / "chainguard").save(Kind.ACCESS, url, token)
    await passes(CACHED, BROKER_URL=url, BROKER_CACHED=token, XDG_CACHE_HOME=str(tmp_path))
