"""Whether a provider can do PKCE, asked before the transaction in which it is turned on."""

from __future__ import annotations

from typing import Protocol

from broker.errors import Invalid, Precondition
from broker.iam.issuer_url import check_issuer_url
from broker.iam.model import IdentityProvider
from broker.iam.uidp import Uidp
from broker.store import Store


class Inspection(Protocol):
    """Asks providers; `broker.upstream.login.inspection` does."""

    async def expect_pkce(self, issuer: str) -> None:
        """Raises `Precondition` where it cannot, or does not say what it can."""
        ...


class Oidc(Protocol):
    """The `oidc` member of a provider's message, in either version."""

    issuer: str
    pkce_enabled: bool


class PkceReview:
    """Asks only where a provider would otherwise be saved that cannot be used."""

    def __init__(self, store: Store, inspection: Inspection, *, allow_http_loopback: bool) -> None:
        self._store = store
        self._inspection = inspection
        self._allow_http_loopback = allow_http_loopback

    async def current(self, uidp: Uidp) -> IdentityProvider | None:
        """The record as it is; the call itself reads it once more, in its transaction."""
        async with self._store.read() as records:
            return await records.identity_providers.get(uidp)

    async def check(self, before: IdentityProvider | None, oidc: Oidc) -> None:
        """Raises `Precondition`: `identity_provider_without_pkce`, and where PKCE was off so far
        `identity_provider_unreachable`.
        """
        was_on = before is not None and before.pkce_enabled
        moved = before is None or before.issuer != oidc.issuer
        if not oidc.pkce_enabled or (was_on and not moved):
            return
        try:
            check_issuer_url(oidc.issuer, allow_http_loopback=self._allow_http_loopback)
        except Invalid:
            return  # which the call itself says, with the field
        try:
            await self._inspection.expect_pkce(oidc.issuer)
        except Precondition as error:
            if not was_on or error.code != "identity_provider_unreachable":
                raise
