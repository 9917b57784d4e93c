"""chainguard.platform.iam.IdentityProviders."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import whole
from broker.api.pkce import PkceReview
from broker.api.providers import filled, oidc_members, scim_unimplemented
from broker.contract.proto.iam.v1 import identity_providers_pb2 as pb
from broker.directory.identity_providers import IdentityProviders
from broker.directory.work import Work
from broker.iam.model import IdentityProvider
from broker.iam.uidp import Uidp


class IdentityProvidersV1:
    """OpenID providers through which an organization's people log in."""

    service = "chainguard.platform.iam.IdentityProviders"
    ahead = frozenset({"Create", "Update"})
    """The provider is asked whether it can do PKCE."""

    def __init__(self, providers: IdentityProviders, pkce: PkceReview) -> None:
        self._providers = providers
        self._pkce = pkce

    async def before_create(self, request: pb.CreateIdentityProviderRequest) -> None:
        """Raises `Precondition`."""
        await self._pkce.check(None, request.identity_provider.oidc)

    async def before_update(self, request: pb.IdentityProvider) -> None:
        """Raises `Precondition`."""
        before = await self._pkce.current(Uidp(request.id))
        if before is not None:
            await self._pkce.check(before, request.oidc)

    async def create(
        self, work: Work, request: pb.CreateIdentityProviderRequest
    ) -> pb.IdentityProvider:
        """Of the group `parent_id`."""
        message = request.identity_provider
        blank = IdentityProvider(
            id=Uidp(request.parent_id).child(work.random),
            name="",
            issuer="",
            client_id="",
            created_at=work.now,
            updated_at=work.now,
        )
        provider = await self._providers.create(
            work, filled(blank, message), message.oidc.client_secret
        )
        return provider_message(provider)

    async def update(self, work: Work, request: pb.IdentityProvider) -> pb.IdentityProvider:
        """The whole record; without a client secret the one that there is stays."""
        before = await self._providers.get(work, Uidp(request.id))
        after = filled(before, request)
        updated = await self._providers.update(work, before, after, request.oidc.client_secret)
        return provider_message(updated)

    async def list(self, work: Work, request: pb.IdentityProviderFilter) -> pb.IdentityProviderList:
        """All that the filter selects, without client secrets."""
        selection = await whole(work, request.uidp, ids=[request.id], equal={"name": request.name})
        page = await self._providers.page(work, selection)
        return pb.IdentityProviderList(items=map(provider_message, page.records))

    async def delete(self, work: Work, request: pb.DeleteIdentityProviderRequest) -> Empty:
        """With its group role mappings."""
        await self._providers.delete(work, Uidp(request.id))
        return Empty()

    async def generate_scim_token(
        self, work: Work, request: pb.GenerateScimTokenRequest
    ) -> pb.GenerateScimTokenResponse:
        """Not there yet."""
        del work, request
        raise scim_unimplemented()

    async def regenerate_scim_token(
        self, work: Work, request: pb.RegenerateScimTokenRequest
    ) -> pb.RegenerateScimTokenResponse:
        """Not there yet."""
        del work, request
        raise scim_unimplemented()

    async def revoke_scim_token(
        self, work: Work, request: pb.RevokeScimTokenRequest
    ) -> pb.RevokeScimTokenResponse:
        """Not there yet."""
        del work, request
        raise scim_unimplemented()

    async def set_scim_enabled(
        self, work: Work, request: pb.SetScimEnabledRequest
    ) -> pb.SetScimEnabledResponse:
        """Not there yet."""
        del work, request
        raise scim_unimplemented()


def provider_message(provider: IdentityProvider) -> pb.IdentityProvider:
    """The record on the wire, without its client secret."""
    return pb.IdentityProvider(
        id=provider.id,
        name=provider.name,
        description=provider.description,
        default_role=provider.default_role or "",
        oidc=pb.IdentityProvider.OIDC(
            **oidc_members(provider),
            correlation_rule=pb.IdentityProvider.OIDC.CorrelationRule.Name(
                provider.correlation_rule.value
            ),
        ),
    )
