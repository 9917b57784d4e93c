"""Users of an organization, as its directory provisions them (RFC 7644 §3).

Who asks is the directory, by the SCIM token of an identity provider. A user who is not active may
not log in through that provider; what they have begun through it ends.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from broker.directory.description import changed_fields
from broker.directory.recording import change_record, described
from broker.directory.scim_credentials import opens
from broker.directory.scim_standing import person_of
from broker.errors import Denied, Exhausted, NotFound, Precondition, Unauthenticated
from broker.iam.model import IdentityProvider, ScimCredential, ScimUser
from broker.iam.scim.filters import Filter
from broker.iam.scim.resource import etag, members, with_members
from broker.iam.scim.values import User
from broker.iam.uidp import RandomBytes, Uidp
from broker.store import Records, Store
from broker.store.scim import Found

MAX_USERS: Final = 100_000
"""Of a provider; who was deleted counts until they are provisioned anew."""

Change = Callable[[User], User]
ANYTHING: Final[frozenset[str]] = frozenset()
"""Whatever version there is."""


class Sessions(Protocol):
    """Browser sessions; `broker.grants.login.sessions` has it."""

    async def end_through(self, identity: Uidp, provider: str) -> int:
        """All of a person that began at this provider; how many there were."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ScimCall:
    """For which provider, with which token."""

    provider: Uidp
    token: str = field(repr=False)
    request_id: str


