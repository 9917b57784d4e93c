"""Refresh tokens (RFC 6749 §6): a login that goes on, by tokens that are good once each.

Of a token that leaks, one of the two who have it comes second: a token that was used before ends
the whole family (RFC 9700 §4.14.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from broker.errors import BrokerError, Denied, Invalid, Stage
from broker.grants.login_records import LoginRecords
from broker.grants.person_tokens import Principal, Wanted
from broker.grants.refresh_token import RefreshToken, grant_of, refresh_token_invalid
from broker.grants.request import Call
from broker.grants.standing import Standing
from broker.iam.model import Identity, Profile, RefreshGrant
from broker.iam.uidp import RandomBytes, Uidp
from broker.store import Store

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """A refresh token that is good, and what it is good for."""

    grant: RefreshGrant
    person: Identity
    token: RefreshToken

    @property
    def principal(self) -> Principal:
        """Who has logged in."""
        return principal_of(self.grant, self.person)


class RefreshGrants:
    """Gives, renews and ends them. `idle` and `lifetime` are seconds; `clock` gives them since the
    epoch.
    """

    def __init__(
        self,
        store: Store,
        *,
        standing: Standing,
        records: LoginRecords,
        idle: int,
        lifetime: int,
        clock: Callable[[], float],
        random: RandomBytes,
    ) -> None:
        self._store = store
        self._standing = standing
        self._records = records
        self._idle = timedelta(seconds=idle)
        self._lifetime = timedelta(seconds=lifetime)
        self._clock = clock
        self._random = random

    async def issue(
        self,
        principal: Principal,
        client_id: str,
        *,
        authenticated_at: int,
        audience: tuple[str, ...],
        call: Call,
        scopes: tuple[Uidp, ...] = (),
        capabilities: tuple[str, ...] = (),
        openid_scope: tuple[str, ...] = (),
        family: bytes = b"",
    ) -> str:
        """The first token of a family; empty for a login with roles that groups brought, which end
        with it. Raises `Unavailable`, and `NotFound` for somebody who is gone.

        `audience`: all that tokens may be for. `family`: 32 bytes that its tokens have in common,
        where somebody has to know it beforehand.
        """
        if principal.mappings:
            return ""
        token = RefreshToken.first(self._random, family=family)
        now = self._now()
        began = datetime.fromtimestamp(authenticated_at, UTC)
        ends_at = began + self._lifetime
        grant = RefreshGrant(
            id=token.grant,
            identity=principal.identity,
            client_id=client_id,
            provider=principal.provider,
            audience=audience,
            scopes=scopes,
            capabilities=capabilities,
            openid_scope=openid_scope,
            generation=0,
            secret_sha256=token.secret_sha256,
            authenticated_at=began,
            created_at=now,
            used_at=now,
            expires_at=min(now + self._idle, ends_at),
            ends_at=ends_at,
        )
        await self._records.write(call, "refresh.granted", principal.identity, grant_detail(grant))
        async with self._store.write() as records:
            await records.refresh_grants.add(grant)
        return token.text(ends_at=grant.expires_at)

    async def examine(self, text: str, *, client_id: str, call: Call) -> Usable:
        """A token that was sent. Raises `Denied`: `refresh_token_invalid`, `refresh_token_reused`,
        `person_gone`, and `Unavailable`.
        """
        token = RefreshToken.read(text)
        async with self._store.read() as records:
            grant = await records.refresh_grants.get(token.grant)
            person = await records.identities.get(grant.identity) if grant else None
        if grant is None or person is None or grant.client_id != client_id:
            raise refresh_token_invalid()
        if not token.is_newest_of(grant):
            await self._end_reused(grant, call)
        if grant.expires_at <= self._now():
            raise refresh_token_invalid()
        await self._standing.check(person, grant.provider)
        return Usable(grant=grant, person=person, token=token)

    async def renew(self, used: Usable, call: Call) -> str:
        """The next token, in place of the one that was examined, when all else is done.

        Raises `Denied` (`refresh_token_reused`) when somebody has used it meanwhile.
        """
        grant, token, now = used.grant, used.token.next(self._random), self._now()
        renewed = replace(
            grant,
            generation=token.generation,
            secret_sha256=token.secret_sha256,
            used_at=now,
            expires_at=min(now + self._idle, grant.ends_at),
        )
        async with self._store.write() as records:
            is_first = await records.refresh_grants.rotate(grant, renewed)
        if not is_first:
            await self._end_reused(grant, call)
        return token.text(ends_at=renewed.expires_at)

    async def revoke(self, text: str, *, client_id: str, call: Call) -> None:
        """End the family of a token, the newest or not (RFC 7009 §2.1).

        A token that is none, or has ended, is as good as revoked. Raises `Denied`
        (`token_of_another_client`).
        """
        try:
            token = RefreshToken.read(text)
        except BrokerError:
            return
        grant = await self.get(token.grant)
        if grant is None:
            return
        if grant.client_id != client_id:
            raise Denied("token_of_another_client", "token: it was issued to another client")
        await self.end(grant, call)

    async def end(
        self, grant: RefreshGrant, call: Call, *, action: str = "refresh.revoked"
    ) -> None:
        """No token of it is good any more."""
        async with self._store.write() as records:
            ended = await records.refresh_grants.delete(grant.id)
        if ended:
            await self._records.write(call, action, grant.identity, grant_detail(grant))

    async def end_family(self, family: bytes, call: Call) -> None:
        """What came of an authorization code that was sent twice."""
        grant = await self.get(grant_of(family))
        if grant is not None:
            await self.end(grant, call, action="refresh.reused")

    async def end_all(self, identity: Uidp) -> int:
        """All of a person; how many there were."""
        async with self._store.write() as records:
            return await records.refresh_grants.delete_of_identity(identity)

    async def get(self, grant_id: str) -> RefreshGrant | None:
        """By its id, which says nothing of who asks; None for one that has ended."""
        async with self._store.read() as records:
            grant = await records.refresh_grants.get(grant_id)
        return grant if grant is not None and grant.expires_at > self._now() else None

    async def of_identity(self, identity: Uidp) -> list[RefreshGrant]:
        """All of a person, the one used last first."""
        async with self._store.read() as records:
            found = await records.refresh_grants.of_identity(identity)
        now = self._now()
        alive = [grant for grant in found if grant.expires_at > now]
        return sorted(alive, key=lambda grant: grant.used_at, reverse=True)

    async def sweep(self) -> int:
        """Forget what has ended; how many there were. Any number of processes may do so."""
        async with self._store.write() as records:
            return await records.refresh_grants.delete_expired(self._now())

    async def _end_reused(self, grant: RefreshGrant, call: Call) -> None:
        log.warning("refresh_token_reused", grant=grant.id, client_id=grant.client_id)
        await self.end(grant, call, action="refresh.reused")
        raise Denied(
            "refresh_token_reused",
            "the refresh token was used before: somebody else may have it, so all that came of "
            "this login is revoked; log in again",
            stage=Stage.TOKEN,
        )

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)


def principal_of(grant: RefreshGrant, person: Identity) -> Principal:
    """Who goes on with a login."""
    profile = person.profile
    return Principal(
        identity=person.id,
        provider=grant.provider,
        session=grant.id,
        actor={"iss": person.issuer, "sub": person.subject},
        email=profile.email or profile.email_unverified,
        email_verified=bool(profile.email),
    )


def full_name(profile: Profile) -> str:
    """Of somebody, as far as it is on record."""
    parts = (profile.details.get("given_name"), profile.details.get("family_name"))
    return " ".join(part for part in parts if isinstance(part, str) and part)


def narrowed(grant: RefreshGrant, asked: Wanted) -> Wanted:
    """What a refresh asks for, within what was granted (RFC 6749 §6, RFC 8707 §2.2).

    Raises `Invalid` (`refresh_widens`).
    """
    for group in asked.scopes:
        if grant.scopes and not any(granted.covers(group) for granted in grant.scopes):
            raise _widens("scope", group)
    for name in asked.capabilities:
        if grant.capabilities and name not in grant.capabilities:
            raise _widens("capabilities", name)
    for audience in asked.audience:
        if audience not in grant.audience:
            raise _widens("resource", audience)
    return Wanted(
        audience=asked.audience or grant.audience,
        scopes=asked.scopes or grant.scopes,
        capabilities=asked.capabilities or grant.capabilities,
    )


def narrowed_scope(grant: RefreshGrant, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The same of the words of OpenID Connect. Raises `Invalid` (`refresh_widens`)."""
    for word in asked:
        if word not in grant.openid_scope:
            raise _widens("scope", word)
    return asked or grant.openid_scope


def grant_detail(grant: RefreshGrant) -> dict[str, Any]:
    """For the record."""
    return {"grant": grant.id, "client_id": grant.client_id, "provider": grant.provider}


def _widens(field_name: str, value: str) -> Invalid:
    return Invalid(
        "refresh_widens",
        f"{field_name}: {value[:128]!r} is more than the login was granted; log in again for it",
        stage=Stage.REQUEST,
        field=field_name,
    )
