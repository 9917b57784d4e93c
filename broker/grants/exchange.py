"""The exchange: somebody else's token in, ours out (RFC 8693, and the platform's own dialect)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import structlog

from broker.audit.writer import AuditWriter
from broker.errors import BrokerError, Denied, Invalid, Stage, Unauthenticated, Unavailable
from broker.grants.account import Account
from broker.grants.request import Call, Exchanged, ExchangeRequest
from broker.iam.capabilities import CapabilityTable
from broker.iam.claims import VerifiedClaims
from broker.iam.matching import Match
from broker.iam.model import StaticKeys
from broker.iam.policy import Entitlement, narrow
from broker.iam.snapshot import IdentitySnapshot
from broker.iam.trace import Step
from broker.iam.uidp import Uidp
from broker.issuer.tokens import AccessTokenClaims, AccessTokens
from broker.jose.compact import UnverifiedToken, parse
from broker.upstream.oidc import OidcVerifier

log = structlog.get_logger()

MAX_AUDIENCES: Final = 10
RESERVED_AUDIENCES: Final = frozenset({"customer"})
"""`customer` is the audience of webhook tokens; an access token must never pass for one."""


class Snapshots(Protocol):
    """Where identities come from; `broker.directory` has it."""

    async def get(self, identity: Uidp) -> IdentitySnapshot | None:
        """The identity, or None."""


class Exchange:
    """The grant. `clock` gives seconds since the epoch, `record_id` a fresh id for a moment.

    `note_seen` is told of every identity that something was minted for, and of the moment; it
    neither waits nor raises (`broker.directory` has it).
    """

    def __init__(
        self,
        *,
        snapshots: Snapshots,
        verifier: OidcVerifier,
        tokens: AccessTokens,
        audit: AuditWriter,
        capabilities: CapabilityTable,
        clock: Callable[[], float],
        record_id: Callable[[datetime], str],
        note_seen: Callable[[Uidp, float], None],
        default_audience: str,
        allowed_audiences: frozenset[str] = frozenset(),
        max_lifetime: int = 3600,
    ) -> None:
        self._snapshots = snapshots
        self._verifier = verifier
        self._tokens = tokens
        self._audit = audit
        self._capabilities = capabilities
        self._clock = clock
        self._record_id = record_id
        self._note_seen = note_seen
        self._default_audience = (default_audience,)
        self._allowed_audiences = allowed_audiences
        self._max_lifetime = max_lifetime

    async def run(self, request: ExchangeRequest) -> Exchanged:
        """Exchange, and write down how it went. Raises `BrokerError`.

        The record is durable before the token leaves: no record, no token.
        """
        now = self._clock()
        account = Account(request.call, request.identity)
        try:
            exchanged = await self._exchange(request, account, now)
        except BrokerError as refusal:
            await self._write_refusal(account, refusal, now)
            raise
        except Exception:  # a defect leaves a record too; who catches it for good logs it
            await self._write_refusal(account, Unavailable("internal", "internal error"), now)
            raise
        at = datetime.fromtimestamp(now, UTC)
        await self._audit.write(account.succeeded(self._record_id(at), at, request, exchanged))
        assert account.identity is not None, "something was minted for it"
        self._note_seen(account.identity, now)
        return exchanged

    async def refuse(self, call: Call, refusal: BrokerError) -> None:
        """Write down a request that could not even be parsed."""
        await self._write_refusal(Account(call), refusal, self._clock())

    async def _exchange(self, request: ExchangeRequest, account: Account, now: float) -> Exchanged:
        audience = self._audience(request.audience)
        only = self._requested_capabilities(request.capabilities)
        token = account.token = parse(request.token)
        self._verifier.check(token, now)
        snapshot = await self._identity(request, account, token)
        rules = account.rules = snapshot.rules
        if not rules.allows_issuer(token.unverified_issuer):
            raise _not_accepted(request)
        claims = account.claims = await self._verified(snapshot, request, account, now)
        match = account.match = rules.match(claims)
        if not match.passed:
            raise _not_accepted(request)
        entitlement = _entitlement(snapshot, request, only)
        actor = _actor(claims, match)
        lifetime = min(snapshot.identity.max_token_lifetime, self._max_lifetime)
        wanted = _token_claims(snapshot, audience, lifetime, claims, actor, entitlement)
        minted = self._tokens.mint(wanted, now=now)
        return Exchanged(minted, minted.expires_at - int(now), audience, actor, entitlement)

    def _audience(self, asked: tuple[str, ...]) -> tuple[str, ...]:
        if len(asked) > MAX_AUDIENCES:
            raise _wrong_audience("audience_invalid", f"more than {MAX_AUDIENCES} values")
        for value in asked:
            if not 1 <= len(value) <= 512 or not value.isascii() or not value.isprintable():
                raise _wrong_audience(
                    "audience_invalid", "expected 1 to 512 printable ASCII characters"
                )
            if value in RESERVED_AUDIENCES or (
                self._allowed_audiences and value not in self._allowed_audiences
            ):
                raise _wrong_audience(
                    "audience_not_allowed", f"no access tokens are minted for {value!r} here"
                )
        return asked or self._default_audience

    def _requested_capabilities(self, names: tuple[str, ...]) -> int | None:
        if not names:
            return None
        try:
            return self._capabilities.to_bits(names)
        except Invalid as error:
            error.stage, error.field = Stage.REQUEST, "capabilities"
            raise

    async def _identity(
        self, request: ExchangeRequest, account: Account, token: UnverifiedToken
    ) -> IdentitySnapshot:
        named = account.identity = request.identity or Uidp.of_person(
            token.unverified_issuer, token.unverified_subject
        )
        snapshot = await self._snapshots.get(named)
        if snapshot is None:
            account.steps.append(_unknown(named, person=request.identity is None))
            raise _not_accepted(request)
        return snapshot

    async def _verified(
        self, snapshot: IdentitySnapshot, request: ExchangeRequest, account: Account, now: float
    ) -> VerifiedClaims:
        token = account.token
        assert token is not None, "the token was parsed before"
        issuer = token.unverified_issuer  # the rule has just allowed it, before any fetch
        relationship = snapshot.identity.relationship
        if not isinstance(relationship, StaticKeys):
            return await self._verified_by_issuer(snapshot, request, token, now)
        if now >= relationship.expiration.timestamp():
            account.steps.append(_expired(relationship))
            raise _not_accepted(request)
        keys = relationship.issuer_keys
        return self._verifier.verify_static(token, issuer=issuer, jwks=keys, now=now)

    async def _verified_by_issuer(
        self,
        snapshot: IdentitySnapshot,
        request: ExchangeRequest,
        token: UnverifiedToken,
        now: float,
    ) -> VerifiedClaims:
        try:
            return await self._verifier.verify(token, issuer=token.unverified_issuer, now=now)
        except Unauthenticated as error:
            if not snapshot.identity.is_person:
                raise
            # A person's UIDP can be worked out, unlike any other: with a forged token somebody
            # could ask who is registered, so a bad signature looks like an unknown person.
            refusal = _not_accepted(request)
            refusal.detail = error.detail
            raise refusal from error

    async def _write_refusal(self, account: Account, refusal: BrokerError, now: float) -> None:
        at = datetime.fromtimestamp(now, UTC)
        try:
            await self._audit.write(account.refused(self._record_id(at), at, refusal))
        except BrokerError as error:
            # A refusal gives nothing away, so it stands even when it cannot be written down.
            log.error("refusal_not_recorded", code=error.code)


def _entitlement(
    snapshot: IdentitySnapshot, request: ExchangeRequest, only: int | None
) -> Entitlement:
    if not request.scopes and only is None:
        return snapshot.everything
    return narrow(snapshot.grants, scopes=request.scopes, only=only)


def _token_claims(
    snapshot: IdentitySnapshot,
    audience: tuple[str, ...],
    lifetime: int,
    claims: VerifiedClaims,
    actor: Mapping[str, Any],
    entitlement: Entitlement,
) -> AccessTokenClaims:
    identity = snapshot.identity
    email = claims.claims.get("email") if identity.is_person else None
    return AccessTokenClaims(
        subject=identity.id,
        audience=audience,
        lifetime=lifetime,
        not_after=claims.expires_at if identity.expires_with_upstream else None,
        actor=actor,
        role_bindings=entitlement.role_bindings,
        capabilities=entitlement.encoded,
        email=email if isinstance(email, str) else None,
        email_verified=claims.claims.get("email_verified") is True if email else None,
    )


def _actor(claims: VerifiedClaims, match: Match) -> dict[str, Any]:
    audience = claims.audience[0] if len(claims.audience) == 1 else list(claims.audience)
    return {**match.claims, "iss": claims.issuer, "sub": claims.subject, "aud": audience}


def _wrong_audience(code: str, fault: str) -> Invalid:
    return Invalid(code, f"audience: {fault}", stage=Stage.REQUEST, field="audience")


def _not_accepted(request: ExchangeRequest) -> Denied:
    """One answer for unknown identities and failed rules, or callers could learn which exist."""
    if request.identity is None:
        message = "no identity was named, and this token belongs to no registered person"
    else:
        message = (
            "the identity does not exist or its rules do not accept this token; the owner of the "
            "identity finds the reason in the audit log under this request id"
        )
    return Denied("identity_refused", message, stage=Stage.IDENTITY)


def _unknown(named: Uidp, *, person: bool) -> Step:
    if person:
        return Step(
            Stage.IDENTITY,
            "identity",
            "a registered person",
            named,
            passed=False,
            hint="Nobody is registered for this issuer and subject. Name an assumable identity, "
            "or register the person.",
        )
    return Step(
        Stage.IDENTITY,
        "identity",
        "an identity that exists",
        named,
        passed=False,
        hint="No identity has this UIDP: it was deleted, or belongs to another broker.",
    )


def _expired(static: StaticKeys) -> Step:
    return Step(
        Stage.IDENTITY,
        "static_keys.expiration",
        "in the future",
        static.expiration.isoformat(),
        passed=False,
        hint="The static keys have expired; delete the identity and make it anew with fresh ones.",
    )
