"""Identity providers of organizations."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final, Protocol

from broker.directory.installation import Installation
from broker.directory.roles import Roles
from broker.directory.scim_credentials import expect_correlation
from broker.directory.work import Work, group_of
from broker.errors import Invalid
from broker.iam.issuer_url import check_issuer_url
from broker.iam.listing import Page, Selection
from broker.iam.matching import pointer
from broker.iam.model import IdentityProvider
from broker.iam.uidp import Uidp
from broker.iam.validation import check_name
from broker.store.counts import Countable

MAX_CLIENT_ID: Final = 512
MAX_SECRET: Final = 4096
MAX_SCOPES: Final = 32


class SecretWrapper(Protocol):
    """Encrypts what is kept; `broker.issuer.wrapping` has it."""

    def wrap(self, secret: bytes, *, context: str) -> bytes:
        """Encrypted, bound to `context`."""
        ...

    def unwrap(self, wrapped: bytes, *, context: str) -> bytes:
        """The reverse. Raises `Precondition`."""
        ...


class IdentityProviders:
    """The use cases."""

    def __init__(self, installation: Installation, roles: Roles, wrapper: SecretWrapper) -> None:
        self._installation = installation
        self._roles = roles
        self._wrapper = wrapper

    async def get(self, work: Work, uidp: Uidp) -> IdentityProvider:
        """Raises `NotFound`."""
        return await work.identity_provider(uidp, field="id")

    async def page(self, work: Work, selection: Selection) -> Page[IdentityProvider]:
        """What of a selection there is."""
        return await work.records.identity_providers.page(selection)

    async def create(self, work: Work, provider: IdentityProvider, secret: str) -> IdentityProvider:
        """`secret`: the client's, kept encrypted and never told again; empty for a public client,
        which needs PKCE.

        Raises `Invalid`, `NotFound` (group, role), `Denied` (`grant_exceeds_own`), `Exhausted`.
        """
        group = group_of(provider.id, field="parent_id")
        await work.group(group, field="parent_id")
        provider = await self._with_secret(provider, secret)
        await self._check(work, provider)
        await work.expect_room(group.root, Countable.IDENTITY_PROVIDERS)
        await work.records.identity_providers.add(provider)
        work.created(provider)
        return provider

    async def update(
        self, work: Work, before: IdentityProvider, after: IdentityProvider, secret: str
    ) -> IdentityProvider:
        """An empty `secret` leaves the one that there is. Raises as `create`."""
        after = replace(await self._with_secret(after, secret), updated_at=work.now)
        await self._check(work, after)
        credential = await work.records.scim_credentials.get(after.id)
        if credential is not None and credential.enabled:
            expect_correlation(after)
        if _membership(before) != _membership(after):
            await self._expect_mapped_roles_grantable(work, after)
        await work.records.identity_providers.update(after)
        work.updated(before, after)
        return after

    async def delete(self, work: Work, uidp: Uidp) -> IdentityProvider:
        """With its group role mappings. Raises `NotFound`."""
        provider = await self.get(work, uidp)
        await work.records.identity_providers.delete(uidp)
        work.deleted(provider)
        return provider

    def client_secret(self, provider: IdentityProvider) -> str:
        """For the login; empty for a public client. Raises `Precondition` without the key."""
        if not provider.wrapped_secret:
            return ""
        return self._wrapper.unwrap(
            provider.wrapped_secret, context=secret_context(provider.id)
        ).decode()

    async def _with_secret(self, provider: IdentityProvider, secret: str) -> IdentityProvider:
        if len(secret) > MAX_SECRET:
            _refuse("oidc.client_secret", f"longer than {MAX_SECRET} characters")
        if not secret:
            return provider
        # a KMS may take seconds, in which others are answered
        context = secret_context(provider.id)
        wrapped = await asyncio.to_thread(self._wrapper.wrap, secret.encode(), context=context)
        return replace(provider, wrapped_secret=wrapped)

    async def _check(self, work: Work, provider: IdentityProvider) -> None:
        check_name(provider.name, provider.description)
        check_issuer_url(
            provider.issuer,
            allow_http_loopback=self._installation.allow_http_loopback,
            field="oidc.issuer",
        )
        if not _is_token(provider.client_id, MAX_CLIENT_ID):
            _refuse("oidc.client_id", f"expected 1 to {MAX_CLIENT_ID} printable characters")
        if len(provider.additional_scopes) > MAX_SCOPES:
            _refuse("oidc.additional_scopes", f"more than {MAX_SCOPES}")
        for scope in provider.additional_scopes:
            # RFC 6749 §3.3: no spaces, quotes or backslashes
            if not _is_token(scope, 256) or set(scope) & set(' "\\'):
                _refuse("oidc.additional_scopes", "expected scope names without spaces or quotes")
        if provider.groups_claim and not _is_token(provider.groups_claim, 256):
            _refuse("oidc.groups_claim", "expected the name of a claim, or a JSON pointer")
        if provider.groups_claim.startswith("/"):
            _check_pointer(provider.groups_claim)
        if not provider.wrapped_secret and not provider.pkce_enabled:
            _refuse("oidc.client_secret", "a client without a secret needs pkce_enabled")
        if provider.default_role is not None:
            group = group_of(provider.id, field="id")
            await self._roles.grantable(work, provider.default_role, group, field="default_role")

    async def _expect_mapped_roles_grantable(self, work: Work, provider: IdentityProvider) -> None:
        """Who says who asserts the groups gives away all that is mapped to them."""
        mappings = await work.records.group_role_mappings.of_provider(provider.id)
        roles = await self._roles.many(work, {mapping.role for mapping in mappings})
        for mapping in mappings:
            if role := roles.get(mapping.role):
                work.caller.expect_grantable(role, mapping.scope, field="oidc")


def _check_pointer(claim: str) -> None:
    try:
        pointer(claim)
    except ValueError as error:
        _refuse("oidc.groups_claim", str(error))


def _membership(provider: IdentityProvider) -> tuple[str, ...]:
    """What decides who is a member of which group at the provider."""
    return provider.issuer, provider.client_id, provider.groups_claim


def _is_token(text: str, limit: int) -> bool:
    return 1 <= len(text) <= limit and text.isascii() and text.isprintable()


def secret_context(uidp: Uidp) -> str:
    """What a client secret is bound to while it is wrapped."""
    return f"client-secret:{uidp}"


def _refuse(field: str, fault: str) -> None:
    raise Invalid("field_invalid", f"{field}: {fault}", field=field)
