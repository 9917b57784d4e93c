"""A relying party for logins: the connectors, and a browser's way there and back."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from yarl import URL

from broker.iam.model import IdentityProvider
from broker.iam.people import Login
from broker.iam.uidp import Uidp
from broker.upstream.issuers import Issuers
from broker.upstream.login.connector import Connector, Redirection, Returned
from broker.upstream.login.connectors import Connectors
from broker.upstream.login.github import GitHubClient
from broker.upstream.login.inspection import ProviderInspection
from broker.upstream.login.openid import OpenIdClient
from broker.upstream.oidc import OidcVerifier
from broker.upstream.outbound import OutboundClient
from tests.kit.issuers import OWN_ISSUER, ManualClock
from tests.kit.oidc_provider import OidcProvider

PROVIDER: Final = Uidp.new_root(secrets.token_bytes).child(secrets.token_bytes)
CALLBACK: Final = "http://127.0.0.1:9/oauth/callback"


@dataclass(frozen=True)
class Party:
    """What logs in, in a development setting."""

    connectors: Connectors
    inspection: ProviderInspection
    clock: ManualClock

    def of(self, issuer: str, client_secret: str = "", **record: Any) -> Connector:
        """The connector of an organization's provider, where this client is `broker`."""
        return self.connectors.of(provider_record(issuer, **record), client_secret)


def provider_record(issuer: str, **changes: Any) -> IdentityProvider:
    """Of the organization that has the provider `PROVIDER`."""
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    record = IdentityProvider(
        id=PROVIDER,
        name="Acme SSO",
        issuer=issuer,
        client_id="broker",
        created_at=moment,
        updated_at=moment,
    )
    return replace(record, **changes)


def redirection(**changes: Any) -> Redirection:
    """One with values of its own."""
    made = Redirection(
        redirect_uri=CALLBACK,
        state=secrets.token_urlsafe(24),
        nonce=secrets.token_urlsafe(24),
        code_verifier=secrets.token_urlsafe(48),
    )
    return replace(made, **changes)


def returned(callback: str, to: Redirection, **changes: Any) -> Returned:
    """What the callback's URL says, to who sent the browser away with `to`."""
    query = URL(callback, encoded=True).query
    assert query.get("state") == to.state
    back = Returned(
        code=query["code"],
        iss=query.get("iss"),
        redirect_uri=to.redirect_uri,
        nonce=to.nonce,
        code_verifier=to.code_verifier,
    )
    return replace(back, **changes)


async def log_in(connector: Connector, provider: OidcProvider, account: str = "") -> Login:
    """There and back."""
    to = redirection()
    callback = await provider.authorize(await connector.authorization_url(to), account=account)
    return await connector.login(returned(callback, to), now=time.time())


@asynccontextmanager
async def party(
    *,
    clients: Iterable[OpenIdClient | GitHubClient] = (),
    outbound: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Party]:
    """A relying party that takes http from loopback; the rest are its settings."""
    clock = ManualClock()
    development: dict[str, Any] = {"allow_http_loopback": True}
    async with OutboundClient(**(development | dict(outbound or {}))) as client:
        issuers = Issuers(client, clock=clock, **development)
        verifier = OidcVerifier(issuers, own_issuers={OWN_ISSUER})
        connectors = Connectors(
            outbound=client,
            verifier=verifier,
            clock=clock,
            clients=clients,
            **(development | settings),
        )
        try:
            yield Party(connectors, ProviderInspection(client, **development), clock)
        finally:
            await connectors.aclose()
            await issuers.aclose()
