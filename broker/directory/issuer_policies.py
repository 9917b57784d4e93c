"""Policies about issuers when an identity is saved."""

from __future__ import annotations

from typing import Final

from broker.iam.issuer_policy import Policies, judge, not_allowed
from broker.iam.lint import Finding, Level, Rule
from broker.iam.model import ClaimMatch, Identity, StaticKeys

NOT_ALLOWED: Final = Rule(
    "issuer-not-allowed",
    Level.WARNING,
    "The issuer is not on a list that is being tried out (docs/issuer-policy.md).",
)


def heeded(identity: Identity, asked: Policies) -> tuple[Finding, ...]:
    """What policies in audit mode have against the issuer of an identity that is being saved.

    Raises `Denied` (`issuer_not_allowed`) where one is enforced. Of a pattern nothing is said:
    the issuer of each token is asked for when it is exchanged.
    """
    issuer = _issuer(identity)
    if not issuer:
        return ()
    judgement = judge(issuer, asked)
    if judgement.refused_by:
        raise not_allowed(issuer, judgement.refused_by, field="issuer")
    if not judgement.noted_by:
        return ()
    whose = " and the ".join(judgement.noted_by)
    message = f"{issuer!r} is not on the list of issuers that the {whose} allows."
    advice = "Have it put there before the list is enforced, or remove the identity."
    return (Finding(NOT_ALLOWED, "issuer", message, advice),)


def _issuer(identity: Identity) -> str:
    match identity.relationship:
        case ClaimMatch() | StaticKeys() as rules:
            return rules.issuer
        case _:
            return ""
