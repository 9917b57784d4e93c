"""The dry run: every step of an exchange for a token and an identity, and nothing minted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

import orjson

from broker.audit.record import AuditRecord, Outcome
from broker.audit.writer import AuditWriter
from broker.errors import BrokerError, NotFound, Stage
from broker.grants.account import Account
from broker.grants.candidates import Candidate, Candidates
from broker.grants.credentials import Credential
from broker.grants.examination import Examination
from broker.grants.request import Call, ExchangeRequest
from broker.grants.trace import cause_of, trace
from broker.iam.matching import Match
from broker.iam.snapshot import IdentitySnapshot
from broker.iam.trace import Step, not_reached
from broker.iam.uidp import Uidp

_NOT_EXAMINED: Final = (
    (Stage.IDENTITY, "issuer", "an issuer that the identity's rules allow"),
    (Stage.SIGNATURE, "signature", "a signature by a key of the issuer"),
    (Stage.IDENTITY, "rules", "claims that the identity's rules accept"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Who asks about which token and identity."""

    call: Call
    caller: Uidp
    within: tuple[Uidp, ...]
    """The topmost groups where the caller may list identities."""
    identity: Uidp
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why, or why not."""

    accepted: bool
    summary: str
    steps: tuple[Step, ...]
    candidates: tuple[Candidate, ...]


class Explain:
    """Asks what the exchange asks, step by step, and goes on after a step that fails.

    `clock` gives seconds since the epoch, `record_id` a fresh id for a moment.
    """

    def __init__(
        self,
        *,
        examination: Examination,
        candidates: Candidates,
        audit: AuditWriter,
        clock: Callable[[], float],
        record_id: Callable[[datetime], str],
    ) -> None:
        self._examination = examination
        self._candidates = candidates
        self._audit = audit
        self._clock = clock
        self._record_id = record_id

    async def run(self, question: Question) -> Explanation:
        """Raises `NotFound` when the identity does not exist, and `Unavailable` when the question
        cannot be written down.
        """
        now = self._clock()
        request = ExchangeRequest(
            call=question.call, token=question.token, identity=question.identity
        )
        account = Account(question.call, question.identity)
        steps = await self._steps(request, account, now)
        accepted = all(step.passed for step in steps)
        candidates: tuple[Candidate, ...] = ()
        if not accepted and account.credential is not None:
            candidates = await self._candidates.find(
                account.credential, beside=question.identity, within=question.within
            )
        summary = _summary(steps, candidates, account.snapshot)
        explanation = Explanation(
            accepted=accepted, summary=summary, steps=tuple(steps), candidates=candidates
        )
        await self._audit.write(self._record(question, account, explanation, now))
        return explanation

    async def _steps(self, request: ExchangeRequest, account: Account, now: float) -> list[Step]:
        refusals: list[BrokerError] = []
        try:
            credential = self._examination.read(request, account)
        except BrokerError as refusal:
            return [*_trace(account, [refusal]), *(not_reached(*step) for step in _NOT_EXAMINED)]
        refusals += credential.faults(now)
        try:
            snapshot = await self._examination.find(request, credential, account)
        except BrokerError as refusal:
            raise _not_found() from refusal
        held = {Stage.TIMES} - {refusal.stage for refusal in refusals}
        allowed = snapshot.rules.allows_issuer(credential.unverified_issuer)
        if allowed:
            try:
                self._examination.heed(request, snapshot, credential, account)
            except BrokerError as refusal:
                refusals.append(cause_of(refusal))
        # nothing is fetched for a token that could not be accepted whatever its signature
        if allowed and not any(refusal.stage is not Stage.TIMES for refusal in refusals):
            held |= await self._verified(request, credential, snapshot, account, refusals, now)
        match = self._matched(snapshot, credential, account, held)
        return _trace(account, refusals, match=match, held=held)

    async def _verified(
        self,
        request: ExchangeRequest,
        credential: Credential,
        snapshot: IdentitySnapshot,
        account: Account,
        refusals: list[BrokerError],
        now: float,
    ) -> set[Stage]:
        """The stages that held of keys, signature and times; what did not joins `refusals`."""
        stages = [check.stage for check in credential.checks(snapshot.identity)]
        try:
            await self._examination.verify(request, snapshot, credential, account, now)
        except BrokerError as refusal:
            if refusal.code not in {known.code for known in refusals}:
                refusals.append(refusal)
            stage = cause_of(refusal).stage
            return set(stages[: stages.index(stage)] if stage in stages else ())
        return set(stages)

    def _matched(
        self,
        snapshot: IdentitySnapshot,
        credential: Credential,
        account: Account,
        held: set[Stage],
    ) -> Match | Sequence[Step] | None:
        """How the rules compare, with claims that are verified or only said; None without any."""
        if account.claims is not None:
            return snapshot.rules.match(account.claims)
        said = credential.unverified_claims
        if said is None:
            return None
        signed = Stage.SIGNATURE in held
        return [replace(step, unverified=not signed) for step in snapshot.rules.steps(said)]

    def _record(
        self, question: Question, account: Account, explanation: Explanation, now: float
    ) -> AuditRecord:
        at = datetime.fromtimestamp(now, UTC)
        failed = [step.name for step in explanation.steps if step.passed is False]
        detail = {
            "address": question.call.address,
            "accepted": explanation.accepted,
            "failed": failed,
        }
        return AuditRecord(
            id=self._record_id(at),
            at=at,
            action="explain",
            outcome=Outcome.OK,  # the question was answered, whatever the answer
            actor=question.caller,
            subject=question.identity,
            group=question.identity.parent,
            request_id=question.call.request_id,
            token_sha256=account.credential.sha256 if account.credential else "",
            detail=orjson.dumps(detail).decode(),
        )


def _trace(
    account: Account,
    refusals: Sequence[BrokerError],
    *,
    match: Match | Sequence[Step] | None = None,
    held: Collection[Stage] = (),
) -> list[Step]:
    return trace(
        credential=account.credential,
        snapshot=account.snapshot,
        match=match,
        refusals=refusals,
        held=held,
    )


def _summary(
    steps: Sequence[Step], candidates: Sequence[Candidate], snapshot: IdentitySnapshot | None
) -> str:
    failed = [step for step in steps if step.passed is False]
    if failed:
        names = _listed([step.name for step in failed])
        told = f"The token is not accepted: {names} {'do' if len(failed) > 1 else 'does'} not hold."
        hint = next((step.hint for step in failed if step.hint), "")
        return " ".join(filter(None, (told, hint, _meant(candidates))))
    if snapshot is not None and not snapshot.grants:
        return (
            "The token is accepted, but nothing comes of it: the identity has no role binding, so "
            "that the token minted for it allows nothing."
        )
    return "The token is accepted."


def _meant(candidates: Sequence[Candidate]) -> str:
    if not candidates:
        return ""
    names = _listed([f"{each.name} ({each.id})" for each in candidates])
    return f"What it says fits the rules of {names}: perhaps the wrong identity was named."


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _not_found() -> NotFound:
    return NotFound("identity_not_found", "uid: the identity does not exist", field="uid")
