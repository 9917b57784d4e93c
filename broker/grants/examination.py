"""Whether a token is accepted for an identity: what the exchange asks, and its dry run."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from broker.errors import Denied, Detail, Unauthenticated
from broker.grants.account import Account
from broker.grants.credentials import Credential, Credentials, not_accepted
from broker.grants.request import ExchangeRequest
from broker.iam.claims import VerifiedClaims
from broker.iam.issuer_policy import judge, not_allowed
from broker.iam.matching import Match
from broker.iam.policy import Entitlement, narrow
from broker.iam.snapshot import IdentitySnapshot
from broker.iam.uidp import Uidp


class Snapshots(Protocol):
    """Where identities come from; `broker.directory` has it."""

    async def get(self, identity: Uidp) -> IdentitySnapshot | None:
        """The identity, or None."""


class Accepted(NamedTuple):
    """Everything that a token of ours is made of."""

    snapshot: IdentitySnapshot
    claims: VerifiedClaims
    match: Match
    entitlement: Entitlement


class Examination:
    """The steps. Each notes in the account what it found, and raises `BrokerError` for a no.

    Nothing is minted, written or counted as a use here.
    """

    def __init__(self, snapshots: Snapshots, credentials: Credentials) -> None:
        self._snapshots = snapshots
        self._credentials = credentials

    async def run(
        self, request: ExchangeRequest, account: Account, now: float, *, only: int | None = None
    ) -> Accepted:
        """All of them, until one refuses. `only`: the capabilities asked for, None for all."""
        credential = self.read(request, account)
        credential.check(now)
        account.checked = True
        snapshot = await self.find(request, credential, account)
        self.allow(request, snapshot, credential)
        self.heed(request, snapshot, credential, account)
        claims = await self.verify(request, snapshot, credential, account, now)
        match = self.match(request, snapshot, claims, account)
        return Accepted(snapshot, claims, match, self.entitle(request, snapshot, only))

    def read(self, request: ExchangeRequest, account: Account) -> Credential:
        """The token, taken apart."""
        credential = account.credential = request.presented or self._credentials.read(
            request.token, request.identity
        )
        return credential

    async def find(
        self, request: ExchangeRequest, credential: Credential, account: Account
    ) -> IdentitySnapshot:
        """The identity that was named, or the person whom the token is about."""
        named = account.identity = request.identity or Uidp.of_person(
            credential.unverified_issuer, credential.unverified_subject
        )
        snapshot = account.snapshot = await self._snapshots.get(named)
        if snapshot is None:
            raise _unknown(named, person=request.identity is None)
        return snapshot

    def allow(
        self, request: ExchangeRequest, snapshot: IdentitySnapshot, credential: Credential
    ) -> None:
        """The issuer's rule; before anything is fetched from anybody."""
        if not snapshot.rules.allows_issuer(credential.unverified_issuer):
            raise not_accepted(named=request.identity is not None)

    def heed(
        self,
        request: ExchangeRequest,
        snapshot: IdentitySnapshot,
        credential: Credential,
        account: Account,
    ) -> None:
        """The policies about issuers, of the installation and of the organization."""
        issuer = credential.unverified_issuer
        judgement = judge(issuer, snapshot.policies)
        account.noted_by = judgement.noted_by
        if not judgement.refused_by:
            return
        refusal = not_allowed(issuer, judgement.refused_by)
        if snapshot.identity.is_person:  # as in `verify`: or it would tell who is registered
            raise not_accepted(named=request.identity is not None) from refusal
        raise refusal

    async def verify(
        self,
        request: ExchangeRequest,
        snapshot: IdentitySnapshot,
        credential: Credential,
        account: Account,
        now: float,
    ) -> VerifiedClaims:
        """Keys, signature and times, as the kind of credential has it."""
        try:
            claims = account.claims = await credential.verify(snapshot.identity, now)
        except Unauthenticated as error:
            if not snapshot.identity.is_person:
                raise
            # A person's UIDP can be worked out, unlike any other: with a forged token somebody
            # could ask who is registered, so a bad signature looks like an unknown person.
            raise not_accepted(named=request.identity is not None) from error
        return claims

    def match(
        self,
        request: ExchangeRequest,
        snapshot: IdentitySnapshot,
        claims: VerifiedClaims,
        account: Account,
    ) -> Match:
        """Every rule."""
        match = account.match = snapshot.rules.match(claims)
        if not match.passed:
            raise not_accepted(named=request.identity is not None)
        return match

    def entitle(
        self, request: ExchangeRequest, snapshot: IdentitySnapshot, only: int | None
    ) -> Entitlement:
        """What the identity holds of what was asked for."""
        if not request.scopes and only is None:
            return snapshot.everything
        return narrow(snapshot.grants, scopes=request.scopes, only=only)


def _unknown(named: Uidp, *, person: bool) -> Denied:
    if person:
        detail = Detail(
            "identity",
            "a registered person",
            named,
            "Nobody is registered for this issuer and subject. Name an assumable identity, or "
            "register the person.",
        )
    else:
        detail = Detail(
            "identity",
            "an identity that exists",
            named,
            "No identity has this UIDP: it was deleted, or belongs to another broker.",
        )
    return not_accepted(named=not person, detail=detail)
