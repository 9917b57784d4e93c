"""Registration: who has logged in becomes known, and accepts an invite on the way.

A person is who their issuer and subject say that they are. An e-mail address finds nobody and links
nothing; it is asked of those alone who bring an invite that names one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from broker.directory.holdings import Holdings
from broker.directory.installation import Installation
from broker.directory.invitations import Invitation, Invitations, InviteOffer, expect_for
from broker.directory.people import refreshed, registered
from broker.directory.recording import Record, change_record, described
from broker.directory.work import expect_room
from broker.errors import NotFound
from broker.iam.model import Identity, IdentityProvider, RoleBinding
from broker.iam.people import Login
from broker.iam.uidp import RandomBytes, Uidp
from broker.store import Countable, Records, Store

_EVENT: Final = "dev.chainguard.api.auth.registered.v1"
_SOURCE: Final = "/auth/v1/register"


class PersonNotRegistered(NotFound):
    """Nobody is registered as the person who has logged in."""

    def __init__(self, *, can_register: bool) -> None:
        message = (
            "nobody is registered for this login; register first"
            if can_register
            else "nobody is registered for this login; use an invite, or log in through your "
            "organization's identity provider"
        )
        super().__init__("person_not_registered", message)
        self.can_register = can_register
        """Whether they could be, if they asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """Somebody who has logged in and is known."""

    identity: Uidp
    registered: bool = False
    """Whether this made them known."""
    joined: tuple[Uidp, ...] = ()
    """Groups at which they hold a role since: of an invite, of their provider's default role."""


@dataclass(slots=True, kw_only=True)
class _Entry:
    """One person on their way in, in one transaction."""

    records: Records
    login: Login
    now: datetime
    changes: list[tuple[Record, str]] = field(default_factory=list)
    joined: list[Uidp] = field(default_factory=list)


