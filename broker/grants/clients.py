"""Clients: who may send people here to log in. All are public, and first-party (RFC 6749 §2.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from broker.errors import Invalid, Stage
from broker.oauth.authorization import redirects_alike


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A registered client. It has no secret: what proves who redeems a code is PKCE."""

    id: str
    name: str
    """As people read it."""
    redirect_uris: tuple[str, ...]
    post_logout_redirect_uris: tuple[str, ...] = ()

    def redirects_to(self, uri: str) -> bool:
        """Whether it is one of its redirect URIs."""
        return any(redirects_alike(registered, uri) for registered in self.redirect_uris)


BROKER_CLI: Final = Client(
    id="broker-cli",
    name="The broker's command line",
    redirect_uris=(
        "http://127.0.0.1/callback",
        "http://[::1]/callback",
        "http://localhost/callback",
    ),
)
"""`broker auth login`, and other applications on people's machines."""


class Clients:
    """All of them: `broker-cli`, and those of the settings."""

    def __init__(self, more: Iterable[Client] = ()) -> None:
        self.by_id: Mapping[str, Client] = {each.id: each for each in (BROKER_CLI, *more)}

    def get(self, client_id: str) -> Client:
        """Raises `Invalid` (`client_unknown`)."""
        client = self.by_id.get(client_id)
        if client is None:
            raise Invalid(
                "client_unknown",
                "client_id: no such client is registered here",
                stage=Stage.REQUEST,
                field="client_id",
            )
        return client

    def name_of(self, client_id: str) -> str:
        """As people read it, of a client that may not be registered any more."""
        client = self.by_id.get(client_id)
        return client.name if client else client_id
