"""What goes out to issuers and identity providers, put together."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Self

from broker.config import Settings
from broker.iam.matching import own_audiences
from broker.upstream.aws import AwsVerifier
from broker.upstream.issuers import Issuers
from broker.upstream.oidc import OidcVerifier
from broker.upstream.outbound import OutboundClient, PinnedAddress

NO_ADDRESSES: Final[Mapping[str, PinnedAddress]] = MappingProxyType({})


def outbound_client(
    settings: Settings, addresses: Mapping[str, PinnedAddress] = NO_ADDRESSES
) -> OutboundClient:
    """The one HTTP client that goes out. `addresses`: where hosts are that need no looking up."""
    return OutboundClient(
        addresses=addresses,
        timeout=settings.upstream_timeout,
        private_issuers=frozenset(settings.private_issuers),
        allow_http_loopback=settings.development,
        ca_bundles=settings.issuer_ca_bundles,
    )


@dataclass(frozen=True, slots=True)
class Upstream:
    """The client, and what verifies by it."""

    outbound: OutboundClient
    oidc: OidcVerifier
    aws: AwsVerifier | None
    """None where no signed AWS requests are taken."""
    issuers: Issuers

    @classmethod
    def start(
        cls, settings: Settings, stack: AsyncExitStack, addresses: Mapping[str, PinnedAddress]
    ) -> Self:
        """All of it; `stack` closes it."""
        outbound = outbound_client(settings, addresses)
        stack.push_async_callback(outbound.aclose)
        issuers = Issuers(
            outbound,
            clock=time.monotonic,
            allow_http_loopback=settings.development,
            max_issuers=settings.cached_issuers,
        )
        stack.push_async_callback(issuers.aclose)
        oidc = OidcVerifier(
            issuers,
            own_issuers=[settings.issuer],
            algorithms=settings.issuer_algorithms,
            max_lifetime=settings.upstream_token_age,
            max_lifetimes=settings.issuer_token_ages,
        )
        return cls(outbound, oidc, _aws(settings, outbound), issuers)


def _aws(settings: Settings, outbound: OutboundClient) -> AwsVerifier | None:
    if not settings.aws_sts_hosts:
        return None
    return AwsVerifier(
        outbound,
        own_audiences=own_audiences(settings.issuer),
        hosts=settings.aws_sts_hosts,
        prefixes=settings.aws_header_prefixes,
    )
