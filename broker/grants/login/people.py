"""What logins ask of the directory, and of who provisions people there."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from broker.iam.model import IdentityProvider
from broker.iam.people import Login
from broker.iam.uidp import Uidp


class Entered(Protocol):
    """Somebody who may in."""

    @property
    def identity(self) -> Uidp:
        """Theirs."""
        ...

    @property
    def registered(self) -> bool:
        """Whether this is the first time."""
        ...

    @property
    def joined(self) -> tuple[Uidp, ...]:
        """The groups at which an invite, or their organization's provider, gave them a role."""
        ...


class Offer(Protocol):
    """What an invite gives."""

    @property
    def organization(self) -> str:
        """Its name."""
        ...

    @property
    def group(self) -> str:
        """Name of the group at which the role is given; the organization's own, mostly."""
        ...

    @property
    def role(self) -> str:
        """Its name."""
        ...

    @property
    def email(self) -> str:
        """For whom alone it is; empty: for whoever has it."""
        ...

    @property
    def expires_at(self) -> datetime:
        """Its end."""
        ...


class Registration(Protocol):
    """Who is registered; `broker.directory.registration` has it."""

    async def enter(
        self, login: Login, *, invite: str = "", may_register: bool, request_id: str, now: float
    ) -> Entered:
        """Let them in; `invite` is accepted on the way.

        Raises `NotFound` (`person_not_registered`) and what speaks against the invite.
        """
        ...

    async def offer(self, code: str, *, now: float) -> Offer:
        """What an invite gives. Raises what speaks against it, whoever accepts it."""
        ...


class SessionRoles(Protocol):
    """Roles that groups at a provider bring; `broker.directory.session_roles` has it."""

    async def of(self, login: Login, *, request_id: str, now: float) -> tuple[Uidp, ...]:
        """UIDPs of the mappings that hold for this login."""
        ...


class Providers(Protocol):
    """Organizations' own providers; `broker.directory.login_providers` has it."""

    async def get(self, uidp: Uidp) -> tuple[IdentityProvider, str]:
        """With its client secret. Raises `NotFound`."""
        ...

    async def record(self, uidp: Uidp) -> IdentityProvider:
        """Without its client secret. Raises `NotFound`."""
        ...

    async def of_issuer(self, issuer: str) -> tuple[IdentityProvider, ...]:
        """Of all organizations."""
        ...

    async def of_organization(self, name: str) -> tuple[IdentityProvider, ...]:
        """Of the verified organization of this name."""
        ...

    async def of_email(self, email: str) -> tuple[IdentityProvider, ...]:
        """Of the organization whose domain the address has."""
        ...


class Provisioning(Protocol):
    """People whom an organization's directory manages; `broker.directory` has it."""

    async def check(self, login: Login) -> None:
        """Raises `Denied` (`person_deactivated`)."""
        ...
