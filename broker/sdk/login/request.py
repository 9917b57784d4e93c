"""What a person logs in for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

SCOPE: Final = "openid email profile offline_access"
CLIENT_ID: Final = "broker-cli"
"""The client that every broker has registered."""

CONNECTIONS: Final = {"google": "google-oauth2", "github": "github", "gitlab": "gitlab"}
"""Social logins, as the broker's `connection` names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """Parameters of the authorization and of the device authorization endpoint.

    At most one of `organization` and `connection`; with neither, the person chooses.
    """

    client_id: str = CLIENT_ID
    scope: str = SCOPE
    audiences: tuple[str, ...] = ()
    """Whom tokens of this login are for (RFC 8707, `resource`); none: the broker itself. In the
    browser the token that comes with the login is for the first of them, by a code for all."""
    organization: str = ""
    """UIDP of an identity provider, or the name of a verified organization."""
    connection: str = ""
    """One of the values of `CONNECTIONS`."""
    invite: str = field(default="", repr=False)
    """Code of an invite to accept."""
    identity: str = ""
    """UIDP of an assumable identity that the login is to become."""

    def parameters(self) -> list[tuple[str, str]]:
        """All but what belongs to the one flow or the other."""
        given = (
            ("client_id", self.client_id),
            ("scope", self.scope),
            *map(target, self.audiences),
            ("idp_id", self.organization),
            ("connection", self.connection),
            ("invite", self.invite),
            ("identity", self.identity),
        )
        return [(name, value) for name, value in given if value]

    def resource(self) -> list[tuple[str, str]]:
        """The same at the token endpoint: the first (RFC 8707 §2.2)."""
        return [target(audience) for audience in self.audiences[:1]]


def target(audience: str) -> tuple[str, str]:
    """The parameter that asks for an audience: `resource` is for URIs alone (RFC 8707 §2); of
    others the broker knows what RFC 8693 §2.1 calls them.
    """
    is_uri = ":" in audience and "#" not in audience
    return ("resource" if is_uri else "audience"), audience
