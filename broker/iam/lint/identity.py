"""Everything that lint finds about one identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from broker.iam.lint import findings as rules
from broker.iam.lint.aws import aws_findings
from broker.iam.lint.claims import Conditions, conditions
from broker.iam.lint.findings import Finding, Level, at_least
from broker.iam.lint.github import github_findings
from broker.iam.lint.issuers import Pins, issuer_findings, platforms_of
from broker.iam.lint.patterns import gap_findings, pattern_findings, takes_everything
from broker.iam.lint.reasoning import Reasoning
from broker.iam.lint.static_keys import static_findings
from broker.iam.model import AwsIdentity, ClaimMatch, Identity, Relationship, StaticKeys

OWNER: Final = "owner"
LONG: Final = 3600
"""Seconds."""


def lint_identity(
    identity: Identity, *, now: datetime, roles: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """Findings about a valid identity, the worst first. `roles`: names of built-in roles that it
    holds anywhere.
    """
    found = list(lint_rules(identity.relationship, now=now, roles=roles))
    is_long = identity.max_token_lifetime >= LONG and not identity.expires_with_upstream
    if is_long and isinstance(identity.relationship, ClaimMatch | StaticKeys):
        found.append(
            Finding(
                rules.LONG_LIFETIME,
                "max_token_lifetime",
                "what is minted lives up to an hour.",
                "Ask for what a job needs (15m), or set expires_with_upstream.",
            )
        )
    return tuple(sorted(found, key=lambda finding: -finding.level))


def lint_rules(
    relationship: Relationship, *, now: datetime, roles: Iterable[str] = ()
) -> tuple[Finding, ...]:
    """The same of the rules alone."""
    found = list(_of(relationship, now))
    if OWNER in roles and at_least(found, Level.WARNING):
        worst = max(found, key=lambda finding: finding.level)
        found.append(
            Finding(
                rules.OWNER_OF_WEAK_RULES,
                "roles",
                f"the role owner is held by whoever passes these rules ({worst.rule.id}).",
                "Mend the rules, or bind a smaller role.",
            )
        )
    return tuple(sorted(found, key=lambda finding: -finding.level))


def _of(relationship: Relationship, now: datetime) -> Iterator[Finding]:
    reasoning = Reasoning()
    match relationship:
        case ClaimMatch() as claims:
            given = conditions(claims)
            yield from _claim_match(given, reasoning)
            yield from gap_findings(given.patterns, reasoning)
        case StaticKeys() as static:
            yield from static_findings(static, now)
        case AwsIdentity() as aws:
            yield from aws_findings(aws, reasoning)
            patterns = {
                "aws_identity.arn_pattern": aws.arn_pattern,
                "aws_identity.user_id_pattern": aws.user_id_pattern,
            }
            yield from gap_findings(patterns, reasoning)
        case _:
            return  # people and services have no rules that somebody wrote


def _claim_match(given: Conditions, reasoning: Reasoning) -> Iterator[Finding]:
    for field, pattern in given.patterns.items():
        if not takes_everything(pattern):
            yield from pattern_findings(field, pattern, reasoning)
        elif field != "issuer_pattern":
            yield _everything(field, given)
    yield from issuer_findings(given, reasoning)
    for platform in platforms_of(given, reasoning):
        yield from Pins(platform, given, reasoning).findings()
    yield from github_findings(given, reasoning)


def _everything(field: str, given: Conditions) -> Finding:
    """Of a pattern that takes everything. Beside a rule for a claim, that of the subject may."""
    if field == "audience_pattern":
        message = "accepts tokens that were meant for any other service."
        advice = "Name the audience, or leave it out: the broker's own is the default."
        return Finding(rules.MATCHES_EVERYTHING, field, message, advice)
    pinned = any(given.of_claim(name) is not None for name in given.claims)
    if field == "subject_pattern" and not pinned:
        message = "accepts every token of the issuer."
        return Finding(rules.MATCHES_EVERYTHING, field, message, "Name the subject.")
    return Finding(
        rules.WITHOUT_EFFECT,
        field,
        "accepts every value.",
        "Write what the value has to be; where it does not matter, leave a claim's rule out.",
    )
