"""What is counted of exchanges."""

from __future__ import annotations

from broker.audit.record import Outcome
from broker.errors import BrokerError
from broker.grants.account import Account
from broker.grants.request import Call
from broker.iam.issuer_class import OTHER, issuer_class
from broker.measures import Durations, Tally


class ExchangeMeasures:
    """How exchanges ended, and how long they took."""

    def __init__(self) -> None:
        self.outcomes = Tally("dialect", "outcome", "stage", "issuer_class")
        """`outcome`: `ok`, `refused`, `limited` where too much was refused before to look at it,
        or `failed` where something that was needed did not answer.
        `stage`: what refused; empty for `ok`."""
        self.durations = Durations("dialect", "outcome")

    def limited(self, call: Call) -> None:
        """One that was not looked at."""
        self.outcomes.add(call.dialect, "limited", "request", OTHER)

    def ended(self, account: Account, seconds: float, refusal: BrokerError | None = None) -> None:
        """One more."""
        dialect = account.call.dialect
        outcome = Outcome.of(refusal).value
        stage = refusal.stage.value if refusal is not None and refusal.stage is not None else ""
        self.outcomes.add(dialect, outcome, stage, _issuer(account))
        if seconds:
            self.durations.add(seconds, dialect, outcome)


def _issuer(account: Account) -> str:
    if account.credential is None:
        return OTHER
    return issuer_class(account.credential.unverified_issuer)
