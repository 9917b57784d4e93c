"""The account of one exchange: what is known so far, and the audit record that it ends in."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from broker.audit.record import AuditRecord, Outcome
from broker.errors import BrokerError, Detail, Kind, Stage
from broker.grants.request import Call, Exchanged, ExchangeRequest
from broker.iam.claims import VerifiedClaims
from broker.iam.matching import CompiledRules, Match
from broker.iam.trace import Step
from broker.iam.uidp import Uidp
from broker.jose.compact import UnverifiedToken


@dataclass(slots=True)
class Account:
    """Filled in as the exchange goes on; whatever ends it, the record tells how far it came."""

    call: Call
    identity: Uidp | None = None
    token: UnverifiedToken | None = None
    rules: CompiledRules | None = None
    claims: VerifiedClaims | None = None
    match: Match | None = None
    steps: list[Step] = field(default_factory=list)
    """Checks besides the rules and the token's own."""

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
        }
        return self._record(record_id, at, Outcome.OK, detail)

    def refused(self, record_id: str, at: datetime, refusal: BrokerError) -> AuditRecord:
        """The record of a no: every check that was made, and what the token said of itself."""
        steps = [*self._rule_steps(), *self.steps]
        if refusal.detail is not None or all(step.passed for step in steps):
            steps.append(_last_step(refusal))
        detail: dict[str, Any] = {
            "dialect": self.call.dialect,
            "address": self.call.address,
            "steps": [step.as_json() for step in steps],
        }
        if self.token is not None:
            detail["unverified"] = _unverified(self.token)
        outcome = Outcome.FAILED if refusal.kind is Kind.UNAVAILABLE else Outcome.REFUSED
        return self._record(record_id, at, outcome, detail, refusal)

    def _rule_steps(self) -> tuple[Step, ...]:
        """Every rule when they were compared; else the issuer's, which is asked first."""
        if self.match is not None:
            return self.match.steps
        if self.rules is not None and self.token is not None:
            return (self.rules.issuer_step(self.token.unverified_issuer),)
        return ()

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
            token_sha256=self.token.sha256 if self.token else "",
            detail=orjson.dumps(detail).decode(),
        )


def _last_step(refusal: BrokerError) -> Step:
    detail = refusal.detail or Detail(refusal.field or refusal.code, refusal.message[:1000], None)
    return Step(
        refusal.stage or Stage.REQUEST,
        detail.name,
        detail.expected,
        detail.got,
        passed=False,
        hint=detail.hint,
    )


def _unverified(token: UnverifiedToken) -> dict[str, Any]:
    claims = token.claims
    return {name: str(claims[name])[:512] for name in ("iss", "sub", "aud") if name in claims}
