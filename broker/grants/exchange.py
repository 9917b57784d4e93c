"""The exchange: somebody else's token in, ours out (RFC 8693, and the platform's own dialect)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Final, Protocol

import structlog

from broker.audit.writer import AuditWriter
from broker.errors import BrokerError, Exhausted, Invalid, Stage, Unavailable
from broker.grants.account import Account
from broker.grants.audiences import Audiences
from broker.grants.examination import Accepted, Examination
from broker.grants.limits import ExchangeLimits
from broker.grants.measures import ExchangeMeasures
from broker.grants.own_id_tokens import OwnIdTokens
from broker.grants.person_tokens import Principal
from broker.grants.request import Call, Exchanged, ExchangeRequest
from broker.grants.single_use import SingleUse
from broker.iam.capabilities import CapabilityTable
from broker.iam.claims import VerifiedClaims
from broker.iam.matching import Match
from broker.iam.model import Identity
from broker.iam.uidp import Uidp
from broker.issuer.tokens import AccessTokenClaims, AccessTokens

log = structlog.get_logger()

OWN_TOKEN: Final = "token_is_access_token"  # noqa: S105 - an error code


class Logins(Protocol):
    """ID tokens that prove a login, and what is minted for who logged in."""

    async def check(self, request: ExchangeRequest) -> Principal:
        """Who it is. Raises `BrokerError`."""
        ...

    async def mint(self, principal: Principal, request: ExchangeRequest) -> Exchanged:
        """Their token. Raises `BrokerError`."""
        ...


class Exchange:
    """The grant. `clock` gives seconds since the epoch, `record_id` a fresh id for a moment.

    `note_seen` is told of every identity that something was minted for, and of the moment; it
    neither waits nor raises (`broker.directory` has it).
    """

    def __init__(
        self,
        *,
        examination: Examination,
        tokens: AccessTokens,
        audit: AuditWriter,
        capabilities: CapabilityTable,
        clock: Callable[[], float],
        record_id: Callable[[datetime], str],
        note_seen: Callable[[Uidp, float], None],
        single_use: SingleUse,
        limits: ExchangeLimits,
        audiences: Audiences,
        max_lifetime: int = 3600,
    ) -> None:
        self.measures = ExchangeMeasures()
        self.examination = examination
        """What the dry run asks too."""
        self._tokens = tokens
        self._audit = audit
        self._capabilities = capabilities
        self._clock = clock
        self._record_id = record_id
        self._note_seen = note_seen
        self._single_use = single_use
        self._limits = limits
        self._audiences = audiences
        self._max_lifetime = max_lifetime
        self._own_id_tokens: OwnIdTokens | None = None
        self._upstream_logins: Logins | None = None

    def take_id_tokens(self, own: OwnIdTokens) -> None:
        """Take ID tokens that were issued here, which those who log in need. It is said later than
        the rest, because logins are put together with the exchange.
        """
        self._own_id_tokens = own

    def take_logins(self, logins: Logins) -> None:
        """Take ID tokens that people got by logging in through an organization's identity provider,
        which the request names. Said later, for the same reason.
        """
        self._upstream_logins = logins

    async def run(self, request: ExchangeRequest) -> Exchanged:
        """Exchange, and write down how it went. Raises `BrokerError`.

        The record is durable before the token leaves: no record, no token.
        """
        started = perf_counter()
        self._admit(request.call)  # or it would be examined, and written down
        now = self._clock()
        account = Account(request.call, request.identity)
        if request.identity_provider is not None and self._upstream_logins is not None:
            return await self._exchange_login(self._upstream_logins, request, account, now)
        try:
            exchanged = await self._exchange(request, account, now)
        except BrokerError as refusal:
            own = self._own_id_tokens
            if refusal.code == OWN_TOKEN and own is not None and own.may_be(request.token):
                return await self._exchange_login(own, request, account, now)
            await self._write_refusal(account, refusal, now)
            self.measures.ended(account, perf_counter() - started, refusal)
            raise
        except Exception:  # a defect leaves a record too; who catches it for good logs it
            await self._write_refusal(account, Unavailable("internal", "internal error"), now)
            raise
        at = datetime.fromtimestamp(now, UTC)
        await self._audit.write(account.succeeded(self._record_id(at), at, request, exchanged))
        assert account.identity is not None, "something was minted for it"
        self._note_seen(account.identity, now)
        self.measures.ended(account, perf_counter() - started)
        return exchanged

    async def _exchange_login(
        self, logins: Logins, request: ExchangeRequest, account: Account, now: float
    ) -> Exchanged:
        """An ID token of somebody who has logged in; what is minted has a record of its own."""
        try:
            principal = await logins.check(request)
        except BrokerError as refusal:
            await self._write_refusal(account, refusal, now)
            raise
        return await logins.mint(principal, request)

    async def refuse(self, call: Call, refusal: BrokerError) -> None:
        """Write down a request that could not even be parsed.

        Raises `Exhausted` when the caller had too many refused; nothing is written down then.
        """
        self._admit(call)
        account = Account(call)
        await self._write_refusal(account, refusal, self._clock())
        self.measures.ended(account, 0.0, refusal)

    def _admit(self, call: Call) -> None:
        try:
            self._limits.admit(call.address)
        except Exhausted:
            self.measures.limited(call)
            raise

    async def _exchange(self, request: ExchangeRequest, account: Account, now: float) -> Exchanged:
        audience = self._audiences.of(request.audience)
        only = self._requested_capabilities(request.capabilities)
        accepted = await self.examination.run(request, account, now, only=only)
        identity = accepted.snapshot.identity
        await self._use(identity, account, now)
        lifetime = min(identity.max_token_lifetime, self._max_lifetime)
        actor = _actor(accepted.claims, accepted.match)
        wanted = _token_claims(accepted, audience, lifetime, actor)
        minted = self._tokens.mint(wanted, now=now)
        expires_in = minted.expires_at - int(now)
        return Exchanged(minted, expires_in, audience, actor, accepted.entitlement)

    async def _use(self, identity: Identity, account: Account, now: float) -> None:
        """The checks that count: asked last, so that nobody else can use up what they count."""
        assert account.credential is not None, "it was examined"
        assert account.claims is not None, "it was accepted"
        self._limits.spend(identity, account.claims)
        await self._single_use.consume(identity, account.credential, account.claims, now)

    def _requested_capabilities(self, names: tuple[str, ...]) -> int | None:
        if not names:
            return None
        try:
            return self._capabilities.to_bits(names)
        except Invalid as error:
            error.stage, error.field = Stage.REQUEST, "capabilities"
            raise

    async def _write_refusal(self, account: Account, refusal: BrokerError, now: float) -> None:
        self._limits.note_refusal(account.call.address, refusal)
        at = datetime.fromtimestamp(now, UTC)
        try:
            await self._audit.write(account.refused(self._record_id(at), at, refusal))
        except BrokerError as error:
            # A refusal gives nothing away, so it stands even when it cannot be written down.
            log.error("refusal_not_recorded", code=error.code)


def _token_claims(
    accepted: Accepted, audience: tuple[str, ...], lifetime: int, actor: Mapping[str, Any]
) -> AccessTokenClaims:
    identity, claims = accepted.snapshot.identity, accepted.claims
    email = claims.claims.get("email") if identity.is_person else None
    return AccessTokenClaims(
        subject=identity.id,
        audience=audience,
        lifetime=lifetime,
        not_after=claims.expires_at if identity.expires_with_upstream else None,
        actor=actor,
        role_bindings=accepted.entitlement.role_bindings,
        capabilities=accepted.entitlement.encoded,
        email=email if isinstance(email, str) else None,
        email_verified=claims.claims.get("email_verified") is True if email else None,
    )


def _actor(claims: VerifiedClaims, match: Match) -> dict[str, Any]:
    audience = claims.audience[0] if len(claims.audience) == 1 else list(claims.audience)
    return {**match.claims, "iss": claims.issuer, "sub": claims.subject, "aud": audience}
