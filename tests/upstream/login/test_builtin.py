"""Logins that everybody may use: Google, GitHub, GitLab, at local stand-ins with their paths."""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from yarl import URL

from broker.errors import BrokerError, Precondition, Unauthenticated
from broker.iam.people import Login
from broker.upstream.login.connector import Connector
from broker.upstream.login.github import GitHubClient
from broker.upstream.login.openid import OpenIdClient
from tests.kit.github import LocalGitHub
from tests.kit.login_provider import DrivenProvider, gitlab, google
from tests.upstream.login.party import CALLBACK, Party, party, redirection, returned

SECRET = "for the length of a test"


async def driven_login(connector: Connector, provider: DrivenProvider) -> Login:
    to = redirection()
    callback = provider.authorize(await connector.authorization_url(to))
    return await connector.login(returned(callback, to), now=time.time())


async def test_google(tmp_path: Path) -> None:
    """Google is asked at its own hosts, and says which organization an account belongs to."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    hosts = (
        "accounts.google.com",
        "oauth2.googleapis.com",
        "www.googleapis.com",
        "openidconnect.googleapis.com",
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(*hosts).configure_cert(context)
    issuer = "https://accounts.google.com"
    client = OpenIdClient(
        key="google", label="Google", issuer=issuer, client_id="broker", client_secret=SECRET
    )
    async with google(tls=context) as provider:
        outbound = {
            "addresses": dict.fromkeys(hosts, ("127.0.0.1", provider.port)),
            "ca_bundles": {issuer: tmp_path / "ca.pem"},
        }
        async with party(outbound=outbound, clients=[client]) as us:
            connector = us.connectors.builtin["google"]
            url = URL(await connector.authorization_url(redirection()))
            assert str(url.with_query(None)) == "https://accounts.google.com/o/oauth2/v2/auth"
            login = await driven_login(connector, provider)
    assert (login.provider, login.claims.issuer) == ("google", issuer)
    assert login.claims.subject == "10769150350006150715113082367"
    assert login.claims.claims["hd"] == "acme.example"
    assert login.verified_email == "ann@acme.example"
    assert login.organization_provider is None


async def test_gitlab() -> None:
    """An instance of GitLab is its own issuer, and vouches for addresses that it verified."""
    async with gitlab() as provider:
        client = OpenIdClient(
            key="gitlab",
            label="GitLab",
            issuer=provider.url,
            client_id="broker",
            client_secret=SECRET,
        )
        async with party(clients=[client]) as us:
            login = await driven_login(us.connectors.builtin["gitlab"], provider)
    assert (login.provider, login.claims.subject) == ("gitlab", "1234567")
    assert (login.name, login.verified_email) == ("Ann Example", "ann@acme.example")
    assert login.groups == ()


@asynccontextmanager
async def at_github(**app: Any) -> AsyncIterator[tuple[LocalGitHub, Party, Connector]]:
    credentials: dict[str, Any] = {"client_id": "broker", "client_secret": SECRET}
    async with LocalGitHub(**credentials) as github:
        client = GitHubClient(
            **({"url": github.url, "api_url": github.api_url} | credentials | app)
        )
        async with party(clients=[client]) as us:
            yield github, us, us.connectors.builtin["github"]


async def github_login(github: LocalGitHub, connector: Connector, **changes: Any) -> Login:
    to = redirection()
    callback = await github.authorize(await connector.authorization_url(to))
    return await connector.login(returned(callback, to, **changes), now=time.time())


async def test_github() -> None:
    """A person at GitHub is the number of their account, whatever its name is."""
    async with at_github() as (github, _, connector):
        other = {"email": "o@other.example", "primary": False, "verified": True}
        github.account("ann", 583231, email="ann@acme.example", emails=[other], name="Ann Example")
        login = await github_login(github, connector)
        github.account("ann", 583232)
        another = await github_login(github, connector)
        issuer = f"{github.url}/login/oauth"
    assert (connector.key, connector.label, connector.issuer) == ("github", "GitHub", issuer)
    assert (login.claims.issuer, login.claims.subject) == (issuer, "583231")
    assert login.claims.claims == {
        "iss": issuer,
        "sub": "583231",
        "login": "ann",
        "name": "Ann Example",
        "email": "ann@acme.example",
        "email_verified": True,
    }
    assert (login.name, login.verified_email) == ("Ann Example", "ann@acme.example")
    assert login.picture == "https://avatars.example/u/583231"
    assert another.identity != login.identity


@pytest.mark.parametrize(
    ("account", "email"),
    [
        ({"email": "a@x.example", "verified": False}, ("a@x.example", False)),
        ({"emails": [{"email": "a@x.example", "primary": False, "verified": True}]}, ("", False)),
        ({}, ("", False)),
    ],
    ids=["unverified", "not primary", "none"],
)
async def test_github_addresses(account: Any, email: tuple[str, bool]) -> None:
    """Only the primary address counts, and only if GitHub has verified it; what an account shows
    in its profile does not."""
    async with at_github() as (github, _, connector):
        github.account("ann", 1, **account)
        login = await github_login(github, connector)
    assert (login.email, login.email_verified) == email


async def test_github_refuses() -> None:
    """GitHub's refusals come with status 200, and are refusals."""
    async with at_github() as (github, _, connector):
        github.account("ann", 1)
        for wrong in ({"code": "stale"}, {"code_verifier": "x" * 43}):
            with pytest.raises(Unauthenticated) as refused:
                await github_login(github, connector, **wrong)
            assert refused.value.code == "login_code_refused"
        with pytest.raises(Precondition) as unsuitable:
            await github_login(github, connector, redirect_uri=CALLBACK + "/other")
        assert unsuitable.value.code == "identity_provider_unsuitable"
        assert unsuitable.value.detail is not None
        assert "to the letter" in unsuitable.value.detail.hint
        github.client_secret = "another"
        with pytest.raises(Precondition) as unsuitable:
            await github_login(github, connector)
        assert unsuitable.value.detail is not None
        assert "client secret" in unsuitable.value.detail.hint


async def test_github_and_another_provider() -> None:
    """A code that says to come from another provider is not sent to GitHub."""
    async with at_github() as (github, _, connector):
        github.account("ann", 1)
        with pytest.raises(BrokerError) as refused:
            await github_login(github, connector, iss="https://other.example")
        assert refused.value.code == "login_provider_mismatch"
        login = await github_login(github, connector, iss=connector.issuer)
        assert login.claims.subject == "1"


async def test_the_order_of_the_buttons() -> None:
    """The connectors of an installation are in the order of its settings."""
    openid: dict[str, Any] = {"client_id": "c", "issuer": "https://id.example"}
    clients: list[OpenIdClient | GitHubClient] = [
        OpenIdClient(key="google", label="Google", **openid),
        GitHubClient(url="https://x", api_url="https://y", client_id="c", client_secret="s"),
        OpenIdClient(key="gitlab", label="GitLab", **openid),
    ]
    async with party(clients=clients) as us:
        assert list(us.connectors.builtin) == ["google", "github", "gitlab"]
