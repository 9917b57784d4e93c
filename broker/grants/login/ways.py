"""Through whom somebody logs in: what they name, and the connector that it leads to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from broker.errors import Invalid, NotFound
from broker.grants.login.people import Providers
from broker.iam.model import IdentityProvider
from broker.iam.uidp import Uidp
from broker.upstream.login.connector import Connector

CONNECTIONS: Final[Mapping[str, str]] = {
    "google-oauth2": "google",
    "google": "google",
    "github": "github",
    "gitlab": "gitlab",
}
"""Connectors by their names in URLs."""

MAX_NAME: Final = 320
"""Characters of an organization's name, or of an e-mail address (RFC 5321 §4.5.3.1)."""


class Connectors(Protocol):
    """`broker.upstream.login.connectors` has it."""

    @property
    def builtin(self) -> Mapping[str, Connector]:
        """Those that everybody may use, by name."""
        ...

    def of(self, provider: IdentityProvider, client_secret: str) -> Connector:
        """That of an organization's provider."""
        ...


class Ways:
    """Finds connectors."""

    def __init__(self, connectors: Connectors, providers: Providers) -> None:
        self._connectors = connectors
        self._providers = providers

    @property
    def public(self) -> Mapping[str, str]:
        """Those that everybody may use: key → label."""
        return {key: each.label for key, each in self._connectors.builtin.items()}

    async def of_key(self, key: str) -> Connector:
        """By `Login.provider`. Raises `NotFound` (`login_provider_unknown`)."""
        if key in self._connectors.builtin:
            return self._connectors.builtin[key]
        try:
            provider, secret = await self._providers.get(Uidp.parse(key))
        except (Invalid, NotFound):
            raise unknown_provider() from None
        return self._connectors.of(provider, secret)

    def of_connection(self, connection: str) -> Connector:
        """By its name in a URL. Raises `Invalid` (`login_connection_unknown`)."""
        found = self._connectors.builtin.get(CONNECTIONS.get(connection, ""))
        if found is None:
            known = ", ".join(n for n, key in CONNECTIONS.items() if key in self.public) or "none"
            raise Invalid(
                "login_connection_unknown",
                f"connection: no such login here; there is {known}",
                field="connection",
            )
        return found

    async def of_idp_id(self, text: str) -> tuple[str, ...]:
        """By the UIDP of a provider, or the name of a verified organization: keys.

        Raises `NotFound` (`login_provider_unknown`): it does not tell what there is instead.
        """
        try:
            provider = Uidp.parse(text)
        except Invalid:
            return await self.of_name(text)
        return ((await self.of_key(provider)).key,)

    async def of_name(self, text: str) -> tuple[str, ...]:
        """By what a person typed, an organization's name or an e-mail address: keys.

        Raises `NotFound` (`login_provider_unknown`) for an organization that is not there, and
        for one without a provider alike.
        """
        text = text.strip()
        if not 0 < len(text) <= MAX_NAME:
            raise unknown_provider()
        find = self._providers.of_email if "@" in text else self._providers.of_organization
        found = await find(text)
        if not found:
            raise unknown_provider()
        return tuple(provider.id for provider in found)


def unknown_provider() -> NotFound:
    """One answer, whatever is missing."""
    return NotFound(
        "login_provider_unknown",
        "no sign-in is set up under this name, address or identity provider; check the spelling, "
        "or ask your administrator",
    )