class ScimUsers:
    """The use cases. `clock` gives seconds since the epoch. All raise `Unauthenticated`
    (`scim_token_invalid`) and `Denied` (`scim_disabled`).
    """

    def __init__(
        self,
        store: Store,
        sessions: Sessions,
        *,
        clock: Callable[[], float],
        random: RandomBytes,
    ) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._random = random

    async def expect(self, call: ScimCall) -> None:
        """That they may ask at all."""
        async with self._reading(call):
            pass

    async def get(self, call: ScimCall, user_id: str) -> ScimUser:
        """Raises `NotFound`."""
        async with self._reading(call) as (records, _):
            return _present(await records.scim_users.get(call.provider, user_id))

    async def find(self, call: ScimCall, wanted: Filter | None, *, start: int, count: int) -> Found:
        """By id, from the `start`th on (0 is the first), at most `count`."""
        async with self._reading(call) as (records, _):
            return await records.scim_users.find(call.provider, wanted, start=start, count=count)

    async def create(self, call: ScimCall, said: User) -> ScimUser:
        """Raises `Conflict` (`scim_user_exists`), `Exhausted` (`scim_users_too_many`)."""
        provider = await self._provider(call)
        now = self._now()
        blank = ScimUser(
            id=self._random(16).hex(),
            identity_provider=call.provider,
            external_id="",
            user_name="",
            created_at=now,
            updated_at=now,
        )
        user = with_members(blank, said)
        async with self._store.write() as records:
            # somebody deleted makes room for themself, and it is known whom they log in as
            gone = await records.scim_users.of_external_id(call.provider, user.external_id)
            if gone is None and await records.scim_users.count(call.provider) >= MAX_USERS:
                raise Exhausted(
                    "scim_users_too_many", f"a provider may have {MAX_USERS:,} users at most"
                )
            user = replace(user, identity=gone.identity if gone else None)
            await records.scim_users.add(user)
            await self._record(records, call, "created", None, user)
            await _end_grants(records, provider, user)
        await self._end_sessions(provider, user)
        return user

    async def change(
        self, call: ScimCall, user_id: str, change: Change, versions: Collection[str]
    ) -> ScimUser:
        """What the directory says of them from now on is what `change` makes of what it said.

        `versions`: etags of which the user has to have one. Raises `NotFound`, `Conflict`,
        `Precondition` (`scim_version_outdated`), and what `change` raises.
        """
        provider = await self._provider(call)
        async with self._store.write() as records:
            before = _present(await records.scim_users.get(call.provider, user_id))
            _expect_version(before, versions)
            after = with_members(before, change(members(before)))
            if after != before:
                after = await self._update(records, call, before, after)
            await _end_grants(records, provider, after)
        # also where nothing changed: the first attempt may have ended no sessions
        await self._end_sessions(provider, after)
        return after

    async def delete(self, call: ScimCall, user_id: str, versions: Collection[str]) -> None:
        """Their attributes are forgotten; that they may not log in is not. Raises `NotFound`,
        `Precondition`.
        """
        provider = await self._provider(call)
        async with self._store.write() as records:
            found = await records.scim_users.get(call.provider, user_id)
            if found is not None and found.deleted_at is None:
                _expect_version(found, versions)
                now = self._now()
                gone = replace(found, active=False, user_name="", attributes={}, deleted_at=now)
                await records.scim_users.update(gone)
                await self._record(records, call, "deleted", found, None)
                await _end_grants(records, provider, gone)
        if found is not None:
            await self._end_sessions(provider, replace(found, active=False))
        _present(found)

    async def _update(
        self, records: Records, call: ScimCall, before: ScimUser, after: ScimUser
    ) -> ScimUser:
        identity = before.identity if after.external_id == before.external_id else None
        after = replace(
            after, version=before.version + 1, updated_at=self._now(), identity=identity
        )
        await records.scim_users.update(after)
        await self._record(records, call, "updated", before, after)
        return after

    @asynccontextmanager
    async def _reading(self, call: ScimCall) -> AsyncIterator[tuple[Records, IdentityProvider]]:
        async with self._store.read() as records:
            credential = await records.scim_credentials.get(call.provider)
            if not opens(credential or _nobodys(call.provider), call.token, self._now()):
                raise Unauthenticated(
                    "scim_token_invalid",
                    "the SCIM token is not this identity provider's, or has ended",
                    field="Authorization",
                )
            provider = await records.identity_providers.get(call.provider)
            if provider is None or credential is None or not credential.enabled:
                raise Denied("scim_disabled", "SCIM is off for this identity provider")
            yield records, provider

    async def _provider(self, call: ScimCall) -> IdentityProvider:
        """Asked before a change begins: nobody without a token makes others wait."""
        async with self._reading(call) as (_, provider):
            return provider

    async def _record(
        self,
        records: Records,
        call: ScimCall,
        verb: str,
        before: ScimUser | None,
        after: ScimUser | None,
    ) -> None:
        user = after or before
        assert user is not None, "a change has a user"
        said: tuple[dict[str, Any], ...] = tuple(
            described(each) if each is not None else {} for each in (before, after)
        )
        await records.audit.add(
            change_record(
                user,
                verb,
                fields=changed_fields(*said),
                actor=f"scim:{call.provider}",
                now=self._now(),
                random=self._random,
                request_id=call.request_id,
            )
        )

    async def _end_sessions(self, provider: IdentityProvider, user: ScimUser) -> None:
        identity = person_of(provider, user)
        if identity is not None and not user.active:
            await self._sessions.end_through(identity, provider.id)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


async def _end_grants(records: Records, provider: IdentityProvider, user: ScimUser) -> None:
    """Of this provider alone: whose logins others let in is not for this directory to say."""
    identity = person_of(provider, user)
    if identity is not None and not user.active:
        await records.refresh_grants.delete_of_login(identity, provider.id)


def _nobodys(provider: Uidp) -> ScimCredential:
    """To compare with, where there is none."""
    return ScimCredential(identity_provider=provider, updated_at=datetime.fromtimestamp(0, UTC))


def _present(user: ScimUser | None) -> ScimUser:
    if user is None or user.deleted_at is not None:
        raise NotFound("scim_user_not_found", "no user of this provider has this id", field="id")
    return user


def _expect_version(user: ScimUser, versions: Collection[str]) -> None:
    if versions and "*" not in versions and etag(user) not in versions:
        raise Precondition("scim_version_outdated", "If-Match: somebody has changed the user since")
