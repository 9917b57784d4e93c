"""The connectors of an installation: those of its settings, and those of organizations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

from broker.iam.model import IdentityProvider
from broker.upstream.login.connector import Connector
from broker.upstream.login.github import GitHubClient, GitHubConnector
from broker.upstream.login.metadata import ProviderMetadataCache
from broker.upstream.login.openid import OpenIdClient, OpenIdConnector
from broker.upstream.oidc import OidcVerifier
from broker.upstream.outbound import OutboundClient


class Connectors:
    """Through whom people log in.

    `clients`: those that everybody may use, in the order in which they are offered. `clock` gives
    seconds and never goes back. `allow_http_loopback`: a development installation. `max_issuers`:
    whose metadata are kept.
    """

    def __init__(
        self,
        *,
        outbound: OutboundClient,
        verifier: OidcVerifier,
        clock: Callable[[], float],
        allow_http_loopback: bool = False,
        max_issuers: int = 1000,
        clients: Iterable[OpenIdClient | GitHubClient] = (),
    ) -> None:
        self._outbound = outbound
        self._verifier = verifier
        self._metadata = ProviderMetadataCache(
            outbound,
            clock=clock,
            allow_http_loopback=allow_http_loopback,
            max_issuers=max_issuers,
        )
        self.builtin: Mapping[str, Connector] = MappingProxyType(
            {client.key: self._connector(client) for client in clients}
        )
        """By name (`google`, `github`, `gitlab`), in their order."""

    def of(self, provider: IdentityProvider, client_secret: str) -> Connector:
        """That of an organization's provider; `client_secret` is empty for a public client."""
        return self._connector(client_of(provider, client_secret))

    async def aclose(self) -> None:
        """Stop the fetches under way."""
        await self._metadata.aclose()

    def _connector(self, client: OpenIdClient | GitHubClient) -> Connector:
        if isinstance(client, GitHubClient):
            return GitHubConnector(client, outbound=self._outbound)
        return OpenIdConnector(
            client, outbound=self._outbound, metadata=self._metadata, verifier=self._verifier
        )


def client_of(provider: IdentityProvider, client_secret: str) -> OpenIdClient:
    """What a record says of this service as a client there."""
    return OpenIdClient(
        key=str(provider.id),
        label=provider.name,
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=client_secret,
        scopes=provider.additional_scopes,
        pkce=provider.pkce_enabled,
        groups_claim=provider.groups_claim,
    )
