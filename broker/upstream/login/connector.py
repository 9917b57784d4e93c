"""What every connector does, and with what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Protocol

from broker.iam.people import Login


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirection:
    """What a browser is sent to a provider with."""

    redirect_uri: str
    """Where the provider sends the browser back to; registered there, literally."""
    state: str
    """Ties the way back to the browser (RFC 6749 §10.12); the caller's."""
    nonce: str
    """Ties the ID token to the login (OpenID Connect Core §3.1.2.1)."""
    code_verifier: str = field(repr=False)
    """RFC 7636 §4.1: 43 to 128 characters. Kept on the server until the browser is back."""
    login_hint: str = ""
    prompt: str = ""
    """`login` asks for the password anew, `select_account` lets them choose (Core §3.1.2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """What a browser came back with, and what it was sent with."""

    code: str = field(repr=False)
    iss: str | None
    """Who says to have sent it (RFC 9207 §2); None where the parameter is absent."""
    redirect_uri: str
    nonce: str
    code_verifier: str = field(repr=False)


class Connector(Protocol):
    """A provider through which people log in."""

    @property
    def key(self) -> str:
        """`Login.provider`: UIDP of an organization's provider, or `google`, `github`, `gitlab`."""
        ...

    @property
    def label(self) -> str:
        """For a button: `Google`, `Acme SSO`."""
        ...

    @property
    def issuer(self) -> str:
        """Whose people these are: `VerifiedClaims.issuer`."""
        ...

    async def authorization_url(self, to: Redirection) -> str:
        """Where to send the browser.

        Raises `Unavailable` (`identity_provider_unavailable`) and `Precondition`
        (`identity_provider_unsuitable`).
        """
        ...

    async def login(self, returned: Returned, *, now: float) -> Login:
        """Who came back. `now`: seconds since the epoch.

        Raises `Unauthenticated` (`login_…`: who came back is not shown to be anybody),
        `Precondition` (`identity_provider_unsuitable`: the client is refused there, or lacks
        something) and `Unavailable` (`identity_provider_unavailable`).
        """
        ...

    async def presented(self, token: str, *, audiences: Collection[str] = (), now: float) -> Login:
        """Whose an ID token is that its bearer sends by themself: issued to the client, or for one
        of `audiences`, and for nobody else besides. Raises `Unauthenticated`
        (`login_not_verified`), `Precondition` and `Unavailable`.
        """
        ...
