"""chainguard.platform.iam.v2.IdentityProvidersService."""

from __future__ import annotations

from typing import Final

from google.protobuf.empty_pb2 import Empty

from broker.api.lists import BY_NAME_OR_TIME, fill, paged
from broker.api.masks import patched
from broker.api.pkce import PkceReview
from broker.api.providers import filled, oidc_members
from broker.api.scim import Members, Scim
from broker.api.values import timestamp
from broker.contract.proto.iam.v2 import identity_providers_pb2 as pb
from broker.directory.identity_providers import IdentityProviders
from broker.directory.work import Work
from broker.iam.model import IdentityProvider
from broker.iam.uidp import Uidp

_SETTABLE: Final = ("name", "description", "default_role", "oidc")


class IdentityProvidersV2:
    """OpenID providers through which an organization's people log in."""

    service = "chainguard.platform.iam.v2.IdentityProvidersService"
    ahead = frozenset({"CreateIdentityProvider", "UpdateIdentityProvider"})
    """The provider is asked whether it can do PKCE."""

    def __init__(self, providers: IdentityProviders, pkce: PkceReview, scim: Scim) -> None:
        self._providers = providers
        self._pkce = pkce
        self._scim = scim

    async def before_create_identity_provider(
        self, request: pb.CreateIdentityProviderRequest
    ) -> None:
        """Raises `Precondition`."""
        await self._pkce.check(None, request.identity_provider.oidc)

    async def before_update_identity_provider(
        self, request: pb.UpdateIdentityProviderRequest
    ) -> None:
        """Raises `Precondition`."""
        before = await self._pkce.current(Uidp(request.identity_provider.uid))
        if before is not None:
            await self._pkce.check(before, _patched(before, request).oidc)

    async def list_identity_providers(
        self, work: Work, request: pb.ListIdentityProvidersRequest
    ) -> pb.ListIdentityProvidersResponse:
        """A page, without client secrets."""
        asked = await paged(work, request, BY_NAME_OR_TIME, equal={"name": request.name})
        page = await self._providers.page(work, asked.selection)
        response = pb.ListIdentityProvidersResponse()
        scim = await self._scim.members(work, page.records)
        told = [_message(each, scim[each.id]) for each in page.records]
        fill(response, "identity_providers", told, page, asked)
        return response

    async def get_identity_provider(
        self, work: Work, request: pb.GetIdentityProviderRequest
    ) -> pb.IdentityProvider:
        """One, without its client secret."""
        return await self._told(work, await self._providers.get(work, Uidp(request.uid)))

    async def create_identity_provider(
        self, work: Work, request: pb.CreateIdentityProviderRequest
    ) -> pb.IdentityProvider:
        """Of the group `parent`."""
        message = request.identity_provider
        blank = IdentityProvider(
            id=Uidp(request.parent).child(work.random),
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

    async def update_identity_provider(
        self, work: Work, request: pb.UpdateIdentityProviderRequest
    ) -> pb.IdentityProvider:
        """What the mask names. An empty client secret leaves the one that there is."""
        before = await self._providers.get(work, Uidp(request.identity_provider.uid))
        message = _patched(before, request)
        updated = await self._providers.update(
            work, before, filled(before, message), message.oidc.client_secret
        )
        return await self._told(work, updated)

    async def delete_identity_provider(
        self, work: Work, request: pb.DeleteIdentityProviderRequest
    ) -> Empty:
        """With its group role mappings."""
        await self._providers.delete(work, Uidp(request.uid))
        return Empty()

    async def generate_scim_token(
        self, work: Work, request: pb.GenerateScimTokenRequest
    ) -> pb.GenerateScimTokenResponse:
        """Told once."""
        uidp = Uidp(request.identity_provider_uid)
        members = await self._scim.generate(work, uidp, request)
        return pb.GenerateScimTokenResponse(identity_provider_uid=uidp, **members)

    async def regenerate_scim_token(
        self, work: Work, request: pb.RegenerateScimTokenRequest
    ) -> pb.RegenerateScimTokenResponse:
        """Told once."""
        uidp = Uidp(request.identity_provider_uid)
        members = await self._scim.regenerate(work, uidp, request)
        return pb.RegenerateScimTokenResponse(identity_provider_uid=uidp, **members)

    async def revoke_scim_token(
        self, work: Work, request: pb.RevokeScimTokenRequest
    ) -> pb.RevokeScimTokenResponse:
        """SCIM is off with that."""
        uidp = Uidp(request.identity_provider_uid)
        members = await self._scim.revoke(work, uidp)
        return pb.RevokeScimTokenResponse(identity_provider_uid=uidp, **members)

    async def set_scim_enabled(
        self, work: Work, request: pb.SetScimEnabledRequest
    ) -> pb.SetScimEnabledResponse:
        """On or off."""
        uidp = Uidp(request.identity_provider_uid)
        members = await self._scim.set_enabled(work, uidp, request)
        return pb.SetScimEnabledResponse(identity_provider_uid=uidp, **members)

    async def _told(self, work: Work, provider: IdentityProvider) -> pb.IdentityProvider:
        return _message(provider, (await self._scim.members(work, [provider]))[provider.id])


def _patched(
    before: IdentityProvider, request: pb.UpdateIdentityProviderRequest
) -> pb.IdentityProvider:
    return patched(_message(before, {}), request.identity_provider, request.update_mask, _SETTABLE)


def _message(provider: IdentityProvider, scim: Members) -> pb.IdentityProvider:
    return pb.IdentityProvider(
        uid=provider.id,
        name=provider.name,
        description=provider.description,
        create_time=timestamp(provider.created_at),
        update_time=timestamp(provider.updated_at),
        default_role=provider.default_role or "",
        oidc=pb.IdentityProvider.OIDC(
            **oidc_members(provider),
            correlation_rule=pb.IdentityProvider.OIDC.CorrelationRule.Name(
                provider.correlation_rule.value
            ),
        ),
        scim=pb.IdentityProvider.SCIM(**scim),
    )
