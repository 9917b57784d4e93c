"""Identity providers as logins need them: found by what a person or a client names."""

from __future__ import annotations

import asyncio

from broker.directory.identity_providers import SecretWrapper, secret_context
from broker.directory.work import provider_not_found
from broker.iam.model import IdentityProvider, OrganizationStatus
from broker.iam.uidp import Uidp
from broker.store import Records, Store


class LoginProviders:
    """Reads them, a transaction a call. `wrapper` decrypts client secrets."""

    def __init__(self, store: Store, wrapper: SecretWrapper) -> None:
        self._store = store
        self._wrapper = wrapper

    async def get(self, uidp: Uidp) -> tuple[IdentityProvider, str]:
        """The provider, and our secret there; empty for a public client.

        Raises `NotFound`, `Precondition` when the secret cannot be decrypted.
        """
        provider = await self.record(uidp)
        # a KMS may take seconds, in which others are answered
        return provider, await asyncio.to_thread(self._secret, provider)

    async def record(self, uidp: Uidp) -> IdentityProvider:
        """The provider. Raises `NotFound`."""
        async with self._store.read() as records:
            provider = await records.identity_providers.get(uidp)
        if provider is None:
            raise provider_not_found("identity_provider")
        return provider

    async def of_issuer(self, issuer: str) -> tuple[IdentityProvider, ...]:
        """Those of all organizations with this issuer, by name."""
        async with self._store.read() as records:
            return tuple(await records.identity_providers.of_issuer(issuer))

    async def of_organization(self, name: str) -> tuple[IdentityProvider, ...]:
        """Those of the verified organization of this name; none where there is no such."""
        async with self._store.read() as records:
            group = await records.groups.by_name(None, name.lower())
            if group is None or not group.verified:
                return ()
            return await _of(records, group.id)

    async def of_email(self, email: str) -> tuple[IdentityProvider, ...]:
        """Those of the organization that has the address's domain; proves nothing of who asks."""
        local, _, domain = email.rpartition("@")
        if not local or not domain:
            return ()
        async with self._store.read() as records:
            group = await records.email_domains.group_of(domain.lower())
            return await _of(records, group) if group is not None else ()

    async def has_provider(self, name: str) -> bool:
        """Whether this is the name of a verified organization that people can log in through."""
        return bool(await self.of_organization(name))

    def _secret(self, provider: IdentityProvider) -> str:
        if not provider.wrapped_secret:
            return ""
        context = secret_context(provider.id)
        return self._wrapper.unwrap(provider.wrapped_secret, context=context).decode()


async def _of(records: Records, organization: Uidp) -> tuple[IdentityProvider, ...]:
    group = await records.groups.get(organization)
    if group is None or group.status is OrganizationStatus.SUSPENDED:
        return ()
    return tuple(await records.identity_providers.of_group(organization))
