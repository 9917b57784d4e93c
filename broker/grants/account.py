"""The account of one exchange: what is known so far, and the audit record that it ends in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from broker.audit.record import AuditRecord, Outcome
from broker.errors import BrokerError, Stage
from broker.grants.credentials import Credential
from broker.grants.request import Call, Exchanged, ExchangeRequest
from broker.grants.trace import cause_of, trace
from broker.iam.claims import UnverifiedClaims, VerifiedClaims
from broker.iam.matching import Match
from broker.iam.snapshot import IdentitySnapshot
from broker.iam.uidp import Uidp


@dataclass(slots=True)
class Account:
    """Filled in as the exchange goes on; whatever ends it, the record tells how far it came."""

    call: Call
    identity: Uidp | None = None
    credential: Credential | None = None
    checked: bool = False
    """Whether the credential was found acceptable, whoever it is for."""
    snapshot: IdentitySnapshot | None = None
    claims: VerifiedClaims | None = None
    match: Match | None = None
    noted_by: tuple[str, ...] = ()
    """Whose policies do not allow the issuer, and are in audit mode."""

    def succeeded(
        self, record_id: str, at: datetime, request: ExchangeRequest, exchanged: Exchanged
    ) -> AuditRecord:
        """The record of a minted token: who became whom, by which claims, for what."""
        detail = {
            "dialect": self.call.dialect,
            "address": self.call.address,
            "actor": exchanged.actor,
            "audience": exchanged.audience,
            "scopes": request.scopes,
            "capabilities": request.capabilities,
            "jti": exchanged.token.jti,
            "expires_at": exchanged.token.expires_at,
            **self._noted(),
        }
        return self._record(record_id, at, Outcome.OK, detail)

    def refused(self, record_id: str, at: datetime, refusal: BrokerError) -> AuditRecord:
        """The record of a no: every check that was made, and what the token said of itself."""
        steps = trace(
            credential=self.credential,
            snapshot=self.snapshot,
            match=self.match,
            refusals=[refusal],
            held=self._held(refusal),
        )
        detail: dict[str, Any] = {
            "dialect": self.call.dialect,
            "address": self.call.address,
            "steps": [step.as_json() for step in steps],
            **self._noted(),
        }
        if self.credential is not None and (said := self.credential.unverified_claims):
            detail["unverified"] = _unverified(said)
        return self._record(record_id, at, Outcome.of(refusal), detail, refusal)

    def _noted(self) -> dict[str, Any]:
        return {"issuer_not_allowed_by": self.noted_by} if self.noted_by else {}

    def _held(self, refusal: BrokerError) -> set[Stage]:
        """Of the credential's own checks, the stages of those that were made and held."""
        if self.credential is None or not self.checked:
            return set()
        own = self.credential.checks(self.snapshot.identity if self.snapshot else None)
        stages = [check.stage for check in own]
        if self.claims is not None:
            return set(stages)
        stage = cause_of(refusal).stage
        before = stages[: stages.index(stage)] if stage in stages else ()
        return {Stage.TIMES, *before}  # the times were looked at first of all, and last again

    def _record(
        self,
        record_id: str,
        at: datetime,
        outcome: Outcome,
        detail: dict[str, Any],
        refusal: BrokerError | None = None,
    ) -> AuditRecord:
        return AuditRecord(
            id=record_id,
            at=at,
            action="exchange",
            outcome=outcome,
            actor=f"{self.claims.issuer} {self.claims.subject}" if self.claims else "",
            subject=self.identity or "",
            group=self.identity.parent if self.identity else None,
            request_id=self.call.request_id,
            stage=refusal.stage.value if refusal and refusal.stage else "",
            code=refusal.code if refusal else "",
            token_sha256=self.credential.sha256 if self.credential else "",
            detail=orjson.dumps(detail).decode(),
        )


def _unverified(said: UnverifiedClaims) -> dict[str, Any]:
    claims = said.claims
    return {name: str(claims[name])[:512] for name in ("iss", "sub", "aud") if name in claims}
