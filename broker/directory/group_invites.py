"""Invites: offers to hold a role at a group, by a code that is told once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Self

import orjson

from broker.directory.roles import Roles
from broker.directory.work import Work
from broker.errors import Invalid, NotFound
from broker.iam.listing import Page, Selection
from broker.iam.model import GroupInvite
from broker.iam.uidp import Uidp
from broker.store.counts import Countable

DEFAULT_TTL: Final = timedelta(days=7)
MIN_TTL: Final = timedelta(minutes=1)
MAX_TTL: Final = timedelta(days=90)
MAX_EMAIL: Final = 254
"""RFC 5321 §4.5.3.1.3, less the angle brackets."""


@dataclass(frozen=True, slots=True)
class InviteCode:
    """What the invited person gets: where it belongs, and the proof that they got it."""

    group: Uidp
    key_id: str
    secret: str = field(repr=False)

    def text(self) -> str:
        """Base64url of a JSON object, without padding."""
        members = {"group": str(self.group), "key_id": self.key_id, "secret": self.secret}
        return base64.urlsafe_b64encode(orjson.dumps(members)).rstrip(b"=").decode()

    @classmethod
    def parse(cls, text: str) -> Self:
        """The reverse. Raises `Invalid`, which quotes nothing of it."""
        try:
            members = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            key_id, secret = str(members["key_id"]), str(members["secret"])
            return cls(Uidp.parse(members["group"]), key_id, secret)
        except (binascii.Error, ValueError, KeyError, TypeError, Invalid):
            raise Invalid("invite_malformed", "code: not an invite code", field="code") from None

    @property
    def secret_sha256(self) -> str:
        """What of the secret is kept."""
        return hashlib.sha256(self.secret.encode()).hexdigest()

    def proves(self, invite: GroupInvite) -> bool:
        """Whether it is this invite's code; takes as long for a wrong one."""
        return invite.group == self.group and hmac.compare_digest(
            invite.secret_sha256, self.secret_sha256
        )


class GroupInvites:
    """The use cases of those who invite."""

    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    async def get(self, work: Work, uidp: Uidp) -> GroupInvite:
        """Raises `NotFound`."""
        invite = await work.records.invites.get(uidp)
        if invite is None:
            raise NotFound("invite_not_found", "id: the invite does not exist", field="id")
        return invite

    async def page(self, work: Work, selection: Selection) -> Page[GroupInvite]:
        """What of a selection there is, the expired ones too."""
        return await work.records.invites.page(selection)

    async def create(
        self,
        work: Work,
        group: Uidp,
        *,
        role: Uidp,
        ttl: timedelta | None,
        email: str = "",
        single_use: bool = False,
    ) -> tuple[GroupInvite, str]:
        """The invite and its code, which is not kept. `ttl`: a minute to 90 days; None: 7 days.

        Raises `Invalid`, `NotFound` (group, role), `Denied` (`grant_exceeds_own`), `Exhausted`.
        """
        await work.group(group, field="group")
        await self._roles.grantable(work, role, group, field="role")
        await work.expect_room(group.root, Countable.GROUP_INVITES)
        code = InviteCode(group, work.random(8).hex(), work.random(24).hex())
        invite = GroupInvite(
            id=group.child(work.random),
            role=role,
            expires_at=work.now + _checked_ttl(ttl),
            key_id=code.key_id,
            secret_sha256=code.secret_sha256,
            created_at=work.now,
            created_by=work.caller.identity,
            email=_checked_email(email),
            single_use=single_use,
        )
        await work.records.invites.add(invite)
        work.created(invite)
        return invite, code.text()

    async def delete(self, work: Work, uidp: Uidp) -> GroupInvite:
        """Its code is worth nothing from now on. Raises `NotFound`."""
        invite = await self.get(work, uidp)
        await work.records.invites.delete(uidp)
        work.deleted(invite)
        return invite


def _checked_ttl(ttl: timedelta | None) -> timedelta:
    if ttl is None:
        return DEFAULT_TTL
    if not MIN_TTL <= ttl <= MAX_TTL:
        raise Invalid("field_invalid", "ttl: expected a minute to 90 days", field="ttl")
    return ttl


def _checked_email(email: str) -> str:
    local, at, domain = email.rpartition("@")
    sound = local and domain and email.isprintable() and not any(map(str.isspace, email))
    if email and (not at or not sound or len(email) > MAX_EMAIL):
        raise Invalid("field_invalid", "email: expected NAME@DOMAIN", field="email")
    return email
