"""The trace of an examination: its steps in the order in which owners think of them.

Worked out after a refusal alone, from what the account knows; a success costs nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from broker.errors import BrokerError, Detail, Stage
from broker.grants.advice import advice
from broker.grants.credentials import Check, Credential
from broker.iam.matching import CompiledRules, Match
from broker.iam.model import StaticKeys
from broker.iam.snapshot import IdentitySnapshot
from broker.iam.trace import Step, not_reached

_ALLOWED_ISSUER: Final = "an issuer that the identity's rules allow"
_RULES: Final = "claims that the identity's rules accept"
_ROLES: Final = "what was asked for, within the identity's roles"


def trace(
    *,
    credential: Credential | None,
    snapshot: IdentitySnapshot | None,
    match: Match | Sequence[Step] | None,
    refusals: Sequence[BrokerError],
    held: Collection[Stage],
) -> list[Step]:
    """Every step: passed, failed, or not reached.

    `match`: how the rules were compared, or the steps of that. `held`: the stages of the
    credential's own checks that are known to hold.
    """
    faults = [cause_of(refusal) for refusal in refusals]
    if credential is None:
        return [_failed(fault) for fault in faults]
    static = snapshot is not None and isinstance(snapshot.identity.relationship, StaticKeys)
    own = credential.checks(snapshot.identity if snapshot else None)
    told = {Stage.TOKEN, Stage.IDENTITY, Stage.SCOPE, *(check.stage for check in own)}
    return [
        *_token(credential, faults),
        *_identity(snapshot, credential, faults),
        *(step for check in own for step in _own(check, faults, held, static_keys=static)),
        *_rules(match),
        *_entitlement(snapshot, match, faults),
        *(_failed(fault) for fault in faults if fault.stage not in told),
    ]


def cause_of(refusal: BrokerError) -> BrokerError:
    """The refusal that another one stands for in public."""
    cause = refusal.__cause__
    return cause if isinstance(cause, BrokerError) and cause.stage else refusal


def _failed(refusal: BrokerError, *, static_keys: bool = False) -> Step:
    detail = refusal.detail or Detail(refusal.field or refusal.code, refusal.message[:1000], None)
    stage = refusal.stage or Stage.REQUEST
    hints = (detail.hint, advice(refusal, static_keys=static_keys))
    hint = " ".join(filter(None, hints))
    return Step(stage, detail.name, detail.expected, detail.got, passed=False, hint=hint)


def _token(credential: Credential, faults: Sequence[BrokerError]) -> Iterator[Step]:
    wrong = [_failed(fault) for fault in faults if fault.stage is Stage.TOKEN]
    yield from wrong
    if not wrong:
        yield Step(Stage.TOKEN, "token", "well formed", credential.form, passed=True)


def _identity(
    snapshot: IdentitySnapshot | None, credential: Credential, faults: Sequence[BrokerError]
) -> Iterator[Step]:
    wrong = [_failed(f) for f in faults if f.stage is Stage.IDENTITY and f.detail is not None]
    expected = "an identity that exists"
    if snapshot is not None:
        yield Step(Stage.IDENTITY, "identity", expected, snapshot.identity.id, passed=True)
        yield _issuer(snapshot.rules, credential)
        yield from wrong
        return
    yield from wrong or (not_reached(Stage.IDENTITY, "identity", expected),)
    yield not_reached(Stage.IDENTITY, "issuer", _ALLOWED_ISSUER)


def _issuer(rules: CompiledRules, credential: Credential) -> Step:
    return rules.issuer_step(credential.unverified_issuer)


def _own(
    check: Check, faults: Sequence[BrokerError], held: Collection[Stage], *, static_keys: bool
) -> Iterator[Step]:
    wrong = [
        _failed(fault, static_keys=static_keys) for fault in faults if fault.stage is check.stage
    ]
    yield from wrong
    if wrong:
        return
    if check.stage in held:
        yield Step(check.stage, check.name, check.expected, check.held, passed=True)
    else:
        yield not_reached(check.stage, check.name, check.expected)


def _rules(match: Match | Sequence[Step] | None) -> Iterator[Step]:
    if match is None:
        yield not_reached(Stage.IDENTITY, "rules", _RULES)
        return
    steps = match.steps if isinstance(match, Match) else match
    yield from (step for step in steps if step.name != "issuer")  # it has been told of before


def _entitlement(
    snapshot: IdentitySnapshot | None,
    match: Match | Sequence[Step] | None,
    faults: Sequence[BrokerError],
) -> Iterator[Step]:
    wrong = [_failed(fault) for fault in faults if fault.stage is Stage.SCOPE]
    yield from wrong
    if wrong:
        return
    if snapshot is None or not isinstance(match, Match) or not match.passed:
        yield not_reached(Stage.SCOPE, "roles", _ROLES)
        return
    bound = len(snapshot.grants)
    yield Step(Stage.SCOPE, "roles", _ROLES, f"{bound} role bindings", passed=True)
