"""An identity's claim rules as lint looks at them: each a pattern, whatever it was."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import re2

from broker.iam.lint.patterns import takes_everything
from broker.iam.model import ClaimMatch, StaticKeys


@dataclass(frozen=True)
class Condition:
    """What one value has to be. A literal is the pattern that takes it alone."""

    field: str
    """As in a declaration."""
    pattern: str
    is_literal: bool

    @cached_property
    def is_open(self) -> bool:
        """Whether it takes everything."""
        return not self.is_literal and takes_everything(self.pattern)


@dataclass(frozen=True, slots=True)
class Conditions:
    """All of an identity."""

    issuer: Condition
    subject: Condition
    audience: Condition | None
    claims: dict[str, tuple[Condition, ...]]
    """By claim name; a name may have a literal and a pattern."""

    @property
    def patterns(self) -> dict[str, str]:
        """Field → pattern, of those that were written as patterns."""
        each = [self.issuer, self.subject, *([self.audience] if self.audience else [])]
        each += [condition for conditions in self.claims.values() for condition in conditions]
        return {one.field: one.pattern for one in each if not one.is_literal}

    def of_claim(self, name: str) -> Condition | None:
        """A claim's narrowest rule that is one; None where everything passes."""
        found = [each for each in self.claims.get(name, ()) if not each.is_open]
        return min(found, key=lambda each: not each.is_literal, default=None)


def conditions(rules: ClaimMatch | StaticKeys) -> Conditions:
    """Of an identity whose rules have passed validation."""
    if isinstance(rules, StaticKeys):
        issuer, subject = _literal("issuer", rules.issuer), _literal("subject", rules.subject)
        return Conditions(issuer, subject, None, {})
    claims: dict[str, tuple[Condition, ...]] = {}
    for name, value in rules.claims.items():
        claims[name] = (_literal(f"claims.{name}", value),)
    for name, value in rules.claim_patterns.items():
        condition = Condition(f"claim_patterns.{name}", value, is_literal=False)
        claims[name] = (*claims.get(name, ()), condition)
    audience = None
    if rules.audience or rules.audience_pattern:
        audience = _either("audience", rules.audience, rules.audience_pattern)
    return Conditions(
        _either("issuer", rules.issuer, rules.issuer_pattern),
        _either("subject", rules.subject, rules.subject_pattern),
        audience,
        claims,
    )


def _either(name: str, literal: str, pattern: str) -> Condition:
    if literal:
        return _literal(name, literal)
    return Condition(f"{name}_pattern", pattern, is_literal=False)


def _literal(field: str, value: str) -> Condition:
    return Condition(field, re2.escape(value), is_literal=True)
