"""Access tokens for people who have logged in: the one way from a login to a token of ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, Self

import orjson

from broker.audit.record import AuditRecord, Outcome
from broker.audit.writer import AuditWriter
from broker.errors import BrokerError, Denied, Invalid, Stage
from broker.grants.audiences import Audiences
from broker.grants.login.sessions import Session
from broker.grants.request import Call, Exchanged
from broker.iam.capabilities import CapabilityTable
from broker.iam.policy import Entitlement, narrow
from broker.iam.snapshot import IdentitySnapshot
from broker.iam.uidp import Uidp
from broker.issuer.tokens import AccessTokenClaims, AccessTokens


class Snapshots(Protocol):
    """What a person holds; `broker.directory.snapshots` has it."""

    async def for_login(
        self, identity: Uidp, *, provider: str, mappings: tuple[Uidp, ...]
    ) -> IdentitySnapshot | None:
        """In a login through this provider; None when nobody is registered."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who has logged in, as far as tokens speak of it."""

    identity: Uidp
    provider: str
    session: str
    """`sid`: of the browser session, or of the refresh grant that goes on without one."""
    actor: Mapping[str, Any]
    """The `act` claim: `iss`, `sub`, `aud` of the login at the provider."""
    mappings: tuple[Uidp, ...] = ()
    mappings_end_at: int | None = None
    """Seconds since the epoch: a token with what they bring is good no longer."""
    email: str = ""
    email_verified: bool = False

    @classmethod
    def of_session(cls, session: Session) -> Self:
        """Whoever is at the browser."""
        audience = session.audience
        return cls(
            identity=session.identity,
            provider=session.provider,
            session=session.id,
            actor={
                "iss": session.issuer,
                "sub": session.subject,
                "aud": audience[0] if len(audience) == 1 else list(audience),
            },
            mappings=session.mappings,
            mappings_end_at=session.ends_at if session.mappings else None,
            email=session.email,
            email_verified=session.email_verified,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the token is to be good for."""

    audience: tuple[str, ...] = ()
    """Empty: the broker itself."""
    scopes: tuple[Uidp, ...] = ()
    """Empty: wherever the person holds something."""
    capabilities: tuple[str, ...] = ()
    """Empty: all that the person holds."""
    openid_scope: tuple[str, ...] = ()
    """What the client may be told of the person: `scope` in the token."""


class PersonTokens:
    """Mints, and writes down what was minted; no record, no token.

    `clock` gives seconds since the epoch, `record_id` a fresh id for a moment. `note_seen` is told
    of every identity that something was minted for, and of the moment.
    """

    def __init__(
        self,
        *,
        snapshots: Snapshots,
        tokens: AccessTokens,
        audit: AuditWriter,
        audiences: Audiences,
        capabilities: CapabilityTable,
        clock: Callable[[], float],
        record_id: Callable[[datetime], str],
        note_seen: Callable[[Uidp, float], None],
        max_lifetime: int,
    ) -> None:
        self._snapshots = snapshots
        self._tokens = tokens
        self._audit = audit
        self._audiences = audiences
        self._capabilities = capabilities
        self._clock = clock
        self._record_id = record_id
        self._note_seen = note_seen
        self._max_lifetime = max_lifetime

    async def mint(self, principal: Principal, wanted: Wanted, call: Call) -> Exchanged:
        """The token. Raises `Invalid`, `Denied` (`person_gone`, `scope_not_held`,
        `capability_not_held`), `Precondition`, `Unavailable`.
        """
        now = self._clock()
        try:
            exchanged = await self._mint(principal, wanted, now)
        except BrokerError as refusal:
            await self._audit.write(self._record(principal, call, now, refusal=refusal))
            raise
        await self._audit.write(self._record(principal, call, now, exchanged=exchanged))
        self._note_seen(principal.identity, now)
        return exchanged

    async def _mint(self, principal: Principal, wanted: Wanted, now: float) -> Exchanged:
        audience = self._audiences.of(wanted.audience)
        only = self._requested(wanted.capabilities)
        snapshot = await self._snapshots.for_login(
            principal.identity, provider=principal.provider, mappings=principal.mappings
        )
        if snapshot is None:
            raise Denied(
                "person_gone", "the person is not registered any more", stage=Stage.IDENTITY
            )
        entitlement = _entitled(snapshot, wanted, only)
        minted = self._tokens.mint(
            AccessTokenClaims(
                subject=principal.identity,
                audience=audience,
                lifetime=min(snapshot.identity.max_token_lifetime, self._max_lifetime),
                not_after=principal.mappings_end_at,
                actor=principal.actor,
                role_bindings=entitlement.role_bindings,
                capabilities=entitlement.encoded,
                email=principal.email or None,
                email_verified=principal.email_verified if principal.email else None,
                provider=principal.provider,
                session=principal.session,
                group_mappings=principal.mappings,
                scope=wanted.openid_scope,
            ),
            now=now,
        )
        expires_in = minted.expires_at - int(now)
        return Exchanged(minted, expires_in, audience, principal.actor, entitlement)

    def _requested(self, names: tuple[str, ...]) -> int | None:
        if not names:
            return None
        try:
            return self._capabilities.to_bits(names)
        except Invalid as error:
            error.stage, error.field = Stage.REQUEST, "capabilities"
            raise

    def _record(
        self,
        principal: Principal,
        call: Call,
        now: float,
        *,
        exchanged: Exchanged | None = None,
        refusal: BrokerError | None = None,
    ) -> AuditRecord:
        at = datetime.fromtimestamp(now, UTC)
        detail: dict[str, Any] = {
            "dialect": call.dialect,
            "address": call.address,
            "provider": principal.provider,
            "session": principal.session,
        }
        if exchanged is not None:
            detail |= {
                "audience": exchanged.audience,
                "jti": exchanged.token.jti,
                "expires_at": exchanged.token.expires_at,
            }
        return AuditRecord(
            id=self._record_id(at),
            at=at,
            action="login.token",
            outcome=Outcome.of(refusal),
            actor=f"{principal.actor.get('iss', '')} {principal.actor.get('sub', '')}",
            subject=principal.identity,
            group=None,
            request_id=call.request_id,
            stage=refusal.stage.value if refusal and refusal.stage else "",
            code=refusal.code if refusal else "",
            detail=orjson.dumps(detail).decode(),
        )


def _entitled(snapshot: IdentitySnapshot, wanted: Wanted, only: int | None) -> Entitlement:
    if not wanted.scopes and only is None:
        return snapshot.everything
    return narrow(snapshot.grants, scopes=wanted.scopes, only=only)