class Registration:
    """Lets people in. `is_open`: whether people register by themselves, at a login that everybody
    may use. `changed` is awaited once records changed. `api_url` is the source of events.
    """

    def __init__(
        self,
        store: Store,
        *,
        installation: Installation,
        random: RandomBytes,
        is_open: bool,
        api_url: str,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._roles = installation.roles
        self._invitations = Invitations(
            installation, Holdings(installation.capabilities, installation.roles)
        )
        self._random = random
        self._is_open = is_open
        self._api_url = api_url
        self._changed = changed

    async def enter(
        self, login: Login, *, invite: str = "", may_register: bool, request_id: str, now: float
    ) -> Entered:
        """Who logged in, known from now on at the latest. `invite`: a code to accept.
        `may_register`: whether they asked to be registered, which it takes where neither an invite
        nor an organization's provider brings them.

        Raises `PersonNotRegistered` (`person_not_registered`), what `Invitations.find` raises,
        `Denied` (`invite_email_mismatch`), `Exhausted` for an organization with too many bindings.
        """
        if not invite and await self._is_known(login):
            return Entered(identity=login.identity)
        async with self._store.write() as records:
            entry = _Entry(records=records, login=login, now=datetime.fromtimestamp(now, UTC))
            is_new = await self._enter(entry, invite, may_register=may_register)
            await self._write_down(entry, request_id)
        await self._changed()
        return Entered(identity=login.identity, registered=is_new, joined=tuple(entry.joined))

    async def offer(self, code: str, *, now: float) -> InviteOffer:
        """What an invite gives, for who has not logged in yet. Raises as `Invitations.find`."""
        async with self._store.read() as records:
            return await self._invitations.offer(
                records, code, now=datetime.fromtimestamp(now, UTC)
            )

    async def _is_known(self, login: Login) -> bool:
        """Whether there is nothing to write."""
        async with self._store.read() as records:
            known = await records.identities.get(login.identity)
        return known is not None and refreshed(known, login) == known

    async def _enter(self, entry: _Entry, invite: str, *, may_register: bool) -> bool:
        """Whether they are new."""
        records, login = entry.records, entry.login
        known = await records.identities.get(login.identity)
        invitation = None
        if invite:
            invitation = await self._invitations.find(records, invite, now=entry.now)
            expect_for(invitation.invite, login)
        if known is not None:
            await _refresh(entry, known)
        else:
            provider = await _provider_of(entry)
            if invitation is None and provider is None:
                self._expect_open(may_register=may_register)
            await records.identities.add(person := registered(login, now=entry.now))
            entry.changes.append((person, "registered"))
            if provider is not None and provider.default_role is not None:
                await self._give_default(entry, provider, provider.default_role)
        if invitation is not None:
            await self._accept(entry, invitation)
        return known is None

    def _expect_open(self, *, may_register: bool) -> None:
        if not (self._is_open and may_register):
            raise PersonNotRegistered(can_register=self._is_open)

    async def _accept(self, entry: _Entry, invitation: Invitation) -> None:
        invite = invitation.invite
        if invite.single_use:
            await entry.records.invites.delete(invite.id)
        entry.changes.append((invite, "accepted"))
        await self._bind(entry, invite.group, invite.role)

    async def _give_default(self, entry: _Entry, provider: IdentityProvider, role: Uidp) -> None:
        """What was the provider's owner's to give when they said so."""
        there = self._roles.by_id(role) or await entry.records.roles.get(role)
        group = provider.id.parent
        if there is not None and group is not None:
            await self._bind(entry, group, role)

    async def _bind(self, entry: _Entry, group: Uidp, role: Uidp) -> None:
        records, person = entry.records, entry.login.identity
        entry.joined.append(group)
        held = await records.bindings.of_identity(person)
        if any((binding.group, binding.role) == (group, role) for binding in held):
            return
        await expect_room(records, group.root, Countable.ROLE_BINDINGS)
        binding = RoleBinding(
            id=group.child(self._random), identity=person, role=role, created_at=entry.now
        )
        await records.bindings.add(binding)
        entry.changes.append((binding, "created"))

    async def _write_down(self, entry: _Entry, request_id: str) -> None:
        event: Mapping[str, Any] | None = self._event(entry)
        for record, verb in entry.changes:
            written = change_record(
                record,
                verb,
                fields={name: (None, value) for name, value in described(record).items()},
                actor=entry.login.identity,
                now=entry.now,
                random=self._random,
                request_id=request_id,
                event=event,
            )
            if isinstance(record, Identity):
                # a person is in no group: the one that let them in may read of it
                group = entry.joined[0] if entry.joined else _organization_of(entry.login)
                written = replace(written, action=f"person.{verb}", group=group)
            await entry.records.audit.add(written)
            event = None

    def _event(self, entry: _Entry) -> Mapping[str, Any]:
        """As the contract has it of `Auth.Register`; the body is a `Session`."""
        claims = entry.login.claims
        group = str(entry.joined[0]) if entry.joined else ""
        return {
            "type": _EVENT,
            "source": self._api_url + _SOURCE,
            "subject": entry.login.identity,
            "time": entry.now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
            **({"group": group} if group else {}),
            "audience": "customer",
            "bodytype": "chainguard.platform.auth.Session",
            "data": {
                "actor": {
                    "subject": entry.login.identity,
                    "act": {"iss": claims.issuer, "sub": claims.subject},
                },
                "body": {"identity": entry.login.identity, "group": group},
            },
        }


async def _refresh(entry: _Entry, known: Identity) -> None:
    """What their provider says of them; the login's own record tells that they were here."""
    after = refreshed(known, entry.login)
    if after != known:
        await entry.records.identities.update(replace(after, updated_at=entry.now))


async def _provider_of(entry: _Entry) -> IdentityProvider | None:
    """The organization's, if they came through one that is still there."""
    uidp = entry.login.organization_provider
    return await entry.records.identity_providers.get(uidp) if uidp else None


def _organization_of(login: Login) -> Uidp | None:
    return login.organization_provider.parent if login.organization_provider else None
