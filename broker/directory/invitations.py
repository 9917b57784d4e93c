"""Invites as those who are invited see them: what one gives, and to accept it.

Whatever was right when the invite was made is asked again: it may be three months ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker.directory.group_invites import InviteCode
from broker.directory.holdings import Holdings
from broker.directory.installation import Installation
from broker.errors import Denied, Invalid, Precondition
from broker.iam.authority import Authority
from broker.iam.model import Group, GroupInvite, OrganizationStatus, Role
from broker.iam.people import Login
from broker.iam.policy import entitle
from broker.store import Records

MAX_CODE: Final = 4096
"""Characters; that of the deepest group has fewer than a thousand."""

_TO_INVITE: Final = ("group_invites.create", "role_bindings.create")


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteOffer:
    """What an invite gives, for who is asked whether they want it."""

    organization: str
    """Its name."""
    group: str
    """Name of the group at which the role will be held: the organization's own, mostly."""
    role: str
    """Its name."""
    email: str
    """Only a person with this verified address may accept; empty: anybody."""
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An invite that can be accepted now."""

    invite: GroupInvite
    organization: Group
    group: Group
    role: Role


class Invitations:
    """Finds invites by their codes."""

    def __init__(self, installation: Installation, holdings: Holdings) -> None:
        self._installation = installation
        self._holdings = holdings

    async def find(self, records: Records, code: str, *, now: datetime) -> Invitation:
        """The invite of a code, whoever accepts it.

        Raises `Invalid` (`invite_invalid`: one answer for a code that never was one, is forged,
        was used or withdrawn) and `Precondition` (`invite_expired`, `invite_no_longer_valid`).
        """
        invite = await _invite_of(records, code)
        if now >= invite.expires_at:
            raise Precondition("invite_expired", "invite: has expired; ask for another one")
        organization = await records.groups.get(invite.group.root)
        group = await records.groups.get(invite.group)
        role = await self._role(records, invite)
        if organization is None or group is None or role is None:
            raise _no_longer_valid()
        if organization.status is OrganizationStatus.SUSPENDED:
            raise _no_longer_valid()
        if not await self._may_still_give(records, invite, role):
            raise _no_longer_valid()
        return Invitation(invite=invite, organization=organization, group=group, role=role)

    async def offer(self, records: Records, code: str, *, now: datetime) -> InviteOffer:
        """What it gives. Raises as `find`."""
        found = await self.find(records, code, now=now)
        return InviteOffer(
            organization=found.organization.name,
            group=found.group.name,
            role=found.role.name,
            email=found.invite.email,
            expires_at=found.invite.expires_at,
        )

    async def _role(self, records: Records, invite: GroupInvite) -> Role | None:
        """One that can be given there, as `Roles.grantable` has it."""
        if builtin := self._installation.roles.by_id(invite.role):
            return builtin
        parent = invite.role.parent
        if parent is None or not parent.covers(invite.group):
            return None
        return await records.roles.get(invite.role)

    async def _may_still_give(self, records: Records, invite: GroupInvite, role: Role) -> bool:
        """Whether who made the invite could make it now, by their role bindings: what they hold
        for the length of a session does not count.
        """
        if await records.identities.get(invite.created_by) is None:
            return False
        held = entitle(await self._holdings.bound(records, invite.created_by)).capabilities
        table = self._installation.capabilities
        needed = table.to_bits([*(role.capabilities & table.names), *_TO_INVITE])
        return Authority(held, held).allows(needed, invite.group)


def expect_for(invite: GroupInvite, login: Login) -> None:
    """Raises `Denied` (`invite_email_mismatch`) for one that is for another address, and for a
    person whose provider does not vouch for theirs.
    """
    if invite.email and not _same_address(invite.email, login.verified_email):
        raise Denied(
            "invite_email_mismatch",
            "invite: it is for one e-mail address, and your identity provider does not vouch that "
            "this is yours; log in with the account that has it, or ask for another invite",
        )


async def _invite_of(records: Records, text: str) -> GroupInvite:
    try:
        code = InviteCode.parse(text) if len(text) <= MAX_CODE else None
    except Invalid:
        code = None
    invite = await records.invites.by_key_id(code.key_id) if code else None
    if code is None or invite is None or not code.proves(invite):
        raise Invalid(
            "invite_invalid",
            "invite: there is no such invite; it was used or withdrawn, or the link is incomplete",
        )
    return invite


def _same_address(one: str, other: str) -> bool:
    """RFC 5321 §2.4: the local part is the receiver's own affair, the domain has no case."""
    local, _, domain = one.rpartition("@")
    other_local, _, other_domain = other.rpartition("@")
    return (local, domain.lower()) == (other_local, other_domain.lower())


def _no_longer_valid() -> Precondition:
    return Precondition(
        "invite_no_longer_valid",
        "invite: the group or the role is gone, or who invited you may not give this role any "
        "more; ask for another one",
    )
