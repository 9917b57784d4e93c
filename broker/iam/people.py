"""People who log in: what their provider says of them, once it is verified. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from broker.iam.claims import VerifiedClaims
from broker.iam.model import Person
from broker.iam.uidp import Uidp


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who somebody is at the identity provider through which they have just logged in.

    Only a connector in `broker.upstream.login` makes one. A person is who `claims` say that they
    are, issuer and subject; an e-mail address never identifies anybody.
    """

    provider: str
    """UIDP of an organization's identity provider, or the name of a connector (`google`)."""
    claims: VerifiedClaims
    email: str = ""
    email_verified: bool = False
    """Whether the provider vouches that the address is theirs."""
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    picture: str = ""
    groups: tuple[str, ...] = ()
    """Values of the provider's groups claim, where it has one configured."""
    groups_overage: bool = False
    """Whether the provider left groups out because they are too many (Entra's overage claim)."""

    @property
    def person(self) -> Person:
        """Whom it is about."""
        return Person(issuer=self.claims.issuer, subject=self.claims.subject)

    @property
    def identity(self) -> Uidp:
        """Their UIDP, registered or not."""
        return Uidp.of_person(self.claims.issuer, self.claims.subject)

    @property
    def organization_provider(self) -> Uidp | None:
        """The organization's provider; None for a connector, which everybody may use."""
        return Uidp(self.provider) if "/" in self.provider else None

    @property
    def verified_email(self) -> str:
        """Empty without one."""
        return self.email if self.email_verified else ""
