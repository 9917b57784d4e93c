"""chainguard.platform.iam.IdentityProviders."""

from __future__ import annotations

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import whole
from broker.api.pkce import PkceReview
from broker.api.providers import filled, oidc_members
from broker.api.scim import Members, Scim
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

    def __init__(self, providers: IdentityProviders, pkce: PkceReview, scim: Scim) -> None:
        self._providers = providers
        self._pkce = pkce
        self._scim = scim

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
        return await self._told(work, provider)

    async def update(self, work: Work, request: pb.IdentityProvider) -> pb.IdentityProvider:
        """The whole record; without a client secret the one that there is stays."""
        before = await self._providers.get(work, Uidp(request.id))
        after = filled(before, request)
        updated = await self._providers.update(work, before, after, request.oidc.client_secret)
        return await self._told(work, updated)

    async def list(self, work: Work, request: pb.IdentityProviderFilter) -> pb.IdentityProviderList:
        """All that the filter selects, without client secrets."""
        selection = await whole(work, request.uidp, ids=[request.id], equal={"name": request.name})
        page = await self._providers.page(work, selection)
        scim = await self._scim.members(work, page.records)
        return pb.IdentityProviderList(
            items=[provider_message(each, scim[each.id]) for each in page.records]
        )

    async def delete(self, work: Work, request: pb.DeleteIdentityProviderRequest) -> Empty:
        """With its group role mappings."""
        await self._providers.delete(work, Uidp(request.id))
        return Empty()

    async def generate_scim_token(
        self, work: Work, request: pb.GenerateScimTokenRequest
    ) -> pb.GenerateScimTokenResponse:
        """Told once."""
        uidp = Uidp(request.identity_provider_id)
        members = await self._scim.generate(work, uidp, request)
        return pb.GenerateScimTokenResponse(identity_provider_id=uidp, **members)

    async def regenerate_scim_token(
        self, work: Work, request: pb.RegenerateScimTokenRequest
    ) -> pb.RegenerateScimTokenResponse:
        """Told once."""
        uidp = Uidp(request.identity_provider_id)
        members = await self._scim.regenerate(work, uidp, request)
        return pb.RegenerateScimTokenResponse(identity_provider_id=uidp, **members)

    async def revoke_scim_token(
        self, work: Work, request: pb.RevokeScimTokenRequest
    ) -> pb.RevokeScimTokenResponse:
        """SCIM is off with that."""
        uidp = Uidp(request.identity_provider_id)
        members = await self._scim.revoke(work, uidp)
        return pb.RevokeScimTokenResponse(identity_provider_id=uidp, **members)

    async def set_scim_enabled(
        self, work: Work, request: pb.SetScimEnabledRequest
    ) -> pb.SetScimEnabledResponse:
        """On or off."""
        uidp = Uidp(request.identity_provider_id)
        members = await self._scim.set_enabled(work, uidp, request)
        return pb.SetScimEnabledResponse(identity_provider_id=uidp, **members)

    async def _told(self, work: Work, provider: IdentityProvider) -> pb.IdentityProvider:
        return provider_message(provider, (await self._scim.members(work, [provider]))[provider.id])


def provider_message(provider: IdentityProvider, scim: Members) -> pb.IdentityProvider:
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
        scim=pb.IdentityProvider.SCIM(**scim),
    )
